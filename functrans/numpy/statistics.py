"""Statistics of data: covariance, correlation, histograms, counts, bins.

In: arrays. Out: arrays. Imports `numpy.products`, `numpy.reductions`, `numpy.searching`.
"""
from __future__ import annotations

import math
from builtins import max as max_
from builtins import range as range_

import numpy as np

from functrans.array import Array, ArrayBase, as_array
from functrans.config import default_float
from functrans.errors import ArgumentError, DtypeError, ShapeError, WeightsError
from functrans.ir.type import is_complex, is_inexact, is_integer
from functrans.numpy.arithmetic import clip
from functrans.numpy.choosing import where
from functrans.numpy.creation import zeros
from functrans.numpy.ranges import linspace
from functrans.numpy.diagonals import diagonal
from functrans.numpy.functions import sqrt
from functrans.numpy.joining import concatenate
from functrans.numpy.turning import flip
from functrans.numpy.products import matmul
from functrans.numpy.promotion import (as_arraylike, broadcast_one, materialize,
                                       promote_inexact)
from functrans.numpy.reductions import average, max, min, sum
from functrans.numpy.searching import searchsorted
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.basic import full
from functrans.primitives.elementwise import convert, select
from functrans.primitives.index import scatter, scatter_add_p


def _observations(m, rowvar: bool, name: str):
    """A matrix with a variable in each row."""
    m = as_arraylike(m, name)
    if m.ndim > 2:
        raise ArgumentError(f"{name} takes vectors and matrices, got shape {m.shape}")
    m = prim.reshape(m, (1, m.size)) if m.ndim < 2 else m
    return m if rowvar or m.shape[0] == 1 else prim.transpose(m, (1, 0))


def cov(m, y=None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
        fweights=None, aweights=None, *, dtype=None):
    """The covariance matrix of variables, one in each row (column, if not `rowvar`).

    y: more variables. bias: whether to divide by n instead of n - 1; ddof: by n - ddof.
    fweights: how often each observation counts (integers); aweights: its weight.

    >>> import functrans.numpy as fnp
    >>> fnp.cov(fnp.array([[0.0, 2.0], [1.0, 5.0]]))
    Array([[2., 4.],
           [4., 8.]], dtype=float32)
    """
    if ddof is not None and ddof != int(ddof):
        raise ArgumentError(f"cov: ddof must be an integer, got {ddof!r}")
    parts = [_observations(part, rowvar, "cov") for part in (m, y) if part is not None]
    parts = [materialize(part) for part in promote_inexact(*parts)]
    x = concatenate(parts, 0)
    if dtype is not None:
        x = convert(x, dtype)
    ddof = (0 if bias else 1) if ddof is None else int(ddof)
    weights = _weights(fweights, aweights, x.shape[1])
    if weights is None:
        mean, divisor = sum(x, 1, keepdims=True) / x.shape[1], x.shape[1] - ddof
    else:
        mean, total = average(x, 1, weights=weights, returned=True, keepdims=True)
        divisor = _divisor(basic.real(total[0, 0]) if is_complex(x.dtype) else total[0, 0],
                           weights, aweights, ddof)
    gap = x - mean
    scaled = gap if weights is None else gap * weights
    other = basic.conj(scaled) if is_complex(x.dtype) else scaled
    product = matmul(gap, prim.transpose(other, (1, 0)))
    result = product / (max_(divisor, 0) if isinstance(divisor, int) else divisor)
    return prim.reshape(result, [size for size in result.shape if size != 1]) \
        if 1 in result.shape else result


def _divisor(total, weights, aweights, ddof: int):
    if ddof == 0:
        return total
    if aweights is None:
        return total - ddof
    return total - ddof * sum(weights * as_arraylike(aweights)) / total


def _weights(fweights, aweights, count: int):
    """The product of both kinds of weights; None for none."""
    total = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        part = as_arraylike(given, "cov")
        if name == "fweights" and not is_integer(part.dtype):
            raise ArgumentError("cov: fweights must be integers")
        if part.ndim > 1:
            raise WeightsError(f"cov: {name} cannot be multidimensional, got shape {part.shape}")
        if part.shape != (count,):
            raise WeightsError(f"cov: {name} of shape {part.shape} for {count} observations")
        if isinstance(part, Array) and (np.asarray(part) < 0).any():
            raise ArgumentError(f"cov: {name} cannot be negative")
        total = part if total is None else total * part
    return total


def corrcoef(x, y=None, rowvar: bool = True, *, dtype=None):
    """The correlation coefficients of variables, one in each row (column, if not `rowvar`).

    >>> import functrans.numpy as fnp
    >>> fnp.corrcoef(fnp.array([[0.0, 2.0], [1.0, 5.0]]))
    Array([[1., 1.],
           [1., 1.]], dtype=float32)
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    spread = sqrt(basic.real(diagonal(c)) if is_complex(c.dtype) else diagonal(c))
    c = c / spread[:, None] / spread[None, :]
    if is_complex(c.dtype):
        return basic.complex_(clip(basic.real(c), -1, 1), clip(basic.imag(c), -1, 1))
    return clip(c, -1, 1)


# ---- counting ----

def bincount(x, /, weights=None, minlength: int = 0, *, length: int | None = None):
    """How often each integer from 0 occurs in the vector `x`; or the sums of their `weights`.

    length: the size of the result, which makes a traced `x` possible: integers beyond it are not
    counted. Without it, the size is that of the largest integer, plus 1, or `minlength`.

    >>> import functrans.numpy as fnp
    >>> fnp.bincount(fnp.array([0, 2, 2]))
    Array([1, 0, 2], dtype=int64)
    """
    x = as_arraylike(x, "bincount")
    if x.ndim != 1:
        raise ArgumentError(f"bincount takes a vector, got shape {x.shape}")
    if not is_integer(x.dtype) and x.dtype.kind != "b" and x.size:
        raise DtypeError(f"bincount takes integers, not {x.dtype.name}")
    if minlength < 0:
        raise ArgumentError(f"bincount: minlength must not be negative, got {minlength}")
    if length is None:
        values = x._concrete("bincount (its result has a shape that depends on values; give "
                             "length=)")
        if values.size and values.min() < 0:
            raise ArgumentError(f"bincount: x has the negative element {values.min()}")
        length = int(np.max(values, initial=-1)) + 1
        length = length if length > minlength else minlength
    x = convert(x, np.int64)
    return _counts(x, _count_weights(x, weights), length)


def _count_weights(x, weights):
    if weights is None:
        return full(x.type.strong(), 1)
    weights = materialize(promote_inexact(as_arraylike(weights, "bincount"))[0])
    if weights.shape != x.shape:
        raise ArgumentError(f"bincount: weights of shape {weights.shape} for x of shape {x.shape}")
    return weights


def _counts(places, weights, length: int):
    """Sums of weights by place; places outside do not count."""
    base = zeros(length, weights.dtype)
    if not places.size or not length:
        return base
    return scatter(scatter_add_p, base, weights, [places], 0, "drop")


def digitize(x, bins, right: bool = False, *, method: str | None = None):
    """The number of the bin that each element lies in, from 0 (before the first edge).

    bins: edges, rising or falling; right: whether a bin holds its right edge.

    >>> import functrans.numpy as fnp
    >>> fnp.digitize(fnp.array([0.5, 2.5]), fnp.array([0.0, 1.0, 2.0]))
    Array([1, 3], dtype=int64)
    """
    bins = as_arraylike(bins, "digitize")
    if bins.ndim != 1:
        raise ArgumentError(f"digitize: bins must be a vector, got shape {bins.shape}")
    side = "left" if right else "right"
    if not bins.size:
        return searchsorted(bins, x, side)
    if isinstance(bins, Array):
        steps = np.diff(np.asarray(bins))
        if not ((steps >= 0).all() or (steps <= 0).all()):
            raise ArgumentError("digitize: bins must be monotonically increasing or decreasing")
    rising = searchsorted(bins, x, side)
    falling = bins.size - searchsorted(flip(bins), x, side)
    return where(basic.le(bins[0], bins[-1]), rising, falling)


# ---- histograms ----

_RULES = ("auto", "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges")


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """The edges of the bins of a histogram; see `histogram`.

    bins: how many, or the edges; or the name of a rule of NumPy's (then `a` must be known).
    range: (low, high); those of `a` by default.

    >>> import functrans.numpy as fnp
    >>> fnp.histogram_bin_edges(fnp.array([0.0, 1.0]), 2)
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    a = as_arraylike(a, "histogram")
    if isinstance(bins, str):
        if bins not in _RULES:
            raise ArgumentError(f"histogram: {bins!r} is not a rule; there are {', '.join(_RULES)}")
        values = a._concrete(f"a histogram with bins={bins!r}")
        return _float_edges(as_array(np.histogram_bin_edges(values, bins, range)), a)
    if isinstance(bins, (ArrayBase, np.ndarray, list, tuple)) and np.ndim(bins):
        return _given_edges(as_arraylike(bins, "histogram"))
    count = _bin_count(bins)
    kind = a.dtype if is_inexact(a.dtype) else default_float()
    return linspace(*_limits(a, range), count + 1, dtype=kind)


def _float_edges(edges, a):
    return edges if not is_inexact(edges.dtype) or edges.dtype == a.dtype else \
        convert(edges, a.dtype if is_inexact(a.dtype) else default_float())


def _bin_count(bins) -> int:
    try:
        count = bins.__index__()
    except AttributeError:
        raise ArgumentError(
            f"histogram: bins must be an integer, a vector or a string, got {bins!r}"
            ) from None
    if count < 1:
        raise ArgumentError(f"histogram: bins must be positive, got {count}")
    return count


def _given_edges(edges):
    if edges.ndim != 1:
        raise ArgumentError(f"histogram: edges must be a vector, got shape {edges.shape}")
    if isinstance(edges, Array) and (np.diff(np.asarray(edges)) < 0).any():
        raise ArgumentError("histogram: edges must increase monotonically")
    return edges


def _limits(a, given) -> tuple:
    """The lowest and the highest edge; a range without extent is widened by 1/2."""
    if given is not None:
        low, high = given
        if not all(map(math.isfinite, (low, high))):
            raise ArgumentError(f"histogram: range must be finite, got {given}")
        if low > high:
            raise ArgumentError(f"histogram: range must not fall, got {given}")
        return (low - 0.5, high + 0.5) if low == high else (low, high)
    kind = a.dtype if is_inexact(a.dtype) else default_float()
    if not a.size:
        return np.zeros((), kind)[()], np.ones((), kind)[()]
    low, high = convert(min(a), kind), convert(max(a), kind)
    same = low == high
    return where(same, low - 0.5, low), where(same, high + 0.5, high)


def histogram(a, bins=10, range=None, density: bool | None = None, weights=None) -> tuple:
    """(how many elements of `a` lie in each bin, the edges); the last bin holds its right edge.

    bins, range: see `histogram_bin_edges`. weights: what each element counts, 1 by default.
    density: whether to divide so that the integral is 1.

    >>> import functrans.numpy as fnp
    >>> fnp.histogram(fnp.array([0.0, 0.2, 1.0]), 2)[0]
    Array([2, 1], dtype=int64)
    """
    a = as_arraylike(a, "histogram")
    weights = None if weights is None else as_arraylike(weights, "histogram")
    if weights is not None and weights.shape != a.shape:
        raise ArgumentError(f"histogram: weights of shape {weights.shape} for a of shape {a.shape}")
    edges = histogram_bin_edges(a, bins, range, weights)
    places = _bin_of(prim.reshape(a, (a.size,)), edges)
    parts = full(places.type.strong(), 1) if weights is None else \
        prim.reshape(weights, (a.size,))
    counts = _counts(places, parts, edges.size - 1)
    if not density:
        return counts, edges
    width = edges[1:] - edges[:-1]
    kind = edges.dtype if is_inexact(edges.dtype) else default_float()
    counts = counts if is_inexact(counts.dtype) else convert(counts, kind)
    return counts / width / sum(counts), edges


def _bin_of(x, edges):
    """The bin that each element lies in; a number outside of all for those outside."""
    count = edges.size - 1
    places = searchsorted(edges, x, "right") - 1
    last = x == edges[count]
    return select(last, np.int64(count - 1), select(x == x, places, np.int64(-1)))


def histogramdd(sample, bins=10, range=None, density: bool | None = None, weights=None) -> tuple:
    """(how many points lie in each cell, the edges along each axis).

    sample: points (n, d), or d vectors of coordinates. bins: how many along each axis, or one
    number or vector of edges for each. range: a pair for each axis, or None.

    >>> import functrans.numpy as fnp
    >>> fnp.histogramdd(fnp.array([[0.0, 0.0], [1.0, 1.0]]), 2)[0]
    Array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    points = _points(sample)
    count, dims = points.shape
    bins = list(bins) if isinstance(bins, (list, tuple, np.ndarray, ArrayBase)) else [bins] * dims
    ranges = [None] * dims if range is None else list(range)
    if len(bins) != dims or len(ranges) != dims:
        raise ArgumentError(f"histogramdd: {len(bins)} bins and {len(ranges)} ranges for points of "
                            f"{dims} coordinates")
    columns = [points[:, k] for k in range_(dims)]
    edges = [histogram_bin_edges(*parts) for parts in zip(columns, bins, ranges)]
    counts = _cell_counts(columns, edges, weights, points)
    if density:
        counts = counts / sum(counts)
        for axis, edge in enumerate(edges):
            width = edge[1:] - edge[:-1]
            counts = counts / prim.reshape(width, [width.size if k == axis else 1
                                                   for k in range_(dims)])
    return counts, tuple(edges)


def _points(sample):
    if isinstance(sample, (list, tuple)) and len(sample) and np.ndim(sample[0]) == 1:
        from functrans.numpy.joining import stack
        return stack(sample, 1)
    points = as_arraylike(sample, "histogramdd")
    points = prim.reshape(points, (points.size, 1)) if points.ndim == 1 else points
    if points.ndim != 2:
        raise ShapeError(f"histogramdd takes points (n, d), got shape {points.shape}")
    return points


def _cell_counts(columns, edges, weights, points):
    shape = tuple(edge.size - 1 for edge in edges)
    kind = points.dtype if is_inexact(points.dtype) else default_float()
    parts = full(columns[0].type.with_dtype(kind), 1) if weights is None else \
        broadcast_one(as_arraylike(weights, "histogramdd"), columns[0].shape)
    if not points.size:
        return zeros(shape, parts.dtype)
    places = [_bin_of(column, edge) for column, edge in zip(columns, edges)]
    return scatter(scatter_add_p, zeros(shape, parts.dtype), parts, places, 0, "drop")


def histogram2d(x, y, bins=10, range=None, density: bool | None = None, weights=None) -> tuple:
    """(how many points (x, y) lie in each cell, the edges along x, the edges along y).

    >>> import functrans.numpy as fnp
    >>> fnp.histogram2d(fnp.array([0.0, 1.0]), fnp.array([0.0, 1.0]), 2)[0]
    Array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    x, y = as_arraylike(x, "histogram2d"), as_arraylike(y, "histogram2d")
    if x.shape != y.shape or x.ndim != 1:
        raise ArgumentError(f"histogram2d takes two vectors of one size, got shapes {x.shape} and "
                            f"{y.shape}")
    if isinstance(bins, (list, tuple, np.ndarray, ArrayBase)) and len(bins) not in (1, 2):
        bins = [bins, bins]                      # edges for both axes
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]
