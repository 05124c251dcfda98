"""The exponentially scaled modified Bessel functions of the first kind, i0e and i1e.

Up to 4 the power series, whose terms all have one sign (Abramowitz and Stegun 9.6.10); beyond,
sqrt(x) exp(-x) I(x) is nearly constant and a polynomial of 1/x (the variable of the asymptotic
series 9.7.1).

In: arrays. Out: arrays. Imports numpy, `special_base` and `special_tables` only.
"""
from __future__ import annotations

import numpy as np

from functrans.primitives import special_tables as tables
from functrans.primitives.special_base import (
    choose,
    elementwise,
    polynomial,
    scaled,
    two_product,
)


def _series_coefficients(order: int) -> list[float]:
    """1 / (k! (k + order)!) for k = 0, 1, ..."""
    coefficients, product = [], 1
    for k in range(22):
        product *= max(k, 1) * (k + order if k else 1)
        coefficients.append(1 / product)
    return coefficients


_SERIES = _series_coefficients(0), _series_coefficients(1)


@elementwise
def bessel_i0e(x):
    """exp(-|x|) I0(x), I0 the modified Bessel function of the first kind of order 0.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape; within 4 ulp in float64.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import bessel_i0e
      >>> [round(float(y), 12) for y in bessel_i0e([0.0, 1.0, 1e4])]
      [1.0, 0.465759607594, 0.003989472675]
    """
    return _scaled_bessel(np.abs(x), 0, tables.BESSEL_I0_MIDDLE, tables.BESSEL_I0_TAIL)


@elementwise
def bessel_i1e(x):
    """exp(-|x|) I1(x), I1 the modified Bessel function of the first kind of order 1.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape, odd in x; within 4 ulp in float64.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import bessel_i1e
      >>> [round(float(y), 12) for y in bessel_i1e([-1.0, 0.0, 1.0])]
      [-0.20791041535, 0.0, 0.20791041535]
    """
    value = _scaled_bessel(np.abs(x), 1, tables.BESSEL_I1_MIDDLE, tables.BESSEL_I1_TAIL)
    return np.copysign(value, x)


def _scaled_bessel(x, order: int, middle, tail):
    def series(x):
        value = np.exp(-x) * _power_series(x, _SERIES[order])
        return value if order == 0 else 0.5 * x * value

    def in_the_middle(x):
        return polynomial(scaled(1.0 / x, 0.1, 0.25), middle) / np.sqrt(x)

    def far_out(x):
        return polynomial(scaled(1.0 / x, 0.0, 0.1), tail) / np.sqrt(x)

    return choose([(x < 4.0, series), (x < 10.0, in_the_middle), (x >= 10.0, far_out)], x)


def _power_series(x, coefficients):
    """The polynomial of z = x**2 / 4, mindful of what rounding takes from z."""
    square, rest = two_product(x, x)
    z = 0.25 * square
    slope = polynomial(z, [k * c for k, c in enumerate(coefficients[:12])][1:])
    return coefficients[0] + (z * polynomial(z, coefficients[1:]) + 0.25 * rest * slope)
