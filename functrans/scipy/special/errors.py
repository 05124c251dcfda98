"""The error function's family, and the normal distribution. Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import math

from functrans.primitives import functions, incomplete
from functrans.scipy.special.common import elementwise, reals

_ROOT_HALF = math.sqrt(0.5)


def erf(x):
    """The error function: 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    >>> import functrans as ft
    >>> ft.scipy.special.erf(0.5)
    Array(0.5204999, dtype=float32)
    """
    return elementwise(functions.erf_p, "erf", x)


def erfc(x):
    """`1 - erf(x)`, accurate where it is small.

    >>> import functrans as ft
    >>> ft.scipy.special.erfc(0.0)
    Array(1., dtype=float32)
    """
    return elementwise(functions.erfc_p, "erfc", x)


def erfcx(x):
    """`exp(x**2) * erfc(x)`, which does not underflow.

    >>> import functrans as ft
    >>> ft.scipy.special.erfcx(0.0)
    Array(1., dtype=float32)
    """
    return elementwise(incomplete.erfcx_p, "erfcx", x)


def erfinv(x):
    """The inverse of `erf`, for x from -1 to 1.

    >>> import functrans as ft
    >>> ft.scipy.special.erfinv(0.0)
    Array(0., dtype=float32)
    """
    return elementwise(functions.erf_inv_p, "erfinv", x)


def erfcinv(y):
    """The inverse of `erfc`, for y from 0 to 2, accurate for small y.

    >>> import functrans as ft
    >>> ft.scipy.special.erfcinv(1.0)
    Array(-0., dtype=float32)
    """
    y, = reals("erfcinv", y)
    return -_ROOT_HALF * ndtri(0.5 * y)


def ndtr(x):
    """The normal distribution function: the probability of less than x.

    >>> import functrans as ft
    >>> ft.scipy.special.ndtr(0.0)
    Array(0.5, dtype=float32)
    """
    x, = reals("ndtr", x)
    return 0.5 * erfc(-_ROOT_HALF * x)


def log_ndtr(x, series_order: int = 3):
    """The logarithm of `ndtr(x)`, accurate in both tails. series_order: of no effect.

    >>> import functrans as ft
    >>> ft.scipy.special.log_ndtr(-10.0)
    Array(-53.231285, dtype=float32)
    """
    return elementwise(incomplete.log_ndtr_p, "log_ndtr", x)


def ndtri(p):
    """The inverse of `ndtr`, for p from 0 to 1, accurate for small p.

    >>> import functrans as ft
    >>> ft.scipy.special.ndtri(0.5)
    Array(0., dtype=float32)
    """
    return elementwise(incomplete.ndtri_p, "ndtri", p)
