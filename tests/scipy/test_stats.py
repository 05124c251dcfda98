"""Distributions against SciPy: all methods, edges, parameters that are not allowed, derivatives."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import NotDifferentiableError, ShapeError
from functrans.scipy.stats.distribution import Discrete, Distribution

reference = pytest.importorskip("scipy.stats")
stats = ft.scipy.stats

_RNG = np.random.default_rng(0)
LINE = np.concatenate([_RNG.normal(size=30) * 3, [0, 1, -1, 40, -40, np.nan]])
COUNTS = np.concatenate([np.arange(-2.0, 12.0), [2.5, 1e3, np.nan]])
PARTS = np.concatenate([_RNG.uniform(size=20), [0, 1, -0.1, 1.1]])

# Shape parameters that are tried; none for a name that is not here.
SHAPES = {
    "t": [(3.0,), (50.0,)], "gamma": [(0.7,), (4.0,)], "chi2": [(3.0,)], "invgamma": [(2.5,)],
    "beta": [(0.5, 2.0), (3.0, 4.0)], "lognorm": [(0.5,)], "pareto": [(2.5,)],
    "weibull_min": [(1.7,)], "gennorm": [(1.3,)],
    "truncnorm": [(-1.0, 2.0), (3.0, 5.0), (-7.0, -6.0)], "vonmises": [(1.5,)],
    "wrapcauchy": [(0.4,), (0.9,)],
    "bernoulli": [(0.3,)], "poisson": [(2.5,)], "binom": [(7.0, 0.3)], "geom": [(0.3,)],
    "nbinom": [(4.0, 0.3)], "betabinom": [(6.0, 2.0, 3.0)],
}
NAMES = [name for name in stats.__all__ if isinstance(getattr(stats, name), Distribution)]


def methods(name: str) -> list[str]:
    return getattr(stats, name)._available()


def operand(name: str, method: str) -> np.ndarray:
    if method in ("ppf", "isf"):
        return PARTS
    return COUNTS if isinstance(getattr(stats, name), Discrete) else LINE


@pytest.mark.parametrize("name", NAMES)
def test_values(name):
    ours, theirs = getattr(stats, name), getattr(reference, name)
    moved = (1.0,) if isinstance(ours, Discrete) else (0.3, 2.0)
    for shapes in SHAPES.get(name, [()]):
        for method in methods(name):
            x = operand(name, method)
            for place in ((), moved):
                args = (*shapes, *place)
                with np.errstate(all="ignore"):
                    want = getattr(theirs, method)(x, *args)
                np.testing.assert_allclose(getattr(ours, method)(x, *args), want, rtol=1e-8,
                                           atol=1e-13, err_msg=f"{name}.{method}{args}")


@pytest.mark.parametrize("name", NAMES)
def test_compiled(name):
    """All methods in one function."""
    ours, shapes = getattr(stats, name), SHAPES.get(name, [()])[0]
    chosen = methods(name)

    def all_of(x, q):
        return [getattr(ours, method)(q if method in ("ppf", "isf") else x, *shapes)
                for method in chosen]
    x = operand(name, "cdf")
    for got, want, method in zip(ft.jit(all_of)(x, PARTS), all_of(x, PARTS), chosen):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12, err_msg=f"{name}.{method}")


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name):
    """Of the log-density in the value and in all parameters; of cdf and ppf in the value."""
    ours, shapes = getattr(stats, name), SHAPES.get(name, [()])[0]
    discrete = isinstance(ours, Discrete)
    places = (0.0,) if discrete else (0.1, 1.3)
    density = ours.logpmf if discrete else ours.logpdf
    x = np.array([2.0, 3.0]) if discrete else np.array([0.35, 0.71])
    if name == "pareto":
        x = x + 1.5
    if name == "bernoulli":
        x = np.array([0.0, 1.0])
    args = [x, *(np.full(2, value) for value in (*shapes, *places))]
    h = 1e-6
    for place in range(1 if discrete else 0, len(args) - discrete):
        if name in ("binom", "betabinom") and place == 1:
            continue                                        # a count
        def value(z, place=place):
            return density(*[z if k == place else y for k, y in enumerate(args)])
        z = args[place]
        slope = ft.vmap(ft.grad(lambda z, *rest, place=place: density(
            *rest[:place], z, *rest[place:])))(z, *[y for k, y in enumerate(args) if k != place])
        rise = (np.asarray(value(z + h)) - np.asarray(value(z - h))) / (2 * h)
        np.testing.assert_allclose(slope, rise, rtol=1e-5, atol=1e-7, err_msg=f"{name} {place}")
    if not discrete and "cdf" in methods(name):
        slope = ft.vmap(ft.grad(lambda z: ours.cdf(z, *shapes, *places)))(x)
        np.testing.assert_allclose(slope, ours.pdf(x, *shapes, *places), rtol=1e-9)


def test_parameters_that_are_not_allowed_give_nan():
    for value in (stats.norm.logpdf(0.0, 0.0, -1.0), stats.norm.cdf(0.0, 0.0, 0.0),
                  stats.gamma.logpdf(1.0, -1.0), stats.beta.cdf(0.5, 0.0, 1.0),
                  stats.bernoulli.logpmf(1, 1.5), stats.binom.pmf(1, 2.5, 0.5),
                  stats.poisson.cdf(1, -1.0), stats.norm.ppf(1.5), stats.t.pdf(0.0, np.nan)):
        assert np.isnan(value)


def test_far_tails():
    x = np.float64(40.0)
    assert float(stats.norm.logsf(x)) == pytest.approx(reference.norm.logsf(40.0), rel=1e-12)
    assert float(stats.logistic.logcdf(-x)) == pytest.approx(-40.0)
    assert float(stats.truncnorm.logpdf(np.float64(20.5), 20.0, 21.0)) == pytest.approx(
        reference.truncnorm.logpdf(20.5, 20.0, 21.0), rel=1e-9)
    assert float(stats.expon.logcdf(x)) == pytest.approx(-np.exp(-40.0), rel=1e-12)


def test_gradients_at_edges():
    """Outside of the support, and where a factor is 0, no NaN comes out."""
    assert float(ft.grad(stats.expon.logpdf)(-1.0)) == 0
    assert np.isfinite(ft.grad(lambda p: stats.bernoulli.logpmf(0, p))(0.0))
    assert float(ft.grad(lambda p: stats.poisson.logpmf(0, p))(2.0)) == -1
    assert np.isfinite(ft.grad(lambda x: stats.gamma.logpdf(x, 1.0))(0.0))
    with pytest.raises(NotDifferentiableError, match="no derivative in a"):
        ft.grad(ft.grad(lambda a: stats.beta.cdf(0.5, a, 1.0)))(2.0)


def test_distribution_functions_are_differentiable_in_their_parameters():
    h = 1e-5
    for name, at, parameters in (("gamma", 1.5, (2.5,)), ("chi2", 1.5, (3.0,)),
                                 ("poisson", 3.0, (2.5,)), ("beta", 0.3, (2.0, 1.5)),
                                 ("t", 0.8, (3.5,)), ("binom", 3.0, (7.0, 0.4))):
        for k, p in enumerate(parameters):
            if (name, k) == ("binom", 0):
                continue                            # how many trials: a whole number
            found = ft.grad(getattr(stats, name).cdf, k + 1)(np.float64(at), *parameters)
            first, last = (getattr(reference, name).cdf(
                at, *parameters[:k], p + d, *parameters[k + 1:]) for d in (-h, h))
            assert float(found) == pytest.approx((last - first) / (2 * h), rel=1e-6)


def test_maximum_likelihood():
    """A use: Newton's method on the log-likelihood finds the sample's moments."""
    data = np.array([1.0, 2.0, 4.0, 4.5])

    def loss(theta):
        return -stats.norm.logpdf(data, theta[0], fnp.exp(theta[1])).sum()
    theta = fnp.array([2.0, 0.5], dtype="float64")
    step = ft.jit(lambda theta: theta - fnp.linalg.solve(ft.hessian(loss)(theta),
                                                         ft.grad(loss)(theta)))
    for _ in range(8):
        theta = step(theta)
    np.testing.assert_allclose(theta, [data.mean(), np.log(data.std())], rtol=1e-6)


# ---- of vectors and categories ----

def test_multivariate_normal():
    rng = np.random.default_rng(0)
    a, mean, x = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(4, 3))
    cov = a @ a.T + np.eye(3)
    for args in ((mean, cov), (mean, np.array([1.0, 2.0, 3.0])), (mean, 2.0), (None, cov)):
        want = reference.multivariate_normal.logpdf(x, args[0], np.diag(args[1]) if
                                                    np.ndim(args[1]) == 1 else args[1])
        np.testing.assert_allclose(stats.multivariate_normal.logpdf(x, *args), want, rtol=1e-10)
    np.testing.assert_allclose(ft.jit(stats.multivariate_normal.pdf)(x, mean, cov),
                               reference.multivariate_normal.pdf(x, mean, cov), rtol=1e-10)
    slope = ft.grad(lambda cov: stats.multivariate_normal.logpdf(x[0], mean, cov))(cov)
    inverse = np.linalg.inv(cov)
    gap = inverse @ (x[0] - mean)
    np.testing.assert_allclose(slope, 0.5 * (np.outer(gap, gap) - inverse), rtol=1e-8, atol=1e-10)
    with pytest.raises(ShapeError, match="needs cov of shape"):
        stats.multivariate_normal.logpdf(x, mean, np.eye(2))
    with pytest.raises(NotImplementedError):
        stats.multivariate_normal.logpdf(x, mean, cov, allow_singular=True)


def test_dirichlet_and_multinomial():
    alpha, x = np.array([1.0, 2.0, 3.5]), np.array([[0.2, 0.1], [0.3, 0.4], [0.5, 0.5]])
    want = reference.dirichlet.logpdf(x, alpha)
    np.testing.assert_allclose(stats.dirichlet.logpdf(x, alpha), want, rtol=1e-12)
    np.testing.assert_allclose(stats.dirichlet.logpdf(x[:2], alpha), want, rtol=1e-12)
    assert float(stats.dirichlet.pdf(np.array([0.5, 0.6, 0.5]), alpha)) == 0
    counts, p = np.array([[1, 2, 0], [3, 0, 0]]), np.array([0.2, 0.3, 0.5])
    np.testing.assert_allclose(stats.multinomial.logpmf(counts, 3, p.astype("float64")),
                               reference.multinomial.logpmf(counts, 3, p), rtol=1e-10)
    assert float(stats.multinomial.pmf(np.array([1, 1, 0]), 3, p)) == 0
    with pytest.raises(ShapeError):
        stats.dirichlet.logpdf(np.ones(5), alpha)


def test_categorical():
    p = np.array([[0.2, 0.3, 0.5], [0.5, 0.5, 0.0]])
    k = np.array([1, 2])
    np.testing.assert_allclose(stats.categorical.pmf(k, p), [0.3, 0.0])
    np.testing.assert_allclose(stats.categorical.cdf(k, p), [0.5, 1.0])
    np.testing.assert_allclose(stats.categorical.logpmf(k, logits=np.log(p + 1e-9)),
                               np.log((p + 1e-9) / (p + 1e-9).sum(-1, keepdims=True))[[0, 1], k])
    assert float(stats.categorical.logpmf(3, p[0])) == -np.inf
    slope = ft.grad(lambda z: stats.categorical.logpmf(1, logits=z))(np.log(p[0]))
    np.testing.assert_allclose(slope, np.eye(3)[1] - p[0], atol=1e-12)
    with pytest.raises(TypeError, match="one of them"):
        stats.categorical.pmf(0)


@pytest.mark.parametrize("call, error, message", [
    (lambda: stats.norm.pdf(0, 0, 1, 2), TypeError, "at most 3 arguments"),
    (lambda: stats.norm.pdf(0, df=2), TypeError, "no parameter df"),
    (lambda: stats.norm.pdf(0, 0, loc=2), TypeError, "two values for loc"),
    (lambda: stats.t.pdf(0), TypeError, "no value for df"),
    (lambda: stats.t.ppf(0.5, 2.0), NotImplementedError, "t.ppf is not available"),
    (lambda: stats.vonmises.cdf(0.5, 2.0), NotImplementedError, "there are logpdf, pdf"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
