"""Quantiles of values with weights: the smallest value up to which there is enough weight.

In: arrays. Out: arrays. Imports `numpy.searching`, `numpy.reductions`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.arithmetic import minimum
from functrans.numpy.choosing import where
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.promotion import as_arraylike, broadcast_one, canonical_axes
from functrans.numpy.reductions import all, any, cumsum
from functrans.numpy.searching import argsort
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.basic import reduce_sum
from functrans.primitives.elementwise import convert


def check_weights(weights, a, axis, method: str, name: str):
    """Weights with the shape of `a`. Raises ValueError for those that are not possible."""
    if method != "inverted_cdf":
        raise ArgumentError(f"{name}(weights=...) needs method=\"inverted_cdf\", got {method!r}")
    weights = as_arraylike(weights, name)
    if isinstance(weights, Array) and (np.asarray(weights) < 0).any():
        raise ArgumentError(f"{name}: weights must not be negative")
    if weights.shape == a.shape:
        return weights
    axes = canonical_axes(axis, a.ndim)
    if axis is None or len(axes) != 1 or weights.shape != (a.shape[axes[0]],):
        raise ShapeError(f"{name}: weights must have the shape of a, {a.shape}, or be a vector "
                         f"along one axis, got shape {weights.shape}, axis {axis}")
    column = prim.reshape(weights, [weights.size if k == axes[0] else 1 for k in range(a.ndim)])
    return broadcast_one(column, a.shape)


def quantiles_of(values, weights, q, ignore_nan: bool):
    """The quantiles q, a vector, along axis 0: an array (q's axis, other axes of values).

    The smallest value at which the weight of all values up to it reaches the share q of the whole:
    the inverse of the weighted distribution function. NaN where there is one, or is ignored.
    """
    present = basic.eq(values, values)
    if ignore_nan:
        weights = where(present, weights, 0)
    order = argsort(values, 0)
    ordered, share = take_along_axis(values, order, 0), _shares(take_along_axis(weights, order, 0))
    share = broadcast_one(convert(share, q.dtype)[None], (q.size, *share.shape))
    spread = prim.reshape(q, (q.size,) + (1,) * values.ndim)
    before = basic.lt(share, broadcast_one(spread, share.shape))
    place = minimum(reduce_sum(convert(before, np.int64), (1,)), values.shape[0] - 1)
    found = take_along_axis(ordered, place, 0, "promise_in_bounds")
    missing = basic.not_(any(present, 0) if ignore_nan else all(present, 0))
    return where(missing, np.nan, found)


def _shares(weights):
    """The share of the whole weight up to each value; less than any q up to which there is none."""
    total = cumsum(convert(weights, np.float64), 0)
    return where(total == 0, -1.0, total / total[-1])
