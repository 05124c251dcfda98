"""How a gamma quantile moves with the parameter: what derivatives in it are made of.

Let x be the quantile of a gamma distribution at a fixed probability P(a, x). The slope of log(x) in
a is minus the derivative of P in a over x times the density. All factors that overflow or vanish
cancel in it, and in each of three regions it is a sum of positive terms, or nearly so: from the
power series of P below its middle, from the continued fraction of 1 - P above, and from Temme's
expansion where a is large and x near it (see `special_incomplete` for the three).

In: arrays. Out: arrays. Imports numpy and the other special functions only.
"""
from __future__ import annotations

import numpy as np

from functrans.primitives.special_base import TINY, choose, elementwise, not_zero, polynomial
from functrans.primitives.special_gamma import digamma_float64, stirling_rest
from functrans.primitives.special_incomplete import temme_table
from functrans.primitives.special_powers import ratio_minus_one_less_log


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
      >>> from functrans.primitives.special_slope import gamma_slope
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


_ENOUGH = 1e-17


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
    for row in reversed(temme_table()):
        by_a = by_a / a - total / (a * a)
        total = total / a + polynomial(eta, row)
        by_eta = by_eta / a + polynomial(eta, [k * c for k, c in enumerate(row)][1:])
    return total, by_eta, by_a
