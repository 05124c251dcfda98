"""Modified Bessel functions of the first kind. Imports `numpy`, `primitives`.
"""
from __future__ import annotations

from functrans.numpy.ufuncs import abs, exp
from functrans.primitives.incomplete import bessel_i0e_p, bessel_i1e_p
from functrans.scipy.special.common import elementwise, reals


def i0e(x):
    """`exp(-abs(x)) * i0(x)`, which does not overflow.

    >>> import functrans as ft
    >>> ft.scipy.special.i0e(1.0)
    Array(0.4657596, dtype=float32)
    """
    return elementwise(bessel_i0e_p, "i0e", x)


def i1e(x):
    """`exp(-abs(x)) * i1(x)`, which does not overflow.

    >>> import functrans as ft
    >>> ft.scipy.special.i1e(1.0)
    Array(0.20791042, dtype=float32)
    """
    return elementwise(bessel_i1e_p, "i1e", x)


def i0(x):
    """The modified Bessel function of the first kind of order 0.

    >>> import functrans as ft
    >>> ft.scipy.special.i0(0.0)
    Array(1., dtype=float32)
    """
    x, = reals("i0", x)
    return exp(abs(x)) * i0e(x)


def i1(x):
    """The modified Bessel function of the first kind of order 1.

    >>> import functrans as ft
    >>> ft.scipy.special.i1(0.0)
    Array(0., dtype=float32)
    """
    x, = reals("i1", x)
    return exp(abs(x)) * i1e(x)
