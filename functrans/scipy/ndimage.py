"""Images of any number of axes, between their points. Imports `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

import numpy as np

from functrans.errors import ArgumentError, ShapeError, UnsupportedError
from functrans.ir.type import is_integer
from functrans.numpy.calculus import cast_like
from functrans.numpy.choosing import where
from functrans.numpy.indexing import getitem
from functrans.numpy.promotion import (as_arraylike, broadcast_all, materialize, promote,
                                       promote_inexact)
from functrans.numpy.ufuncs import abs, clip, copysign, floor, isfinite
from functrans.primitives.elementwise import convert, stop_gradient

__all__ = ["map_coordinates"]

# How a place outside of 0 .. size - 1 is brought inside.
_INSIDE = {
    "constant": lambda k, size: k,
    "nearest": lambda k, size: k,
    "wrap": lambda k, size: k % size,
    "mirror": lambda k, size: (size - 1) - abs((k % (2 * (size - 1) or 1)) - (size - 1)),
    "reflect": lambda k, size: _folded(k % (2 * size), size),
}
_KIN = {"grid-constant": "constant", "grid-wrap": "wrap", "grid-mirror": "reflect"}


def _folded(k, size: int):
    return where(k < size, k, 2 * size - 1 - k)


def map_coordinates(input, coordinates: Sequence, order: int, mode: str = "constant", cval=0.0):
    """The values of an array at places between its points.

    input: an array of n axes. coordinates: n arrays of one shape (or an array of n rows), in
    units of points, from 0. order: 0 for the nearest point, 1 for linear interpolation.
    mode: what stands outside: "constant", the number `cval` (at a distance of one point and more,
    linear before); "nearest", the last point; "wrap", the array again; "mirror", its mirror image
    about the last point, and "reflect", about the edge behind it. SciPy calls the first and third
    of these "grid-constant" and "grid-wrap", which are taken too.
    The result has the shape of a coordinate and the dtype of `input`; integers are rounded.
    Differentiable in both. Raises ValueError for wrong modes and numbers of coordinates,
    NotImplementedError for higher orders.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> image = fnp.arange(4.0).reshape(2, 2)
    >>> ft.scipy.ndimage.map_coordinates(image, [fnp.array([0.5]), fnp.array([1.0])], order=1)
    Array([2.], dtype=float32)
    """
    image = as_arraylike(input, "map_coordinates")
    places = _places(image, coordinates)
    mode = _KIN.get(mode, mode)
    if mode not in _INSIDE:
        raise ArgumentError(f"ndimage.map_coordinates: mode must be one of "
                            f"{', '.join(map(repr, (*_INSIDE, *_KIN)))}, got {mode!r}")
    if order not in (0, 1):
        raise UnsupportedError(f"ndimage.map_coordinates: order must be 0 or 1, got {order!r}")
    near = _nearest if order == 0 else _neighbours
    axes = [near(place) for place in places]
    outside = cast_like(cval, image) if mode == "constant" else None
    value = sum(_corner(image, corner, _INSIDE[mode], outside) for corner in product(*axes))
    return _in_dtype(value, image.dtype)


def _places(image, coordinates: Sequence) -> list:
    if len(coordinates) != image.ndim:
        raise ShapeError(f"ndimage.map_coordinates: coordinates must be {image.ndim} arrays, one "
                         f"for each axis of {image.type}; got {len(coordinates)}")
    arrays = [as_arraylike(x, "map_coordinates") for x in coordinates]
    if not arrays:
        return []
    return broadcast_all([materialize(x) for x in promote_inexact(*arrays)])


def _nearest(place) -> list:
    """[(point, None)]: the point alone, without a weight."""
    return [(floor(_known(place) + 0.5), None)]


def _neighbours(place) -> list:
    """[(point, weight)] of the points before and behind."""
    low = floor(_known(place))
    part = place - low
    return [(low, 1 - part), (low + 1, part)]


def _known(place):
    """A place that an index can be made of."""
    place = stop_gradient(place)
    return where(isfinite(place), place, 0)


def _corner(image, corner: Sequence[tuple], inside: Callable, outside):
    """The value of one of the points around, times its weights."""
    index, good = [], []
    for (point, _), size in zip(corner, image.shape):
        point = inside(point, size)
        good.append((point >= 0) & (point < size))
        index.append(convert(clip(point, 0, size - 1), np.int64))
    value = getitem(image, tuple(index), "promise") if index else image
    if outside is not None and good:
        value = where(prod(good, start=np.bool_(True)), value, outside)
    weights = [weight for _, weight in corner if weight is not None]
    if not weights:
        return value
    value, weight = promote(value, prod(weights[1:], start=weights[0]))
    return value * weight


def _in_dtype(value, dtype):
    if dtype.kind in "bui" and not (is_integer(value.dtype) or value.dtype.kind == "b"):
        value = floor(abs(value) + 0.5) * copysign(value.dtype.type(1), value)
    return convert(value, dtype)
