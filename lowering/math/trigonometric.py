"""sin, cos, tan.

x = n pi/2 + r: pi/2 in three parts, the first two multiplied without rounding by fused
multiply-add (Cody & Waite 1980; S. Boldo, M. Daumas and R.-C. Li, "Formally verified argument
reduction with a fused multiply-add", 2009). Beyond the limit where that is exact enough, the C
library's Payne-Hanek reduction takes over, lane by lane, see `rare.py`.
"""
from __future__ import annotations

from .rare import COS, SIN, rarely
from .registry import function
from .vocabulary import (F32, F64, bits, from_bits, format_of, fused, magnitude, multiply_add,
                         polynomial, two_product, unshift, where)

TWO_OVER_PI = 0.6366197723675814
_HALF_PI = {
    F32: (1.5707964, -4.371139e-08, -1.7151245e-15),
    F64: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
# |x| up to here: n pi/2 leaves r with at most a quarter of pi and a rounding error below
# 2**-25 or 2**-54 of it, even where x is the float nearest to a multiple of pi/2.
LIMIT = {F32: 2.0 ** 18, F64: 2.0 ** 40}

# (sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4, in r**2
_SIN = {
    F32: (-0.16666652, 0.008332011, -0.0001949505),
    F64: (-0.16666666666666616, 0.008333333333318255, -0.00019841269826431857,
          2.755731251301761e-06, -2.5050573150502687e-08, 1.588608516970558e-10),
}
_COS = {
    F32: (0.04166664, -0.0013887126, 2.4411222e-05),
    F64: (0.04166666666666656, -0.0013888888888867375, 2.480158728530267e-05,
          -2.755731315692413e-07, 2.087556256363667e-09, -1.1351424202516461e-11),
}


def _reduce(x):
    """r in two parts and the integer n, for |x| <= LIMIT."""
    first, second, third = _HALF_PI[x.dtype]
    n, k = unshift(multiply_add(x, TWO_OVER_PI, format_of(x).shifter))
    rest = fused(n, -first, x)
    product, error = two_product(n, second)
    high = rest - product
    low = ((rest - high) - product) - error
    return high, multiply_add(n, -third, low), k


def _sin_cos_reduced(high, low):
    """sin and cos of high + low, at most a quarter of pi."""
    z = high * high
    half = 0.5 * z
    near = 1 - half
    cosine = near + (((1 - near) - half) +
                     multiply_add(z * z, polynomial(z, _COS[z.dtype]), -high * low))
    sine = high + multiply_add(high * z, polynomial(z, _SIN[z.dtype]), low * near)
    return sine, cosine


def _flip_sign(x, k):
    """-x where bit 1 of the integer k is set."""
    return from_bits(bits(x) ^ ((k & 2) << (format_of(x).width - 2)))


@function("f")
def sin(x):
    """Sine of radians, all finite x; NaN at infinity. Vector code while |x| <= LIMIT."""
    high, low, k = _reduce(x)
    sine, cosine = _sin_cos_reduced(high, low)
    size, limit = magnitude(x), LIMIT[x.dtype]
    result = _flip_sign(where((k & 1) != 0, cosine, sine), k)
    result = where(size > limit, rarely(SIN, size, limit, x), result)
    return where(x == 0, x, result)


@function("f")
def cos(x):
    """Cosine of radians, all finite x; NaN at infinity. Vector code while |x| <= LIMIT."""
    high, low, k = _reduce(x)
    sine, cosine = _sin_cos_reduced(high, low)
    size, limit = magnitude(x), LIMIT[x.dtype]
    result = _flip_sign(where((k & 1) != 0, sine, cosine), k + 1)
    return where(size > limit, rarely(COS, size, limit, x), result)


@function("f")
def tan(x):
    """Tangent of radians, all finite x; NaN at infinity. Vector code while |x| <= LIMIT."""
    high, low, k = _reduce(x)
    sine, cosine = _sin_cos_reduced(high, low)
    size, limit = magnitude(x), LIMIT[x.dtype]
    sine = where(size > limit, rarely(SIN, size, limit, x), sine)
    cosine = where(size > limit, rarely(COS, size, limit, x), cosine)
    swap = ((k & 1) != 0) & (size <= limit)
    result = where(swap, -cosine, sine) / where(swap, sine, cosine)
    return where(x == 0, x, result)
