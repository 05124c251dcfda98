"""Factors by loops over rows and columns: reflections, rotations, elimination.

They are loops of `lax.scan`, so every transformation applies. Matrices are the last two axes, with
any leading batch axes. Imports `lax.loops`, `lax.operands`, `numpy`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ShapeError, UnsupportedError
from functrans.ir.type import is_complex, is_float
from functrans.lax.loops import scan
from functrans.lax.operands import of_one_dtype, one
from functrans.numpy.choosing import where
from functrans.numpy.creation import zeros
from functrans.numpy.joining import concatenate
from functrans.numpy.linalg.products import diagonal
from functrans.numpy.manipulation import broadcast_to, moveaxis, swapaxes
from functrans.numpy.ranges import arange, eye, tril
from functrans.numpy.reductions import max as largest
from functrans.numpy.reductions import sum
from functrans.numpy.ufuncs import abs, conj, copysign, sqrt
from functrans.primitives.elementwise import stop_gradient


def tridiagonal_solve(dl, d, du, b, *, perturb_singular: bool = False):
    """X with A X = b, of tridiagonal matrices A, by elimination without exchange of rows.

    dl, d, du: (..., m), the diagonal under the main one from place 1 on, the main one, and that
    above it up to place m - 1; dl[0] and du[m - 1] do not count. b: (..., m, k). Accurate where A
    is diagonally dominant or definite. perturb_singular: whether pivots of 0 become tiny ones.
    Differentiable; G. Golub and C. Van Loan, "Matrix Computations", 4.3.6.
    Raises ShapeError for shapes that do not go together.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.tridiagonal_solve(fnp.zeros(2), fnp.array([2.0, 4.0]), fnp.zeros(2),
    ...                              fnp.ones((2, 1))).ravel()
    Array([0.5 , 0.25], dtype=float32)
    """
    name = "linalg.tridiagonal_solve"
    dl, d, du, b = of_one_dtype(name, *(one(x, name) for x in (dl, d, du, b)))
    if not (dl.ndim and dl.shape == d.shape == du.shape == b.shape[:-1]):
        raise ShapeError(f"lax.{name} takes three diagonals (..., m) and right sides (..., m, k), "
                         f"got {dl.type}, {d.type}, {du.type} and {b.type}")
    _require_inexact(name, d)
    rows = [moveaxis(x, d.ndim - 1, 0) for x in (dl, d, du, b)]
    tiny = np.finfo(d.dtype).tiny

    def eliminate(before, row):
        share, value = before
        low, middle, high, right = row
        pivot = middle - low * share
        pivot = where(pivot == 0, tiny, pivot) if perturb_singular else pivot
        done = high / pivot, (right - low[..., None] * value) / pivot[..., None]
        return done, done

    def substitute(after, row):
        share, value = row
        x = value - share[..., None] * after
        return x, x
    start = zeros(d.shape[:-1], d.dtype), zeros(b.shape[:-2] + b.shape[-1:], b.dtype)
    rows[0] = where(arange(d.shape[-1]).reshape(-1, *(1,) * (d.ndim - 1)) == 0, 0, rows[0])
    _, steps = scan(eliminate, start, tuple(rows))
    _, x = scan(substitute, start[1], steps, reverse=True)
    return moveaxis(x, 0, d.ndim - 1)


def cholesky_update(r_matrix, w_vector):
    """The upper triangular R' with R'^T R' = R^T R + w w^T, for real R (..., n, n), w (..., n).

    By one rotation for each row; G. Golub and C. Van Loan, "Matrix Computations", 6.5.4.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.cholesky_update(fnp.array([[3.0]]), fnp.array([4.0]))
    Array([[5.]], dtype=float32)
    """
    name = "linalg.cholesky_update"
    r, w = of_one_dtype(name, one(r_matrix, name), one(w_vector, name))
    if r.ndim < 2 or r.shape[-1] != r.shape[-2] or w.shape != r.shape[:-1] \
            or not is_float(r.dtype):
        raise ShapeError(f"lax.{name} takes real R (..., n, n) and w (..., n), got {r.type} and "
                         f"{w.type}")

    def rotate(w, step):
        row, here = step
        a, b = sum(row * here, -1, keepdims=True), sum(w * here, -1, keepdims=True)
        square = a * a + b * b
        length = sqrt(where(square == 0, 1, square))
        cosine, sine = where(square == 0, 1, a / length), b / length
        return cosine * w - sine * row, cosine * row + sine * w
    rows = moveaxis(r, r.ndim - 2, 0)
    _, rows = scan(rotate, w, (rows, eye(r.shape[-1], dtype=r.dtype)))
    return moveaxis(rows, 0, r.ndim - 2)


def householder_product(a, taus):
    """The first n columns of H_0 H_1 .. H_(k-1), with the reflections H = I - tau v v^H.

    a: (..., m, n), the vectors v in its first k columns, under the diagonal: v has zeros above it
    and 1 on it. taus: (..., k). What `geqrf` of LAPACK gives.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.householder_product(fnp.ones((2, 1)), fnp.array([1.0]))
    Array([[ 0.],
           [-1.]], dtype=float32)
    """
    name = "linalg.householder_product"
    a, taus = _reflections(name, a, taus)
    m, n = a.shape[-2:]
    if n > m:
        raise ShapeError(f"lax.{name} takes at least as many rows as columns, got {a.type}")
    start = broadcast_to(eye(m, n, dtype=a.dtype), a.shape)
    return _reflected(a, taus, start, backwards=True)


def ormqr(a, taus, c, *, left: bool = True, transpose: bool = False):
    """The product Q c (`left`) or c Q, with Q the product of reflections of `householder_product`.

    a: (..., m, k), taus: (..., k). transpose: whether Q^H takes the place of Q.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.ormqr(fnp.ones((2, 1)), fnp.array([1.0]), fnp.eye(2))
    Array([[ 0., -1.],
           [-1.,  0.]], dtype=float32)
    """
    name = "linalg.ormqr"
    a, taus = _reflections(name, a, taus)
    a, taus, c = of_one_dtype(name, a, taus, one(c, name))
    side = -2 if left else -1
    if c.ndim < 2 or c.shape[side] != a.shape[-2] or c.shape[:-2] != a.shape[:-2]:
        raise ShapeError(f"lax.{name}: {c.type} does not fit reflections of {a.shape[-2]} numbers, "
                         f"{a.type}")
    if not left:                                          # c Q is (Q^H c^H)^H
        c, transpose = conj(swapaxes(c, -1, -2)), not transpose
    taus = conj(taus) if transpose else taus
    out = _reflected(a, taus, c, backwards=not transpose)
    return out if left else conj(swapaxes(out, -1, -2))


def hessenberg(a):
    """(matrix, taus): A = Q H Q^H with H zero under the diagonal beneath the main one.

    a: (..., n, n). H is the upper part of the matrix; the vectors of the n - 1 reflections whose
    product is Q stand under it, as LAPACK's `gehrd` packs them. G. Golub and C. Van Loan, "Matrix
    Computations", 7.4.2.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.hessenberg(fnp.array([[1.0, 2.0], [3.0, 4.0]]))[0]
    Array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    name = "linalg.hessenberg"
    a = one(a, name)
    _require_inexact(name, a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"lax.{name} takes square matrices, got {a.type}")
    n = a.shape[-1]
    if n < 2:
        return a, zeros((*a.shape[:-2], 0), a.dtype)

    def step(matrix, k):
        column = sum(where(arange(n) == k, matrix, 0), -1)
        v, tau = _reflection(column, k + 1)
        matrix = _on_left(matrix, v, conj(tau))
        matrix = conj(swapaxes(_on_left(conj(swapaxes(matrix, -1, -2)), v, conj(tau)), -1, -2))
        return matrix, (v, tau)
    matrix, (vectors, taus) = scan(step, a, arange(n - 1))
    below = concatenate([moveaxis(vectors, 0, -1), zeros((*a.shape[:-1], 1), a.dtype)], -1)
    packed = where(arange(n)[:, None] > arange(n) + 1, below, matrix)
    return packed, moveaxis(taus, 0, -1)


def tridiagonal(a, *, lower: bool = True):
    """(matrix, d, e, taus): Hermitian A = Q T Q^H, with T the tridiagonal matrix of d and e.

    a: (..., n, n), of which the lower triangle is read. d: (..., n), e: (..., n - 1), real. Q is
    the product of the n - 1 reflections whose vectors stand in the matrix, as `hessenberg` packs
    them. lower=False raises NotImplementedError.

    >>> from functrans import lax, numpy as fnp
    >>> lax.linalg.tridiagonal(fnp.array([[1.0, 2.0], [2.0, 4.0]]))[1:3]
    (Array([1., 4.], dtype=float32), Array([2.], dtype=float32))
    """
    if not lower:
        raise UnsupportedError("lax.linalg.tridiagonal reads the lower triangle: lower=True, of "
                               "the conjugate transpose")
    a = one(a, "linalg.tridiagonal")
    strict = tril(a, -1)
    whole = strict + conj(swapaxes(strict, -1, -2)) + a.real * eye(a.shape[-1], dtype=a.dtype)
    packed, taus = hessenberg(whole)
    return packed, diagonal(packed).real, diagonal(packed, offset=-1).real, taus


# ---- reflections ----

def _require_inexact(name: str, x):
    if not (is_float(x.dtype) or is_complex(x.dtype)):
        raise ShapeError(f"lax.{name} takes real or complex floating-point numbers, got {x.type}")


def _reflections(name: str, a, taus) -> tuple:
    a, taus = of_one_dtype(name, one(a, name), one(taus, name))
    if a.ndim < 2 or taus.ndim != a.ndim - 1 or taus.shape[:-1] != a.shape[:-2] \
            or taus.shape[-1] > min(a.shape[-2:]):
        raise ShapeError(f"lax.{name} takes vectors (..., m, n) and taus (..., k) with k at most m "
                         f"and n, got {a.type} and {taus.type}")
    return a, taus


def _reflected(a, taus, c, backwards: bool):
    """Reflections, one after the other, applied from the left."""
    m, count = a.shape[-2], taus.shape[-1]
    place = np.arange(m)[:, None] - np.arange(count)
    vectors = where(place > 0, a[..., :count], (place == 0).astype(a.dtype))

    def step(c, reflection):
        return _on_left(c, *reflection), None
    columns = moveaxis(vectors, -1, 0), moveaxis(taus, -1, 0)
    return scan(step, c, columns, reverse=backwards)[0]


def _on_left(c, v, tau):
    """(I - tau v v^H) c."""
    share = conj(v)[..., None, :] @ c
    return c - (tau[..., None] * v)[..., None] * share


def _reflection(x, k):
    """(v, tau) with (I - conj(tau) v v^H) x zero behind place k, v one at k and zero before.

    LAPACK's `larfg`: the identity, tau = 0, where x is zero there already.
    """
    place = arange(x.shape[-1])
    x = where(place >= k, x, 0)
    scale = stop_gradient(largest(abs(x), -1, keepdims=True))       # squares shall not underflow
    x = x / where((scale > 0) & (scale < np.inf), scale, 1)
    first = sum(where(place == k, x, 0), -1)
    rest = where(place > k, x, 0)
    square = sum(abs(rest) ** 2, -1) + (first.imag ** 2 if is_complex(x.dtype) else 0)
    trivial = square == 0
    length = sqrt(where(trivial, 1, first.real ** 2 + square))
    beta = -copysign(length, first.real)
    tau = where(trivial, 0, (beta - first) / beta)
    v = where(place == k, 1, rest / where(trivial, 1, first - beta)[..., None])
    return v, tau
