"""Interpolation between points of a grid. Imports `numpy`.
"""
from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.calculus import cast_like
from functrans.numpy.choosing import where
from functrans.numpy.joining import stack
from functrans.numpy.manipulation import broadcast_arrays
from functrans.numpy.indexing import getitem
from functrans.numpy.promotion import as_arraylike, materialize, promote_inexact
from functrans.numpy.searching import searchsorted
from functrans.numpy.turning import flip
from functrans.numpy.ufuncs import clip, isnan
from functrans.primitives.elementwise import stop_gradient

__all__ = ["RegularGridInterpolator"]

_METHODS = ("linear", "nearest")


class RegularGridInterpolator:
    """A function that is known at the points of a rectangular grid.

    points: n vectors, the coordinates along each of the first n axes of the values; they rise or
    fall (rise, where they are not known while tracing). values: real or complex; further axes are
    axes of the result. method: "linear", along each axis, or "nearest".
    bounds_error: whether places outside of the grid raise ValueError; they must then be known, so
    not under `jit`. fill_value: the value there otherwise; None to extrapolate.

    Called with places (..., n), or a tuple of n arrays that are broadcast, and perhaps a method,
    it gives (..., further axes). Differentiable in places, values and points.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> points = (fnp.array([0.0, 1.0]), fnp.array([0.0, 2.0]))
    >>> values = fnp.array([[0.0, 1.0], [10.0, 11.0]])
    >>> ft.scipy.interpolate.RegularGridInterpolator(points, values)(fnp.array([0.5, 1.0]))
    Array(5.5, dtype=float32)
    """

    def __init__(self, points: Sequence, values, method: str = "linear",
                 bounds_error: bool = False, fill_value=np.nan):
        self.method = _checked_method(method)
        self.bounds_error = bool(bounds_error)
        self.values = materialize(promote_inexact(as_arraylike(values, "values"))[0])
        if len(points) > self.values.ndim:
            raise ShapeError(f"interpolate.RegularGridInterpolator: {len(points)} vectors of "
                             f"points, but the values are {self.values.type}")
        self.grid = tuple(self._axis(place, line) for place, line in enumerate(points))
        self.fill_value = None if fill_value is None else _as_value(fill_value, self.values)

    def __call__(self, xi, method: str | None = None):
        method = self.method if method is None else _checked_method(method)
        x = self._places(xi)
        lead, count = x.shape[:-1], len(self.grid)
        lines = [x[..., k].ravel() for k in range(count)]
        outside = sum(((line < grid[0]) | (line > grid[-1]) for line, grid in
                       zip(lines, self.grid)), start=np.bool_(False))
        if self.bounds_error and outside.any():
            raise ArgumentError("interpolate.RegularGridInterpolator: a place lies outside of the "
                                "grid; pass bounds_error=False for fill_value there")
        axes = [_cell(line, grid) for line, grid in zip(lines, self.grid)]
        value = (_linear if method == "linear" else _nearest)(self.values, axes)
        if self.fill_value is not None:
            value = where(_column(outside, value), self.fill_value, value)
        unknown = sum((isnan(line) for line in lines), start=np.bool_(False))
        value = where(_column(unknown, value), np.nan, value)
        return value.reshape(*lead, *self.values.shape[count:])

    def _axis(self, place: int, line):
        """A vector of coordinates that rise; one that falls is turned, with the values."""
        line = materialize(promote_inexact(as_arraylike(line, "points"))[0])
        if line.shape != self.values.shape[place:place + 1]:
            raise ShapeError(f"interpolate.RegularGridInterpolator: points[{place}] is {line.type},"
                             f" but axis {place} of the values has {self.values.shape[place]}")
        if not isinstance(line, Array):
            return line
        steps = np.diff(np.asarray(line))
        if len(steps) and (steps < 0).all():
            self.values = flip(self.values, place)
            return flip(line)
        if not (steps > 0).all():
            raise ArgumentError(f"interpolate.RegularGridInterpolator: points[{place}] must rise "
                                "or fall strictly")
        return line

    def _places(self, xi):
        if isinstance(xi, tuple):
            xi = stack(broadcast_arrays(*[as_arraylike(x, "xi") for x in xi]), -1)
        x = materialize(promote_inexact(as_arraylike(xi, "xi"))[0])
        if x.ndim == 0 or len(self.grid) == 1 and x.shape[-1] != 1:
            x = x[..., None]
        if x.shape[-1] != len(self.grid):
            raise ShapeError(f"interpolate.RegularGridInterpolator: places need {len(self.grid)} "
                             f"coordinates in their last axis, got {x.type}")
        return x


def _checked_method(method: str) -> str:
    if method not in _METHODS:
        raise ArgumentError("interpolate.RegularGridInterpolator: method must be 'linear' or "
                            f"'nearest', got {method!r}")
    return method


def _as_value(fill, values):
    kind = as_arraylike(fill, "fill_value").type
    if not np.can_cast(kind.dtype, values.dtype, "same_kind"):
        raise ArgumentError(f"interpolate.RegularGridInterpolator: fill_value {kind} does not fit "
                            f"values of {values.dtype.name}")
    return cast_like(fill, values)


def _column(flags, value):
    """Flags of places beside values with further axes."""
    return flags.reshape(flags.shape + (1,) * (value.ndim - flags.ndim))


def _cell(x, grid) -> tuple:
    """(point before, point behind, part of the way between them); at the ends the last cells."""
    last = grid.size - 1
    low = clip(searchsorted(grid, stop_gradient(x), "right") - 1, 0, max(last - 1, 0))
    high = low + 1 if last else low
    start, stop = (getitem(grid, (place,), "promise") for place in (low, high))
    return low, high, (x - start) / where(stop == start, 1, stop - start)


def _linear(values, axes: Sequence[tuple]):
    total = 0
    for corner in product((0, 1), repeat=len(axes)):
        places = tuple(axis[side] for side, axis in zip(corner, axes))
        weights = [part if side else 1 - part for side, (_, _, part) in zip(corner, axes)]
        value = getitem(values, places, "promise")
        total = total + value * _column(prod(weights[1:], start=weights[0]), value)
    return total


def _nearest(values, axes: Sequence[tuple]):
    places = tuple(where(stop_gradient(part) <= 0.5, low, high) for low, high, part in axes)
    return getitem(values, places, "promise")
