"""Random orthogonal matrices.

In: keys. Out: matrices with orthonormal columns. Imports `random.continuous`, `numpy`.
"""
from __future__ import annotations

from functrans.numpy import linalg, reductions, ufuncs
from functrans.numpy.ranges import eye, tril, triu
from functrans.numpy.choosing import where
from functrans.numpy.diagonals import diagonal
from functrans.numpy.manipulation import matrix_transpose
from functrans.numpy.products import matmul
from functrans.random.continuous import float_dtype, normal
from functrans.random.keys import check_shape


def orthogonal(key, n: int, shape=(), dtype=None, m: int | None = None):
    """Random orthogonal matrices, uniformly distributed: n rows, m columns (n by default).

    Its columns are orthonormal if n >= m, its rows if n <= m. shape: of a batch of matrices.

    The product of the reflections of Gaussian vectors (Stewart, "The efficient generation of
    random orthogonal matrices", SIAM J. Numer. Anal. 1980): the Q of the QR decomposition of a
    Gaussian matrix, without decomposing one. It is formed with matrix products alone, as
    I - V T V', where T is triangular (Joffrain et al., "Accumulating Householder
    transformations, revisited", ACM TOMS 2006).

    >>> import functrans as ft
    >>> q = ft.random.orthogonal(ft.random.key(0), 3)
    >>> bool(abs(q.T @ q - ft.numpy.eye(3)).max() < 1e-6)
    True
    """
    dtype, shape = float_dtype(dtype, "orthogonal"), check_shape(shape, "orthogonal")
    rows, columns = n, n if m is None else m
    if rows < columns:
        return matrix_transpose(orthogonal(key, columns, shape, dtype, rows))
    gaussian = tril(normal(key, (*shape, rows, columns), dtype))
    vectors, signs = _reflections(gaussian)
    products = matmul(matrix_transpose(vectors), vectors)
    core = _inverse_of_unit_triangle(2 * triu(products, 1))
    first = matmul(core, matrix_transpose(vectors[..., :columns, :]))
    q = eye(rows, columns, dtype=dtype) - 2 * matmul(vectors, first)
    return _polished(q) * signs[..., None, :]


def _reflections(gaussian) -> tuple:
    """Unit vectors, as columns, whose reflections take each column to its axis; and signs."""
    rows, columns = gaussian.shape[-2:]
    heads = diagonal(gaussian, axis1=-2, axis2=-1)
    signs = where(heads < 0, -1, 1).astype(gaussian.dtype)
    lengths = ufuncs.sqrt(reductions.sum(ufuncs.square(gaussian), -2))
    vectors = gaussian + eye(rows, columns, dtype=gaussian.dtype) * (signs * lengths)[..., None, :]
    return vectors / linalg.norm(vectors, axis=-2, keepdims=True), -signs


def _polished(q):
    """q with its rounding errors squared: a step of Newton and Schulz towards orthonormality."""
    return 1.5 * q - 0.5 * matmul(q, matmul(matrix_transpose(q), q))


def _inverse_of_unit_triangle(above):
    """(I + N)**-1 for N with nothing on and below the diagonal, so that N**size = 0.

    The product of (I - N)(I + N**2)(I + N**4) ... , which telescopes.
    """
    size = above.shape[-1]
    unit = eye(size, dtype=above.dtype)
    result, power = unit - above, above
    for _ in range(1, max(size - 1, 1).bit_length()):
        power = matmul(power, power)
        result = matmul(result, unit + power)
    return result
