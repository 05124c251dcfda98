"""Distributions of vectors, and of categories. Imports `numpy`, `scipy.special`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import ArgumentError, ShapeError, UnsupportedError
from functrans.numpy import linalg, reductions
from functrans.numpy.choosing import where
from functrans.numpy.ranges import arange, eye
from functrans.numpy.linalg.common import as_column
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import broadcast_to
from functrans.numpy.promotion import as_arraylike, broadcast_shapes, promote_inexact
from functrans.numpy.ufuncs import exp, floor, isclose, log
from functrans.scipy import special


class MultivariateNormal:
    """The normal distribution of vectors: `logpdf` and `pdf` of (x, mean, cov)."""

    def logpdf(self, x, mean=None, cov=1, allow_singular: bool | None = None):
        """The logarithm of the density.

        x: (..., n); mean: (n,) or (..., n), zero by default; cov: (..., n, n), positive definite,
        or (n,) for a diagonal, or a number times the identity.

        >>> import functrans as ft, functrans.numpy as fnp
        >>> ft.scipy.stats.multivariate_normal.logpdf(fnp.zeros(2), fnp.zeros(2), fnp.eye(2))
        Array(-1.837877, dtype=float32)
        """
        if allow_singular:
            raise UnsupportedError("multivariate_normal.logpdf: allow_singular=True is not "
                                   "available")
        x, mean, cov = promote_inexact(*[as_arraylike(value) for value in
                                         (x, 0 if mean is None else mean, cov)])
        x = x if x.ndim else x[None]
        n = x.shape[-1]
        if cov.ndim < 2:
            cov = eye(n, dtype=cov.dtype) * cov
        if cov.shape[-2:] != (n, n):
            raise ShapeError(f"multivariate_normal: x of shape {x.shape} needs cov of shape "
                             f"(..., {n}, {n}), got {cov.shape}")
        factor = linalg.cholesky(cov)
        z = x - mean
        lead = broadcast_shapes(z.shape[:-1], factor.shape[:-2])
        z = as_column(broadcast_to(z, (*lead, n)))
        scaled = linalg.solve_triangular(factor, z, lower=True)[..., 0]
        logs = reductions.sum(log(linalg.diagonal(factor)), -1)
        return -0.5 * (n * math.log(2 * math.pi) + reductions.sum(scaled * scaled, -1)) - logs

    def pdf(self, x, mean=None, cov=1, allow_singular: bool | None = None):
        """The density."""
        return exp(self.logpdf(x, mean, cov, allow_singular))


class Dirichlet:
    """The Dirichlet distribution of probabilities: `logpdf` and `pdf` of (x, alpha)."""

    def logpdf(self, x, alpha):
        """The logarithm of the density; -inf where x are no probabilities.

        x: (n, ...), along the first axis, or without the last of them; alpha: (n,).

        >>> import functrans as ft, functrans.numpy as fnp
        >>> ft.scipy.stats.dirichlet.logpdf(fnp.array([0.5, 0.5]), fnp.ones(2))
        Array(0., dtype=float32)
        """
        x, alpha = promote_inexact(as_arraylike(x), as_arraylike(alpha))
        if alpha.ndim != 1 or not x.ndim or x.shape[0] not in (alpha.size, alpha.size - 1):
            raise ShapeError(f"dirichlet: x of shape {x.shape} and alpha of shape {alpha.shape} do "
                             "not fit: alpha is a vector, and x has as many rows, or one less")
        if x.shape[0] == alpha.size - 1:
            x = concatenate([x, 1 - reductions.sum(x, 0, keepdims=True)], 0)
        powers = alpha.reshape(-1, *(1,) * (x.ndim - 1)) - 1
        value = reductions.sum(special.xlogy(powers, x), 0)
        constant = special.gammaln(reductions.sum(alpha)) - reductions.sum(special.gammaln(alpha))
        inside = reductions.all(x >= 0, 0) & isclose(reductions.sum(x, 0), 1)
        return where(inside, value + constant, -np.inf)

    def pdf(self, x, alpha):
        """The density."""
        return exp(self.logpdf(x, alpha))


class Multinomial:
    """Counts of n draws of categories: `logpmf` and `pmf` of (x, n, p)."""

    def logpmf(self, x, n, p):
        """The logarithm of the probability of counts x (..., m), of n draws by p (..., m).

        >>> import functrans as ft, functrans.numpy as fnp
        >>> ft.scipy.stats.multinomial.logpmf(fnp.array([1.0, 0.0]), 1, fnp.array([0.5, 0.5]))
        Array(-0.6931472, dtype=float32)
        """
        x, n, p = promote_inexact(*[as_arraylike(value) for value in (x, n, p)])
        ways = special.gammaln(n + 1) - reductions.sum(special.gammaln(x + 1), -1)
        value = ways + reductions.sum(special.xlogy(x, p), -1)
        possible = reductions.all((x >= 0) & (x == floor(x)), -1) & (reductions.sum(x, -1) == n)
        return where(possible, value, -np.inf)

    def pmf(self, x, n, p):
        """The probability."""
        return exp(self.logpmf(x, n, p))


class Categorical:
    """One of n categories: `logpmf`, `pmf`, `cdf` of (k, p), or of logits."""

    def logpmf(self, k, p=None, *, logits=None):
        """The logarithm of the probability of category k = 0, 1, ...; -inf for others.

        p: (..., n), probabilities; or logits, (..., n), of which they are the softmax.

        >>> import functrans as ft, functrans.numpy as fnp
        >>> ft.scipy.stats.categorical.logpmf(1, fnp.array([0.5, 0.5]))
        Array(-0.6931472, dtype=float32)
        """
        if (p is None) == (logits is None):
            raise ArgumentError("categorical takes p or logits, one of them")
        if p is None:
            logs = special.log_softmax(as_arraylike(logits), -1)
        else:
            p, = promote_inexact(as_arraylike(p))
            logs = log(p)
        k = as_arraylike(k)[..., None]
        chosen = k == arange(logs.shape[-1])
        value = reductions.sum(where(chosen, logs, 0), -1)
        return where(reductions.any(chosen, -1), value, -np.inf)

    def pmf(self, k, p=None, *, logits=None):
        """The probability of category k."""
        return exp(self.logpmf(k, p, logits=logits))

    def cdf(self, k, p=None, *, logits=None):
        """The probability of at most category k."""
        if (p is None) == (logits is None):
            raise ArgumentError("categorical takes p or logits, one of them")
        p = special.softmax(as_arraylike(logits), -1) if p is None else as_arraylike(p)
        p, = promote_inexact(p)
        k = as_arraylike(k)[..., None]
        return reductions.sum(where(arange(p.shape[-1]) <= k, p, 0), -1)


multivariate_normal = MultivariateNormal()
dirichlet = Dirichlet()
multinomial = Multinomial()
categorical = Categorical()
