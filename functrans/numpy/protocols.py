"""Plain NumPy functions on arrays and tracers: `np.tanh(x)`, `np.sum(x)`, `ndarray + x`.

NumPy asks its operands before it computes (NEP 13 and NEP 18); we answer with the function of
the same name in `functrans.numpy`. What has none there is left to NumPy, which gets the elements
of arrays; tracers have none to give, so that is an error. Imports `array`, `numpy`, `trace`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ConcretizationError, ImmutableError
from functrans.locations import describe, user_location
from functrans.trace import Tracer

# NumPy's ufuncs whose names differ from those of the functions.
_UFUNC_NAMES = {"divide": "true_divide", "absolute": "abs", "conjugate": "conjugate",
                "bitwise_not": "invert", "rint": "rint"}


def _namespace():
    import functrans.numpy as namespace
    return namespace


def _array_ufunc(self, ufunc, method, *inputs, **kwargs):
    out = kwargs.pop("out", None)
    if out is not None:
        raise ImmutableError(f"np.{ufunc.__name__}(..., out=) on an array of this library: arrays "
                             "are immutable. `a += x` with an ndarray `a` does this: write "
                             "`a = a + x`")
    function = _ufunc_function(ufunc, method)
    if function is None:
        return getattr(ufunc, method)(*_elements(inputs, ufunc), **_elements(kwargs, ufunc))
    dtype = kwargs.pop("dtype", None)
    if method == "__call__" and kwargs:
        raise ArgumentError(f"np.{ufunc.__name__}(..., {next(iter(kwargs))}=) is not supported on "
                            "arrays of this library; in place of where=, choose from the result: "
                            "where(mask, f(x), other)")
    result = function(*inputs, **kwargs)
    return result if dtype is None else result.astype(dtype)


def _ufunc_function(ufunc, method: str):
    namespace = _namespace()
    if getattr(np, ufunc.__name__, None) is not ufunc:
        return None                          # another library's, which only has a name of NumPy's
    if method == "__call__":
        return getattr(namespace, _UFUNC_NAMES.get(ufunc.__name__, ufunc.__name__), None)
    function = getattr(namespace, _UFUNC_NAMES.get(ufunc.__name__, ufunc.__name__), None)
    if method in ("reduce", "accumulate", "outer"):
        return getattr(function, method, None)
    return None


def _array_function(self, func, types, args, kwargs):
    function = _counterpart(func)
    if function is None:
        return func(*_elements(args, func), **_elements(kwargs, func))
    return function(*args, **kwargs)


def _elements(value, func):
    """Arguments for NumPy itself: arrays as ndarrays. Raises TypeError for tracers."""
    if isinstance(value, Tracer):
        raise ConcretizationError(
            f"{_full_name(func)} has no counterpart in functrans.numpy, so it cannot be traced.\n"
            f"  at: {describe(user_location())}\n"
            "Write it with functions that functrans.numpy has, or call it outside of the "
            "function that is transformed.")
    if isinstance(value, ArrayBase):
        return np.asarray(value)
    if type(value) in (list, tuple):
        return type(value)(_elements(item, func) for item in value)
    if type(value) is dict:
        return {key: _elements(item, func) for key, item in value.items()}
    return value


def _full_name(func) -> str:
    """`np.linalg.svd`, as users write it."""
    if isinstance(func, np.ufunc):           # these do not know their module
        return f"np.{func.__name__}" if hasattr(np, func.__name__) else func.__name__
    module = (getattr(func, "__module__", None) or "numpy").split(".")
    inner = [part for part in module[1:] if not part.startswith("_")]
    return ".".join(["np" if module[0] == "numpy" else module[0], *inner, func.__name__])


def _counterpart(func):
    """The function of ours for one of NumPy's, found by module and name."""
    target = _namespace()
    module = (getattr(func, "__module__", "") or "").split(".")
    for part in module[1:]:
        if part in ("linalg", "fft"):
            target = getattr(target, part, None)
    return getattr(target, func.__name__, None)


def _array_namespace(self, /, *, api_version: str | None = None):
    from functrans.numpy.information import check_api_version
    check_api_version(api_version)
    return _namespace()


ArrayBase.__array_ufunc__ = _array_ufunc
ArrayBase.__array_function__ = _array_function
ArrayBase.__array_namespace__ = _array_namespace
