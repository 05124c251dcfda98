"""What all special functions share: dtypes, blocks, polynomials, and exact small sums.

In: functions of float64 arrays of one axis. Out: functions of arrays of any shape and float
dtype. Imports numpy only.
"""
from __future__ import annotations

import functools

import numpy as np

from functrans.errors import ArgumentError

_BLOCK = 1 << 13        # elements worked on at once: what one step makes is still in the cache


def elementwise(function):
    """Makes a function of flat float64 arrays one of arrays of any float dtype and shape.

    The result has the operands' dtype and their common shape. All is computed in float64 and
    rounded once, so float32 and float16 come out nearly correctly rounded. Nothing warns.
    """
    @functools.wraps(function)
    def evaluate(*operands):
        operands = [x if type(x) in (int, float) else np.asarray(x) for x in operands]
        dtype = _common_dtype(operands, function.__name__)
        arrays = np.broadcast_arrays(*(np.asarray(operand, dtype) for operand in operands))
        out = np.empty(arrays[0].shape, dtype)
        flat_out, flat = out.reshape(-1), [array.reshape(-1) for array in arrays]
        with np.errstate(all="ignore"):
            for start in range(0, out.size, _BLOCK):
                part = slice(start, start + _BLOCK)
                flat_out[part] = function(*(a[part].astype(np.float64) for a in flat))
        return out
    return evaluate


def _common_dtype(operands, name: str) -> np.dtype:
    dtype = np.result_type(*operands)
    if not dtype.name.startswith(("float", "bfloat")):
        raise ArgumentError(f"{name} takes arrays of floats, not {dtype}")
    return dtype


def polynomial(x, coefficients):
    """The polynomial with these coefficients, the constant term first (Horner's rule)."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value *= x
        value += coefficient
    return value


def scaled(x, low: float, high: float):
    """`x` mapped linearly from [low, high] to [-1, 1]."""
    return (x - 0.5 * (low + high)) * (2.0 / (high - low))


def choose(pieces, *operands):
    """A function made of pieces: each is computed only where it holds.

    `pieces` are pairs (condition, function of the operands there); the first condition that
    holds counts, None holds everywhere. Where none holds the result is nan.
    """
    out = np.full_like(operands[0], np.nan)
    left = np.ones(out.shape, bool)
    for condition, function in pieces:
        here = left if condition is None else left & condition
        if here.any():
            out[here] = function(*(operand[here] for operand in operands))
            left = left & ~here
    return out


TINY = 1e-300


def not_zero(x):
    """`x`, with a tiny number for zeros: what Lentz's method for continued fractions needs."""
    return np.where(np.abs(x) < TINY, TINY, x)


# ---- sums and products without rounding: (value, what rounding took away) ----

def two_sum(a, b):
    """a + b exactly, as a float and a remainder (Knuth, The Art of Computer Programming 2)."""
    total = a + b
    shared = total - a
    return total, (a - (total - shared)) + (b - shared)


def two_product(a, b):
    """a * b exactly, as a float and a remainder (Dekker, Numerische Mathematik 18, 1971).

    Where the remainder overflows on the way (beyond 1e300) it is taken for 0.
    """
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    product = a * b
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, np.where(np.isfinite(rest), rest, 0.0)


def _split(a):
    """Two halves of 26 bits."""
    stretched = 134217729.0 * a         # 2**27 + 1
    high = stretched - (stretched - a)
    return high, a - high
