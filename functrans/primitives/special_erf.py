"""erf, erfc and erf_inv, and the logistic function.

Each is split where Cody splits it (Rational Chebyshev approximations for the error function,
Mathematics of Computation 23, 1969): near zero erf is x times a polynomial of x**2, and further
out erfc(x) is exp(-x**2) times a smooth function.

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
    two_sum,
)


@elementwise
def erf(x):
    """The error function, 2/sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape; within 2 ulp in float64.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import erf
      >>> [float(y) for y in erf([0.0, 0.5, 10.0])]
      [0.0, 0.5204998778130465, 1.0]
    """
    return _erf(x)


def _erf(x):
    return choose([(np.abs(x) <= 0.5, erf_near_zero),
                   (None, lambda x: np.copysign(1.0 - _erfc_positive(np.abs(x)), x))], x)


def erf_near_zero(x):
    """erf for |x| <= 1/2. The sum begins with x itself, so that little is rounded."""
    return x + x * polynomial(scaled(x * x, 0.0, 0.25), tables.ERF)


@elementwise
def erfc(x):
    """The complementary error function 1 - erf(x), accurate also where erf is nearly 1.

    Args:
      x: an array of floats.

    Returns:
      An array of the same dtype and shape; within 4 ulp in float64.

    Errors:
      TypeError if `x` is not of floats.

    Example:
      >>> from functrans.primitives.special import erfc
      >>> [float(y) for y in erfc([-30.0, 0.0])], bool(0.0 < erfc(27.0) < 1e-300)
      ([2.0, 1.0], True)
    """
    return erfc_float64(x)


def erfc_float64(x):
    """erfc of a flat float64 array."""
    return choose([(np.abs(x) <= 0.5, lambda x: 1.0 - erf_near_zero(x)),
                   (x > 0, _erfc_positive),
                   (x < 0, lambda x: 2.0 - _erfc_positive(-x))], x)


def _erfc_positive(x):
    """erfc for x >= 1/2: what the larger steps round away is added at the end."""
    x = np.minimum(x, 28.0)             # erfc(28) is 0 in float64; nan stays nan
    high = x.astype(np.float32).astype(np.float64)      # its square is exact
    low = (x - high) * (x + high)
    value, correction = _scaled_erfc_parts(x)
    value *= np.exp(-high * high)
    return value + value * (correction + np.expm1(-low))


_T_LOW, _T_HIGH = (0.5 - 3.75) / (0.5 + 3.75), (28.0 - 3.75) / (28.0 + 3.75)


def scaled_erfc(x):
    """exp(x**2) erfc(x) for x >= 1/2; beyond 28 by the asymptotic series."""
    return choose([(~(x > 28.0), _scaled_erfc_to_28), (None, _scaled_erfc_far)], x)


def _scaled_erfc_to_28(x):
    value, correction = _scaled_erfc_parts(x)
    return value + value * correction


def _scaled_erfc_parts(x):
    """exp(x**2) erfc(x) for 1/2 <= x <= 28, and its relative rounding error.

    The factor 1 + 2x makes it nearly constant, and t maps the half-line to an interval
    (Shepherd and Laframboise, Mathematics of Computation 36, 1981).
    """
    t = scaled((x - 3.75) / (x + 3.75), _T_LOW, _T_HIGH)
    top, top_rest = two_sum(tables.ERFCX[0], t * polynomial(t, tables.ERFCX[1:]))
    bottom, bottom_rest = two_sum(1.0, 2.0 * x)
    return top / bottom, top_rest / top - bottom_rest / bottom


_ASYMPTOTIC = 1.0, -1.0, 3.0, -15.0, 105.0, -945.0, 10395.0    # Abramowitz and Stegun 7.1.23


def _scaled_erfc_far(x):
    series = polynomial(0.5 / (x * x), _ASYMPTOTIC)
    return series / (x * 1.7724538509055159)        # sqrt(pi)


# ---- erf_inv ----

@elementwise
def erf_inv(p):
    """The inverse of erf: erf(erf_inv(p)) == p.

    Args:
      p: an array of floats from -1 to 1.

    Returns:
      An array of the same dtype and shape: relative error below 1e-14, infinity at 1 and -1,
      nan outside.

    Errors:
      TypeError if `p` is not of floats.

    Example:
      >>> from functrans.primitives.special import erf_inv
      >>> [float(x) for x in erf_inv([-1.0, 0.0, 1.0])]
      [-inf, 0.0, inf]
    """
    return choose([(np.abs(p) < 1.0, _erf_inv_inside),
                   (np.abs(p) == 1.0, lambda p: np.copysign(np.inf, p))], p)


def _erf_inv_inside(p):
    """A start from polynomials, and one step that triples its digits.

    The polynomials are of w = -log(1 - p**2), as Giles proposes (Approximating the erfinv
    function, GPU Computing Gems 2, 2012).
    """
    rest = 1.0 - np.abs(p)              # exact where it is small
    w = -np.log(rest * (1.0 + np.abs(p)))
    start = p * choose([(w <= 5.0, _erf_inv_centre), (None, _erf_inv_tail)], w)
    return _halley_step(start, p, rest)


def _erf_inv_centre(w):
    return polynomial(scaled(w, 0.0, 5.0), tables.ERF_INV_CENTRE)


_ROOT_5 = 2.23606797749979


def _erf_inv_tail(w):
    return polynomial(scaled(np.sqrt(w), _ROOT_5, 6.1), tables.ERF_INV_TAIL)


def _halley_step(y, p, rest):
    """One step of Halley's method for erf(y) = p; the error is cubed.

    In the tails the equation is erfc(y) = 1 - p, which loses no digits there.
    """
    error = choose([(rest > 0.5, lambda y, p, rest: _erf(y) - p),
                    (None, lambda y, p, rest: np.sign(p) * (rest - erfc_float64(np.abs(y))))],
                   y, p, rest)
    newton = error * np.exp(y * y) * 0.886226925452758          # sqrt(pi) / 2
    return y - newton / (1.0 + y * newton)


# ---- logistic ----

def logistic(x):
    """1 / (1 + exp(-x)), without overflow.

    Args:
      x: an array of floats or complex numbers.

    Returns:
      An array of the same dtype and shape; within 3 ulp in float64.

    Errors:
      TypeError if `x` is not of floats or complex numbers.

    Example:
      >>> from functrans.primitives.special import logistic
      >>> [float(y) for y in logistic([-1000.0, 0.0, 1000.0])]
      [0.0, 0.5, 1.0]
    """
    return _logistic_complex(np.asarray(x)) if np.iscomplexobj(x) else _logistic(x)


@elementwise
def _logistic(x):
    return _logistic_from(x, np.exp(-np.abs(x)))


def _logistic_complex(x):
    with np.errstate(all="ignore"):
        return np.asarray(_logistic_from(x.real, np.exp(np.where(x.real < 0, x, -x))), x.dtype)


def _logistic_from(x, small):
    """`small` is exp(-x) where x >= 0, and exp(x) elsewhere."""
    return np.where(x < 0, small, 1.0) / (1.0 + small)
