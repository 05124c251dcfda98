"""Factors of matrices: Cholesky, QR, singular values, eigenvalues.

Derivatives, and where they do not exist: primitives/orthogonal.py and spectral.py. Imports
`numpy.linalg.common`, `primitives`.
"""
from __future__ import annotations

from typing import NamedTuple

from functrans.errors import ArgumentError
from functrans.numpy import searching, ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.linalg.common import matrices, raise_on_nan
from functrans.numpy.turning import flip
from functrans.primitives import orthogonal, spectral, triangular
from functrans.primitives.matrices import adjoint, scale_columns, swap


class EigResult(NamedTuple):
    """Eigenvalues (..., n) and, as columns, eigenvectors (..., n, n)."""
    eigenvalues: object
    eigenvectors: object


class EighResult(NamedTuple):
    """Eigenvalues (..., n) and, as columns, eigenvectors (..., n, n)."""
    eigenvalues: object
    eigenvectors: object


class QRResult(NamedTuple):
    """Factors: orthonormal columns, and an upper triangle."""
    Q: object
    R: object


class SVDResult(NamedTuple):
    """Left vectors as columns, singular values, and right vectors, conjugated, as rows."""
    U: object
    S: object
    Vh: object


_NOT_CONVERGED = "the iteration did not converge, or the matrix holds NaN or infinities"


# ---- Cholesky ----

def symmetrized(a):
    """The mean of matrices and their adjoints, so that gradients are Hermitian, too."""
    return (a + adjoint(a)) * a.dtype.type(0.5)


def cholesky(a, /, *, upper: bool = False, symmetrize_input: bool = True):
    """The Cholesky factor of Hermitian, positive definite matrices: `a = L @ L^H`.

    a: (..., n, n). upper: whether to give `L^H` instead. symmetrize_input: whether the mean of `a`
    and its adjoint is factored, which makes the gradient Hermitian; otherwise only the lower (or
    upper) triangle is read.
    Raises LinAlgError if a matrix is not positive definite; gives NaN for it under
    transformations. Derivative: I. Murray, arXiv:1602.07527.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.cholesky(fnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    a, = matrices("cholesky", a, square=True)
    if symmetrize_input:
        a = symmetrized(a)
    elif upper:
        a = adjoint(a)
    factor = triangular.cholesky(a)
    raise_on_nan("cholesky", "a matrix is not positive definite", factor)
    return adjoint(factor) if upper else factor


# ---- QR ----

def qr(a, mode: str = "reduced"):
    """The QR factors: `a = Q @ R`, with orthonormal columns in Q and an upper triangle R.

    a: (..., m, n), with k = min(m, n). mode: "reduced" for Q (..., m, k) and R (..., k, n);
    "complete" for (..., m, m) and (..., m, n); "r" for R alone; "raw" for the reflections and their
    scales, (..., n, m) and (..., k).
    Not differentiable: "raw", and "complete" where m > n, whose last columns the matrix does not
    determine. Where the first k columns depend on one another the derivative is infinite or NaN.
    Raises ValueError for another mode.

    >>> import functrans.numpy as fnp
    >>> q, r = fnp.linalg.qr(fnp.array([[3.0, 1.0], [4.0, 2.0]]))
    >>> fnp.round(q @ r, 5)
    Array([[3., 1.],
           [4., 2.]], dtype=float32)
    """
    a, = matrices("qr", a)
    mode = {"full": "reduced", "f": "reduced"}.get(mode, mode)
    if mode not in ("reduced", "complete", "r", "raw"):
        raise ArgumentError(f"linalg.qr: mode must be 'reduced', 'complete', 'r' or 'raw', got "
                            f"{mode!r}")
    if mode == "raw":
        h, tau = orthogonal.qr(a, "raw")
        return swap(h), tau
    q, r = orthogonal.qr(a, "complete" if mode == "complete" else "reduced")
    return r if mode == "r" else QRResult(q, r)


# ---- singular values ----

def svd(a, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False):
    """The singular value decomposition: `a = (U * S) @ Vh`.

    a: (..., m, n), with k = min(m, n). Returns U (..., m, m), S (..., k), descending, and
    Vh (..., n, n); with full_matrices=False U (..., m, k) and Vh (..., k, n); with
    compute_uv=False S alone. hermitian: whether `a` is Hermitian, which is faster.
    The vectors of non-square matrices have a derivative with full_matrices=False only. Vectors of
    equal singular values are not determined: there the derivative is right only for functions that
    do not depend on their choice.
    Raises LinAlgError if the iteration does not converge.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.svd(fnp.array([[3.0, 0.0], [0.0, -2.0]]), compute_uv=False)
    Array([3., 2.], dtype=float32)
    """
    a, = matrices("svd", a, square=hermitian)
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    full = full_matrices and a.shape[-1] != a.shape[-2]
    out = orthogonal.svd(a, full, compute_uv)
    raise_on_nan("svd", _NOT_CONVERGED, out[-1 if not compute_uv else 1])
    return SVDResult(*out) if compute_uv else out[0]


def _hermitian_svd(a, compute_uv: bool):
    """By eigenvalues: their sizes, and their signs in the right vectors."""
    if not compute_uv:
        return flip(searching.sort(ufuncs.abs(eigvalsh(a)), axis=-1), -1)
    values, vectors = eigh(a)
    order = searching.argsort(-ufuncs.abs(values), axis=-1)
    values = take_along_axis(values, order, axis=-1)
    vectors = take_along_axis(vectors, order[..., None, :], axis=-1)
    signs = where(values < 0, values.dtype.type(-1), values.dtype.type(1))
    return SVDResult(vectors, ufuncs.abs(values), adjoint(scale_columns(vectors, signs)))


def svdvals(x, /):
    """The singular values (..., k) of matrices (..., m, n), descending; k = min(m, n).

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.svdvals(fnp.array([[3.0, 0.0], [0.0, -2.0]]))
    Array([3., 2.], dtype=float32)
    """
    return svd(x, compute_uv=False)


# ---- eigenvalues ----

def _hermitian(a, UPLO: str | None, symmetrize_input: bool):
    """What `eigh` reads, in the lower triangle."""
    if UPLO is None:
        return symmetrized(a) if symmetrize_input else a
    if UPLO not in ("L", "U", "l", "u"):
        raise ArgumentError(f"UPLO must be 'L' or 'U', got {UPLO!r}")
    return a if UPLO in "Ll" else adjoint(a)


def eigh(a, UPLO: str | None = None, symmetrize_input: bool = True):
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices.

    a: (..., n, n). UPLO: "L" or "U", the only triangle that is read. Without it the mean of `a` and
    its adjoint counts, which makes the gradient Hermitian, too; or, with symmetrize_input=False,
    the lower triangle.
    Returns (eigenvalues (..., n), eigenvectors (..., n, n) as columns). Vectors of equal
    eigenvalues are not determined: there the derivative is right only for functions that do not
    depend on their choice; for complex matrices this holds for the vectors' phases, too.
    Raises LinAlgError if the iteration does not converge.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.eigh(fnp.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Array([1., 2.], dtype=float32)
    """
    a, = matrices("eigh", a, square=True)
    values, vectors = spectral.eigh(_hermitian(a, UPLO, symmetrize_input))
    raise_on_nan("eigh", _NOT_CONVERGED, values)
    return EighResult(values, vectors)


def eigvalsh(a, UPLO: str | None = None, *, symmetrize_input: bool = True):
    """Eigenvalues (..., n), ascending, of Hermitian matrices; see `eigh`.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.eigvalsh(fnp.array([[2.0, 0.0], [0.0, 1.0]]))
    Array([1., 2.], dtype=float32)
    """
    a, = matrices("eigvalsh", a, square=True)
    values, = spectral.eigh(_hermitian(a, UPLO, symmetrize_input), vectors=False)
    raise_on_nan("eigvalsh", _NOT_CONVERGED, values)
    return values


def eig(a):
    """Eigenvalues and right eigenvectors of square matrices, always complex.

    a: (..., n, n). Returns (eigenvalues (..., n), eigenvectors (..., n, n) as columns).
    Raises LinAlgError if the iteration does not converge. Has no derivative.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.eig(fnp.array([[0.0, -1.0], [1.0, 0.0]])).eigenvalues
    Array([0.+1.j, 0.-1.j], dtype=complex64)
    """
    a, = matrices("eig", a, square=True)
    values, vectors = spectral.eig(a)
    raise_on_nan("eig", _NOT_CONVERGED, values)
    return EigResult(values, vectors)


def eigvals(a):
    """Eigenvalues (..., n) of square matrices, always complex; no derivative.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.eigvals(fnp.array([[0.0, -1.0], [1.0, 0.0]]))
    Array([0.+1.j, 0.-1.j], dtype=complex64)
    """
    a, = matrices("eigvals", a, square=True)
    values, = spectral.eig(a, vectors=False)
    raise_on_nan("eigvals", _NOT_CONVERGED, values)
    return values
