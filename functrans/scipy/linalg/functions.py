"""Functions of matrices. Imports `api`, `numpy`.
"""
from __future__ import annotations

import numpy as np

from functrans.api.grad import jvp
from functrans.numpy import linalg
from functrans.numpy.choosing import where
from functrans.numpy.linalg.common import matrices
from functrans.numpy.linalg.powers import squarings
from functrans.numpy.promotion import promote
from functrans.numpy.ranges import triu


def expm(A, *, upper_triangular: bool = False, max_squarings: int | None = None):
    """The exponentials of matrices (..., n, n); see `numpy.linalg.expm`.

    upper_triangular: whether only the upper triangle counts. max_squarings: NaN comes out for
    matrices so large that they need more squarings; None for no such limit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.expm(fnp.zeros((1, 1)))
    Array([[1.]], dtype=float32)
    """
    A, = matrices("expm", A, square=True)
    A = triu(A) if upper_triangular else A
    value = linalg.expm(A)
    if max_squarings is None or not A.size:
        return value
    return where((squarings(A) > max_squarings)[..., None, None], np.nan, value)


def expm_frechet(A, E, method=None, compute_expm: bool = True, check_finite: bool = True):
    """The exponential of A, and its derivative in the direction E; with compute_expm=False
    the latter alone.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.expm_frechet(fnp.zeros((1, 1)), fnp.ones((1, 1)))[1]
    Array([[1.]], dtype=float32)
    """
    A, E = promote(*matrices("expm_frechet", A, E, square=True))
    value, slope = jvp(linalg.expm, (A,), (E,))
    return (value, slope) if compute_expm else slope
