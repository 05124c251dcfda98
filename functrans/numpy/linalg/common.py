"""What the functions of linear algebra ask of their operands, and what they say of failures.

Imports `array`, `numpy.promotion`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import Array
from functrans.errors import DtypeError, LinAlgError, ShapeError
from functrans.numpy.promotion import as_arraylike, broadcast_one, broadcast_shapes, promote_inexact
from functrans.primitives import shape as prim
from functrans.primitives.matrices import DTYPES


def operands(name: str, *given) -> list:
    """Operands as arrays of one dtype that LAPACK has; integers become default floats."""
    arrays = promote_inexact(*[as_arraylike(x, name) for x in given])
    dtype = arrays[0].dtype
    if dtype.name not in DTYPES:
        raise DtypeError(f"linalg.{name} takes arrays of {', '.join(DTYPES)}, not of "
                         f"{dtype.name}; convert them first, as by x.astype('float32')")
    return arrays


def matrices(name: str, *given, square: bool = False) -> list:
    """Operands that are batches of matrices; the first is square, if asked."""
    arrays = operands(name, *given)
    for array in arrays:
        if array.ndim < 2:
            raise LinAlgError(f"linalg.{name}: an array of shape {array.shape} was given; matrices "
                              "are needed, in the last two of at least two axes")
    if square and arrays[0].shape[-1] != arrays[0].shape[-2]:
        raise LinAlgError(f"linalg.{name}: the matrices must be square, in the last two axes; "
                          f"got shape {arrays[0].shape}")
    return arrays


def one_batch(name: str, *arrays) -> list:
    """Batches of matrices with equal leading axes, repeated where they must be."""
    try:
        lead = broadcast_shapes(*(array.shape[:-2] for array in arrays))
    except ShapeError:
        shown = " and ".join(str(array.type) for array in arrays)
        raise ShapeError(f"linalg.{name}: the leading axes of {shown} do not fit together") \
            from None
    return [broadcast_one(array, (*lead, *array.shape[-2:])) for array in arrays]


def raise_on_nan(name: str, reason: str, *results):
    """Raises where a result that has a value holds NaN; traced results have none.

    Its operands may hold NaN already: NumPy, too, raises then.
    """
    for result in results:
        if type(result) is Array and result.size and np.isnan(np.asarray(result)).any():
            raise LinAlgError(f"linalg.{name}: {reason}")


def as_column(x):
    """Vectors as matrices of one column."""
    return prim.reshape(x, (*x.shape, 1))


def from_column(x):
    """Matrices of one column as vectors."""
    return prim.reshape(x, x.shape[:-1])
