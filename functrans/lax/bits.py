"""The bits of floating-point numbers: read as integers, or fewer of them kept.

Imports `lax.operands`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError
from functrans.lax.operands import one
from functrans.numpy.promotion import canonical_dtype
from functrans.primitives import elementwise as basic
from functrans.primitives.basic import full, require
from functrans.primitives.bitcast import bitcast


def bitcast_convert_type(operand, new_dtype):
    """The bits of elements, read as another dtype; no derivative flows through it.

    A smaller dtype gives a new last axis, of the parts of an element, in the order in which they
    stand in memory; a larger one takes such an axis away.

    >>> from functrans import lax
    >>> lax.bitcast_convert_type(1.0, "int32")
    Array(1065353216, dtype=int32)
    """
    return bitcast(one(operand, "bitcast_convert_type"), canonical_dtype(new_dtype))


def reduce_precision(operand, exponent_bits: int, mantissa_bits: int):
    """Floats rounded to what a format with fewer bits holds, to even in a tie; the dtype stays.

    What is too large becomes infinite, what is below the smallest normal number zero. The
    derivative is that of the identity.

    >>> from functrans import lax
    >>> lax.reduce_precision(3.14159, 5, 10)
    Array(3.140625, dtype=float32)
    """
    operand = one(operand, "reduce_precision")
    require("float", operand.dtype, "lax.reduce_precision")
    if exponent_bits < 1 or mantissa_bits < 0:
        raise ArgumentError(f"lax.reduce_precision needs exponent_bits >= 1 and mantissa_bits "
                            f">= 0, got {exponent_bits} and {mantissa_bits}")
    rounded = _limited(_rounded(operand, mantissa_bits), exponent_bits, mantissa_bits)
    change = basic.stop_gradient(basic.sub(rounded, operand))
    exact = basic.and_(basic.is_finite(rounded), basic.is_finite(operand))
    return basic.select(exact, basic.add(operand, change), rounded)


# The bits of significand (without the leading one) and exponent of the dtypes.
_FORMATS = {"float16": (10, 5), "bfloat16": (7, 8), "float32": (23, 8), "float64": (52, 11)}


def _rounded(x, mantissa_bits: int):
    """Rounded to so many bits of significand: what is cut off carries into what stays."""
    cut = _FORMATS[x.dtype.name][0] - mantissa_bits
    if cut <= 0:
        return x
    kind = np.dtype(f"u{x.dtype.itemsize}").type
    bits = bitcast(x, kind)
    odd = basic.and_(basic.shift_right_logical(bits, kind(cut)), kind(1))
    carried = basic.add(basic.add(bits, kind((1 << (cut - 1)) - 1)), odd)
    kept = basic.and_(carried, kind(~((1 << cut) - 1) & np.iinfo(kind).max))
    return basic.select(basic.is_finite(x), bitcast(kept, x.dtype), x)


def _limited(x, exponent_bits: int, mantissa_bits: int):
    """Infinite above the largest number of a format, zero below its smallest normal one."""
    if exponent_bits >= _FORMATS[x.dtype.name][1]:
        return x
    bias = 2 ** (exponent_bits - 1) - 1
    kind, size = x.dtype.type, basic.abs_(x)
    infinite = basic.copysign(_like(x, np.inf), x)
    largest = kind((2.0 - 2.0 ** -mantissa_bits) * 2.0 ** bias)
    x = basic.select(basic.gt(size, largest), infinite, x)
    return basic.select(basic.lt(size, kind(2.0 ** (1 - bias))), basic.copysign(_like(x, 0), x), x)


def _like(x, value):
    return full(x.type.strong(), value)
