"""Changing the shape and the order of axes: reshape, transpose, squeeze, broadcast_to ...

Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.creation import _shape
from functrans.numpy.promotion import (as_arraylike, broadcast_one, broadcast_shapes,
                                       canonical_axes, canonical_axis)
from functrans.primitives import shape as prim


def reshape(a, /, shape, order: str = "C", *, copy: bool | None = None):
    """The same elements in another shape; one size may be -1, and is then worked out.

    >>> import functrans.numpy as fnp
    >>> fnp.reshape(fnp.arange(4), (2, -1))
    Array([[0, 1],
           [2, 3]], dtype=int64)
    """
    a = as_arraylike(a, "reshape")
    sizes = _completed(a, shape)
    if order == "F":
        backwards = prim.reshape(prim.transpose(a, range(a.ndim)[::-1]), sizes[::-1])
        return prim.transpose(backwards, range(len(sizes))[::-1])
    if order not in ("C", "A"):
        raise ArgumentError(f"reshape: order must be 'C' or 'F', got {order!r}")
    return prim.reshape(a, sizes)


def _completed(a, shape) -> tuple:
    """A shape in which -1 is replaced by what is left."""
    dims = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes = [size.__index__() for size in dims]
    if sizes.count(-1) > 1:
        raise ArgumentError(f"reshape: only one size can be -1, got {tuple(sizes)}")
    if -1 in sizes:
        rest = math.prod(size for size in sizes if size != -1)
        if rest == 0 or a.size % rest:
            raise ShapeError(f"cannot reshape {a.type} of {a.size} elements to shape "
                             f"{tuple(sizes)}")
        sizes[sizes.index(-1)] = a.size // rest
    if math.prod(sizes) != a.size or min(sizes, default=0) < 0:
        raise ShapeError(f"cannot reshape {a.type} of {a.size} elements to shape "
                         f"{tuple(sizes)}")
    return tuple(sizes)


def ravel(a, order: str = "C"):
    """All elements in one axis.

    >>> import functrans.numpy as fnp
    >>> fnp.ravel(fnp.ones((2, 2))).shape
    (4,)
    """
    return reshape(a, (-1,) if as_arraylike(a).size else (0,), order)


def transpose(a, axes: Sequence[int] | None = None):
    """`a` with its axes in the order `axes`; reversed by default.

    >>> import functrans.numpy as fnp
    >>> fnp.transpose(fnp.ones((2, 3))).shape
    (3, 2)
    """
    a = as_arraylike(a, "transpose")
    if axes is None:
        return prim.transpose(a, range(a.ndim)[::-1])
    order = [canonical_axis(axis, a.ndim) for axis in axes]
    if sorted(order) != list(range(a.ndim)):
        raise ArgumentError(f"transpose: axes {tuple(axes)} are not a permutation of the axes of "
                            f"{a.type}")
    return prim.transpose(a, order)


def permute_dims(a, /, axes):
    """`a` with its axes in the order `axes`.

    >>> import functrans.numpy as fnp
    >>> fnp.permute_dims(fnp.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    return transpose(a, axes)


def matrix_transpose(x, /):
    """The last two axes exchanged.

    >>> import functrans.numpy as fnp
    >>> fnp.matrix_transpose(fnp.ones((5, 2, 3))).shape
    (5, 3, 2)
    """
    x = as_arraylike(x, "matrix_transpose")
    if x.ndim < 2:
        raise ArgumentError(f"matrix_transpose takes at least two axes, got shape {x.shape}")
    return swapaxes(x, -1, -2)


def swapaxes(a, axis1: int, axis2: int):
    """Two axes exchanged.

    >>> import functrans.numpy as fnp
    >>> fnp.swapaxes(fnp.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    a = as_arraylike(a, "swapaxes")
    first, second = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    order = list(range(a.ndim))
    order[first], order[second] = second, first
    return prim.transpose(a, order)


def moveaxis(a, source, destination):
    """Axes `source` moved to the places `destination`, the others in order.

    >>> import functrans.numpy as fnp
    >>> fnp.moveaxis(fnp.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    a = as_arraylike(a, "moveaxis")
    from_, to = (_axis_list(axes, a.ndim) for axes in (source, destination))
    if len(from_) != len(to):
        raise ArgumentError("moveaxis: source and destination must have the same number of axes")
    order = [axis for axis in range(a.ndim) if axis not in from_]
    for place, axis in sorted(zip(to, from_)):
        order.insert(place, axis)
    return prim.transpose(a, order)


def _axis_list(axes, ndim: int) -> list[int]:
    given = axes if isinstance(axes, (tuple, list)) else (axes,)
    found = [canonical_axis(axis, ndim) for axis in given]
    if len(set(found)) != len(found):
        raise ArgumentError(f"repeated axis in {axes!r}")
    return found


def rollaxis(a, axis: int, start: int = 0):
    """Axis moved backwards until it lies before `start`.

    >>> import functrans.numpy as fnp
    >>> fnp.rollaxis(fnp.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    a = as_arraylike(a, "rollaxis")
    axis = canonical_axis(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


def expand_dims(a, axis):
    """New axes of size one at `axis` of the result.

    >>> import functrans.numpy as fnp
    >>> fnp.expand_dims(fnp.ones(3), 0).shape
    (1, 3)
    """
    a = as_arraylike(a, "expand_dims")
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return prim.expand_dims(a, canonical_axes(axis, a.ndim + count))


def squeeze(a, axis=None):
    """Axes of size one removed: all of them, or those at `axis`.

    >>> import functrans.numpy as fnp
    >>> fnp.squeeze(fnp.ones((1, 3, 1))).shape
    (3,)
    """
    a = as_arraylike(a, "squeeze")
    if not a.ndim and axis in (0, -1):           # NumPy allows it
        return a
    axes = [k for k, size in enumerate(a.shape) if size == 1] if axis is None \
        else canonical_axes(axis, a.ndim)
    for k in axes:
        if a.shape[k] != 1:
            raise ArgumentError(f"squeeze: axis {k} of {a.type} has size {a.shape[k]}, not one")
    return prim.reshape(a, tuple(size for k, size in enumerate(a.shape) if k not in axes))


def broadcast_to(array, shape, subok: bool = False):
    """`array` repeated to `shape`, by NumPy's rules.

    >>> import functrans.numpy as fnp
    >>> fnp.broadcast_to(fnp.ones(3), (2, 3)).shape
    (2, 3)
    """
    array, shape = as_arraylike(array, "broadcast_to"), _shape(shape)
    if broadcast_shapes(array.shape, shape) != shape:
        raise ShapeError(f"cannot broadcast {array.type} to shape {shape}")
    return broadcast_one(array, shape)


def broadcast_arrays(*args) -> tuple:
    """Arrays repeated to their common shape.

    >>> import functrans.numpy as fnp
    >>> [x.shape for x in fnp.broadcast_arrays(fnp.ones(3), fnp.ones((2, 1)))]
    [(2, 3), (2, 3)]
    """
    arrays = [as_arraylike(x, "broadcast_arrays") for x in args]
    shape = broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_one(x, shape) for x in arrays)
