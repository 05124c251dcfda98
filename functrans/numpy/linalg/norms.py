"""Norms, condition numbers, ranks. Imports `numpy`, `numpy.linalg`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex, is_inexact
from functrans.numpy import reductions
from functrans.numpy.choosing import where
from functrans.numpy.linalg.common import matrices
from functrans.numpy.linalg.decompositions import svd, svdvals
from functrans.numpy.linalg.systems import inverse_or_nan
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.promotion import as_arraylike, canonical_axis, promote_inexact
from functrans.numpy.ufuncs import abs, isnan, real, sqrt
from functrans.primitives import shape as prim


def norm(x, ord=None, axis=None, keepdims: bool = False):
    """The norm of vectors or matrices; its gradient at 0 is finite (0 for the 2-norm).

    ord: for vectors 2 (default), inf, -inf, 0 or any number; for matrices "fro" (default), "nuc",
    1, -1, 2, -2, inf, -inf. axis: an int for vectors, a pair for matrices; all elements by default.
    Raises ValueError for an order or a number of axes that there is no norm for.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.norm(fnp.array([3.0, 4.0]))
    Array(5., dtype=float32)
    """
    x = _inexact(x, "norm")
    if axis is None and ord is None:
        result = _vector_norm(prim.reshape(x, (x.size,)), 2, (0,), False)
        return prim.reshape(result, (1,) * x.ndim) if keepdims else result
    if axis is None:
        axis = tuple(range(x.ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(canonical_axis(k, x.ndim) for k in axes)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2 and axes[0] != axes[1]:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise ShapeError(f"linalg.norm: axis must be an int, or two different ones; got {axis!r} for "
                     f"{x.type}")


def vector_norm(x, /, *, axis=None, keepdims: bool = False, ord=2):
    """The norms of vectors along `axis`: an int, a tuple of them, or None for all elements.

    ord: inf, -inf, 0 or any number.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.vector_norm(fnp.array([[3.0, 4.0], [6.0, 8.0]]), axis=1)
    Array([ 5., 10.], dtype=float32)
    """
    x = _inexact(x, "vector_norm")
    if axis is None:
        axis = tuple(range(x.ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return _vector_norm(x, ord, tuple(canonical_axis(k, x.ndim) for k in axes), keepdims)


def matrix_norm(x, /, *, keepdims: bool = False, ord="fro"):
    """The norms of matrices in the last two axes: "fro", "nuc", 1, -1, 2, -2, inf or -inf.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.matrix_norm(fnp.array([[3.0, 0.0], [0.0, 4.0]]), ord=2)
    Array(4., dtype=float32)
    """
    x, = matrices("matrix_norm", x)
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def _inexact(x, name: str):
    x = as_arraylike(x, name)
    return x if is_inexact(x.dtype) else promote_inexact(x)[0]


# ---- vectors ----

def _squares(x):
    return real(x * x.conj()) if is_complex(x.dtype) else x * x


def safe_sqrt(x):
    """The square root, with the gradient 0 at 0."""
    positive = x > 0
    return where(positive, sqrt(where(positive, x, 1)), x)


def _vector_norm(x, ord, axis: tuple, keepdims: bool):
    if ord == 2:
        return safe_sqrt(reductions.sum(_squares(x), axis, keepdims=keepdims))
    size = abs(x)
    if ord == np.inf:
        return reductions.max(size, axis, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return reductions.min(size, axis, keepdims=keepdims)
    if ord == 0:
        return reductions.sum((x != 0).astype(size.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return reductions.sum(size, axis, keepdims=keepdims)
    if ord is None or isinstance(ord, str):
        raise ArgumentError(
            f"linalg.norm: {ord!r} is no norm of vectors; give a number, inf or -inf")
    return _power_norm(size, ord, axis, keepdims)


def _power_norm(size, ord, axis: tuple, keepdims: bool):
    nonzero = size > 0
    powers = where(nonzero, where(nonzero, size, 1) ** float(ord), 0 if ord > 0 else np.inf)
    powers = where(isnan(size), size, powers)
    total = reductions.sum(powers, axis, keepdims=keepdims)
    usable = (total > 0) & (total < np.inf)
    edge = total if ord > 0 else where(isnan(total), total, 0)
    return where(usable, where(usable, total, 1) ** (1 / ord), edge)


# ---- matrices ----

def _matrix_norm(x, ord, axes: tuple, keepdims: bool):
    if ord == "fro":
        return safe_sqrt(reductions.sum(_squares(x), axes, keepdims=keepdims))
    if ord in (2, -2, "nuc"):
        return _singular_norm(x, ord, axes, keepdims)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ArgumentError(
            f"linalg.norm: {ord!r} is no norm of matrices; there are 'fro', 'nuc', 1, "
            "-1, 2, -2, inf and -inf")
    row, column = axes
    inner, outer = (row, column) if ord in (1, -1) else (column, row)
    sums = reductions.sum(abs(x), inner, keepdims=True)
    choose = reductions.max if ord > 0 else reductions.min
    return _without(choose(sums, outer, keepdims=True), axes, keepdims)


def _without(result, axes: tuple, keepdims: bool):
    """A result with axes of size one, with or without them."""
    return result if keepdims else prim.reshape(
        result, tuple(n for k, n in enumerate(result.shape) if k not in axes))


def _singular_norm(x, ord, axes: tuple, keepdims: bool):
    """Norms that are made of singular values."""
    values = svdvals(moveaxis(x, axes, (-2, -1)))
    if ord == "nuc":
        result = reductions.sum(values, -1)
    else:
        result = reductions.max(values, -1) if ord == 2 else reductions.min(values, -1)
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return prim.reshape(result, shape) if keepdims else result


# ---- what follows from norms and singular values ----

def cond(x, p=None):
    """The condition numbers of matrices (..., m, n).

    p: a norm of matrices, of which those of `x` and its inverse are multiplied; None for 2, which
    is the largest singular value over the smallest. Singular matrices have infinite ones.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.cond(fnp.array([[4.0, 0.0], [0.0, 2.0]]))
    Array(2., dtype=float32)
    """
    x, = matrices("cond", x, square=p not in (None, 2, -2))
    if p in (None, 2, -2):
        values = svdvals(x)
        first, last = values[..., 0], values[..., -1]
        result = last / first if p == -2 else first / last
        return where(isnan(result) & ~_has_nan(x), np.inf, result)
    axes = (x.ndim - 2, x.ndim - 1)
    result = _matrix_norm(x, p, axes, False) * _matrix_norm(inverse_or_nan(x), p, axes, False)
    return where(isnan(result) & ~_has_nan(x), np.inf, result)


def _has_nan(x):
    return reductions.any(isnan(x), (-2, -1))


def matrix_rank(A, tol=None, hermitian: bool = False, *, rtol=None):
    """The rank of matrices (..., m, n): how many singular values are not negligible.

    tol: up to which size they are; rtol: up to which size relative to the largest, max(m, n)
    times the precision by default. hermitian: whether they are Hermitian, which is faster.
    A vector has rank 1, or 0 if it is zero.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.matrix_rank(fnp.array([[1.0, 2.0], [2.0, 4.0]]))
    Array(1, dtype=int64)
    """
    A = as_arraylike(A, "matrix_rank")
    if tol is not None and rtol is not None:
        raise ArgumentError("linalg.matrix_rank takes tol or rtol, not both")
    if A.ndim < 2:
        return reductions.any(A != 0).astype(np.int64)
    A, = matrices("matrix_rank", A, square=hermitian)
    values = svd(A, compute_uv=False, hermitian=hermitian)
    if tol is None:
        rtol = max(A.shape[-2:]) * np.finfo(A.dtype).eps if rtol is None else rtol
        largest = reductions.max(values, -1, initial=0)
        tol = largest * as_arraylike(rtol).astype(values.dtype)
    return reductions.count_nonzero(values > as_arraylike(tol)[..., None], axis=-1)
