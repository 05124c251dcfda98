"""The scaled complementary error function, and the normal distribution's in both tails.

In: arrays. Out: arrays. Imports numpy and the other special functions only.
"""
from __future__ import annotations

import numpy as np

from functrans.primitives.special_base import choose, elementwise
from functrans.primitives.special_erf import erf_inv, erfc_float64, scaled_erfc

_ROOT_HALF = 0.7071067811865476


@elementwise
def erfcx(x):
    """exp(x**2) erfc(x), which is about 1 / (x sqrt(pi)) for large x.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape; infinite where exp(x**2) overflows, left of -26.6.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special_normal import erfcx
      >>> round(float(erfcx(1.0)), 12)
      0.427583576156
    """
    return choose([(x >= 0.5, scaled_erfc), (None, lambda x: _exp_square(x) * erfc_float64(x))], x)


def _exp_square(x):
    """exp(x**2), mindful of what rounding takes from the square; infinite from 30 on."""
    x = np.maximum(x, -30.0)
    high = x.astype(np.float32).astype(np.float64)      # its square is exact
    return np.exp(high * high) * np.exp((x - high) * (x + high))


@elementwise
def log_ndtr(x):
    """The logarithm of the normal distribution function, accurate in both tails.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special_normal import log_ndtr
      >>> round(float(log_ndtr(-100.0)), 9)
      -5005.524208645
    """
    return _log_ndtr(x)


def _log_ndtr(x):
    return choose([(x < -1.0, _log_ndtr_left),
                   (None, lambda x: np.log1p(-0.5 * erfc_float64(x * _ROOT_HALF)))], x)


def _log_ndtr_left(x):
    return np.log(0.5 * scaled_erfc(-x * _ROOT_HALF)) - 0.5 * x * x


# Up to here the inverse comes from the left tail, beyond from erf_inv.
TAIL = 0.1
NEWTON_STEPS = 4
LOG_TWO_PI = 1.8378770664093453


@elementwise
def ndtri(p):
    """The inverse of the normal distribution function.

    Args:
      p: an array of floats from 0 to 1.

    Returns:
      An array of the same dtype and shape, accurate for p near 0, too; nan outside of 0 to 1.

    Errors:
      TypeError if `p` is not of floats.

    Example:
      >>> from functrans.primitives.special_normal import ndtri
      >>> round(float(ndtri(0.975)), 9)
      1.959963985
    """
    return choose([(p == 0.0, lambda p: np.full_like(p, -np.inf)),
                   ((p > 0.0) & (p < TAIL), _left_quantile),
                   ((p > 1.0 - TAIL) & (p < 1.0), lambda p: -_left_quantile(1.0 - p)),
                   (None, lambda p: erf_inv(2.0 * p - 1.0) / _ROOT_HALF)], p)


def _left_quantile(p):
    """Newton's method on the logarithm, which is nearly a parabola there."""
    logarithm = np.log(p)
    square = -2.0 * logarithm
    x = -np.sqrt(square - np.log(square) - LOG_TWO_PI)
    for _ in range(NEWTON_STEPS):
        value = _log_ndtr(x)
        x = x - (value - logarithm) * np.exp(value + 0.5 * (x * x + LOG_TWO_PI))
    return x
