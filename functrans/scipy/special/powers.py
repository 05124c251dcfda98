"""The transformations of Box and Cox, counts of choices, Bernoulli's numbers. Imports `numpy`.
"""
from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from functrans.array import as_array
from functrans.config import default_float
from functrans.errors import UnsupportedError
from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import abs, expm1, floor, isnan, log, log1p, rint
from functrans.primitives.elementwise import stop_gradient
from functrans.scipy.special.common import in_double, natural, reals
from functrans.scipy.special.exponentials import exprel
from functrans.scipy.special.gammas import binom


def boxcox(x, lmbda):
    """`(x**lmbda - 1) / lmbda`, and log(x) for lmbda = 0; NaN for negative x.

    G. Box and D. Cox, Journal of the Royal Statistical Society B 26 (1964).

    >>> import functrans as ft
    >>> ft.scipy.special.boxcox(3.0, 2.0)
    Array(4., dtype=float32)
    """
    return in_double(lambda x, power: _boxcox(log(x), power), *reals("boxcox", x, lmbda))


def boxcox1p(x, lmbda):
    """`boxcox(1 + x, lmbda)`, accurate for small x.

    >>> import functrans as ft
    >>> ft.scipy.special.boxcox1p(1e-20, 2.0)
    Array(1.e-20, dtype=float32)
    """
    return in_double(lambda x, power: _boxcox(log1p(x), power), *reals("boxcox1p", x, lmbda))


def _boxcox(logarithm, power):
    """`expm1(power * logarithm) / power`: by `exprel`, where the power may be 0."""
    exponent = power * where(power == 0, 0.0, logarithm)
    near = (power == 0) | (abs(exponent) < 0.01)
    close = logarithm * exprel(where(near, power * where(abs(logarithm) < np.inf, logarithm, 0.0),
                                     0.0))
    return where(near, close, expm1(where(near, 1.0, exponent)) / where(near, 1.0, power))


def comb(N, k, *, exact: bool = False, repetition: bool = False):
    """In how many ways k of N things can be chosen, as a float; 0 for k > N or negative numbers.

    repetition: whether a thing may be chosen again. N and k need not be whole; of whole numbers
    the result is one, as far as floats hold it.
    Raises NotImplementedError if `exact` is asked for: integers would overflow.

    >>> import functrans as ft
    >>> ft.scipy.special.comb(5, 2), ft.scipy.special.comb(5, 2, repetition=True)
    (Array(10., dtype=float32), Array(15., dtype=float32))
    """
    if exact:
        raise UnsupportedError("special.comb: exact=True needs Python integers, which arrays "
                               "cannot hold; use math.comb")
    return in_double(_repeated if repetition else _comb, *reals("comb", N, k))


def _comb(n, k):
    possible = (k >= 0) & (k <= n)
    value = binom(where(possible, n, 1.0), where(possible, k, 0.0))
    whole = (n == floor(n)) & (k == floor(k)) & (value < 2.0 ** 40)
    value = value + stop_gradient(where(whole, rint(value) - value, 0.0))
    return where(isnan(n) | isnan(k), np.nan, where(possible, value, 0.0))


def _repeated(n, k):
    return where((n == 0) & (k == 0), 1.0, _comb(n + k - 1, k))


def bernoulli(n: int):
    """Bernoulli's numbers B_0 .. B_n, with B_1 = -1/2: (n + 1,).

    >>> import functrans as ft
    >>> ft.scipy.special.bernoulli(2)
    Array([ 1.        , -0.5       ,  0.16666667], dtype=float32)
    """
    n = natural("bernoulli", "n", n)
    numbers = [Fraction(1)]
    for m in range(1, n + 1):
        total = sum(math.comb(m + 1, k) * b for k, b in enumerate(numbers) if b)
        numbers.append(-total / (m + 1))
    with np.errstate(over="ignore"):
        return as_array(np.array([_as_float(b) for b in numbers]).astype(default_float()))


def _as_float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, number)
