"""lgamma, digamma and polygamma.

Large arguments go by Stirling's series, smaller ones are first moved up by the recurrence, and
negative ones are reflected (Abramowitz and Stegun 6.1.40, 6.3.18, 6.3.7). lgamma has zeros at 1
and 2; around them it is (x - 1)(x - 2) times a polynomial, so that no digits are lost.

In: arrays. Out: arrays. Imports numpy, `special_base` and `special_tables` only.
"""
from __future__ import annotations

import numpy as np

from functrans.primitives import special_tables as tables
from functrans.primitives.special_base import choose, elementwise, polynomial, scaled

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
             43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730)     # B2, B4, ..., B24
_HALF_LOG_2_PI = 0.9189385332046728

# ---- lgamma ----


@elementwise
def lgamma(x):
    """The logarithm of |gamma(x)|.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape: relative error below 1e-14 for positive x, absolute
      error about 1e-15 times the terms' size near the zeros at negative x; infinity at 0, -1,
      -2, ... and at both infinities.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import lgamma
      >>> [round(float(y), 12) for y in lgamma([0.0, 0.5, 1.0, 5.0])]
      [inf, 0.572364942925, 0.0, 3.178053830348]
    """
    return lgamma_float64(x)


def lgamma_float64(x):
    """lgamma of a flat float64 array."""
    return choose([(x >= 0.5, log_gamma), (x == -np.inf, np.abs),
                   (x < 0.5, _log_gamma_left)], x)


def log_gamma(x):
    """lgamma for x >= 1/2."""
    return choose([(x <= 2.5, lambda x: log_gamma_around(x - 1.0)),
                   (x < 10.0, _log_gamma_shifted),
                   (x < 1e17, _log_gamma_large),
                   (None, lambda x: x * (np.log(x) - 1.0))], x)


def log_gamma_around(d):
    """lgamma(1 + d) for -1/2 <= d <= 3/2, with the relative accuracy of d."""
    t = scaled((d - 0.1) / (d + 2.0), -0.4, 0.4)
    return d * (d - 1.0) * polynomial(t, tables.LOG_GAMMA) + 0.0      # not -0.0 at d = 0


def log_gamma_1p(a):
    """lgamma(1 + a) for a >= 0, with the relative accuracy of a near 0."""
    return choose([(a < 1.5, log_gamma_around), (None, lambda a: log_gamma(1.0 + a))], a)


def _log_gamma_shifted(x):
    """For 5/2 < x < 10: gamma(x) = (x - 1) (x - 2) ... gamma(x - n)."""
    product = np.ones_like(x)
    for _ in range(8):
        above = x > 2.5
        x = np.where(above, x - 1.0, x)
        product = np.where(above, product * x, product)
    return np.log(product) + log_gamma_around(x - 1.0)


def _log_gamma_large(x):
    return (x - 0.5) * np.log(x) - x + (_HALF_LOG_2_PI + stirling_rest(x))


_STIRLING = [b / ((2 * k + 2) * (2 * k + 1)) for k, b in enumerate(BERNOULLI[:9])]


def stirling_rest(x):
    """What Stirling's formula leaves of lgamma: 1/(12 x) - ..., for x >= 10."""
    return polynomial(1.0 / (x * x), _STIRLING) / x


def _log_gamma_left(x):
    """For x < 1/2: by the recurrence close to 0, else by reflection."""
    return choose([(x >= -0.5, lambda x: log_gamma_around(x) - np.log(np.abs(x))),
                   (None, _log_gamma_reflected)], x)


def _log_gamma_reflected(x):
    sine = np.abs(np.sin(np.pi * (x - np.rint(x))))
    return np.where(sine == 0, np.inf, np.log(np.pi / sine) - log_gamma(1.0 - x))


# ---- the beta function ----

@elementwise
def lbeta(a, b):
    """The logarithm of |gamma(a) gamma(b) / gamma(a + b)|.

    Args:
      a, b: arrays of floats.

    Returns:
      An array of their dtype and common shape: error below 1e-14 times the larger of 1 and the
      result for positive operands, however different; for others 1e-15 times the terms' size.

    Errors:
      TypeError if an operand is not of floats.

    Example:
      >>> from functrans.primitives.special_gamma import lbeta
      >>> round(float(lbeta(0.5, 1e9)), 9)
      -9.789268003
    """
    p, q = np.minimum(a, b), np.maximum(a, b)
    return choose([(p >= 10.0, _log_beta_large), ((p > 0.0) & (q >= 10.0), _log_beta_uneven),
                   (None, lambda p, q: lgamma_float64(p) + (lgamma_float64(q)
                                                            - lgamma_float64(p + q)))], p, q)


def _log_beta_uneven(p, q):
    """Stirling's formula for the two large ones, without what cancels in it."""
    rest = stirling_rest(q) - stirling_rest(p + q)
    step = p * (1.0 - np.log(p + q)) - (q - 0.5) * np.log1p(p / q)
    return lgamma_float64(p) + (step + rest)


def _log_beta_large(p, q):
    rest = stirling_rest(p) + (stirling_rest(q) - stirling_rest(p + q))
    return (_HALF_LOG_2_PI - 0.5 * np.log(q) + rest
            - (p - 0.5) * np.log1p(q / p) - q * np.log1p(p / q))


# ---- digamma ----

@elementwise
def digamma(x):
    """The derivative of lgamma.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape: relative error below 1e-14 away from the zeros,
      absolute error about 1e-15 near them. At 0 it is an infinity of the opposite sign, at -1,
      -2, ... and minus infinity nan.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import digamma
      >>> [round(float(y), 12) for y in digamma([1.0, 2.0, -1.0])]
      [-0.577215664902, 0.422784335098, nan]
    """
    return digamma_float64(x)


def digamma_float64(x):
    """digamma of a flat float64 array."""
    return choose([(x > 0.0, _digamma_positive),
                   (x == 0.0, lambda x: -np.copysign(np.inf, x)),
                   ((x < 0.0) & (x != np.floor(x)), _digamma_reflected)], x)


def _digamma_positive(x):
    """The recurrence moves x up to 10 or more, where the series is good."""
    shift = np.zeros_like(x)
    for _ in range(10):
        small = x < 10.0
        if not small.any():
            break
        shift = np.where(small, shift + 1.0 / x, shift)
        x = np.where(small, x + 1.0, x)
    return _digamma_large(x) - shift


_DIGAMMA = [b / (2 * k + 2) for k, b in enumerate(BERNOULLI[:9])]


def _digamma_large(x):
    square = 1.0 / (x * x)
    return np.log(x) - (0.5 / x + square * polynomial(square, _DIGAMMA))


def _digamma_reflected(x):
    return _digamma_positive(1.0 - x) - np.pi / np.tan(np.pi * (x - np.rint(x)))


# ---- polygamma ----

@elementwise
def polygamma(n, x):
    """The derivative of digamma of order `n`.

    Args:
      n: an array of floats, of numbers 0, 1, 2, ...
      x: an array of floats.

    Returns:
      An array of their dtype and common shape: relative error below 1e-13 for n <= 170, growing
      to 1e-11 beyond. For n > 0 it is infinite at 0, -1, -2, ...; where `n` is no such number,
      nan.

    Errors:
      TypeError if `n` or `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import polygamma
      >>> round(float(polygamma(1.0, 1.0)), 12)         # pi**2 / 6
      1.644934066848
    """
    valid = (n >= 0) & (n == np.floor(n)) & (n < np.inf)
    return choose([(valid & (n == 0), lambda n, x: digamma_float64(x)),
                   (valid & (x > 0), lambda n, x: -_sign(n) * scaled_zeta(n, x)),
                   (valid & (x > -np.inf), _polygamma_left)], n, x)


def _sign(n):
    """(-1)**n."""
    return 1.0 - 2.0 * (n % 2.0)


def _polygamma_left(n, x):
    """For x <= 0: the sum over the poles is that over all integers, less those beyond 1 - x.

    It is written with the distances to the poles on both sides, which are exact.
    """
    right, left = x - np.floor(x), np.ceil(x) - x
    at_pole = right == 0.0
    left = np.where(at_pole, 1.0, left)
    beyond = scaled_zeta(n, left) - scaled_zeta(n, 1.0 - x)
    value = -_sign(n) * scaled_zeta(n, np.where(at_pole, 1.0, right)) + beyond
    return np.where(at_pole, -_sign(n) * np.inf, value)


_FACTORIALS = np.cumprod([1, *range(1, 171)], dtype=object).astype(np.float64)


def scaled_zeta(n, x):
    """n! times the Hurwitz zeta function of n + 1 at x > 0: the sum of n! / (x + k)**(n + 1).

    The power goes in by halves: n! may be huge where the power is tiny.
    """
    order = n + 1.0
    relative = _relative_zeta(order, x)
    half = np.power(x, -0.5 * order)
    small = _FACTORIALS[np.minimum(n, 170.0).astype(int)] * half * relative * half
    large = np.exp(log_gamma(order) - order * np.log(x)) * relative
    return np.where(n <= 170.0, small, large)


@elementwise
def zeta(s, q):
    """The Hurwitz zeta function: the sum of 1 / (q + k)**s over k = 0, 1, ...

    Args:
      s: an array of floats greater than 1.
      q: an array of floats, positive.

    Returns:
      An array of their dtype and common shape: relative error below 1e-13. It is infinite for s = 1
      and where q is 0 or a negative integer; nan for s < 1 and other negative q.

    Errors:
      TypeError if `s` or `q` is not of floats.

    Example:
      >>> from functrans.primitives.special_gamma import zeta
      >>> round(float(zeta(2.0, 1.0)), 12)             # pi**2 / 6
      1.644934066848
    """
    pole = (s == 1.0) | (s > 1.0) & (q <= 0.0) & (q == np.floor(q))
    return choose([(pole & ~np.isnan(q), lambda s, q: np.full_like(s, np.inf)),
                   ((s == np.inf) & (q > 0.0), lambda s, q: np.power(q, -s)),
                   ((s > 1.0) & (q > 0.0), _zeta)], s, q)


def _zeta(s, q):
    """The power goes in by halves: it may be huge where the result is not."""
    half = np.power(q, -0.5 * s)
    return half * _relative_zeta(s, q) * half


_FIRST_TERMS = 12


def _relative_zeta(order, x):
    """x**order times the zeta function, by the Euler-Maclaurin formula (DLMF 25.11.5)."""
    total = np.ones_like(x)
    for k in range(1, _FIRST_TERMS):
        total += np.power(x / (x + k), order)
    end = x + _FIRST_TERMS
    weight = np.power(x / end, order)
    total += weight * (end / (order - 1.0) + 0.5 + _euler_maclaurin(order, end))
    return np.where(x == np.inf, 1.0, total)


def _euler_maclaurin(order, end):
    """The sum of B2k / (2k)! order (order + 1) ... (order + 2k - 2) / end**(2k - 1)."""
    total, factor = np.zeros_like(end), order / (2.0 * end)
    for k, bernoulli in enumerate(BERNOULLI, 1):
        total += bernoulli * factor
        factor = factor * ((order + 2 * k - 1.0) / end) * ((order + 2 * k) / end)
        factor /= (2 * k + 1) * (2 * k + 2)
    return total
