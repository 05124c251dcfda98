"""Discrete distributions, each a record. Imports `numpy`, `scipy.special`, `scipy.stats`.
"""
from __future__ import annotations

import numpy as np

from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import ceil, exp, expm1, floor, log1p
from functrans.scipy import special
from functrans.scipy.stats.distribution import Discrete

_INF = np.inf


def _from_zero(*shapes):
    return 0, _INF


def _is_probability(p):
    return (p >= 0) & (p <= 1)


def _is_count(n):
    return (n >= 0) & (n == floor(n))


bernoulli = Discrete(
    "bernoulli", "p", support=lambda p: (0, 1), valid=_is_probability,
    density=lambda k, p: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
    cdf=lambda k, p: 1 - p, sf=lambda k, p: p, ppf=lambda q, p: where(q <= 1 - p, 0.0, 1.0))

poisson = Discrete(
    "poisson", "mu", support=_from_zero, valid=lambda mu: mu >= 0,
    density=lambda k, mu: special.xlogy(k, mu) - special.gammaln(k + 1) - mu,
    cdf=lambda k, mu: special.gammaincc(k + 1, mu), sf=lambda k, mu: special.gammainc(k + 1, mu))


def _log_choices(n, k):
    """The logarithm of the number of ways to choose k of n."""
    return -log1p(n) - special.betaln(n - k + 1, k + 1)


binom = Discrete(
    "binom", "n p", support=lambda n, p: (0, n),
    valid=lambda n, p: _is_count(n) & _is_probability(p),
    density=lambda k, n, p: (_log_choices(n, k) + special.xlogy(k, p)
                             + special.xlog1py(n - k, -p)),
    cdf=lambda k, n, p: special.betainc(n - k, k + 1, 1 - p),
    sf=lambda k, n, p: special.betainc(k + 1, n - k, p))

geom = Discrete(
    "geom", "p", support=lambda p: (1, _INF), valid=lambda p: (p > 0) & (p <= 1),
    density=lambda k, p: special.xlog1py(k - 1, -p) + special.xlogy(1, p),
    cdf=lambda k, p: -expm1(special.xlog1py(k, -p)),
    sf=lambda k, p: exp(special.xlog1py(k, -p)), logsf=lambda k, p: special.xlog1py(k, -p),
    ppf=lambda q, p: ceil(log1p(-q) / log1p(-p)))

nbinom = Discrete(
    "nbinom", "n p", support=_from_zero, valid=lambda n, p: (n > 0) & (p > 0) & (p <= 1),
    density=lambda k, n, p: (special.gammaln(n + k) - special.gammaln(k + 1) - special.gammaln(n)
                             + special.xlogy(n, p) + special.xlog1py(k, -p)),
    cdf=lambda k, n, p: special.betainc(n, k + 1, p),
    sf=lambda k, n, p: special.betainc(k + 1, n, 1 - p))

betabinom = Discrete(
    "betabinom", "n a b", support=lambda n, a, b: (0, n),
    valid=lambda n, a, b: _is_count(n) & (a > 0) & (b > 0),
    density=lambda k, n, a, b: (_log_choices(n, k) + special.betaln(k + a, n - k + b)
                                - special.betaln(a, b)))
