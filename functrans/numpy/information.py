"""What is known of arrays without their values: shapes, sizes, dtypes.

Imports `array`, `numpy.promotion`.
"""
from __future__ import annotations

import numpy as np

from functrans.numpy.promotion import (as_arraylike, as_operand, canonical_axis, canonical_dtype,
                                       result_type_of)
from functrans.numpy.promotion import promote_types as _promote_types


def shape(a) -> tuple:
    """The sizes of the axes.

    >>> import functrans.numpy as fnp
    >>> fnp.shape(fnp.ones((2, 3)))
    (2, 3)
    """
    return as_arraylike(a, "shape").shape


def ndim(a) -> int:
    """The number of axes.

    >>> import functrans.numpy as fnp
    >>> fnp.ndim(fnp.ones((2, 3)))
    2
    """
    return as_arraylike(a, "ndim").ndim


def size(a, axis: int | None = None) -> int:
    """The number of elements, or the size of an axis.

    >>> import functrans.numpy as fnp
    >>> fnp.size(fnp.ones((2, 3)))
    6
    """
    a = as_arraylike(a, "size")
    return a.size if axis is None else a.shape[canonical_axis(axis, a.ndim)]


def isscalar(element) -> bool:
    """Whether a value is a number, or an array without axes.

    >>> import functrans.numpy as fnp
    >>> fnp.isscalar(3.0)
    True
    """
    return np.isscalar(element) or getattr(element, "ndim", None) == 0


def result_type(*arrays_and_dtypes) -> np.dtype:
    """The dtype of the result where these meet; Python scalars are weak.

    >>> import functrans.numpy as fnp
    >>> fnp.result_type(fnp.float32, 2.0)
    dtype('float32')
    """
    if not arrays_and_dtypes:
        raise ValueError("result_type needs at least one array or dtype")
    operands = []
    for item in arrays_and_dtypes:
        named = isinstance(item, (np.dtype, type, str))
        operands.append(canonical_dtype(item).type(0) if named else as_operand(item))
    return result_type_of(*operands)[0]


def promote_types(type1, type2) -> np.dtype:
    """The dtype to which two dtypes are converted where they meet.

    >>> import functrans.numpy as fnp
    >>> fnp.promote_types("int32", "float32")
    dtype('float64')
    """
    return _promote_types(canonical_dtype(type1), canonical_dtype(type2))
