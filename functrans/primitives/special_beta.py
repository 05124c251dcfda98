"""The incomplete beta function, regularised: betainc; and its derivatives in the parameters.

Below its middle it comes from a continued fraction, above it is 1 minus its
reflection. The fraction, and where it is good, are DiDonato and Morris' (ACM Transactions on
Mathematical Software 18, 1992).

In: arrays. Out: arrays. Imports numpy and the other special functions only.
"""
from __future__ import annotations

import numpy as np

from functrans.primitives.special_base import (
    choose,
    elementwise,
    not_zero,
    two_product,
    two_sum,
)
from functrans.primitives.special_gamma import (
    digamma_float64,
    log_gamma_1p,
    log_gamma_around,
    scaled_zeta,
    stirling_rest,
)
from functrans.primitives.special_powers import half_power, minus_log1p


@elementwise
def betainc(a, b, x):
    """The regularised incomplete beta function I_x(a, b).

    It is the integral of t**(a - 1) (1 - t)**(b - 1) from 0 to x, divided by that to 1.

    Args:
      a, b: arrays of floats, not negative.
      x: an array of floats from 0 to 1.

    Returns:
      An array of their dtype and common shape: relative error below 1e-13 for a and b up to 1e7
      (3e-13 where the result is below 1e-130). The time grows with the root of a and b, and
      where both are beyond 1e9 the result may be nan. It is nan, too, for operands outside
      their ranges, and for a and b both 0 or both infinite. Parameters beyond 1e100 count as
      infinite, those below 1e-200 as 1e-200.

    Errors:
      TypeError if an operand is not of floats.

    Example:
      >>> from functrans.primitives.special import betainc
      >>> round(float(betainc(2.0, 1.0, 0.5)), 12)     # x**2
      0.25
    """
    good = (a >= 0) & (b >= 0) & (x >= 0) & (x <= 1)
    a, b = _in_range(a), _in_range(b)
    bad = ~good | (a == 0) & (b == 0) | np.isinf(a) & np.isinf(b)
    return choose([(bad, lambda a, b, x: np.full_like(a, np.nan)),
                   ((x == 0) | (x < 1) & ((b == 0) | np.isinf(a)), lambda a, b, x: 0.0 * x),
                   ((x == 1) | (a == 0) | np.isinf(b), lambda a, b, x: np.ones_like(a)),
                   (x * (a + b + 2.0) <= a + 1.0, _below_middle),
                   (b < _SMALL, _small_b),
                   (None, lambda a, b, x: 1.0 - _reflected(a, b, x))], a, b, x)


def _in_range(a):
    """Parameters whose ratios do not overflow: a large one as infinity, a tiny one enlarged."""
    a = np.where(a > 1e100, np.inf, a)
    return np.where((a > 0.0) & (a < 1e-200), 1e-200, a)


def _below_middle(a, b, x):
    rest, lost = two_sum(1.0, -x)
    return _by_fraction(a, b, (x, np.zeros_like(x)), (rest, lost))


def _reflected(a, b, x):
    """I_(1 - x)(b, a)."""
    rest, lost = two_sum(1.0, -x)
    return _by_fraction(b, a, (rest, lost), (x, np.zeros_like(x)))


def _by_fraction(a, b, x, y):
    """I_x(a, b) by the fraction. `x` and `y` = 1 - x are pairs of a value and its error."""
    return _density(a, b, x, y) / _fraction(a, b, x[0], y[0])


def _fraction(a, b, x, y):
    """DiDonato and Morris' fraction; below the middle its terms hardly cancel.

    From above, by Lentz's method as Thompson has it.
    """
    slack = a * y - b * x + 1.0
    total = c = a * slack / (a + 1.0)
    d, m, active = np.zeros_like(x), 0.0, np.ones(x.shape, bool)
    while active.any() and m < _LONGEST:
        m += 1.0
        odd, even = a + (2.0 * m - 1.0), a + (2.0 * m + 1.0)
        numerator = (a + (m - 1.0)) / odd * ((a + b + (m - 1.0)) / odd) * m * (b - m) * x * x
        term = m + m * (b - m) * x / odd + (a + m) * (slack + m * (1.0 + y)) / even
        d = 1.0 / not_zero(term + numerator * d)
        c = not_zero(term + numerator / c)
        total = np.where(active, total * (c * d), total)    # no rounding errors after the end
        active &= np.abs(c * d - 1.0) > 1e-15
    return np.where(active, np.nan, total)


_LONGEST = 1e5      # steps; enough for a and b up to 1e9


# ---- the derivatives in a and b ----
#
# Below the middle the logarithm of the function is that of a density less that of the fraction:
# the derivatives of both have one sign. Above it is the reflection's, with a and b exchanged.

@elementwise
def betainc_by_a(a, b, x):
    """The derivative of `betainc` in its first parameter; see `betainc_by_b`."""
    return _slope(a, b, x, 0)


@elementwise
def betainc_by_b(a, b, x):
    """The derivative of `betainc` in its second parameter.

    Args:
      a, b: arrays of floats, positive.
      x: an array of floats from 0 to 1.

    Returns:
      An array of their dtype and common shape: relative error below 1e-11, or an absolute one of
      1e-15 where the result is small beside the function (for parameters near 0). 0 for x = 0 and
      1, and where a parameter is infinite; nan for operands outside their ranges.

    Errors:
      TypeError if an operand is not of floats.

    Example:
      >>> from functrans.primitives.special_beta import betainc_by_b
      >>> round(float(betainc_by_b(1.0, 1.0, 0.5)), 12)   # of 1 - (1 - x)**b: log(2) / 2
      0.34657359028
    """
    return _slope(a, b, x, 1)


def _slope(a, b, x, place: int):
    good = (a > 0) & (b > 0) & (x >= 0) & (x <= 1)
    end = (x == 0) | (x == 1) | np.isinf(a) | np.isinf(b)
    return choose([(~good, lambda a, b, x: np.full_like(a, np.nan)),
                   (end, lambda a, b, x: np.zeros_like(a)),
                   (x * (a + b + 2.0) <= a + 1.0, lambda a, b, x: _slope_below(a, b, x, place)),
                   (None, lambda a, b, x: -_slope_reflected(a, b, x, 1 - place))], a, b, x)


def _slope_below(a, b, x, place: int):
    rest = two_sum(1.0, -x)
    logarithm = (np.log(x), np.log1p(-x))[place]
    return _slope_by_fraction(a, b, (x, np.zeros_like(x)), rest, logarithm, place)


def _slope_reflected(a, b, x, place: int):
    rest = two_sum(1.0, -x)
    logarithm = (np.log1p(-x), np.log(x))[place]
    return _slope_by_fraction(b, a, rest, (x, np.zeros_like(x)), logarithm, place)


def _slope_by_fraction(a, b, x, y, logarithm, place: int):
    fraction, slope = _fraction_and_slope(a, b, x[0], y[0], place)
    steep = logarithm - digamma_float64((a, b)[place]) + digamma_float64(a + b) - slope
    return _density(a, b, x, y) / fraction * steep


def _fraction_and_slope(a, b, x, y, place: int):
    """The fraction, and the derivative of its logarithm in a or b."""
    slack = a * y - b * x + 1.0
    total = c = a * slack / (a + 1.0)
    slope = 1.0 / a + y / slack - 1.0 / (a + 1.0) if place == 0 else -x / slack
    dc, d, dd = c * slope, np.zeros_like(x), np.zeros_like(x)
    m, active = 0.0, np.ones(x.shape, bool)
    while active.any() and m < _LONGEST:
        m += 1.0
        numerator, term, dnumerator, dterm = _terms(a, b, x, y, slack, m, place)
        last, d = d, 1.0 / not_zero(term + numerator * d)
        dd = -d * d * (dterm + dnumerator * last + numerator * dd)
        last, c = c, not_zero(term + numerator / c)
        dc = dterm + dnumerator / last - numerator * (dc / last) / last
        step = dc / c + dd / d
        total = np.where(active, total * (c * d), total)
        slope = np.where(active, slope + step, slope)
        active &= (np.abs(c * d - 1.0) > 1e-15) | (np.abs(step) > 1e-15 * np.abs(slope))
    return np.where(active, np.nan, total), slope


def _terms(a, b, x, y, slack, m: float, place: int):
    """(numerator, term, their derivatives in a or b) of step m."""
    odd, even, both = a + (2.0 * m - 1.0), a + (2.0 * m + 1.0), a + b + (m - 1.0)
    base = (a + (m - 1.0)) / odd * (both / odd) * m * x * x
    numerator, width = base * (b - m), slack + m * (1.0 + y)
    term = m + m * (b - m) * x / odd + (a + m) * width / even
    if place == 1:
        return numerator, term, base * ((b - m) / both + 1.0), m * x / odd - (a + m) * x / even
    dnumerator = numerator * (1.0 / (a + (m - 1.0)) - 2.0 / odd + 1.0 / both)
    dterm = (width + (a + m) * (y - width / even)) / even - m * (b - m) * x / (odd * odd)
    return numerator, term, dnumerator, dterm


# ---- x**a (1 - x)**b / beta(a, b) ----

def _density(a, b, x, y):
    """x**a y**b gamma(a + b) / (gamma(a) gamma(b)), each gamma by Stirling's formula."""
    scale = _stirling_quotient(a + b) / (_stirling_quotient(a) * _stirling_quotient(b))
    total = a + b
    return _beta_power(a, b, x, y) * scale * np.sqrt(a / (2.0 * np.pi) * (b / total))


def _stirling_quotient(a):
    """gamma(a) divided by sqrt(2 pi / a) (a / e)**a, nearly 1 for large a."""
    return choose([(a >= 10.0, lambda a: np.exp(stirling_rest(a))),
                   (None, _small_stirling_quotient)], a)


def _small_stirling_quotient(a):
    return np.exp(log_gamma_1p(a) + a) * np.power(a, -a) / np.sqrt(2.0 * np.pi * a)


def _beta_power(a, b, x, y):
    """(x (a + b) / a)**a times (y (a + b) / b)**b."""
    total = two_sum(a, b)
    left, right = _exact_product(x, total), _exact_product(y, total)
    safe = ((np.abs(a * np.log(left[0] / a)) < 1400.0)
            & (np.abs(b * np.log(right[0] / b)) < 1400.0))
    return choose([(safe, _beta_power_by_power), (None, _beta_power_by_exp)],
                  a, b, *left, *right)


def _exact_product(x, y):
    """The product of two pairs (value, error)."""
    product, lost = two_product(x[0], y[0])
    return product, lost + (x[0] * y[1] + x[1] * y[0])


def _beta_power_by_power(a, b, left, left_rest, right, right_rest):
    root = half_power(left, left_rest, a) * half_power(right, right_rest, b)
    return root * root


def _beta_power_by_exp(a, b, left, left_rest, right, right_rest):
    """The logarithms' linear parts cancel, so they are left out."""
    exponent = (a * minus_log1p(((left - a) + left_rest) / a, left / a)
                + b * minus_log1p(((right - b) + right_rest) / b, right / b))
    return np.exp(-exponent)


# ---- small b: 1 - I_(1 - x)(b, a) would cancel ----

_SMALL = 0.3


def _small_b(a, b, x):
    """1 - y**b / (b beta(a, b)) (1 + b sum), both terms of the order of b."""
    y = 1.0 - x
    logarithm = b * np.log(y) + _log_gamma_step(a, b) - log_gamma_around(b)
    term, total, n = np.ones_like(x), np.zeros_like(x), 0.0
    while n == 0.0 or np.any(np.abs(term) > 1e-17 * np.abs(total)) and n < 200.0:
        n += 1.0
        term = term * ((n - a) / n * y)
        total = total + term / (b + n)
    return -np.expm1(logarithm) - np.exp(logarithm) * b * total


def _log_gamma_step(a, b):
    """log(gamma(a + b) / gamma(a)) for b < 0.3, by Taylor's series at 4 or beyond."""
    correction = np.zeros_like(a)
    for _ in range(4):
        small = a < 4.0
        correction = np.where(small, correction + np.log1p(b / a), correction)
        a = np.where(small, a + 1.0, a)
    total, power = b * digamma_float64(a), -b
    for order in range(1, 13):
        power = power * -b / (order + 1.0)
        total += power * scaled_zeta(np.full_like(a, order), a)
    return total - correction
