"""sinh, cosh, tanh, asinh, acosh, atanh.

With x = n log 2 + r the addition theorems give, for w = 2**(-2 n),

    2 sinh x = 2**n ((1 - w) cosh r + (1 + w) sinh r)
    2 cosh x = 2**n ((1 + w) cosh r + (1 - w) sinh r)

with neither cancellation nor division; cosh r and sinh r are short polynomials. The inverses go
through log1p (W. Kahan, "Branch cuts for complex elementary functions", 1987).
"""
from __future__ import annotations

from .exponential import EXP_RANGE, LOG2_E, subtract_ln2
from .logarithm import log1p
from .registry import function
from .vocabulary import (F32, F64, format_of, magnitude, multiply_add, polynomial, power_of_two,
                         quick_two_sum, round_to_integer, scale_by_power_of_two, square_root,
                         where, with_sign_of)

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
# tanh is 1 here
_ONE = {F32: 12.0, F64: 24.0}
# From here on x * x + 1 == x * x
_LARGE = {F32: 2.0 ** 26, F64: 2.0 ** 55}
LN2 = 0.6931471805599453


# n = 0 up to 0.55, where tanh is 1/2, rather than to log(2) / 2: 0.55 = (1/2 + this) log 2
_SHIFT = 0.2935


def _reduced(x, most):
    """r, sinh r - r, cosh r - 1, w and n for |x|, or for `most` if it is more."""
    a = magnitude(x)
    a = where(a > most, most, a)
    n, k = round_to_integer(multiply_add(a, LOG2_E, -_SHIFT))
    r = subtract_ln2(a, n)
    z = r * r
    sinh_excess = r * z * polynomial(z, _SINH[z.dtype])
    cosh_excess = z * polynomial(z, _COSH[z.dtype])
    inverse = power_of_two(-where(k > 60, 60, k), format_of(x))
    return r, sinh_excess, cosh_excess, inverse * inverse, k


def _twice_cosh(sinh_r, cosh_excess, w):
    """2 cosh x / 2**n."""
    return 1 + (w + multiply_add(1 + w, cosh_excess, (1 - w) * sinh_r))


def _twice_sinh(sinh_r, cosh_excess, w):
    """2 sinh x / 2**n."""
    difference, lost = quick_two_sum(1.0, -w)
    return difference + (lost + multiply_add(difference, cosh_excess, (1 + w) * sinh_r))


def sinh_cosh_parts(x):
    """s, c and an integer k: sinh x = s 2**k, cosh x = c 2**k; s and c are not large."""
    r, sinh_excess, cosh_excess, w, k = _reduced(x, EXP_RANGE[x.dtype])
    sinh_r = r + sinh_excess
    s = with_sign_of(0.5 * _twice_sinh(sinh_r, cosh_excess, w), x)
    return s, 0.5 * _twice_cosh(sinh_r, cosh_excess, w), k


@function("f")
def sinh(x):
    """Hyperbolic sine, all x."""
    s, _, k = sinh_cosh_parts(x)
    return scale_by_power_of_two(s, k)


@function("f")
def cosh(x):
    """Hyperbolic cosine, all x."""
    _, c, k = sinh_cosh_parts(x)
    return scale_by_power_of_two(c, k)


@function("f")
def tanh(x):
    """Hyperbolic tangent, all x: sinh r / cosh r up to 0.55, then 1 - exp(-x) / cosh x."""
    r, sinh_excess, cosh_excess, w, k = _reduced(x, _ONE[x.dtype])
    small = k == 0
    sinh_r = r + sinh_excess
    # Both as a sum, of r or 1 and a smaller quotient, which needs less accuracy.
    above = where(small, multiply_add(-r, cosh_excess, sinh_excess),
                  (-2.0 * w) * ((cosh_excess - sinh_r) + 1))
    below = where(small, 1 + cosh_excess, _twice_cosh(sinh_r, cosh_excess, w))
    return with_sign_of(where(small, r, 1.0) + above / below, x)


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
