"""Grids and ranges written as slices: mgrid, ogrid, r_, c_, s_, ix_; flat and multiple indices.

In: slices, numbers, arrays. Out: arrays. Imports `numpy.creation`, `numpy.manipulation`.
"""
from __future__ import annotations

import math

import numpy as np
from numpy import index_exp, s_

from functrans.array import Array, ArrayBase, as_array
from functrans.config import default_float
from functrans.errors import ArgumentError
from functrans.ir.type import is_bool, is_integer
from functrans.numpy.arithmetic import clip
from functrans.numpy.ranges import arange, linspace
from functrans.numpy.joining import concatenate
from functrans.numpy.promotion import as_arraylike, as_operand, broadcast_all, materialize
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert

__all__ = ["mgrid", "ogrid", "r_", "c_", "s_", "index_exp", "ix_", "ravel_multi_index",
           "unravel_index"]


def _constant(values: np.ndarray) -> Array:
    """NumPy's result as an array; floats in the default dtype."""
    return as_array(values.astype(default_float()) if values.dtype.kind == "f" else values)


class _Grid:
    """`mgrid` and `ogrid`: coordinates of a grid that is written as slices."""

    def __init__(self, name: str, numpy_grid, doc: str):
        self._name, self._grid = name, numpy_grid
        self.__doc__ = doc

    def __getitem__(self, key):
        key = tuple(map(_known_slice, key)) if isinstance(key, tuple) else _known_slice(key)
        found = self._grid[key]
        return tuple(map(_constant, found)) if isinstance(found, (tuple, list)) \
            else _constant(found)

    def __repr__(self):
        return f"<functrans.numpy.{self._name}>"


def _known_slice(item: slice) -> slice:
    return slice(*(part._concrete("a bound of a grid")[()] if isinstance(part, ArrayBase) else part
                   for part in (item.start, item.stop, item.step)))


mgrid = _Grid("mgrid", np.mgrid, """Coordinates of all points of a grid: `mgrid[0:2, 0:3]`.

    A step that is an imaginary number counts points instead, the end included.

    >>> import functrans.numpy as fnp
    >>> fnp.mgrid[0:2, 0:3].shape
    (2, 2, 3)
    """)
ogrid = _Grid("ogrid", np.ogrid, """As `mgrid`, with axes of size one that are broadcast.

    >>> import functrans.numpy as fnp
    >>> [x.shape for x in fnp.ogrid[0:2, 0:3]]
    [(2, 1), (1, 3)]
    """)


class _Concatenator:
    """`r_` and `c_`: ranges written as slices, numbers and arrays, one after the other."""

    def __init__(self, name: str, axis: int, ndmin: int, place: int, doc: str):
        self._name, self._options = name, (axis, ndmin, place)
        self.__doc__ = doc

    def __getitem__(self, key):
        items = list(key) if isinstance(key, tuple) else [key]
        axis, ndmin, place = self._options
        if items and isinstance(items[0], str):
            axis, ndmin, place = _directive(items.pop(0), self._options, self._name)
        parts = [_with_rank(_range_or_array(item, self._name), ndmin, place) for item in items]
        return concatenate(parts, axis)

    def __repr__(self):
        return f"<functrans.numpy.{self._name}>"


def _directive(text: str, options: tuple, name: str) -> tuple:
    """(axis, ndmin, place of the axis of vectors) from a string such as "0,2,0"."""
    try:
        given = [int(part) for part in text.split(",")]
        assert 1 <= len(given) <= 3
    except (ValueError, AssertionError):
        raise ArgumentError(
            f"{name}: unknown special directive {text!r}; it is up to three integers: "
            "axis, least number of axes, place of the axis of vectors") from None
    return (*given, *options[len(given):])


def _range_or_array(item, name: str):
    if isinstance(item, slice):
        start, stop, step = item.start or 0, item.stop, 1 if item.step is None else item.step
        if isinstance(step, complex):
            return linspace(start, stop, int(abs(step)))
        return arange(start, stop, step)
    if isinstance(item, str):
        raise ArgumentError(f"{name}: special directives must be the first entry, got {item!r}")
    item = materialize(as_operand(item, name))
    return prim.reshape(item, (1,)) if not item.ndim else item


def _with_rank(x, ndmin: int, place: int):
    """New axes of size one, so that the axis of a vector is at `place`."""
    new = ndmin - x.ndim
    if new <= 0:
        return x
    place = place + new + 1 if place < 0 else place
    return prim.reshape(x, (1,) * place + x.shape + (1,) * (new - place))


r_ = _Concatenator("r_", 0, 1, -1, """Ranges, numbers and arrays, one after the other.

    >>> import functrans.numpy as fnp
    >>> fnp.r_[0:3, 7, fnp.array([1, 2])]
    Array([0, 1, 2, 7, 1, 2], dtype=int64)
    """)
c_ = _Concatenator("c_", -1, 2, 0, """Ranges, numbers and arrays as columns, side by side.

    >>> import functrans.numpy as fnp
    >>> fnp.c_[fnp.array([1, 2]), fnp.array([3, 4])]
    Array([[1, 3],
           [2, 4]], dtype=int64)
    """)


def ix_(*args) -> tuple:
    """Index arrays for the cross product of vectors of indices: `x[ix_([0, 1], [2])]`.

    Vectors of booleans stand for the indices where they are true (they must be known).

    >>> import functrans.numpy as fnp
    >>> [x.shape for x in fnp.ix_(fnp.array([0, 1]), fnp.array([2]))]
    [(2, 1), (1, 1)]
    """
    vectors = []
    for k, item in enumerate(args):
        item = as_arraylike(item, "ix_")
        if item.ndim != 1:
            raise ArgumentError(f"ix_ takes vectors, argument {k} has shape {item.shape}")
        if is_bool(item.dtype):
            item = as_array(np.flatnonzero(item._concrete("a boolean vector in ix_")))
        elif not item.size:
            item = convert(item, np.int64)
        shape = tuple(item.size if axis == k else 1 for axis in range(len(args)))
        vectors.append(prim.reshape(item, shape))
    return tuple(vectors)


# ---- flat and multiple indices ----

def _dims(shape) -> tuple:
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def _check_inside(index, size: int, name: str):
    """Raises ValueError, as NumPy does, for known indices outside."""
    if isinstance(index, Array):
        value = np.asarray(index)
        outside = value[(value < 0) | (value >= size)]
        if outside.size:
            raise ArgumentError(f"{name}: index {outside.flat[0]} is out of bounds for size {size}")


def _integers(x, name: str):
    x = as_arraylike(x, name)
    if not is_integer(x.dtype):
        raise ArgumentError(f"{name} takes integers, not {x.dtype.name}")
    return x


def ravel_multi_index(multi_index, dims, mode="raise", order: str = "C"):
    """Indices of the flattened array, from one index array for each axis.

    mode: what an index outside does: "raise" (ValueError, where it is known), "wrap" or "clip"; one
    for all, or one for each axis. order: "C" (rows) or "F" (columns).

    >>> import functrans.numpy as fnp
    >>> fnp.ravel_multi_index((fnp.array([1]), fnp.array([2])), (3, 4))
    Array([6], dtype=int64)
    """
    dims = _dims(dims)
    modes = (mode,) * len(dims) if isinstance(mode, str) else tuple(mode)
    parts = [_integers(part, "ravel_multi_index") for part in multi_index]
    if not len(parts) == len(dims) == len(modes):
        raise ArgumentError(f"ravel_multi_index: {len(parts)} index arrays for {len(dims)} axes")
    if order not in ("C", "F"):
        raise ArgumentError(f"ravel_multi_index: order must be 'C' or 'F', got {order!r}")
    parts = broadcast_all([convert(part, np.int64) for part in parts])
    parts = [_limited(part, size, how) for part, size, how in zip(parts, dims, modes)]
    if order == "F":
        parts, dims = parts[::-1], dims[::-1]
    result = parts[0]
    for part, size in zip(parts[1:], dims[1:]):
        result = basic.add(basic.mul(result, np.int64(size)), part)
    return result


def _limited(index, size: int, mode: str):
    if mode == "wrap":
        return basic.remainder(index, np.int64(max(size, 1)))
    if mode == "clip":
        return clip(index, 0, max(size - 1, 0))
    if mode != "raise":
        raise ArgumentError(
            f"ravel_multi_index: mode must be 'raise', 'wrap' or 'clip', got {mode!r}")
    _check_inside(index, size, "ravel_multi_index")
    return index


def unravel_index(indices, shape, order: str = "C") -> tuple:
    """One index array for each axis, from indices of the flattened array.

    Raises ValueError for known indices outside.

    >>> import functrans.numpy as fnp
    >>> fnp.unravel_index(fnp.array([6]), (3, 4))
    (Array([1], dtype=int64), Array([2], dtype=int64))
    """
    shape = _dims(shape)
    rest = _integers(indices, "unravel_index")
    if order not in ("C", "F"):
        raise ArgumentError(f"unravel_index: order must be 'C' or 'F', got {order!r}")
    _check_inside(rest, math.prod(shape), "unravel_index")
    rest, places = convert(rest, np.int64), []
    for size in shape if order == "F" else shape[::-1]:
        divisor = np.int64(max(size, 1))
        places.append(basic.remainder(rest, divisor))
        rest = basic.floor_divide(rest, divisor)
    return tuple(places if order == "F" else places[::-1])
