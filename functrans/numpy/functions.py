"""Exponentials, logarithms, trigonometry, and other functions of real and complex numbers.

In: arrays and numbers. Out: arrays of floats. Imports `numpy.arithmetic`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import DtypeError
from functrans.ir.type import is_complex
from functrans.numpy.arithmetic import maximum, square
from functrans.numpy.promotion import as_operand, materialize, promote_inexact
from functrans.numpy.ufunc import array_pair, binary, float_unary, ufunc
from functrans.primitives import elementwise as basic
from functrans.primitives import functions
from functrans.primitives.elementwise import select
from functrans.primitives.incomplete import bessel_i0e


def inexact(x, name: str):
    """An operand as an array of floats or complex numbers."""
    return materialize(promote_inexact(as_operand(x, name))[0])


# ---- exponentials and logarithms ----

exp = float_unary("exp", functions.exp_p, "e to the power of x.",
                  "fnp.exp(fnp.array(0))", "Array(1., dtype=float32)")
expm1 = float_unary("expm1", functions.expm1_p, "exp(x) - 1, accurate near 0.",
                    "fnp.expm1(fnp.array(0))", "Array(0., dtype=float32)")
log = float_unary("log", functions.log_p, "The natural logarithm.",
                  "fnp.log(fnp.array(1))", "Array(0., dtype=float32)")
log2 = float_unary("log2", functions.log2_p, "The logarithm to base 2.",
                   "fnp.log2(fnp.array(8))", "Array(3., dtype=float32)")
log10 = float_unary("log10", functions.log10_p, "The logarithm to base 10.",
                    "fnp.log10(fnp.array(1))", "Array(0., dtype=float32)")
log1p = float_unary("log1p", functions.log1p_p, "log(1 + x), accurate near 0.",
                    "fnp.log1p(fnp.array(0))", "Array(0., dtype=float32)")
sqrt = float_unary("sqrt", functions.sqrt_p, "The square root; NaN for negative numbers.",
                   "fnp.sqrt(fnp.array(4))", "Array(2., dtype=float32)")
cbrt = float_unary("cbrt", functions.cbrt_p, "The cube root.",
                   "fnp.cbrt(fnp.array(8))", "Array(2., dtype=float32)")


@ufunc
def exp2(x):
    """2 to the power of x.

    >>> import functrans.numpy as fnp
    >>> fnp.exp2(fnp.array(3.0))
    Array(8., dtype=float32)
    """
    x = inexact(x, "exp2")
    return functions.pow_(x.dtype.type(2), x)


@ufunc
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow.

    >>> import functrans.numpy as fnp
    >>> fnp.logaddexp(fnp.array(0.0), 0.0)
    Array(0.6931472, dtype=float32)
    """
    x1, x2 = array_pair(promote_inexact, as_operand(x1, "logaddexp"), as_operand(x2, "logaddexp"))
    larger, distance, same = _apart(x1, x2)
    gap = functions.log1p(functions.exp(distance))
    return select(same, (x1 + x2) / 2, larger + gap)


@ufunc
def logaddexp2(x1, x2):
    """log2(2**x1 + 2**x2), without overflow.

    >>> import functrans.numpy as fnp
    >>> fnp.logaddexp2(fnp.array(0.0), 0.0)
    Array(1., dtype=float32)
    """
    x1, x2 = array_pair(promote_inexact, as_operand(x1, "logaddexp2"),
                        as_operand(x2, "logaddexp2"))
    larger, distance, same = _apart(x1, x2)
    gap = functions.log1p(functions.exp(distance * math.log(2))) * (1 / math.log(2))
    return select(same, (x1 + x2) / 2, larger + gap)


def _apart(x1, x2) -> tuple:
    """(the larger, minus their distance, whether they are one infinity).

    One of two equal numbers is the larger, whole, and not each by half: then the derivatives of a
    smooth function of both are right there, those of higher order too. The difference of equal
    infinities says nothing.
    """
    first = basic.ge(x1, x2)
    larger, smaller = select(first, x1, x2), select(first, x2, x1)
    same = basic.and_(basic.eq(x1, x2), basic.not_(basic.is_finite(x1)))
    return larger, select(same, x1.dtype.type(0), smaller - larger), same


def i0(x):
    """The modified Bessel function of the first kind, of order 0.

    >>> import functrans.numpy as fnp
    >>> fnp.i0(fnp.array(0.0))
    Array(1., dtype=float32)
    """
    x = inexact(x, "i0")
    if is_complex(x.dtype):
        raise DtypeError("i0 takes real numbers")
    return functions.exp(basic.abs_(x)) * bessel_i0e(x)


# ---- trigonometry ----

sin = float_unary("sin", functions.sin_p, "Sine of x, in radians.",
                  "fnp.sin(fnp.array(0))", "Array(0., dtype=float32)")
cos = float_unary("cos", functions.cos_p, "Cosine of x, in radians.",
                  "fnp.cos(fnp.array(0))", "Array(1., dtype=float32)")
tan = float_unary("tan", functions.tan_p, "Tangent of x, in radians.",
                  "fnp.tan(fnp.array(0))", "Array(0., dtype=float32)")
arcsin = float_unary("arcsin", functions.asin_p, "Inverse sine, in [-pi/2, pi/2].",
                     "fnp.arcsin(fnp.array(0))", "Array(0., dtype=float32)")
arccos = float_unary("arccos", functions.acos_p, "Inverse cosine, in [0, pi].",
                     "fnp.arccos(fnp.array(1))", "Array(0., dtype=float32)")
arctan = float_unary("arctan", functions.atan_p, "Inverse tangent, in [-pi/2, pi/2].",
                     "fnp.arctan(fnp.array(0))", "Array(0., dtype=float32)")
arctan2 = binary("arctan2", functions.atan2_p, "The angle of the point (x2, x1), in radians.",
                 "fnp.arctan2(0, fnp.array(1))", "Array(0., dtype=float32)", promote_inexact)
sinh = float_unary("sinh", functions.sinh_p, "Hyperbolic sine.",
                   "fnp.sinh(fnp.array(0))", "Array(0., dtype=float32)")
cosh = float_unary("cosh", functions.cosh_p, "Hyperbolic cosine.",
                   "fnp.cosh(fnp.array(0))", "Array(1., dtype=float32)")
tanh = float_unary("tanh", functions.tanh_p, "Hyperbolic tangent.",
                   "fnp.tanh(fnp.array(0))", "Array(0., dtype=float32)")
arcsinh = float_unary("arcsinh", functions.asinh_p, "Inverse hyperbolic sine.",
                      "fnp.arcsinh(fnp.array(0))", "Array(0., dtype=float32)")
arccosh = float_unary("arccosh", functions.acosh_p, "Inverse hyperbolic cosine.",
                      "fnp.arccosh(fnp.array(1))", "Array(0., dtype=float32)")
arctanh = float_unary("arctanh", functions.atanh_p, "Inverse hyperbolic tangent.",
                      "fnp.arctanh(fnp.array(0))", "Array(0., dtype=float32)")
asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
asinh, acosh, atanh = arcsinh, arccosh, arctanh


@ufunc
def hypot(x1, x2):
    """sqrt(x1**2 + x2**2), without overflow; its gradient at (0, 0) is 0.

    >>> import functrans.numpy as fnp
    >>> fnp.hypot(fnp.array(3.0), 4.0)
    Array(5., dtype=float32)
    """
    x1, x2 = (basic.abs_(x) for x in array_pair(promote_inexact, as_operand(x1, "hypot"),
                                                as_operand(x2, "hypot")))
    one, infinite = x1.dtype.type(1), x1.dtype.type(np.inf)
    high = basic.stop_gradient(maximum(x1, x2))
    usable = basic.and_(basic.gt(high, x1.dtype.type(0)), basic.is_finite(high))
    scale = select(usable, high, one)
    ratio = select(usable, square(x1 / scale) + square(x2 / scale), one)
    endless = basic.or_(basic.eq(x1, infinite), basic.eq(x2, infinite))
    other = select(endless, infinite, maximum(x1, x2))
    return select(usable, scale * functions.sqrt(ratio), other)


@ufunc
def degrees(x):
    """Radians as degrees.

    >>> import functrans.numpy as fnp
    >>> fnp.degrees(fnp.array(fnp.pi))
    Array(180., dtype=float32)
    """
    return inexact(x, "degrees") * (180 / np.pi)


@ufunc
def radians(x):
    """Degrees as radians.

    >>> import functrans.numpy as fnp
    >>> fnp.radians(fnp.array(180.0))
    Array(3.1415927, dtype=float32)
    """
    return inexact(x, "radians") * (np.pi / 180)


rad2deg, deg2rad = degrees, radians


def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0.

    >>> import functrans.numpy as fnp
    >>> fnp.sinc(fnp.array(0.0))
    Array(1., dtype=float32)
    """
    x = inexact(x, "sinc") * np.pi
    at_zero = basic.eq(x, x.dtype.type(0))
    nonzero = select(at_zero, x.dtype.type(1), x)
    # Near 0 the series carries the derivatives that the quotient loses.
    return select(at_zero, 1 - x * x / 6, functions.sin(nonzero) / nonzero)
