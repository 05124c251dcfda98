"""Distributions: the numbers of JAX where it is installed, moments and ranges everywhere."""
from __future__ import annotations

import math

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import random

stats = pytest.importorskip("scipy.stats")

FLOATS = {"float16": 4e-3, "float32": 3e-6, "float64": 1e-12}
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
TABLE = np.arange(24.0).reshape(4, 6)


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield jax


def both(jax, seed: int):
    return random.key(seed), jax.random.PRNGKey(seed)


def assert_same(mine, theirs, tolerance=0.0):
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


# ---- as in JAX ----

@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_those_of_jax(jax, dtype):
    mine, theirs = both(jax, 5)
    for shape in ((), (3, 4)):
        assert_same(random.uniform(mine, shape, dtype), jax.random.uniform(theirs, shape, dtype))
        assert_same(random.uniform(mine, shape, dtype, -2.0, 3.0),
                    jax.random.uniform(theirs, shape, dtype, -2.0, 3.0), FLOATS[dtype])
    for name in ("normal", "exponential", "gumbel", "laplace", "logistic", "cauchy"):
        assert_same(getattr(random, name)(mine, (3, 4), dtype),
                    getattr(jax.random, name)(theirs, (3, 4), dtype), FLOATS[dtype])
    assert_same(random.truncated_normal(mine, -1.0, 2.1, (3, 4), dtype),
                jax.random.truncated_normal(theirs, -1.0, 2.1, (3, 4), dtype), FLOATS[dtype])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_those_of_jax(jax, dtype):
    mine, theirs = both(jax, 3)
    info = np.iinfo(dtype)
    most = int(info.max) if dtype != "uint64" else 2**63 - 1
    bounds = [(0, 10), (0, 100), (3, 3), (5, 2), (int(info.min), most)]
    bounds += [(-5, 7)] if info.min < 0 else []
    for low, high in bounds:
        assert_same(random.randint(mine, (3, 4), low, high, dtype),
                    jax.random.randint(theirs, (3, 4), low, high, dtype))


def test_choices_are_those_of_jax(jax):
    mine, theirs = both(jax, 8)
    for size in (1, 10, 2000):
        assert_same(random.permutation(mine, size), jax.random.permutation(theirs, size))
    for options in ({"axis": 1}, {"axis": 1, "independent": True}):
        assert_same(random.permutation(mine, TABLE, **options),
                    jax.random.permutation(theirs, TABLE, **options))
    for replace in (True, False):
        for p in (None, WEIGHTS):
            assert_same(random.choice(mine, TABLE, (3,), replace, p),
                        jax.random.choice(theirs, TABLE, (3,), replace, p))
    assert_same(random.choice(mine, TABLE, (2,), axis=1),
                jax.random.choice(theirs, TABLE, (2,), axis=1))


def test_categories_and_coins_are_those_of_jax(jax):
    mine, theirs = both(jax, 4)
    logits = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]], np.float32))
    for options in ({}, {"shape": (5, 2)}, {"axis": 0}):
        assert_same(random.categorical(mine, logits, **options),
                    jax.random.categorical(theirs, logits, **options))
    for options in ({"shape": (2, 2)}, {"shape": (2, 3), "axis": 0, "mode": "high"}):
        assert_same(random.categorical(mine, logits, replace=False, **options),
                    np.asarray(jax.random.categorical(theirs, logits, replace=False, **options),
                               "int64"))
    p = np.float32(0.3)
    assert_same(random.bernoulli(mine, p, (3, 4)), jax.random.bernoulli(theirs, p, (3, 4)))


def test_finer_modes_are_those_of_jax(jax):
    mine, theirs = both(jax, 4)
    for mode, dtype in (("high", "float32"), ("highest", "float32"), ("highest", "float64")):
        assert_same(random.gumbel(mine, (50,), dtype, mode),
                    jax.random.gumbel(theirs, (50,), dtype, mode), FLOATS[dtype])
    p = np.float32(0.3)
    assert_same(random.bernoulli(mine, p, (40,), "high"),
                jax.random.bernoulli(theirs, p, (40,), "high"))
    assert_same(random.choice(mine, 4, (3,), False, WEIGHTS, mode="high"),
                jax.random.choice(theirs, 4, (3,), False, WEIGHTS, mode="high"))


def test_finer_modes_follow_the_distribution():
    for mode in ("high", "highest"):
        samples = np.asarray(random.gumbel(random.key(11), (20_000,), "float32", mode))
        assert stats.kstest(samples, DISTRIBUTIONS["gumbel"].cdf).pvalue > 1e-3
    rare = random.bernoulli(random.key(1), fnp.array(2.0 ** -26), (2**20,), "high")
    assert int(rare.sum()) < 3
    drawn = np.asarray(random.categorical(random.key(0), fnp.log(fnp.array(WEIGHTS)),
                                          shape=(4,), replace=False))
    assert sorted(drawn.tolist()) == [0, 1, 2, 3]


def test_complex_normals_are_those_of_jax(jax):
    mine, theirs = both(jax, 4)
    assert_same(random.normal(mine, (3,), "complex64"),
                jax.random.normal(theirs, (3,), "complex64"), 3e-6)


# ---- as in the books ----

DISTRIBUTIONS = {
    "uniform": stats.uniform(), "normal": stats.norm(), "exponential": stats.expon(),
    "gumbel": stats.gumbel_r(), "laplace": stats.laplace(), "logistic": stats.logistic(),
    "cauchy": stats.cauchy(),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_samples_follow_the_distribution(name):
    samples = np.asarray(getattr(random, name)(random.key(11), (20_000,), "float64"))
    assert stats.kstest(samples, DISTRIBUTIONS[name].cdf).pvalue > 1e-3


def test_truncated_normals_follow_the_distribution_and_its_bounds():
    samples = np.asarray(random.truncated_normal(random.key(2), -1.0, 0.5, (20_000,), "float64"))
    assert -1 < samples.min() and samples.max() < 0.5
    assert stats.kstest(samples, stats.truncnorm(-1, 0.5).cdf).pvalue > 1e-3


def test_integers_are_uniform():
    counts = np.bincount(np.asarray(random.randint(random.key(1), (60_000,), 0, 6)))
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("draw", (
    lambda key: random.categorical(key, fnp.log(fnp.array(WEIGHTS)), shape=(40_000,)),
    lambda key: random.choice(key, 4, (40_000,), p=fnp.array(WEIGHTS)),
))
def test_categories_have_their_weights(draw):
    counts = np.bincount(np.asarray(draw(random.key(0))), minlength=4)
    assert stats.chisquare(counts, 40_000 * np.array([0.1, 0.2, 0.3, 0.4])).pvalue > 1e-3


def test_permutations_are_equally_likely():
    keys = random.split(random.key(6), 6000)
    orders = np.asarray(ft.jit(ft.vmap(lambda key: random.permutation(key, 3)))(keys))
    counts = np.unique(orders @ [9, 3, 1], return_counts=True)[1]
    assert len(counts) == 6 and stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("replace", (True, False))
def test_choice_without_replacement_repeats_nothing(replace):
    drawn = np.asarray(random.choice(random.key(3), 50, (50,), replace=replace))
    assert (len(set(drawn.tolist())) == 50) is not replace


# ---- with transformations ----

def test_samples_are_differentiable_in_their_parameters():
    key = random.key(9)

    def mean(low, high):
        return random.uniform(key, (100,), "float64", low, high).mean()

    unit = float(random.uniform(key, (100,), "float64").mean())
    low, high = ft.grad(mean, (0, 1))(np.float64(0.0), np.float64(2.0))
    assert float(low) == pytest.approx(1 - unit) and float(high) == pytest.approx(unit)


def test_truncated_normal_is_differentiable_in_its_bounds():
    def sample(bound):          # a Python float, which must not lose digits on the way
        return random.truncated_normal(random.key(0), -1.0, bound, (), "float64")

    step = 1e-6
    slope = (sample(1.0 + step) - sample(1.0 - step)) / (2 * step)
    assert float(ft.grad(sample)(np.float64(1.0))) == pytest.approx(float(slope), rel=1e-4)


@pytest.mark.parametrize("draw", (
    lambda key: random.normal(key, (3,)), lambda key: random.randint(key, (3,), 0, 9),
    lambda key: random.permutation(key, 5), lambda key: random.bernoulli(key, 0.4, (6,)),
    lambda key: random.choice(key, 7, (2,), replace=False),
    lambda key: random.categorical(key, fnp.zeros(4), shape=(6,)),
), ids="normal randint permutation bernoulli choice categorical".split())
def test_jit_and_vmap_give_the_same_samples(draw):
    keys = random.split(random.key(12), 3)
    one_by_one = np.stack([np.asarray(draw(key)) for key in keys])
    for run in (ft.vmap(draw), ft.jit(ft.vmap(draw))):
        np.testing.assert_allclose(np.asarray(run(keys)), one_by_one, rtol=1e-6)


# ---- misuse ----

KEY = random.key(0)


@pytest.mark.parametrize("call, error, text", (
    (lambda: random.normal(KEY, (2,), "int32"), ValueError, "float dtype"),
    (lambda: random.uniform(KEY, (2,), minval=fnp.zeros(3)), ValueError, "minval"),
    (lambda: random.randint(KEY, (2,), 0.5, 2), TypeError, "integers"),
    (lambda: random.randint(KEY, (2,), 0, 2, "float32"), TypeError, "integer dtype"),
    (lambda: random.bernoulli(KEY, 1), TypeError, "float"),
    (lambda: random.choice(KEY, 3, (4,), replace=False), ValueError, "cannot draw 4 of 3"),
    (lambda: random.choice(KEY, 0, (1,)), ValueError, "nothing to choose"),
    (lambda: random.choice(KEY, 3, (1,), p=fnp.ones(2)), ValueError, "shape \\(3,\\)"),
    (lambda: random.permutation(KEY, 2.5), TypeError, "int"),
    (lambda: random.categorical(KEY, fnp.zeros((2, 3)), shape=(4,)), ValueError, "shape"),
    (lambda: random.categorical(KEY, fnp.zeros(3), shape=(4,), replace=False), ValueError,
     "cannot draw 4 of 3"),
    (lambda: random.gumbel(KEY, (2,), mode="fast"), ValueError, "'high'"),
    (lambda: random.bernoulli(KEY, 0.5, (2,), "highest"), ValueError, "'low' or 'high'"),
))
def test_misuse_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_orthogonal_matrices_are_orthogonal():
    for rows, columns in ((4, 4), (5, 3), (2, 6)):
        q = np.asarray(random.orthogonal(random.key(1), rows, (2,), "float64", m=columns))
        gram = q @ q.swapaxes(1, 2) if rows <= columns else q.swapaxes(1, 2) @ q
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(min(rows, columns)), gram.shape),
                                   atol=1e-12)
    assert math.isclose(abs(np.linalg.det(np.asarray(random.orthogonal(KEY, 3)))), 1, rel_tol=1e-5)
