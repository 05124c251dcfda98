"""Elementwise functions: exponentials, powers, trigonometry, special functions.

One block each: the value (NumPy), the kernel's text, the derivative. Imports `trace`,
`primitives.define`, `primitives.elementwise` and, for values, `primitives.special_*`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError
from functrans.ir.type import is_complex
from functrans.primitives import special_erf, special_gamma
from functrans.primitives.basic import type_of_value
from functrans.primitives.define import elementwise
from functrans.primitives.elementwise import (add, caller, div, eq, guarded_div, guarded_mul, mul,
                                              neg, select, sub)
from functrans.trace import bind


def _one(x):
    return type_of_value(x).dtype.type(1)


def _constant(x, value):
    """A literal of the dtype of x."""
    return type_of_value(x).dtype.type(value)


# ---- powers, exponentials, logarithms ----

exp_p = elementwise("exp", evaluate=np.exp, expr="exp({0})", kind="inexact", cost=20,
                    jvp=lambda out, x, dx: mul(dx, out))
expm1_p = elementwise("expm1", evaluate=np.expm1, expr="expm1({0})", kind="inexact", cost=25,
                      jvp=lambda out, x, dx: mul(dx, add(out, _one(x))))
log_p = elementwise("log", evaluate=np.log, expr="log({0})", kind="inexact", cost=20,
                    jvp=lambda out, x, dx: div(dx, x))
log2_p = elementwise("log2", evaluate=np.log2, expr="log2({0})", kind="inexact", cost=22,
                     jvp=lambda out, x, dx: div(dx, mul(x, _constant(x, np.log(2)))))
log10_p = elementwise("log10", evaluate=np.log10, expr="log10({0})", kind="inexact", cost=22,
                      jvp=lambda out, x, dx: div(dx, mul(x, _constant(x, np.log(10)))))
log1p_p = elementwise("log1p", evaluate=np.log1p, expr="log1p({0})", kind="inexact", cost=25,
                      jvp=lambda out, x, dx: div(dx, add(x, _one(x))))
sqrt_p = elementwise("sqrt", evaluate=np.sqrt, expr="sqrt({0})", kind="inexact", cost=5,
                     jvp=lambda out, x, dx: div(dx, mul(out, _constant(x, 2))))
rsqrt_p = elementwise(
    "rsqrt", evaluate=lambda x: 1 / np.sqrt(x), expr="rsqrt({0})", kind="inexact", cost=8,
    jvp=lambda out, x, dx: mul(dx, mul(_constant(x, -0.5), div(out, x))))
cbrt_p = elementwise(
    "cbrt", evaluate=np.cbrt, expr="cbrt({0})", kind="float", cost=25,
    jvp=lambda out, x, dx: div(dx, mul(_constant(x, 3), mul(out, out))))


def _jvp_pow_base(out, x, y, dx):
    """y * x**(y-1), without 0 * infinity where y is 0."""
    return mul(dx, guarded_mul(y, pow_(x, sub(y, _one(y)))))


def _jvp_pow_exponent(out, x, y, dy):
    """out * log(x); 0 at x == 0 for y >= 0, where out is 0 or constant."""
    safe = select(eq(x, _constant(x, 0)), _one(x), x)
    return mul(dy, mul(out, log(safe)))


pow_p = elementwise("pow", evaluate=np.power, expr="power({0}, {1})", kind="inexact", cost=60,
                    jvp=(_jvp_pow_base, _jvp_pow_exponent))


def _jvp_integer_pow(out, x, dx, *, exponent):
    if exponent == 0:
        return None
    return mul(dx, mul(_constant(x, exponent), integer_pow(x, exponent - 1)))


def _integer_pow(x, *, exponent):
    if x.dtype.kind in "iu":
        return np.power(x, exponent) if exponent >= 0 else _inverse_integer_power(x, exponent)
    return _repeated(x, exponent)


def _repeated(x, exponent):
    """By squaring, in the order of the kernels."""
    if exponent < 0:
        return 1 / _repeated(x, -exponent)
    if exponent < 2:
        return x if exponent else np.ones_like(x)
    half = _repeated(x, exponent // 2)
    return half * half if exponent % 2 == 0 else half * half * x


def _inverse_integer_power(x, exponent):
    raise ArgumentError(f"integers cannot be raised to the negative power {exponent}; "
                        "convert them to a float dtype first")


def _power_text(exponent: int) -> str:
    """A product that squares as often as it can; the compiler shares equal factors."""
    if exponent == 1:
        return "{0}"
    half = _power_text(exponent // 2)
    return f"({half} * {half})" if exponent % 2 == 0 else f"({half} * {half} * {{0}})"


def _integer_pow_expr(types, params):
    exponent = params["exponent"]
    if exponent == 0:
        return "{T}(1)"
    if abs(exponent) > 16:
        return f"integer_power({{0}}, {exponent})"
    product = _power_text(abs(exponent))
    if exponent > 0:
        return product
    return f"complex_divide({{T}}(1), {product})" if is_complex(types[0].dtype) else \
        f"({{T}}(1) / {product})"


integer_pow_p = elementwise(
    "integer_pow", evaluate=_integer_pow, cost=4, with_params=True, jvp=_jvp_integer_pow,
    expr=_integer_pow_expr)

# ---- trigonometry ----

sin_p = elementwise("sin", evaluate=np.sin, expr="sin({0})", kind="inexact", cost=25,
                    jvp=lambda out, x, dx: mul(dx, cos(x)))
cos_p = elementwise("cos", evaluate=np.cos, expr="cos({0})", kind="inexact", cost=25,
                    jvp=lambda out, x, dx: mul(dx, neg(sin(x))))
tan_p = elementwise("tan", evaluate=np.tan, expr="tan({0})", kind="inexact", cost=35,
                    jvp=lambda out, x, dx: mul(dx, add(_one(x), mul(out, out))))


def _circle(x):
    """sqrt(1 - x*x), in factors that stay accurate near 1."""
    return sqrt(mul(sub(_one(x), x), add(_one(x), x)))


asin_p = elementwise("asin", evaluate=np.arcsin, expr="asin({0})", kind="inexact", cost=30,
                     jvp=lambda out, x, dx: div(dx, _circle(x)))
acos_p = elementwise("acos", evaluate=np.arccos, expr="acos({0})", kind="inexact", cost=30,
                     jvp=lambda out, x, dx: neg(div(dx, _circle(x))))
atan_p = elementwise("atan", evaluate=np.arctan, expr="atan({0})", kind="inexact", cost=30,
                     jvp=lambda out, x, dx: div(dx, add(_one(x), mul(x, x))))


def _atan2_share(x, y, other):
    return guarded_div(other, add(mul(x, x), mul(y, y)))


atan2_p = elementwise(
    "atan2", evaluate=np.arctan2, expr="atan2({0}, {1})", kind="float", cost=40,
    jvp=(lambda out, y, x, dy: mul(dy, _atan2_share(x, y, x)),
         lambda out, y, x, dx: mul(dx, neg(_atan2_share(x, y, y)))))

sinh_p = elementwise("sinh", evaluate=np.sinh, expr="sinh({0})", kind="inexact", cost=30,
                     jvp=lambda out, x, dx: mul(dx, cosh(x)))
cosh_p = elementwise("cosh", evaluate=np.cosh, expr="cosh({0})", kind="inexact", cost=30,
                     jvp=lambda out, x, dx: mul(dx, sinh(x)))
tanh_p = elementwise("tanh", evaluate=np.tanh, expr="tanh({0})", kind="inexact", cost=25,
                     jvp=lambda out, x, dx: mul(dx, sub(_one(x), mul(out, out))))
asinh_p = elementwise(
    "asinh", evaluate=np.arcsinh, expr="asinh({0})", kind="inexact", cost=35,
    jvp=lambda out, x, dx: div(dx, sqrt(add(_one(x), mul(x, x)))))
acosh_p = elementwise(
    "acosh", evaluate=np.arccosh, expr="acosh({0})", kind="inexact", cost=35,
    jvp=lambda out, x, dx:
        div(dx, mul(sqrt(sub(x, _one(x))), sqrt(add(x, _one(x))))))
atanh_p = elementwise(
    "atanh", evaluate=np.arctanh, expr="atanh({0})", kind="inexact", cost=35,
    jvp=lambda out, x, dx: div(dx, mul(sub(_one(x), x), add(_one(x), x))))



# ---- special functions (their values: primitives/special_*.py) ----

_TWO_OVER_SQRT_PI = 2 / np.sqrt(np.pi)


def _gaussian(x, sign=1.0):
    """The derivative of erf."""
    return mul(_constant(x, sign * _TWO_OVER_SQRT_PI), exp(neg(mul(x, x))))


logistic_p = elementwise(
    "logistic", evaluate=special_erf.logistic, expr="logistic({0})", kind="inexact", cost=25,
    jvp=lambda out, x, dx: mul(dx, mul(out, sub(_one(x), out))))
erf_p = elementwise("erf", evaluate=special_erf.erf, expr="erf({0})", kind="float", cost=30,
                    jvp=lambda out, x, dx: mul(dx, _gaussian(x)))
erfc_p = elementwise("erfc", evaluate=special_erf.erfc, expr="erfc({0})", kind="float", cost=40,
                     jvp=lambda out, x, dx: mul(dx, _gaussian(x, -1.0)))
erf_inv_p = elementwise(
    "erf_inv", evaluate=special_erf.erf_inv, expr="erf_inv({0})", kind="float", cost=40,
    jvp=lambda out, x, dx: mul(dx, mul(_constant(x, 1 / _TWO_OVER_SQRT_PI),
                                       exp(mul(out, out)))))
lgamma_p = elementwise("lgamma", evaluate=special_gamma.lgamma, expr="lgamma({0})", kind="float",
                       cost=60, jvp=lambda out, x, dx: mul(dx, digamma(x)))
digamma_p = elementwise("digamma", evaluate=special_gamma.digamma, expr="digamma({0})",
                        kind="float", cost=60,
                        jvp=lambda out, x, dx: mul(dx, polygamma(_one(x), x)))
polygamma_p = elementwise(
    "polygamma", evaluate=special_gamma.polygamma, expr="polygamma({0}, {1})",
    kind="float", cost=200,
    jvp=(None, lambda out, n, x, dx: mul(dx, polygamma(add(n, _one(n)), x))))

# ---- the same primitives as functions ----

exp, expm1, log, log1p, sqrt, rsqrt, cbrt, pow_ = map(
    caller, (exp_p, expm1_p, log_p, log1p_p, sqrt_p, rsqrt_p, cbrt_p, pow_p))
sin, cos, tan, asin, acos, atan, atan2 = map(
    caller, (sin_p, cos_p, tan_p, asin_p, acos_p, atan_p, atan2_p))
sinh, cosh, tanh, asinh, acosh, atanh = map(
    caller, (sinh_p, cosh_p, tanh_p, asinh_p, acosh_p, atanh_p))
logistic, erf, erfc, erf_inv = map(caller, (logistic_p, erf_p, erfc_p, erf_inv_p))
lgamma, digamma, polygamma = map(caller, (lgamma_p, digamma_p, polygamma_p))


def integer_pow(x, exponent: int):
    """`x` to the power of a Python integer."""
    if exponent == 1:
        return x
    if isinstance(x, np.generic):
        return np.asarray(_integer_pow(x, exponent=int(exponent)))[()]
    return bind(integer_pow_p, x, exponent=int(exponent))
