"""Reductions and running results that ignore NaN.

Imports `numpy.reductions`, `numpy.ufuncs`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.ir.type import is_inexact
from functrans.numpy.choosing import where as where_
from functrans.numpy.promotion import as_arraylike
from functrans.numpy.reductions import (all, argmax, argmin, cumprod, cumsum, max, mean, min, prod,
                                        std, sum, var)
from functrans.numpy.ufuncs import isnan, logical_and, logical_not
from functrans.primitives import cumulative


def _nan_mask(a):
    return isnan(a) if is_inexact(a.dtype) else None


def _without_nan(name: str, function, neutral, doc: str):
    def reduction(a, axis=None, dtype=None, out=None, keepdims: bool = False, initial=None,
                  where=None):
        a = as_arraylike(a, name)
        mask = _nan_mask(a)
        a = a if mask is None else where_(mask, neutral(a.dtype), a)
        return function(a, axis, dtype, out, keepdims, initial, where)
    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = doc
    return reduction


nansum = _without_nan("nansum", sum, lambda dtype: dtype.type(0),
                      """`sum` where NaN counts as 0.

    >>> import functrans.numpy as fnp
    >>> fnp.nansum(fnp.array([1.0, fnp.nan]))
    Array(1., dtype=float32)
    """)
nanprod = _without_nan("nanprod", prod, lambda dtype: dtype.type(1),
                       """`prod` where NaN counts as 1.

    >>> import functrans.numpy as fnp
    >>> fnp.nanprod(fnp.array([2.0, fnp.nan]))
    Array(2., dtype=float32)
    """)


def _nan_extreme(name: str, function, neutral, doc: str):
    def reduction(a, axis=None, out=None, keepdims: bool = False, initial=None, where=None):
        a = as_arraylike(a, name)
        mask = _nan_mask(a)
        if mask is None:
            return function(a, axis, out, keepdims, initial, where)
        found = function(where_(mask, neutral(a.dtype), a), axis, out, keepdims, initial, where)
        if initial is not None:
            return found
        return where_(all(mask, axis, keepdims=keepdims), np.nan, found)
    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = doc
    return reduction


nanmax = _nan_extreme("nanmax", max, cumulative.lowest,
                      """`max` of what is not NaN; NaN where nothing else is.

    >>> import functrans.numpy as fnp
    >>> fnp.nanmax(fnp.array([1.0, fnp.nan]))
    Array(1., dtype=float32)
    """)
nanmin = _nan_extreme("nanmin", min, cumulative.highest,
                      """`min` of what is not NaN; NaN where nothing else is.

    >>> import functrans.numpy as fnp
    >>> fnp.nanmin(fnp.array([1.0, fnp.nan]))
    Array(1., dtype=float32)
    """)


def _present(mask, where):
    """Where there is a number that counts."""
    present = logical_not(mask)
    return present if where is None or where is True else logical_and(present, where)


def nanmean(a, axis=None, dtype=None, out=None, keepdims: bool = False, *, where=None):
    """`mean` of what is not NaN.

    >>> import functrans.numpy as fnp
    >>> fnp.nanmean(fnp.array([1.0, fnp.nan]))
    Array(1., dtype=float32)
    """
    a = as_arraylike(a, "nanmean")
    mask = _nan_mask(a)
    if mask is None:
        return mean(a, axis, dtype, out, keepdims, where=where)
    return mean(where_(mask, 0, a), axis, dtype, out, keepdims, where=_present(mask, where))


def _nan_moment(name: str, function, doc: str):
    def moment(a, axis=None, dtype=None, out=None, ddof=0, keepdims: bool = False, *, where=None,
               mean=None, correction=None):
        a = as_arraylike(a, name)
        mask = _nan_mask(a)
        where = where if mask is None else _present(mask, where)
        a = a if mask is None else where_(mask, 0, a)
        return function(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean,
                        correction=correction)
    moment.__name__ = moment.__qualname__ = name
    moment.__doc__ = doc
    return moment


nanvar = _nan_moment("nanvar", var, """`var` of what is not NaN.

    >>> import functrans.numpy as fnp
    >>> fnp.nanvar(fnp.array([1.0, fnp.nan]))
    Array(0., dtype=float32)
    """)
nanstd = _nan_moment("nanstd", std, """`std` of what is not NaN.

    >>> import functrans.numpy as fnp
    >>> fnp.nanstd(fnp.array([1.0, fnp.nan]))
    Array(0., dtype=float32)
    """)


# ---- places of extremes, running results ----

def _nan_place(name: str, function, neutral, doc: str):
    def place(a, axis: int | None = None, out=None, *, keepdims: bool = False):
        a = as_arraylike(a, name)
        mask = _nan_mask(a)
        if mask is None:
            return function(a, axis, out, keepdims=keepdims)
        if isinstance(mask, Array) and np.asarray(mask).all(axis).any():
            raise ArgumentError(f"{name}: All-NaN slice encountered")
        return function(where_(mask, neutral(a.dtype), a), axis, out, keepdims=keepdims)
    place.__name__ = place.__qualname__ = name
    place.__doc__ = doc
    return place


nanargmax = _nan_place("nanargmax", argmax, cumulative.lowest,
                       """`argmax` of what is not NaN. Raises ValueError where all is NaN.

    In compiled code, where nothing can be raised, all NaN gives 0.

    >>> import functrans.numpy as fnp
    >>> fnp.nanargmax(fnp.array([1.0, fnp.nan, 3.0]))
    Array(2, dtype=int64)
    """)
nanargmin = _nan_place("nanargmin", argmin, cumulative.highest,
                       """`argmin` of what is not NaN; see `nanargmax`.

    >>> import functrans.numpy as fnp
    >>> fnp.nanargmin(fnp.array([fnp.nan, 3.0]))
    Array(1, dtype=int64)
    """)


def _nan_running(name: str, function, neutral: int, doc: str):
    def running(a, axis: int | None = None, dtype=None, out=None):
        a = as_arraylike(a, name)
        mask = _nan_mask(a)
        return function(a if mask is None else where_(mask, a.dtype.type(neutral), a), axis, dtype,
                        out)
    running.__name__ = running.__qualname__ = name
    running.__doc__ = doc
    return running


nancumsum = _nan_running("nancumsum", cumsum, 0, """`cumsum` where NaN counts as 0.

    >>> import functrans.numpy as fnp
    >>> fnp.nancumsum(fnp.array([1.0, fnp.nan, 2.0]))
    Array([1., 1., 3.], dtype=float32)
    """)
nancumprod = _nan_running("nancumprod", cumprod, 1, """`cumprod` where NaN counts as 1.

    >>> import functrans.numpy as fnp
    >>> fnp.nancumprod(fnp.array([2.0, fnp.nan, 2.0]))
    Array([2., 2., 4.], dtype=float32)
    """)
