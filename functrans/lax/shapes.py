"""Functions of `lax` that make arrays, or move their elements.

Dimensions may count from the end. Imports `lax.operands`, `numpy`, `primitives`.
"""
from __future__ import annotations

import builtins
import math
from collections.abc import Sequence

import numpy as np

import functrans.numpy as fnp
from functrans.errors import ArgumentError, ShapeError
from functrans.lax.operands import axes_of, checked, in_dtype, of_one_dtype, one, sizes_of
from functrans.numpy.promotion import broadcast_shapes, canonical_axis, canonical_dtype
from functrans.primitives import basic
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert

__all__ = ["broadcast", "broadcast_in_dim", "broadcast_like", "broadcast_shapes",
           "broadcast_to_rank", "broadcasted_iota", "collapse", "concatenate",
           "convert_element_type", "empty",
           "expand_dims", "full", "full_like", "iota", "pad", "reshape", "rev", "slice", "split",
           "squeeze", "stack", "tile", "transpose", "unstack"]


# ---- making ----

def full(shape, fill_value, dtype=None):
    """An array of one value, in its dtype unless `dtype` is given.

    >>> from functrans import lax
    >>> lax.full((2,), 7)
    Array([7, 7], dtype=int64)
    """
    return fnp.full(shape, fill_value, dtype)


def full_like(x, fill_value, dtype=None, shape=None):
    """An array of one value, of the shape and dtype of `x` unless others are given.

    >>> from functrans import lax, numpy as fnp
    >>> lax.full_like(fnp.zeros(2), 7)
    Array([7., 7.], dtype=float32)
    """
    return fnp.full_like(one(x, "full_like"), fill_value, dtype, shape=shape)


def empty(shape, dtype):
    """An array whose elements do not matter: of zeros.

    >>> from functrans import lax
    >>> lax.empty((2,), "float32").shape
    (2,)
    """
    return fnp.full(shape, 0, dtype)


def iota(dtype, size: int):
    """0, 1, ..., size - 1.

    >>> from functrans import lax
    >>> lax.iota("float32", 3)
    Array([0., 1., 2.], dtype=float32)
    """
    return broadcasted_iota(dtype, (size,), 0)


def broadcasted_iota(dtype, shape, dimension: int):
    """The index along `dimension`, as an array of `shape`.

    >>> from functrans import lax
    >>> lax.broadcasted_iota("int32", (2, 2), 1)
    Array([[0, 1],
           [0, 1]], dtype=int32)
    """
    shape = tuple(int(size) for size in shape)
    return prim.iota(canonical_dtype(dtype), shape, canonical_axis(dimension, len(shape)))


# ---- repeating ----

def broadcast(operand, sizes: Sequence[int]):
    """`operand`, repeated along new leading axes of these sizes.

    >>> from functrans import lax, numpy as fnp
    >>> lax.broadcast(fnp.ones(3), (2,)).shape
    (2, 3)
    """
    operand, sizes = one(operand, "broadcast"), tuple(int(size) for size in sizes)
    places = range(len(sizes), len(sizes) + operand.ndim)
    return basic.broadcast(operand, (*sizes, *operand.shape), places)


def broadcast_in_dim(operand, shape, broadcast_dimensions: Sequence[int]):
    """`operand` with axis k at `broadcast_dimensions[k]` of `shape`, repeated along the others.

    The dimensions rise; axes of size one are repeated too. Raises ShapeError, a ValueError, for
    axes that do not fit.

    >>> from functrans import lax, numpy as fnp
    >>> lax.broadcast_in_dim(fnp.arange(2), (2, 3), (0,))
    Array([[0, 0, 0],
           [1, 1, 1]], dtype=int64)
    """
    operand, shape = one(operand, "broadcast_in_dim"), tuple(int(size) for size in shape)
    places = sizes_of(broadcast_dimensions, operand.ndim, "broadcast_in_dim",
                      "broadcast_dimensions")
    if any(not 0 <= place < len(shape) for place in places):
        raise ShapeError(f"lax.broadcast_in_dim: broadcast_dimensions {places} are not axes of "
                         f"shape {shape}")
    return basic.broadcast(operand, shape, places)


def broadcast_to_rank(x, rank: int):
    """`x` with new leading axes of size one, so that it has `rank` axes.

    >>> from functrans import lax, numpy as fnp
    >>> lax.broadcast_to_rank(fnp.ones(3), 2).shape
    (1, 3)
    """
    x = one(x, "broadcast_to_rank")
    if rank < x.ndim:
        raise ShapeError(f"lax.broadcast_to_rank: {x.type} has more axes than rank={rank}")
    return prim.reshape(x, (1,) * (rank - x.ndim) + x.shape)


def broadcast_like(arr, like_arr):
    """`arr`, repeated to the shape of `like_arr` by NumPy's rules.

    >>> from functrans import lax, numpy as fnp
    >>> lax.broadcast_like(1.0, fnp.ones(2))
    Array([1., 1.], dtype=float32, weak_type=True)
    """
    return fnp.broadcast_to(one(arr, "broadcast_like"),
                                     one(like_arr, "broadcast_like").shape)


def tile(operand, reps: Sequence[int]):
    """`operand` as a whole, `reps[k]` times along axis k.

    >>> from functrans import lax, numpy as fnp
    >>> lax.tile(fnp.arange(2), (2,))
    Array([0, 1, 0, 1], dtype=int64)
    """
    operand = one(operand, "tile")
    return fnp.tile(operand, sizes_of(reps, operand.ndim, "tile", "reps"))


# ---- the same elements in another shape ----

def reshape(operand, new_sizes, dimensions: Sequence[int] | None = None):
    """The elements in another shape, read row by row.

    new_sizes: the sizes, one of which may be -1. dimensions: an order of the axes in which the
    elements are read, instead.

    >>> from functrans import lax, numpy as fnp
    >>> lax.reshape(fnp.array([[1, 2], [3, 4]]), (4,), dimensions=(1, 0))
    Array([1, 3, 2, 4], dtype=int64)
    """
    operand = one(operand, "reshape")
    if dimensions is not None:
        operand = transpose(operand, dimensions)
    return fnp.reshape(operand, tuple(new_sizes))


def transpose(operand, permutation: Sequence[int]):
    """Axis k of the result is axis `permutation[k]` of `operand`.

    >>> from functrans import lax, numpy as fnp
    >>> lax.transpose(fnp.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    operand = one(operand, "transpose")
    order = sizes_of(permutation, operand.ndim, "transpose", "permutation")
    return prim.transpose(operand, axes_of(order, operand.ndim, "transpose"))


def squeeze(array, dimensions: Sequence[int]):
    """`array` without these axes of size one.

    >>> from functrans import lax, numpy as fnp
    >>> lax.squeeze(fnp.ones((1, 3)), (0,)).shape
    (3,)
    """
    array = one(array, "squeeze")
    axes = axes_of(dimensions, array.ndim, "squeeze")
    if any(array.shape[axis] != 1 for axis in axes):
        raise ShapeError(f"lax.squeeze: dimensions {axes} of {array.type} are not all of size 1")
    return prim.reshape(array, [size for k, size in enumerate(array.shape) if k not in axes])


def expand_dims(array, dimensions: Sequence[int]):
    """`array` with new axes of size one, at these places of the result.

    >>> from functrans import lax, numpy as fnp
    >>> lax.expand_dims(fnp.ones(3), (0, 2)).shape
    (1, 3, 1)
    """
    array = one(array, "expand_dims")
    return prim.expand_dims(array, axes_of(dimensions, array.ndim + len(set(dimensions)),
                                           "expand_dims"))


def collapse(operand, start_dimension: int, stop_dimension: int | None = None):
    """The axes from `start_dimension` up to `stop_dimension`, which is left out, as one.

    >>> from functrans import lax, numpy as fnp
    >>> lax.collapse(fnp.ones((2, 3, 4)), 0, 2).shape
    (6, 4)
    """
    operand = one(operand, "collapse")
    start, stop, _ = builtins.slice(start_dimension, stop_dimension).indices(operand.ndim)
    if start >= stop:
        raise ArgumentError(f"lax.collapse: there are no axes from {start_dimension} to "
                            f"{stop_dimension} of {operand.type}")
    middle = math.prod(operand.shape[start:stop])
    return prim.reshape(operand, (*operand.shape[:start], middle, *operand.shape[stop:]))


# ---- joining and cutting ----

def concatenate(operands: Sequence, dimension: int):
    """Arrays of one dtype, one after the other along `dimension`.

    >>> from functrans import lax, numpy as fnp
    >>> lax.concatenate([fnp.ones(1), fnp.zeros(2)], 0)
    Array([1., 0., 0.], dtype=float32)
    """
    operands = _arrays(operands, "concatenate")
    return prim.concatenate(operands, canonical_axis(dimension, operands[0].ndim))


def _arrays(operands, name: str) -> list:
    if not len(operands):
        raise ArgumentError(f"lax.{name} needs at least one array")
    return of_one_dtype(name, *(one(x, name) for x in operands))


def stack(operands: Sequence, axis: int = 0):
    """Arrays of one dtype and shape along a new axis.

    >>> from functrans import lax, numpy as fnp
    >>> lax.stack([fnp.ones(2), fnp.zeros(2)]).shape
    (2, 2)
    """
    return fnp.stack(_arrays(operands, "stack"), axis)


def unstack(x, axis: int = 0) -> tuple:
    """The slices of `x` along an axis, without it.

    >>> from functrans import lax, numpy as fnp
    >>> lax.unstack(fnp.arange(2))
    (Array(0, dtype=int64), Array(1, dtype=int64))
    """
    return fnp.unstack(one(x, "unstack"), axis=axis)


def split(operand, sizes: Sequence[int], axis: int = 0) -> list:
    """Pieces of `operand` of these sizes along an axis, which they make up.

    >>> from functrans import lax, numpy as fnp
    >>> lax.split(fnp.arange(3), (1, 2))
    [Array([0], dtype=int64), Array([1, 2], dtype=int64)]
    """
    operand = one(operand, "split")
    axis, ends = canonical_axis(axis, operand.ndim), np.cumsum([0, *sizes]).tolist()
    if ends[-1] != operand.shape[axis] or any(size < 0 for size in sizes):
        raise ShapeError(f"lax.split: sizes {tuple(sizes)} must add up to "
                         f"{operand.shape[axis]}, axis {axis} of {operand.type}")
    return [prim.slice_axis(operand, axis, start, stop) for start, stop in zip(ends, ends[1:])]


def pad(operand, padding_value, padding_config: Sequence[tuple[int, int, int]]):
    """`operand` with elements of `padding_value` around it and between its elements.

    padding_value: a scalar of its dtype. padding_config: for each axis how many before, after, and
    between each two elements; before and after may be negative, which takes elements away.

    >>> from functrans import lax, numpy as fnp
    >>> lax.pad(fnp.array([1.0, 2.0]), 0.0, [(1, 0, 1)])
    Array([0., 1., 0., 2.], dtype=float32)
    """
    operand = one(operand, "pad")
    value = in_dtype(padding_value, operand, "pad", "padding_value")
    if len(padding_config) != operand.ndim:
        raise ShapeError(f"lax.pad: padding_config must have an entry for each axis of "
                         f"{operand.type}, got {len(padding_config)}")
    low, high, interior = (tuple(int(width[k]) for width in padding_config) for k in range(3))
    checked(prim.pad_p, operand, value, low=low, high=high, interior=interior)
    return prim.pad(operand, low, high, interior, value)


def rev(operand, dimensions: Sequence[int]):
    """`operand` read backwards along these axes.

    >>> from functrans import lax, numpy as fnp
    >>> lax.rev(fnp.arange(3), (0,))
    Array([2, 1, 0], dtype=int64)
    """
    operand = one(operand, "rev")
    return prim.reverse(operand, axes_of(dimensions, operand.ndim, "rev"))


def slice(operand, start_indices: Sequence[int], limit_indices: Sequence[int],
          strides: Sequence[int] | None = None):
    """`operand[start:limit:stride]` along each axis, with bounds inside of the array.

    >>> from functrans import lax, numpy as fnp
    >>> lax.slice(fnp.arange(5), (1,), (5,), (2,))
    Array([1, 3], dtype=int64)
    """
    operand = one(operand, "slice")
    start, limit, stride = (sizes_of(values, operand.ndim, "slice", what) for values, what in (
        (start_indices, "start_indices"), (limit_indices, "limit_indices"), (strides, "strides")))
    checked(prim.slice_p, operand, start=start, limit=limit, step=stride)
    return prim.slice_(operand, start, limit, stride)


def convert_element_type(operand, new_dtype):
    """`operand` in another dtype. Raises TypeError without one.

    >>> from functrans import lax
    >>> lax.convert_element_type(2.5, "int32")
    Array(2, dtype=int32)
    """
    if new_dtype is None:
        raise ArgumentError("lax.convert_element_type needs a dtype")
    return convert(one(operand, "convert_element_type"), canonical_dtype(new_dtype))
