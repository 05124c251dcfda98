"""Integrals of sines and cosines: series near 0, continued fractions of complex numbers beyond.

M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions" (1964), 5.2 and 7.3. Computed in
double precision, complex numbers as pairs. Imports `api`, `lax.loops`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.api.custom_jvp import custom_jvp
from functrans.lax.loops import fori_loop
from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import abs, copysign, cos, isnan, log, sin, sinc
from functrans.primitives.elementwise import convert
from functrans.scipy.special.common import in_double, reals

_EULER = 0.57721566490153286061
_SERIES, _FRACTIONS = 26, 64


def sici(x):
    """(Si, Ci): the integrals of `sin(t) / t` from 0 to x, and of `cos(t) / t` from infinity to x.

    Ci of a negative x is that of abs(x), its real part; -infinite at 0.

    >>> import functrans as ft
    >>> ft.scipy.special.sici(1.0)
    (Array(0.94608307, dtype=float32), Array(0.33740392, dtype=float32))
    """
    x, = reals("sici", x)
    return in_double(_sici, x)


def fresnel(x):
    """(S, C): the integrals of `sin(pi t**2 / 2)` and of `cos(pi t**2 / 2)` from 0 to x.

    >>> import functrans as ft
    >>> ft.scipy.special.fresnel(1.0)
    (Array(0.43825915, dtype=float32), Array(0.7798934, dtype=float32))
    """
    x, = reals("fresnel", x)
    return in_double(_fresnel, x)


# ---- sine and cosine integrals ----

@custom_jvp
def _sici(x):
    size = abs(x)
    near, far = size <= 4, (size > 4) & (size < np.inf)
    si, ci = _sici_series(where(near, size, 1.0))
    far_si, far_ci = _sici_fraction(where(far, size, 5.0))
    si, ci = where(near, si, far_si), where(near, ci, far_ci)
    si, ci = where(size == np.inf, np.pi / 2, si), where(size == np.inf, 0.0, ci)
    si = where(isnan(x), x, copysign(si, x))
    return si, where(isnan(x), x, where(x == -np.inf, np.nan, ci))


@_sici.defjvp
def _sici_rule(primals, tangents):
    (x,), (dx,) = primals, tangents
    return _sici(x), (sinc(x / np.pi) * dx, cos(x) / x * dx)


def _sici_series(x):
    """Equations 5.2.14 and 5.2.16."""
    def step(k, state):
        si, ci, power = state                       # power: x**(2 k) / (2 k)!, with its sign
        power = -power * x * x / (2 * k * (2 * k - 1))
        return si + power * x / (2 * k + 1) ** 2, ci + power / (2 * k), power
    si, ci, _ = fori_loop(1, _SERIES, step, (x, x * 0, x * 0 + 1))
    return si, ci + log(where(x == 0, 0.0, x)) + _EULER


def _sici_fraction(x):
    """E1(i x) = exp(-i x) h, where Ci = -Re E1(i x), Si = pi / 2 + Im E1(i x)."""
    re, im = _steed(x * 0 + 1, x, lambda k: (-k * k, 2 * k))
    c, s = cos(x), sin(x)
    return np.pi / 2 + (im * c - re * s), -(re * c + im * s)


def _steed(re, im, step_of: Callable) -> tuple:
    """1 / (b + a_1 / (b + b_1 + a_2 / (b + b_2 + ...))) of a complex b, by Steed's method.

    step_of: gives the real (a_k, b_k) of k.
    """
    def step(k, state):
        total, change, d = state
        a, more = step_of(k)
        b = re + more, im
        d = _inverse(b[0] + a * d[0], b[1] + a * d[1])
        part = _product(b, d)
        change = _product((part[0] - 1, part[1]), change)
        return (total[0] + change[0], total[1] + change[1]), change, d
    d = _inverse(re, im)
    return fori_loop(1, _FRACTIONS, step, (d, d, d))[0]


def _inverse(re, im) -> tuple:
    square = re * re + im * im
    return re / square, -im / square


def _product(x: tuple, y: tuple) -> tuple:
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


# ---- Fresnel's integrals ----

_HALF = 1e16                          # from where on both are 1/2, as far as doubles can tell


@custom_jvp
def _fresnel(x):
    size = abs(x)
    near, far = size <= 1.6, (size > 1.6) & (size < _HALF)
    s, c = _fresnel_series(where(near, size, 1.0))
    far_s, far_c = _fresnel_fraction(where(far, size, 2.0))
    s, c = where(near, s, where(far, far_s, 0.5)), where(near, c, where(far, far_c, 0.5))
    return where(isnan(x), x, copysign(s, x)), where(isnan(x), x, copysign(c, x))


@_fresnel.defjvp
def _fresnel_rule(primals, tangents):
    (x,), (dx,) = primals, tangents
    angle = _angle(x)
    return _fresnel(x), (sin(angle) * dx, cos(angle) * dx)


def _angle(x):
    """pi / 2 * x**2 but for whole turns: the square is split, lest its last digits be lost."""
    high = convert(convert(where(abs(x) < _HALF, x, 0.0), np.float32), np.float64)
    low = where(abs(x) < _HALF, x, 0.0) - high
    return np.pi / 2 * (high * high % 4 + 2 * high * low % 4 + low * low)


def _fresnel_series(x):
    """Equations 7.3.11 and 7.3.13."""
    angle = np.pi / 2 * x * x

    def step(k, state):
        s, c, power = state                          # power: angle**(2 k) / (2 k)!, with its sign
        power = -power * angle * angle / (2 * k * (2 * k - 1))
        return s + power * angle / ((2 * k + 1) * (4 * k + 3)), c + power / (4 * k + 1), power
    s, c, _ = fori_loop(1, _SERIES, step, (angle / 3, x * 0 + 1, x * 0 + 1))
    return s * x, c * x


def _fresnel_fraction(x):
    """By the fraction of the error function of (1 - i) x sqrt(pi) / 2 (equation 7.3.22)."""
    square = np.pi * x * x
    re, im = _steed(x * 0 + 1, -square, lambda k: (-(2 * k - 1) * (2 * k), 4 * k))
    re, im = _product((x, -x), (re, im))
    angle = _angle(x)
    turn = _product((cos(angle), sin(angle)), (re, im))
    c, s = _product((0.5, 0.5), (1 - turn[0], -turn[1]))
    return s, c
