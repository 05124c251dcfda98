"""Complex absolute, sign, exp, expm1, log, log2, log10, log1p, sqrt, rsqrt, power, logistic.

Each part is written with real functions so that neither overflows nor cancels before the result
does (W. Kahan, "Branch cuts for complex elementary functions, or: much ado about nothing's sign
bit", 1987). Branch cuts and signed zeros are those of C and NumPy.
"""
from __future__ import annotations

from .comparison import absolute, is_finite, is_nan, sign
from .exponential import exp, exp_parts, expm1, logistic
from .inverse_trigonometric import atan2
from .logarithm import log, log10, log1p, log2
from .power import power, rsqrt, sqrt
from .registry import function, version
from .trigonometric import cos, sin
from .values import BOOL
from .vocabulary import (F32, F64, format_of, magnitude, make_complex, power_of_two, square_root,
                         two_product, two_sum, where, with_sign_of)

INFINITY = float("inf")
LOG2_E = 1.4426950408889634
LOG10_E = 0.4342944819032518

# Magnitudes above or below which squares overflow or underflow, and factors against it
_HUGE = {F32: (2.0 ** 60, 2.0 ** -70), F64: (2.0 ** 500, 2.0 ** -600)}
_SMALL = {F32: (2.0 ** -40, 2.0 ** 100), F64: (2.0 ** -400, 2.0 ** 700)}


def is_infinite(x):
    return magnitude(x) == INFINITY


def _scaled(x, y):
    """x and y times a power of two that keeps their squares in range, and its inverse."""
    size = where(magnitude(x) > magnitude(y), magnitude(x), magnitude(y))
    (above, shrink), (below, grow) = _HUGE[x.dtype], _SMALL[x.dtype]
    huge, small = size > above, size < below
    factor = where(huge, shrink, where(small, grow, 1.0, like=x))
    inverse = where(huge, 1 / shrink, where(small, 1 / grow, 1.0, like=x))
    return x * factor, y * factor, inverse


def modulus(x, y):
    """sqrt(x * x + y * y); infinite if either is, even beside NaN."""
    x_scaled, y_scaled, inverse = _scaled(x, y)
    result = square_root(x_scaled * x_scaled + y_scaled * y_scaled) * inverse
    return where(is_infinite(x) | is_infinite(y), INFINITY, result)


def divide(x, y, u, v):
    """The parts of (x + iy) / (u + iv), for a divisor whose square is in range."""
    square = u * u + v * v
    return (x * u + y * v) / square, (y * u - x * v) / square


@function("c")
def complex_divide(z, w):
    """z / w, by Smith's method: parts of w are divided, so that their squares do not overflow.

    Zero divisors give infinities and NaN. R. Smith, "Algorithm 116: complex division", 1962.
    """
    x, y, u, v = z.real, z.imag, w.real, w.imag
    steep = magnitude(u) < magnitude(v)
    large, small = where(steep, v, u), where(steep, u, v)
    ratio = small / large
    scale = large + small * ratio
    real = where(steep, x * ratio + y, x + y * ratio) / scale
    imag = where(steep, y * ratio - x, y - x * ratio) / scale
    zero = (u == 0) & (v == 0)
    return make_complex(where(zero, x / magnitude(u), real), where(zero, y / magnitude(u), imag))


@version(absolute, "c", returns=lambda dtype: F32 if dtype.itemsize == 8 else F64)
def _absolute(z):
    return modulus(z.real, z.imag)


@version(sign, "c")
def _sign(z):
    x, y = z.real, z.imag
    # Of infinite numbers only the infinite parts count.
    infinite = is_infinite(x) | is_infinite(y)
    unit_x, unit_y = (with_sign_of(where(is_infinite(v), 1.0, 0.0, like=v), v) for v in (x, y))
    x, y, _ = _scaled(where(infinite, unit_x, x), where(infinite, unit_y, y))
    size = square_root(x * x + y * y)
    size = where(size == 0, 1.0, size)
    return make_complex(x / size, y / size)


@version(is_finite, "c", returns=lambda dtype: BOOL)
def _is_finite(z):
    return is_finite(z.real) & is_finite(z.imag)


@version(is_nan, "c", returns=lambda dtype: BOOL)
def _is_nan(z):
    return is_nan(z.real) | is_nan(z.imag)


def times_direction(p, direction, k):
    """p * direction * 2**k; the factors come in an order in which only the result overflows."""
    fmt = format_of(p)
    half = k >> 1
    product = p * power_of_two(half, fmt) * direction * power_of_two(k - half, fmt)
    return where(direction == 0, with_sign_of(direction, p * direction), product)


@version(exp, "c")
def _exp(z):
    x, y = z.real, z.imag
    p, k = exp_parts(x)
    lost = is_finite(y) ^ True    # no direction: the result is 0 or infinite as far as known
    real = where(lost & is_infinite(x), where(x < 0, 0.0, x), times_direction(p, cos(y), k))
    imag = where(lost & (x == -INFINITY), 0.0, times_direction(p, sin(y), k))
    return make_complex(real, where(y == 0, y, imag))


@version(expm1, "c")
def _expm1(z):
    x, y = z.real, z.imag
    half = sin(0.5 * y)
    shifted = exp(z)
    real = expm1(x) * cos(y) - 2 * half * half
    return make_complex(where(magnitude(x) < 1, real, shifted.real - 1), shifted.imag)


def _half_log1p_or_log(t, x, y):
    """log |x + iy|, from t = x * x + y * y - 1 if that is small."""
    a, b = magnitude(x), magnitude(y)
    most, least = where(a > b, a, b), where(a > b, b, a)
    near = magnitude(t) < 0.5
    simple = (most == 0) | (most == INFINITY)
    ratio = where(simple, 0.0, least / most)
    result = where(near, 0.0, log(most)) + 0.5 * log1p(where(near, t, ratio * ratio))
    infinite = is_infinite(x) | is_infinite(y)
    return where(infinite, INFINITY, where((x != x) | (y != y), x + y, result))


def _squared_excess(x, y):
    """x * x + y * y - 1 without cancellation."""
    a, b = magnitude(x), magnitude(y)
    most, least = where(a > b, a, b), where(a > b, b, a)
    (u, u_low), (v, v_low) = two_product(most, most), two_product(least, least)
    total, lost = two_sum(u - 1, v)
    return total + (lost + (u_low + v_low))


@version(log, "c")
def _log(z):
    x, y = z.real, z.imag
    return make_complex(_half_log1p_or_log(_squared_excess(x, y), x, y), atan2(y, x))


@version(log2, "c")
def _log2(z):
    w = log(z)
    return make_complex(w.real * LOG2_E, w.imag * LOG2_E)


@version(log10, "c")
def _log10(z):
    w = log(z)
    return make_complex(w.real * LOG10_E, w.imag * LOG10_E)


@version(log1p, "c")
def _log1p(z):
    x, y = z.real, z.imag
    (u, u_low), (v, v_low) = two_product(x, x), two_product(y, y)
    total, lost = two_sum(2 * x, u)
    total, lost_too = two_sum(total, v)
    excess = total + ((lost + lost_too) + (u_low + v_low))
    return make_complex(_half_log1p_or_log(excess, 1 + x, y), atan2(y, 1 + x))


def square_root_parts(x, y):
    """The parts of sqrt(x + iy), the real one not negative."""
    a, b = magnitude(x), magnitude(y)
    # Times 2**(2 k), so that |z| + |x| neither overflows nor loses bits.
    big, little = {F32: (2.0 ** 100, 2.0 ** -60), F64: (2.0 ** 1000, 2.0 ** -500)}[x.dtype]
    shrink, grow = 2.0 ** -10, (1 / little)
    factor = where((a > big) | (b > big), shrink,
                   where((a < little) & (b < little), grow, 1.0, like=x))
    back = where((a > big) | (b > big), 2.0 ** 5,
                 where((a < little) & (b < little), little ** 0.5, 1.0, like=x))
    larger = square_root(0.5 * (modulus(a * factor, b * factor) + a * factor))
    smaller = where(larger == 0, 0.0, 0.5 * (b * factor) / larger)
    larger, smaller = larger * back, smaller * back
    infinite = b == INFINITY
    larger = where(infinite, INFINITY, larger)
    smaller = where(infinite, INFINITY, where((a == INFINITY) & (y == y), 0.0, smaller))
    real, imag = where(x < 0, smaller, larger), where(x < 0, larger, smaller)
    return real, with_sign_of(imag, y)


@version(sqrt, "c")
def _sqrt(z):
    return make_complex(*square_root_parts(z.real, z.imag))


@version(rsqrt, "c")
def _rsqrt(z):
    u, v = square_root_parts(z.real, z.imag)
    u, v, inverse = _scaled(u, v)
    square = u * u + v * v
    return make_complex(u / square / inverse, -v / square / inverse)


@version(power, "c")
def _power(z, w):
    logarithm = log(z)
    a, b = logarithm.real, logarithm.imag
    c, d = w.real, w.imag
    result = exp(make_complex(c * a - d * b, c * b + d * a))
    base_zero = (z.real == 0) & (z.imag == 0)
    exponent_zero = (c == 0) & (d == 0)
    of_zero = where(c > 0, 0.0, float("nan"), like=c)
    real = where(exponent_zero, 1.0, where(base_zero, of_zero, result.real))
    imag = where(exponent_zero, 0.0, where(base_zero, of_zero, result.imag))
    return make_complex(real, imag)


@version(logistic, "c")
def _logistic(z):
    x, y = z.real, z.imag
    right = x >= 0
    e = exp(make_complex(-magnitude(x), where(right, -y, y)))
    above = where(right, 1.0, e.real), where(right, 0.0, e.imag)
    return make_complex(*divide(*above, 1 + e.real, e.imag))
