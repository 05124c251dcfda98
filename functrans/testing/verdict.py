"""Whether a derivative agrees with differences: opinions, from cheap to thorough.

In: a `Line`, and what a derivative along it is said to be. Out: None, or what is wrong. A value is
wrong only if no opinion allows it. Imports `differences`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from functrans.testing.differences import COARSE, Line, Slope, best_slope

RELATIVE = 1e-8              # rounding of the derivative itself, for functions in good condition


@dataclass(frozen=True)
class Tolerance:
    """What is allowed besides the estimated error of the differences."""
    atol: float = 0.0
    rtol: float = 0.0

    @np.errstate(all="ignore")
    def of(self, slope: Slope) -> np.ndarray:
        """A bound for each component: relative to it, and a little to the largest."""
        size = np.where(slope.judged & np.isfinite(slope.middle), np.abs(slope.middle), 0)
        scale = np.sqrt(np.mean(size * size)) if size.size else 0.0
        return slope.error + self.atol + (self.rtol + RELATIVE) * size + 0.01 * RELATIVE * scale


@dataclass(frozen=True)
class Mismatch:
    """A wrong value: at which component, what was expected and got, and how sure that is."""
    component: int
    expected: tuple[float, float]
    got: float
    error: float
    method: str
    remainder: float

    @property
    def distance(self) -> float:
        low, high = self.expected
        return max(low - self.got, self.got - high)


def opinions(line: Line) -> Iterator[Slope]:
    """Bounds of the slope, wider and wider."""
    slope = best_slope(line)
    yield slope
    other = line.complex_step()
    yield slope.where(other.judged, other)
    yield slope.hull(line.interval())


def disagreement(line: Line, got: np.ndarray, tolerance: Tolerance,
                 weights: np.ndarray | None = None,
                 rounding: Callable[[], np.ndarray] | None = None) -> Mismatch | None:
    """What is wrong with `got`, the slope along a line; None if nothing is.

    weights: then `got` is the slope of the weighted sum of the components. rounding: how far off
    `got` may be since it was computed with rounding; asked only if there is no other excuse.
    """
    allowed = np.full(got.shape, False)
    first = None
    for slope in opinions(line):
        slope = slope if weights is None else _paired(line, slope, weights, first is None)
        room = _room(line, slope, tolerance, weights)
        off = slope.distance(got)
        allowed |= off <= room
        if first is None:
            first = slope, room, off
        if allowed.all():
            return None
    if rounding is not None:
        allowed |= (first[2] <= first[1] + rounding()) & np.isfinite(first[2])
    return None if allowed.all() else _mismatch(line, got, first, slope, allowed, weights)


def _paired(line: Line, slope: Slope, weights: np.ndarray, is_first: bool) -> Slope:
    """The slope of the weighted sum; of noisy values by differences of the sum itself, in which the
    noise cancels in part, if they are sharper."""
    slope = slope.paired(weights)
    if not is_first or line.eps <= COARSE:
        return slope
    whole = line.weighted(weights).central()
    return slope.where(whole.judged & (whole.error < slope.error), whole)


def _room(line: Line, slope: Slope, tolerance: Tolerance, weights) -> np.ndarray:
    """The tolerance; of a weighted sum relative to its terms, which may cancel."""
    if weights is None:
        return tolerance.of(slope)
    terms = np.abs(weights * np.where(line.central().judged, line.central().middle, 0))
    return tolerance.of(slope) + (tolerance.rtol + RELATIVE) * terms.sum()


def _mismatch(line: Line, got, first: tuple, last: Slope, allowed, weights) -> Mismatch:
    slope, room, off = first
    with np.errstate(all="ignore"):
        excess = np.where(allowed, -1.0, off / np.maximum(room, 1e-300))
    worst = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
    kink = last.high[worst] - last.low[worst] > 10 * last.error[worst]
    bounds = last if kink else slope
    remainder = line.remainder_slope(got) if weights is None else \
        line.weighted(weights).remainder_slope(got)
    return Mismatch(worst, (float(bounds.low[worst]), float(bounds.high[worst])),
                    float(got[worst]), float(room[worst]), bounds.method, remainder)
