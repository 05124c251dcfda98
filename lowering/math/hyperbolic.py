"""sinh, cosh, tanh, asinh, acosh, atanh.

With x = n log 2 + r the addition theorems give, for w = 2**(-2 n),

    2 sinh x = 2**n ((1 - w) cosh r + (1 + w) sinh r)
    2 cosh x = 2**n ((1 + w) cosh r + (1 - w) sinh r)

with neither cancellation nor division; cosh r and sinh r are short polynomials. The inverses go
through log1p (W. Kahan, "Branch cuts for complex elementary functions", 1987).
"""
from __future__ import annotations

from .exponential import LOG2_E, subtract_ln2
from .logarithm import log1p
from .registry import function
from .vocabulary import (F32, F64, format_of, magnitude, multiply_add, polynomial, power_of_two,
                         round_to_integer, scale_by_power_of_two, square_root, where,
                         with_sign_of)

# (sinh(r) - r) / r**3 and (cosh(r) - 1) / r**2, in r**2
_SINH = {
    F32: (0.16666669, 0.008332977, 0.00020022066),
    F64: (0.16666666666666666, 0.00833333333333387, 0.00019841269840237727,
          2.7557320136734845e-06, 2.5051700782217932e-08, 1.61484542833654e-10),
}
_COSH = {
    F32: (0.5000001, 0.04166419, 0.0014032366),
    F64: (0.49999999999999994, 0.04166666666667073, 0.0013888888887962968,
          2.480158824573706e-05, 2.755683914378135e-07, 2.0995838982287324e-09),
}
# cosh and sinh are infinite here, and tanh is 1
_INFINITE = {F32: 90.0, F64: 711.0}
_ONE = {F32: 12.0, F64: 24.0}
# From here on x * x + 1 == x * x
_LARGE = {F32: 2.0 ** 26, F64: 2.0 ** 55}
LN2 = 0.6931471805599453


# n = 0 up to 0.55, where tanh is 1/2, rather than to log(2) / 2: 0.55 = (1/2 + this) log 2
_SHIFT = 0.2935


def _reduced(x, most):
    """sinh r, cosh r - 1, w and n for |x|, or for `most` if it is more."""
    a = magnitude(x)
    a = where(a > most, most, a)
    n, k = round_to_integer(multiply_add(a, LOG2_E, -_SHIFT))
    r = subtract_ln2(a, n)
    z = r * r
    sinh_r = multiply_add(r * z, polynomial(z, _SINH[z.dtype]), r)
    cosh_excess = z * polynomial(z, _COSH[z.dtype])
    inverse = power_of_two(-where(k > 60, 60, k), format_of(x))
    return sinh_r, cosh_excess, inverse * inverse, k


def _twice_cosh(sinh_r, cosh_excess, w):
    """2 cosh x / 2**n."""
    return (1 + w) + multiply_add(1 + w, cosh_excess, (1 - w) * sinh_r)


@function("f")
def sinh(x):
    """Hyperbolic sine, all x."""
    sinh_r, cosh_excess, w, k = _reduced(x, _INFINITE[x.dtype])
    twice = (1 - w) + multiply_add(1 - w, cosh_excess, (1 + w) * sinh_r)
    return with_sign_of(scale_by_power_of_two(0.5 * twice, k), x)


@function("f")
def cosh(x):
    """Hyperbolic cosine, all x."""
    sinh_r, cosh_excess, w, k = _reduced(x, _INFINITE[x.dtype])
    return scale_by_power_of_two(0.5 * _twice_cosh(sinh_r, cosh_excess, w), k)


@function("f")
def tanh(x):
    """Hyperbolic tangent, all x: sinh / cosh up to 0.55, then 1 - 2 exp(-x) / (2 cosh x)."""
    sinh_r, cosh_excess, w, k = _reduced(x, _ONE[x.dtype])
    small = k == 0
    above = where(small, sinh_r, (-2.0 * w) * ((cosh_excess - sinh_r) + 1))
    below = where(small, 1 + cosh_excess, _twice_cosh(sinh_r, cosh_excess, w))
    quotient = above / below
    return with_sign_of(where(small, quotient, 1 + quotient), x)


@function("f")
def asinh(x):
    """Inverse hyperbolic sine, all x: log1p(a + a**2 / (1 + sqrt(1 + a**2)))."""
    a = magnitude(x)
    large = a > _LARGE[x.dtype]
    square = where(large, 1.0, a * a)
    grown = a + square / (1 + square_root(1 + square))
    result = log1p(where(large, a, grown)) + where(large, LN2, 0.0, like=x)
    return with_sign_of(result, x)


@function("f")
def acosh(x):
    """Inverse hyperbolic cosine, x >= 1: log1p(t + sqrt(t (t + 2))), t = x - 1; NaN below."""
    large = x > _LARGE[x.dtype]
    t = where(large, 1.0, x - 1)
    grown = t + square_root(t * (t + 2))
    result = log1p(where(large, x, grown)) + where(large, LN2, 0.0, like=x)
    return where(x < 1, float("nan"), result)


@function("f")
def atanh(x):
    """Inverse hyperbolic tangent, |x| <= 1: log1p(2 a / (1 - a)) / 2; NaN beyond."""
    a = magnitude(x)
    return with_sign_of(0.5 * log1p(2 * a / (1 - a)), x)
