"""Exponential integrals: by series near 0, and by continued fractions and asymptotic series.

M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions" (1964), 5.1; the fractions by
Steed's method: A. Barnett et al., Computer Physics Communications 8 (1974). Computed in double
precision. Imports `api`, `lax.loops`, `numpy`, `scipy.special`.
"""
from __future__ import annotations

import numpy as np

from functrans.api.custom_jvp import custom_jvp
from functrans.errors import DtypeError
from functrans.lax.loops import fori_loop
from functrans.numpy.choosing import where
from functrans.numpy.promotion import as_arraylike
from functrans.numpy.ufuncs import exp, isnan, log, maximum
from functrans.scipy.special.common import in_double, reals
from functrans.scipy.special.gammas import digamma

_EULER = 0.57721566490153286061

# Up to where series are summed, and how many terms are.
_NEAR, _TERMS, _FRACTIONS = 2.0, 36, 60
_FAR, _LONG, _ASYMPTOTIC = 38.0, 140, 40


def expn(n, x):
    """The integral of `exp(-x t) / t**n` from 1 to infinity, for n = 0, 1, 2, ... and x >= 0.

    n: integers; NaN for negative ones, and for negative x. Differentiable in x.
    Raises TypeError for an n of floats: there is no derivative in it.

    >>> import functrans as ft
    >>> ft.scipy.special.expn(2, 0.0)
    Array(1., dtype=float32)
    """
    order = as_arraylike(n, "expn")
    if order.dtype.kind not in "bui":
        raise DtypeError(f"special.expn: n must be an integer, got {order.type}; convert it, as by "
                         "n.astype('int64')")
    x, = reals("expn", x)
    order, x = reals("expn", order.astype(x.dtype), x)
    return in_double(_expn, order, x)


def exp1(x):
    """The integral of `exp(-t) / t` from x to infinity, for x >= 0; infinite at 0, NaN below.

    >>> import functrans as ft
    >>> ft.scipy.special.exp1(1.0)
    Array(0.21938394, dtype=float32)
    """
    x, = reals("exp1", x)
    return in_double(lambda x: _expn(x * 0 + 1, x), x)


def expi(x):
    """The principal value of the integral of `exp(t) / t` from -infinity to x.

    Near its zero, at 0.3725, the absolute error is that of 1.

    >>> import functrans as ft
    >>> ft.scipy.special.expi(1.0)
    Array(1.8951178, dtype=float32)
    """
    x, = reals("expi", x)
    return in_double(_expi, x)


# ---- E_n ----

@custom_jvp
def _expn(n, x):
    near = (x > 0) & (x <= _NEAR)
    series = _series(n, where(near, x, 1.0))
    far = (x > _NEAR) & (x < np.inf)
    safe = where(far, x, 3.0)
    value = where(near, series, where(far, _fraction(n, safe) * exp(-safe), 0.0))
    value = where(n == 0, exp(-x) / where(x == 0, 1.0, x), value)
    at_zero = where(n > 1, 1 / where(n > 1, n - 1, 1.0), np.inf)
    value = where(x == 0, at_zero, where(x == np.inf, 0.0, value))
    return where((n < 0) | (x < 0) | isnan(x), np.nan, value)


@_expn.defjvp
def _expn_rule(primals, tangents):
    """E_n' = -E_(n-1)."""
    (n, x), (_, dx) = primals, tangents
    zeroth = exp(-x) * (x + 1) / (x * x)
    slope = where(n == 0, zeroth, _expn(maximum(n - 1, 0.0), x))
    return _expn(n, x), -slope * dx


def _series(n, x):
    """Equation 5.1.12: the term of x**(n - 1) has the logarithm."""
    m = n - 1
    logarithm = -log(x)
    special = logarithm + digamma(maximum(n, 1.0))

    def step(k, state):
        total, power = state
        power = -power * x / k
        usual = -power / where(m == k, 1.0, k - m)
        return total + where(m == k, power * special, usual), power
    start = where(m == 0, logarithm - _EULER, 1 / where(m == 0, 1.0, m))
    return fori_loop(1, _TERMS, step, (start, x * 0 + 1))[0]


def _fraction(n, x):
    """Equation 5.1.22, in its even part."""
    def step(k, state):
        total, change, d = state
        a, b = -k * (n - 1 + k), x + n + 2 * k
        d = 1 / (b + a * d)
        change = (b * d - 1) * change
        return total + change, change, d
    d = 1 / (x + n)
    return fori_loop(1, _FRACTIONS, step, (d, d, d))[0]


# ---- Ei ----

@custom_jvp
def _expi(x):
    small, large = (x > 0) & (x <= _FAR), (x > _FAR) & (x < np.inf)
    positive = where(small, _positive_series(where(small, x, 1.0)),
                     _asymptotic(where(large, x, 2 * _FAR)))
    negative = -_expn(x * 0 + 1, where(x < 0, -x, 1.0))
    value = where(x > 0, where(x == np.inf, np.inf, positive), where(x == 0, -np.inf, negative))
    return where(isnan(x), x, value)


@_expi.defjvp
def _expi_rule(primals, tangents):
    (x,), (dx,) = primals, tangents
    return _expi(x), exp(x) / x * dx


def _positive_series(x):
    """Equation 5.1.10."""
    def step(k, state):
        total, power = state
        power = power * x / k
        return total + power / k, power
    return log(x) + _EULER + fori_loop(1, _LONG, step, (x * 0, x * 0 + 1))[0]


def _asymptotic(x):
    """Equation 5.1.51, whose terms fall as long as they are needed; exp(x) in two halves."""
    def step(k, state):
        total, term = state
        term = term * k / x
        return total + term, term
    total = fori_loop(1, _ASYMPTOTIC, step, (x * 0 + 1, x * 0 + 1))[0]
    half = exp(x / 2)
    return half / x * total * half
