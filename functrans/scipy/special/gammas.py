"""The gamma function and what is made of it. Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import UnsupportedError
from functrans.numpy.choosing import where
from functrans.numpy.promotion import as_arraylike
from functrans.numpy.ufuncs import (copysign, exp, floor, isnan, remainder)
from functrans.primitives import functions, incomplete
from functrans.scipy.special.common import elementwise, reals


def gammaln(x):
    """The logarithm of the absolute value of the gamma function.

    >>> import functrans as ft
    >>> ft.scipy.special.gammaln(1.0)
    Array(0., dtype=float32)
    """
    return elementwise(functions.lgamma_p, "gammaln", x)


def loggamma(x):
    """The principal logarithm of the gamma function: `gammaln` of positive x, NaN of negative ones.

    >>> import functrans as ft
    >>> ft.scipy.special.loggamma(1.0)
    Array(0., dtype=float32)
    """
    x, = reals("loggamma", x)
    return where(x < 0, np.nan, gammaln(where(x < 0, 1, x)))


def gammasgn(x):
    """The sign of the gamma function; NaN at negative integers, where it has none.

    >>> import functrans as ft
    >>> ft.scipy.special.gammasgn(-0.5)
    Array(-1., dtype=float32)
    """
    x, = reals("gammasgn", x)
    below = where(remainder(floor(x), 2) == 0, 1, -1).astype(x.dtype)
    inside = where(x < 0, where(x == floor(x), np.nan, below), 1)
    return where(isnan(x), x, where(x == 0, copysign(x.dtype.type(1), x), inside))


def gamma(x):
    """The gamma function; NaN at negative integers, infinite at 0.

    >>> import functrans as ft
    >>> ft.scipy.special.gamma(5.0)
    Array(24., dtype=float32)
    """
    x, = reals("gamma", x)
    return gammasgn(x) * exp(gammaln(x))


def factorial(n, exact: bool = False):
    """The factorial, as a float: `gamma(n + 1)`, and 0 for negative n.

    Raises NotImplementedError if `exact` is asked for: integers would overflow.

    >>> import functrans as ft
    >>> ft.scipy.special.factorial(3.0)
    Array(6., dtype=float32)
    """
    if exact:
        raise UnsupportedError("special.factorial: exact=True needs Python integers, which "
                               "arrays cannot hold; use math.factorial")
    n, = reals("factorial", n)
    return where(n < 0, 0, exp(gammaln(n + 1)))


def digamma(x):
    """The derivative of `gammaln`.

    >>> import functrans as ft
    >>> ft.scipy.special.digamma(1.0)
    Array(-0.5772157, dtype=float32)
    """
    return elementwise(functions.digamma_p, "digamma", x)


psi = digamma


def polygamma(n, x):
    """The derivative of `digamma` of order n = 0, 1, 2, ...

    >>> import functrans as ft
    >>> ft.scipy.special.polygamma(1, 1.0)
    Array(1.644934, dtype=float32)
    """
    return elementwise(functions.polygamma_p, "polygamma", n, x)


def multigammaln(a, d: int):
    """The logarithm of the multivariate gamma function of dimension d, for a > (d - 1) / 2.

    >>> import functrans as ft
    >>> ft.scipy.special.multigammaln(2.0, 1)
    Array(0., dtype=float32)
    """
    a, = reals("multigammaln", a)
    d = int(d)
    constant = 0.25 * d * (d - 1) * math.log(math.pi)
    return sum((gammaln(a - 0.5 * k) for k in range(d)), as_arraylike(a.dtype.type(constant)))


def poch(z, m):
    """The rising factorial `gamma(z + m) / gamma(z)`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> fnp.round(ft.scipy.special.poch(2.0, 3.0), 4)
    Array(24., dtype=float32)
    """
    z, m = reals("poch", z, m)
    value = gammasgn(z + m) * gammasgn(z) * exp(gammaln(m) - betaln(z, m))
    return where(m == 0, 1, value)


def binom(n, k):
    """The binomial coefficient `gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1))`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> fnp.round(ft.scipy.special.binom(4.0, 2.0), 4)
    Array(6., dtype=float32)
    """
    n, k = reals("binom", n, k)
    return 1 / ((n + 1) * beta(n - k + 1, k + 1))


# ---- beta ----

def betaln(a, b):
    """The logarithm of the absolute value of the beta function.

    >>> import functrans as ft
    >>> ft.scipy.special.betaln(1.0, 1.0)
    Array(0., dtype=float32)
    """
    return elementwise(incomplete.lbeta_p, "betaln", a, b)


def beta(a, b):
    """The beta function: `gamma(a) gamma(b) / gamma(a + b)`.

    >>> import functrans as ft
    >>> ft.scipy.special.beta(1.0, 1.0)
    Array(1., dtype=float32)
    """
    a, b = reals("beta", a, b)
    return gammasgn(a) * gammasgn(b) * gammasgn(a + b) * exp(betaln(a, b))


# ---- incomplete functions ----

def gammainc(a, x):
    """The regularised lower incomplete gamma function, for a, x >= 0. No second derivative in a.

    >>> import functrans as ft
    >>> ft.scipy.special.gammainc(1.0, 2.0)
    Array(0.86466473, dtype=float32)
    """
    return elementwise(incomplete.igamma_p, "gammainc", a, x)


def gammaincc(a, x):
    """`1 - gammainc(a, x)`, accurate where it is small. No second derivative in a.

    >>> import functrans as ft
    >>> ft.scipy.special.gammaincc(1.0, 2.0)
    Array(0.13533528, dtype=float32)
    """
    return elementwise(incomplete.igammac_p, "gammaincc", a, x)


def betainc(a, b, x):
    """The regularised incomplete beta function, for x from 0 to 1. No second derivative in a, b.

    >>> import functrans as ft
    >>> ft.scipy.special.betainc(2.0, 1.0, 0.5)
    Array(0.25, dtype=float32)
    """
    return elementwise(incomplete.betainc_p, "betainc", a, b, x)


def zeta(x, q=None):
    """Hurwitz' zeta function for x > 1, q > 0; Riemann's without q. No derivative in x.

    >>> import functrans as ft
    >>> ft.scipy.special.zeta(2.0)
    Array(1.644934, dtype=float32)
    """
    return elementwise(incomplete.zeta_p, "zeta", x, 1.0 if q is None else q)
