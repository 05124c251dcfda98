"""The methods of elementwise functions of two operands: `add.reduce(x)`, `subtract.outer(x, y)`.

Importing it attaches them. Imports `numpy.ufuncs`, `numpy.reductions`, `numpy.manipulation`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.errors import ArgumentError
from functrans.numpy import reductions, ufuncs
from functrans.numpy.joining import concatenate
from functrans.numpy.promotion import (as_arraylike, as_operand, canonical_axes, canonical_axis,
                                       cast, materialize)
from functrans.numpy.ufunc import refuse_out
from functrans.numpy.writing import refuse_inplace
from functrans.primitives import cumulative
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert

# Functions whose reductions and running results have functions of their own.
_REDUCTIONS = {"add": reductions.sum, "multiply": reductions.prod, "maximum": reductions.max,
               "minimum": reductions.min, "logical_and": reductions.all,
               "logical_or": reductions.any}
_RUNNING = {"add": reductions.cumsum, "multiply": reductions.cumprod}
_RUNNING_EXTREMES = {"maximum": cumulative.cummax, "minimum": cumulative.cummin}
_UPDATES = {"add": "add", "multiply": "multiply", "maximum": "max", "minimum": "min",
            "subtract": "subtract", "true_divide": "divide", "divide": "divide"}
_IDENTITIES = {"add": 0, "multiply": 1, "logical_and": True, "logical_or": False,
               "logical_xor": False, "bitwise_or": 0, "bitwise_xor": 0, "bitwise_and": -1,
               "logaddexp": -np.inf, "logaddexp2": -np.inf, "hypot": 0}


def _reduce(function: Callable) -> Callable:
    def reduce(array, axis=0, dtype=None, out=None, keepdims: bool = False, initial=None,
               where=None):
        """Elements along `axis` (0 by default; all, if None) combined into one."""
        name = function.__name__
        if name in _REDUCTIONS:
            options = dict(keepdims=keepdims, where=where)
            if name not in ("logical_and", "logical_or"):
                options["initial"] = initial
            array = as_arraylike(array, name)
            array = array if dtype is None else convert(array, dtype)
            return _REDUCTIONS[name](array, axis, out=out, **options)
        refuse_out(out, f"{name}.reduce")
        return _fold(function, as_arraylike(array, name), axis, dtype, keepdims, initial, where)
    return reduce


def _fold(function, x, axis, dtype, keepdims: bool, initial, where):
    """From the first to the last along an axis, one after the other."""
    if where is not None and where is not True:
        raise ArgumentError(
            f"{function.__name__}.reduce takes no where=; choose with where() first")
    x = x if dtype is None else convert(x, dtype)
    axes = canonical_axes(axis, x.ndim)
    if len(axes) > 1:
        rest = [k for k in range(x.ndim) if k not in axes]
        shape = [x.shape[k] for k in rest]
        flat = prim.reshape(prim.transpose(x, rest + list(axes)),
                            (*shape, x.size // max(int(np.prod(shape)), 1)))
        result = _fold(function, flat, flat.ndim - 1, None, False, initial, None)
        return prim.expand_dims(result, axes) if keepdims else result
    parts = _slices(x, axes[0]) if axes else [x]
    result = _start(function, x, axes, initial, parts)
    for part in parts:
        result = function(result, part)
    return prim.expand_dims(result, axes) if keepdims else result


def _start(function, x, axes, initial, parts: list):
    if initial is not None:
        return cast(as_operand(initial), x.dtype)
    if parts:
        return parts.pop(0)
    identity = getattr(function, "identity", None)
    if identity is None:
        raise ArgumentError(f"zero-size array to reduction operation {function.__name__} which has "
                            "no identity")
    from functrans.numpy.creation import full
    return full([size for k, size in enumerate(x.shape) if k not in axes], identity, x.dtype)


def _slices(x, axis: int) -> list:
    rest = x.shape[:axis] + x.shape[axis + 1:]
    return [prim.reshape(prim.slice_axis(x, axis, k, k + 1), rest) for k in range(x.shape[axis])]


def _accumulate(function: Callable) -> Callable:
    def accumulate(array, axis=0, dtype=None, out=None):
        """Running results along an axis."""
        name = function.__name__
        refuse_out(out, f"{name}.accumulate")
        x = as_arraylike(array, name)
        if not x.ndim:
            raise ArgumentError(f"cannot accumulate on a scalar: {name}.accumulate")
        axis = canonical_axis(axis, x.ndim)
        if name in _RUNNING:
            return _RUNNING[name](x, axis, dtype)
        x = x if dtype is None else convert(x, dtype)
        x = materialize(ufuncs.truth(x)) if name.startswith("logical") else x
        if name in _RUNNING_EXTREMES:
            return _RUNNING_EXTREMES[name](x, axis)
        parts = _slices(x, axis)
        for k in range(1, len(parts)):
            parts[k] = as_arraylike(function(parts[k - 1], parts[k]))
        return concatenate([prim.expand_dims(part, (axis,)) for part in parts], axis) if parts \
            else x
    return accumulate


def _outer(function: Callable) -> Callable:
    def outer(A, B, /, **options):
        """The function of all pairs: the axes of A, then those of B."""
        A, B = as_arraylike(A, function.__name__), as_arraylike(B, function.__name__)
        return function(prim.reshape(A, A.shape + (1,) * B.ndim), B, **options)
    return outer


def _at(function: Callable) -> Callable:
    def at(a, indices, b, /, *, inplace: bool = True):
        """`a` with the function of its elements at `indices` and of `b` put there, in order."""
        name = function.__name__
        refuse_inplace(inplace, f"{name}.at")
        place = as_arraylike(a, name).at[indices]
        if name in _UPDATES:
            return getattr(place, _UPDATES[name])(b)
        return place.set(function(place.get(), b))
    return at


def attach(function: Callable):
    """Gives a function of two operands its methods."""
    function.reduce, function.accumulate = _reduce(function), _accumulate(function)
    function.outer, function.at = _outer(function), _at(function)
    for method in ("reduce", "accumulate", "outer", "at"):
        part = getattr(function, method)
        part.__qualname__ = f"{function.__name__}.{method}"
    return function


for _name in ufuncs.__all__:
    _function = getattr(ufuncs, _name)
    if getattr(_function, "nin", None) == 2 and not hasattr(_function, "reduce"):
        _function.identity = _IDENTITIES.get(_function.__name__)
        _function.nout = 2 if _name == "divmod" else 1
        attach(_function)
