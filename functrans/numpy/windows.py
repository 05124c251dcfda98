"""Window functions: weights that fall off towards both ends.

In: a number of points. Out: vectors of the default float dtype. Imports `numpy.functions`.

Source: R. Blackman and J. Tukey, "The measurement of power spectra", 1958; J. Kaiser,
"Digital filters", 1966.
"""
from __future__ import annotations

import math

from functrans.config import default_float
from functrans.numpy.arithmetic import abs
from functrans.numpy.creation import ones, zeros
from functrans.numpy.ranges import arange
from functrans.numpy.functions import cos, exp, sqrt
from functrans.numpy.promotion import as_arraylike
from functrans.primitives.elementwise import convert
from functrans.primitives.incomplete import bessel_i0e


def _window(M: int, shape):
    """`shape` of the places n from -(M - 1) to M - 1 in steps of two; one point has weight 1."""
    kind = default_float()
    if M < 1:
        return zeros(0, kind)
    if M == 1:
        return ones(1, kind)
    return shape(arange(1 - M, M, 2, dtype=kind))


def bartlett(M: int):
    """The triangle with zeros at both ends.

    >>> import functrans.numpy as fnp
    >>> fnp.bartlett(3)
    Array([0., 1., 0.], dtype=float32)
    """
    return _window(M, lambda n: 1 - abs(n) / (M - 1))


def hanning(M: int):
    """The Hann window, 0.5 + 0.5 cos.

    >>> import functrans.numpy as fnp
    >>> fnp.hanning(3)
    Array([0., 1., 0.], dtype=float32)
    """
    return _window(M, lambda n: 0.5 + 0.5 * cos(n * (math.pi / (M - 1))))


def hamming(M: int):
    """The Hamming window, 0.54 + 0.46 cos.

    >>> import functrans.numpy as fnp
    >>> fnp.hamming(3).round(2)
    Array([0.08, 1.  , 0.08], dtype=float32)
    """
    return _window(M, lambda n: 0.54 + 0.46 * cos(n * (math.pi / (M - 1))))


def blackman(M: int):
    """The Blackman window, 0.42 + 0.5 cos + 0.08 cos of twice the angle.

    >>> import functrans.numpy as fnp
    >>> fnp.blackman(3).round(2)
    Array([-0.,  1., -0.], dtype=float32)
    """
    def shape(n):
        angle = n * (math.pi / (M - 1))
        return 0.42 + 0.5 * cos(angle) + 0.08 * cos(2 * angle)
    return _window(M, shape)


def kaiser(M: int, beta):
    """The Kaiser window: the wider its middle, the smaller `beta`.

    >>> import functrans.numpy as fnp
    >>> fnp.kaiser(3, 0.0)
    Array([1., 1., 1.], dtype=float32)
    """
    beta = convert(as_arraylike(beta, "kaiser"), default_float())

    def shape(n):
        at = beta * sqrt(1 - (n / (M - 1)) ** 2)
        # Of the Bessel functions, the quotient without their exponential growth.
        return exp(abs(at) - abs(beta)) * bessel_i0e(at) / bessel_i0e(beta)
    return _window(M, shape)
