"""`lax.linalg`: factors of matrices and triangular systems, by the names and arguments of `lax`.

Matrices are the last two axes, with any leading batch axes. Imports `lax.operands`,
`lax.reflections`, `primitives`.
"""
from __future__ import annotations

from functrans.errors import ShapeError, UnsupportedError
from functrans.lax.operands import checked, of_one_dtype, one
from functrans.lax.reflections import (cholesky_update, hessenberg, householder_product, ormqr,
                                       tridiagonal, tridiagonal_solve)
from functrans.primitives import linalg as systems
from functrans.primitives import matrices, orthogonal, spectral, triangular
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import add, convert, div, mul

__all__ = ["cholesky", "cholesky_update", "eig", "eigh", "hessenberg", "householder_product", "lu",
           "lu_pivots_to_permutation", "ormqr", "qr", "svd", "symmetric_product",
           "triangular_solve", "tridiagonal", "tridiagonal_solve"]


def _symmetrized(x):
    """The mean of a matrix and its conjugate transpose."""
    return div(add(x, matrices.adjoint(x)), x.dtype.type(2))


def _square(x, name: str):
    x = one(x, f"linalg.{name}")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"lax.linalg.{name} takes square matrices, got {x.type}")
    return x


def cholesky(x, *, symmetrize_input: bool = True):
    """The lower triangular L with x = L L^H; NaN where x is not positive definite.

    symmetrize_input: whether the mean of x and its conjugate transpose is factored; otherwise only
    the lower triangle is read.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.cholesky(fnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    x = _square(x, "cholesky")
    return triangular.cholesky(_symmetrized(x) if symmetrize_input else x)


def eigh(x, *, lower: bool = True, symmetrize_input: bool = True, sort_eigenvalues: bool = True,
         subset_by_index=None) -> tuple:
    """(eigenvectors, eigenvalues) of Hermitian matrices; eigenvalues rise, vectors are columns.

    lower: which triangle is read, unless `symmetrize_input`, which takes the mean of both.
    sort_eigenvalues: of no effect, they are always sorted. subset_by_index: `(start, stop)`: which.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.eigh(fnp.array([[3.0, 0.0], [0.0, 2.0]]))[1]
    Array([2., 3.], dtype=float32)
    """
    x = _square(x, "eigh")
    if symmetrize_input:
        x = _symmetrized(x)
    elif not lower:
        x = matrices.adjoint(x)
    values, vectors = spectral.eigh(x)
    if subset_by_index is not None:
        start, stop = subset_by_index
        values = prim.slice_axis(values, values.ndim - 1, start, stop)
        vectors = matrices.columns(vectors, start, stop)
    return vectors, values


def eig(x, *, compute_left_eigenvectors: bool = True,
        compute_right_eigenvectors: bool = True) -> list:
    """[eigenvalues, left eigenvectors, right eigenvectors] of any square matrices, complex.

    Left eigenvectors, v^H x = w v^H, are not computed: ask for the right ones alone.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.eig(fnp.array([[2.0]]), compute_left_eigenvectors=False)[0]
    Array([2.+0.j], dtype=complex64)
    """
    if compute_left_eigenvectors:
        raise UnsupportedError("lax.linalg.eig computes no left eigenvectors: pass "
                               "compute_left_eigenvectors=False, and transpose for them")
    results = spectral.eig(_square(x, "eig"), vectors=bool(compute_right_eigenvectors))
    return list(results) if isinstance(results, (tuple, list)) else [results]


def svd(x, *, full_matrices: bool = True, compute_uv: bool = True, subset_by_index=None):
    """(U, S, V^H) with x = U S V^H, singular values falling; S alone without `compute_uv`.

    full_matrices: whether U and V^H are square. subset_by_index: `(start, stop)`: which singular
    values, with their vectors; not with full matrices.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.svd(fnp.array([[3.0, 0.0], [0.0, 4.0]]), compute_uv=False)
    Array([4., 3.], dtype=float32)
    """
    x = one(x, "linalg.svd")
    if subset_by_index is not None and full_matrices and compute_uv:
        raise UnsupportedError("lax.linalg.svd: subset_by_index needs full_matrices=False")
    results = orthogonal.svd(x, bool(full_matrices), bool(compute_uv))
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    if subset_by_index is not None:
        results = _subset(results, *subset_by_index)
    return tuple(results) if compute_uv else results[0]


def _subset(results: list, start: int, stop: int) -> list:
    if len(results) == 1:
        return [prim.slice_axis(results[0], results[0].ndim - 1, start, stop)]
    u, s, vh = results
    return [matrices.columns(u, start, stop), prim.slice_axis(s, s.ndim - 1, start, stop),
            matrices.rows(vh, start, stop)]


def qr(x, *, pivoting: bool = False, full_matrices: bool = True) -> tuple:
    """(Q, R) with x = Q R: Q with orthonormal columns, R upper triangular.

    full_matrices: whether Q is square. pivoting raises NotImplementedError.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.qr(fnp.eye(2))[0].shape
    (2, 2)
    """
    if pivoting:
        raise UnsupportedError("lax.linalg.qr does not exchange columns: pivoting=False")
    return tuple(orthogonal.qr(one(x, "linalg.qr"), "complete" if full_matrices else "reduced"))


def lu(x) -> tuple:
    """(LU, pivots, permutation): x with rows in the order of `permutation` is L U.

    LU holds U and, under the diagonal, L, whose diagonal is ones. pivots (int32): row k was
    exchanged with row pivots[k].

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.lu(fnp.array([[0.0, 1.0], [2.0, 3.0]]))[2]
    Array([1, 0], dtype=int32)
    """
    factors, pivots, order = systems.lu(one(x, "linalg.lu"))
    return factors, convert(pivots, "int32"), convert(order, "int32")


def lu_pivots_to_permutation(pivots, permutation_size: int):
    """The order of rows (int32) in which exchanges of row k with row pivots[k] result.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.lu_pivots_to_permutation(fnp.array([2, 1, 2]), 3)
    Array([2, 1, 0], dtype=int32)
    """
    pivots = convert(one(pivots, "linalg.lu_pivots_to_permutation"), "int64")
    return convert(systems.pivot_order(pivots, permutation_size), "int32")


def triangular_solve(a, b, *, left_side: bool = False, lower: bool = False,
                     transpose_a: bool = False, conjugate_a: bool = False,
                     unit_diagonal: bool = False):
    """X with op(a) X = b (`left_side`) or X op(a) = b, of triangular `a`.

    op: transposed by `transpose_a`, conjugated by `conjugate_a`. lower: which triangle is read.
    unit_diagonal: whether the diagonal counts as ones.

    >>> from functrans import lax, numpy as fnp
    >>> a, b = fnp.array([[2.0, 0.0], [1.0, 1.0]]), fnp.array([[2.0], [3.0]])
    >>> lax.linalg.triangular_solve(a, b, left_side=True, lower=True).ravel()
    Array([1., 2.], dtype=float32)
    """
    name = "linalg.triangular_solve"
    a, b = of_one_dtype(name, one(a, name), one(b, name))
    if conjugate_a:
        a = matrices.conjugate(a)
    if not left_side:                                 # X op(a) = b is op(a)^T X^T = b^T
        b, transpose_a = matrices.swap(b), not transpose_a
    options = dict(lower=lower, letter="T" if transpose_a else "N", unit=unit_diagonal)
    checked(triangular.triangular_solve_p, a, b, **options)
    x = triangular.triangular_solve(a, b, **options)
    return x if left_side else matrices.swap(x)


def symmetric_product(a_matrix, c_matrix, *, alpha=1.0, beta=0.0,
                      symmetrize_output: bool = False):
    """alpha * A A^T + beta * C; all of it, whatever `symmetrize_output` says.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.symmetric_product(fnp.ones((2, 3)), fnp.zeros((2, 2)))
    Array([[3., 3.],
           [3., 3.]], dtype=float32)
    """
    name = "linalg.symmetric_product"
    a, c = of_one_dtype(name, one(a_matrix, name), one(c_matrix, name))
    if a.ndim < 2 or c.shape != (*a.shape[:-1], a.shape[-2]):
        raise ShapeError(f"lax.{name} takes matrices A and C of the shape of A A^T, got {a.type} "
                         f"and {c.type}")
    product = matrices.matmul(a, matrices.swap(a))
    kind = a.dtype.type
    return add(mul(product, kind(alpha)), mul(c, kind(beta)))
