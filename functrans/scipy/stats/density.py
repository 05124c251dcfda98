"""Densities of which only samples are known. Imports `numpy`, `random`, `scipy.special`.

D. W. Scott, "Multivariate Density Estimation" (1992); B. W. Silverman, "Density Estimation for
Statistics and Data Analysis" (1986).
"""
from __future__ import annotations

import math

from functrans import random
from functrans.errors import ArgumentError, ShapeError, UnsupportedError
from functrans.ir.type import is_float
from functrans.numpy import linalg
from functrans.numpy.calculus import cast_like
from functrans.numpy.creation import full
from functrans.numpy.joining import atleast_1d, atleast_2d
from functrans.numpy.promotion import as_arraylike, materialize, promote, promote_inexact
from functrans.numpy.reductions import sum
from functrans.numpy.statistics import cov
from functrans.numpy.ufuncs import exp, log, sqrt
from functrans.scipy.special.errors import ndtr
from functrans.scipy.special.exponentials import logsumexp
from functrans.tree.register import register_node_class


@register_node_class
class gaussian_kde:
    """A density estimated from samples: the mean of normal densities around them.

    dataset: (d, n), n samples of d numbers, or (n,). bw_method: how wide the normal densities are:
    "scott" (by default) or "silverman", a number that scales the covariance's root, or a function
    of this object that gives it. weights: (n,), of the samples.
    Attributes: dataset, weights, neff (how many samples of equal weight would say as much),
    covariance and inv_cov (d, d), of the normal densities, factor, d, n. A pytree; differentiable
    in points, samples and weights. Raises ValueError for a single sample, and for shapes that do
    not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> kde = ft.scipy.stats.gaussian_kde(fnp.array([-1.0, 0.0, 1.0]))
    >>> kde(fnp.array([0.0])).round(4), kde.integrate_box_1d(-10.0, 0.0).round(4)
    (Array([0.3182], dtype=float32), Array(0.5, dtype=float32))
    """

    def __init__(self, dataset, bw_method=None, weights=None):
        data = atleast_2d(materialize(promote_inexact(as_arraylike(dataset, "gaussian_kde"))[0]))
        if not is_float(data.dtype) or data.ndim > 2:
            raise ShapeError(f"stats.gaussian_kde takes real samples (d, n), got {data.type}")
        if data.size < 2:
            raise ArgumentError("stats.gaussian_kde: dataset must have more than one element, got "
                                f"{data.type}")
        self.dataset = data
        self.weights = _weights(data, weights)
        self.neff = 1 / sum(self.weights ** 2)
        self.factor = self._factor(bw_method)
        spread = atleast_2d(cov(data, bias=False, aweights=self.weights))
        self.covariance = spread * self.factor ** 2
        self.inv_cov = linalg.inv(spread) / self.factor ** 2

    def _factor(self, method):
        if method is None or isinstance(method, str):
            rules = {None: self.scotts_factor, "scott": self.scotts_factor,
                     "silverman": self.silverman_factor}
            if method not in rules:
                raise ArgumentError("stats.gaussian_kde: bw_method must be 'scott', 'silverman', a "
                                    f"number or a function, got {method!r}")
            return rules[method]()
        return method(self) if callable(method) else cast_like(method, self.dataset)

    d = property(lambda self: self.dataset.shape[0], doc="How many numbers a sample has.")
    n = property(lambda self: self.dataset.shape[1], doc="How many samples there are.")

    def tree_flatten(self):
        return (self.dataset, self.weights, self.neff, self.factor, self.covariance,
                self.inv_cov), None

    @classmethod
    def tree_unflatten(cls, _, children):
        kde = object.__new__(cls)
        (kde.dataset, kde.weights, kde.neff, kde.factor, kde.covariance, kde.inv_cov) = children
        return kde

    def scotts_factor(self):
        """`neff ** (-1 / (d + 4))`."""
        return self.neff ** (-1 / (self.d + 4))

    def silverman_factor(self):
        """`(neff * (d + 2) / 4) ** (-1 / (d + 4))`."""
        return (self.neff * (self.d + 2) / 4) ** (-1 / (self.d + 4))

    # ---- densities ----

    def logpdf(self, x):
        """The logarithm of the density at points (d, m), or (m,) for d = 1: (m,)."""
        points = self._points(x)
        return _log_of_mixture(points, self.dataset, log(self.weights), self.covariance)

    def evaluate(self, points):
        """The density at points; see `logpdf`."""
        return exp(self.logpdf(points))

    def pdf(self, x):
        """The density at points; see `logpdf`."""
        return self.evaluate(x)

    __call__ = evaluate

    def _points(self, points):
        points = atleast_2d(materialize(promote_inexact(as_arraylike(points, "gaussian_kde"))[0]))
        if points.shape == (1, self.d):                  # one point of d numbers
            points = points.reshape(self.d, 1)
        if points.ndim != 2 or points.shape[0] != self.d:
            raise ShapeError(f"stats.gaussian_kde: points must be ({self.d}, m), as the dataset is "
                             f"{self.dataset.type}; got {points.type}")
        return promote(points, self.dataset)[0]

    # ---- integrals ----

    def integrate_gaussian(self, mean, cov):
        """The integral of the density times a normal density: mean (d,), cov (d, d)."""
        mean = atleast_1d(as_arraylike(mean)).squeeze()
        mean, cov = atleast_1d(mean), atleast_2d(as_arraylike(cov))
        if mean.shape != (self.d,) or cov.shape != (self.d, self.d):
            raise ShapeError(f"stats.gaussian_kde.integrate_gaussian takes a mean of ({self.d},) "
                             f"and a covariance of ({self.d}, {self.d}), got {mean.type} and "
                             f"{cov.type}")
        return exp(_log_of_mixture(mean[:, None], self.dataset, log(self.weights),
                                   self.covariance + cov))[0]

    def integrate_box_1d(self, low, high):
        """The integral of the density from `low` to `high`, for d = 1."""
        if self.d != 1:
            raise ArgumentError(f"stats.gaussian_kde.integrate_box_1d: samples have {self.d} "
                                "numbers; it takes those of one")
        spread = sqrt(self.covariance[0, 0])
        ends = [ndtr((end - self.dataset[0]) / spread) for end in (low, high)]
        return sum(self.weights * (ends[1] - ends[0]))

    def integrate_kde(self, other):
        """The integral of the product of two estimated densities."""
        if other.d != self.d:
            raise ArgumentError(f"stats.gaussian_kde.integrate_kde: samples of {self.d} and of "
                                f"{other.d} numbers")
        small, large = (self, other) if self.n < other.n else (other, self)
        parts = _log_of_mixture(small.dataset, large.dataset, log(large.weights),
                                small.covariance + large.covariance)
        return sum(exp(parts) * small.weights)

    def integrate_box(self, low_bounds, high_bounds, maxpts=None):
        """Not available: see `integrate_box_1d`."""
        raise UnsupportedError("stats.gaussian_kde.integrate_box is not available; for d = 1 there "
                               "is integrate_box_1d")

    # ---- samples ----

    def resample(self, key, shape: tuple = ()):
        """Samples of the density, (d, *shape), from a key of `functrans.random`."""
        first, second = random.split(key)
        chosen = random.categorical(first, log(self.weights), shape=shape)
        noise = random.normal(second, (*shape, self.d), self.dataset.dtype)
        moved = noise @ linalg.cholesky(self.covariance).T
        return self.dataset[:, chosen] + moved.transpose(-1, *range(len(shape)))


def _weights(data, weights):
    if weights is None:
        return full(data.shape[1], 1 / data.shape[1], data.dtype)
    weights = atleast_1d(as_arraylike(weights)).astype(data.dtype)
    if weights.shape != (data.shape[1],):
        raise ShapeError(f"stats.gaussian_kde: weights must be ({data.shape[1]},), one for each "
                         f"sample, got {weights.type}")
    return weights / sum(weights)


def _log_of_mixture(points, centers, log_weights, covariance):
    """log sum_i w_i N(points; centers_i, covariance): points (d, m), centers (d, n) -> (m,)."""
    root = linalg.cholesky(covariance)
    points, centers = (linalg.solve_triangular(root, x, lower=True) for x in (points, centers))
    square = sum((points[:, :, None] - centers[:, None, :]) ** 2, 0)
    volume = sum(log(linalg.diagonal(root))) + 0.5 * points.shape[0] * math.log(2 * math.pi)
    return logsumexp(log_weights - 0.5 * square, -1) - volume
