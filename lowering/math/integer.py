"""Bit counts, shifts by any distance, the greatest common divisor, the threefry generator."""
from __future__ import annotations

import numpy as np

from .loops import repeat
from .registry import function
from .values import UINT32, Value
from .vocabulary import as_signed, as_unsigned, quotient_of_integers, resize, where


def _width(x):
    return 8 * x.dtype.itemsize


@function("iu")
def population_count(x):
    """The number of one bits."""
    if isinstance(x, Value):
        return x.intrinsic("llvm.ctpop")
    return np.bitwise_count(as_unsigned(x)).astype(x.dtype)


@function("iu")
def count_leading_zeros(x):
    """The number of zero bits above the highest one bit; the width for 0."""
    if isinstance(x, Value):
        return x.count_leading_zeros()
    remaining, count = as_unsigned(x), np.zeros_like(x)
    for _ in range(_width(x)):
        count = count + (remaining == 0).astype(x.dtype)
        remaining = remaining >> 1
    return count.astype(x.dtype)


def _in_range(distance, width):
    """Whether a distance is from 0 to width - 1; and one that always is."""
    unsigned = as_unsigned(distance)
    return unsigned < width, distance & (width - 1)


@function("iu")
def shift_left(x, distance):
    """x << distance; 0 for a distance that is negative or not below the width."""
    inside, safe = _in_range(distance, _width(x))
    return where(inside, x << safe, 0)


@function("iu")
def shift_right_logical(x, distance):
    """Bits moved down, zeros brought in; 0 for a distance outside the width."""
    inside, safe = _in_range(distance, _width(x))
    shifted = as_unsigned(x) >> as_unsigned(safe)
    return where(inside, as_signed(shifted) if x.dtype.kind == "i" else shifted, 0)


@function("iu")
def shift_right_arithmetic(x, distance):
    """Bits moved down, the sign bit brought in, of unsigned integers too; beyond, only it."""
    inside, safe = _in_range(distance, _width(x))
    distance = as_signed(where(inside, safe, _width(x) - 1))
    shifted = as_signed(x) >> distance
    return shifted if x.dtype.kind == "i" else as_unsigned(shifted)


@function("iu")
def greatest_common_divisor(x, y):
    """The greatest integer that divides both, by Euclid's algorithm; that of 0 and 0 is 0."""
    a, b = (as_unsigned(where(v < 0, -v, v) if x.dtype.kind == "i" else v) for v in (x, y))
    # By Lame's theorem there are at most 1.44 steps for each bit of the smaller number.
    length = resize(_width(x) - count_leading_zeros(where(a < b, a, b)), np.dtype(np.int64))
    steps = length + (length >> 1) + 2

    def step(_, pair):
        a, b = pair
        rest = a - quotient_of_integers(a, where(b == 0, 1, b)) * b
        return where(b == 0, a, b), where(b == 0, b, rest)

    divisor, _ = repeat(steps, step, (a, b))
    return as_signed(divisor) if x.dtype.kind == "i" else divisor


@function("u", returns=lambda dtype: (dtype, dtype), only=UINT32)
def threefry2x32(key0, key1, x0, x1):
    """Two random words from a key and a counter, all uint32: Threefry-2x32 with 20 rounds.

    J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
    2011. Equal to JAX's threefry2x32.
    """
    keys = (key0, key1, key0 ^ key1 ^ 0x1BD11BDA)
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for group in range(5):
        for distance in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << distance) | (x1 >> (32 - distance)))
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + (group + 1)
    return x0, x1
