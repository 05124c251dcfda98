"""Distributions made of simpler ones: JAX's numbers, the distribution functions, derivatives."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import random
from functrans.testing import check_grads

COV = np.array([[2.0, 1.0], [1.0, 3.0]])
# Parameters, and the name and parameters of SciPy's distribution.
SAMPLES = {
    "lognormal": ((1.5,), "lognorm", (1.5,)), "pareto": ((2.5,), "pareto", (2.5,)),
    "rayleigh": ((2.0,), "rayleigh", (0, 2.0)), "maxwell": ((), "maxwell", ()),
    "weibull_min": ((2.0, 3.0), "weibull_min", (3.0, 0, 2.0)),
    "triangular": ((0.0, 1.0, 3.0), "triang", (1 / 3, 0, 3.0)),
    "wald": ((2.0,), "invgauss", (2.0,))}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SAMPLES)
def test_numbers_are_those_of_jax(name, dtype):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        found = getattr(random, name)(random.key(5), *SAMPLES[name][0], (3, 4), dtype)
        wanted = getattr(jax.random, name)(jax.random.PRNGKey(5), *SAMPLES[name][0], (3, 4), dtype)
        assert found.dtype == wanted.dtype == dtype
        np.testing.assert_allclose(found, wanted, rtol=2e-5 if dtype == "float32" else 1e-10)


def test_other_numbers_are_those_of_jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False):                 # its default, which other tests may change
        mine, theirs = random.key(7), jax.random.PRNGKey(7)
        np.testing.assert_allclose(random.double_sided_maxwell(mine, 1.0, 2.0, (9,)),
                                   jax.random.double_sided_maxwell(theirs, 1.0, 2.0, (9,)),
                                   rtol=1e-5)
        np.testing.assert_array_equal(random.geometric(mine, 0.2, (9,)),
                                      jax.random.geometric(theirs, 0.2, (9,)))
        for method in ("cholesky", "eigh", "svd"):
            found, wanted = (module.multivariate_normal(
                key, np.ones(2, np.float32), COV.astype(np.float32), (4,), method=method)
                for module, key in ((random, mine), (jax.random, theirs)))
            if method == "cholesky":            # the vectors of the others have a free sign
                np.testing.assert_allclose(found, wanted, rtol=1e-5)
            assert found.shape == wanted.shape == (4, 2)


@pytest.mark.parametrize("name", SAMPLES)
def test_distribution_functions(name):
    stats = pytest.importorskip("scipy.stats")
    parameters, theirs, arguments = SAMPLES[name]
    x = getattr(random, name)(random.key(11), *parameters, (4000,), "float64")
    assert stats.kstest(np.asarray(x), getattr(stats, theirs)(*arguments).cdf).pvalue > 1e-3


def test_moments():
    x = np.asarray(random.geometric(random.key(1), 0.25, (8000,)))
    assert x.dtype == np.int64 and x.min() == 1 and abs(x.mean() - 4) < 0.2
    y = np.asarray(random.double_sided_maxwell(random.key(2), 1.0, 2.0, (8000,)))
    assert abs(y.mean() - 1) < 0.2 and abs(y.var() - 12) < 0.8
    for method in ("cholesky", "eigh", "svd"):
        z = np.asarray(random.multivariate_normal(random.key(3), np.array([1.0, -1.0]), COV,
                                                  (8000,), "float64", method))
        np.testing.assert_allclose(z.mean(0), [1, -1], atol=0.1)
        np.testing.assert_allclose(np.cov(z.T), COV, atol=0.25)


def test_parameters_have_derivatives_and_broadcast():
    key, scale = random.key(0), np.array([[0.5], [1.5]])
    for name in ("lognormal", "pareto", "rayleigh"):
        assert getattr(random, name)(key, scale).shape == (2, 1)
        assert getattr(random, name)(key, scale, (2, 3)).shape == (2, 3)
        check_grads(partial(getattr(random, name), key, shape=(2, 3), dtype="float64"), (scale,),
                    order=1)
    check_grads(lambda m, c: random.multivariate_normal(key, m, c, dtype="float64"),
                (np.ones(2), COV), order=1)
    keys = random.split(key, 3)
    lanes = ft.jit(ft.vmap(lambda k: random.wald(k, 1.0, (2,))))(keys)
    np.testing.assert_allclose(lanes, np.stack([random.wald(k, 1.0, (2,)) for k in keys]),
                               rtol=1e-6)


@pytest.mark.parametrize("call, message", [
    (lambda key: random.pareto(key, fnp.ones(3), (2,)), "does not broadcast"),
    (lambda key: random.rayleigh(key, 1.0, (2,), "int32"), "float dtype"),
    (lambda key: random.geometric(key, 0.5, (2,), "float32"), "integer dtype"),
    (lambda key: random.multivariate_normal(key, fnp.ones(3), COV), "covariance"),
    (lambda key: random.multivariate_normal(key, fnp.ones((3, 2)), COV, (2,)), "broadcast"),
    (lambda key: random.multivariate_normal(key, fnp.ones(2), COV, method="qr"), "method"),
])
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(random.key(0))
