"""Linear systems, inverses, determinants. Imports `numpy`, `numpy.linalg`, `primitives`.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError, LinAlgError, ShapeError
from functrans.ir.type import ArrayType
from functrans.numpy import reductions
from functrans.numpy.creation import ones, zeros
from functrans.numpy.linalg.common import as_column, from_column, matrices, one_batch, raise_on_nan
from functrans.numpy.linalg.decompositions import svd
from functrans.numpy.manipulation import broadcast_to
from functrans.numpy.products import matmul
from functrans.numpy.promotion import as_arraylike
from functrans.numpy.ufuncs import abs
from functrans.primitives import linalg, orthogonal, triangular
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert
from functrans.primitives.matrices import eye, real_dtype


class SlogdetResult(NamedTuple):
    """Sign (or phase) of the determinant, and the logarithm of its size."""
    sign: object
    logabsdet: object


_SINGULAR = "a matrix is singular"


# ---- systems ----

def solve(a, b):
    """The solution of linear systems: x with `a @ x = b`.

    a: (..., n, n); b: (n,), or (..., n, k) for k right sides. Leading axes are broadcast.
    Raises LinAlgError if a matrix is exactly singular; gives NaN for it under transformations.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.solve(fnp.array([[2.0, 0.0], [0.0, 4.0]]), fnp.array([2.0, 2.0]))
    Array([1. , 0.5], dtype=float32)
    """
    a, b, vector = _system("solve", a, b)
    x = linalg.solve(a, b)
    _check_singular("solve", a, x)
    return from_column(x) if vector else x


def solve_triangular(a, b, *, lower: bool = False, trans="N", unit_diagonal: bool = False):
    """The solution of triangular systems: x with `a @ x = b`, of a triangle of `a`.

    a: (..., n, n); b: (n,), or (..., n, k). lower: which triangle counts. trans: "N", or "T" or "C"
    for the transpose or conjugate transpose of `a`. unit_diagonal: whether ones stand for the
    diagonal. A zero on the diagonal gives infinities or NaN.

    >>> import functrans.numpy as fnp
    >>> a = fnp.array([[2.0, 1.0], [0.0, 4.0]])
    >>> fnp.linalg.solve_triangular(a, fnp.array([2.0, 4.0]))
    Array([0.5, 1. ], dtype=float32)
    """
    letter = {0: "N", 1: "T", 2: "C"}.get(trans, trans)
    if letter not in ("N", "T", "C"):
        raise ArgumentError(
            f"linalg.solve_triangular: trans must be 'N', 'T' or 'C', got {trans!r}")
    a, b, vector = _system("solve_triangular", a, b)
    x = triangular.triangular_solve(a, b, lower=lower, letter=letter, unit=unit_diagonal)
    return from_column(x) if vector else x


def _system(name: str, a, b):
    """Matrices and right sides of one batch; and whether the right side was a vector."""
    b = as_arraylike(b, name)
    if not b.ndim:
        raise ShapeError(f"linalg.{name}: b must be a vector or matrices, got a scalar")
    vector = b.ndim == 1
    a, b = matrices(name, a, as_column(b) if vector else b, square=True)
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"linalg.{name}: a of shape {a.shape} and b of shape "
                         f"{b.shape[:-1] if vector else b.shape} do not fit: b must have "
                         f"{a.shape[-1]} rows")
    lead = a.shape[:-2]
    a, b = one_batch(name, a, b)
    return a, b, vector and len(lead) == a.ndim - 2


def _check_singular(name: str, a, x):
    """Raises as NumPy does; NaN among the operands is no reason."""
    if type(x) is Array and np.isnan(np.asarray(x)).any() and np.isfinite(np.asarray(a)).all():
        if np.any(np.linalg.matrix_rank(np.asarray(a)) < a.shape[-1]):
            raise_on_nan(name, _SINGULAR, x)


def inv(a):
    """The inverses of matrices (..., n, n).

    Raises LinAlgError if a matrix is exactly singular; gives NaN for it under transformations.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.inv(fnp.array([[2.0, 0.0], [0.0, 4.0]]))
    Array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    a, = matrices("inv", a, square=True)
    x = inverse_or_nan(a)
    _check_singular("inv", a, x)
    return x


def inverse_or_nan(a):
    """The inverses, with NaN for singular matrices."""
    return linalg.solve(a, eye(ArrayType(a.shape, a.dtype)))


def tensorsolve(a, b, axes=None):
    """x with `tensordot(a, x, x.ndim) = b`.

    a: of shape b.shape + x.shape, both of one size; axes: those of `a` to move to the end first.

    >>> import functrans.numpy as fnp
    >>> a = fnp.eye(6).reshape(2, 3, 6)
    >>> fnp.linalg.tensorsolve(a, fnp.ones((2, 3))).shape
    (6,)
    """
    a, b = as_arraylike(a, "tensorsolve"), as_arraylike(b, "tensorsolve")
    if axes is not None:
        moved = [int(k) % a.ndim for k in axes]
        a = prim.transpose(a, [k for k in range(a.ndim) if k not in moved] + moved)
    rest = a.shape[b.ndim:]
    if math.prod(rest) != b.size:
        raise LinAlgError(
            f"linalg.tensorsolve: a of shape {a.shape} and b of shape {b.shape} do not make a "
            "square system: the product of a's last sizes must be that of b's")
    x = solve(prim.reshape(a, (b.size, b.size)), prim.reshape(b, (b.size,)))
    return prim.reshape(x, rest)


def tensorinv(a, ind: int = 2):
    """The inverse of `tensordot` with `a` over its first `ind` axes.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.tensorinv(fnp.eye(6).reshape(2, 3, 6)).shape
    (6, 2, 3)
    """
    a = as_arraylike(a, "tensorinv")
    if ind <= 0:
        raise ArgumentError(f"linalg.tensorinv: ind must be positive, got {ind}")
    first, rest = a.shape[:ind], a.shape[ind:]
    size = math.prod(rest)
    if math.prod(first) != size:
        raise LinAlgError(f"linalg.tensorinv: the sizes {first} and {rest} do not have "
                          "the same product")
    return prim.reshape(inv(prim.reshape(a, (size, size))), (*rest, *first))


# ---- least squares ----

def pinv(a, rcond=None, hermitian: bool = False, *, rtol=None):
    """The pseudoinverses (Moore-Penrose) of matrices (..., m, n).

    rcond, rtol: singular values up to this, times the largest, count as zero; one number, or one
    for each matrix; max(m, n) times the precision by default, at least 1e-15. hermitian: accepted.
    Differentiable where the rank does not change (Golub and Pereyra 1973).

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.pinv(fnp.array([[2.0, 0.0], [0.0, 0.0]]))
    Array([[0.5, 0. ],
           [0. , 0. ]], dtype=float32)
    """
    a, = matrices("pinv", a, square=hermitian)
    if rcond is not None and rtol is not None:
        raise ArgumentError("linalg.pinv takes rcond or rtol, not both")
    if 0 in a.shape:
        return zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    x = orthogonal.pinv(a, _cutoff(a, rtol if rcond is None else rcond))
    raise_on_nan("pinv", "the singular values did not converge", x)
    return x


def _cutoff(a, ratio):
    """For each matrix, which part of its largest singular value counts as zero."""
    dtype = real_dtype(a.dtype)
    if ratio is None:
        ratio = dtype.type(max(1e-15, max(a.shape[-2:]) * np.finfo(dtype).eps))
    return broadcast_to(convert(as_arraylike(ratio), dtype), a.shape[:-2])


def lstsq(a, b, rcond=None):
    """Least squares: x that minimises the 2-norm of `b - a @ x`, the shortest of those.

    a: (m, n); b: (m,) or (m, k). rcond: singular values up to this, times the largest, count as
    zero; max(m, n) times the precision by default.
    Returns x, (n,) or (n, k); the sums of squared residuals, (1,) or (k,), but none, (0,), where
    m <= n, or where the rank is known to be less than n; the rank; and the singular values.

    >>> import functrans.numpy as fnp
    >>> a = fnp.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> x, residuals, rank, values = fnp.linalg.lstsq(a, fnp.array([1.0, 3.0, 5.0]))
    >>> fnp.round(x, 4)
    Array([1., 2.], dtype=float32)
    """
    b = as_arraylike(b, "lstsq")
    vector = b.ndim == 1
    a, b = matrices("lstsq", a, as_column(b) if vector else b)
    if a.ndim != 2 or b.ndim != 2:
        raise LinAlgError(f"linalg.lstsq takes one matrix and vectors, got {a.type} and "
                          f"{b.type}; use vmap for a batch")
    if a.shape[0] != b.shape[0]:
        raise LinAlgError(f"linalg.lstsq: a of shape {a.shape} and b of shape {b.shape} "
                          "do not have the same number of rows")
    m, n = a.shape
    eps = np.finfo(a.dtype).eps
    rcond = max(m, n) * eps if rcond is None else max(rcond, eps)
    x = matmul(pinv(a, rcond), b)
    values = svd(a, compute_uv=False)
    limit = values.dtype.type(rcond) * reductions.max(values, initial=0)
    rank = reductions.count_nonzero(values > limit)
    residuals = _squared_residuals(a, b, x, rank)
    return (from_column(x) if vector else x), residuals, rank, values


def _squared_residuals(a, b, x, rank):
    m, n = a.shape
    if m <= n or type(rank) is Array and int(rank) < n:
        return zeros((0,), real_dtype(a.dtype))
    size = abs(b - matmul(a, x))
    return reductions.sum(size * size, 0)


# ---- determinants ----

def det(a):
    """The determinants of matrices (..., n, n).

    Differentiable at singular matrices, too (of rank n - 1 to any order).

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.det(fnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array(-2., dtype=float32)
    """
    a, = matrices("det", a, square=True)
    n = a.shape[-1]
    if n == 0:
        return ones(a.shape[:-2], a.dtype)
    return linalg.det(a) if n > 3 or type(a) is Array else _small_det(a, n)


def _small_det(a, n: int):
    """Written out: fused with its surroundings, and smooth everywhere."""
    if n == 1:
        return a[..., 0, 0]
    if n == 2:
        return a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    x, y, z = (a[..., 0, k] for k in range(3))
    minors = [a[..., 1, i] * a[..., 2, j] - a[..., 1, j] * a[..., 2, i]
              for i, j in ((1, 2), (0, 2), (0, 1))]
    return x * minors[0] - y * minors[1] + z * minors[2]


def slogdet(a):
    """Sign and logarithm of the size of determinants: `det = sign * exp(logabsdet)`.

    a: (..., n, n). For complex matrices the sign is a phase, of size 1; singular matrices give
    (0, -inf), where there is no derivative.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.slogdet(fnp.array([[0.0, 1.0], [1.0, 0.0]])).sign
    Array(-1., dtype=float32)
    """
    a, = matrices("slogdet", a, square=True)
    return SlogdetResult(*linalg.slogdet(a))
