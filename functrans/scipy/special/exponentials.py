"""Logistic functions, and sums of exponentials. Imports `numpy`, `nn`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.nn import normalization
from functrans.numpy.choosing import where
from functrans.numpy.functions import expm1, log, log1p, logaddexp
from functrans.numpy.reductions import logsumexp
from functrans.primitives.functions import logistic_p
from functrans.scipy.special.common import elementwise, reals

__all__ = ["expit", "exprel", "log_expit", "log_softmax", "logit", "logsumexp", "softmax"]


def expit(x):
    """The logistic function: `1 / (1 + exp(-x))`.

    >>> import functrans as ft
    >>> ft.scipy.special.expit(0.0)
    Array(0.5, dtype=float32)
    """
    return elementwise(logistic_p, "expit", x)


def log_expit(x):
    """The logarithm of `expit(x)`, accurate where it is small.

    >>> import functrans as ft
    >>> ft.scipy.special.log_expit(-100.0)
    Array(-100., dtype=float32)
    """
    x, = reals("log_expit", x)
    return -logaddexp(-x, x.dtype.type(0))


def logit(x):
    """The inverse of `expit`: `log(x / (1 - x))`, for x from 0 to 1.

    >>> import functrans as ft
    >>> ft.scipy.special.logit(0.5)
    Array(0., dtype=float32)
    """
    x, = reals("logit", x)
    return log(x) - log1p(-x)


def exprel(x):
    """`(exp(x) - 1) / x`, and 1 at 0.

    >>> import functrans as ft
    >>> ft.scipy.special.exprel(0.0)
    Array(1., dtype=float32)
    """
    x, = reals("exprel", x)
    near = abs(x) < 0.01
    safe = where(near | (x == np.inf), 1, x)
    series = 1 + x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x / 720 * (1 + x / 7)))))
    return where(near, series, where(x == np.inf, x, expm1(safe) / safe))


def softmax(x, axis=None):
    """exp(x) / sum(exp(x)) along `axis`, over all elements by default.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.special.softmax(fnp.zeros(2))
    Array([0.5, 0.5], dtype=float32)
    """
    return normalization.softmax(x, axis)


def log_softmax(x, axis=None):
    """The logarithm of `softmax(x, axis)`, accurate where it is small.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.special.log_softmax(fnp.zeros(2))
    Array([-0.6931472, -0.6931472], dtype=float32)
    """
    return normalization.log_softmax(x, axis)
