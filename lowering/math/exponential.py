"""exp, exp2, expm1, logistic.

x = n log 2 + r with |r| <= log(2) / 2, and log 2 in two parts of which n times the first is exact
(W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980). exp(r) is a
polynomial; 2**n goes into the exponent bits.
"""
from __future__ import annotations

from .registry import function
from .vocabulary import (F32, F64, format_of, fused, magnitude, multiply_add, polynomial,
                         power_of_two, quick_two_sum, round_to_integer, scale_by_power_of_two,
                         unshift, where)

LOG2_E = 1.4426950408889634
# The first part is short enough that n times it is exact.
LN2_HIGH = {F32: 0.693145751953125, F64: 0.6931471805592082}
LN2_LOW = {F32: 1.4286068e-06, F64: 7.371002565167799e-13}

# (exp(r) - 1 - r) / r**2
_EXP = {
    F32: (0.49999994, 0.1666652, 0.041668408, 0.008368896, 0.0013814119),
    F64: (0.5000000000000011, 0.16666666666666405, 0.04166666666652737,
          0.008333333333497698, 0.0013888888944469198, 0.0001984126950160664,
          2.4801492136282385e-05, 2.7557588942980104e-06, 2.7630620722412674e-07,
          2.4999849641828668e-08),
}
# Beyond, exp(x) times any number is infinite or 0; up to here, 2**k takes two factors.
EXP_RANGE = {F32: 170.0, F64: 1400.0}


def exp_minus_one_reduced(r):
    """exp(r) - 1 for |r| <= log(2) / 2."""
    return multiply_add(r * r, polynomial(r, _EXP[r.dtype]), r)


def reduce_by_ln2(x):
    """The integer n and r such that x = n log 2 + r. For |x| < 1420."""
    n, k = unshift(multiply_add(x, LOG2_E, format_of(x).shifter))
    return k, subtract_ln2(x, n)


def subtract_ln2(x, n):
    """x - n log 2 for an integer n."""
    r = multiply_add(n, -LN2_HIGH[x.dtype], x)
    return multiply_add(n, -LN2_LOW[x.dtype], r)


def clamp(x, low, high):
    """NaN stays NaN."""
    return where(x > high, high, where(x < low, low, x))


def exp_excess_parts(x, correction=0.0):
    """q and an integer k such that exp(x + correction) = (1 + q) * 2**k, and |q| < 1/2."""
    most = EXP_RANGE[x.dtype]
    k, r = reduce_by_ln2(clamp(x, -most, most))
    return exp_minus_one_reduced(r + correction), k


def exp_parts(x):
    """p near 1 and an integer k such that exp(x) = p * 2**k."""
    q, k = exp_excess_parts(x)
    return q + 1, k


@function("f")
def exp(x):
    """e**x, all x. Gradual underflow is kept. Cody & Waite reduction, minimax polynomial."""
    return scale_by_power_of_two(*exp_parts(x))


@function("f")
def exp2(x):
    """2**x, all x. As exp, with n = round(x), which makes the reduction exact."""
    return scale_by_power_of_two(*exp2_parts(x))


# log 2 rounded, and the rest
_LN2 = {F32: (0.6931472, -1.9046542e-9), F64: (0.6931471805599453, 2.3190468138462996e-17)}
_EXP2_RANGE = {F32: 250.0, F64: 2000.0}


def exp2_parts(x, correction=0.0):
    """p near 1 and an integer k such that 2**(x + correction) = p * 2**k."""
    most = _EXP2_RANGE[x.dtype]
    x = clamp(x, -most, most)
    n, k = round_to_integer(x)
    f = (x - n) + correction
    ln2, rest = _LN2[x.dtype]
    return exp_minus_one_reduced(multiply_add(f, ln2, f * rest)) + 1, k


@function("f")
def expm1(x):
    """exp(x) - 1 without cancellation, all x: 2**n ((exp(r) - 1) + (1 - 2**-n))."""
    fmt = format_of(x)
    lowest = {F32: -18.0, F64: -38.0}[x.dtype]  # the result is -1 here
    k, r = reduce_by_ln2(clamp(x, lowest, EXP_RANGE[x.dtype]))
    # For n beyond the precision, 2**-n no longer counts, and may not be representable.
    counted = where(k > 60, 60, k)
    inner = exp_minus_one_reduced(r) + (1 - power_of_two(-counted, fmt))
    return where(x == 0, x, scale_by_power_of_two(inner, k))


@function("f")
def logistic(x):
    """1 / (1 + exp(-x)), all x, accurate in both tails: exp is taken of -|x| only."""
    p, k = exp_parts(-magnitude(x))
    e = scale_by_power_of_two(p, k)
    above = where(x >= 0, 1.0, e)
    below, lost = quick_two_sum(1.0, e)
    inverse = 1 / below
    quotient = above * inverse
    rest = fused(-quotient, below, above) - quotient * lost
    return multiply_add(rest, inverse, quotient)
