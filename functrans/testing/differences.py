"""Derivatives from values alone: what analytic derivatives are judged by.

In: a function of one number, to a vector: `g(t) = f(x + t v)`. Out: `Slope`: bounds of its
derivative at 0, and how far off they may be. Three methods, each with an estimate of its error:

- central differences on a ladder of steps, extrapolated (Richardson): the estimate sets the
  tolerance, so a noisy or rough function is judged as sharply as it can be, and not more
- one-sided differences likewise, where the function may have a kink: their interval holds what
  a valid subgradient gives
- the complex step, `Im g(ih) / h`, where the function is analytic: found out by trying

Knows NumPy only, and nothing of functrans: functions of any library can be judged by it.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in
Engineering Software 4 (1982); W. Squire and G. Trapp, "Using complex variables to estimate
derivatives of real functions", SIAM Review 40 (1998).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RATIO = 4.0                      # of one step of the ladder to the next
LARGEST = RATIO ** -2            # the first step
LEVELS = (6, 11, 17)             # how many steps are tried: more where fewer do not tell enough
SHARP = 1e-7                     # a relative error below which no more steps are needed
SAFETY = 4.0                     # the bounds of an error are its estimate, times this
COARSE = 1e-10                   # the relative precision of values from which steps are larger
TINY = 1e-30                     # the complex step


@dataclass(frozen=True)
class Slope:
    """Bounds of a derivative: vectors, one entry for each component of the function.

    low, high: equal, but where there is a kink. error: how far outside a right value may be.
    judged: where anything is known. method: how it was found.
    """
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    judged: np.ndarray
    method: str

    @property
    @np.errstate(all="ignore")
    def middle(self) -> np.ndarray:
        return np.where(np.isfinite(self.low) & np.isfinite(self.high),
                        (self.low + self.high) / 2, self.low)

    def distance(self, value: np.ndarray) -> np.ndarray:
        """How far outside of the bounds a value is; infinite for NaN, if the bounds are finite;
        zero where nothing is known."""
        inside = (value >= self.low) & (value <= self.high)
        with np.errstate(all="ignore"):
            off = np.where(inside, 0.0, np.maximum(self.low - value, value - self.high))
        off = np.where(np.isnan(value), np.where(np.isfinite(self.high - self.low), np.inf, 0), off)
        return np.where(self.judged, off, 0.0)

    def where(self, better: np.ndarray, other: Slope) -> Slope:
        """This one, but `other` in the components that are `better`."""
        def choose(a, b):
            return np.where(better, b, a)
        news = np.any(better) and other.method not in self.method
        method = f"{self.method}; {other.method}" if news else self.method
        return Slope(choose(self.low, other.low), choose(self.high, other.high),
                     choose(self.error, other.error), choose(self.judged, other.judged), method)

    def hull(self, other: Slope) -> Slope:
        """From the smaller to the larger of both, in the components that both know."""
        both = self.judged & other.judged
        wide = Slope(np.minimum(self.low, other.low), np.maximum(self.high, other.high),
                     np.maximum(self.error, other.error), both, other.method)
        return self.where(both, wide)

    def paired(self, weights: np.ndarray) -> Slope:
        """The derivative of the weighted sum of the components (a vector of one entry)."""
        used = self.judged & (weights != 0)
        w, low, high = weights[used], self.low[used], self.high[used]
        ends = np.stack([w * low, w * high]) if w.size else np.zeros((2, 0))
        return Slope(ends.min(0).sum(keepdims=True), ends.max(0).sum(keepdims=True),
                     np.array([np.sum(np.abs(w) * self.error[used])]), np.array([True]),
                     self.method)


class Line:
    """A function along a line through a point: its values at 0 and at the steps of a ladder.

    function: of a float (or an imaginary number, where it can) to a vector of float64.
    eps: the relative precision of its values. largest: the first step of the ladder; of coarse
    values it is eight times as large.
    """

    def __init__(self, function: Callable, eps: float = 2.0 ** -52, largest: float = LARGEST):
        self.function = function
        self.eps = eps
        self.largest = 8 * largest if eps > COARSE else largest
        self._values: dict = {}
        self.centre = self.at(0.0)
        self.levels = LEVELS[0]

    def at(self, t) -> np.ndarray:
        if t not in self._values:
            with np.errstate(all="ignore"):
                self._values[t] = np.asarray(self.function(t))
        return self._values[t]

    def steps(self, levels: int) -> np.ndarray:
        return self.largest * RATIO ** -np.arange(levels, dtype=float)

    def weighted(self, weights: np.ndarray) -> Line:
        """The line of the weighted sum of the components that have a value."""
        used = self.defined & (weights != 0)
        line = Line(lambda t: np.array([weights[used] @ self.at(t)[used]]), self.eps)
        line.levels, line.largest = self.levels, self.largest
        return line

    @property
    def defined(self) -> np.ndarray:
        """The components that have a finite value at the point."""
        return np.isfinite(self.centre)

    # ---- estimates ----

    def central(self) -> Slope:
        """Central differences, extrapolated; more steps until the estimate is sharp."""
        for levels in LEVELS:
            self.levels = levels
            slope = self._extrapolated(lambda h: (self.at(h) - self.at(-h)) / (2 * h), (2, 4),
                                       levels, "central differences, extrapolated")
            if self._is_sharp(slope):
                break
        return slope

    def _is_sharp(self, slope: Slope) -> bool:
        scale = np.maximum(np.abs(slope.low), 1e-3 * np.max(np.abs(slope.low), initial=0,
                                                           where=slope.judged))
        scale = np.maximum(scale, 1e-5 * self.size(1))
        return bool(np.all((slope.error <= SHARP * scale) | ~self.defined))

    def one_sided(self) -> tuple[Slope, Slope]:
        """The slopes to the left and to the right."""
        def left(h):
            return (self.centre - self.at(-h)) / h

        def right(h):
            return (self.at(h) - self.centre) / h
        self.levels = max(self.levels, LEVELS[1])
        return tuple(self._extrapolated(side, (1, 2), self.levels, "one-sided differences")
                     for side in (left, right))

    def interval(self) -> Slope:
        """From the smaller to the larger of both one-sided slopes; what does not converge is
        without bound on its side."""
        left, right = self.one_sided()
        low, high = np.full_like(left.low, np.inf), np.full_like(left.low, -np.inf)
        error = np.zeros_like(low)
        for sign, side in ((-1, left), (1, right)):
            value, wild = side.low, self._diverges(sign)
            low = np.where(side.judged, np.minimum(low, np.where(wild & (value < 0), -np.inf,
                                                                 value)), low)
            high = np.where(side.judged, np.maximum(high, np.where(wild & (value > 0), np.inf,
                                                                   value)), high)
            error = np.where(side.judged & ~wild, np.maximum(error, side.error), error)
        judged = left.judged | right.judged
        if self.eps > COARSE:            # one-sided slopes are blunt then: they must show a kink
            apart = np.abs(right.low - left.low) > (left.error + right.error) / SAFETY
            judged &= apart | ~left.judged | ~right.judged
        low, high = np.where(judged, low, 0), np.where(judged, high, 0)
        return Slope(low, high, error, judged, "the interval of one-sided slopes")

    def _diverges(self, sign: int) -> np.ndarray:
        """Where the slope to one side grows and grows as steps shrink: a jump, or a root at 0."""
        with np.errstate(all="ignore"):
            last = [(self.at(sign * h) - self.centre) / h for h in self.steps(self.levels)[-5:]]
            return np.all([b / a > 1.5 for a, b in zip(last, last[1:])], axis=0)

    @np.errstate(all="ignore")
    def _extrapolated(self, difference: Callable, powers: tuple, levels: int,
                      method: str) -> Slope:
        """Richardson's extrapolation of differences whose error is a h^p + b h^q + ...

        The error of an entry is the change from one entry to the next of the column before: so it
        is that of a less exact entry. Noise grows as steps shrink, so the changes that follow,
        scaled back, bound it too: a change that is small by chance does not deceive. Nor does a
        staircase, which a function is that rounds on the way, and which is flat from near by.
        """
        steps = self.steps(levels)
        table = np.stack([difference(h) for h in steps])
        first = table[1:] + np.diff(table, axis=0) / (RATIO ** powers[0] - 1)
        change = np.abs(np.diff(first, axis=0))
        second = first[1:] + np.diff(first, axis=0) / (RATIO ** powers[1] - 1)
        error = np.maximum(np.maximum(change[:-2], change[1:-1] / RATIO),
                           change[2:] / RATIO ** 2)
        noise = np.maximum(self.eps * self.size(levels), _stair(np.abs(table) * steps[:, None]))
        error += noise / steps[2:-2, None]
        error = np.where(np.isfinite(error) & self.defined, error, np.inf)
        best = np.argmin(error, axis=0)
        columns = np.arange(table.shape[1])
        chosen, bound = second[best, columns], error[best, columns]
        judged = np.isfinite(bound)
        chosen = np.where(judged, chosen, 0.0)
        return Slope(chosen, chosen, np.where(judged, SAFETY * bound, np.inf), judged, method)

    @np.errstate(all="ignore")
    def resolution(self, derivative: np.ndarray) -> float:
        """The relative precision with which the function is computed inside: that of its values,
        or less, where it rounds on the way (to float32, say).

        Then it is a staircase: over steps shorter than a stair, differences are not the slope.
        """
        for exponent in range(15, 40, 3):
            h = 2.0 ** -exponent
            off = np.abs((self.at(h) - self.at(-h)) / (2 * h) - derivative)
            room = 0.1 * np.abs(derivative) + 16 * self.eps * self.size(self.levels) / h
            if np.any((off > room) & self.defined & np.isfinite(derivative)):
                return 4 * h
        return self.eps

    def size(self, levels: int) -> np.ndarray:
        """The largest value of each component, at the point and near it."""
        near = [self.centre, *(self.at(sign * h) for h in self.steps(levels)[-3:]
                               for sign in (1, -1))]
        with np.errstate(all="ignore"):
            sizes = np.abs(np.stack(near))
        return np.max(np.where(np.isfinite(sizes), sizes, 0), axis=0)

    # ---- the complex step ----

    def complex_step(self) -> Slope:
        """Exact but for rounding, where it is judged: where the function is analytic.

        At a step of moderate size, the differences along the real and along the imaginary axis
        have opposite errors: their mean must be the slope again. Functions that take no complex
        numbers, or drop their imaginary part, are not judged.
        """
        nothing = np.zeros(self.centre.shape, bool)
        try:
            tiny, h = self.at(TINY * 1j), float(self.steps(4)[-1])
            moderate = self.at(h * 1j)
        except Exception:                # whatever a function raises at complex numbers
            return self._complex(np.zeros(self.centre.shape), nothing)
        if tiny.dtype.kind != "c" or tiny.shape != self.centre.shape:
            return self._complex(np.zeros(self.centre.shape), nothing)
        value = tiny.imag / TINY
        with np.errstate(all="ignore"):
            mean = (moderate.imag / h + (self.at(h) - self.at(-h)) / (2 * h)) / 2
            room = 1e-6 * (np.abs(value) + np.abs(mean)) + 8 * self.eps * self.size(4) / h
            analytic = (np.abs(mean - value) <= room) & np.isfinite(value) & (
                np.abs(tiny.real - self.centre) <= 1e-12 * self.size(4))
        return self._complex(value, analytic)

    def _complex(self, value: np.ndarray, judged: np.ndarray) -> Slope:
        value = np.where(judged, value, 0.0)
        scale = np.max(np.abs(value), initial=0)
        error = np.where(judged, 1e3 * self.eps * (np.abs(value) + 1e-3 * scale), np.inf)
        return Slope(value, value, error, judged, "complex step")

    # ---- Taylor's theorem ----

    def remainder_slope(self, derivative: np.ndarray) -> float:
        """The p in |g(h) - g(-h) - 2 h g'| ~ h^p, of all components together.

        With the right derivative it is 3 for smooth functions; with a wrong one it is 1. NaN where
        the remainder drowns in rounding, which says that nothing is wrong.
        """
        used = self.defined & np.isfinite(derivative)
        steps = self.steps(self.levels)
        with np.errstate(all="ignore"):
            rest = [np.linalg.norm((self.at(h) - self.at(-h) - 2 * h * derivative)[used])
                    for h in steps]
        floor = 8 * self.eps * np.linalg.norm(self.size(self.levels)[used])
        above = [(h, r) for h, r in zip(steps, rest) if np.isfinite(r) and r > floor][-4:]
        if len(above) < 2:
            return float("nan")
        return float(np.polyfit(*np.log(np.array(above)).T, 1)[0])


def _stair(moves: np.ndarray) -> np.ndarray:
    """The height of a stair, of functions that some steps (rows) do not move at all, or 0."""
    least = np.min(np.where(moves > 0, moves, np.inf), axis=0)
    return np.where(np.any(moves == 0, axis=0) & np.isfinite(least), least, 0.0)


def derivative_along(function: Callable, points, directions, eps: float = 2.0 ** -52) -> Slope:
    """The derivative of a function of arrays along a direction, from values in float64.

    function: of float64 or complex128 arrays, to one array or a sequence of them; points: its
    arguments; directions: of the same shapes. Returns a `Slope` over all entries of the results in
    order, complex ones as pairs (real, imaginary). eps: the relative precision of the values.

    >>> import numpy as np
    >>> from functrans.testing.differences import derivative_along
    >>> slope = derivative_along(np.sin, [np.array([0.0, 1.0])], [np.array([1.0, 2.0])])
    >>> np.round(slope.middle, 6).tolist(), bool((slope.error < 1e-8).all())
    ([1.0, 1.080605], True)
    """
    def along(t):
        moved = [point + t * direction for point, direction in zip(points, directions)]
        out = function(*moved)
        return as_vector(out if isinstance(out, (tuple, list)) else [out],
                         imaginary=isinstance(t, complex))

    line = Line(along, eps)
    return best_slope(line)


def best_slope(line: Line) -> Slope:
    """Central differences; where they are blunt the complex step, or the one-sided interval."""
    slope = line.central()
    if line._is_sharp(slope):
        return slope
    other = line.complex_step()
    slope = slope.where(other.judged & (other.error < slope.error), other)
    return slope.where(line.defined & ~slope.judged, line.interval())


def as_vector(arrays, imaginary: bool = False) -> np.ndarray:
    """All entries in one vector: complex arrays as pairs, unless they stand for the complex step
    (`imaginary`) of functions with real results."""
    parts = [np.asarray(array) for array in arrays]
    if imaginary:
        kind = complex if any(part.dtype.kind == "c" for part in parts) else float
        return np.concatenate([np.zeros(0, kind), *(part.astype(kind).ravel() for part in parts)])
    return np.concatenate([np.zeros(0), *map(_real_entries, parts)])


def _real_entries(part: np.ndarray) -> np.ndarray:
    if part.dtype.kind == "c":
        return np.ascontiguousarray(part, np.complex128).reshape(-1).view(np.float64)
    return part.astype(np.float64).ravel()
