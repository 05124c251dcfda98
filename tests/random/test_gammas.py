"""Gamma numbers and their kin: JAX's numbers, the distribution functions, derivatives, edges."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, random

stats = pytest.importorskip("scipy.stats")
KEY = random.key(17)

# Parameters, and SciPy's distribution.
SAMPLES = {
    "gamma": ((2.5,), stats.gamma(2.5)), "beta": ((0.5, 2.0), stats.beta(0.5, 2.0)),
    "chisquare": ((3.0,), stats.chi2(3.0)), "t": ((4.0,), stats.t(4.0)),
    "f": ((3.0, 7.0), stats.f(3.0, 7.0)),
    "generalized_normal": ((1.5,), stats.gennorm(1.5)),
    "loggamma": ((0.7,), stats.loggamma(0.7))}
NUMBERS = {
    "gamma": [4.533739, 5.585205], "beta": [0.04900135, 0.1671497],
    "chisquare": [6.135948, 7.966399], "t": [0.2916858, 0.719709], "f": [1.012827, 2.229796],
    "generalized_normal": [0.363233, -0.8199701], "loggamma": [-0.7175807, 1.31005],
    "dirichlet": [0.03379125, 0.792555], "ball": [-0.01908353, -0.18406668]}


@pytest.mark.parametrize("name, dtype", [("gamma", "float32"), ("loggamma", "float64")])
def test_numbers_are_those_of_jax(name, dtype):
    """JAX takes long to compile each: the others are made of these, in the same way."""
    jax = pytest.importorskip("jax")
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    with jax.enable_x64(dtype == "float64"):
        parameters = [np.asarray(p, dtype) for p in SAMPLES[name][0]]
        found = getattr(random, name)(KEY, *parameters, shape=(3, 4), dtype=dtype)
        wanted = getattr(jax.random, name)(jax.random.PRNGKey(17), *parameters, shape=(3, 4),
                                           dtype=dtype)
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance / 10)


def test_numbers_do_not_change():
    """The same in every version, on every machine; they are JAX's."""
    numbers = {name: np.asarray(getattr(random, name)(KEY, *SAMPLES[name][0], shape=(2,)))
               for name in SAMPLES}
    numbers["dirichlet"] = random.dirichlet(KEY, np.array([0.5, 2.0, 1.0]))[:2]
    numbers["ball"] = random.ball(KEY, 2, 1.5)
    for name, wanted in NUMBERS.items():
        np.testing.assert_allclose(numbers[name], wanted, rtol=2e-5)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_follow_the_distribution(name):
    parameters, distribution = SAMPLES[name]
    x = getattr(random, name)(KEY, *parameters, shape=(6000,), dtype="float64")
    assert stats.kstest(np.asarray(x), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("a", [0.05, 1.0, 60.0, 1e6])
def test_gammas_of_all_sizes_follow_the_distribution(a):
    x = np.asarray(ft.jit(lambda key: random.gamma(key, a, (6000,), "float64"))(KEY))
    assert stats.kstest(x, stats.gamma(a).cdf).pvalue > 1e-3


def test_logarithms_of_numbers_that_underflow():
    """For tiny a, -a log(x) is exponential."""
    x = np.asarray(random.loggamma(KEY, 1e-5, (6000,), "float64"))
    assert stats.kstest(-1e-5 * x, stats.expon().cdf).pvalue > 1e-3
    assert (np.asarray(random.gamma(KEY, 1e-5, (6000,), "float64")) == 0).mean() > 0.9


def test_vectors_lie_where_they_must():
    x = np.asarray(random.dirichlet(KEY, np.array([0.5, 1.5, 2.0]), (6000,), "float64"))
    np.testing.assert_allclose(x.sum(1), 1)
    for k, a in enumerate((0.5, 1.5, 2.0)):
        assert stats.kstest(x[:, k], stats.beta(a, 4.0 - a).cdf).pvalue > 1e-3
    radius = np.linalg.norm(random.ball(KEY, 3, shape=(6000,), dtype="float64"), axis=1)
    assert stats.kstest(radius, lambda r: np.clip(r, 0, 1) ** 3).pvalue > 1e-3
    sharp = np.asarray(random.dirichlet(KEY, np.full(3, 1e-4), (50,), "float64"))
    assert np.isfinite(sharp).all() and (sharp.max(1) > 0.999).any()


# ---- derivatives ----

@pytest.mark.parametrize("a", [0.02, 0.6, 3.0, 25.0, 4000.0])
def test_derivatives_are_those_of_the_quantile(a):
    """The number keeps its place: its derivative is that of the distribution's inverse."""
    x, slope = ft.jvp(lambda a: random.gamma(KEY, a, (40,), "float64"), (a,), (1.0,))
    x, h = np.asarray(x), 1e-6 * a
    kept = x > 1e-200
    place = stats.gamma.cdf(x[kept], a)
    upper = stats.gamma.sf(x[kept], a)
    wanted = np.where(place < 0.5, stats.gamma.ppf(place, a + h) - stats.gamma.ppf(place, a - h),
                      stats.gamma.isf(upper, a + h) - stats.gamma.isf(upper, a - h)) / (2 * h)
    np.testing.assert_allclose(np.asarray(slope)[kept], wanted, rtol=2e-5)
    logarithm, steep = ft.jvp(lambda a: random.loggamma(KEY, a, (40,), "float64"), (a,), (1.0,))
    np.testing.assert_allclose(np.asarray(steep)[kept] * x[kept], np.asarray(slope)[kept],
                               rtol=1e-9)


def test_derivatives_at_ends():
    for x in (0.0, np.inf):
        assert float(lax.igamma_grad_a(2.0, x)) == 0
        assert float(ft.grad(lambda a, x=x: lax.igammac(a, x))(2.0)) == 0
    assert float(lax.random_gamma_grad(2.0, 0.0)) == 0


@pytest.mark.parametrize("name", ["beta", "chisquare", "t", "f", "generalized_normal"])
def test_kin_is_differentiable(name):
    """In the mean, which is known: the derivative of the mean is the mean of the derivatives."""
    parameters = [np.float64(p) for p in SAMPLES[name][0]]
    parameters = {"t": [np.float64(9.0)], "f": [np.float64(6.0), np.float64(30.0)]}.get(
        name, parameters)

    def mean(*parameters):
        x = getattr(random, name)(KEY, *parameters, shape=(20_000,), dtype="float64")
        return fnp.abs(x).mean() if name in ("t", "generalized_normal") else x.mean()

    for k, p in enumerate(parameters):
        found = ft.grad(mean, k)(*parameters)
        h = 1e-4
        exact = [_exact_mean(name, [*parameters[:k], p + d, *parameters[k + 1:]]) for d in (h, -h)]
        assert float(found) == pytest.approx((exact[0] - exact[1]) / (2 * h), rel=0.1, abs=4e-3)


def _exact_mean(name: str, parameters):
    kind = {"beta": stats.beta, "chisquare": stats.chi2, "t": stats.t, "f": stats.f,
            "generalized_normal": stats.gennorm}[name](*parameters)
    if name in ("t", "generalized_normal"):
        x = np.linspace(1e-6, 1 - 1e-6, 40_001) / 2 + 0.5
        return np.trapezoid(kind.ppf(x), x) * 2
    return kind.mean()


# ---- transformations, dtypes, edges ----

def test_each_element_depends_on_its_place_and_parameter_alone():
    a = np.linspace(0.1, 5.0, 24)
    whole = np.asarray(random.gamma(KEY, a, dtype="float64"))
    np.testing.assert_allclose(random.gamma(KEY, a[:6], dtype="float64"), whole[:6], rtol=1e-14)
    np.testing.assert_allclose(random.gamma(KEY, a.reshape(4, 6), dtype="float64"),
                               whole.reshape(4, 6), rtol=1e-14)


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_jit_and_vmap_give_the_same_numbers(device):
    keys, a = random.split(KEY, 3), np.array([0.4, 2.0, 90.0])
    draw = partial(random.gamma, shape=(2,), dtype="float64")
    one_by_one = np.stack([np.asarray(draw(key, p)) for key, p in zip(keys, a)])
    for run in (ft.vmap(draw), ft.jit(ft.vmap(draw), device=device)):
        np.testing.assert_allclose(np.asarray(run(keys, a)), one_by_one, rtol=1e-12)
    np.testing.assert_allclose(ft.vmap(draw, (None, 0))(KEY, a)[1], draw(KEY, a[1]), rtol=1e-12)
    slopes = ft.jit(ft.vmap(ft.grad(lambda a, key: draw(key, a).sum())), device=device)(a, keys)
    wanted = [float(ft.grad(lambda a, key=key: draw(key, a).sum())(p)) for key, p in zip(keys, a)]
    np.testing.assert_allclose(slopes, wanted, rtol=1e-10)


def test_compiled_code_has_one_loop_for_each_element():
    """Elements that are done do not wait for the others."""
    text = ft.jit(lambda key, a: random.gamma(key, a)).lower(KEY, np.full(1000, 0.7)).source()
    kernel, = [part for part in text.split("\ndef ") if "while True" in part]
    assert kernel.count("while True") == 1
    assert kernel.index("for ") < kernel.index("while True")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtypes(dtype):
    for name, (parameters, _) in SAMPLES.items():
        x = getattr(random, name)(KEY, *parameters, shape=(300,), dtype=dtype)
        assert x.dtype == dtype and x.shape == (300,)
        wide = getattr(random, name)(KEY, *parameters, shape=(300,), dtype="float32")
        if dtype in ("float16", "bfloat16") and name in ("gamma", "loggamma"):
            np.testing.assert_allclose(np.asarray(x.astype("float32")), wide, rtol=1e-2, atol=1e-2)
    slope = ft.grad(lambda a: random.gamma(KEY, a, (), dtype).astype("float32"))(
        fnp.array(2.0, dtype))
    assert slope.dtype == dtype and float(slope) > 0


def test_edges():
    a = np.array([0.0, np.inf, np.nan, -1.0])
    np.testing.assert_array_equal(random.gamma(KEY, a), [0, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(random.loggamma(KEY, a), [-np.inf, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(ft.jit(random.gamma)(KEY, a), [0, np.inf, np.nan, np.nan])
    assert random.gamma(KEY, np.ones((0, 3))).shape == (0, 3)
    assert ft.jit(lambda key: random.gamma(key, 2.0, (0,)))(KEY).shape == (0,)
    assert random.dirichlet(KEY, np.ones((2, 3)), (4, 2)).shape == (4, 2, 3)
    assert float(ft.grad(lambda a: random.gamma(KEY, a))(np.float32(1e-6))) == 0


def test_candidates_that_are_rejected_raise_no_alarm():
    with ft.config.override(debug_nans=True):
        for run in (lambda f: f, ft.jit):
            run(lambda key: random.gamma(key, 0.4, (500,)))(KEY)
            run(lambda key: random.poisson(key, 30.0, (500,)))(KEY)
            run(lambda key: random.binomial(key, 90, 0.4, (500,)))(KEY)
        with pytest.raises(FloatingPointError):
            random.gamma(KEY, -1.0)


def test_keys_are_used_up():
    with ft.config.override(debug_key_reuse=True):
        key = random.key(5)
        random.gamma(key, 1.0)
        random.poisson(random.clone(key), 3.0)
        with pytest.raises(ft.errors.KeyReuseError):
            random.poisson(key, 3.0)


@pytest.mark.parametrize("call, error, text", (
    (lambda: random.gamma(KEY, np.ones(3), (2,)), ValueError, "a of shape .* does not broadcast"),
    (lambda: random.gamma(KEY, 1.0, (2,), "int32"), ValueError, "float dtype"),
    (lambda: random.beta(KEY, np.ones(2), np.ones(3)), ValueError, "broadcast"),
    (lambda: random.dirichlet(KEY, 1.0), TypeError, "one axis"),
    (lambda: random.dirichlet(KEY, np.ones((2, 3)), (3,)), ValueError, "batch"),
    (lambda: random.ball(KEY, 2.5), TypeError, "dimensions"),
    (lambda: random.gamma(random.split(KEY), 1.0), ValueError, "one key"),
    (lambda: ft.grad(ft.grad(lambda a: random.gamma(KEY, a)))(1.0),
     ft.errors.NotDifferentiableError, "no derivative in a"),
))
def test_misuse_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
