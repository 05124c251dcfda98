"""Arithmetic: sums, products, quotients, powers, extremes, rounding; bits of integers.

In: arrays and numbers. Out: arrays. Imports `numpy.promotion`, `numpy.ufunc`, `primitives`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.array import Array, ArrayBase
from functrans.errors import DtypeError
from functrans.ir.type import is_bool, is_complex, is_inexact, is_integer
from functrans.numpy import complex_order
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_all, cast, materialize,
                                       promote, promote_inexact, result_type_of)
from functrans.numpy.ufunc import array_pair, binary, defined, no_bool, refuse_out, ufunc, unary
from functrans.primitives import elementwise as basic
from functrans.primitives import functions
from functrans.primitives.basic import add_p
from functrans.primitives.elementwise import convert, select
from functrans.trace import bind


def _arithmetic(name: str, primitive, on_bool, doc: str, call: str, result: str):
    """A binary function that is a logical one on booleans."""
    def function(x1, x2):
        x1, x2 = promote(as_operand(x1, name), as_operand(x2, name))
        chosen = primitive
        if x1.dtype.kind == "b":
            if on_bool is None:
                raise DtypeError(f"{name} of booleans is not defined; use logical_xor, or "
                                 "convert them to integers")
            chosen = on_bool
        return bind(chosen, *broadcast_all([x1, x2]))
    return defined(name, function, doc, call, result)


add = _arithmetic("add", add_p, basic.or_p, "The sum x1 + x2.",
                  "fnp.add(1.0, 2.0)", "Array(3., dtype=float32)")
subtract = _arithmetic("subtract", basic.sub_p, None, "The difference x1 - x2.",
                       "fnp.subtract(3.0, fnp.ones(2))", "Array([2., 2.], dtype=float32)")
multiply = _arithmetic("multiply", basic.mul_p, basic.and_p, "The product x1 * x2.",
                       "fnp.multiply(3.0, fnp.ones(2))", "Array([3., 3.], dtype=float32)")
true_divide = binary("true_divide", basic.div_p, "The quotient x1 / x2, a float.",
                     "fnp.true_divide(3, fnp.array(2))", "Array(1.5, dtype=float32)",
                     promote_inexact)
divide = binary("divide", basic.div_p, "The quotient x1 / x2, a float.",
                "fnp.divide(3, fnp.array(2))", "Array(1.5, dtype=float32)", promote_inexact)
floor_divide = binary("floor_divide", basic.floor_divide_p,
                      "The largest integer not above x1 / x2.",
                      "fnp.floor_divide(-7, fnp.array(2))", "Array(-4, dtype=int64)", no_bool)
remainder = binary("remainder", basic.remainder_p,
                   "x1 - floor_divide(x1, x2) * x2: it has the sign of x2.",
                   "fnp.remainder(-7, fnp.array(3))", "Array(2, dtype=int64)", no_bool)
mod = binary("mod", basic.remainder_p, "The same as `remainder`.",
             "fnp.mod(-7, fnp.array(3))", "Array(2, dtype=int64)", no_bool)
fmod = binary("fmod", basic.fmod_p, "The remainder with the sign of x1, as in C.",
              "fnp.fmod(-7, fnp.array(3))", "Array(-1, dtype=int64)", no_bool)


@ufunc
def divmod(x1, x2):
    """`(floor_divide(x1, x2), remainder(x1, x2))`.

    >>> import functrans.numpy as fnp
    >>> fnp.divmod(fnp.array(7), 2)
    (Array(3, dtype=int64), Array(1, dtype=int64))
    """
    return floor_divide(x1, x2), remainder(x1, x2)


def _number(x, name: str, instead: str = ""):
    """An operand as an array that is not boolean."""
    x = as_arraylike(x, name)
    if is_bool(x.dtype):
        raise DtypeError(f"{name} of booleans is not defined{instead and '; use ' + instead}")
    return x


@ufunc
def negative(x):
    """The numerical negative -x; booleans are refused, as in NumPy.

    >>> import functrans.numpy as fnp
    >>> fnp.negative(fnp.array([1, -2]))
    Array([-1,  2], dtype=int64)
    """
    return basic.neg(_number(x, "negative", "logical_not"))


@ufunc
def positive(x):
    """+x, that is x; booleans are refused, as in NumPy.

    >>> import functrans.numpy as fnp
    >>> fnp.positive(fnp.array(2))
    Array(2, dtype=int64)
    """
    return _number(x, "positive")


@ufunc
def abs(x):
    """The absolute value; its gradient at 0 is 0.

    >>> import functrans.numpy as fnp
    >>> fnp.abs(fnp.array([-1.5, 2.0]))
    Array([1.5, 2. ], dtype=float32)
    """
    x = as_arraylike(x, "abs")
    return x if x.dtype.kind in "bu" else basic.abs_(x)


absolute = abs


@ufunc
def fabs(x):
    """The absolute value, as a float. Raises TypeError for complex numbers: use `abs`.

    >>> import functrans.numpy as fnp
    >>> fnp.fabs(fnp.array(-2))
    Array(2., dtype=float32)
    """
    x, = promote_inexact(as_operand(x, "fabs"))
    if is_complex(x.dtype):
        raise DtypeError("fabs takes real numbers; use abs for complex ones")
    return basic.abs_(materialize(x))


@ufunc
def sign(x):
    """-1, 0 or 1; z/|z| for complex numbers.

    >>> import functrans.numpy as fnp
    >>> fnp.sign(fnp.array([-2.0, 0.0]))
    Array([-1.,  0.], dtype=float32)
    """
    return basic.sign(_number(x, "sign"))


@ufunc
def square(x):
    """x * x.

    >>> import functrans.numpy as fnp
    >>> fnp.square(fnp.array(3))
    Array(9, dtype=int64)
    """
    x = materialize(no_bool(as_operand(x, "square"))[0])
    return functions.integer_pow(x, 2) if is_inexact(x.dtype) else basic.mul(x, x)


@ufunc
def reciprocal(x):
    """1 / x, in the dtype of x: of integers, the quotient without its fraction.

    >>> import functrans.numpy as fnp
    >>> fnp.reciprocal(fnp.array(4.0))
    Array(0.25, dtype=float32)
    """
    x = materialize(no_bool(as_operand(x, "reciprocal"))[0])
    if is_inexact(x.dtype):
        return basic.div(x.dtype.type(1), x)
    one, zero = x.dtype.type(1), x.dtype.type(0)
    unit = basic.eq(x, one) if x.dtype.kind == "u" else basic.eq(basic.abs_(x), one)
    return select(unit, x, zero)


# ---- powers ----

@ufunc
def power(x1, x2):
    """x1 to the power of x2. Integers to negative powers raise ValueError, where they are known.

    >>> import functrans.numpy as fnp
    >>> fnp.power(fnp.array([1.0, 2.0]), 3)
    Array([1., 8.], dtype=float32)
    """
    x1, x2 = as_operand(x1, "power"), as_operand(x2, "power")
    if isinstance(x2, int) and not isinstance(x2, bool) and isinstance(x1, ArrayBase):
        return _static_power(x1, x2)
    dtype, _ = result_type_of(x1, x2)
    if not is_inexact(dtype):
        return _integer_power(*array_pair(no_bool, x1, x2))
    return bind(functions.pow_p, *broadcast_all(promote(x1, x2)))


pow = power


@ufunc
def float_power(x1, x2):
    """x1 to the power of x2, in float64 or complex128.

    >>> import functrans.numpy as fnp
    >>> fnp.float_power(2, fnp.array(-1))
    Array(0.5, dtype=float64)
    """
    x1, x2 = as_operand(x1, "float_power"), as_operand(x2, "float_power")
    wide = np.complex128 if is_complex(result_type_of(x1, x2)[0]) else np.float64
    return bind(functions.pow_p, *broadcast_all([cast(x, np.dtype(wide)) for x in (x1, x2)]))


def _negative_power():
    return ValueError("Integers to negative integer powers are not allowed; convert the array to "
                      "a float dtype, or use a float exponent")


def _static_power(x, exponent: int):
    if is_bool(x.dtype):
        x = convert(x, np.int8)
    if is_integer(x.dtype) and exponent < 0:
        raise _negative_power()
    return functions.integer_pow(x, exponent)


def _integer_power(x, y):
    """By squaring, with as many steps as an exponent can have bits that matter."""
    if isinstance(y, Array) and y.dtype.kind == "i" and (np.asarray(y) < 0).any():
        raise _negative_power()
    kind = x.dtype.type
    signed = x.dtype.kind == "i"
    left = select(basic.lt(y, kind(0)), kind(0), y) if signed else y
    result, base = basic.add(basic.mul(x, kind(0)), kind(1)), x
    for _ in range(6):                       # exponents of 64 and more overflow, or |x| <= 1
        odd = basic.eq(basic.and_(left, kind(1)), kind(1))
        result = select(odd, basic.mul(result, base), result)
        base, left = basic.mul(base, base), right_shift(left, kind(1))
    unit = select(basic.eq(x, kind(-1)), result, basic.mul(x, x)) if signed else x
    small = basic.le(basic.abs_(x) if signed else x, kind(1))
    beyond = select(small, unit, kind(0))
    result = select(basic.gt(left, kind(0)), beyond, result)
    return select(basic.lt(y, kind(0)), _inverse_power(x, y), result) if signed else result


def _inverse_power(x, y):
    """1 and -1 to a negative power; 0 of other integers."""
    kind = x.dtype.type
    turn = basic.sub(kind(1), basic.mul(kind(2), basic.and_(y, kind(1))))
    return select(basic.eq(x, kind(1)), kind(1), select(basic.eq(x, kind(-1)), turn, kind(0)))


# ---- larger and smaller ----

def _of_two(name: str, primitive, of_complex, doc: str, call: str, result: str):
    """The larger or the smaller of two; of complex numbers in NumPy's order."""
    def chosen(x1, x2):
        x1, x2 = promote(as_operand(x1, name), as_operand(x2, name))
        if is_complex(x1.dtype):
            return of_complex(*array_pair(promote, x1, x2))
        return bind(primitive, *broadcast_all([x1, x2]))
    return defined(name, chosen, doc, call, result)


maximum = _of_two("maximum", basic.max_p, complex_order.larger,
                  "The larger of x1 and x2; NaN if either is NaN.",
                  "fnp.maximum(1, fnp.array([0, 2]))", "Array([1, 2], dtype=int64)")
minimum = _of_two("minimum", basic.min_p, complex_order.smaller,
                  "The smaller of x1 and x2; NaN if either is NaN.",
                  "fnp.minimum(1, fnp.array([0, 2]))", "Array([0, 1], dtype=int64)")


def _ignoring_nan(name: str, of_two, doc: str, call: str, result: str):
    def chosen(x1, x2):
        x1, x2 = array_pair(promote, as_operand(x1, name), as_operand(x2, name))
        both = of_two(x1, x2)
        return select(basic.ne(x1, x1), x2, select(basic.ne(x2, x2), x1, both))
    return defined(name, chosen, doc, call, result)


fmax = _ignoring_nan("fmax", maximum, "The larger of x1 and x2; NaN only if both are.",
                     "fnp.fmax(fnp.nan, fnp.ones(1))", "Array([1.], dtype=float32)")
fmin = _ignoring_nan("fmin", minimum, "The smaller of x1 and x2; NaN only if both are.",
                     "fnp.fmin(fnp.nan, fnp.ones(1))", "Array([1.], dtype=float32)")


def clip(x, /, min=None, max=None, out=None, *, a_min=None, a_max=None):
    """x limited to the interval from `min` to `max`, either of which may be None.

    >>> import functrans.numpy as fnp
    >>> fnp.clip(fnp.arange(4), 1, 2)
    Array([1, 1, 2, 2], dtype=int64)
    """
    refuse_out(out, "clip")
    low = a_min if min is None else min
    high = a_max if max is None else max
    x = as_arraylike(x, "clip")
    if low is not None:
        x = maximum(x, low)
    return x if high is None else minimum(x, high)


# ---- rounding ----

def _rounding(name: str, function: Callable, doc: str, call: str, result: str):
    def rounded(x):
        x = as_arraylike(x, name)
        return x if x.dtype.kind in "biu" else function(x)
    return defined(name, rounded, doc, call, result)


floor = _rounding("floor", basic.floor, "The largest integer not above x, in x's dtype.",
                  "fnp.floor(fnp.array(1.5))", "Array(1., dtype=float32)")
ceil = _rounding("ceil", basic.ceil, "The smallest integer not below x, in x's dtype.",
                 "fnp.ceil(fnp.array(1.5))", "Array(2., dtype=float32)")
trunc = _rounding("trunc", basic.trunc, "x without its fraction, in x's dtype.",
                  "fnp.trunc(fnp.array(-1.5))", "Array(-1., dtype=float32)")
fix = _rounding("fix", basic.trunc, "x rounded towards zero.",
                "fnp.fix(fnp.array(-1.5))", "Array(-1., dtype=float32)")


@ufunc
def rint(x):
    """The nearest integer, as a float; ties go to the even one.

    >>> import functrans.numpy as fnp
    >>> fnp.rint(fnp.array(2.5))
    Array(2., dtype=float32)
    """
    return round(materialize(promote_inexact(as_operand(x, "rint"))[0]))


def round(a, decimals: int = 0, out=None):
    """a rounded to `decimals` places; ties go to the even digit.

    >>> import functrans.numpy as fnp
    >>> fnp.round(fnp.array([1.25, 1.35]), 1)
    Array([1.2, 1.4], dtype=float32)
    """
    refuse_out(out, "round")
    a = as_arraylike(a, "round")
    if is_complex(a.dtype):
        return basic.complex_(round(basic.real(a), decimals), round(basic.imag(a), decimals))
    if a.dtype.kind in "biu":
        return _round_integers(a, decimals)
    if decimals == 0:
        return basic.round_(a)
    scale = a.dtype.type(10.0 ** (decimals if decimals > 0 else -decimals))
    if decimals > 0:
        return basic.div(basic.round_(basic.mul(a, scale)), scale)
    return basic.mul(basic.round_(basic.div(a, scale)), scale)


around = round


def _round_integers(a, decimals: int):
    if is_bool(a.dtype):
        return convert(a, np.float16)
    if decimals >= 0:
        return a
    scale = np.float64(10 ** -decimals)
    return convert(basic.mul(basic.round_(basic.div(convert(a, np.float64), scale)), scale),
                   a.dtype)


# ---- integers ----

def _divisor(name: str, doc: str, operate: Callable, call: str, result: str):
    def function(x1, x2):
        x1, x2 = array_pair(no_bool, as_operand(x1, name), as_operand(x2, name))
        if not is_integer(x1.dtype):
            raise DtypeError(f"{name} takes integers, not {x1.dtype.name}")
        return operate(x1, x2)
    return defined(name, function, doc, call, result)


def _lcm(x, y):
    divisor = basic.gcd(x, y)
    safe = select(basic.eq(divisor, x.dtype.type(0)), x.dtype.type(1), divisor)
    return abs(basic.mul(basic.floor_divide(x, safe), y))


gcd = _divisor("gcd", "The greatest common divisor.", lambda x, y: basic.gcd(x, y),
               "fnp.gcd(12, fnp.array(18))", "Array(6, dtype=int64)")
lcm = _divisor("lcm", "The least common multiple.", _lcm,
               "fnp.lcm(4, fnp.array(6))", "Array(12, dtype=int64)")
bitwise_and = binary("bitwise_and", basic.and_p, "The bits that both have.",
                     "fnp.bitwise_and(6, fnp.array(3))", "Array(2, dtype=int64)")
bitwise_or = binary("bitwise_or", basic.or_p, "The bits that either has.",
                    "fnp.bitwise_or(6, fnp.array(3))", "Array(7, dtype=int64)")
bitwise_xor = binary("bitwise_xor", basic.xor_p, "The bits in which they differ.",
                     "fnp.bitwise_xor(6, fnp.array(3))", "Array(5, dtype=int64)")
bitwise_not = unary("bitwise_not", basic.not_p, "All bits turned.",
                    "fnp.bitwise_not(fnp.array(0))", "Array(-1, dtype=int64)")
invert = bitwise_invert = bitwise_not
left_shift = binary("left_shift", basic.shift_left_p, "x1 * 2**x2, without overflow into sign.",
                    "fnp.left_shift(fnp.array(1), 3)", "Array(8, dtype=int64)", no_bool)


@ufunc
def right_shift(x1, x2):
    """x1 with its bits moved x2 places down; the sign stays.

    >>> import functrans.numpy as fnp
    >>> fnp.right_shift(fnp.array(-8), 1)
    Array(-4, dtype=int64)
    """
    x1, x2 = broadcast_all(no_bool(as_operand(x1, "right_shift"), as_operand(x2, "right_shift")))
    signed = x1.dtype.kind == "i"
    return (basic.shift_right_arithmetic if signed else basic.shift_right_logical)(x1, x2)


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


@ufunc
def bitwise_count(x):
    """The number of bits set in the absolute value, as uint8.

    >>> import functrans.numpy as fnp
    >>> fnp.bitwise_count(fnp.array(7))
    Array(3, dtype=uint8)
    """
    x = materialize(no_bool(as_operand(x, "bitwise_count"))[0])
    return convert(basic.population_count(abs(x)), np.uint8)
