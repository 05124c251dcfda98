"""Integrals with a name: Spence's, Dawson's, Owen's. Computed in double precision.

Imports `api`, `numpy`, `scipy.special`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.api.custom_jvp import custom_jvp
from functrans.numpy.choosing import where
from functrans.numpy.reductions import sum
from functrans.numpy.ufuncs import abs, arctan, copysign, exp, isnan, log, minimum, rint, sign
from functrans.scipy.special.common import in_double, reals
from functrans.scipy.special.errors import erf, erfc


def spence(z):
    """The dilogarithm of 1 - z: the integral of `log(t) / (1 - t)` from 1 to z, for z >= 0.

    >>> import functrans as ft
    >>> ft.scipy.special.spence(0.0)
    Array(1.644934, dtype=float32)
    """
    z, = reals("spence", z)
    return in_double(_spence, z)


def dawsn(x):
    """Dawson's integral: `exp(-x**2)` times the integral of `exp(t**2)` from 0 to x.

    >>> import functrans as ft
    >>> ft.scipy.special.dawsn(1.0)
    Array(0.5380795, dtype=float32)
    """
    x, = reals("dawsn", x)
    return in_double(_dawsn, x)


def owens_t(h, a):
    """Owen's T: the probability that X > h and 0 < Y < a X, of independent standard normal X, Y.

    >>> import functrans as ft
    >>> ft.scipy.special.owens_t(0.0, 1.0)
    Array(0.125, dtype=float32)
    """
    h, a = reals("owens_t", h, a)
    return in_double(_owens_t, h, a)


# ---- Spence ----

# B_2k / (2k + 1)!: the coefficients of odd powers of u = -log(z), beside u - u**2 / 4.
_BERNOULLI = [1 / 36, -1 / 3600, 1 / 211680, -1 / 10886400, 1 / 526901760,
              -691 / (2730 * math.factorial(13)), 7 / (6 * math.factorial(15)),
              -3617 / (510 * math.factorial(17)), 43867 / (798 * math.factorial(19))]


@custom_jvp
def _spence(z):
    """L. Lewin, "Polylogarithms and Associated Functions" (1981), 1.4 to 1.6."""
    high = z > 2
    y = where(high, 1 / where(high, z, 1.0), where((z > 0) & (z <= 2), z, 1.0))
    low = y < 0.5
    u = -log(where(low, 1 - y, y))
    square, series = u * u, 0.0
    for coefficient in reversed(_BERNOULLI):
        series = series * square + coefficient
    value = u - square / 4 + u * square * series
    log_y = log(y)
    value = where(low, math.pi ** 2 / 6 + log_y * u - value, value)
    value = where(high, -value - 0.5 * log_y * log_y, value)
    value = where(z == 0, math.pi ** 2 / 6, where(z == np.inf, -np.inf, value))
    return where((z < 0) | isnan(z), np.nan, value)


@_spence.defjvp
def _spence_rule(primals, tangents):
    (z,), (dz,) = primals, tangents
    return _spence(z), _log_ratio(z) * dz


def _log_ratio(z):
    """log(z) / (1 - z), and its limit at 1, by a series in (1 - z) / (1 + z) near there."""
    near = abs(z - 1) < 0.1
    w = where(near, (z - 1) / (z + 1), 0.0)
    series = 0.0
    for k in range(9, -1, -1):                       # log(z) = 2 artanh(w), z - 1 = 2 w / (1 - w)
        series = series * w * w + 1 / (2 * k + 1)
    far = log(where(near, 2.0, z)) / (1 - where(near, 2.0, z))
    return where(near, -series * (1 - w), far)


# ---- Dawson ----

_STEP = 0.25


@custom_jvp
def _dawsn(x):
    """G. Rybicki, Computers in Physics 3 (1989): a sum that converges exponentially."""
    finite = abs(x) < np.inf
    safe = where(finite, x, 1.0)
    base = 2 * rint(safe / (2 * _STEP))
    rest = safe - base * _STEP
    total, growth = 0.0, exp(2 * _STEP * rest)
    for m in range(27, 0, -2):
        up = growth ** m
        total = total + math.exp(-(m * _STEP) ** 2) * (up / (base + m) + 1 / (up * (base - m)))
    value = exp(-rest * rest) * total / math.sqrt(math.pi)
    near = abs(x) < 0.5
    small, series = where(near, x, 0.0), 0.0
    for k in range(14, 0, -1):
        series = (1 + series) * (-2 * small * small / (2 * k + 1))
    value = where(near, small * (1 + series), value)
    return where(isnan(x), x, where(finite, value, copysign(0.0, x)))


@_dawsn.defjvp
def _dawsn_rule(primals, tangents):
    (x,), (dx,) = primals, tangents
    value = _dawsn(x)
    return value, (1 - 2 * x * value) * dx


# ---- Owen ----

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_REACH = 9.0                                         # behind it exp(-t**2 / 2) counts for nothing


@custom_jvp
def _owens_t(h, a):
    """By the integral of D. B. Owen, Annals of Mathematical Statistics 27 (1956), equation 2.1,
    for slopes up to 1, and his equation 2.3 for steeper ones."""
    size, slope = abs(h), abs(a)
    steep = slope > 1
    scaled = where(size == 0, 0.0, size * slope)
    inner_h = where(steep, scaled, size)
    inner_a = where(steep, 1 / where(steep, slope, 1.0), slope)
    value = _gauss(inner_h, inner_a)
    q, other = (0.5 * erfc(x * math.sqrt(0.5)) for x in (size, scaled))
    value = where(steep, 0.5 * (q + other) - q * other - value, value)
    value = where(size == 0, arctan(slope) / (2 * math.pi), value)
    value = where(size == np.inf, 0.0, value)
    return where(isnan(h) | isnan(a), np.nan, sign(a) * value)


@_owens_t.defjvp
def _owens_t_rule(primals, tangents):
    (h, a), (dh, da) = primals, tangents
    by_h = -exp(-0.5 * h * h) * erf(a * h * math.sqrt(0.5)) / (2 * math.sqrt(2 * math.pi))
    by_a = exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a))
    return _owens_t(h, a), by_h * dh + by_a * da


def _gauss(h, a):
    """The integral of exp(-h**2 (1 + x**2) / 2) / (1 + x**2) from 0 to a, over 2 pi."""
    safe = where(h < np.inf, h, 0.0)
    end = minimum(a, _REACH / where(safe < 1, 1.0, safe))
    x = end[..., None] * (0.5 * (_NODES + 1))
    square = 1 + x * x
    parts = exp(-0.5 * (safe * safe)[..., None] * square) / square * (0.5 * _WEIGHTS)
    return where(h < np.inf, end * sum(parts, -1) / (2 * math.pi), 0.0)
