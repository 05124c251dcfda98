"""floor_divide, remainder, fmod, with NumPy's results for zero divisors and overflow.

For floats the remainder is exact: a - q b by fused multiply-add with q = trunc(a / b), put right
where rounding made q one too large. Quotients beyond the precision are left to the C library,
see `rare.py`.
"""
from __future__ import annotations

from .rare import FMOD, rarely
from .registry import function, version
from .vocabulary import (F32, F64, fused, magnitude, quotient_of_integers, round_down,
                         round_to_zero, where, with_sign_of)

# Quotients up to here are integers below the precision, even after rounding.
_LIMIT = {F32: 2.0 ** 22, F64: 2.0 ** 51}


@function("f")
def fmod(x, y):
    """The remainder of x / y truncated, exact, with the sign of x; NaN for y == 0 (np.fmod)."""
    a, b = magnitude(x), magnitude(y)
    quotient = a / b
    rest = fused(-round_to_zero(quotient), b, a)
    rest = where(rest < 0, rest + b, rest)
    rest = where(b == float("inf"), a, rest)
    limit = _LIMIT[x.dtype]
    # a / b may also be infinite, or NaN where the result is.
    rest = where(quotient > limit, rarely(FMOD, quotient, limit, a, b), rest)
    rest = where((a == float("inf")) | (b == 0) | (b != b), float("nan"), rest)
    return with_sign_of(rest, x)


@function("f")
def remainder(x, y):
    """x - floor(x / y) y, with the sign of y; NaN for y == 0 (np.remainder)."""
    rest = fmod(x, y)
    opposite = (rest < 0) ^ (y < 0)
    return where(rest == 0, with_sign_of(rest, y), where(opposite, rest + y, rest))


@function("f")
def floor_divide(x, y):
    """floor(x / y), also where x / y rounds to an integer above it (np.floor_divide)."""
    rest = fmod(x, y)
    exact = (x - rest) / y
    exact = where((rest != 0) & ((rest < 0) ^ (y < 0)), exact - 1, exact)
    floor = round_down(exact)
    floor = where(exact - floor > 0.5, floor + 1, floor)
    floor = where(exact == 0, with_sign_of(exact, x / y), floor)
    return where(y == 0, x / y, floor)


def _quotient(x, y):
    """x / y truncated; 0 for y == 0, and the smallest integer over -1 stays as it is."""
    harmless = where(y == 0, 1, y)
    if x.dtype.kind == "u":
        return where(y == 0, 0, quotient_of_integers(x, harmless))
    negated = y == -1
    quotient = quotient_of_integers(x, where(negated, 1, harmless))
    return where(y == 0, 0, where(negated, -quotient, quotient))


@version(fmod, "iu")
def _fmod_integer(x, y):
    return where(y == 0, 0, x - _quotient(x, y) * y)


@version(remainder, "iu")
def _remainder_integer(x, y):
    rest = _fmod_integer(x, y)
    return where((rest != 0) & ((rest < 0) ^ (y < 0)), rest + y, rest)


@version(floor_divide, "iu")
def _floor_divide_integer(x, y):
    quotient = _quotient(x, y)
    rest = x - quotient * y
    inexact = (rest != 0) & (y != 0) & ((rest < 0) ^ (y < 0))
    return where(inexact, quotient - 1, quotient)
