"""Vector quantization: to each observation the nearest of some codes. Imports `numpy`.
"""
from __future__ import annotations

from functrans.errors import ShapeError
from functrans.numpy.choosing import where
from functrans.numpy.indexing import take_along_axis
from functrans.numpy.promotion import as_arraylike, materialize, promote_inexact
from functrans.numpy.reductions import argmin, sum
from functrans.numpy.ufuncs import sqrt

__all__ = ["vq"]


def vq(obs, code_book, check_finite: bool = True):
    """(codes, distances): for each observation the place of the nearest code, and how far it is.

    obs: (m, n), code_book: (k, n); or (m,) and (k,), of numbers. The first of equally near codes.
    check_finite: of no effect. Raises ValueError for shapes that do not go together.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.cluster.vq.vq(fnp.array([0.0, 2.5]), fnp.array([0.0, 1.0, 2.0]))
    (Array([0, 2], dtype=int64), Array([0. , 0.5], dtype=float32))
    """
    obs, codes = (materialize(x) for x in promote_inexact(as_arraylike(obs, "vq"),
                                                          as_arraylike(code_book, "vq")))
    if obs.ndim != codes.ndim or obs.ndim not in (1, 2) or obs.shape[1:] != codes.shape[1:] \
            or not codes.shape[0]:
        raise ShapeError("cluster.vq takes observations (m, n) and codes (k, n), or (m,) and (k,), "
                         f"got {obs.type} and {codes.type}")
    if obs.ndim == 1:
        obs, codes = obs[:, None], codes[:, None]
    square = sum((obs[:, None] - codes[None]) ** 2, -1)
    place = argmin(square, -1)
    least = take_along_axis(square, place[:, None], -1)[:, 0]
    return place, where(least == 0, 0, sqrt(where(least == 0, 1, least)))
