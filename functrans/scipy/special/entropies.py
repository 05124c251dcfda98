"""Products with logarithms that are 0 where the factor is. Imports `numpy`.
"""
from __future__ import annotations

import numpy as np

from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import isnan, log, log1p
from functrans.scipy.special.common import reals


def xlogy(x, y):
    """`x * log(y)`, but 0 where x is 0 (unless y is NaN).

    >>> import functrans as ft
    >>> ft.scipy.special.xlogy(0.0, 0.0)
    Array(0., dtype=float32)
    """
    x, y = reals("xlogy", x, y)
    harmless = (x == 0) & ~((y > 0) & (y < np.inf)) & ~isnan(y)
    return x * log(where(harmless, 1, y))


def xlog1py(x, y):
    """`x * log1p(y)`, but 0 where x is 0 (unless y is NaN).

    >>> import functrans as ft
    >>> ft.scipy.special.xlog1py(0.0, -1.0)
    Array(0., dtype=float32)
    """
    x, y = reals("xlog1py", x, y)
    harmless = (x == 0) & ~((y > -1) & (y < np.inf)) & ~isnan(y)
    return x * log1p(where(harmless, 0, y))


def entr(x):
    """`-x * log(x)`: 0 at 0, -inf for negative x.

    >>> import functrans as ft
    >>> ft.scipy.special.entr(1.0)
    Array(-0., dtype=float32)
    """
    x, = reals("entr", x)
    return where(x < 0, -np.inf, -xlogy(x, x))


def rel_entr(p, q):
    """`p * log(p / q)`: 0 where p is 0 and q is not negative, infinite elsewhere outside p, q > 0.

    >>> import functrans as ft
    >>> ft.scipy.special.rel_entr(1.0, 1.0)
    Array(0., dtype=float32)
    """
    p, q = reals("rel_entr", p, q)
    both, zero = (p > 0) & (q > 0), (p == 0) & (q >= 0)
    safe_p, safe_q = where(both, p, 1), where(both, q, 1)
    value = safe_p * (log(safe_p) - log(safe_q))
    return where(isnan(p) | isnan(q), p + q, where(both, value, where(zero, 0, np.inf)))


def kl_div(p, q):
    """`p * log(p / q) - p + q`; see `rel_entr` for its edges.

    >>> import functrans as ft
    >>> ft.scipy.special.kl_div(1.0, 1.0)
    Array(0., dtype=float32)
    """
    p, q = reals("kl_div", p, q)
    value = rel_entr(p, q)
    return where(value == np.inf, value, value - p + q)
