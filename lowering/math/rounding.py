"""floor, ceil, trunc, round_even: one instruction each."""
from __future__ import annotations

from .registry import function
from .vocabulary import round_down, round_half_even, round_to_zero, round_up


@function("f")
def floor(x):
    """The largest integer not above x."""
    return round_down(x)


@function("f")
def ceil(x):
    """The smallest integer not below x."""
    return round_up(x)


@function("f")
def trunc(x):
    """x without its fraction."""
    return round_to_zero(x)


@function("f")
def round_even(x):
    """The nearest integer; halves go to the even one."""
    return round_half_even(x)
