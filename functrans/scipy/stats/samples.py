"""What samples say: their mode, ranks, and the error of their mean. Imports `numpy`, `lax`.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from functrans.array import ArrayBase
from functrans.config import default_float
from functrans.errors import ArgumentError, UnsupportedError
from functrans.ir.type import is_float
from functrans.lax.reductions import cummax
from functrans.numpy.choosing import where
from functrans.numpy.creation import full
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import broadcast_to, moveaxis
from functrans.numpy.nan_reductions import nanstd
from functrans.numpy.promotion import as_arraylike, canonical_axis, materialize, promote_inexact
from functrans.numpy.ranges import arange
from functrans.numpy.reductions import any, argmax, cumsum, std, sum
from functrans.numpy.searching import argsort, sort
from functrans.numpy.ufuncs import isnan, sqrt
from functrans.primitives.elementwise import convert


class ModeResult(NamedTuple):
    """mode: the value that comes most often, the smallest of several; count: how often."""
    mode: ArrayBase
    count: ArrayBase


def mode(a, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False):
    """The most frequent values along an axis (None: of all elements), and how often they come.

    nan_policy: "propagate", by which NaN is a value like others, or "omit". Without elements NaN,
    0 times.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.stats.mode(fnp.array([3, 1, 3, 2, 1]))
    ModeResult(mode=Array(1, dtype=int64), count=Array(2, dtype=int64))
    """
    a, axis, kept = _along("mode", a, axis, nan_policy)
    if not a.shape[-1]:
        value = full(a.shape[:-1], np.nan, a.dtype if is_float(a.dtype) else default_float())
        count = full(a.shape[:-1], 0)
    else:
        value, count = _most_frequent(a, nan_policy)
    if keepdims:
        value, count = value.reshape(kept), count.reshape(kept)
    return ModeResult(value, count)


def _most_frequent(a, nan_policy: str) -> tuple:
    ordered = sort(a, -1)
    length = arange(a.shape[-1]) - _starts(ordered) + 1
    unknown = _unknown(ordered)
    omitted = unknown is not None and nan_policy == "omit"
    if omitted:
        length = where(unknown, 0, length)
    place = argmax(length, -1, keepdims=True)
    value, count = (take_along_axis(x, place, -1)[..., 0] for x in (ordered, length))
    return (where(count == 0, np.nan, value) if omitted else value), count


def rankdata(a, method: str = "average", *, axis: int | None = None,
             nan_policy: str = "propagate"):
    """The places, from 1, that elements have when they are sorted along an axis (None: of all).

    method: which place equal elements get: "average" (floats), "min", "max", "dense" (the next
    larger one gets the next number), "ordinal" (in their order). nan_policy: "propagate", NaN in
    all places where one is among them, or "omit", NaN in its own place; floats then.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.stats.rankdata(fnp.array([3, 1, 3, 2]))
    Array([3.5, 1. , 3.5, 2. ], dtype=float32)
    """
    if method not in _RANKS:
        raise ArgumentError(f"stats.rankdata: method must be one of "
                            f"{', '.join(map(repr, _RANKS))}, got {method!r}")
    whole = axis is None
    a, axis, _ = _along("rankdata", a, axis, nan_policy)
    order = argsort(a, -1, stable=True)
    ordered = take_along_axis(a, order, -1)
    ranks = take_along_axis(_RANKS[method](ordered), argsort(order, -1, stable=True), -1)
    dtype = a.dtype if is_float(a.dtype) else default_float()
    if method == "average" or is_float(a.dtype):
        ranks = ranks.astype(dtype)
    unknown = _unknown(a)
    if unknown is not None:
        if nan_policy == "propagate":
            unknown = any(unknown, -1, keepdims=True)
        ranks = where(unknown, np.nan, ranks)
    return ranks if whole else moveaxis(ranks, -1, axis)


def sem(a, axis: int | None = 0, ddof: int = 1, nan_policy: str = "propagate", *,
        keepdims: bool = False):
    """The standard error of the mean: the standard deviation over the root of the count.

    axis: None for all elements. ddof: what is taken off the count for the deviation. nan_policy:
    "propagate" or "omit".

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.stats.sem(fnp.array([1.0, 2.0, 3.0])).round(4)
    Array(0.5774, dtype=float32)
    """
    _check_policy("sem", nan_policy)
    a = materialize(promote_inexact(as_arraylike(a, "sem"))[0])
    if nan_policy == "propagate":
        count = a.size if axis is None else a.shape[canonical_axis(axis, a.ndim)]
        return std(a, axis, ddof=ddof, keepdims=keepdims) / a.dtype.type(np.sqrt(count))
    count = sum(~isnan(a), axis, keepdims=keepdims)
    return nanstd(a, axis, ddof=ddof, keepdims=keepdims) / sqrt(convert(count, a.dtype))


# ---- operands ----

def _check_policy(name: str, nan_policy: str):
    if nan_policy == "raise":
        raise UnsupportedError(f"stats.{name}: nan_policy='raise' cannot know values while "
                               "tracing; use 'propagate', and look for NaN in the result")
    if nan_policy not in ("propagate", "omit"):
        raise ArgumentError(f"stats.{name}: nan_policy must be 'propagate' or 'omit', got "
                            f"{nan_policy!r}")


def _along(name: str, a, axis: int | None, nan_policy: str) -> tuple:
    """(the array with the axis last, the axis, the shape with it kept); of all elements, raveled.
    """
    _check_policy(name, nan_policy)
    a = as_arraylike(a, name)
    if axis is None:
        return a.ravel(), 0, (1,) * a.ndim
    axis = canonical_axis(axis, a.ndim)
    kept = tuple(1 if k == axis else size for k, size in enumerate(a.shape))
    return moveaxis(a, axis, -1), axis, kept


def _unknown(a):
    """Where NaN stands; None where none can be."""
    return isnan(a) if a.dtype.kind in "fcV" else None


# ---- runs of equal elements in sorted vectors ----

def _begins(ordered):
    """Where another value begins."""
    first = full((*ordered.shape[:-1], min(1, ordered.shape[-1])), True)
    differ = ordered[..., 1:] != ordered[..., :-1]
    unknown = _unknown(ordered)
    if unknown is not None:
        differ = differ & ~(unknown[..., 1:] & unknown[..., :-1])
    return concatenate([first, differ], -1)


def _starts(ordered):
    """For each element where its run begins."""
    places = broadcast_to(arange(ordered.shape[-1]), ordered.shape)
    return cummax(where(_begins(ordered), places, 0), ordered.ndim - 1)


def _ends(ordered):
    """For each element where its run ends, the last one."""
    size = ordered.shape[-1]
    return size - 1 - _starts(ordered[..., ::-1])[..., ::-1]


_RANKS = {
    "average": lambda x: (_starts(x) + _ends(x)) / 2 + 1,
    "min": lambda x: _starts(x) + 1,
    "max": lambda x: _ends(x) + 1,
    "dense": lambda x: cumsum(_begins(x), -1),
    "ordinal": lambda x: broadcast_to(arange(1, x.shape[-1] + 1), x.shape),
}
