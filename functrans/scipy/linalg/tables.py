"""Matrices that only their size determines. Imports `numpy`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.array import as_array
from functrans.config import default_float
from functrans.errors import ArgumentError
from functrans.primitives.matrices import complex_dtype


def _as_floats(values: np.ndarray):
    return as_array(values.astype(default_float()))


def _whole(rows: list, exact: bool, name: str):
    """Python's ints as int64, if `exact`, or as default floats."""
    if not exact:
        return _as_floats(np.array(rows, dtype=float).reshape(len(rows), len(rows)))
    if any(abs(x) >= 2 ** 63 for row in rows for x in row):
        raise ArgumentError(f"linalg.{name}({len(rows)}) has entries that int64 does not hold; "
                            "pass exact=False for floats")
    return as_array(np.array(rows, dtype=np.int64).reshape(len(rows), len(rows)))


def hilbert(n: int):
    """The Hilbert matrix (n, n): 1 / (i + j + 1).

    >>> import functrans as ft
    >>> ft.scipy.linalg.hilbert(2)
    Array([[1.        , 0.5       ],
           [0.5       , 0.33333334]], dtype=float32)
    """
    place = np.arange(n)
    return _as_floats(1 / (place[:, None] + place + 1.0))


def invhilbert(n: int, exact: bool = False):
    """The inverse of the Hilbert matrix (n, n), floats or, if `exact`, int64.

    >>> import functrans as ft
    >>> ft.scipy.linalg.invhilbert(2, exact=True)
    Array([[ 4, -6],
           [-6, 12]], dtype=int64)
    """
    def entry(i: int, j: int) -> int:
        return (-1) ** (i + j) * (i + j + 1) * math.comb(n + i, n - j - 1) \
            * math.comb(n + j, n - i - 1) * math.comb(i + j, i) ** 2
    return _whole([[entry(i, j) for j in range(n)] for i in range(n)], exact, "invhilbert")


_KINDS = ("symmetric", "lower", "upper", None)


def _check_kind(kind, name: str):
    if kind not in _KINDS:
        raise ArgumentError(f"linalg.{name}: kind must be 'symmetric', 'lower' or 'upper', got "
                            f"{kind!r}")


def pascal(n: int, kind: str | None = "symmetric", exact: bool = True):
    """Pascal's matrix (n, n): binomial coefficients, symmetric or in a triangle.

    exact: int64, or else floats.

    >>> import functrans as ft
    >>> ft.scipy.linalg.pascal(3)
    Array([[1, 1, 1],
           [1, 2, 3],
           [1, 3, 6]], dtype=int64)
    """
    _check_kind(kind, "pascal")
    if kind == "lower":
        rows = [[math.comb(i, j) for j in range(n)] for i in range(n)]
    elif kind == "upper":
        rows = [[math.comb(j, i) for j in range(n)] for i in range(n)]
    else:
        rows = [[math.comb(i + j, i) for j in range(n)] for i in range(n)]
    return _whole(rows, exact, "pascal")


def invpascal(n: int, kind: str | None = "symmetric", exact: bool = True):
    """The inverse of Pascal's matrix; arguments as those of `pascal`.

    >>> import functrans as ft
    >>> ft.scipy.linalg.invpascal(2)
    Array([[ 2, -1],
           [-1,  1]], dtype=int64)
    """
    _check_kind(kind, "invpascal")
    lower = [[(-1) ** (i - j) * math.comb(i, j) if j <= i else 0 for j in range(n)]
             for i in range(n)]
    if kind == "lower":
        rows = lower
    elif kind == "upper":
        rows = [list(row) for row in zip(*lower)]
    else:
        rows = [[sum(lower[k][i] * lower[k][j] for k in range(n)) for j in range(n)]
                for i in range(n)]
    return _whole(rows, exact, "invpascal")


def hadamard(n: int, dtype=int):
    """Hadamard's matrix (n, n) of 1 and -1 with orthogonal rows; n a power of two.

    >>> import functrans as ft
    >>> ft.scipy.linalg.hadamard(2)
    Array([[ 1,  1],
           [ 1, -1]], dtype=int64)
    """
    if n < 1 or n & (n - 1):
        raise ArgumentError(f"linalg.hadamard: n must be a power of two, got {n}")
    matrix = np.ones((1, 1), np.int64)
    while len(matrix) < n:
        matrix = np.kron([[1, 1], [1, -1]], matrix)
    return as_array(matrix.astype(dtype))


def dft(n: int, scale: str | None = None, *, dtype=None):
    """The matrix (n, n) of the discrete Fourier transform, complex.

    scale: None, "sqrtn", for a unitary matrix, or "n". dtype: complex of the default precision.

    >>> import functrans as ft
    >>> ft.scipy.linalg.dft(2, dtype="complex64").real
    Array([[ 1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    if scale not in (None, "sqrtn", "n"):
        raise ArgumentError(f"linalg.dft: scale must be None, 'sqrtn' or 'n', got {scale!r}")
    turns = np.arange(n)[:, None] * np.arange(n) % max(n, 1)
    matrix = np.exp(-2j * np.pi * turns / max(n, 1)) / {None: 1, "sqrtn": math.sqrt(n),
                                                        "n": n}[scale]
    return as_array(matrix.astype(complex_dtype(default_float()) if dtype is None else dtype))


def helmert(n: int, full: bool = False):
    """Helmert's matrix: orthonormal rows, the first constant, which is left out unless `full`.

    >>> import functrans as ft
    >>> ft.scipy.linalg.helmert(2).round(4)
    Array([[ 0.7071, -0.7071]], dtype=float32)
    """
    matrix = np.tril(np.ones((n, n)), -1) - np.diag(np.arange(n))
    matrix[:1] = 1
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return _as_floats(matrix if full else matrix[1:])
