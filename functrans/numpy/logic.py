"""Comparison, logic, and questions about the kind of numbers.

In: arrays and numbers. Out: arrays of booleans. Imports `numpy.promotion`, `numpy.ufunc`,
`primitives`.
"""
from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, DtypeError
from functrans.ir.type import is_bool, is_complex, is_float, is_integer
from functrans.numpy.arithmetic import abs
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_all, cast, materialize,
                                       promote, promote_inexact)
from functrans.numpy.ufunc import array_pair, defined, ufunc
from functrans.primitives import elementwise as basic
from functrans.primitives.basic import full
from functrans.primitives.elementwise import select
from functrans.trace import bind

# ---- comparison ----

def _comparison(name: str, primitive, scalar: Callable, doc: str, call: str, result: str):
    """Elementwise comparison; complex numbers by real part, then by imaginary part."""
    def function(x1, x2):
        x1, x2 = as_operand(x1, name), as_operand(x2, name)
        for x, other, swapped in ((x1, x2, False), (x2, x1, True)):
            if _is_beyond(other, x):
                answer = scalar(other, 0) if swapped else scalar(0, other)
                return full(x.type.with_dtype(np.bool_), answer)
        if name in ("equal", "not_equal"):
            return bind(primitive, *broadcast_all(promote(x1, x2)))
        return _in_order(primitive, x1, x2)
    return defined(name, function, doc, call, result)


def _is_beyond(number, x) -> bool:
    """Whether a Python int is none that the integer dtype of x can hold."""
    if type(number) is not int or not isinstance(x, ArrayBase) or not is_integer(x.dtype):
        return False
    info = np.iinfo(x.dtype)
    return not info.min <= number <= info.max


def _in_order(primitive, x1, x2):
    x1, x2 = broadcast_all(promote(x1, x2))
    if not is_complex(x1.dtype):
        return bind(primitive, x1, x2)
    same = basic.eq(basic.real(x1), basic.real(x2))
    return select(same, bind(primitive, basic.imag(x1), basic.imag(x2)),
                  bind(primitive, basic.real(x1), basic.real(x2)))


equal = _comparison("equal", basic.eq_p, operator.eq, "x1 == x2, elementwise.",
                    "fnp.equal(1, fnp.array([1, 2]))", "Array([ True, False], dtype=bool)")
not_equal = _comparison("not_equal", basic.ne_p, operator.ne, "x1 != x2, elementwise.",
                        "fnp.not_equal(1, fnp.array([1, 2]))",
                        "Array([False,  True], dtype=bool)")
less = _comparison("less", basic.lt_p, operator.lt, "x1 < x2, elementwise.",
                   "fnp.less(1, fnp.array([1, 2]))", "Array([False,  True], dtype=bool)")
less_equal = _comparison("less_equal", basic.le_p, operator.le, "x1 <= x2, elementwise.",
                         "fnp.less_equal(2, fnp.array([1, 2]))",
                         "Array([False,  True], dtype=bool)")
greater = _comparison("greater", basic.gt_p, operator.gt, "x1 > x2, elementwise.",
                      "fnp.greater(2, fnp.array([1, 2]))", "Array([ True, False], dtype=bool)")
greater_equal = _comparison("greater_equal", basic.ge_p, operator.ge, "x1 >= x2, elementwise.",
                            "fnp.greater_equal(1, fnp.array([1, 2]))",
                            "Array([ True, False], dtype=bool)")


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan: bool = False):
    """Whether abs(a - b) <= atol + rtol * abs(b), elementwise; infinities are close to equals.

    >>> import functrans.numpy as fnp
    >>> fnp.isclose(fnp.array([1.0, 2.0]), 1.0)
    Array([ True, False], dtype=bool)
    """
    a, b = array_pair(promote_inexact, as_operand(a, "isclose"), as_operand(b, "isclose"))
    finite = isfinite(b)
    near = less_equal(abs(a - b), atol + rtol * abs(select(finite, b, b.dtype.type(0))))
    same = basic.eq(a, b)
    result = select(basic.and_(finite, isfinite(a)), near, same)
    if not equal_nan:
        return result
    return basic.or_(result, basic.and_(basic.ne(a, a), basic.ne(b, b)))


# ---- logic ----

def truth(x):
    """x != 0, as booleans."""
    x = as_operand(x, "a logical function")
    if not isinstance(x, ArrayBase):
        return np.bool_(x)
    return x if is_bool(x.dtype) else basic.ne(x, x.dtype.type(0))


def _logical(name: str, primitive, doc: str, call: str, result: str):
    def function(x1, x2):
        return bind(primitive, *broadcast_all([truth(x1), truth(x2)]))
    return defined(name, function, doc, call, result)


logical_and = _logical("logical_and", basic.and_p, "Whether both are true.",
                       "fnp.logical_and(True, fnp.array([1, 0]))",
                       "Array([ True, False], dtype=bool)")
logical_or = _logical("logical_or", basic.or_p, "Whether at least one is true.",
                      "fnp.logical_or(False, fnp.array([1, 0]))",
                      "Array([ True, False], dtype=bool)")
logical_xor = _logical("logical_xor", basic.xor_p, "Whether just one is true.",
                       "fnp.logical_xor(True, fnp.array([1, 0]))",
                       "Array([False,  True], dtype=bool)")


@ufunc
def logical_not(x):
    """Whether x is false.

    >>> import functrans.numpy as fnp
    >>> fnp.logical_not(fnp.array([1, 0]))
    Array([False,  True], dtype=bool)
    """
    return basic.not_(materialize(truth(x)))


# ---- kinds of numbers ----

def _always(x, answer: bool):
    return full(x.type.with_dtype(np.bool_), answer)


def _classify(name: str, on_float: Callable, on_integer: bool, doc: str, call: str, result: str):
    def function(x):
        x = as_arraylike(x, name)
        if is_complex(x.dtype):
            parts = function(basic.real(x)), function(basic.imag(x))
            return (basic.and_ if name == "isfinite" else basic.or_)(*parts)
        return on_float(x) if is_float(x.dtype) else _always(x, on_integer)
    return defined(name, function, doc, call, result)


isfinite = _classify("isfinite", basic.is_finite, True, "Whether x is neither infinite nor NaN.",
                     "fnp.isfinite(fnp.inf)", "Array(False, dtype=bool)")
isnan = _classify("isnan", lambda x: basic.ne(x, x), False, "Whether x is not a number.",
                  "fnp.isnan(fnp.nan)", "Array(True, dtype=bool)")
isinf = _classify("isinf", lambda x: basic.eq(basic.abs_(x), x.dtype.type(np.inf)), False,
                  "Whether x is infinite.", "fnp.isinf(fnp.inf)", "Array(True, dtype=bool)")


def _is_infinity(name: str, value: float, doc: str, call: str):
    def function(x, /, out=None):
        if out is not None:
            raise ArgumentError(f"{name}(out=...): arrays are immutable; use the result")
        x = as_arraylike(x, name)
        if is_complex(x.dtype):
            raise DtypeError(f"{name} takes real numbers, not {x.dtype.name}")
        return basic.eq(x, x.dtype.type(value)) if is_float(x.dtype) else _always(x, False)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (f"{doc}\n\n    >>> import functrans.numpy as fnp\n    >>> {call}\n"
                        "    Array(True, dtype=bool)\n    ")
    return function


isposinf = _is_infinity("isposinf", np.inf, "Whether x is positive infinity.",
                        "fnp.isposinf(fnp.inf)")
isneginf = _is_infinity("isneginf", -np.inf, "Whether x is negative infinity.",
                        "fnp.isneginf(-fnp.inf)")


@ufunc
def signbit(x):
    """Whether the sign is negative; true for -0.0.

    >>> import functrans.numpy as fnp
    >>> fnp.signbit(-0.0)
    Array(True, dtype=bool)
    """
    x = as_arraylike(x, "signbit")
    if is_complex(x.dtype):
        raise DtypeError(f"signbit takes real numbers, not {x.dtype.name}")
    if not is_float(x.dtype):
        return basic.lt(x, x.dtype.type(0)) if x.dtype.kind == "i" else _always(x, False)
    return basic.lt(basic.copysign(full(x.type.strong(), 1), x), x.dtype.type(0))


def isreal(x):
    """Whether the imaginary part is zero.

    >>> import functrans.numpy as fnp
    >>> fnp.isreal(fnp.array([1 + 0j, 1j]))
    Array([ True, False], dtype=bool)
    """
    x = as_arraylike(x, "isreal")
    return _imaginary_is(basic.eq, x) if is_complex(x.dtype) else _always(x, True)


def iscomplex(x):
    """Whether the imaginary part is not zero.

    >>> import functrans.numpy as fnp
    >>> fnp.iscomplex(fnp.array([1 + 0j, 1j]))
    Array([False,  True], dtype=bool)
    """
    x = as_arraylike(x, "iscomplex")
    return _imaginary_is(basic.ne, x) if is_complex(x.dtype) else _always(x, False)


def _imaginary_is(compare: Callable, x):
    part = basic.imag(x)
    return compare(part, cast(0, part.dtype))
