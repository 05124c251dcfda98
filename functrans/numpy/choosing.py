"""Choosing elements by conditions: where, select, piecewise, choose.

In: conditions and arrays. Out: arrays. Imports `numpy.promotion`, `numpy.logic`, `primitives`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.array import Array, ArrayBase
from functrans.errors import ArgumentError, DtypeError
from functrans.ir.type import is_bool, is_integer
from functrans.numpy.index_parsing import counted_from_start, index_mode
from functrans.numpy.logic import truth
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_all, broadcast_one,
                                       broadcast_shapes, materialize, promote)
from functrans.numpy.ufunc import refuse_out
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert
from functrans.primitives.elementwise import select as _select
from functrans.primitives.index import take_along


def where(condition, x=None, y=None, /, *, size=None, fill_value=None):
    """x where the condition holds, y elsewhere; the side not taken never harms a gradient.

    With the condition alone: the indices where it holds, as `nonzero`.

    >>> import functrans.numpy as fnp
    >>> fnp.where(fnp.array([True, False]), 1.0, 2.0)
    Array([1., 2.], dtype=float32)
    """
    if x is None and y is None:
        from functrans.numpy.searching import nonzero
        return nonzero(condition, size=size, fill_value=fill_value)
    if x is None or y is None:
        raise ArgumentError("where takes both x and y, or neither")
    x, y = promote(as_operand(x, "where"), as_operand(y, "where"))
    condition = truth(condition)
    if isinstance(condition, np.bool_) and not isinstance(x, ArrayBase) \
            and not isinstance(y, ArrayBase):
        return materialize(x if condition else y)
    condition, x, y = broadcast_all([condition, x, y])
    return _select(condition, x, y)


def select(condlist: Sequence, choicelist: Sequence, default=0):
    """For each element, the choice of the first condition that holds there; else `default`.

    condlist: boolean arrays; choicelist: as many arrays. Raises ValueError if they differ in
    length, TypeError if a condition is not boolean.

    >>> import functrans.numpy as fnp
    >>> x = fnp.arange(4)
    >>> fnp.select([x < 1, x > 2], [x, x * 10], -1)
    Array([ 0, -1, -1, 30], dtype=int64)
    """
    if len(condlist) != len(choicelist):
        raise ArgumentError(f"select: {len(condlist)} conditions, but {len(choicelist)} choices")
    if not len(condlist):
        raise ArgumentError("select needs at least one condition")
    conditions = [as_arraylike(condition, "select") for condition in condlist]
    for k, condition in enumerate(conditions):
        if not is_bool(condition.dtype):
            raise ArgumentError(
                f"select: condlist[{k}] must be boolean, not {condition.dtype.name}")
    result, *choices = promote(as_operand(default, "select"),
                               *(as_operand(choice, "select") for choice in choicelist))
    result = materialize(result)
    for condition, choice in zip(reversed(conditions), reversed(choices)):
        result = _select(*broadcast_all([condition, choice, result]))
    return result


def piecewise(x, condlist, funclist: Sequence, *args, **kw):
    """A function given by parts: where condition k holds, `funclist[k](x, *args, **kw)`.

    condlist: boolean arrays of the shape of x, or one of them. funclist: functions or numbers; one
    more than the conditions is for where none holds (0 otherwise). Each function is called with
    all of x, and only the elements where its condition holds are used; the last condition that
    holds decides. The result has the dtype of x.

    >>> import functrans.numpy as fnp
    >>> x = fnp.array([-2.0, 3.0])
    >>> fnp.piecewise(x, [x < 0, x >= 0], [lambda x: -x, lambda x: x * 2])
    Array([2., 6.], dtype=float32)
    """
    x = as_arraylike(x, "piecewise")
    conditions = _conditions(x, condlist)
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        otherwise = functions.pop()
    elif len(functions) == len(conditions):
        otherwise = 0
    else:
        raise ArgumentError(f"piecewise: with {len(conditions)} conditions, there must be "
                            f"{len(conditions)} or {len(conditions) + 1} functions, got "
                            f"{len(functions)}")
    result = _part(x, otherwise, args, kw)
    for condition, function in zip(conditions, functions):
        result = _select(*broadcast_all([condition, _part(x, function, args, kw), result]))
    return broadcast_one(result, x.shape)


def _conditions(x, condlist) -> list:
    """A list of boolean arrays, from one or from several."""
    arrays = (ArrayBase, np.ndarray)
    if isinstance(condlist, (bool, np.bool_)) or \
            isinstance(condlist, arrays) and condlist.ndim <= x.ndim:
        condlist = [condlist]
    elif x.ndim and len(condlist) and not isinstance(condlist[0], (*arrays, list)):
        condlist = [condlist]
    return [convert(as_arraylike(condition, "piecewise"), np.bool_) for condition in condlist]


def _part(x, function, args, kw):
    value = function(x, *args, **kw) if isinstance(function, Callable) else function
    return convert(as_arraylike(value, "piecewise"), x.dtype)


def choose(a, choices, out=None, mode: str = "raise"):
    """Elements of the arrays `choices`, chosen by the integers `a`.

    mode: "raise" (ValueError for a number that chooses nothing; IndexError in compiled code),
    "clip" or "wrap".

    >>> import functrans.numpy as fnp
    >>> fnp.choose(fnp.array([1, 0]), [fnp.array([1, 2]), fnp.array([3, 4])])
    Array([3, 2], dtype=int64)
    """
    from functrans.numpy.joining import stack
    refuse_out(out, "choose")
    a, mode = as_arraylike(a, "choose"), index_mode(mode, "choose")
    if not is_integer(a.dtype) and not is_bool(a.dtype):
        raise DtypeError(f"choose takes integers that choose, not {a.dtype.name}")
    arrays = promote(*(as_operand(choice, "choose") for choice in choices))
    arrays = [materialize(array) for array in arrays]
    shape = broadcast_shapes(a.shape, *(array.shape for array in arrays))
    index = prim.expand_dims(broadcast_one(convert(a, np.int64), shape), (0,))
    _check_choices(index, len(arrays), mode)
    table = stack([broadcast_one(array, shape) for array in arrays])
    index, checked = counted_from_start(table.shape, 0, index, mode, negative=False)
    return prim.reshape(take_along(table, index, 0, "promise" if checked else mode), shape)


def _check_choices(index, count: int, mode: str):
    if mode == "raise" and isinstance(index, Array):
        value = np.asarray(index)
        outside = value[(value < 0) | (value >= count)]
        if outside.size:
            raise ArgumentError(f"choose: {outside[0]} chooses none of {count} choices; use mode="
                                "'clip' or 'wrap'")
