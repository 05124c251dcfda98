"""Matrices with the entries of vectors in a pattern. Vectors stand in the last axis of a batch.

Imports `numpy`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.creation import zeros, zeros_like
from functrans.numpy.joining import atleast_2d, concatenate
from functrans.numpy.manipulation import broadcast_to
from functrans.numpy.promotion import (as_arraylike, broadcast_shapes, materialize, promote,
                                       promote_inexact)
from functrans.numpy.ranges import eye
from functrans.numpy.ufuncs import abs


def _vector(x, name: str, least: int = 0):
    x = as_arraylike(x, name)
    x = x.reshape(1) if x.ndim == 0 else x
    if x.shape[-1] < least:
        raise ShapeError(f"linalg.{name} takes vectors of at least {least} numbers, got {x.type}")
    return x


def _one_batch(*vectors) -> list:
    """Vectors of one dtype with equal leading axes."""
    vectors = promote(*vectors)
    lead = broadcast_shapes(*(x.shape[:-1] for x in vectors))
    return [broadcast_to(x, (*lead, x.shape[-1])) for x in vectors]


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

    Without r the conjugate of c. c: (..., m), r: (..., n) -> (..., m, n).

    >>> import functrans as ft
    >>> ft.scipy.linalg.toeplitz([1, 2], [9, 8, 7])
    Array([[1, 8, 7],
           [2, 1, 8]], dtype=int64)
    """
    c = _vector(c, "toeplitz")
    r = c.conj() if r is None else _vector(r, "toeplitz")
    c, r = _one_batch(c, r)
    m, n = c.shape[-1], r.shape[-1]
    values = concatenate([c[..., ::-1], r[..., 1:]], axis=-1)
    return values[..., np.arange(m)[::-1][:, None] + np.arange(n)]


def hankel(c, r=None):
    """The matrix with constant diagonals from top right to bottom left: c its first column, r its
    last row (from 1 on), zeros by default. c: (..., m), r: (..., n) -> (..., m, n).

    >>> import functrans as ft
    >>> ft.scipy.linalg.hankel([1, 2], [9, 8, 7])
    Array([[1, 2, 8],
           [2, 8, 7]], dtype=int64)
    """
    c = _vector(c, "hankel")
    c, r = _one_batch(c, zeros_like(c) if r is None else _vector(r, "hankel"))
    m, n = c.shape[-1], r.shape[-1]
    return concatenate([c, r[..., 1:]], axis=-1)[..., np.arange(m)[:, None] + np.arange(n)]


def circulant(c):
    """The matrix whose columns are c, each turned by one more: (..., n) -> (..., n, n).

    >>> import functrans as ft
    >>> ft.scipy.linalg.circulant([1, 2, 3])
    Array([[1, 3, 2],
           [2, 1, 3],
           [3, 2, 1]], dtype=int64)
    """
    c = _vector(c, "circulant")
    n = c.shape[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % max(n, 1)]


def companion(a):
    """The matrix whose eigenvalues are the roots of a polynomial: (..., n) -> (..., n-1, n-1).

    a: coefficients, the highest first, which is not 0.

    >>> import functrans as ft
    >>> ft.scipy.linalg.companion([1, -3, 2])
    Array([[ 3., -2.],
           [ 1.,  0.]], dtype=float32)
    """
    a = materialize(promote_inexact(_vector(a, "companion", 2))[0])
    n = a.shape[-1]
    first = -a[..., None, 1:] / a[..., None, :1]
    rest = broadcast_to(eye(n - 2, n - 1, dtype=a.dtype), (*a.shape[:-1], n - 2, n - 1))
    return concatenate([first, rest], axis=-2)


def fiedler(a):
    """The distances of numbers from one another: (..., n) -> (..., n, n).

    >>> import functrans as ft
    >>> ft.scipy.linalg.fiedler([1, 4])
    Array([[0, 3],
           [3, 0]], dtype=int64)
    """
    a = _vector(a, "fiedler")
    return abs(a[..., :, None] - a[..., None, :])


def fiedler_companion(a):
    """A matrix with five diagonals whose eigenvalues are the roots of a polynomial.

    a: (n,), coefficients, the highest first, which is not 0. M. Fiedler, "A note on companion
    matrices", Linear Algebra and its Applications 372 (2003).

    >>> import functrans as ft
    >>> ft.scipy.linalg.fiedler_companion([1, -3, 2])
    Array([[ 3., -2.],
           [ 1.,  0.]], dtype=float32)
    """
    a = materialize(promote_inexact(_vector(a, "fiedler_companion"))[0])
    if a.ndim != 1:
        raise ShapeError(f"linalg.fiedler_companion takes a vector, got {a.type}")
    n = a.size - 1
    if n < 2:
        return -a[1:, None] / a[0] if n == 1 else zeros((0,), a.dtype)
    a = -a / a[0]
    matrix = zeros((n, n), a.dtype)
    even, odd = np.arange(0, n - 1, 2), np.arange(1, n - 1, 2)
    matrix = matrix.at[even, even + 1].set(a[even + 2]).at[odd + 1, odd].set(a[odd + 2])
    even, odd = even[even + 2 < n], odd[odd + 2 < n]
    matrix = matrix.at[even, even + 2].set(1).at[odd + 2, odd].set(1)
    return matrix.at[0, 0].set(a[1]).at[1, 0].set(1)


def leslie(f, s):
    """The matrix of a population by age: f (..., n) births in its first row, s (..., n - 1) shares
    that survive, under the diagonal.

    >>> import functrans as ft
    >>> ft.scipy.linalg.leslie([1, 2], [3])
    Array([[1, 2],
           [3, 0]], dtype=int64)
    """
    f, s = _vector(f, "leslie"), _vector(s, "leslie")
    if f.shape[-1] != s.shape[-1] + 1 or not s.shape[-1]:
        raise ShapeError("linalg.leslie takes f (..., n) and s (..., n - 1) with n > 1, got "
                         f"{f.type} and {s.type}")
    f, s = _one_batch(f, s)
    n = f.shape[-1]
    return concatenate([f[..., None, :], s[..., None] * eye(n - 1, n, dtype=s.dtype)], axis=-2)


def convolution_matrix(a, n: int, mode: str = "full"):
    """The matrix A with `A @ v` the convolution of `a` (..., m) with vectors v of n numbers.

    mode: "full", "same" or "valid", as in `numpy.convolve`: max(m, n) rows for "same".

    >>> import functrans as ft
    >>> ft.scipy.linalg.convolution_matrix([1, 2], 2)
    Array([[1, 0],
           [2, 1],
           [0, 2]], dtype=int64)
    """
    a = _vector(a, "convolution_matrix", 1)
    if n < 1:
        raise ArgumentError(f"linalg.convolution_matrix: n must be positive, got {n}")
    if mode not in ("full", "same", "valid"):
        raise ArgumentError("linalg.convolution_matrix: mode must be 'full', 'same' or 'valid', "
                            f"got {mode!r}")
    m = a.shape[-1]
    space = zeros((*a.shape[:-1], n - 1), a.dtype)
    padded = concatenate([space, a, space], axis=-1)
    places = n - 1 + np.arange(m + n - 1)[:, None] - np.arange(n)
    if mode == "same":
        start = (min(n, m) - 1) // 2
        places = places[start:start + max(n, m)]
    elif mode == "valid":
        places = places[min(n, m) - 1:max(n, m)]
    return padded[..., places]
