"""Reductions along axes: sums, means, extremes, running results, norms of data.

Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.config import default_float
from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_bool, is_complex, is_inexact, is_integer
from functrans.numpy import complex_order
from functrans.numpy.choosing import where as where_
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_one, broadcast_shapes,
                                       canonical_axes, canonical_axis, canonical_dtype, cast,
                                       float_dtype, index_dtype, materialize, promote_types)
from functrans.numpy.ufuncs import abs, maximum, minimum, real, sqrt, truth
from functrans.primitives import basic, cumulative, reduce
from functrans.primitives.basic import full
from functrans.primitives.elementwise import convert, select, stop_gradient
from functrans.primitives.shape import expand_dims, reshape, transpose


def _kept(x, axes: tuple, keepdims: bool):
    """The result of a reduction, with its reduced axes of size one where asked for."""
    return expand_dims(x, axes) if keepdims else x


def _masked(x, where, start):
    """Elements that do not count, replaced by a neutral one."""
    if where is None or where is True:
        return x
    mask = materialize(truth(where))
    shape = broadcast_shapes(x.shape, mask.shape)
    return select(broadcast_one(mask, shape), broadcast_one(x, shape), start)


def _start(initial, dtype):
    """What a reduction starts from, in the dtype of its result."""
    return cast(as_operand(initial, "initial="), dtype)


def _accumulation_dtype(x, dtype, promote_integers: bool = True):
    """The dtype of sums and products: small integers are widened, as in NumPy."""
    if dtype is not None:
        return canonical_dtype(dtype)
    if not promote_integers:
        return x.dtype
    if is_bool(x.dtype) or (is_integer(x.dtype) and x.dtype.itemsize < 8):
        return np.dtype(np.uint64 if x.dtype.kind == "u" else np.int64)
    return x.dtype


def sum(a, axis=None, dtype=None, out=None, keepdims: bool = False, initial=None, where=None,
        promote_integers: bool = True):
    """The sum over axes (all by default).

    axis: int or tuple of ints; where: which elements count; initial: what to start from.
    promote_integers: whether integers of less than 64 bits are added up in 64.

    >>> import functrans.numpy as fnp
    >>> fnp.sum(fnp.ones((2, 3)), axis=1)
    Array([3., 3.], dtype=float32)
    """
    _no_out(out)
    a = _wide(as_arraylike(a, "sum"), dtype, promote_integers)
    axes = canonical_axes(axis, a.ndim)
    a = _masked(a, where, a.dtype.type(0))
    result = _kept(basic.reduce_sum(a, axes), axes, keepdims)
    return result if initial is None else result + _start(initial, a.dtype)


def _wide(a, dtype, promote_integers: bool):
    wanted = _accumulation_dtype(a, dtype, promote_integers)
    return a if wanted == a.dtype else convert(a, wanted)


def _no_out(out):
    if out is not None:
        raise ArgumentError("out= is not possible: arrays are immutable; use the result")


def prod(a, axis=None, dtype=None, out=None, keepdims: bool = False, initial=None, where=None,
         promote_integers: bool = True):
    """The product over axes (all by default); see `sum`. Its gradient is right at zeros.

    >>> import functrans.numpy as fnp
    >>> fnp.prod(fnp.array([2.0, 3.0]))
    Array(6., dtype=float32)
    """
    _no_out(out)
    a = _wide(as_arraylike(a, "prod"), dtype, promote_integers)
    axes = canonical_axes(axis, a.ndim)
    a = _masked(a, where, a.dtype.type(1))
    result = _kept(reduce.reduce_prod(a, axes), axes, keepdims)
    return result if initial is None else result * _start(initial, a.dtype)


def _extreme(name: str, function, of_complex, neutral, combine, doc: str):
    def extreme(a, axis=None, out=None, keepdims: bool = False, initial=None, where=None):
        _no_out(out)
        a = as_arraylike(a, name)
        axes = canonical_axes(axis, a.ndim)
        if initial is None and 0 in [a.shape[k] for k in axes]:
            raise ArgumentError(
                f"{name} of no elements (shape {a.shape}, axis {axis}) has no value; "
                "give initial=")
        if where is not None and where is not True and initial is None:
            raise ArgumentError(f"{name} with where= needs initial=")
        a = _masked(a, where, neutral(a.dtype))
        find = of_complex if is_complex(a.dtype) else function
        result = _kept(find(a, axes), axes, keepdims)
        return result if initial is None else combine(result, _start(initial, a.dtype))
    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = doc
    return extreme


max = _extreme("max", reduce.reduce_max, complex_order.largest, cumulative.lowest, maximum,
               """The largest element over axes (all by default); NaN if there is one.

    The gradient is shared among all that attain it.

    >>> import functrans.numpy as fnp
    >>> fnp.max(fnp.array([1.0, 3.0]))
    Array(3., dtype=float32)
    """)
min = _extreme("min", reduce.reduce_min, complex_order.smallest, cumulative.highest, minimum,
               """The smallest element over axes (all by default); see `max`.

    >>> import functrans.numpy as fnp
    >>> fnp.min(fnp.array([1.0, 3.0]))
    Array(1., dtype=float32)
    """)
amax, amin = max, min


def _logical_reduction(name: str, function, neutral: bool, doc: str):
    def reduction(a, axis=None, out=None, keepdims: bool = False, *, where=None):
        _no_out(out)
        a = materialize(truth(as_arraylike(a, name)))
        axes = canonical_axes(axis, a.ndim)
        a = _masked(a, where, np.bool_(neutral))
        return _kept(function(a, axes), axes, keepdims)
    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = doc
    return reduction


all = _logical_reduction("all", reduce.reduce_and, True,
                         """Whether all elements over axes are true.

    >>> import functrans.numpy as fnp
    >>> fnp.all(fnp.array([1, 0]))
    Array(False, dtype=bool)
    """)
any = _logical_reduction("any", reduce.reduce_or, False,
                         """Whether at least one element over axes is true.

    >>> import functrans.numpy as fnp
    >>> fnp.any(fnp.array([1, 0]))
    Array(True, dtype=bool)
    """)


def _count(a, axes: tuple, where):
    """How many elements count, along the reduced axes."""
    if where is None or where is True:
        return math.prod(a.shape[k] for k in axes)
    mask = broadcast_one(materialize(truth(where)), a.shape)
    return basic.reduce_sum(convert(mask, real_dtype(_float_of(a))), axes)


def real_dtype(dtype) -> np.dtype:
    """The dtype of the real part of numbers of a dtype."""
    return np.empty(0, dtype).real.dtype if is_complex(dtype) else dtype


def _float_of(a) -> np.dtype:
    """The floating dtype in which means of `a` are computed."""
    return a.dtype if is_inexact(a.dtype) else default_float()


def mean(a, axis=None, dtype=None, out=None, keepdims: bool = False, *, where=None):
    """The arithmetic mean over axes (all by default), a float.

    >>> import functrans.numpy as fnp
    >>> fnp.mean(fnp.array([1, 2]))
    Array(1.5, dtype=float32)
    """
    _no_out(out)
    a = as_arraylike(a, "mean")
    a = convert(a, _float_of(a) if dtype is None else canonical_dtype(dtype))
    axes = canonical_axes(axis, a.ndim)
    total = basic.reduce_sum(_masked(a, where, a.dtype.type(0)), axes)
    return _kept(_over(total, _count(a, axes, where)), axes, keepdims)


def _over(total, count):
    """total / count; NaN where there is nothing to count."""
    if isinstance(count, (int, float)):
        return total / count if count > 0 else total * np.nan
    return where_(count > 0, total / count, np.nan)


def average(a, axis=None, weights=None, returned: bool = False, *, keepdims: bool = False):
    """The weighted mean over axes.

    weights: of the shape of `a`, or a vector along `axis`. With `returned`, also their sum.

    >>> import functrans.numpy as fnp
    >>> fnp.average(fnp.array([1.0, 3.0]), weights=fnp.array([3.0, 1.0]))
    Array(1.5, dtype=float32)
    """
    a = as_arraylike(a, "average")
    if weights is None:
        result = mean(a, axis, keepdims=keepdims)
        count = a.size // (result.size or 1)
        return (result, full(result.type.strong(), count)) if returned else result
    weights = as_arraylike(weights, "average")
    kind = promote_types(a.dtype, weights.dtype)
    kind = float_dtype(kind) if is_inexact(a.dtype) else promote_types(float_dtype(kind),
                                                                      default_float())
    a, weights = convert(a, kind), convert(_spread_weights(a, weights, axis), kind)
    scale = sum(weights, axis, keepdims=keepdims)
    result = sum(a * weights, axis, keepdims=keepdims) / scale
    return (result, broadcast_one(scale, result.shape)) if returned else result


def _spread_weights(a, weights, axis):
    """Weights in the shape of `a`: given so, or for the axes `axis`."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise ArgumentError(f"average: weights of shape {weights.shape} for {a.type} need axis=")
    axes = [canonical_axis(k, a.ndim) for k in (axis if isinstance(axis, tuple) else (axis,))]
    if weights.shape != tuple(a.shape[k] for k in axes):
        raise ShapeError(f"average: weights of shape {weights.shape} do not fit axis {axis} of "
                         f"{a.type}")
    order = sorted(range(len(axes)), key=axes.__getitem__)
    weights = transpose(weights, order)
    return basic.broadcast(weights, a.shape, [axes[k] for k in order])


def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims: bool = False, *, where=None,
        mean=None, correction=None):
    """The variance over axes: the mean of squared distances from the mean, over n - ddof.

    >>> import functrans.numpy as fnp
    >>> fnp.var(fnp.array([1.0, 3.0]))
    Array(1., dtype=float32)
    """
    _no_out(out)
    a = as_arraylike(a, "var")
    a = convert(a, _float_of(a) if dtype is None else canonical_dtype(dtype))
    axes = canonical_axes(axis, a.ndim)
    center = _mean_of(a, axes, where) if mean is None else mean
    gap = a - center
    squares = real(gap * gap.conj()) if is_complex(a.dtype) else gap * gap
    total = basic.reduce_sum(_masked(squares, where, squares.dtype.type(0)), axes)
    count = _count(a, axes, where) - (ddof if correction is None else correction)
    return _kept(_over(total, count), axes, keepdims)


def _mean_of(a, axes, where):
    return mean(a, axes, keepdims=True, where=where)


def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims: bool = False, *, where=None,
        mean=None, correction=None):
    """The standard deviation over axes: the square root of `var`; its gradient at 0 is 0.

    >>> import functrans.numpy as fnp
    >>> fnp.std(fnp.array([1.0, 3.0]))
    Array(1., dtype=float32)
    """
    spread = var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean,
                 correction=correction)
    positive = spread > 0
    return where_(positive, sqrt(where_(positive, spread, 1)), spread)


def ptp(a, axis=None, out=None, keepdims: bool = False):
    """The largest minus the smallest element over axes.

    >>> import functrans.numpy as fnp
    >>> fnp.ptp(fnp.array([1.0, 3.0]))
    Array(2., dtype=float32)
    """
    _no_out(out)
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


def count_nonzero(a, axis=None, *, keepdims: bool = False):
    """How many elements over axes are not zero.

    >>> import functrans.numpy as fnp
    >>> fnp.count_nonzero(fnp.array([1, 0, 2]))
    Array(2, dtype=int64)
    """
    return sum(convert(materialize(truth(as_arraylike(a))), index_dtype()), axis,
               keepdims=keepdims)


# ---- places of extremes ----

def _arg_extreme(name: str, function, doc: str):
    def place(a, axis: int | None = None, out=None, *, keepdims: bool = False):
        _no_out(out)
        a = as_arraylike(a, name)
        if axis is None:
            found = function(reshape(a, (a.size,)), 0)
            return reshape(found, (1,) * a.ndim) if keepdims else found
        axis = canonical_axis(axis, a.ndim)
        return _kept(function(a, axis), (axis,), keepdims)
    place.__name__ = place.__qualname__ = name
    place.__doc__ = doc
    return place


argmax = _arg_extreme("argmax", reduce.argmax,
                      """The index of the first largest element, along an axis or of all.

    >>> import functrans.numpy as fnp
    >>> fnp.argmax(fnp.array([1.0, 3.0]))
    Array(1, dtype=int64)
    """)
argmin = _arg_extreme("argmin", reduce.argmin,
                      """The index of the first smallest element, along an axis or of all.

    >>> import functrans.numpy as fnp
    >>> fnp.argmin(fnp.array([1.0, 3.0]))
    Array(0, dtype=int64)
    """)

# ---- running results ----

def _running(name: str, function, doc: str, widen: bool):
    def running(a, axis: int | None = None, dtype=None, out=None):
        _no_out(out)
        a = as_arraylike(a, name)
        if axis is None:
            a, axis = reshape(a, (a.size,)), 0
        kind = _accumulation_dtype(a, dtype) if widen or dtype is not None else a.dtype
        return function(convert(a, kind) if kind != a.dtype else a,
                        canonical_axis(axis, a.ndim))
    running.__name__ = running.__qualname__ = name
    running.__doc__ = doc
    return running


cumsum = _running("cumsum", cumulative.cumsum,
                  """Running sums along an axis (of all elements, if None).

    >>> import functrans.numpy as fnp
    >>> fnp.cumsum(fnp.array([1, 2, 3]))
    Array([1, 3, 6], dtype=int64)
    """, True)
cumprod = _running("cumprod", cumulative.cumprod,
                   """Running products along an axis (of all elements, if None).

    >>> import functrans.numpy as fnp
    >>> fnp.cumprod(fnp.array([1, 2, 3]))
    Array([1, 2, 6], dtype=int64)
    """, True)


def _cumulative(name: str, function, start: int, doc: str):
    def cumulative_(x, /, *, axis: int | None = None, dtype=None, out=None,
                    include_initial: bool = False):
        _no_out(out)
        x = as_arraylike(x, name)
        if axis is None:
            if x.ndim > 1:
                raise ArgumentError(f"{name} of an array with several axes needs axis=")
            axis = 0
        axis = canonical_axis(axis, x.ndim)
        result = function(x, axis, dtype)
        if include_initial:
            from functrans.numpy.creation import full
            from functrans.numpy.joining import concatenate
            edge = tuple(1 if k == axis else size for k, size in enumerate(x.shape))
            result = concatenate([full(edge, start, result.dtype), result], axis)
        return result
    cumulative_.__name__ = cumulative_.__qualname__ = name
    cumulative_.__doc__ = doc
    return cumulative_


cumulative_sum = _cumulative("cumulative_sum", cumsum, 0,
                             """Running sums along an axis (array API standard).

    >>> import functrans.numpy as fnp
    >>> fnp.cumulative_sum(fnp.array([1, 2]), include_initial=True)
    Array([0, 1, 3], dtype=int64)
    """)
cumulative_prod = _cumulative("cumulative_prod", cumprod, 1,
                              """Running products along an axis (array API standard).

    >>> import functrans.numpy as fnp
    >>> fnp.cumulative_prod(fnp.array([2, 3]))
    Array([2, 6], dtype=int64)
    """)


# ---- exponentials ----

def logsumexp(a, axis=None, b=None, keepdims: bool = False, return_sign: bool = False,
              where=None):
    """log(sum(b * exp(a))) over axes, without overflow. b: weights, 1 by default.

    where: which elements count. With `return_sign`, a pair of log(abs(sum)) and the sum's sign.

    >>> import functrans.numpy as fnp
    >>> from functrans.nn import logsumexp
    >>> logsumexp(fnp.zeros(2))
    Array(0.6931472, dtype=float32)
    """
    from functrans.numpy.ufuncs import exp, isfinite, log, sign
    a = as_arraylike(a, "logsumexp")
    a = convert(a, _float_of(a)) if not is_inexact(a.dtype) else a
    axes = canonical_axes(axis, a.ndim)
    scores = real(a) if is_complex(a.dtype) else a
    high = max(scores, axes, keepdims=True, initial=-np.inf, where=where)
    high = stop_gradient(where_(isfinite(high), high, 0))
    terms = exp(a - high)
    if where is not None:
        terms = where_(where, terms, 0)
    if b is not None:
        b = as_arraylike(b, "logsumexp")
        terms = where_(b != 0, terms, 0) * b
    total = sum(terms, axes, keepdims=True)
    signs = sign(total)
    size = abs(total) if return_sign else total
    result = _kept(reshape(log(size) + high, _without(total.shape, axes)), axes, keepdims)
    if not return_sign:
        return result
    return result, _kept(reshape(signs, _without(total.shape, axes)), axes, keepdims)


def _without(shape: tuple, axes: tuple) -> tuple:
    return tuple(size for k, size in enumerate(shape) if k not in axes)

