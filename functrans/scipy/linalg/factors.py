"""Factors of matrices, and systems that are solved by them. Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError, ShapeError, UnsupportedError
from functrans.ir.type import is_complex
from functrans.lax import reflections
from functrans.numpy import linalg
from functrans.numpy.joining import concatenate
from functrans.numpy.ranges import arange, eye, triu
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.linalg.common import (as_column, from_column, matrices, one_batch,
                                           operands)
from functrans.numpy.manipulation import broadcast_to, swapaxes
from functrans.numpy.repeating import pad
from functrans.numpy.products import matmul
from functrans.numpy.promotion import as_arraylike
from functrans.numpy.searching import argsort
from functrans.primitives import linalg as factors
from functrans.primitives.matrices import adjoint, lower as lower_triangle
from functrans.primitives.matrices import upper as upper_triangle


# ---- Cholesky ----

def cholesky(a, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True):
    """The Cholesky factor of Hermitian, positive definite matrices; the upper one by default.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.cholesky(fnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 1.],
           [0., 2.]], dtype=float32)
    """
    return linalg.cholesky(a, upper=not lower)


def cho_factor(a, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True):
    """The Cholesky factor, and which triangle it is: what `cho_solve` takes.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> factor, lower = ft.scipy.linalg.cho_factor(fnp.array([[4.0]]))
    >>> factor, lower
    (Array([[2.]], dtype=float32), False)
    """
    return cholesky(a, lower), lower


def cho_solve(c_and_lower, b, overwrite_b: bool = False, check_finite: bool = True):
    """The solution of systems whose matrices have the factor that `cho_factor` gave.

    b: (n,), or (..., n, k).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> factor = ft.scipy.linalg.cho_factor(fnp.array([[4.0]]))
    >>> ft.scipy.linalg.cho_solve(factor, fnp.array([8.0]))
    Array([2.], dtype=float32)
    """
    c, lower = c_and_lower
    first, second = ("N", "C") if lower else ("C", "N")
    half = linalg.solve_triangular(c, b, lower=lower, trans=first)
    return linalg.solve_triangular(c, half, lower=lower, trans=second)


# ---- LU ----

def lu_factor(a, overwrite_a: bool = False, check_finite: bool = True):
    """The LU factors of square matrices in one matrix, and the rows that were exchanged.

    Returns (lu (..., n, n), pivots (..., n)): row k was exchanged with row pivots[k].

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.lu_factor(fnp.array([[1.0, 2.0], [2.0, 3.0]]))[1]
    Array([1, 1], dtype=int64)
    """
    a, = matrices("lu_factor", a, square=True)
    packed, pivots, _ = factors.lu(a)
    return packed, pivots


def lu(a, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True):
    """The LU factors: `a = p @ l @ u`, with a permutation p, by partial pivoting.

    a: (..., m, n), with k = min(m, n). Returns p (..., m, m), l (..., m, k), u (..., k, n); with
    permute_l (p @ l, u).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> p, l, u = ft.scipy.linalg.lu(fnp.array([[1.0, 2.0], [2.0, 4.5]]))
    >>> u
    Array([[ 2.  ,  4.5 ],
           [ 0.  , -0.25]], dtype=float32)
    """
    a, = matrices("lu", a)
    packed, _, order = factors.lu(a)
    m, n = a.shape[-2:]
    k = min(m, n)
    unit = eye(m, k, dtype=a.dtype)
    left = lower_triangle(packed[..., :, :k], 1) + unit
    right = upper_triangle(packed[..., :k, :])
    permutation = (arange(m)[:, None] == order[..., None, :]).astype(a.dtype)
    return (matmul(permutation, left), right) if permute_l else (permutation, left, right)


def lu_solve(lu_and_piv, b, trans: int = 0, overwrite_b: bool = False,
             check_finite: bool = True):
    """The solution of systems whose matrices have the factors that `lu_factor` gave.

    b: (n,), or (..., n, k). trans: 0 for `a @ x = b`, 1 for its transpose, 2 for its adjoint.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> factors = ft.scipy.linalg.lu_factor(fnp.array([[1.0, 2.0], [2.0, 3.0]]))
    >>> ft.scipy.linalg.lu_solve(factors, fnp.array([3.0, 5.0]))
    Array([1., 1.], dtype=float32)
    """
    packed, pivots = lu_and_piv
    b = as_arraylike(b, "lu_solve")
    vector = b.ndim == 1
    packed, b = one_batch("lu_solve", *matrices("lu_solve", packed, as_column(b) if vector else b))
    order = factors.pivot_order(as_arraylike(pivots).astype(np.int64), packed.shape[-1])
    order = broadcast_to(order, b.shape[:-1])
    triangle = linalg.solve_triangular
    if trans == 0:
        x = triangle(packed, _rows(b, order), lower=True, unit_diagonal=True)
        x = triangle(packed, x)
    else:
        letter = "T" if trans == 1 else "C"
        x = triangle(packed, b, trans=letter)
        x = triangle(packed, x, lower=True, trans=letter, unit_diagonal=True)
        x = _rows(x, argsort(order, axis=-1))
    return from_column(x) if vector else x


def _rows(b, order):
    index = broadcast_to(order[..., None], b.shape)
    return take_along_axis(b, index, axis=-2)


# ---- systems ----

def inv(a, overwrite_a: bool = False, check_finite: bool = True):
    """The inverses of square matrices; see `numpy.linalg.inv`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.inv(fnp.array([[2.0]]))
    Array([[0.5]], dtype=float32)
    """
    return linalg.inv(a)


def det(a, overwrite_a: bool = False, check_finite: bool = True):
    """The determinants of square matrices; see `numpy.linalg.det`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.det(fnp.array([[2.0, 1.0], [1.0, 1.0]]))
    Array(1., dtype=float32)
    """
    return linalg.det(a)


def solve(a, b, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
          debug: bool = False, check_finite: bool = True, assume_a: str = "gen"):
    """The solution of linear systems; see `numpy.linalg.solve`.

    assume_a: "gen", or "pos" for positive definite matrices, which is faster; "sym" and "her"
    are solved as "gen" are. lower: which triangle of a definite matrix counts.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.solve(fnp.array([[2.0]]), fnp.array([4.0]), assume_a="pos")
    Array([2.], dtype=float32)
    """
    if assume_a in ("pos", "positive definite"):
        factor = linalg.cholesky(a, upper=not lower, symmetrize_input=False)
        return cho_solve((factor, lower), b)
    if assume_a not in ("gen", "general", "sym", "symmetric", "her", "hermitian", None):
        raise ArgumentError(f"linalg.solve: assume_a must be 'gen', 'sym', 'her' or 'pos', got "
                            f"{assume_a!r}")
    return linalg.solve(a, b)


def solve_triangular(a, b, trans=0, lower: bool = False, unit_diagonal: bool = False,
                     overwrite_b: bool = False, debug=None, check_finite: bool = True):
    """The solution of triangular systems; see `numpy.linalg.solve_triangular`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.solve_triangular(fnp.array([[2.0]]), fnp.array([4.0]))
    Array([2.], dtype=float32)
    """
    return linalg.solve_triangular(a, b, lower=lower, trans=trans, unit_diagonal=unit_diagonal)


# ---- orthogonal and spectral factors ----

def qr(a, overwrite_a: bool = False, lwork=None, mode: str = "full", pivoting: bool = False,
       check_finite: bool = True):
    """The QR factors. mode: "full", "economic" or "r"; see `numpy.linalg.qr`.

    Raises NotImplementedError if `pivoting` is asked for.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.qr(fnp.ones((3, 2)), mode="economic")[0].shape
    (3, 2)
    """
    if pivoting:
        raise UnsupportedError("linalg.qr: pivoting=True is not available")
    if mode not in ("full", "economic", "r"):
        raise ArgumentError(f"linalg.qr: mode must be 'full', 'economic' or 'r', got {mode!r}")
    if mode != "r":
        return tuple(linalg.qr(a, "complete" if mode == "full" else "reduced"))
    r = linalg.qr(a, "r")
    missing = max(as_arraylike(a).shape[-2] - r.shape[-2], 0)
    return (pad(r, [(0, 0)] * (r.ndim - 2) + [(0, missing), (0, 0)]),)


def eigh_tridiagonal(d, e, eigvals_only: bool = False, select: str = "a", select_range=None,
                     check_finite: bool = True, tol: float | None = None,
                     lapack_driver: str = "auto", *, key=None):
    """Eigenvalues, and eigenvectors, of symmetric tridiagonal matrices, by `eigh`.

    d: (..., n), the diagonal; e: (..., n - 1), beside it; real. select: "a" for all, "i" for those
    of the places `select_range`, (first, last), counted from 0, both included. The other arguments
    are of no effect. Raises NotImplementedError for select "v", by values.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.eigh_tridiagonal(fnp.array([3.0, 1.0]), fnp.array([0.0]), True)
    Array([1., 3.], dtype=float32)
    """
    matrix = _tridiagonal(*operands("eigh_tridiagonal", d, e))
    first, last = _chosen(matrix.shape[-1], select, select_range)
    if eigvals_only:
        return linalg.eigvalsh(matrix)[..., first:last]
    values, vectors = linalg.eigh(matrix)
    return values[..., first:last], vectors[..., first:last]


def _tridiagonal(d, e):
    n = d.shape[-1] if d.ndim else 0
    if not n or not e.ndim or e.shape[-1] != n - 1 or is_complex(d.dtype):
        raise ShapeError("linalg.eigh_tridiagonal takes real d (..., n) and e (..., n - 1), got "
                         f"{d.type} and {e.type}")
    beside = pad(e, [(0, 0)] * (e.ndim - 1) + [(0, 1)])
    return d[..., None] * eye(n, dtype=d.dtype) + beside[..., None] * eye(n, k=1, dtype=d.dtype) \
        + swapaxes(beside[..., None] * eye(n, k=1, dtype=d.dtype), -1, -2)


def _chosen(n: int, select: str, limits) -> tuple:
    if select in ("a", "all", 0):
        return 0, n
    if select in ("v", "value", 1):
        raise UnsupportedError("linalg.eigh_tridiagonal: how many values lie between others is not "
                               "known while tracing; select them from all, or by places, 'i'")
    if select not in ("i", "index", 2) or not 0 <= limits[0] <= limits[1] < n:
        raise ArgumentError("linalg.eigh_tridiagonal: select must be 'a', or 'i' with select_range "
                            f"(first, last) within 0 and {n - 1}, got {select!r} and {limits!r}")
    return limits[0], limits[1] + 1


def hessenberg(a, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True):
    """The H with `a = Q @ H @ Q^H`, zero under the diagonal beneath the main one; (H, Q), if asked.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> h, q = ft.scipy.linalg.hessenberg(fnp.arange(9.0).reshape(3, 3), calc_q=True)
    >>> fnp.round(h[2, 0] + 0.0, 4), q[0]
    (Array(0., dtype=float32), Array([1., 0., 0.], dtype=float32))
    """
    a, = matrices("hessenberg", a, square=True)
    packed, taus = reflections.hessenberg(a)
    h = triu(packed, -1)
    if not calc_q:
        return h
    n = a.shape[-1]
    inner = reflections.householder_product(packed[..., 1:, :n - 1], taus)
    corner = broadcast_to(eye(1, n, dtype=a.dtype), (*a.shape[:-2], 1, n))
    rest = pad(inner, [(0, 0)] * (a.ndim - 1) + [(1, 0)])
    return h, concatenate([corner, rest], axis=-2)


def svd(a, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
        check_finite: bool = True, lapack_driver: str = "gesdd"):
    """The singular value decomposition; see `numpy.linalg.svd`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.svd(fnp.diag(fnp.array([2.0, 3.0])), compute_uv=False)
    Array([3., 2.], dtype=float32)
    """
    result = linalg.svd(a, full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


def svdvals(a, overwrite_a: bool = False, check_finite: bool = True):
    """The singular values, descending.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.svdvals(fnp.diag(fnp.array([2.0, 3.0])))
    Array([3., 2.], dtype=float32)
    """
    return linalg.svdvals(a)


# What else SciPy's `eigh` takes, and the values of these that ask for nothing more.
_EIGH = {"overwrite_a": (True, False), "overwrite_b": (True, False), "check_finite": (True, False),
         "turbo": (True, False), "driver": (None, "ev", "evd", "evr", "gv", "gvd"), "type": (1,),
         "eigvals": (None,), "subset_by_index": (None,), "subset_by_value": (None,)}


def eigh(a, b=None, lower: bool | None = None, eigvals_only: bool = False, **options):
    """Eigenvalues and eigenvectors of Hermitian matrices, `a @ v = w * v`, or `w * (b @ v)`.

    b: positive definite matrices, the identity by default. lower: which triangle of `a` is read;
    both, by their mean, by default. Raises NotImplementedError for subsets of eigenvalues, and for
    other types of the generalized problem.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> a, b = fnp.diag(fnp.array([2.0, 3.0])), fnp.diag(fnp.array([1.0, 3.0]))
    >>> fnp.round(ft.scipy.linalg.eigh(a, b, eigvals_only=True), 4)
    Array([1., 2.], dtype=float32)
    """
    for name, value in options.items():
        if name not in _EIGH or value not in _EIGH[name]:
            raise UnsupportedError(f"linalg.eigh does not take {name}={value!r}")
    triangle = None if lower is None else "L" if lower else "U"
    if b is None:
        return linalg.eigvalsh(a, triangle) if eigvals_only else tuple(linalg.eigh(a, triangle))
    a, b = matrices("eigh", a, b, square=True)
    factor = linalg.cholesky(b)
    inner = linalg.solve_triangular(factor, a, lower=True)
    inner = adjoint(linalg.solve_triangular(factor, adjoint(inner), lower=True))
    if eigvals_only:
        return linalg.eigvalsh(inner, triangle)
    values, vectors = linalg.eigh(inner, triangle)
    return values, linalg.solve_triangular(factor, vectors, lower=True, trans="C")


def eigvalsh(a, b=None, lower: bool | None = None, **options):
    """The eigenvalues that `eigh` gives.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.eigvalsh(fnp.diag(fnp.array([3.0, 2.0])))
    Array([2., 3.], dtype=float32)
    """
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


def polar(a, side: str = "right", *, method: str = "svd", eps: float | None = None,
          max_iterations: int | None = None):
    """The polar factors: `a = u @ p` (side "right") or `p @ u`, with u unitary, p positive.

    a: (..., m, n). method: "svd", or "qdwh", which comes to the same: both are computed from
    singular values, and `eps` and `max_iterations` are of no effect.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> u, p = ft.scipy.linalg.polar(fnp.array([[-2.0]]))
    >>> u, p
    (Array([[-1.]], dtype=float32), Array([[2.]], dtype=float32))
    """
    if side not in ("right", "left"):
        raise ArgumentError(f"linalg.polar: side must be 'right' or 'left', got {side!r}")
    if method not in ("svd", "qdwh"):
        raise ArgumentError(f"linalg.polar: method must be 'svd' or 'qdwh', got {method!r}")
    w, s, vh = linalg.svd(a, full_matrices=False)
    scale = s[..., None, :].astype(w.dtype)
    p = matmul(adjoint(vh) * scale, vh) if side == "right" else matmul(w * scale, adjoint(w))
    return matmul(w, vh), p
