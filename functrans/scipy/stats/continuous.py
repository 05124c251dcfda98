"""Continuous distributions, each a record. Imports `numpy`, `scipy.special`, `scipy.stats`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import (abs, arctan2, cos, exp, expm1, log, log1p, sin, sqrt, tan)
from functrans.scipy import special
from functrans.scipy.stats.distribution import Continuous

_INF = np.inf
_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)


def _line(*shapes):
    return -_INF, _INF


def _half_line(*shapes):
    return 0, _INF


def _positive(*shapes):
    good = shapes[0] > 0
    for value in shapes[1:]:
        good = good & (value > 0)
    return good


# ---- without shape parameters ----

norm = Continuous(
    "norm", support=_line, density=lambda x: -0.5 * x * x - _LOG_ROOT_TWO_PI,
    cdf=special.ndtr, logcdf=special.log_ndtr, sf=lambda x: special.ndtr(-x),
    logsf=lambda x: special.log_ndtr(-x), ppf=special.ndtri, isf=lambda q: -special.ndtri(q))

expon = Continuous(
    "expon", support=_half_line, density=lambda x: -x, cdf=lambda x: -expm1(-x),
    sf=lambda x: exp(-x), logsf=lambda x: -x, ppf=lambda q: -log1p(-q), isf=lambda q: -log(q))

uniform = Continuous("uniform", support=lambda: (0, 1), density=lambda x: 0 * x,
                     cdf=lambda x: x, sf=lambda x: 1 - x, ppf=lambda q: q, isf=lambda q: 1 - q)


def _laplace_tail(x):
    """The probability of less than x."""
    return where(x < 0, 0.5 * exp(-abs(x)), 1 - 0.5 * exp(-abs(x)))


def _laplace_log_tail(x):
    return where(x < 0, -abs(x) - math.log(2), log1p(-0.5 * exp(-abs(x))))


def _laplace_quantile(q):
    return where(q < 0.5, log(2 * q), -log(2 * (1 - q)))


laplace = Continuous(
    "laplace", support=_line, density=lambda x: -abs(x) - math.log(2), cdf=_laplace_tail,
    logcdf=_laplace_log_tail, sf=lambda x: _laplace_tail(-x),
    logsf=lambda x: _laplace_log_tail(-x), ppf=_laplace_quantile,
    isf=lambda q: -_laplace_quantile(q))

logistic = Continuous(
    "logistic", support=_line, density=lambda x: -abs(x) - 2 * log1p(exp(-abs(x))),
    cdf=special.expit, logcdf=special.log_expit, sf=lambda x: special.expit(-x),
    logsf=lambda x: special.log_expit(-x), ppf=special.logit, isf=lambda q: -special.logit(q))


def _cauchy_tail(x):
    """The probability of less than x, without cancellation on the left."""
    return arctan2(1, -x) / math.pi


def _cauchy_quantile(q):
    return where(q < 0.25, -1 / tan(math.pi * q), where(
        q > 0.75, 1 / tan(math.pi * (1 - q)), tan(math.pi * (q - 0.5))))


cauchy = Continuous(
    "cauchy", support=_line, density=lambda x: -math.log(math.pi) - log1p(x * x),
    cdf=_cauchy_tail, sf=lambda x: _cauchy_tail(-x), ppf=_cauchy_quantile,
    isf=lambda q: -_cauchy_quantile(q))

gumbel_r = Continuous(
    "gumbel_r", support=_line, density=lambda x: -x - exp(-x), cdf=lambda x: exp(-exp(-x)),
    logcdf=lambda x: -exp(-x), sf=lambda x: -expm1(-exp(-x)), ppf=lambda q: -log(-log(q)),
    isf=lambda q: -log(-log1p(-q)))

gumbel_l = Continuous(
    "gumbel_l", support=_line, density=lambda x: x - exp(x), cdf=lambda x: -expm1(-exp(x)),
    sf=lambda x: exp(-exp(x)), logsf=lambda x: -exp(x), ppf=lambda q: log(-log1p(-q)),
    isf=lambda q: log(-log(q)))

halfnorm = Continuous(
    "halfnorm", support=_half_line,
    density=lambda x: 0.5 * math.log(2 / math.pi) - 0.5 * x * x,
    cdf=lambda x: special.erf(x * math.sqrt(0.5)), sf=lambda x: special.erfc(x * math.sqrt(0.5)),
    ppf=lambda q: math.sqrt(2) * special.erfinv(q), isf=lambda q: -special.ndtri(0.5 * q))

rayleigh = Continuous(
    "rayleigh", support=_half_line, density=lambda x: log(x) - 0.5 * x * x,
    cdf=lambda x: -expm1(-0.5 * x * x), sf=lambda x: exp(-0.5 * x * x),
    logsf=lambda x: -0.5 * x * x, ppf=lambda q: sqrt(-2 * log1p(-q)),
    isf=lambda q: sqrt(-2 * log(q)))

# ---- with shape parameters ----

def _t_density(x, df):
    half = 0.5 * (df + 1)
    constant = -special.betaln(0.5 * df, 0.5) - 0.5 * log(df)
    return constant - half * log1p(x * x / df)


def _t_tail(x, df):
    """The probability of less than x, by the incomplete beta function."""
    square = x * x
    far = 0.5 * special.betainc(0.5 * df, 0.5, df / (df + square))
    near = 0.5 - 0.5 * special.betainc(0.5, 0.5 * df, square / (df + square))
    left = where(square < df, near, far)
    return where(x < 0, left, 1 - left)


t = Continuous("t", "df", support=_line, valid=_positive, density=_t_density, cdf=_t_tail,
               sf=lambda x, df: _t_tail(-x, df))

gamma = Continuous(
    "gamma", "a", support=_half_line, valid=_positive,
    density=lambda x, a: special.xlogy(a - 1, x) - x - special.gammaln(a),
    cdf=lambda x, a: special.gammainc(a, x), sf=lambda x, a: special.gammaincc(a, x))

chi2 = Continuous(
    "chi2", "df", support=_half_line, valid=_positive,
    density=lambda x, df: (special.xlogy(0.5 * df - 1, x) - 0.5 * x - special.gammaln(0.5 * df)
                           - 0.5 * math.log(2) * df),
    cdf=lambda x, df: special.gammainc(0.5 * df, 0.5 * x),
    sf=lambda x, df: special.gammaincc(0.5 * df, 0.5 * x))

invgamma = Continuous(
    "invgamma", "a", support=_half_line, valid=_positive,
    density=lambda x, a: where(
        x == 0, -_INF, -(a + 1) * log(x) - 1 / x - special.gammaln(a)),
    cdf=lambda x, a: special.gammaincc(a, 1 / x), sf=lambda x, a: special.gammainc(a, 1 / x))

beta = Continuous(
    "beta", "a b", support=lambda a, b: (0, 1), valid=_positive,
    density=lambda x, a, b: (special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x)
                             - special.betaln(a, b)),
    cdf=lambda x, a, b: special.betainc(a, b, x),
    sf=lambda x, a, b: special.betainc(b, a, 1 - x))

lognorm = Continuous(
    "lognorm", "s", support=_half_line, valid=_positive,
    density=lambda x, s: -log(s) - _LOG_ROOT_TWO_PI - log(x) * (1 + 0.5 * log(x) / (s * s)),
    cdf=lambda x, s: special.ndtr(log(x) / s), logcdf=lambda x, s: special.log_ndtr(log(x) / s),
    sf=lambda x, s: special.ndtr(-log(x) / s), logsf=lambda x, s: special.log_ndtr(-log(x) / s),
    ppf=lambda q, s: exp(s * special.ndtri(q)), isf=lambda q, s: exp(-s * special.ndtri(q)))

pareto = Continuous(
    "pareto", "b", support=lambda b: (1, _INF), valid=_positive,
    density=lambda x, b: log(b) - (b + 1) * log(x), cdf=lambda x, b: -expm1(-b * log(x)),
    sf=lambda x, b: x ** -b, logsf=lambda x, b: -b * log(x),
    ppf=lambda q, b: exp(-log1p(-q) / b), isf=lambda q, b: q ** (-1 / b))

weibull_min = Continuous(
    "weibull_min", "c", support=_half_line, valid=_positive,
    density=lambda x, c: log(c) + special.xlogy(c - 1, x) - x ** c,
    cdf=lambda x, c: -expm1(-x ** c), sf=lambda x, c: exp(-x ** c), logsf=lambda x, c: -x ** c,
    ppf=lambda q, c: (-log1p(-q)) ** (1 / c), isf=lambda q, c: (-log(q)) ** (1 / c))


def _gennorm_tail(x, beta):
    half = 0.5 * special.gammaincc(1 / beta, abs(x) ** beta)
    return where(x < 0, half, 1 - half)


gennorm = Continuous(
    "gennorm", "beta", support=_line, valid=_positive,
    density=lambda x, beta: log(0.5 * beta) - special.gammaln(1 / beta) - abs(x) ** beta,
    cdf=_gennorm_tail, sf=lambda x, beta: _gennorm_tail(-x, beta))


# ---- truncated, and on the circle ----

def _log_mass(a, b):
    """The logarithm of the normal probability between a < b, in the tail where it is small."""
    right = a > 0
    low, high = where(right, -b, a), where(right, -a, b)
    small = special.log_ndtr(low)
    tail = special.log_ndtr(high) + log1p(-exp(small - special.log_ndtr(high)))
    middle = log1p(-special.ndtr(low) - special.ndtr(-high))
    return where((low <= 0) & (high > 0), middle, tail)


truncnorm = Continuous(
    "truncnorm", "a b", support=lambda a, b: (a, b), valid=lambda a, b: a < b,
    density=lambda x, a, b: -0.5 * x * x - _LOG_ROOT_TWO_PI - _log_mass(a, b),
    cdf=lambda x, a, b: exp(_log_mass(a, x) - _log_mass(a, b)),
    logcdf=lambda x, a, b: _log_mass(a, x) - _log_mass(a, b),
    sf=lambda x, a, b: exp(_log_mass(x, b) - _log_mass(a, b)),
    logsf=lambda x, a, b: _log_mass(x, b) - _log_mass(a, b))

vonmises = Continuous(
    "vonmises", "kappa", support=_line, valid=lambda kappa: kappa >= 0,
    density=lambda x, kappa: kappa * (cos(x) - 1) - math.log(2 * math.pi)
    - log(special.i0e(kappa)))


def _wrapped_cauchy_part(x, c):
    """What lies between 0 and an angle x up to 2 pi."""
    return arctan2((1 + c) * sin(x / 2), (1 - c) * cos(x / 2)) / math.pi


wrapcauchy = Continuous(
    "wrapcauchy", "c", support=lambda c: (0, 2 * math.pi), valid=lambda c: (c > 0) & (c < 1),
    density=lambda x, c: log1p(-c * c) - math.log(2 * math.pi) - log(1 + c * c - 2 * c * cos(x)),
    cdf=_wrapped_cauchy_part, sf=lambda x, c: _wrapped_cauchy_part(2 * math.pi - x, c))
