"""How special functions take their operands. Imports `numpy.promotion`, `trace`.
"""
from __future__ import annotations

import operator

import numpy as np

from functrans.errors import ArgumentError, DtypeError
from functrans.ir.type import is_complex
from functrans.numpy.promotion import as_operand, broadcast_all, materialize, promote_inexact
from functrans.primitives.elementwise import convert
from functrans.trace import bind


def reals(name: str, *given) -> list:
    """Operands as real arrays of one dtype and one shape."""
    arrays = broadcast_all([materialize(x) for x in
                            promote_inexact(*[as_operand(x, name) for x in given])])
    if is_complex(arrays[0].dtype):
        raise DtypeError(f"special.{name} takes real arrays, got {arrays[0].type}")
    return arrays


def natural(name: str, what: str, value) -> int:
    """An int that is not negative; raises ArgumentError for what is none."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ArgumentError(f"special.{name}: {what} must be an int that is not negative")
    return number


def elementwise(primitive, name: str, *given):
    """A primitive of real operands."""
    return bind(primitive, *reals(name, *given))


def in_double(function, *arrays):
    """A function of float64 arrays on arrays of any dtype, rounded to theirs.

    So single precision is as exact as it can be, and nothing overflows on the way.
    """
    dtype = arrays[0].dtype
    results = function(*[convert(x, np.float64) for x in arrays])
    if isinstance(results, tuple):
        return tuple(convert(x, dtype) for x in results)
    return convert(results, dtype)
