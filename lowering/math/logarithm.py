"""log, log2, log10, log1p.

x = 2**e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), and log(1 + f) = 2 atanh(s), s = f / (2 + f),
by a polynomial in s * s (as in Sun's fdlibm, 1993; coefficients of our own).
"""
from __future__ import annotations

from .exponential import LN2_HIGH, LN2_LOW
from .registry import function
from .vocabulary import (F32, F64, bits, constant_bits, format_of, from_bits, multiply_add,
                         polynomial, power_of_two, unshift, where)

# (log((1 + s) / (1 - s)) - 2 s) / s**3
_LOG = {
    F32: (0.66666776, 0.39977553, 0.2987213),
    F64: (0.6666666666666735, 0.399999999994086, 0.2857142874396718, 0.22222198391383163,
          0.18183574683296913, 0.1531376434255976, 0.14799010876416432),
}
SQRT_HALF = 0.7071067811865476


def decompose(x):
    """e and m such that x = 2**e m, sqrt(1/2) <= m < sqrt(2), for finite x > 0."""
    fmt = format_of(x)
    subnormal = x < fmt.tiny
    scale = fmt.mantissa + 1
    x = where(subnormal, x * 2.0 ** scale, x)
    start = constant_bits(SQRT_HALF, fmt)
    i = bits(x) + (fmt.one - start)
    m = from_bits((i & ((1 << fmt.mantissa) - 1)) + start)
    # The exponent field, put below the point of 2**mantissa, is a float without a conversion.
    big = 2.0 ** fmt.mantissa
    e = from_bits((i >> fmt.mantissa) | constant_bits(big, fmt))
    return e - where(subnormal, big + (fmt.bias + scale), big + fmt.bias, like=x), m


def log_excess(f):
    """log(1 + f) - f, for sqrt(1/2) <= 1 + f <= sqrt(2)."""
    s = f / (2 + f)
    z = s * s
    half_square = 0.5 * f * f
    return multiply_add(s, multiply_add(z, polynomial(z, _LOG[f.dtype]), half_square),
                        -half_square)


def log_sum(e, f):
    """e log 2 + log(1 + f)."""
    low = multiply_add(e, LN2_LOW[f.dtype], log_excess(f))
    return multiply_add(e, LN2_HIGH[f.dtype], f + low)


def with_special_logs(x, result):
    """The logarithms of 0, of negative numbers, infinity and NaN put into a result."""
    special = where(x == 0, -float("inf"), where(x < 0, float("nan"), x))
    return where((x > 0) & (x < float("inf")), result, special)


@function("f")
def log(x):
    """Natural logarithm, all x > 0; -inf at 0, NaN below."""
    e, m = decompose(x)
    return with_special_logs(x, log_sum(e, m - 1))


# 1 / log 2 and 1 / log 10, rounded, and the rest; log10(2) such that e times it is exact
_LOG2_E = {F32: (1.442695, 1.925963e-8), F64: (1.4426950408889634, 2.0355273740931033e-17)}
_LOG10_E = {F32: (0.4342945, -1.010305e-08), F64: (0.4342944819032518, 1.098319650216765e-17)}
_LOG10_2 = {F32: (0.301025390625, 4.605039e-06), F64: (0.30102999566361177, 3.694239077158931e-13)}


def _log_scaled(f, factor):
    """log(1 + f) times a factor given in two parts."""
    high, low = factor
    return multiply_add(f, high, multiply_add(log_excess(f), high, f * low))


@function("f")
def log2(x):
    """Logarithm to base 2; exact for powers of two."""
    e, m = decompose(x)
    return with_special_logs(x, e + _log_scaled(m - 1, _LOG2_E[x.dtype]))


@function("f")
def log10(x):
    """Logarithm to base 10."""
    e, m = decompose(x)
    high, low = _LOG10_2[x.dtype]
    rest = multiply_add(e, low, _log_scaled(m - 1, _LOG10_E[x.dtype]))
    return with_special_logs(x, multiply_add(e, high, rest))


def _inverse_power_of_two(e):
    """2**-e for a float e; 0 if that is no normal number."""
    fmt = format_of(e)
    _, k = unshift(fmt.shifter - e)
    return power_of_two(where(k < -fmt.bias, -fmt.bias, k), fmt)


@function("f")
def log1p(x):
    """log(1 + x), all x > -1, accurate near 0; -inf at -1, NaN below."""
    u = 1 + x
    e, m = decompose(u)
    # What the rounding of 1 + x lost; 1 + x = 2**e (m + 2**-e lost).
    lost = where(x >= 1, 1 - (u - x), x - (u - 1))
    f = (m - 1) + lost * _inverse_power_of_two(e)
    result = with_special_logs(u, log_sum(e, f))
    return where(x == 0, x, result)
