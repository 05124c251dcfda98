"""sin, cos, tan.

x = n pi/2 + r: pi/2 in three parts, the first two multiplied without rounding by fused
multiply-add (Cody & Waite 1980; S. Boldo, M. Daumas and R.-C. Li, "Formally verified argument
reduction with a fused multiply-add", 2009). Beyond the limit where that is exact enough, the C
library's Payne-Hanek reduction takes over, lane by lane, see `rare.py`.
"""
from __future__ import annotations

from .rare import COS, SIN, TAN, rarely
from .registry import function
from .vocabulary import (F32, F64, bits, from_bits, format_of, fused, magnitude, multiply_add,
                         polynomial, quick_two_sum, round_down, round_half_even, two_product,
                         unshift, where)

TWO_OVER_PI = 0.6366197723675814
_HALF_PI = {
    F32: (1.5707964, -4.371139e-08, -1.7151245e-15),
    F64: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
_PI = {F32: (3.1415927, -8.742278e-08), F64: (3.141592653589793, 1.2246467991473532e-16)}
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


def _sin_cos_parts(high, low):
    """sin and cos of high + low, at most a quarter of pi, each as a number and a correction."""
    z = high * high
    half = 0.5 * z
    near = 1 - half
    cosine_rest = ((1 - near) - half) + multiply_add(z * z, polynomial(z, _COS[z.dtype]),
                                                     -high * low)
    sine_rest = multiply_add(high * z, polynomial(z, _SIN[z.dtype]), low * near)
    return high, sine_rest, near, cosine_rest


def _sin_cos(high, low):
    sine, sine_rest, cosine, cosine_rest = _sin_cos_parts(high, low)
    return sine + sine_rest, cosine + cosine_rest


def _flip_sign(x, k):
    """-x where bit 1 of the integer k is set."""
    return from_bits(bits(x) ^ ((k & 2) << (format_of(x).width - 2)))


def _unless_huge(result, x, library):
    """The result, or that of the C library where |x| > LIMIT."""
    size, limit = magnitude(x), LIMIT[x.dtype]
    return where(size > limit, rarely(library, size, limit, x), result)


@function("f")
def sin(x):
    """Sine of radians, all finite x; NaN at infinity. Vector code while |x| <= LIMIT."""
    high, low, k = _reduce(x)
    sine, cosine = _sin_cos(high, low)
    result = _flip_sign(where((k & 1) != 0, cosine, sine), k)
    return where(x == 0, x, _unless_huge(result, x, SIN))


@function("f")
def cos(x):
    """Cosine of radians, all finite x; NaN at infinity. Vector code while |x| <= LIMIT."""
    high, low, k = _reduce(x)
    sine, cosine = _sin_cos(high, low)
    result = _flip_sign(where((k & 1) != 0, sine, cosine), k + 1)
    return _unless_huge(result, x, COS)


@function("f")
def tan(x):
    """Tangent of radians, all finite x; NaN at infinity. Vector code while |x| <= LIMIT."""
    high, low, k = _reduce(x)
    sine, sine_rest, cosine, cosine_rest = _sin_cos_parts(high, low)
    sine, sine_low = quick_two_sum(sine, sine_rest)
    cosine, cosine_low = quick_two_sum(cosine, cosine_rest)
    swap = (k & 1) != 0
    above, above_low = where(swap, -cosine, sine), where(swap, -cosine_low, sine_low)
    below, below_low = where(swap, sine, cosine), where(swap, sine_low, cosine_low)
    inverse = 1 / below
    quotient = above * inverse
    rest = fused(-quotient, below, above) + (above_low - quotient * below_low)
    result = multiply_add(rest, inverse, quotient)
    return where(x == 0, x, _unless_huge(result, x, TAN))


def sine_cosine_of_pi(x):
    """sin(pi x) and cos(pi x); x minus the nearest half is exact."""
    n = round_half_even(2 * x)
    rest = multiply_add(-0.5, n, x)
    high, low = _PI[x.dtype]
    product, error = two_product(rest, high)
    sine, cosine = _sin_cos(product, multiply_add(rest, low, error))
    quarter = n - 4 * round_down(0.25 * n)
    swap = (quarter == 1) | (quarter == 3)
    s, c = where(swap, cosine, sine), where(swap, sine, cosine)
    s = where(quarter >= 2, -s, s)
    return where(x == 0, x, s), where((quarter == 1) | (quarter == 2), -c, c)
