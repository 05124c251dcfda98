"""Elementwise functions of `lax`: arithmetic, exponentials, trigonometry, rounding.

Operands have one dtype and one shape (`lax.operands`); nothing is promoted, and integers are not
made floats. Results have the dtype of the operands. Imports `lax.operands`, `primitives`.
"""
from __future__ import annotations

import enum

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import DtypeError, ShapeError
from functrans.ir.type import is_complex, is_inexact, is_integer
from functrans.lax.operands import (alike, apply, arrays_alike, binary, kind_of, one, unary,
                                    unary_to_accuracy)
from functrans.numpy.promotion import as_arraylike, as_operand
from functrans.primitives import elementwise as basic
from functrans.primitives import functions
from functrans.primitives.basic import add_p, full, require

# ---- arithmetic ----

add = binary("add", add_p, "The sum x + y.", "add(1.0, 2.0)", "Array(3., dtype=float32)")
sub = binary("sub", basic.sub_p, "The difference x - y.", "sub(3.0, 2.0)",
             "Array(1., dtype=float32)")
neg = unary("neg", basic.neg_p, "-x.", "neg(2)", "Array(-2, dtype=int64, weak_type=True)")
sign = unary("sign", basic.sign_p, "-1, 0 or 1; z/|z| for complex numbers.", "sign(-2.0)",
             "Array(-1., dtype=float32, weak_type=True)")


def mul(x, y, *, out_dtype=None):
    """The product x * y; out_dtype: the dtype in which it is computed and returned.

    >>> from functrans import lax
    >>> lax.mul(3.0, 2.0)
    Array(6., dtype=float32)
    """
    x, y = arrays_alike("mul", x, y)
    if out_dtype is not None:
        x, y = (basic.convert(operand, out_dtype) for operand in (x, y))
    return apply(basic.mul_p, x, y)


def abs(x):
    """The absolute value of signed or complex numbers; its derivative at 0 is 0.

    >>> from functrans import lax
    >>> lax.abs(-2)
    Array(2, dtype=int64, weak_type=True)
    """
    x = one(x, "abs")
    if x.dtype.kind == "u":
        raise DtypeError(f"lax.abs takes signed numbers, got {x.type}")
    return apply(basic.abs_p, x)


def _never_zero(y) -> bool:
    return isinstance(y, np.generic) and y != 0


def div(x, y):
    """The quotient x / y. Of integers it is truncated toward zero; by zero it is -1.

    >>> from functrans import lax, numpy as fnp
    >>> lax.div(fnp.array([-7, 7]), 2)
    Array([-3,  3], dtype=int64)
    """
    x, y = alike("div", x, y)
    if not is_integer(x.dtype):
        return apply(basic.div_p, x, y)
    if _never_zero(y):
        return _truncated(x, y)
    zero, unit = x.dtype.type(0), x.dtype.type(1)
    by_zero = basic.eq(y, zero)
    return basic.select(by_zero, basic.not_(zero), _truncated(x, basic.select(by_zero, unit, y)))


def _truncated(x, y):
    """The quotient of integers toward zero: what is left over is taken off first."""
    return basic.floor_divide(basic.sub(x, basic.fmod(x, y)), y)


def rem(x, y):
    """What is left of x by whole y's, with the sign of x. Of integers by zero it is x.

    >>> from functrans import lax, numpy as fnp
    >>> lax.rem(fnp.array([-7, 7]), 3)
    Array([-1,  1], dtype=int64)
    """
    x, y = alike("rem", x, y)
    if not is_integer(x.dtype) or _never_zero(y):
        return apply(basic.fmod_p, x, y)
    by_zero = basic.eq(y, x.dtype.type(0))
    return basic.select(by_zero, x, basic.fmod(x, basic.select(by_zero, x.dtype.type(1), y)))


max = binary("max", basic.max_p, "The larger of x and y; NaN if either is NaN.", "max(1, 2)",
             "Array(2, dtype=int64)")
min = binary("min", basic.min_p, "The smaller of x and y; NaN if either is NaN.", "min(1, 2)",
             "Array(1, dtype=int64)")


def clamp(min, x, max):
    """x limited to the interval from `min` to `max`: scalars, or arrays of the shape of x.

    Where x lies at a bound, the derivative is the bound's. A bound `min` above `max` gives `max`.

    >>> from functrans import lax, numpy as fnp
    >>> lax.clamp(0.0, fnp.array([-1.0, 0.5, 2.0]), 1.0)
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    kinds = [kind_of(as_operand(value, "lax.clamp")) for value in (min, x, max)]
    if any(bound.shape not in ((), kinds[1].shape) for bound in kinds[::2]):
        raise ShapeError(f"lax.clamp takes bounds that are scalars or of the shape of x, got "
                         f"{kinds[0]} and {kinds[2]} for {kinds[1]}")
    min, x, max = arrays_alike("clamp", min, x, max)
    require("ordered", x.dtype, "lax.clamp")
    raised = basic.select(basic.le(x, min), min, x)
    return basic.select(basic.ge(raised, max), max, raised)


# ---- powers, exponentials, logarithms ----

exp = unary_to_accuracy("exp", functions.exp_p, "e to the power of x.", "exp(0.0)",
                        "Array(1., dtype=float32, weak_type=True)")
expm1 = unary_to_accuracy("expm1", functions.expm1_p, "exp(x) - 1, accurate near 0.",
                          "expm1(0.0)", "Array(0., dtype=float32, weak_type=True)")
log = unary_to_accuracy("log", functions.log_p, "The natural logarithm.", "log(1.0)",
                        "Array(0., dtype=float32, weak_type=True)")
log1p = unary_to_accuracy("log1p", functions.log1p_p, "log(1 + x), accurate near 0.",
                          "log1p(0.0)", "Array(0., dtype=float32, weak_type=True)")
sqrt = unary_to_accuracy("sqrt", functions.sqrt_p, "The square root.", "sqrt(4.0)",
                         "Array(2., dtype=float32, weak_type=True)")
rsqrt = unary_to_accuracy("rsqrt", functions.rsqrt_p, "1 / sqrt(x).", "rsqrt(4.0)",
                          "Array(0.5, dtype=float32, weak_type=True)")
cbrt = unary_to_accuracy("cbrt", functions.cbrt_p, "The cube root of real numbers.", "cbrt(8.0)",
                         "Array(2., dtype=float32, weak_type=True)")


def exp2(x, *, accuracy=None):
    """2 to the power of x.

    >>> from functrans import lax
    >>> lax.exp2(3.0)
    Array(8., dtype=float32, weak_type=True)
    """
    x = one(x, "exp2")
    require("inexact", x.dtype, "lax.exp2")
    return functions.pow_(x.dtype.type(2), x)


def pow(x, y):
    """x to the power of y: x floating or complex, y of its dtype, or integers.

    >>> from functrans import lax, numpy as fnp
    >>> lax.pow(fnp.array([2.0, 3.0]), 2)
    Array([4., 9.], dtype=float32)
    """
    x, y = as_operand(x, "lax.pow"), as_operand(y, "lax.pow")
    if not is_inexact(as_arraylike(x).dtype):
        raise DtypeError(f"lax.pow takes floating-point numbers to powers, got "
                         f"{as_arraylike(x).type}; use functrans.numpy.power for integers")
    if isinstance(y, int) and not isinstance(y, bool):
        return functions.integer_pow(as_arraylike(x), y)
    if isinstance(y, (ArrayBase, np.generic)) and is_integer(y.dtype):
        y = basic.convert(as_arraylike(y), as_arraylike(x).dtype)
    return apply(functions.pow_p, *alike("pow", x, y))


def integer_pow(x, y: int):
    """x to the power of the Python int y, by multiplications. Integers take no negative one.

    >>> from functrans import lax
    >>> lax.integer_pow(2.0, 3)
    Array(8., dtype=float32, weak_type=True)
    """
    x = one(x, "integer_pow")
    require("number", x.dtype, "lax.integer_pow")
    if y < 0 and is_integer(x.dtype):
        raise DtypeError(f"lax.integer_pow: {x.type} to the power {y}: integers have no negative "
                         "powers; convert them to a floating dtype")
    return functions.integer_pow(x, y)


def square(x):
    """x * x.

    >>> from functrans import lax
    >>> lax.square(3)
    Array(9, dtype=int64, weak_type=True)
    """
    x = one(x, "square")
    return functions.integer_pow(x, 2) if is_inexact(x.dtype) else apply(basic.mul_p, x, x)


def reciprocal(x):
    """1 / x of floating or complex numbers.

    >>> from functrans import lax
    >>> lax.reciprocal(4.0)
    Array(0.25, dtype=float32, weak_type=True)
    """
    return integer_pow(x, -1)


# ---- trigonometry ----

sin = unary_to_accuracy("sin", functions.sin_p, "Sine of x, in radians.", "sin(0.0)",
                        "Array(0., dtype=float32, weak_type=True)")
cos = unary_to_accuracy("cos", functions.cos_p, "Cosine of x, in radians.", "cos(0.0)",
                        "Array(1., dtype=float32, weak_type=True)")
tan = unary_to_accuracy("tan", functions.tan_p, "Tangent of x, in radians.", "tan(0.0)",
                        "Array(0., dtype=float32, weak_type=True)")
asin = unary("asin", functions.asin_p, "Inverse sine, in [-pi/2, pi/2].", "asin(0.0)",
             "Array(0., dtype=float32, weak_type=True)")
acos = unary("acos", functions.acos_p, "Inverse cosine, in [0, pi].", "acos(1.0)",
             "Array(0., dtype=float32, weak_type=True)")
atan = unary("atan", functions.atan_p, "Inverse tangent, in [-pi/2, pi/2].", "atan(0.0)",
             "Array(0., dtype=float32, weak_type=True)")
atan2 = binary("atan2", functions.atan2_p, "The angle of the point (y, x), in radians.",
               "atan2(0.0, 1.0)", "Array(0., dtype=float32)")
sinh = unary("sinh", functions.sinh_p, "Hyperbolic sine.", "sinh(0.0)",
             "Array(0., dtype=float32, weak_type=True)")
cosh = unary("cosh", functions.cosh_p, "Hyperbolic cosine.", "cosh(0.0)",
             "Array(1., dtype=float32, weak_type=True)")
tanh = unary_to_accuracy("tanh", functions.tanh_p, "Hyperbolic tangent.", "tanh(0.0)",
                         "Array(0., dtype=float32, weak_type=True)")
asinh = unary("asinh", functions.asinh_p, "Inverse hyperbolic sine.", "asinh(0.0)",
              "Array(0., dtype=float32, weak_type=True)")
acosh = unary("acosh", functions.acosh_p, "Inverse hyperbolic cosine.", "acosh(1.0)",
              "Array(0., dtype=float32, weak_type=True)")
atanh = unary("atanh", functions.atanh_p, "Inverse hyperbolic tangent.", "atanh(0.0)",
              "Array(0., dtype=float32, weak_type=True)")

# ---- rounding ----


class RoundingMethod(enum.IntEnum):
    """Where `round` puts a number half-way between two integers."""
    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


floor = unary("floor", basic.floor_p, "The largest integer not above x, in x's floating dtype.",
              "floor(1.5)", "Array(1., dtype=float32, weak_type=True)")
ceil = unary("ceil", basic.ceil_p, "The smallest integer not below x, in x's floating dtype.",
             "ceil(1.5)", "Array(2., dtype=float32, weak_type=True)")


def round(x, rounding_method: RoundingMethod = RoundingMethod.AWAY_FROM_ZERO):
    """The nearest integer, in x's floating dtype; `rounding_method` says where ties go.

    >>> from functrans import lax
    >>> lax.round(2.5, lax.RoundingMethod.TO_NEAREST_EVEN)
    Array(2., dtype=float32, weak_type=True)
    """
    x = one(x, "round")
    require("float", x.dtype, "lax.round")
    if RoundingMethod(rounding_method) == RoundingMethod.TO_NEAREST_EVEN:
        return basic.round_(x)
    whole = basic.trunc(x)                      # exact, and so is the distance from it
    half, unit = x.dtype.type(0.5), basic.sign(x)
    far = basic.ge(basic.abs_(basic.sub(x, whole)), half)
    return basic.select(far, basic.add(whole, unit), whole)


is_finite = unary("is_finite", basic.is_finite_p, "Whether x is neither infinite nor NaN.",
                  "is_finite(1.0)", "Array(True, dtype=bool)")


def nextafter(x1, x2):
    """The next number after x1 in the direction of x2, of its floating dtype.

    >>> from functrans import lax
    >>> lax.nextafter(1.0, 2.0)
    Array(1.0000001, dtype=float32)
    """
    return apply(basic.next_after_p, *alike("nextafter", x1, x2))


# ---- complex numbers ----

real = unary("real", basic.real_p, "The real part of complex numbers.", "real(1 + 2j)",
             "Array(1., dtype=float32, weak_type=True)")
imag = unary("imag", basic.imag_p, "The imaginary part of complex numbers.", "imag(1 + 2j)",
             "Array(2., dtype=float32, weak_type=True)")
complex = binary("complex", basic.complex_p, "The complex number x + iy of two real ones.",
                 "complex(1.0, 2.0)", "Array(1.+2.j, dtype=complex64)")


def conj(x, input_dtype=None):
    """The complex conjugate; real numbers become complex. input_dtype: of no effect.

    >>> from functrans import lax
    >>> lax.conj(1 + 2j)
    Array(1.-2.j, dtype=complex64, weak_type=True)
    """
    x = one(x, "conj")
    require("inexact", x.dtype, "lax.conj")
    if is_complex(x.dtype):
        return basic.conj(x)
    return basic.complex_(x, full(x.type.strong(), 0))


# ---- comparison ----

eq = binary("eq", basic.eq_p, "Whether x == y.", "eq(1, 2)", "Array(False, dtype=bool)")
ne = binary("ne", basic.ne_p, "Whether x != y.", "ne(1, 2)", "Array(True, dtype=bool)")
lt = binary("lt", basic.lt_p, "Whether x < y.", "lt(1, 2)", "Array(True, dtype=bool)")
le = binary("le", basic.le_p, "Whether x <= y.", "le(1, 2)", "Array(True, dtype=bool)")
gt = binary("gt", basic.gt_p, "Whether x > y.", "gt(1, 2)", "Array(False, dtype=bool)")
ge = binary("ge", basic.ge_p, "Whether x >= y.", "ge(1, 2)", "Array(False, dtype=bool)")

# ---- bits ----

bitwise_and = binary("bitwise_and", basic.and_p, "The bits that both have.", "bitwise_and(6, 3)",
                     "Array(2, dtype=int64)")
bitwise_or = binary("bitwise_or", basic.or_p, "The bits that either has.", "bitwise_or(6, 3)",
                    "Array(7, dtype=int64)")
bitwise_xor = binary("bitwise_xor", basic.xor_p, "The bits in which they differ.",
                     "bitwise_xor(6, 3)", "Array(5, dtype=int64)")
bitwise_not = unary("bitwise_not", basic.not_p, "All bits turned; booleans negated.",
                    "bitwise_not(6)", "Array(-7, dtype=int64, weak_type=True)")
population_count = unary("population_count", basic.population_count_p,
                         "The number of bits that are set.", "population_count(7)",
                         "Array(3, dtype=int64, weak_type=True)")
clz = unary("clz", basic.count_leading_zeros_p, "The number of zero bits before the first one.",
            "clz(1)", "Array(63, dtype=int64, weak_type=True)")
shift_left = binary("shift_left", basic.shift_left_p,
                    "x with its bits shifted up by y; 0, if y is the width or more.",
                    "shift_left(3, 2)", "Array(12, dtype=int64)")
shift_right_logical = binary(
    "shift_right_logical", basic.shift_right_logical_p,
    "x with its bits shifted down by y, zeros filled in.", "shift_right_logical(12, 2)",
    "Array(3, dtype=int64)")
shift_right_arithmetic = binary(
    "shift_right_arithmetic", basic.shift_right_arithmetic_p,
    "x with its bits shifted down by y, copies of the sign filled in.",
    "shift_right_arithmetic(-12, 2)", "Array(-3, dtype=int64)")
