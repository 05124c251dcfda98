"""Large powers that nearly cancel, to the last digits.

(x/a)**a exp(a - x) and its like have large exponents, in which a rounded ratio would cost
digits. So the ratio's rounding error is kept, and np.power, which is accurate for large
exponents, does the rest.

In: flat float64 arrays. Out: flat float64 arrays. Imports numpy and `special_base` only.
"""
from __future__ import annotations

import numpy as np

from functrans.primitives.special_base import choose, two_product, two_sum

_HALF_RANGE = 1400.0        # half of such an exponent does not overflow exp


def stirling_power(a, x):
    """(x/a)**a exp(a - x) for positive a and x."""
    safe = (np.abs(a * np.log(x / a)) < _HALF_RANGE) & (np.abs(a - x) < _HALF_RANGE)
    return choose([(safe, _stirling_power_by_power),
                   (None, lambda a, x: np.exp(-a * ratio_minus_one_less_log(a, x)))], a, x)


def _stirling_power_by_power(a, x):
    difference, rest = two_sum(a, -x)
    root = half_power(x, np.zeros_like(x), a) * np.exp(0.5 * difference)
    return root * root * np.exp(rest)


def half_power(x, x_rest, a):
    """((x + x_rest) / a)**(a / 2)."""
    ratio = x / a
    product, rest = two_product(ratio, a)
    relative = ((x - product) - rest + x_rest) / x      # what rounding took from the ratio
    return np.power(ratio, 0.5 * a) * np.exp(0.5 * a * relative)


def ratio_minus_one_less_log(a, x):
    """r - 1 - log(r) for r = x/a."""
    return minus_log1p((x - a) / a, x / a)


def minus_log1p(m, r):
    """m - log(1 + m), where r = 1 + m is given too; good where m is small."""
    return choose([(np.abs(m) < 0.3, lambda m, r: _minus_log1p_series(m)),
                   (None, lambda m, r: m - np.log(r))], m, r)


def _minus_log1p_series(m):
    """By the series of the logarithm in s = m / (2 + m): log(1 + m) = 2 (s + s**3/3 + ...)."""
    s = m / (2.0 + m)
    square = s * s
    total = np.zeros_like(m)
    for k in range(23, 1, -2):
        total = total * square + 1.0 / k
    return s * (m - 2.0 * square * total)
