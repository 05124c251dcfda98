"""Order statistics: median, quantile, percentile, and their versions that ignore NaN.

In: arrays. Out: arrays. Imports `numpy.reductions`, `numpy.searching`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.ir.type import is_complex
from functrans.numpy.arithmetic import clip, floor, maximum, minimum
from functrans.numpy.choosing import where
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.promotion import (as_arraylike, broadcast_one, canonical_axes, cast,
                                       materialize, promote_inexact)
from functrans.numpy.reductions import any
from functrans.numpy.searching import sort
from functrans.numpy.ufunc import refuse_out
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.basic import reduce_sum
from functrans.primitives.elementwise import convert, select

# Where the quantile q of n sorted values lies, by the sample quantiles of R. Hyndman and Y. Fan,
# "Sample quantiles in statistical packages", American Statistician 50 (1996): the virtual index
# n q + alpha + q (1 - alpha - beta) - 1, for their continuous methods 4 to 9.
_CONTINUOUS = {"linear": (1, 1), "weibull": (0, 0), "hazen": (0.5, 0.5),
               "interpolated_inverted_cdf": (0, 1), "median_unbiased": (1 / 3, 1 / 3),
               "normal_unbiased": (3 / 8, 3 / 8)}
_ROUNDED = ("lower", "higher", "nearest", "midpoint")
_STEPS = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation")
METHODS = (*_CONTINUOUS, *_ROUNDED, *_STEPS)


def _virtual_index(q, n, method: str):
    """Where the quantile lies among n sorted values: a number from 0 to n - 1, not rounded."""
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        return q * (n - 1) if method == "linear" else n * q + alpha + q * (1 - alpha - beta) - 1
    if method in _ROUNDED:
        return q * (n - 1)
    place = n * q - 1
    if method == "inverted_cdf":
        return floor(place) + (place > floor(place))
    if method == "averaged_inverted_cdf":
        return where(place > floor(place), floor(place) + 1, floor(place) + 0.5)
    return _closest(place)


def _closest(place):
    """Rounded to the nearest; halves to the even observation, counted from one."""
    place = place - 0.5
    low = floor(place)
    odd = basic.eq(low % 2, cast(1, low.dtype))
    return where((place == low) & odd, low, low + 1)


def _neighbours(index, method: str) -> tuple:
    """(the index below, the index above, the weight of the one above)."""
    low = basic.floor(index)
    part = index - low
    if method == "lower":
        return low, low, part * 0
    if method == "higher":
        high = basic.ceil(index)
        return high, high, part * 0
    if method == "nearest":
        near = basic.round_(index)
        return near, near, part * 0
    if method == "midpoint":
        return low, low + 1, where(part > 0, 0.5, part)
    return low, low + 1, part


def _of_sorted(a, q, count, method: str):
    """Quantiles of sorted values along axis 0; q and count have shapes that broadcast.

    Returns an array (q's axis, other axes of a).
    """
    last = maximum(count - 1, 0)
    index = clip(_virtual_index(q, count, method), 0, last)
    low, high, weight = _neighbours(index, method)
    shape = (q.shape[0], *a.shape[1:])
    below, above = (_at(a, place, shape) for place in (low, minimum(high, last)))
    weight = broadcast_one(convert(weight, below.dtype), shape)
    gap, kind = above - below, below.dtype.type
    # From the nearer end, so that both ends are exact and the result never leaves the interval.
    return select(basic.ge(weight, kind(0.5)), above - gap * (1 - weight), below + gap * weight)


def _at(a, place, shape):
    index = broadcast_one(convert(basic.stop_gradient(place), np.int64), shape)
    return take_along_axis(a, index, 0, "promise_in_bounds")


def _prepared(a, axis) -> tuple:
    """(values with the reduced axes as one in front, the axes)."""
    axes = canonical_axes(axis, a.ndim)
    rest = [k for k in range(a.ndim) if k not in axes]
    moved = prim.transpose(a, list(axes) + rest)
    kept = tuple(a.shape[k] for k in rest)
    count = int(np.prod([a.shape[k] for k in axes], dtype=np.int64))
    return prim.reshape(moved, (count, *kept)), axes


def _quantile(name: str, a, q, axis, out, method: str, keepdims: bool, ignore_nan: bool,
              weights=None):
    refuse_out(out, name)
    if method not in METHODS:
        raise ArgumentError(f"{name}: method must be one of {', '.join(METHODS)}, got {method!r}")
    a = as_arraylike(a, name)
    if is_complex(a.dtype):
        raise ArgumentError(f"{name}: a must be an array of real numbers")
    discrete = method in ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")
    exact = a.dtype if discrete else None
    a, q = promote_inexact(a, q)
    a, q = materialize(a), materialize(q)
    values, axes = _prepared(a, axis)
    if weights is not None:
        from functrans.numpy.weighted_quantiles import check_weights
        weights, _ = _prepared(check_weights(weights, a, axis, method, name), axis)
    if not values.shape[0]:
        return _no_values(a, q, axes, keepdims)
    flat = prim.reshape(q, (q.size,))
    result = _with_nan(values, flat, method, ignore_nan) if weights is None \
        else _weighted(values, weights, flat, ignore_nan)
    result = prim.reshape(result, q.shape + values.shape[1:])
    if keepdims:
        result = prim.expand_dims(result, [k + q.ndim for k in axes])
    return convert(result, exact) if exact is not None else result


def _weighted(values, weights, q, ignore_nan: bool):
    from functrans.numpy.weighted_quantiles import quantiles_of
    return quantiles_of(values, weights, q, ignore_nan)


def _no_values(a, q, axes, keepdims: bool):
    from functrans.numpy.creation import full
    kept = tuple(1 if k in axes else size for k, size in enumerate(a.shape)
                 if keepdims or k not in axes)
    return full(q.shape + kept, np.nan, a.dtype)


def _with_nan(values, q, method: str, ignore_nan: bool):
    """NaN where there is one; or, if it is ignored, the quantile of the others."""
    ordered = sort(values, 0)                            # NaN comes last
    present = basic.eq(values, values)
    spread = prim.reshape(q, (q.size,) + (1,) * (values.ndim - 1))
    if not ignore_nan:
        count = cast(float(values.shape[0]), values.dtype)
        result = _of_sorted(ordered, spread, materialize(count), method)
        return where(any(basic.not_(present), 0), np.nan, result)
    count = reduce_sum(convert(present, values.dtype), (0,))
    result = _of_sorted(ordered, spread, prim.expand_dims(count, (0,)), method)
    return where(count == 0, np.nan, result)


def _check_q(q, low: float, high: float, name: str):
    """q as an array; raises ValueError where it is known to be outside."""
    q = as_arraylike(q, name)
    if is_complex(q.dtype):
        raise ArgumentError(f"{name}: q must be real")
    if isinstance(q, Array):
        values = np.asarray(q)
        if not ((values >= low) & (values <= high)).all():
            raise ArgumentError(f"{name}: q must be from {low:g} to {high:g}, got {values}")
    return q


def _quantile_function(name: str, scale: float, ignore_nan: bool, doc: str):
    def quantile(a, q, axis=None, out=None, overwrite_input: bool = False, method="linear",
                 keepdims: bool = False, *, weights=None):
        q = _check_q(q, 0, scale, name)
        if scale != 1:
            q = q / scale
        return _quantile(name, a, q, axis, out, method, keepdims, ignore_nan, weights)
    quantile.__name__ = quantile.__qualname__ = name
    quantile.__doc__ = doc
    return quantile


quantile = _quantile_function("quantile", 1, False, """The quantiles q, from 0 to 1, over axes.

    q: a number, or an array, whose axes come first in the result. method: how values between
    two elements are found; NumPy's names. NaN where there is one. Method "linear" by default.
    weights: how much each element counts, of the shape of `a`, or a vector along the axis; with
    method "inverted_cdf" only.

    Source: R. Hyndman and Y. Fan, "Sample quantiles in statistical packages", 1996.

    >>> import functrans.numpy as fnp
    >>> fnp.quantile(fnp.array([1.0, 2.0, 4.0]), 0.75)
    Array(3., dtype=float32)
    """)
nanquantile = _quantile_function("nanquantile", 1, True, """`quantile` of what is not NaN.

    >>> import functrans.numpy as fnp
    >>> fnp.nanquantile(fnp.array([1.0, 2.0, fnp.nan]), 0.5)
    Array(1.5, dtype=float32)
    """)
percentile = _quantile_function("percentile", 100, False, """`quantile`, for q from 0 to 100.

    >>> import functrans.numpy as fnp
    >>> fnp.percentile(fnp.array([1.0, 2.0, 4.0]), 75)
    Array(3., dtype=float32)
    """)
nanpercentile = _quantile_function("nanpercentile", 100, True, """`percentile` of what is not NaN.

    >>> import functrans.numpy as fnp
    >>> fnp.nanpercentile(fnp.array([1.0, 2.0, fnp.nan]), 50)
    Array(1.5, dtype=float32)
    """)


def _median(name: str, ignore_nan: bool, doc: str):
    def median(a, axis=None, out=None, overwrite_input: bool = False, keepdims: bool = False):
        return _quantile(name, a, 0.5, axis, out, "linear", keepdims, ignore_nan)
    median.__name__ = median.__qualname__ = name
    median.__doc__ = doc
    return median


median = _median("median", False, """The middle value over axes, or the mean of the middle two.

    >>> import functrans.numpy as fnp
    >>> fnp.median(fnp.array([3.0, 1.0, 2.0]))
    Array(2., dtype=float32)
    """)
nanmedian = _median("nanmedian", True, """`median` of what is not NaN.

    >>> import functrans.numpy as fnp
    >>> fnp.nanmedian(fnp.array([3.0, fnp.nan, 2.0]))
    Array(2.5, dtype=float32)
    """)
