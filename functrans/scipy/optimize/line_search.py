"""How far to go along a direction: a step that meets the strong Wolfe conditions.

J. Nocedal and S. Wright, "Numerical Optimization", 2nd edition (2006), algorithms 3.5 (the step
grows until an interval holds an acceptable one) and 3.6 (the interval shrinks). In single precision
the difference of two values near a minimum is rounding alone; there the slopes decide: W. Hager and
H. Zhang, SIAM Journal on Optimization 16 (2005), the approximate Wolfe conditions.

In: a function of the step, the point at step 0. Out: `Found`. Imports `lax`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from functrans import tree
from functrans.array import ArrayBase
from functrans.lax.loops import while_loop
from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import abs, copysign, isfinite, sqrt

# How much of the decrease that the slope promises is asked for, and of the slope may be left.
DECREASE, CURVATURE = 1e-4, 0.9


class Point(NamedTuple):
    """The function at a step. step, value, slope: scalars; gradient: (n,)."""
    step: ArrayBase
    value: ArrayBase
    slope: ArrayBase
    gradient: ArrayBase


class Found(NamedTuple):
    """What a search found. failed: whether no step was accepted; evaluations: how many it took."""
    point: Point
    failed: ArrayBase
    evaluations: ArrayBase


class _Search(NamedTuple):
    """low, high: ends of the interval, low the one with the smaller value. trial: the next step.
    bracketed: whether the interval is known to hold an acceptable step; done: low is accepted."""
    low: Point
    high: Point
    trial: ArrayBase
    count: ArrayBase
    bracketed: ArrayBase
    done: ArrayBase


def line_search(along: Callable, start: Point, first, limit: int) -> Found:
    """A step along a direction of descent.

    along: gives the Point of a step. start: the Point at step 0. first: the step that is tried
    first, a positive scalar. limit: how often the function is evaluated at most.
    """
    def unfinished(search: _Search):
        return ~search.done & (search.count < limit)

    def step(search: _Search) -> _Search:
        return _refined(search, along(search.trial), start)
    begin = _Search(start, start, first, np.int64(0), np.bool_(False), np.bool_(False))
    end = while_loop(unfinished, step, begin)
    return Found(end.low, ~end.done, end.count)


def _refined(search: _Search, new: Point, start: Point) -> _Search:
    """The search with one more point: it is accepted, or becomes an end of the interval."""
    accepted = _is_accepted(new, start)
    too_far = ~_decreases(new, start) | (new.value >= search.low.value) & (search.count > 0)
    width = search.high.step - search.low.step
    turned = where(search.bracketed, new.slope * width >= 0, new.slope >= 0)
    low = _choose(accepted | ~too_far, new, search.low)
    high = _choose(too_far, new, _choose(turned | ~search.bracketed, search.low, search.high))
    bracketed = search.bracketed | too_far | turned
    trial = where(bracketed, _between(low, high), 2 * new.step)
    return _Search(low, high, trial, search.count + 1, bracketed, accepted)


def _decreases(new: Point, start: Point):
    """Sufficient decrease; not of infinite values and NaN."""
    return (new.value <= start.value + DECREASE * new.step * start.slope) & isfinite(new.value)


def _is_accepted(new: Point, start: Point):
    exact = _decreases(new, start) & (abs(new.slope) <= -CURVATURE * start.slope)
    rounding = 4 * np.finfo(start.value.dtype).eps
    close = new.value <= start.value + rounding * abs(start.value)
    by_slope = (new.slope <= (2 * DECREASE - 1) * start.slope) & \
        (new.slope >= CURVATURE * start.slope)
    return exact | close & by_slope


def _choose(condition, one: Point, other: Point) -> Point:
    return tree.map(lambda x, y: where(condition, x, y), one, other)


def _between(low: Point, high: Point):
    """The minimum of the cubic through both ends (Nocedal and Wright, equation 3.59).

    Their middle, where the cubic has none well inside of the interval.
    """
    width = high.step - low.step
    safe = where(width == 0, 1, width)
    chord = low.slope + high.slope - 3 * (high.value - low.value) / safe
    square = chord * chord - low.slope * high.slope
    root = copysign(sqrt(where(square > 0, square, 1)), width)
    divisor = high.slope - low.slope + 2 * root
    part = 1 - (high.slope + root - chord) / where(divisor == 0, 1, divisor)
    inside = (square > 0) & (part > 0.1) & (part < 0.9) & isfinite(high.value)
    return low.step + width * where(inside, part, 0.5)
