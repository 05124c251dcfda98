"""sqrt, rsqrt, cbrt, power, integer_power.

power is exp2(y log2 |x|) with the logarithm and its product with y in two numbers each, about
twice the format's precision, so that the error does not grow with the result's exponent
(T. J. Dekker 1971 for the arithmetic; the scheme is that of fdlibm, 1993).
"""
from __future__ import annotations

from .exponential import exp2_parts
from .logarithm import decompose
from .registry import function, version
from .vocabulary import (F32, F64, complex_product, format_of, fused, is_negative, magnitude,
                         make_complex, multiply_add, polynomial, power_of_two, quick_two_sum,
                         round_to_integer, round_to_zero, scale_by_power_of_two, square_root,
                         two_product, where, with_sign_of)

INFINITY = float("inf")

# m**(-1/3) to 12 bits, for m from 0.7 to 1.42
_CUBE_ROOT = {
    F32: (1.7336766, -1.2940476, 0.72093785, -0.16080736),
    F64: (1.7336765106374838, -1.2940474475784685, 0.7209376874261682,
          -0.16080730158659226),
}
# (log((1 + s) / (1 - s)) - 2 s - 2 s**3 / 3) / s**5, in s**2
_LOG_TAIL = {
    F32: (0.40000153, 0.28547078, 0.23420146),
    F64: (0.39999999999999974, 0.28571428571447044, 0.222222222170701, 0.18181818927117416,
          0.1538455302417463, 0.1333646432865907, 0.11671858399594445, 0.12013481727276894),
}
_TWO_THIRDS = {F32: (0.6666667, -1.9868216e-08), F64: (0.6666666666666666, 3.700743415417188e-17)}
_LOG2_E = {F32: (1.442695, 1.925963e-8), F64: (1.4426950408889634, 2.0355273740931033e-17)}
_CUBE_ROOT_STEPS = {F32: 1, F64: 2}


@function("f")
def sqrt(x):
    """Square root, correctly rounded; NaN below 0."""
    return square_root(x)


@function("f")
def rsqrt(x):
    """1 / sqrt(x); infinite at 0, NaN below."""
    return 1 / square_root(x)


@function("f")
def cbrt(x):
    """Cube root, all x. Newton's iteration for m**(-1/3), then one step for the root itself."""
    a = magnitude(x)
    e, m = decompose(a)
    third, k = round_to_integer(e * (1 / 3))
    left = e - 3 * third    # -1, 0 or 1
    guess = polynomial(m, _CUBE_ROOT[m.dtype])
    guess = where(left > 0, 0.79370052598 * guess, where(left < 0, 1.2599210499 * guess, guess))
    m = where(left > 0, 2 * m, where(left < 0, 0.5 * m, m))
    for _ in range(_CUBE_ROOT_STEPS[x.dtype]):
        guess = guess + guess * (1 / 3) * (1 - m * guess * guess * guess)
    root = m * guess * guess
    square, lost = two_product(root, root)
    excess = fused(square, root, -m) + lost * root
    root = root - excess * (1 / 3) * guess * guess
    result = with_sign_of(root * power_of_two(k, format_of(x)), x)
    return where((a > 0) & (a < INFINITY), result, x)


def _log2_double(x):
    """log2(x) in two parts, to twice the precision, for finite x > 0."""
    e, m = decompose(x)
    f = m - 1
    divisor, divisor_low = quick_two_sum(2.0, f)
    s = f / divisor
    s_low = (fused(-s, divisor, f) - s * divisor_low) / divisor
    z, z_low = two_product(s, s)
    z_low = multiply_add(2 * s, s_low, z_low)
    # log(m) = 2 s + s z u
    two_thirds, rest = _TWO_THIRDS[x.dtype]
    tail = z * polynomial(z, _LOG_TAIL[z.dtype])
    u = two_thirds + tail
    u_low = ((two_thirds - u) + tail) + rest
    t, t_low = two_product(z, u)
    t_low = t_low + multiply_add(z, u_low, z_low * u)
    g, g_low = two_product(s, t)
    g_low = g_low + multiply_add(s, t_low, s_low * t)
    log, log_low = quick_two_sum(2 * s, g)
    log_low = log_low + (g_low + 2 * s_low)
    log2_e, log2_e_low = _LOG2_E[x.dtype]
    high, low = two_product(log, log2_e)
    low = low + multiply_add(log, log2_e_low, log_low * log2_e)
    total, lost = quick_two_sum(e, high)
    return total, lost + low


def _is_integer(y):
    return round_to_zero(y) == y


@function("f")
def power(x, y):
    """x**y with the special cases of IEEE 754 `pow`; NaN for x < 0 unless y is an integer."""
    a = magnitude(x)
    log, log_low = _log2_double(a)
    extreme = (a == 0) | (a == INFINITY)
    log = where(a == 0, -INFINITY, where(a == INFINITY, INFINITY, log))
    high = log * y
    low = multiply_add(where(extreme, 0.0, log_low), y, fused(log, y, -high))
    # Beyond the range of exp2 the low part is meaningless, and may be NaN.
    low = where(magnitude(high) < 2.0 * format_of(x).bias, low, 0.0)
    result = scale_by_power_of_two(*exp2_parts(high, low))
    odd = _is_integer(y) & (_is_integer(0.5 * y) ^ True)
    result = where(is_negative(x) & odd, -result, result)
    result = where((x < 0) & (a < INFINITY) & (_is_integer(y) ^ True), float("nan"), result)
    result = where((a == 1) & (magnitude(y) == INFINITY), 1.0, result)
    result = where((x != x) | (y != y), x + y, result)
    return where((x == 1) | (y == 0), 1.0, result)


def _repeated(x, exponent, multiply):
    """x to a positive power, squaring as often as it can."""
    if exponent == 1:
        return x
    half = _repeated(x, exponent // 2, multiply)
    square = multiply(half, half)
    return square if exponent % 2 == 0 else multiply(square, x)


@function("fiu", literals=1)
def integer_power(x, exponent):
    """x to a power that is a literal integer, by multiplication; >= 0 for integers.

    The error grows with the exponent, by about half an ulp for each multiplication.
    """
    if exponent == 0:
        return where(x == x, 1, 1, like=x)
    result = _repeated(x, abs(exponent), lambda a, b: a * b)
    return result if exponent > 0 else 1 / result


@version(integer_power, "c")
def _integer_power_complex(z, exponent):
    if exponent == 0:
        one = where(z.real == 0, 1.0, 1.0, like=z.real)
        return make_complex(one, 0.0 * one)
    result = _repeated(z, abs(exponent), complex_product)
    if exponent > 0:
        return result
    x, y = result.real, result.imag
    square = x * x + y * y
    return make_complex(x / square, -y / square)
