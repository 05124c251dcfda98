"""The incomplete gamma functions, regularised: igamma and igammac; and their derivative in a.

Where x is small beside a, the power series gives igamma (DLMF 8.11.4); where it is large, a
continued fraction gives igammac (DLMF 8.9.2); where both are large and near one another, both
come from Temme's uniform expansion (SIAM Journal on Mathematical Analysis 10, 1979; DLMF 8.12).
Each point takes the method that gives the smaller of the two; the other is 1 minus it. (The
choice is Gautschi's, ACM Transactions on Mathematical Software 5, 1979.)

In: arrays. Out: arrays. Imports numpy and the other special functions only.
"""
from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from functrans.primitives.special_base import TINY, choose, elementwise, not_zero, polynomial
from functrans.primitives.special_erf import erfc_float64, scaled_erfc
from functrans.primitives.special_gamma import (digamma_float64, log_gamma_1p, log_gamma_around,
                                                stirling_rest)
from functrans.primitives.special_powers import ratio_minus_one_less_log, stirling_power


@elementwise
def igamma(a, x):
    """The regularised lower incomplete gamma function P(a, x).

    It is the integral of exp(-t) t**(a - 1) from 0 to x, divided by gamma(a).

    Args:
      a, x: arrays of floats, not negative.

    Returns:
      An array of their dtype and common shape: relative error below 1e-13, 3e-13 where the
      result is below 1e-130. nan for negative operands, and for both 0 or both infinite.

    Errors:
      TypeError if an operand is not of floats.

    Example:
      >>> from functrans.primitives.special import igamma
      >>> round(float(igamma(1.0, 2.0)), 12)           # 1 - exp(-2)
      0.864664716763
    """
    return choose([*_edges(a, x, 0.0, 1.0),
                   (_near(a, x), lambda a, x: _temme(a, x, upper=False)),
                   (_below(a, x), _lower_series),
                   (None, lambda a, x: 1.0 - _upper_fraction(a, x))], a, x)


@elementwise
def igammac(a, x):
    """The regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x); see `igamma`.

    Args:
      a, x: arrays of floats, not negative.

    Returns:
      An array of their dtype and common shape, as accurate as `igamma`, also where it is small.

    Errors:
      TypeError if an operand is not of floats.

    Example:
      >>> from functrans.primitives.special import igammac
      >>> round(float(igammac(1.0, 2.0)), 12)          # exp(-2)
      0.135335283237
    """
    return choose([*_edges(a, x, 1.0, 0.0),
                   (_near(a, x), lambda a, x: _temme(a, x, upper=True)),
                   (_small_upper(a, x), _upper_series),
                   (_below(a, x), lambda a, x: 1.0 - _lower_series(a, x)),
                   (None, _upper_fraction)], a, x)


def _edges(a, x, at_zero: float, at_infinity: float) -> list:
    """Operands for which the result is nan, or its value at x = 0 or at infinity."""
    bad = ~((a >= 0) & (x >= 0)) | (a == 0) & (x == 0) | np.isinf(a) & np.isinf(x)
    return [(bad, lambda a, x: np.full_like(a, np.nan)),
            ((x == 0) | np.isinf(a), lambda a, x: np.full_like(a, at_zero)),
            ((a == 0) | np.isinf(x), lambda a, x: np.full_like(a, at_infinity))]


def _near(a, x):
    return (a > 20.0) & (x > 0.4 * a) & (x < 2.0 * a)


def _below(a, x):
    return x < np.maximum(a, 1.5)


def _small_upper(a, x):
    """Where Q is small for a small a, so that 1 - P would lose digits."""
    return (x < 1.5) & (a < 1.5) & (a * np.log(x) > -0.4)


# ---- series and fraction ----

_ENOUGH = 1e-17


def _power_over_gamma(a, x):
    """x**a exp(-x) / gamma(a + 1)."""
    return choose([(a < 10.0, _power_over_small_gamma), (None, _power_over_large_gamma)], a, x)


def _power_over_small_gamma(a, x):
    x = np.minimum(x, 3000.0)                           # where the result is 0
    root = np.power(x, 0.5 * a) * np.exp(-0.5 * x)      # halves: no underflow on the way
    return root * root * np.exp(-log_gamma_1p(a))


def _power_over_large_gamma(a, x):
    return stirling_power(a, x) * np.exp(-stirling_rest(a)) / np.sqrt(2.0 * np.pi * a)


def _lower_series(a, x):
    """P(a, x) as x**a exp(-x) / gamma(a + 1) times the sum of x**n / ((a + 1) ... (a + n))."""
    term, total, divisor = np.ones_like(x), np.ones_like(x), a.copy()
    while np.any(term > _ENOUGH * total):
        divisor += 1.0
        term *= x / divisor
        total += term
    return _power_over_gamma(a, x) * total


def _upper_series(a, x):
    """Q(a, x) for small a and x, written so that it does not cancel as a goes to 0."""
    logarithm = a * np.log(x) - log_gamma_around(a)
    term, total = np.ones_like(x), np.zeros_like(x)
    for n in range(1, 30):              # (3/2)**30 / 30! is below 1e-27
        term *= -x / n
        total += term / (a + n)
    return -np.expm1(logarithm) - np.exp(logarithm) * a * total


def _upper_fraction(a, x):
    """Q(a, x) by the continued fraction, from above (Lentz's method as Thompson has it)."""
    b = x + 1.0 - a
    c, d = np.full_like(x, 1.0 / TINY), 1.0 / b
    total, n, active = d.copy(), 0.0, np.ones(x.shape, bool)
    while active.any():
        n += 1.0
        numerator = n * (a - n)
        b += 2.0
        d = 1.0 / not_zero(numerator * d + b)
        c = not_zero(b + numerator / c)
        total[active] *= (c * d)[active]        # the others would gather rounding errors
        active &= np.abs(c * d - 1.0) > 1e-15
    return a * _power_over_gamma(a, x) * total


# ---- Temme's expansion ----

def _temme(a, x, upper: bool):
    """P or Q for a > 20 and x near a.

    With eta**2 / 2 = x/a - 1 - log(x/a), Q is erfc(eta sqrt(a/2)) / 2 plus a correction with
    the same exponential factor, which is computed by itself.
    """
    half_square = ratio_minus_one_less_log(a, x)
    eta = np.copysign(np.sqrt(2.0 * half_square), x - a)
    factor = stirling_power(a, x)
    correction = factor * _temme_sum(a, eta) / np.sqrt(2.0 * np.pi * a)
    tail = _half_erfc(np.abs(eta) * np.sqrt(0.5 * a), factor)      # of the smaller of P and Q
    smaller = np.where(eta > 0, tail + correction, tail - correction)
    return np.where((eta > 0) == upper, smaller, 1.0 - smaller)


def _half_erfc(z, factor):
    """erfc(z) / 2 for z >= 0, given exp(-z**2)."""
    return choose([(z < 0.5, lambda z, factor: 0.5 * erfc_float64(z)),
                   (None, lambda z, factor: 0.5 * factor * scaled_erfc(z))], z, factor)


def _temme_sum(a, eta):
    """The sum over k of c_k(eta) / a**k, each c_k a power series."""
    total = np.zeros_like(a)
    for row in reversed(_temme_table()):
        total = total / a + polynomial(eta, row)
    return total


_ROWS, _COLUMNS = 12, 26


@lru_cache(maxsize=1)
def _temme_table() -> list[list[float]]:
    """The coefficients of c_k(eta), by exact arithmetic (DLMF 8.12.11 to 8.12.13)."""
    count = _COLUMNS + 2 * _ROWS
    alpha = _ratio_series(count + 3)
    first = [n * alpha[n] for n in range(2, count + 2)]
    first[0] -= 1
    stirling = _stirling_coefficients(_ROWS)
    table = [first]
    for k in range(1, _ROWS):
        last = table[-1]
        sign = (-1) ** k * stirling[k]
        table.append([(n + 2) * last[n + 2] + sign * first[n] for n in range(len(last) - 2)])
    return [[float(value) for value in row[:_COLUMNS]] for row in table]


def _ratio_series(count: int) -> list[Fraction]:
    """x/a - 1 as a power series m of eta: the solution of m m' = eta (1 + m)."""
    alpha = [Fraction(0), Fraction(1)]
    for n in range(2, count):
        inner = sum(alpha[j] * (n + 1 - j) * alpha[n + 1 - j] for j in range(2, n))
        alpha.append((alpha[n - 1] - inner) / (n + 1))
    return alpha


def _stirling_coefficients(count: int) -> list[Fraction]:
    """The coefficients g of gamma(a) exp(a) a**-a sqrt(a / (2 pi)) = 1 + g1 / a + g2 / a**2 + ...

    By Wrench's recurrence (DLMF 5.11.5): g_k = (1 * 3 * ... * (2k + 1)) alpha_(2k + 1), with the
    coefficients of `_ratio_series`.
    """
    alpha, odd, result = _ratio_series(2 * count + 2), 1, []
    for k in range(count):
        odd *= 2 * k + 1
        result.append(odd * alpha[2 * k + 1])
    return result


# ---- the derivative in a ----
#
# It is that of the quantile x, whose place P(a, x) stays: the slope of log(x) in a is minus the
# derivative of P in a over x times the density. All factors that overflow or vanish cancel in it,
# and it is a sum of positive terms, or nearly so, from each of the three methods above.

@elementwise
def gamma_slope(a, log_x):
    """The derivative of log(x) in a while the incomplete gamma function P(a, x) stays.

    Args:
      a: an array of floats, positive.
      log_x: an array of floats: the logarithm of x, which itself may be too small for its dtype.

    Returns:
      An array of their dtype and common shape: relative error below 1e-12. nan for other a.

    Errors:
      TypeError if an operand is not of floats.

    Example:
      >>> import numpy as np
      >>> from functrans.primitives.special_incomplete import gamma_slope
      >>> round(float(gamma_slope(1e-3, -5000.0)), 3)          # about -log(x) / a
      4999424.428
    """
    x = np.exp(log_x)
    good = (a > 0) & ~np.isnan(log_x)
    near = (a > 20.0) & (x > 0.4 * a) & (x < 2.0 * a)
    return choose([(~good, lambda a, log_x, x: np.full_like(a, np.nan)),
                   ((a == np.inf) | (x == np.inf), lambda a, log_x, x: np.zeros_like(a)),
                   (near, lambda a, log_x, x: _by_expansion(a, x)),
                   (x <= np.maximum(a, 1.5), _by_series),
                   (None, _by_fraction)], a, log_x, x)


def _by_series(a, log_x, x):
    """P as x**a exp(-x) / gamma(a + 1) times the sum of x**n / ((a + 1) ... (a + n))."""
    term, total, divisor = np.ones_like(x), np.ones_like(x), a.copy()
    harmonic, slope = np.zeros_like(x), np.zeros_like(x)
    while np.any(term > _ENOUGH * total):
        divisor += 1.0
        term *= x / divisor
        harmonic += 1.0 / divisor
        total += term
        slope += term * harmonic                # minus the derivative of the sum in a
    return (total * (digamma_float64(a + 1.0) - log_x) + slope) / a


_LONGEST = 2000


def _by_fraction(a, log_x, x):
    """1 - P as x**a exp(-x) / gamma(a) times a continued fraction, differentiated step by step.

    Its derivative is kept in proportion to its value, as the sum of those of its factors.
    """
    b = x + 1.0 - a
    c, d = np.full_like(x, 1.0 / TINY), 1.0 / b
    dc, dd = np.zeros_like(x), d * d
    total, slope, n = d.copy(), d.copy(), 0.0
    active = np.ones(x.shape, bool)
    while active.any() and n < _LONGEST:
        n += 1.0
        numerator = n * (a - n)
        b += 2.0
        last, d = d, 1.0 / not_zero(numerator * d + b)
        dd = -d * d * (n * last + numerator * dd - 1.0)
        last, c = c, not_zero(b + numerator / c)
        dc = n / last - numerator * (dc / last) / last - 1.0
        factor, step = c * d, dc / c + dd / d
        total = np.where(active, total * factor, total)
        slope = np.where(active, slope + step, slope)
        active &= (np.abs(factor - 1.0) > 1e-15) | (np.abs(step) > 1e-15 * slope)
    return total * (log_x - digamma_float64(a) + slope)


def _by_expansion(a, x):
    """1 - P as erfc(eta sqrt(a/2)) / 2 and a sum of c_k(eta) / a**k, differentiated at fixed x."""
    excess = (x - a) / a
    eta = np.copysign(np.sqrt(2.0 * ratio_minus_one_less_log(a, x)), excess)
    ratio = np.where(eta == 0.0, 1.0, excess / np.where(eta == 0.0, 1.0, eta))
    total, by_eta, by_a = _sums(a, eta)
    value = ratio - 0.5 * eta + total * (np.log1p(excess) - 0.5 / a) - by_eta * ratio / a + by_a
    return np.exp(stirling_rest(a)) / a * value


def _sums(a, eta):
    """The sum of c_k(eta) / a**k, and its derivatives in eta and a."""
    total, by_eta, by_a = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
    for row in reversed(_temme_table()):
        by_a = by_a / a - total / (a * a)
        total = total / a + polynomial(eta, row)
        by_eta = by_eta / a + polynomial(eta, [k * c for k, c in enumerate(row)][1:])
    return total, by_eta, by_a
