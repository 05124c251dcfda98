"""Sums, products and extremes of segments: of the rows of an array that have one number.

In: rows and their numbers. Out: a row for each number. Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.ir.type import ArrayType, is_integer
from functrans.numpy.promotion import as_arraylike
from functrans.primitives import index
from functrans.primitives import shape as prim
from functrans.primitives.basic import full
from functrans.primitives.cumulative import highest, lowest
from functrans.primitives.elementwise import convert

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def segment_sum(data, segment_ids, num_segments: int | None = None,
                indices_are_sorted: bool = False, unique_indices: bool = False,
                bucket_size: int | None = None, mode=None):
    """The sum of the rows of each segment: `out[k]` of all `data[i]` with `segment_ids[i] == k`.

    data: (n, ...). segment_ids: (n,) integers, in any order, or of the shape of several leading
        axes; rows with a number outside of the range are left out.
    num_segments: how many rows the result has; under `jit` it must be given, otherwise it is
        the largest number and one.
    indices_are_sorted, unique_indices, bucket_size, mode: accepted, and of no effect.
    Raises TypeError for numbers that are no integers, ValueError for shapes that do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.ops.segment_sum(fnp.array([1.0, 2.0, 4.0]), fnp.array([0, 1, 0]), 3)
    Array([5., 2., 0.], dtype=float32)
    """
    return _segments("segment_sum", index.scatter_add_p, lambda dtype: dtype.type(0), data,
                     segment_ids, num_segments)


def segment_prod(data, segment_ids, num_segments: int | None = None,
                 indices_are_sorted: bool = False, unique_indices: bool = False,
                 bucket_size: int | None = None, mode=None):
    """The product of the rows of each segment, 1 where there are none; see `segment_sum`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.ops.segment_prod(fnp.array([1.0, 2.0, 4.0]), fnp.array([0, 1, 0]), 3)
    Array([4., 2., 1.], dtype=float32)
    """
    return _segments("segment_prod", index.scatter_mul_p, lambda dtype: dtype.type(1), data,
                     segment_ids, num_segments)


def segment_max(data, segment_ids, num_segments: int | None = None,
                indices_are_sorted: bool = False, unique_indices: bool = False,
                bucket_size: int | None = None, mode=None):
    """The largest of the rows of each segment, the lowest number if none; see `segment_sum`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.ops.segment_max(fnp.array([1.0, 2.0, 4.0]), fnp.array([0, 1, 0]), 3)
    Array([  4.,   2., -inf], dtype=float32)
    """
    return _segments("segment_max", index.scatter_max_p, lowest, data, segment_ids, num_segments)


def segment_min(data, segment_ids, num_segments: int | None = None,
                indices_are_sorted: bool = False, unique_indices: bool = False,
                bucket_size: int | None = None, mode=None):
    """The smallest of the rows of each segment, the highest number if none; see `segment_sum`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.ops.segment_min(fnp.array([1.0, 2.0, 4.0]), fnp.array([0, 1, 0]), 3)
    Array([ 1.,  2., inf], dtype=float32)
    """
    return _segments("segment_min", index.scatter_min_p, highest, data, segment_ids, num_segments)


def _segments(name: str, primitive, start, data, ids, count: int | None):
    data, ids = as_arraylike(data, name), as_arraylike(ids, name)
    if not is_integer(ids.dtype):
        raise DtypeError(f"{name}: segment_ids must be integers, got {ids.type}")
    if not ids.ndim or data.shape[:ids.ndim] != ids.shape:
        raise ShapeError(f"{name}: segment_ids must have the shape of the leading axes of data, "
                         f"got {ids.type} for {data.type}")
    if count is None:
        count = int(ids.max()) + 1 if math.prod(ids.shape) else 0
    if count < 0:
        raise ArgumentError(f"{name}: num_segments must not be negative, got {count}")
    rest = data.shape[ids.ndim:]
    base = full(ArrayType((count, *rest), data.dtype), start(data.dtype))
    rows = prim.reshape(data, (ids.size, *rest))
    place = convert(prim.reshape(ids, (ids.size,)), np.int64)
    return index.scatter(primitive, base, rows, [place], 0, "drop")
