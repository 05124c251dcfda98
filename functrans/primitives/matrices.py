"""Matrices in the last two axes: what the rules of linear algebra are written with.

All take leading batch axes, the same for each operand. Imports `ir`, `trace`, and the families
of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import DtypeError, ShapeError
from functrans.ir.type import ArrayType, is_complex
from functrans.primitives.basic import broadcast, full, reduce_sum, same_dtype
from functrans.primitives.contract import dot_general
from functrans.primitives.elementwise import (
    add,
    complex_,
    conj,
    div,
    eq,
    ge,
    gt,
    mul,
    real,
    select,
    sub,
)
from functrans.primitives.shape import iota, slice_axis, transpose

DTYPES = ("float32", "float64", "complex64", "complex128")


# ---- what operands must be ----

def check_matrices(types, name: str, square: bool = False):
    """Raises unless all are batches of matrices, of one dtype that LAPACK has."""
    dtype = same_dtype(types, name)
    if dtype.name not in DTYPES:
        raise DtypeError(f"{name} takes matrices of {', '.join(DTYPES)}, not {dtype.name}")
    for kind in types:
        if kind.ndim < 2:
            raise ShapeError(f"{name} takes matrices, in the last two axes, got {kind}")
        if kind.shape[:-2] != types[0].shape[:-2]:
            raise ShapeError(f"{name}: the batch axes differ: {', '.join(map(str, types))}")
    if square and types[0].shape[-2] != types[0].shape[-1]:
        raise ShapeError(f"{name} takes square matrices, got {types[0]}")


def real_dtype(dtype: np.dtype) -> np.dtype:
    return np.empty(0, dtype).real.dtype


def complex_dtype(dtype: np.dtype) -> np.dtype:
    return np.result_type(dtype, np.complex64)


# ---- products and relabelings ----

def matmul(a, b):
    """The matrix products."""
    count = a.ndim - 2
    batch = tuple(range(count))
    return dot_general(a, b, ((count + 1,), (count,)), (batch, batch))


def swap(a):
    """The transposes."""
    return transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


def conjugate(a):
    return conj(a) if is_complex(a.dtype) else a


def adjoint(a):
    """The conjugate transposes."""
    return conjugate(swap(a))


def rows(a, start: int, limit: int):
    return slice_axis(a, a.ndim - 2, start, limit)


def columns(a, start: int, limit: int):
    return slice_axis(a, a.ndim - 1, start, limit)


def apply_letter(a, letter: str):
    """op(a) as LAPACK names it: "N" a, "T" its transpose, "C" its conjugate transpose."""
    return {"N": lambda a: a, "T": swap, "C": adjoint}[letter](a)


def numpy_letter(a: np.ndarray, letter: str) -> np.ndarray:
    """op(a) of NumPy arrays."""
    if letter == "N":
        return a
    return np.swapaxes(a.conj() if letter == "C" else a, -1, -2)


# ---- triangles and diagonals ----

def _indices(shape: tuple):
    return iota(np.int64, shape, len(shape) - 2), iota(np.int64, shape, len(shape) - 1)


def _kept(mask, a):
    return select(mask, a, a.dtype.type(0))


def lower(a, below: int = 0):
    """The part on the diagonal and under it; only what is `below` diagonals lower."""
    row, column = _indices(a.shape)
    return _kept(ge(row, add(column, np.int64(below))), a)


def upper(a, above: int = 0):
    """The part on the diagonal and over it; only what is `above` diagonals higher."""
    row, column = _indices(a.shape)
    return _kept(ge(column, add(row, np.int64(above))), a)


def on_diagonal(shape: tuple):
    """A boolean array: where the diagonal of matrices is."""
    return eq(*_indices(shape))


def under_diagonal(shape: tuple):
    """A boolean array: where matrices are under the diagonal."""
    return gt(*_indices(shape))


def eye(kind: ArrayType):
    """Identity matrices of a type."""
    one = full(kind, 1)
    return _kept(on_diagonal(kind.shape), one)


def diagonal(a):
    """The diagonals of square matrices."""
    return reduce_sum(_kept(on_diagonal(a.shape), a), (a.ndim - 1,))


def with_diagonal(d):
    """Matrices with these diagonals, and zeros elsewhere."""
    spread = along_columns(d, (*d.shape, d.shape[-1]))
    return _kept(on_diagonal(spread.shape), spread)


def along_columns(d, shape: tuple):
    """A vector for each matrix, as its every row: element j stands all down column j."""
    return broadcast(d, shape, (*range(len(shape) - 2), len(shape) - 1))


def along_rows(d, shape: tuple):
    """A vector for each matrix, as its every column: element i stands all along row i."""
    return broadcast(d, shape, (*range(len(shape) - 2), len(shape) - 2))


def scale_columns(a, d):
    """Column j times d[j]; d may be real where a is complex."""
    return mul(a, as_dtype(along_columns(d, a.shape), a.dtype))


def scale_rows(a, d):
    """Row i times d[i]; d may be real where a is complex."""
    return mul(a, as_dtype(along_rows(d, a.shape), a.dtype))


def as_dtype(x, dtype: np.dtype):
    """A real array as a complex one, where `dtype` is complex and it is not."""
    if is_complex(dtype) and not is_complex(x.dtype):
        return complex_(x, full(ArrayType(x.shape, x.dtype), 0))
    return x


def real_part(x):
    return real(x) if is_complex(x.dtype) else x


def hermitian_of_lower(a):
    """The Hermitian matrix of which only the lower triangle, with a real diagonal, is read."""
    strict = lower(a, 1)
    middle = as_dtype(with_diagonal(real_part(diagonal(a))), a.dtype)
    return add(add(strict, adjoint(strict)), middle)


def imaginary_part(x):
    """i times the imaginary part."""
    return div(sub(x, conj(x)), x.dtype.type(2))


def inverse_or_zero(x):
    """1 / x, but 0 where x is 0."""
    zero = eq(x, x.dtype.type(0))
    one = full(x.type.strong(), 1)
    return select(zero, x.dtype.type(0), div(one, select(zero, x.dtype.type(1), x)))


def inverse_gaps(values):
    """1 / (values[j] - values[i]) at (i, j); zero where they are equal."""
    shape = (*values.shape, values.shape[-1])
    return inverse_or_zero(sub(along_columns(values, shape), along_rows(values, shape)))
