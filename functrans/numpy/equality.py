"""Whether arrays are equal, exactly or nearly.

In: arrays. Out: booleans. Imports `numpy.logic`, `numpy.reductions`.
"""
from __future__ import annotations

from functrans.ir.type import is_inexact
from functrans.numpy.creation import array
from functrans.numpy.logic import equal, isclose
from functrans.numpy.promotion import as_arraylike, broadcast_shapes
from functrans.numpy.reductions import all
from functrans.primitives.elementwise import and_, ne, or_


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan: bool = False):
    """Whether abs(a - b) <= atol + rtol * abs(b) everywhere.

    >>> import functrans.numpy as fnp
    >>> fnp.allclose(fnp.array([1.0, 2.0]), fnp.array([1.0, 2.0 + 1e-7]))
    Array(True, dtype=bool)
    """
    return all(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1, a2, equal_nan: bool = False):
    """Whether two arrays have one shape and equal elements.

    >>> import functrans.numpy as fnp
    >>> fnp.array_equal(fnp.array([1, 2]), fnp.array([1, 2]))
    Array(True, dtype=bool)
    """
    try:
        a1, a2 = as_arraylike(a1, "array_equal"), as_arraylike(a2, "array_equal")
    except (TypeError, ValueError):
        return array(False)
    if a1.shape != a2.shape:
        return array(False)
    same = equal(a1, a2)
    if equal_nan and is_inexact(a1.dtype) and is_inexact(a2.dtype):
        same = or_(same, and_(ne(a1, a1), ne(a2, a2)))
    return all(same)


def array_equiv(a1, a2):
    """Whether two arrays are equal once they are broadcast to one shape.

    >>> import functrans.numpy as fnp
    >>> fnp.array_equiv(fnp.array([1, 1]), fnp.array([[1], [1]]))
    Array(True, dtype=bool)
    """
    try:
        a1, a2 = as_arraylike(a1, "array_equiv"), as_arraylike(a2, "array_equiv")
        broadcast_shapes(a1.shape, a2.shape)
    except (TypeError, ValueError):
        return array(False)
    return all(equal(a1, a2))
