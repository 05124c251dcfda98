"""Elementwise functions of statistics: incomplete gamma and beta, zeta, Bessel, normal tails.

Their values are in primitives/special_*.py. Second derivatives in the parameters of the incomplete
functions, and any in the order of zeta, are not among them: asking for one raises. Imports `trace`,
and the families of primitives above it.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.errors import NotDifferentiableError
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType
from functrans.primitives import special_bessel, special_beta, special_gamma, special_incomplete
from functrans.primitives import special_normal as normal
from functrans.primitives.basic import common_shape, require, same_dtype, type_of_value
from functrans.primitives.define import batch_elementwise, elementwise, partials_jvp
from functrans.primitives.elementwise import (add, and_, caller, div, eq, ge, gt, lt, maximum,
                                              minimum, mul, neg, or_, select, sign, sub)
from functrans.primitives.functions import (digamma, erf_inv, erfc, exp, lgamma, log, log1p,
                                            sqrt)
from functrans.primitives.lapack import by_primitives
from functrans.trace import bind


def _number(x, value):
    """A literal of the dtype of x."""
    return type_of_value(x).dtype.type(value)


def _no_derivative(name: str, operand: str):
    def partial(*args, **params):
        raise NotDifferentiableError(
            f"{name} has no derivative in {operand} here, only in its last operand. Hold {operand} "
            "fixed: differentiate for the others, or wrap it in stop_gradient")
    return partial


def _times_log(factor, x, logarithm: Callable = log, zero_at: float = 0.0):
    """factor * log(x), but 0 where the factor is 0 and the logarithm infinite."""
    harmless = and_(eq(factor, _number(x, 0)), eq(x, _number(x, zero_at)))
    return mul(factor, logarithm(select(harmless, _number(x, 1 + zero_at), x)))


def _composed(name: str, evaluate: Callable, function: Callable, *jvp: Callable) -> Primitive:
    """A primitive whose kernel is made of other primitives. jvp: for each operand."""
    def infer(*types):
        dtype = same_dtype(types, name)
        require("float", dtype, name)
        return ArrayType(common_shape(types, name), dtype)

    primitive = Primitive(name=name, infer=infer, evaluate=evaluate, jvp=partials_jvp(jvp),
                          batch=batch_elementwise(lambda: primitive),
                          kernel=by_primitives(function))
    return primitive


# ---- beta ----

_LARGE = 10.0             # from here Stirling's series, so that nothing cancels
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def _stirling_rest(x):
    """What Stirling's formula leaves of lgamma, for x >= 10 (DLMF 5.11.1)."""
    z = div(_number(x, 1), mul(x, x))
    total = _number(x, _STIRLING[-1])
    for term in _STIRLING[-2::-1]:
        total = add(mul(total, z), _number(x, term))
    return div(total, x)


def _lbeta(a, b):
    """As `special_gamma.lbeta`: by the logarithms, or by Stirling's formula for large ones."""
    p, q = minimum(a, b), maximum(a, b)
    large = and_(gt(p, _number(p, 0)), ge(q, _number(q, _LARGE)))
    both = ge(p, _number(p, _LARGE))
    low, high = select(large, p, _number(p, 1)), select(large, q, _number(q, _LARGE))
    first, total = select(both, low, _number(p, _LARGE)), add(low, high)
    half = _number(p, 0.5)
    rest = sub(_stirling_rest(high), _stirling_rest(total))
    step = mul(sub(high, half), log1p(div(low, high)))
    uneven = add(sub(mul(low, sub(_number(p, 1), log(total))), step), rest)
    even = sub(add(sub(_number(p, normal.LOG_TWO_PI / 2), mul(half, log(high))),
                   add(_stirling_rest(first), rest)),
               add(mul(sub(first, half), log1p(div(high, first))),
                   mul(high, log1p(div(first, high)))))
    near = sub(lgamma(select(large, _number(p, 1), q)),
               lgamma(select(large, _number(p, 2), add(p, q))))
    return [select(both, even, add(lgamma(p), select(large, uneven, near)))]


def _jvp_lbeta(a, b, da):
    return mul(da, sub(digamma(a), digamma(add(a, b))))


lbeta_p = _composed("lbeta", special_gamma.lbeta, _lbeta,
                    lambda out, a, b, da: _jvp_lbeta(a, b, da),
                    lambda out, a, b, db: _jvp_lbeta(b, a, db))
lbeta = caller(lbeta_p)

# ---- incomplete gamma and beta ----

def _gamma_density(a, x):
    """x**(a-1) exp(-x) / gamma(a)."""
    return exp(sub(sub(_times_log(sub(a, _number(a, 1)), x), x), lgamma(a)))


def _gamma_slope_by_log_x(out, a, log_x, dlog_x):
    """psi(a) - log(x) - slope (a - x), from the definition."""
    steep = sub(digamma(a), log_x)
    return mul(dlog_x, sub(steep, mul(out, sub(a, exp(log_x)))))


gamma_slope_p = elementwise(
    "gamma_slope", evaluate=special_incomplete.gamma_slope, expr="gamma_slope({0}, {1})",
    kind="float", cost=2000,
    jvp=(_no_derivative("the slope of a gamma quantile", "a"), _gamma_slope_by_log_x))


def gamma_number_by_parameter(a, x):
    """The derivative in a of the quantile x, at which igamma stays what it is; 0 where x is 0."""
    zero = eq(x, _number(x, 0))
    return select(zero, x, mul(x, gamma_slope(a, log(select(zero, _number(x, 1), x)))))


def gamma_by_parameter(a, x):
    """The derivative in a of igammac, and minus that of igamma; 0 where x is 0 or infinite."""
    end = or_(eq(x, _number(x, 0)), eq(x, _number(x, np.inf)))
    inside = select(end, _number(x, 1), x)
    value = mul(_gamma_density(a, inside), gamma_number_by_parameter(a, inside))
    return select(end, _number(x, 0), value)


igamma_p = elementwise(
    "igamma", evaluate=special_incomplete.igamma, expr=None, kind="float",
    jvp=(lambda out, a, x, da: neg(mul(da, gamma_by_parameter(a, x))),
         lambda out, a, x, dx: mul(dx, _gamma_density(a, x))))
igammac_p = elementwise(
    "igammac", evaluate=special_incomplete.igammac, expr=None, kind="float",
    jvp=(lambda out, a, x, da: mul(da, gamma_by_parameter(a, x)),
         lambda out, a, x, dx: neg(mul(dx, _gamma_density(a, x)))))


def _beta_density(a, b, x):
    """x**(a-1) (1-x)**(b-1) / beta(a, b)."""
    left = _times_log(sub(a, _number(a, 1)), x)
    right = _times_log(sub(b, _number(b, 1)), neg(x), log1p, -1.0)
    return exp(sub(add(left, right), lbeta(a, b)))


_SLOPES = special_beta.betainc_by_a, special_beta.betainc_by_b


def _beta_slope_by_x(out, a, b, x, dx, *, place):
    """The derivative of the density in a or b; 0 at the ends, as the slope is."""
    end = or_(eq(x, _number(x, 0)), eq(x, _number(x, 1)))
    inside = select(end, _number(x, 0.5), x)
    logarithm = log1p(neg(inside)) if place else log(inside)
    steep = add(logarithm, sub(digamma(add(a, b)), digamma(b if place else a)))
    return mul(dx, select(end, _number(x, 0), mul(_beta_density(a, b, inside), steep)))


betainc_slope_p = elementwise(
    "betainc_slope", evaluate=lambda a, b, x, *, place: _SLOPES[place](a, b, x), expr=None,
    kind="float", with_params=True,
    jvp=(_no_derivative("the slope of betainc", "a"), _no_derivative("the slope of betainc", "b"),
         _beta_slope_by_x))
betainc_p = elementwise(
    "betainc", evaluate=special_beta.betainc, expr=None, kind="float",
    jvp=(lambda out, a, b, x, da: mul(da, betainc_slope(a, b, x, place=0)),
         lambda out, a, b, x, db: mul(db, betainc_slope(a, b, x, place=1)),
         lambda out, a, b, x, dx: mul(dx, _beta_density(a, b, x))))

# ---- zeta ----

zeta_p = elementwise(
    "zeta", evaluate=special_gamma.zeta, expr=None, kind="float",
    jvp=(_no_derivative("zeta", "x"),
         lambda out, s, q, dq: neg(mul(dq, mul(s, zeta(add(s, _number(s, 1)), q))))))

# ---- Bessel ----

bessel_i0e_p = elementwise(
    "bessel_i0e", evaluate=special_bessel.bessel_i0e, expr=None, kind="float",
    jvp=lambda out, x, dx: mul(dx, sub(bessel_i1e(x), mul(sign(x), out))))


def _jvp_i1e(out, x, dx):
    """I1' = I0 - I1 / x, and the scale's share."""
    zero = eq(x, _number(x, 0))
    ratio = select(zero, _number(x, 0.5), div(out, select(zero, _number(x, 1), x)))
    return mul(dx, sub(sub(bessel_i0e(x), ratio), mul(sign(x), out)))


bessel_i1e_p = elementwise("bessel_i1e", evaluate=special_bessel.bessel_i1e, expr=None,
                           kind="float", jvp=_jvp_i1e)

# ---- the normal distribution's tails ----

_ROOT_HALF, _ROOT_TWO_OVER_PI = 0.7071067811865476, 0.7978845608028654

erfcx_p = elementwise(
    "erfcx", evaluate=normal.erfcx, expr="erfcx({0})", kind="float", cost=45,
    jvp=lambda out, x, dx: mul(dx, sub(mul(mul(_number(x, 2), x), out),
                                       _number(x, 2 / np.sqrt(np.pi)))))


def _log_ndtr(x):
    left = lt(x, _number(x, -1))
    scaled = mul(_number(x, _ROOT_HALF), x)
    tail = erfcx(select(left, neg(scaled), _number(x, 1)))
    below = sub(log(mul(_number(x, 0.5), tail)), mul(_number(x, 0.5), mul(x, x)))
    above = log1p(mul(_number(x, -0.5), erfc(select(left, _number(x, 0), scaled))))
    return [select(left, below, above)]


def _jvp_log_ndtr(out, x, dx):
    """The density over the distribution function, without cancellation on the left."""
    left = lt(x, _number(x, -1))
    tail = erfcx(select(left, mul(_number(x, -_ROOT_HALF), x), _number(x, 1)))
    exponent = sub(mul(_number(x, -0.5), add(mul(x, x), _number(x, normal.LOG_TWO_PI))), out)
    slope = select(left, div(_number(x, _ROOT_TWO_OVER_PI), tail),
                   exp(select(left, _number(x, 0), exponent)))
    return mul(dx, slope)


log_ndtr_p = _composed("log_ndtr", normal.log_ndtr, _log_ndtr, _jvp_log_ndtr)


def _ndtri(p):
    """By erf_inv in the middle; by Newton's method on the logarithm in the tails."""
    one = _number(p, 1)
    upper = gt(p, _number(p, 0.5))
    small = select(upper, sub(one, p), p)
    tail = lt(small, _number(p, normal.TAIL))
    quantile = _left_quantile(select(tail, small, _number(p, normal.TAIL)))
    middle = mul(erf_inv(sub(mul(_number(p, 2), p), one)), _number(p, 1 / _ROOT_HALF))
    inside = select(tail, select(upper, neg(quantile), quantile), middle)
    infinite = select(upper, _number(p, np.inf), select(eq(p, p), _number(p, -np.inf), p))
    return [select(gt(small, _number(p, 0)), inside,
                   select(eq(small, _number(p, 0)), infinite, _number(p, np.nan)))]


def _left_quantile(p):
    logarithm = log(p)
    square = mul(_number(p, -2), logarithm)
    x = neg(sqrt(sub(sub(square, log(square)), _number(p, normal.LOG_TWO_PI))))
    for _ in range(normal.NEWTON_STEPS):
        value = _log_ndtr(x)[0]
        half_square = mul(_number(p, 0.5), add(mul(x, x), _number(p, normal.LOG_TWO_PI)))
        x = sub(x, mul(sub(value, logarithm), exp(add(value, half_square))))
    return x


def _jvp_ndtri(out, p, dp):
    """One over the density."""
    half_square = mul(_number(p, 0.5), add(mul(out, out), _number(p, normal.LOG_TWO_PI)))
    return mul(dp, exp(half_square))


ndtri_p = _composed("ndtri", normal.ndtri, _ndtri, _jvp_ndtri)

# ---- the same primitives as functions ----

igamma, igammac, betainc, zeta = map(caller, (igamma_p, igammac_p, betainc_p, zeta_p))
gamma_slope = caller(gamma_slope_p)


def betainc_slope(a, b, x, *, place: int):
    """The derivative of betainc in a (place 0) or b (1)."""
    return bind(betainc_slope_p, a, b, x, place=place)


bessel_i0e, bessel_i1e, erfcx = map(caller, (bessel_i0e_p, bessel_i1e_p, erfcx_p))
log_ndtr, ndtri = map(caller, (log_ndtr_p, ndtri_p))
