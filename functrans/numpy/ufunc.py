"""How elementwise functions are made: from a primitive, or from a function of operands.

Each gets NumPy's keywords `out` (refused: arrays are immutable), `where` and `dtype`. The methods
`reduce`, `accumulate`, `outer` and `at` come from `ufunc_methods.py`.

In: primitives, functions. Out: functions. Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from functrans.errors import ArgumentError
from functrans.ir.type import is_bool
from functrans.numpy.promotion import (apply, as_arraylike, broadcast_all, canonical_dtype, cast,
                                       materialize, promote, promote_inexact)
from functrans.primitives.elementwise import convert, select


def refuse_out(out, name: str):
    """Raises for an `out` argument: arrays are immutable."""
    if out is not None:
        raise ArgumentError(
            f"{name}(out=...): arrays of this library are immutable, so nothing can be "
            f"written into one; use the result: `x = {name}(...)`. With where=, "
            f"write `x = where(mask, {name}(...), x)`")


def ufunc(operate: Callable) -> Callable:
    """A function of one or two operands, with NumPy's keywords."""
    name, count = operate.__name__, len(inspect.signature(operate).parameters)
    if count == 1:
        def function(x, /, out=None, *, where=True, dtype=None):
            if out is None and where is True and dtype is None:
                return operate(x)
            return _with_options(operate, (x,), out, where, dtype)
    else:
        def function(x1, x2, /, out=None, *, where=True, dtype=None):
            if out is None and where is True and dtype is None:
                return operate(x1, x2)
            return _with_options(operate, (x1, x2), out, where, dtype)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = operate.__doc__
    function.__module__ = operate.__module__
    function.nin, function.nargs = count, count + 1
    return function


def _with_options(operate: Callable, operands: tuple, out, where, dtype):
    """dtype: that of the operands; where: which elements are computed, the others are 0."""
    refuse_out(out, operate.__name__)
    if dtype is not None:
        dtype = canonical_dtype(dtype)
        operands = tuple(convert(as_arraylike(x, operate.__name__), dtype) for x in operands)
    result = operate(*operands)
    if where is True:
        return result
    parts = tuple(_chosen(where, part)
                  for part in (result if isinstance(result, tuple) else (result,)))
    return parts if isinstance(result, tuple) else parts[0]


def _chosen(mask, x):
    mask = convert(as_arraylike(mask, "where="), np.bool_)
    mask, x = broadcast_all([mask, x])
    return select(mask, x, x.dtype.type(0))


def _named(function: Callable, name: str, doc: str, call: str, result: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (f"{doc}\n\n    >>> import functrans.numpy as fnp\n"
                        f"    >>> {call}\n    {result}\n    ")
    function.__module__ = "functrans.numpy"
    return ufunc(function)


def unary(name: str, primitive, doc: str, call: str, result: str, promotion=promote):
    """A function that is a primitive of one operand; the example is in its documentation."""
    def function(x):
        return apply(primitive, x, promotion=promotion, name=name)
    return _named(function, name, doc, call, result)


def float_unary(name: str, primitive, doc: str, call: str, result: str):
    """As `unary`; integers become floats."""
    return unary(name, primitive, doc, call, result, promote_inexact)


def binary(name: str, primitive, doc: str, call: str, result: str, promotion=promote):
    """A function that is a primitive of two operands."""
    def function(x1, x2):
        return apply(primitive, x1, x2, promotion=promotion, name=name)
    return _named(function, name, doc, call, result)


def defined(name: str, function: Callable, doc: str, call: str, result: str):
    """A function that is given as one of operands, under a name and with its documentation."""
    return _named(function, name, doc, call, result)


def no_bool(*operands) -> list:
    """Promoted operands; booleans become int8 where NumPy has no loop for them."""
    promoted = promote(*operands)
    if is_bool(promoted[0].dtype):
        return [cast(x, np.dtype(np.int8)) for x in promoted]
    return promoted


def array_pair(promotion, x1, x2) -> list:
    """Two operands as arrays of one dtype and one shape."""
    return broadcast_all([materialize(x) for x in promotion(x1, x2)])
