"""Elementwise functions, with NumPy's names, promotion and broadcasting.

In: arrays and numbers. Out: arrays. Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import DtypeError
from functrans.ir.type import is_bool, is_complex, is_float, is_inexact, is_integer
from functrans.numpy.promotion import (apply, as_arraylike, as_operand, broadcast_all, cast,
                                       float_dtype, materialize, promote, promote_inexact,
                                       result_type_of)
from functrans.primitives import elementwise as basic
from functrans.primitives import functions
from functrans.primitives.elementwise import convert
from functrans.trace import bind


def _named(function: Callable, name: str, doc: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    function.__module__ = "functrans.numpy"
    return function


def _example(name: str, call: str, result: str) -> str:
    return f"\n\n    >>> import functrans.numpy as fnp\n    >>> {call}\n    {result}\n    "


def _unary(name: str, primitive, doc: str, call: str, result: str, promotion=promote):
    def function(x, /):
        return apply(primitive, x, promotion=promotion, name=name)
    return _named(function, name, doc + _example(name, call, result))


def _float_unary(name: str, primitive, doc: str, call: str, result: str):
    return _unary(name, primitive, doc, call, result, promote_inexact)


def _binary(name: str, primitive, doc: str, call: str, result: str, promotion=promote):
    def function(x1, x2, /):
        return apply(primitive, x1, x2, promotion=promotion, name=name)
    return _named(function, name, doc + _example(name, call, result))


# ---- arithmetic ----

def _arithmetic(name: str, primitive, on_bool, doc: str, call: str, result: str):
    """A binary function that is a logical one on booleans."""
    def function(x1, x2, /):
        x1, x2 = promote(as_operand(x1, name), as_operand(x2, name))
        chosen = primitive
        if x1.dtype.kind == "b":
            if on_bool is None:
                raise DtypeError(f"{name} of booleans is not defined; use logical_xor, or "
                                 "convert them to integers")
            chosen = on_bool
        return bind(chosen, *broadcast_all([x1, x2]))
    return _named(function, name, doc + _example(name, call, result))


add = _arithmetic("add", basic.add_p, basic.or_p, "The sum x1 + x2.",
                  "fnp.add(1.0, 2.0)", "Array(3., dtype=float32)")
subtract = _arithmetic("subtract", basic.sub_p, None, "The difference x1 - x2.",
                       "fnp.subtract(3.0, fnp.ones(2))", "Array([2., 2.], dtype=float32)")
multiply = _arithmetic("multiply", basic.mul_p, basic.and_p, "The product x1 * x2.",
                       "fnp.multiply(3.0, fnp.ones(2))", "Array([3., 3.], dtype=float32)")
true_divide = _binary("true_divide", basic.div_p, "The quotient x1 / x2, a float.",
                      "fnp.true_divide(3, 2)", "Array(1.5, dtype=float32)", promote_inexact)
divide = _binary("divide", basic.div_p, "The quotient x1 / x2, a float.",
                 "fnp.divide(3, 2)", "Array(1.5, dtype=float32)", promote_inexact)


def _no_bool(*operands):
    """Booleans are promoted to int8 where NumPy has no loop for them."""
    promoted = promote(*operands)
    if promoted[0].dtype.kind == "b":
        return [cast(x, np.dtype(np.int8)) for x in promoted]
    return promoted


floor_divide = _binary("floor_divide", basic.floor_divide_p,
                       "The largest integer not above x1 / x2.",
                       "fnp.floor_divide(-7, fnp.array(2))", "Array(-4, dtype=int64)", _no_bool)
remainder = _binary("remainder", basic.remainder_p,
                    "x1 - floor_divide(x1, x2) * x2: it has the sign of x2.",
                    "fnp.remainder(-7, fnp.array(3))", "Array(2, dtype=int64)", _no_bool)
mod = _binary("mod", basic.remainder_p, "The same as `remainder`.",
              "fnp.mod(-7, fnp.array(3))", "Array(2, dtype=int64)", _no_bool)
fmod = _binary("fmod", basic.fmod_p, "The remainder with the sign of x1, as in C.",
               "fnp.fmod(-7, fnp.array(3))", "Array(-1, dtype=int64)", _no_bool)


def divmod(x1, x2, /):
    """`(floor_divide(x1, x2), remainder(x1, x2))`.

    >>> import functrans.numpy as fnp
    >>> fnp.divmod(fnp.array(7), 2)
    (Array(3, dtype=int64), Array(1, dtype=int64))
    """
    return floor_divide(x1, x2), remainder(x1, x2)


def negative(x, /):
    """The numerical negative -x; booleans are refused, as in NumPy.

    >>> import functrans.numpy as fnp
    >>> fnp.negative(fnp.array([1, -2]))
    Array([-1,  2], dtype=int64)
    """
    x = materialize(as_operand(x, "negative"))
    if is_bool(x.dtype):
        raise DtypeError("negative of booleans is not defined; use logical_not")
    return basic.neg(x)


def positive(x, /):
    """+x, that is x.

    >>> import functrans.numpy as fnp
    >>> fnp.positive(fnp.array(2))
    Array(2, dtype=int64)
    """
    return as_arraylike(x, "positive")


def abs(x, /):
    """The absolute value; its gradient at 0 is 0.

    >>> import functrans.numpy as fnp
    >>> fnp.abs(fnp.array([-1.5, 2.0]))
    Array([1.5, 2. ], dtype=float32)
    """
    x = as_arraylike(x, "abs")
    return x if x.dtype.kind in "bu" else basic.abs_(x)


absolute = abs


def fabs(x, /):
    """The absolute value, as a float.

    >>> import functrans.numpy as fnp
    >>> fnp.fabs(-2)
    Array(2., dtype=float32)
    """
    return apply(basic.abs_p, x, promotion=promote_inexact, name="fabs")


def sign(x, /):
    """-1, 0 or 1; z/|z| for complex numbers.

    >>> import functrans.numpy as fnp
    >>> fnp.sign(fnp.array([-2.0, 0.0]))
    Array([-1.,  0.], dtype=float32)
    """
    x = as_arraylike(x, "sign")
    if is_bool(x.dtype):
        raise DtypeError("sign of booleans is not defined")
    return basic.sign(x)


def _rounding(name: str, function: Callable, doc: str, call: str, result: str):
    def rounded(x, /):
        x = as_arraylike(x, name)
        return x if x.dtype.kind in "biu" else function(x)
    return _named(rounded, name, doc + _example(name, call, result))


floor = _rounding("floor", basic.floor, "The largest integer not above x, in x's dtype.",
                  "fnp.floor(1.5)", "Array(1., dtype=float32)")
ceil = _rounding("ceil", basic.ceil, "The smallest integer not below x, in x's dtype.",
                 "fnp.ceil(1.5)", "Array(2., dtype=float32)")
trunc = _rounding("trunc", basic.trunc, "x without its fraction, in x's dtype.",
                  "fnp.trunc(-1.5)", "Array(-1., dtype=float32)")
fix = _rounding("fix", basic.trunc, "x rounded towards zero.",
                "fnp.fix(-1.5)", "Array(-1., dtype=float32)")
rint = _float_unary("rint", basic.round_p, "The nearest integer; ties go to the even one.",
                    "fnp.rint(2.5)", "Array(2., dtype=float32)")


def round(x, decimals: int = 0):
    """x rounded to `decimals` places; ties go to the even digit.

    >>> import functrans.numpy as fnp
    >>> fnp.round(fnp.array([1.25, 1.35]), 1)
    Array([1.2, 1.4], dtype=float32)
    """
    x = as_arraylike(x, "round")
    if is_complex(x.dtype):
        return basic.complex_(round(basic.real(x), decimals), round(basic.imag(x), decimals))
    if x.dtype.kind in "biu":
        if decimals >= 0:
            return x
        scale = 10 ** -decimals
        return convert(basic.round_(convert(x, np.float64) / scale) * scale, x.dtype)
    if decimals == 0:
        return basic.round_(x)
    if decimals > 0:
        return basic.round_(x * 10.0 ** decimals) / 10.0 ** decimals
    return basic.round_(x / 10.0 ** -decimals) * 10.0 ** -decimals


around = round

# ---- larger and smaller ----

maximum = _binary("maximum", basic.max_p, "The larger of x1 and x2; NaN if either is NaN.",
                  "fnp.maximum(1, fnp.array([0, 2]))", "Array([1, 2], dtype=int64)")
minimum = _binary("minimum", basic.min_p, "The smaller of x1 and x2; NaN if either is NaN.",
                  "fnp.minimum(1, fnp.array([0, 2]))", "Array([0, 1], dtype=int64)")


def _ignoring_nan(name: str, function: Callable, doc: str, call: str, result: str):
    def chosen(x1, x2, /):
        from functrans.numpy.indexing import where
        return where(isnan(x1), x2, where(isnan(x2), x1, function(x1, x2)))
    return _named(chosen, name, doc + _example(name, call, result))


fmax = _ignoring_nan("fmax", maximum, "The larger of x1 and x2; NaN only if both are.",
                     "fnp.fmax(fnp.nan, fnp.ones(1))", "Array([1.], dtype=float32)")
fmin = _ignoring_nan("fmin", minimum, "The smaller of x1 and x2; NaN only if both are.",
                     "fnp.fmin(fnp.nan, fnp.ones(1))", "Array([1.], dtype=float32)")


def clip(x, min=None, max=None, *, a_min=None, a_max=None):
    """x limited to the interval from `min` to `max`, either of which may be None.

    >>> import functrans.numpy as fnp
    >>> fnp.clip(fnp.arange(4), 1, 2)
    Array([1, 1, 2, 2], dtype=int64)
    """
    low = a_min if min is None else min
    high = a_max if max is None else max
    x = as_arraylike(x, "clip")
    if low is not None:
        x = maximum(x, low)
    return x if high is None else minimum(x, high)


# ---- comparison and logic ----

equal = _binary("equal", basic.eq_p, "x1 == x2, elementwise.",
                "fnp.equal(1, fnp.array([1, 2]))", "Array([ True, False], dtype=bool)")
not_equal = _binary("not_equal", basic.ne_p, "x1 != x2, elementwise.",
                    "fnp.not_equal(1, fnp.array([1, 2]))", "Array([False,  True], dtype=bool)")


def _ordering(name: str, primitive, doc: str, call: str, result: str):
    """Comparison; complex numbers are compared by real part, then imaginary part."""
    def function(x1, x2, /):
        x1, x2 = promote(as_operand(x1, name), as_operand(x2, name))
        x1, x2 = broadcast_all([x1, x2])
        if not is_complex(x1.dtype):
            return bind(primitive, x1, x2)
        x1, x2 = materialize(x1), materialize(x2)
        same = basic.eq(basic.real(x1), basic.real(x2))
        return basic.select(same, bind(primitive, basic.imag(x1), basic.imag(x2)),
                            bind(primitive, basic.real(x1), basic.real(x2)))
    return _named(function, name, doc + _example(name, call, result))


less = _ordering("less", basic.lt_p, "x1 < x2, elementwise.",
                 "fnp.less(1, fnp.array([1, 2]))", "Array([False,  True], dtype=bool)")
less_equal = _ordering("less_equal", basic.le_p, "x1 <= x2, elementwise.",
                       "fnp.less_equal(2, fnp.array([1, 2]))",
                       "Array([False,  True], dtype=bool)")
greater = _ordering("greater", basic.gt_p, "x1 > x2, elementwise.",
                    "fnp.greater(2, fnp.array([1, 2]))", "Array([ True, False], dtype=bool)")
greater_equal = _ordering("greater_equal", basic.ge_p, "x1 >= x2, elementwise.",
                          "fnp.greater_equal(1, fnp.array([1, 2]))",
                          "Array([ True, False], dtype=bool)")


def truth(x):
    """x != 0, as booleans."""
    x = as_operand(x, "a logical function")
    if not isinstance(x, ArrayBase):
        return np.bool_(x)
    return x if is_bool(x.dtype) else basic.ne(x, x.dtype.type(0))


def _logical(name: str, primitive, doc: str, call: str, result: str):
    def function(x1, x2, /):
        return bind(primitive, *broadcast_all([truth(x1), truth(x2)]))
    return _named(function, name, doc + _example(name, call, result))


logical_and = _logical("logical_and", basic.and_p, "Whether both are true.",
                       "fnp.logical_and(True, fnp.array([1, 0]))",
                       "Array([ True, False], dtype=bool)")
logical_or = _logical("logical_or", basic.or_p, "Whether at least one is true.",
                      "fnp.logical_or(False, fnp.array([1, 0]))",
                      "Array([ True, False], dtype=bool)")
logical_xor = _logical("logical_xor", basic.xor_p, "Whether just one is true.",
                       "fnp.logical_xor(True, fnp.array([1, 0]))",
                       "Array([False,  True], dtype=bool)")


def logical_not(x, /):
    """Whether x is false.

    >>> import functrans.numpy as fnp
    >>> fnp.logical_not(fnp.array([1, 0]))
    Array([False,  True], dtype=bool)
    """
    return basic.not_(materialize(truth(x)))


def _bitwise(name: str, primitive, doc: str, call: str, result: str):
    return _binary(name, primitive, doc, call, result)


bitwise_and = _bitwise("bitwise_and", basic.and_p, "The bits that both have.",
                       "fnp.bitwise_and(6, fnp.array(3))", "Array(2, dtype=int64)")
bitwise_or = _bitwise("bitwise_or", basic.or_p, "The bits that either has.",
                      "fnp.bitwise_or(6, fnp.array(3))", "Array(7, dtype=int64)")
bitwise_xor = _bitwise("bitwise_xor", basic.xor_p, "The bits in which they differ.",
                       "fnp.bitwise_xor(6, fnp.array(3))", "Array(5, dtype=int64)")
bitwise_not = _unary("bitwise_not", basic.not_p, "All bits turned.",
                     "fnp.bitwise_not(fnp.array(0))", "Array(-1, dtype=int64)")
invert = bitwise_not
left_shift = _binary("left_shift", basic.shift_left_p, "x1 * 2**x2, without overflow into sign.",
                     "fnp.left_shift(fnp.array(1), 3)", "Array(8, dtype=int64)")


def right_shift(x1, x2, /):
    """x1 with its bits moved x2 places down; the sign stays.

    >>> import functrans.numpy as fnp
    >>> fnp.right_shift(fnp.array(-8), 1)
    Array(-4, dtype=int64)
    """
    x1, x2 = broadcast_all(promote(as_operand(x1), as_operand(x2)))
    signed = x1.dtype.kind == "i"
    return (basic.shift_right_arithmetic if signed else basic.shift_right_logical)(x1, x2)


def bitwise_count(x, /):
    """The number of bits set in the absolute value, as uint8.

    >>> import functrans.numpy as fnp
    >>> fnp.bitwise_count(fnp.array(7))
    Array(3, dtype=uint8)
    """
    return convert(basic.population_count(abs(x)), np.uint8)


# ---- exponentials, logarithms, powers ----

exp = _float_unary("exp", functions.exp_p, "e to the power of x.",
                   "fnp.exp(0)", "Array(1., dtype=float32)")
expm1 = _float_unary("expm1", functions.expm1_p, "exp(x) - 1, accurate near 0.",
                     "fnp.expm1(0)", "Array(0., dtype=float32)")
log = _float_unary("log", functions.log_p, "The natural logarithm.",
                   "fnp.log(1)", "Array(0., dtype=float32)")
log1p = _float_unary("log1p", functions.log1p_p, "log(1 + x), accurate near 0.",
                     "fnp.log1p(0)", "Array(0., dtype=float32)")
sqrt = _float_unary("sqrt", functions.sqrt_p, "The square root; NaN for negative numbers.",
                    "fnp.sqrt(4)", "Array(2., dtype=float32)")
cbrt = _float_unary("cbrt", functions.cbrt_p, "The cube root.",
                    "fnp.cbrt(8)", "Array(2., dtype=float32)")


def exp2(x, /):
    """2 to the power of x.

    >>> import functrans.numpy as fnp
    >>> fnp.exp2(3.0)
    Array(8., dtype=float32)
    """
    x, = promote_inexact(as_operand(x, "exp2"))
    x = materialize(x)
    return functions.pow_(x.dtype.type(2), x)


def log2(x, /):
    """The logarithm to base 2.

    >>> import functrans.numpy as fnp
    >>> fnp.log2(8.0)
    Array(3., dtype=float32)
    """
    return bind(functions.log2_p, materialize(promote_inexact(as_operand(x, "log2"))[0]))


def log10(x, /):
    """The logarithm to base 10.

    >>> import functrans.numpy as fnp
    >>> fnp.log10(100.0)
    Array(2., dtype=float32)
    """
    return bind(functions.log10_p, materialize(promote_inexact(as_operand(x, "log10"))[0]))


def logaddexp(x1, x2, /):
    """log(exp(x1) + exp(x2)), without overflow.

    >>> import functrans.numpy as fnp
    >>> fnp.logaddexp(0.0, 0.0)
    Array(0.6931472, dtype=float32)
    """
    from functrans.numpy.indexing import where
    x1, x2 = (as_arraylike(x) for x in broadcast_all(
        [materialize(x) for x in promote_inexact(as_operand(x1), as_operand(x2))]))
    # Where both are equal (infinities too) their difference says nothing.
    halves = (x1 + x2) / 2 + x1.dtype.type(np.log(2))
    same = x1 == x2
    distance = where(same, x1.dtype.type(0), x1 - x2)
    return where(same, halves, maximum(x1, x2) + log1p(exp(-abs(distance))))


def logaddexp2(x1, x2, /):
    """log2(2**x1 + 2**x2), without overflow.

    >>> import functrans.numpy as fnp
    >>> fnp.logaddexp2(0.0, 0.0)
    Array(1., dtype=float32)
    """
    ln2 = float(np.log(2))
    return logaddexp(multiply(x1, ln2), multiply(x2, ln2)) / ln2


def square(x, /):
    """x * x.

    >>> import functrans.numpy as fnp
    >>> fnp.square(fnp.array(3))
    Array(9, dtype=int64)
    """
    x = as_arraylike(x, "square")
    return functions.integer_pow(x, 2) if is_inexact(x.dtype) else multiply(x, x)


def reciprocal(x, /):
    """1 / x.

    >>> import functrans.numpy as fnp
    >>> fnp.reciprocal(4.0)
    Array(0.25, dtype=float32)
    """
    x, = promote_inexact(as_operand(x, "reciprocal"))
    return basic.div(x.dtype.type(1), materialize(x))


def power(x1, x2, /):
    """x1 to the power of x2. An integer to a negative Python power raises ValueError.

    >>> import functrans.numpy as fnp
    >>> fnp.power(fnp.array([1.0, 2.0]), 3)
    Array([1., 8.], dtype=float32)
    """
    x1, x2 = as_operand(x1, "power"), as_operand(x2, "power")
    if isinstance(x2, int) and not isinstance(x2, bool) and isinstance(x1, ArrayBase):
        return _static_power(x1, x2)
    dtype, _ = result_type_of(x1, x2)
    if not is_inexact(dtype):
        return _integer_power(*broadcast_all(promote(x1, x2)))
    return bind(functions.pow_p, *broadcast_all(promote(x1, x2)))


pow = power


def float_power(x1, x2, /):
    """x1 to the power of x2, in floating point.

    >>> import functrans.numpy as fnp
    >>> fnp.float_power(2, -1)
    Array(0.5, dtype=float32)
    """
    return apply(functions.pow_p, x1, x2, promotion=promote_inexact, name="float_power")


def _static_power(x, exponent: int):
    if is_bool(x.dtype):
        x = convert(x, np.int8)
    if is_integer(x.dtype) and exponent < 0:
        raise ValueError("Integers to negative integer powers are not allowed; convert the "
                         "array to a float dtype, or use a float exponent")
    return functions.integer_pow(x, exponent)


def _integer_power(x, y):
    """By squaring, with as many steps as an exponent can have bits that matter."""
    from functrans.numpy.indexing import where
    x, y = materialize(x), materialize(y)
    if is_bool(x.dtype):
        x, y = convert(x, np.int8), convert(y, np.int8)
    one = x.dtype.type(1)
    result = where(y < 0, where(x == 1, one, where(x == -1, 1 - 2 * (y & one), x * 0)), x * 0 + one)
    base, left = x, where(y < 0, y * 0, y)
    for _ in range(6):                       # exponents of 64 and more overflow, or |x| <= 1
        result = where((left & one) == one, result * base, result)
        base, left = base * base, left >> one
    return where(left > 0, where(abs(x) <= 1, where(x == -1, result, x * x), result * 0), result)


# ---- trigonometry ----

sin = _float_unary("sin", functions.sin_p, "Sine of x, in radians.",
                   "fnp.sin(0)", "Array(0., dtype=float32)")
cos = _float_unary("cos", functions.cos_p, "Cosine of x, in radians.",
                   "fnp.cos(0)", "Array(1., dtype=float32)")
tan = _float_unary("tan", functions.tan_p, "Tangent of x, in radians.",
                   "fnp.tan(0)", "Array(0., dtype=float32)")
arcsin = _float_unary("arcsin", functions.asin_p, "Inverse sine, in [-pi/2, pi/2].",
                      "fnp.arcsin(0)", "Array(0., dtype=float32)")
arccos = _float_unary("arccos", functions.acos_p, "Inverse cosine, in [0, pi].",
                      "fnp.arccos(1)", "Array(0., dtype=float32)")
arctan = _float_unary("arctan", functions.atan_p, "Inverse tangent, in [-pi/2, pi/2].",
                      "fnp.arctan(0)", "Array(0., dtype=float32)")
arctan2 = _binary("arctan2", functions.atan2_p, "The angle of the point (x2, x1), in radians.",
                  "fnp.arctan2(0, 1)", "Array(0., dtype=float32)", promote_inexact)
sinh = _float_unary("sinh", functions.sinh_p, "Hyperbolic sine.",
                    "fnp.sinh(0)", "Array(0., dtype=float32)")
cosh = _float_unary("cosh", functions.cosh_p, "Hyperbolic cosine.",
                    "fnp.cosh(0)", "Array(1., dtype=float32)")
tanh = _float_unary("tanh", functions.tanh_p, "Hyperbolic tangent.",
                    "fnp.tanh(0)", "Array(0., dtype=float32)")
arcsinh = _float_unary("arcsinh", functions.asinh_p, "Inverse hyperbolic sine.",
                       "fnp.arcsinh(0)", "Array(0., dtype=float32)")
arccosh = _float_unary("arccosh", functions.acosh_p, "Inverse hyperbolic cosine.",
                       "fnp.arccosh(1)", "Array(0., dtype=float32)")
arctanh = _float_unary("arctanh", functions.atanh_p, "Inverse hyperbolic tangent.",
                       "fnp.arctanh(0)", "Array(0., dtype=float32)")
asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
asinh, acosh, atanh = arcsinh, arccosh, arctanh


def hypot(x1, x2, /):
    """sqrt(x1**2 + x2**2), without overflow; its gradient at (0, 0) is 0.

    >>> import functrans.numpy as fnp
    >>> fnp.hypot(3.0, 4.0)
    Array(5., dtype=float32)
    """
    from functrans.numpy.indexing import where
    x1, x2 = (abs(materialize(x)) for x in promote_inexact(as_operand(x1), as_operand(x2)))
    x1, x2 = broadcast_all([x1, x2])
    high = basic.stop_gradient(maximum(x1, x2))
    usable = (high > 0) & basic.is_finite(high)
    scale = where(usable, high, 1)
    ratio = where(usable, square(x1 / scale) + square(x2 / scale), 1)
    return where(usable, scale * sqrt(ratio), maximum(x1, x2))


def degrees(x, /):
    """Radians as degrees.

    >>> import functrans.numpy as fnp
    >>> fnp.degrees(fnp.pi)
    Array(180., dtype=float32)
    """
    x, = promote_inexact(as_operand(x, "degrees"))
    return multiply(materialize(x), 180 / np.pi)


def radians(x, /):
    """Degrees as radians.

    >>> import functrans.numpy as fnp
    >>> fnp.radians(180.0)
    Array(3.1415927, dtype=float32)
    """
    x, = promote_inexact(as_operand(x, "radians"))
    return multiply(materialize(x), np.pi / 180)


rad2deg, deg2rad = degrees, radians


def sinc(x, /):
    """sin(pi x) / (pi x), and 1 at 0.

    >>> import functrans.numpy as fnp
    >>> fnp.sinc(0.0)
    Array(1., dtype=float32)
    """
    from functrans.numpy.indexing import where
    x = materialize(promote_inexact(as_operand(x, "sinc"))[0]) * np.pi
    nonzero = where(x == 0, 1, x)
    # Near 0 the series carries the derivatives that the quotient loses.
    series = 1 - x * x / 6
    return where(x == 0, series, sin(nonzero) / nonzero)


# ---- kinds of numbers ----

def _classify(name: str, on_float: Callable, on_integer: bool, doc: str, call: str, result: str):
    def function(x, /):
        x = as_arraylike(x, name)
        if is_complex(x.dtype):
            parts = function(basic.real(x)), function(basic.imag(x))
            return (logical_and if name == "isfinite" else logical_or)(*parts)
        if not is_float(x.dtype):
            return basic.ne(x, x) if not on_integer else basic.eq(x, x)
        return on_float(x)
    return _named(function, name, doc + _example(name, call, result))


isfinite = _classify("isfinite", basic.is_finite, True, "Whether x is neither infinite nor NaN.",
                     "fnp.isfinite(fnp.inf)", "Array(False, dtype=bool)")
isnan = _classify("isnan", lambda x: basic.ne(x, x), False, "Whether x is not a number.",
                  "fnp.isnan(fnp.nan)", "Array(True, dtype=bool)")
isinf = _classify("isinf", lambda x: basic.eq(basic.abs_(x), x.dtype.type(np.inf)), False,
                  "Whether x is infinite.", "fnp.isinf(fnp.inf)", "Array(True, dtype=bool)")


def isposinf(x, /):
    """Whether x is positive infinity.

    >>> import functrans.numpy as fnp
    >>> fnp.isposinf(fnp.inf)
    Array(True, dtype=bool)
    """
    return equal(x, np.inf)


def isneginf(x, /):
    """Whether x is negative infinity.

    >>> import functrans.numpy as fnp
    >>> fnp.isneginf(-fnp.inf)
    Array(True, dtype=bool)
    """
    return equal(x, -np.inf)


def signbit(x, /):
    """Whether the sign is negative; true for -0.0.

    >>> import functrans.numpy as fnp
    >>> fnp.signbit(-0.0)
    Array(True, dtype=bool)
    """
    x = as_arraylike(x, "signbit")
    if not is_float(x.dtype):
        return less(x, 0) if x.dtype.kind == "i" else basic.ne(x, x)
    return basic.lt(basic.copysign(x.dtype.type(1), x), x.dtype.type(0))


copysign = _binary("copysign", basic.copysign_p, "x1 with the sign of x2.",
                   "fnp.copysign(1.0, -0.0)", "Array(-1., dtype=float32)", promote_inexact)
nextafter = _binary("nextafter", basic.next_after_p,
                    "The next floating-point number after x1 towards x2.",
                    "bool(fnp.nextafter(1.0, 2.0) > 1)", "True", promote_inexact)


def heaviside(x1, x2, /):
    """0 for negative x1, x2 for zero, 1 for positive.

    >>> import functrans.numpy as fnp
    >>> fnp.heaviside(fnp.array([-1.0, 0.0, 1.0]), 0.5)
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    from functrans.numpy.indexing import where
    x1, x2 = promote_inexact(as_operand(x1), as_operand(x2))
    x1 = materialize(x1)
    return where(isnan(x1), x1, where(x1 == 0, x2, where(x1 > 0, 1, 0)))


# ---- complex numbers ----

def real(x, /):
    """The real part.

    >>> import functrans.numpy as fnp
    >>> fnp.real(1 + 2j)
    Array(1., dtype=float32)
    """
    x = as_arraylike(x, "real")
    return basic.real(x) if is_complex(x.dtype) else x


def imag(x, /):
    """The imaginary part.

    >>> import functrans.numpy as fnp
    >>> fnp.imag(1 + 2j)
    Array(2., dtype=float32)
    """
    x = as_arraylike(x, "imag")
    return basic.imag(x) if is_complex(x.dtype) else x * 0


def conjugate(x, /):
    """The complex conjugate.

    >>> import functrans.numpy as fnp
    >>> fnp.conjugate(fnp.array([1 + 2j]))
    Array([1.-2.j], dtype=complex64)
    """
    x = as_arraylike(x, "conjugate")
    return basic.conj(x) if is_complex(x.dtype) else x


conj = conjugate


def angle(z, deg: bool = False):
    """The argument of a complex number, in radians (degrees if `deg`).

    >>> import functrans.numpy as fnp
    >>> fnp.angle(1j)
    Array(1.5707964, dtype=float32)
    """
    z = as_arraylike(z, "angle")
    value = arctan2(imag(z), real(z))
    return degrees(value) if deg else value


def isreal(x):
    """Whether the imaginary part is zero.

    >>> import functrans.numpy as fnp
    >>> fnp.isreal(fnp.array([1 + 0j, 1j]))
    Array([ True, False], dtype=bool)
    """
    return equal(imag(x), 0)


def iscomplex(x):
    """Whether the imaginary part is not zero.

    >>> import functrans.numpy as fnp
    >>> fnp.iscomplex(fnp.array([1 + 0j, 1j]))
    Array([False,  True], dtype=bool)
    """
    return not_equal(imag(x), 0)
