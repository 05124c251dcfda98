"""Linear algebra with SciPy's names and arguments, over `functrans.numpy.linalg`.

Any leading axes are a batch. `overwrite_*` and `check_finite` are accepted and change nothing:
arrays are immutable, and failures give NaN under transformations. Imports `api`, `numpy`,
`primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.api.grad import jvp
from functrans.errors import ArgumentError, ShapeError, UnsupportedError
from functrans.numpy import linalg
from functrans.numpy.creation import zeros
from functrans.numpy.ranges import arange, eye
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.linalg import det, expm, inv, norm, pinv
from functrans.numpy.linalg.common import as_column, from_column, matrices, one_batch
from functrans.numpy.joining import atleast_2d, concatenate
from functrans.numpy.manipulation import broadcast_to, ravel
from functrans.numpy.repeating import pad
from functrans.numpy.products import matmul
from functrans.numpy.promotion import as_arraylike, promote
from functrans.numpy.searching import argsort
from functrans.primitives import linalg as factors
from functrans.primitives.matrices import adjoint, lower as lower_triangle
from functrans.primitives.matrices import upper as upper_triangle

__all__ = ["block_diag", "cho_factor", "cho_solve", "cholesky", "det", "eigh", "eigvalsh", "expm",
           "expm_frechet", "hilbert", "inv", "lu", "lu_factor", "lu_solve", "norm", "pinv",
           "polar", "qr", "solve", "solve_triangular", "svd", "svdvals", "toeplitz"]


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

def solve(a, b, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
          check_finite: bool = True, assume_a: str = "gen"):
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
                     overwrite_b: bool = False, check_finite: bool = True):
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


def eigh(a, b=None, *, lower: bool | None = None, eigvals_only: bool = False, **options):
    """Eigenvalues and eigenvectors of Hermitian matrices, `a @ v = w * v`, or `w * (b @ v)`.

    b: positive definite matrices, the identity by default. lower: which triangle of `a` is read;
    both, by their mean, by default.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> a, b = fnp.diag(fnp.array([2.0, 3.0])), fnp.diag(fnp.array([1.0, 3.0]))
    >>> fnp.round(ft.scipy.linalg.eigh(a, b, eigvals_only=True), 4)
    Array([1., 2.], dtype=float32)
    """
    known = {"overwrite_a", "overwrite_b", "check_finite"}
    if set(options) - known:
        raise UnsupportedError("linalg.eigh does not take "
                               f"{', '.join(sorted(set(options) - known))}")
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


def eigvalsh(a, b=None, *, lower: bool | None = None, **options):
    """The eigenvalues that `eigh` gives.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.eigvalsh(fnp.diag(fnp.array([3.0, 2.0])))
    Array([2., 3.], dtype=float32)
    """
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


def polar(a, side: str = "right"):
    """The polar factors: `a = u @ p` (side "right") or `p @ u`, with u unitary, p positive.

    a: (..., m, n).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> u, p = ft.scipy.linalg.polar(fnp.array([[-2.0]]))
    >>> u, p
    (Array([[-1.]], dtype=float32), Array([[2.]], dtype=float32))
    """
    if side not in ("right", "left"):
        raise ArgumentError(f"linalg.polar: side must be 'right' or 'left', got {side!r}")
    w, s, vh = linalg.svd(a, full_matrices=False)
    scale = s[..., None, :].astype(w.dtype)
    p = matmul(adjoint(vh) * scale, vh) if side == "right" else matmul(w * scale, adjoint(w))
    return matmul(w, vh), p


def expm_frechet(A, E, method=None, compute_expm: bool = True, check_finite: bool = True):
    """The exponential of A, and its derivative in the direction E; with compute_expm=False
    the latter alone.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.expm_frechet(fnp.zeros((1, 1)), fnp.ones((1, 1)))[1]
    Array([[1.]], dtype=float32)
    """
    A, E = promote(*matrices("expm_frechet", A, E, square=True))
    value, slope = jvp(expm, (A,), (E,))
    return (value, slope) if compute_expm else slope


# ---- special matrices ----

def block_diag(*arrays):
    """A matrix with these matrices along its diagonal, and zeros elsewhere.

    >>> import functrans as ft
    >>> ft.scipy.linalg.block_diag([[1, 2]], [[3]]).shape
    (2, 3)
    """
    blocks = [atleast_2d(as_arraylike(x, "block_diag")) for x in arrays or ([],)]
    for place, block in enumerate(blocks):
        if block.ndim != 2:
            raise ShapeError(f"linalg.block_diag: argument {place} is {block.type}, not a matrix")
    blocks = promote(*blocks)
    width = sum(block.shape[1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        m, n = block.shape
        sides = [zeros((m, size), block.dtype) for size in (start, width - start - n)]
        rows.append(concatenate([sides[0], block, sides[1]], axis=1))
        start += n
    return concatenate(rows, axis=0)


def toeplitz(c, r=None):
    """The matrix with constant diagonals: c its first column, r its first row (from 1 on).

    Without r the conjugate of c.

    >>> import functrans as ft
    >>> ft.scipy.linalg.toeplitz([1, 2], [9, 8, 7])
    Array([[1, 8, 7],
           [2, 1, 8]], dtype=int64)
    """
    c = ravel(as_arraylike(c, "toeplitz"))
    r = c.conj() if r is None else ravel(as_arraylike(r, "toeplitz"))
    c, r = promote(c, r)
    values = concatenate([c[::-1], r[1:]])
    return values[arange(c.size)[::-1][:, None] + arange(r.size)[None, :]]


def hilbert(n: int):
    """The Hilbert matrix (n, n): 1 / (i + j + 1).

    >>> import functrans as ft
    >>> ft.scipy.linalg.hilbert(2)
    Array([[1.        , 0.5       ],
           [0.5       , 0.33333334]], dtype=float32)
    """
    place = arange(n)
    return 1 / (place[:, None] + place[None, :] + 1)
