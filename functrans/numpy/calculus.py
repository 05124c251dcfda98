"""Differences, gradients, integrals and sums along axes; interpolation; convolution of vectors.

In: sampled functions. Out: arrays. Imports `numpy.arithmetic`, `numpy.indexing`, `primitives`.
"""
from __future__ import annotations

from functools import partial

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.ir.type import is_bool, is_complex
from functrans.numpy.arithmetic import abs
from functrans.numpy.choosing import where
from functrans.numpy.indexing import getitem, take
from functrans.numpy.logic import isfinite, not_equal
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import broadcast_to
from functrans.numpy.turning import flip
from functrans.numpy.products import contract, in_preferred
from functrans.numpy.promotion import (as_arraylike, canonical_axes,
                                       canonical_axis, cast, float_dtype, materialize, promote,
                                       promote_inexact)
from functrans.numpy.reductions import sum
from functrans.numpy.searching import searchsorted
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert, select


# ---- differences ----

def diff(a, n: int = 1, axis: int = -1, prepend=None, append=None):
    """The n-th differences of neighbours along an axis; of booleans, whether they differ.

    prepend, append: values before and after `a` along the axis.

    >>> import functrans.numpy as fnp
    >>> fnp.diff(fnp.array([1, 2, 4]))
    Array([1, 2], dtype=int64)
    """
    if n < 0:
        raise ArgumentError(f"diff: order must be non-negative but got {n}")
    a = as_arraylike(a, "diff")
    if not a.ndim:
        raise ArgumentError("diff takes arrays with at least one axis")
    axis = canonical_axis(axis, a.ndim)
    if n == 0:
        return a
    parts = [_edge(prepend, a, axis), a, _edge(append, a, axis)]
    if prepend is not None or append is not None:
        a = concatenate([part for part in parts if part is not None], axis)
    for _ in range(n):
        a = _differences(a, axis)
    return a


def _edge(values, a, axis: int):
    if values is None:
        return None
    values = as_arraylike(values, "diff")
    if values.ndim:
        return values
    return broadcast_to(values, tuple(1 if k == axis else size for k, size in enumerate(a.shape)))


def _differences(a, axis: int):
    size = a.shape[axis]
    after = prim.slice_axis(a, axis, min(1, size), size)
    before = prim.slice_axis(a, axis, 0, max(size - 1, 0))
    return not_equal(after, before) if is_bool(a.dtype) else basic.sub(after, before)


def ediff1d(ary, to_end=None, to_begin=None):
    """The differences of neighbours in the flattened array, between `to_begin` and `to_end`.

    >>> import functrans.numpy as fnp
    >>> fnp.ediff1d(fnp.array([1, 2, 4]), to_begin=0)
    Array([0, 1, 2], dtype=int64)
    """
    ary = as_arraylike(ary, "ediff1d")
    parts = [_differences(prim.reshape(ary, (ary.size,)), 0)]
    for place, edge in ((0, to_begin), (len(parts) + 1, to_end)):
        if edge is not None:
            edge = as_arraylike(edge, "ediff1d")
            if not np.can_cast(edge.dtype, ary.dtype, "same_kind"):
                raise ArgumentError(
                    f"ediff1d: dtype {edge.dtype.name} of an edge must be compatible "
                    f"with {ary.dtype.name} of the array")
            parts.insert(place, prim.reshape(convert(edge, ary.dtype), (edge.size,)))
    return concatenate(parts, 0)


def gradient(f, *varargs, axis=None, edge_order: int = 1):
    """Derivatives of a sampled function along axes, by central differences.

    varargs: the spacing: nothing (1), a number, or for each axis a number or its coordinates.
    edge_order: 1 or 2, the order of accuracy at the ends. Returns an array for one axis, a tuple
    for several.

    >>> import functrans.numpy as fnp
    >>> fnp.gradient(fnp.array([1.0, 2.0, 4.0]))
    Array([1. , 1.5, 2. ], dtype=float32)
    """
    f = as_arraylike(f, "gradient")
    axes = _ordered_axes(axis, f.ndim)
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise ArgumentError(f"gradient: {len(varargs)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ArgumentError("gradient: 'edge_order' greater than 2 not supported")
    f = convert(f, float_dtype(f.dtype))
    results = []
    for k, spacing in zip(axes, spacings):
        if f.shape[k] < edge_order + 1:
            raise ArgumentError(f"gradient: axis {k} of {f.type} is too small; at least "
                                f"{edge_order + 1} elements are required")
        slope = _along(f, _step(spacing, f.shape[k], k), k, edge_order)
        results.append(convert(slope, f.dtype))
    return results[0] if len(results) == 1 else tuple(results)


def _ordered_axes(axis, ndim: int) -> list[int]:
    """The axes in the order that the caller gives."""
    if axis is None:
        return list(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    canonical_axes(tuple(given), ndim)           # refuses repeated ones
    return [canonical_axis(k, ndim) for k in given]


def _step(spacing, size: int, axis: int):
    """A number, or the distances between coordinates; equal known distances are a number."""
    spacing = spacing if isinstance(spacing, (int, float)) else as_arraylike(spacing, "gradient")
    if isinstance(spacing, (int, float)) or not spacing.ndim:
        return spacing
    if spacing.ndim > 1:
        raise ArgumentError("gradient: distances must be either scalars or 1d")
    if spacing.size != size:
        raise ArgumentError(f"gradient: {spacing.size} coordinates for axis {axis} of size {size}")
    steps = convert(basic.sub(spacing[1:], spacing[:-1]), float_dtype(spacing.dtype))
    if isinstance(steps, Array) and (np.asarray(steps) == np.asarray(steps)[0]).all():
        return steps[0]
    return steps


def _along(f, h, axis: int, edge_order: int):
    """The derivative along one axis, moved to the front and back."""
    f = prim.move_axis(f, axis, 0)
    if np.ndim(h) == 0:
        inner = (f[2:] - f[:-2]) / (2.0 * h)
        steps = [h] * 4
    else:
        inner = _uneven(f, h)
        steps = [h[0], h[min(1, h.size - 1)], h[h.size - 1], h[max(h.size - 2, 0)]]
    first, last = _ends(f, steps, edge_order)
    result = concatenate([first[None], inner, last[None]], 0)
    return prim.move_axis(result, 0, axis)


def _uneven(f, h):
    """Central differences with distances that differ, of second order."""
    h = prim.reshape(h, (h.size,) + (1,) * (f.ndim - 1))
    left, right = h[:-1], h[1:]
    a = -right / (left * (left + right))
    b = (right - left) / (left * right)
    c = left / (right * (left + right))
    return a * f[:-2] + b * f[1:-1] + c * f[2:]


def _ends(f, steps, order: int) -> tuple:
    size = f.shape[0]
    if order == 1:
        return (f[1] - f[0]) / steps[0], (f[size - 1] - f[size - 2]) / steps[2]
    d1, d2, e1, e2 = steps
    first = (-(2.0 * d1 + d2) / (d1 * (d1 + d2)) * f[0] + (d1 + d2) / (d1 * d2) * f[1]
             - d1 / (d2 * (d1 + d2)) * f[2])
    last = (e1 / (e2 * (e1 + e2)) * f[size - 3] - (e2 + e1) / (e1 * e2) * f[size - 2]
            + (2.0 * e1 + e2) / (e1 * (e1 + e2)) * f[size - 1])
    return first, last


def trapezoid(y, x=None, dx=1.0, axis: int = -1):
    """The integral of a sampled function along an axis, by the trapezoidal rule.

    x: coordinates, of the shape of y or a vector along the axis; dx: their distance otherwise.

    >>> import functrans.numpy as fnp
    >>> fnp.trapezoid(fnp.array([1.0, 2.0, 3.0]))
    Array(4., dtype=float32)
    """
    y = as_arraylike(y, "trapezoid")
    axis = canonical_axis(axis, y.ndim)
    if x is not None:
        x = as_arraylike(x, "trapezoid")
        if x.ndim == 1:
            dx = basic.sub(x[1:], x[:-1])
            shape = tuple(dx.size if k == axis else 1 for k in range(y.ndim))
            dx = prim.reshape(dx, shape)
        else:
            dx = diff(x, axis=canonical_axis(axis - y.ndim, x.ndim))
    size = y.shape[axis]
    after = prim.slice_axis(y, axis, min(1, size), size)
    before = prim.slice_axis(y, axis, 0, max(size - 1, 0))
    return sum(dx * (after + before) / 2.0, axis)


# ---- interpolation ----

def interp(x, xp, fp, left=None, right=None, period=None):
    """Values at `x` of the function that is linear between the points (xp, fp).

    xp: increasing coordinates (any order, if there is a `period`); fp: real or complex values.
    left, right: values before the first and behind the last point; those of the ends by default.

    >>> import functrans.numpy as fnp
    >>> fnp.interp(fnp.array(1.5), fnp.array([1.0, 2.0]), fnp.array([10.0, 20.0]))
    Array(15., dtype=float32)
    """
    xp, fp = as_arraylike(xp, "interp"), as_arraylike(fp, "interp")
    if xp.ndim != 1 or fp.ndim != 1 or xp.shape != fp.shape:
        raise ArgumentError(f"interp: xp and fp must be vectors of one size, got {xp.type} and "
                            f"{fp.type}")
    if not xp.size:
        raise ArgumentError("interp: array of sample points is empty")
    x, xp = (materialize(part) for part in promote_inexact(as_arraylike(x, "interp"), xp))
    fp = materialize(promote_inexact(fp)[0])
    fp, _ = promote(fp, x) if not is_complex(x.dtype) else (fp, x)
    if is_complex(x.dtype):
        raise ArgumentError("interp: x and xp must be real")
    if period is not None:
        return _interpolated(*_periodic(x, xp, fp, period), None, None)
    return _interpolated(x, xp, fp, left, right)


def _periodic(x, xp, fp, period) -> tuple:
    """The points of one period, in order, with one more before and behind."""
    from functrans.numpy.searching import argsort
    if isinstance(period, (int, float)) and period == 0:
        raise ArgumentError("interp: period must be a non-zero value")
    period = abs(as_arraylike(period, "interp"))
    x, xp = x % period, xp % period
    order = argsort(xp)
    xp, fp = (getitem(part, (order,), "promise") for part in (xp, fp))
    xp = concatenate([xp[-1:] - period, xp, xp[:1] + period], 0)
    return x, xp, concatenate([fp[-1:], fp, fp[:1]], 0)


def _interpolated(x, xp, fp, left, right):
    last = xp.size - 1
    k = searchsorted(xp, basic.stop_gradient(x), "right") - 1
    k = basic.minimum(basic.maximum(k, np.int64(0)), np.int64(max(last - 1, 0)))
    upper = k + 1 if last else k
    x0, x1, f0, f1 = (getitem(part, (place,), "promise")
                      for part, place in ((xp, k), (xp, upper), (fp, k), (fp, upper)))
    width = select(basic.eq(x1, x0), x1.dtype.type(1), basic.sub(x1, x0))
    result = where(x == x1, f1 + _part(f1 - f0, (x - x1) / width),
                   f0 + _part(f1 - f0, (x - x0) / width))
    low = fp[0] if left is None else cast_like(left, fp)
    high = fp[last] if right is None else cast_like(right, fp)
    result = where(x < xp[0], low, where(x > xp[last], high, result))
    return where(x != x, x, result)


def _part(gap, share):
    """gap * share, and 0 for no share of an infinite gap."""
    none = basic.and_(basic.eq(share, share.dtype.type(0)), basic.not_(isfinite(gap)))
    return select(none, gap.dtype.type(0), gap * share)


def cast_like(value, like):
    """A number of the dtype of an array."""
    return materialize(cast(value, like.dtype)) if isinstance(value, (int, float, complex)) \
        else convert(as_arraylike(value), like.dtype)


# ---- convolution ----

def _vectors(a, v, name: str) -> tuple:
    a, v = promote(as_arraylike(a, name), as_arraylike(v, name))
    if name == "correlate" and not (a.ndim and v.ndim):
        raise ArgumentError(f"{name} takes vectors, got a scalar")
    if a.ndim > 1 or v.ndim > 1:
        raise ArgumentError(f"{name} takes vectors, got shapes {a.shape} and {v.shape}")
    a, v = (prim.reshape(part, (part.size,)) for part in (a, v))
    if not a.size or not v.size:
        raise ArgumentError(f"{name}: {'a' if not a.size else 'v'} cannot be empty")
    return a, v


_MODES = {"valid": 0, "same": 1, "full": 2, 0: 0, 1: 1, 2: 2}


def _sliding(a, v, mode: str, name: str):
    """Sums of products of v with the windows of the longer vector a."""
    if mode not in _MODES:
        raise ArgumentError(f"{name}: mode must be 'full', 'same' or 'valid', got {mode!r}")
    size, width = a.size, v.size
    low, high = {0: (0, 0), 1: (width // 2, width - 1 - width // 2),
                 2: (width - 1, width - 1)}[_MODES[mode]]
    padded = prim.pad(a, (low,), (high,))
    count = size + low + high - width + 1
    places = np.arange(count)[:, None] + np.arange(width)
    windows = take(padded, places)
    return contract(windows, v, ((1,), (0,)))


def convolve(a, v, mode: str = "full", *, precision=None, preferred_element_type=None):
    """The convolution of two vectors.

    mode: "full" (all overlaps), "same" (as long as the longer one), or "valid" (whole overlaps).

    >>> import functrans.numpy as fnp
    >>> fnp.convolve(fnp.array([1, 2]), fnp.array([1, 1, 1]))
    Array([1, 3, 3, 2], dtype=int64)
    """
    return in_preferred(partial(_convolve, mode=mode), *_vectors(a, v, "convolve"),
                        preferred_element_type)


def _convolve(a, v, mode: str):
    if v.size > a.size:
        a, v = v, a
    return _sliding(a, flip(v), mode, "convolve")


def correlate(a, v, mode: str = "valid", *, precision=None, preferred_element_type=None):
    """The cross-correlation of two vectors: sums of `a[n + k] * conj(v[n])`; see `convolve`.

    >>> import functrans.numpy as fnp
    >>> fnp.correlate(fnp.array([1, 2, 3]), fnp.array([0, 1, 1]), "same")
    Array([3, 5, 3], dtype=int64)
    """
    return in_preferred(partial(_correlate, mode=mode), *_vectors(a, v, "correlate"),
                        preferred_element_type)


def _correlate(a, v, mode: str):
    v = basic.conj(v) if is_complex(v.dtype) else v
    if v.size <= a.size:
        return _sliding(a, v, mode, "correlate")
    return flip(_sliding(v, a, mode, "correlate"))
