"""float16 and bfloat16, which kernels hold as uint16 bits, to and from float32.

Bit arithmetic alone, after F. Giesen's notes on half-float conversion (2012): a multiplication
by a power of two renormalises subnormals, an addition rounds them.
"""
from __future__ import annotations

from .registry import function
from .values import UINT16, UINT32
from .vocabulary import F32, as_unsigned, bits, from_bits, resize, where

_INFINITY = 0x7F800000      # of float32
_QUIET = 0x00400000         # the bit that makes a NaN of float32 a quiet one


@function("u", returns=lambda dtype: F32, only=UINT16)
def half_to_float(h):
    """float32 from the bits of a float16; exact."""
    i = resize(h, UINT32)
    shifted = (i & 0x7FFF) << 13
    scaled = from_bits(shifted) * 2.0 ** 112
    special = from_bits(shifted | _INFINITY)
    value = where(shifted >= 0x0F800000, special, scaled)
    return from_bits(as_unsigned(bits(value)) | ((i & 0x8000) << 16))


@function("f", returns=lambda dtype: UINT16, only=F32)
def float_to_half(x):
    """The bits of the nearest float16, ties to even; NaN stays NaN."""
    i = as_unsigned(bits(x))
    a = i & 0x7FFFFFFF
    # The exponent made smaller, half a unit added; a carry may reach infinity.
    normal = (a - (112 << 23) + (0xFFF + ((a >> 13) & 1))) >> 13
    # The sum with 1/2 has the spacing of subnormal float16s.
    subnormal = as_unsigned(bits(from_bits(a) + 0.5)) - 0x3F000000
    value = where(a < 0x38800000, subnormal, normal)
    value = where(a >= 0x47800000, where(a > _INFINITY, 0x7E00, 0x7C00, like=a), value)
    return resize(value | ((i >> 16) & 0x8000), UINT16)


@function("u", returns=lambda dtype: F32, only=UINT16)
def bfloat16_to_float(h):
    """float32 from the bits of a bfloat16; exact."""
    return from_bits(resize(h, UINT32) << 16)


@function("f", returns=lambda dtype: UINT16, only=F32)
def float_to_bfloat16(x):
    """The bits of the nearest bfloat16, ties to even; NaN stays NaN."""
    i = as_unsigned(bits(x))
    rounded = i + (0x7FFF + ((i >> 16) & 1))
    is_nan = (i & 0x7FFFFFFF) > _INFINITY
    return resize(where(is_nan, i | _QUIET, rounded) >> 16, UINT16)
