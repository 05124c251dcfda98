"""Products and diagonals as the array API standard has them: on the last axes.

Imports `numpy.products`, `numpy.diagonals`.
"""
from __future__ import annotations

from functrans.errors import ShapeError
from functrans.numpy import diagonals, products
from functrans.numpy.promotion import as_arraylike, canonical_axis


def outer(x1, x2, /):
    """All products of an element of one vector with one of another.

    Raises ValueError unless both have one axis.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.outer(fnp.array([1, 2]), fnp.array([3, 4]))
    Array([[3, 4],
           [6, 8]], dtype=int64)
    """
    x1, x2 = as_arraylike(x1, "outer"), as_arraylike(x2, "outer")
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"linalg.outer takes vectors, of one axis; got {x1.type} and {x2.type}. "
                         "numpy.outer flattens its operands")
    return products.outer(x1, x2)


def cross(x1, x2, /, *, axis: int = -1):
    """The cross products of vectors of three elements along `axis`; other axes are broadcast.

    Raises ValueError unless both have three elements along it.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.cross(fnp.array([1, 0, 0]), fnp.array([0, 1, 0]))
    Array([0, 0, 1], dtype=int64)
    """
    x1, x2 = as_arraylike(x1, "cross"), as_arraylike(x2, "cross")
    for x in (x1, x2):
        if x.shape[canonical_axis(axis, x.ndim)] != 3:
            raise ShapeError(f"linalg.cross takes vectors of three elements along axis {axis}, "
                             f"got {x.type}")
    return products.cross(x1, x2, axis=axis)


def diagonal(x, /, *, offset: int = 0):
    """The diagonals of matrices, in the last two axes.

    offset: how far above the main diagonal (below it, if negative).

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.diagonal(fnp.array([[1, 2], [3, 4]]))
    Array([1, 4], dtype=int64)
    """
    return diagonals.diagonal(x, offset, -2, -1)


def trace(x, /, *, offset: int = 0, dtype=None):
    """The sums of the diagonals of matrices, in the last two axes.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.trace(fnp.array([[1, 2], [3, 4]]))
    Array(5, dtype=int64)
    """
    return products.trace(x, offset, -2, -1, dtype)
