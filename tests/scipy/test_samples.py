"""Modes, ranks, errors of means, and estimated densities, against SciPy."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ShapeError
from functrans.testing import check_grads

reference = pytest.importorskip("scipy.stats")
stats = ft.scipy.stats
RNG = np.random.default_rng(0)
POLICIES = ("propagate", "omit")


def samples() -> list:
    whole = RNG.integers(0, 4, (5, 3, 6))
    holes = np.where(RNG.uniform(size=whole.shape) < 0.4, np.nan, whole)
    holes[:, 0, 0] = np.nan
    return [whole, whole.astype("float64"), holes]


@pytest.mark.filterwarnings("ignore:.*SmallSample|.*too small|.*Degrees of freedom")
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_samples_along_axes(axis, policy):
    for x in samples():
        for name in ("mode", "sem"):
            for keepdims in (False, True):
                options = dict(axis=axis, nan_policy=policy, keepdims=keepdims)
                if name == "sem" and policy == "omit" and np.isnan(x).any():
                    with np.errstate(all="ignore"):
                        want = reference.sem(x, **options)
                    x, good = x.copy(), np.isfinite(want)
                else:
                    want, good = getattr(reference, name)(x, **options), True
                got = getattr(stats, name)(x, **options)
                got, want = (p if isinstance(p, tuple) else (p,) for p in (got, want))
                for a, b in zip(got, want, strict=True):
                    assert a.shape == b.shape
                    np.testing.assert_allclose(np.where(good, a, 0), np.where(good, b, 0),
                                               rtol=1e-6)
        for method in ("average", "min", "max", "dense", "ordinal"):
            want = reference.rankdata(x, method, axis=axis, nan_policy=policy)
            np.testing.assert_array_equal(
                stats.rankdata(x, method, axis=axis, nan_policy=policy), want)


def test_samples_of_other_kinds():
    assert stats.mode(np.arange(3)).mode.dtype == "int64"
    assert stats.rankdata(np.arange(3), "min").dtype == "int64"
    assert stats.rankdata(np.arange(3)).dtype == "float32"
    assert stats.rankdata(np.ones(3)).dtype == "float64"
    nothing = stats.mode(np.zeros((0, 2)))
    assert np.isnan(nothing.mode).all() and np.asarray(nothing.count).tolist() == [0, 0]
    x = RNG.integers(0, 3, (4, 6))
    got = ft.jit(ft.vmap(lambda row: stats.mode(row)))(x)
    np.testing.assert_array_equal(got.mode, reference.mode(x, axis=1).mode)
    got = ft.jit(ft.vmap(lambda row: stats.rankdata(row, "max")))(x)
    np.testing.assert_array_equal(got, reference.rankdata(x, "max", axis=1))
    check_grads(stats.sem, (RNG.normal(size=(4, 3)),), order=2)


# ---- estimated densities ----

METHODS = [None, "scott", "silverman", 0.4, lambda kde: kde.scotts_factor() * 0.5]


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("method", METHODS, ids=["none", "scott", "silverman", "number", "rule"])
def test_gaussian_kde(d, method):
    data, points = RNG.normal(size=(d, 9)), RNG.normal(size=(d, 4))
    data, points = (data[0], points[0]) if d == 1 else (data, points)
    for weights in (None, RNG.uniform(size=9)):
        ours = stats.gaussian_kde(data, method, weights)
        theirs = reference.gaussian_kde(data, method, weights)
        for name in ("factor", "covariance", "inv_cov", "neff", "weights", "d", "n"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-10)
        for name in ("pdf", "logpdf", "evaluate", "__call__"):
            np.testing.assert_allclose(getattr(ours, name)(points), getattr(theirs, name)(points),
                                       rtol=1e-9)
        mean, cov = np.ones(d), np.eye(d) * 0.7
        np.testing.assert_allclose(ours.integrate_gaussian(mean, cov),
                                   theirs.integrate_gaussian(mean, cov), rtol=1e-9)
        other = RNG.normal(size=(d, 5))
        np.testing.assert_allclose(
            ours.integrate_kde(stats.gaussian_kde(other)),
            theirs.integrate_kde(reference.gaussian_kde(other)), rtol=1e-9)
        if d == 1:
            np.testing.assert_allclose(ours.integrate_box_1d(-1.0, 0.5),
                                       theirs.integrate_box_1d(-1.0, 0.5), rtol=1e-9)


def test_estimated_densities_under_transformations():
    data, points = RNG.normal(size=(2, 6)), RNG.normal(size=(2, 3))

    def value(points, data, weights):
        return stats.gaussian_kde(data, None, weights).logpdf(points)
    check_grads(value, (points, data, np.ones(6)), order=1)
    kde = stats.gaussian_kde(data)
    np.testing.assert_allclose(ft.jit(lambda kde, x: kde(x))(kde, points), kde(points), rtol=1e-10)
    single = stats.gaussian_kde(data.astype("float32"))
    assert single(fnp.asarray(points, dtype="float32")).dtype == "float32"
    lanes = ft.vmap(lambda data: stats.gaussian_kde(data).pdf(points))(np.stack([data, data + 1]))
    np.testing.assert_allclose(lanes[1], stats.gaussian_kde(data + 1).pdf(points), rtol=1e-10)


def test_resampling():
    kde = stats.gaussian_kde(np.array([[0.0, 1.0, 5.0], [1.0, 3.0, 3.5]]), None, [0.2, 0.3, 0.5])
    drawn = np.asarray(kde.resample(ft.random.key(0), (100, 200)))
    assert drawn.shape == (2, 100, 200) and kde.resample(ft.random.key(0)).shape == (2,)
    mean = np.asarray(kde.dataset) @ np.asarray(kde.weights)
    spread = np.cov(kde.dataset, aweights=kde.weights, bias=True) + np.asarray(kde.covariance)
    drawn = drawn.reshape(2, -1)
    np.testing.assert_allclose(drawn.mean(1), mean, atol=0.1)
    np.testing.assert_allclose(np.cov(drawn), spread, rtol=0.05, atol=0.1)


KDE = stats.gaussian_kde(np.array([[0.0, 1.0, 5.0], [1.0, 3.0, 3.5]]))


@pytest.mark.parametrize("call, error, message", [
    (lambda: stats.mode(np.ones(3), nan_policy="raise"), NotImplementedError, "while tracing"),
    (lambda: stats.sem(np.ones(3), nan_policy="drop"), ValueError, "nan_policy"),
    (lambda: stats.rankdata(np.ones(3), "first"), ValueError, "method must be"),
    (lambda: stats.gaussian_kde(np.ones(1)), ValueError, "more than one"),
    (lambda: stats.gaussian_kde(np.ones(3), "wide"), ValueError, "bw_method"),
    (lambda: stats.gaussian_kde(np.arange(3.0), None, np.ones(2)), ShapeError, "weights must be"),
    (lambda: KDE(np.ones((3, 2))), ShapeError, r"points must be \(2, m\)"),
    (lambda: KDE.integrate_gaussian(np.ones(3), np.eye(3)), ShapeError, "takes a mean"),
    (lambda: KDE.integrate_box_1d(0, 1), ValueError, "samples have 2"),
    (lambda: KDE.integrate_box(0, 1), NotImplementedError, "integrate_box_1d"),
    (lambda: KDE.integrate_kde(stats.gaussian_kde(np.arange(3.0))), ValueError, "of 2 and of 1"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
