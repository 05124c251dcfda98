"""Poisson, binomial and multinomial numbers: their probabilities, JAX's numbers, edges."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import random

stats = pytest.importorskip("scipy.stats")
KEY = random.key(23)


def fits(counts, distribution, parts: int = 12) -> bool:
    """Whether counts fall into intervals of about equal probability as often as they should."""
    counts = np.asarray(counts).ravel()
    ends = np.unique(distribution.ppf(np.arange(1, parts) / parts))
    probabilities = np.diff([0.0, *distribution.cdf(ends), 1.0])
    found = np.bincount(np.searchsorted(ends, counts), minlength=len(ends) + 1)
    kept = probabilities * counts.size > 5
    if not kept.all():
        assert found[~kept].sum() <= 25
        probabilities = probabilities[kept] / probabilities[kept].sum()
    found = found[kept]
    return stats.chisquare(found, probabilities * found.sum()).pvalue > 1e-3


@pytest.mark.parametrize("rate", [0.3, 4.0, 9.99, 10.0, 35.0, 3000.0, 1e9])
def test_poisson_probabilities(rate):
    counts = ft.jit(lambda key: random.poisson(key, rate, (8000,)))(KEY)
    assert counts.dtype == "int64" and fits(counts, stats.poisson(rate))


@pytest.mark.parametrize("n, p", [(5, 0.5), (30, 0.1), (30, 0.93), (100, 0.4), (1000, 0.7),
                                  (10**6, 1e-6), (10**8, 0.3), (21, 0.5)])
def test_binomial_probabilities(n, p):
    counts = ft.jit(lambda key: random.binomial(key, n, p, (8000,), "float64"))(KEY)
    assert fits(counts, stats.binom(n, p))


def test_large_rates_are_drawn_as_well():
    """Where float32 would be too coarse by far: normal numbers, nearly."""
    rate = 1e13
    counts = np.asarray(random.poisson(KEY, np.float64(rate), (6000,)))
    assert stats.kstest((counts - rate) / np.sqrt(rate), stats.norm.cdf).pvalue > 1e-3
    successes = np.asarray(random.binomial(KEY, rate, np.float64(0.25), (6000,), "float64"))
    normal = (successes - 0.25 * rate) / np.sqrt(rate * 0.25 * 0.75)
    assert stats.kstest(normal, stats.norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize("n", [6, 5000])
def test_multinomial_probabilities(n):
    p = np.array([0.1, 0.0, 0.25, 0.65, 0.0])
    counts = ft.jit(lambda key: random.multinomial(key, n, p, shape=(4000, 5)))(KEY)
    counts = np.asarray(counts)
    assert (counts.sum(1) == n).all() and (counts[:, [1, 4]] == 0).all()
    for k in (0, 2, 3):
        assert fits(counts[:, k], stats.binom(n, p[k]))


def test_small_means_are_those_of_jax():
    jax = pytest.importorskip("jax")
    theirs = jax.random.PRNGKey(23)
    with jax.enable_x64(False):
        rates = np.array([0.3, 8.0, 0.0, 2.0], np.float32)
        np.testing.assert_array_equal(random.poisson(KEY, rates), jax.random.poisson(theirs, rates))
        p = np.array([[0.2, 0.3, 0.5]] * 4, np.float32)     # by binomial numbers
        np.testing.assert_array_equal(random.multinomial(KEY, 9, p),
                                      jax.random.multinomial(theirs, 9, p))


def test_single_large_means_are_those_of_jax():
    """In a batch JAX's go on until the last element is done."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(False):
        for seed in range(3):
            mine, theirs = random.key(seed), jax.random.PRNGKey(seed)
            assert int(random.poisson(mine, 50.0)) == int(jax.random.poisson(theirs, 50.0))


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_jit_and_vmap_give_the_same_numbers(device):
    keys, rates = random.split(KEY, 3), np.array([0.5, 7.0, 60.0])
    for draw in (partial(random.poisson, shape=(3,)),
                 lambda key, n: random.binomial(key, n, 0.45, (3,))):
        one_by_one = np.stack([np.asarray(draw(key, rate)) for key, rate in zip(keys, rates)])
        for run in (ft.vmap(draw), ft.jit(ft.vmap(draw), device=device)):
            np.testing.assert_array_equal(run(keys, rates), one_by_one)


def test_each_element_depends_on_its_place_and_parameter_alone():
    rates = np.geomspace(0.1, 1e5, 24)
    whole = np.asarray(random.poisson(KEY, rates))
    np.testing.assert_array_equal(random.poisson(KEY, rates[:5]), whole[:5])
    np.testing.assert_array_equal(random.poisson(KEY, rates.reshape(4, 6)), whole.reshape(4, 6))


@pytest.mark.parametrize("run", [lambda f: f, ft.jit])
def test_edges(run):
    rates = np.array([0.0, -1.0, np.nan, np.inf, 1e300])
    most = 2**31 - 1
    np.testing.assert_array_equal(run(lambda key, r: random.poisson(key, r, dtype="int32"))(
        KEY, rates), [0, -1, -1, most, most])
    assert int(random.poisson(KEY, np.inf)) == 2**63 - 1
    n = np.array([0, -1, np.nan, np.inf, 4, 4, 4, 4, 4, 4.9])
    p = np.array([0.5, 0.5, 0.5, 0.5, np.nan, -0.1, 1.1, 0.0, 1.0, 1.0])
    nan, inf = np.nan, np.inf
    np.testing.assert_array_equal(run(random.binomial)(KEY, n, p),
                                  [0, nan, nan, inf, nan, nan, nan, 0, 4, 4])
    assert random.poisson(KEY, np.ones((0, 2))).shape == (0, 2)
    assert random.binomial(KEY, 3, 0.5, (0,)).shape == (0,)
    assert random.multinomial(KEY, 0, np.array([0.5, 0.5])).tolist() == [0, 0]


def test_dtypes():
    for dtype in ("int8", "int32", "uint8", "int64"):
        assert random.poisson(KEY, 4.0, (3,), dtype).dtype == dtype
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        x = random.binomial(KEY, 10, fnp.array(0.5, dtype), (3,), dtype)
        assert x.dtype == dtype and 0 <= float(x.min()) and float(x.max()) <= 10


def test_counts_have_no_slope():
    slope = ft.grad(lambda p: random.binomial(KEY, 20, p, (4,)).sum())(0.3)
    assert float(slope) == 0


@pytest.mark.parametrize("call, error, text", (
    (lambda: random.poisson(KEY, np.ones(3), (2,)), ValueError, "lam of shape"),
    (lambda: random.poisson(KEY, 1.0, (2,), "float32"), TypeError, "integer dtype"),
    (lambda: random.binomial(KEY, 3, 0.5, (2,), "int32"), ValueError, "float dtype"),
    (lambda: random.binomial(KEY, np.ones(2), np.ones(3)), ValueError, "broadcast"),
    (lambda: random.multinomial(KEY, 3, 0.5), ValueError, "outcomes"),
    (lambda: random.multinomial(KEY, np.ones(4), np.ones((3, 2))), ValueError, "broadcast"),
))
def test_misuse_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
