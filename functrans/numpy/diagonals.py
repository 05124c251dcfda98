"""Diagonals and triangles: reading, writing, and their indices.

In: matrices. Out: arrays. Imports `numpy.indexing`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.array import as_array
from functrans.errors import ArgumentError
from functrans.numpy.indexing import getitem
from functrans.numpy.promotion import as_arraylike, as_operand, canonical_axis, cast, materialize
from functrans.numpy.writing import refuse_inplace
from functrans.primitives import shape as prim
from functrans.primitives.basic import broadcast
from functrans.primitives.elementwise import add, eq, select
from functrans.primitives.index import scatter, scatter_set_p


def diagonal(a, offset: int = 0, axis1: int = 0, axis2: int = 1):
    """The elements on a diagonal of two axes, as the last axis of the result.

    >>> import functrans.numpy as fnp
    >>> fnp.diagonal(fnp.array([[1, 2], [3, 4]]))
    Array([1, 4], dtype=int64)
    """
    a = as_arraylike(a, "diagonal")
    if a.ndim < 2:
        raise ArgumentError(f"diagonal takes at least two axes, got shape {a.shape}")
    first, second = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    if first == second:
        raise ArgumentError("diagonal: axis1 and axis2 must differ")
    rest = [k for k in range(a.ndim) if k not in (first, second)]
    a = prim.transpose(a, rest + [first, second])
    rows, columns = a.shape[-2:]
    row, column = max(-offset, 0), max(offset, 0)
    count = max(min(rows - row, columns - column), 0)
    places = prim.iota(np.int64, (count,))
    flat = prim.reshape(a, (*a.shape[:-2], rows * columns))
    start = np.int64(row * columns + column)
    step = np.int64(columns + 1)
    return getitem(flat, (Ellipsis, places * step + start), "promise") if count else \
        prim.slice_axis(flat, flat.ndim - 1, 0, 0)


def diag(v, k: int = 0):
    """A matrix with `v` on its k-th diagonal; or the k-th diagonal of a matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.diag(fnp.array([1, 2]))
    Array([[1, 0],
           [0, 2]], dtype=int64)
    """
    v = as_arraylike(v, "diag")
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ArgumentError(f"diag takes a vector or a matrix, got shape {v.shape}")
    size = v.size + (k if k > 0 else -k)
    v = prim.pad(v, (0,), (size - v.size,))
    rows, columns = (prim.iota(np.int64, (size, size), axis) for axis in (0, 1))
    spread = broadcast(v, (size, size), (0,) if k >= 0 else (1,))
    return select(eq(columns, add(rows, np.int64(k))), spread, v.dtype.type(0))


def diagflat(v, k: int = 0):
    """A matrix with the flattened `v` on its k-th diagonal.

    >>> import functrans.numpy as fnp
    >>> fnp.diagflat(fnp.ones((1, 2))).shape
    (2, 2)
    """
    v = as_arraylike(v, "diagflat")
    return diag(prim.reshape(v, (v.size,)), k)


def fill_diagonal(a, val, wrap: bool = False, *, inplace: bool = True):
    """`a` with `val` on its main diagonal; see `writing.py` for `inplace=False`.

    val: a number, or a vector that is repeated along the diagonal. wrap: whether a tall matrix
    starts a new diagonal below the first. Raises ValueError for fewer than two axes, or for more
    than two that differ in size.

    >>> import functrans.numpy as fnp
    >>> fnp.fill_diagonal(fnp.zeros((2, 2)), 1, inplace=False)
    Array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    refuse_inplace(inplace, "fill_diagonal")
    a = as_arraylike(a, "fill_diagonal")
    if a.ndim < 2:
        raise ArgumentError(f"fill_diagonal takes at least two axes, got shape {a.shape}")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ArgumentError(f"fill_diagonal: the axes of {a.type} differ in size")
    places = _diagonal_places(a.shape, wrap)
    val = ravel_values(val, a.dtype, "fill_diagonal")
    if not len(places) or not val.size:
        return a
    flat = prim.reshape(a, (a.size,))
    chosen = getitem(val, (np.arange(len(places)) % val.size,))
    filled = scatter(scatter_set_p, flat, chosen, [as_array(places)], 0, "promise", True)
    return prim.reshape(filled, a.shape)


def _diagonal_places(shape: tuple, wrap: bool) -> np.ndarray:
    """The places of the main diagonal in the flattened array."""
    step = 1 + int(np.cumprod(shape[:0:-1]).sum())
    end = shape[1] * shape[1] if len(shape) == 2 and not wrap else math.prod(shape)
    return np.arange(0, min(end, math.prod(shape)), step)


def ravel_values(values, dtype, name: str):
    """Values to be written, as a vector of a dtype."""
    values = materialize(cast(as_operand(values, name), dtype))
    return prim.reshape(values, (values.size,))


# ---- triangles and diagonals as indices ----

def diag_indices(n: int, ndim: int = 2) -> tuple:
    """The indices of the main diagonal of an array with `ndim` axes of size n.

    >>> import functrans.numpy as fnp
    >>> fnp.diag_indices(2)
    (Array([0, 1], dtype=int64), Array([0, 1], dtype=int64))
    """
    return (prim.iota(np.int64, (n,)),) * ndim


def diag_indices_from(arr) -> tuple:
    """The indices of the main diagonal of `arr`, whose axes must be equal.

    >>> import functrans.numpy as fnp
    >>> fnp.diag_indices_from(fnp.eye(2))[0]
    Array([0, 1], dtype=int64)
    """
    arr = as_arraylike(arr, "diag_indices_from")
    if arr.ndim < 2:
        raise ArgumentError(f"diag_indices_from takes at least two axes, got shape {arr.shape}")
    if len(set(arr.shape)) > 1:
        raise ArgumentError(f"diag_indices_from: the axes of {arr.type} differ in size")
    return diag_indices(arr.shape[0], arr.ndim)


def _constants(places: tuple) -> tuple:
    return tuple(as_array(np.ascontiguousarray(place, np.int64)) for place in places)


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple:
    """The indices of the lower triangle of an n by m matrix, row by row.

    >>> import functrans.numpy as fnp
    >>> fnp.tril_indices(2)[1]
    Array([0, 0, 1], dtype=int64)
    """
    return _constants(np.tril_indices(n, k, m))


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple:
    """The indices of the upper triangle of an n by m matrix, row by row.

    >>> import functrans.numpy as fnp
    >>> fnp.triu_indices(2)[1]
    Array([0, 1, 1], dtype=int64)
    """
    return _constants(np.triu_indices(n, k, m))


def _matrix_shape(arr, name: str) -> tuple:
    arr = as_arraylike(arr, name)
    if arr.ndim != 2:
        raise ArgumentError(f"{name} takes a matrix, got shape {arr.shape}")
    return arr.shape


def tril_indices_from(arr, k: int = 0) -> tuple:
    """The indices of the lower triangle of a matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.tril_indices_from(fnp.eye(2))[0]
    Array([0, 1, 1], dtype=int64)
    """
    rows, columns = _matrix_shape(arr, "tril_indices_from")
    return tril_indices(rows, k, columns)


def triu_indices_from(arr, k: int = 0) -> tuple:
    """The indices of the upper triangle of a matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.triu_indices_from(fnp.eye(2))[0]
    Array([0, 0, 1], dtype=int64)
    """
    rows, columns = _matrix_shape(arr, "triu_indices_from")
    return triu_indices(rows, k, columns)


def mask_indices(n: int, mask_func, k=0, *, size: int | None = None) -> tuple:
    """The indices where `mask_func(ones((n, n)), k)` is not zero, as `triu` and `tril` are.

    >>> import functrans.numpy as fnp
    >>> fnp.mask_indices(2, fnp.triu)[0]
    Array([0, 0, 1], dtype=int64)
    """
    from functrans.numpy.creation import ones
    from functrans.numpy.searching import nonzero
    return nonzero(mask_func(ones((n, n), np.int64), k), size=size)
