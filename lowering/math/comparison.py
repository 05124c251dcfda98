"""maximum, minimum, sign, absolute, copysign, next_after, is_finite, is_nan."""
from __future__ import annotations

from .registry import function, version
from .values import BOOL
from .vocabulary import bits, from_bits, magnitude, where, with_sign_of


@function("fiub")
def maximum(x, y):
    """The larger one; NaN if either is NaN (np.maximum)."""
    return where((x >= y) | (x != x), x, y)


@function("fiub")
def minimum(x, y):
    """The smaller one; NaN if either is NaN (np.minimum)."""
    return where((x <= y) | (x != x), x, y)


@function("fiu")
def sign(x):
    """-1, 0 or 1; NaN stays NaN, and -0.0 gives 0.0 (np.sign). z / |z| for complex z."""
    zero_or_nan = where(x == 0, 0, x)
    if x.dtype.kind == "u":
        return where(x > 0, 1, zero_or_nan)
    return where(x > 0, 1, where(x < 0, -1, zero_or_nan))


@function("f")
def absolute(x):
    """|x|; the modulus of a complex number. The smallest signed integer stays as it is."""
    return magnitude(x)


@version(absolute, "i")
def _absolute_integer(x):
    return where(x < 0, -x, x)


@version(absolute, "u")
def _absolute_unsigned(x):
    return x


@function("f")
def copysign(x, y):
    """The magnitude of x with the sign of y, also of zeros and NaN."""
    return with_sign_of(x, y)


@function("f")
def next_after(x, y):
    """The float next to x in the direction of y (np.nextafter)."""
    i = bits(x)
    # Floats of one sign are ordered as their bits are.
    outward = (y > x) == (x > 0)
    result = from_bits(where(outward, i + 1, i - 1))
    smallest = with_sign_of(from_bits((i & 0) | 1), y)
    result = where(x == 0, smallest, result)
    result = where(x == y, y, result)
    return where((x != x) | (y != y), x + y, result)


@function("f", returns=lambda dtype: BOOL)
def is_finite(x):
    """Neither infinite nor NaN."""
    return magnitude(x) < float("inf")


@function("f", returns=lambda dtype: BOOL)
def is_nan(x):
    """Not a number."""
    return x != x
