"""Quantiles of values with weights, against NumPy."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)
Q = np.array([0.0, 0.2, 0.5, 0.77, 1.0])


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2)])
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_as_numpy(name, axis):
    x = RNG.integers(0, 9, (4, 5, 6)) / 4
    weights = RNG.integers(0, 4, x.shape).astype(float)
    weights[0, 0, 0] = 1
    if name == "nanquantile":
        x[1, 2] = np.nan
    theirs = getattr(np, name)(x, Q, axis=axis, method="inverted_cdf", weights=weights)
    ours = getattr(fnp, name)
    for function in (ours, ft.jit(ours, static_argnames=("axis", "method", "keepdims"))):
        np.testing.assert_array_equal(
            function(x, Q, axis=axis, method="inverted_cdf", weights=weights), theirs)


def test_a_vector_of_weights_and_kept_axes():
    x, weights = RNG.normal(size=(3, 7)), RNG.integers(1, 5, 7)
    options = dict(axis=1, method="inverted_cdf", weights=weights, keepdims=True)
    np.testing.assert_array_equal(fnp.percentile(x, 30, **options),
                                  np.percentile(x, 30, **options))


def test_weights_that_are_not_possible():
    x = np.ones((2, 3))
    with pytest.raises(ArgumentError, match="inverted_cdf"):
        fnp.quantile(x, 0.5, weights=x)
    with pytest.raises(ArgumentError, match="negative"):
        fnp.quantile(x, 0.5, weights=-x, method="inverted_cdf")
    with pytest.raises(ShapeError, match=r"got shape \(2,\), axis 1"):
        fnp.quantile(x, 0.5, axis=1, weights=np.ones(2), method="inverted_cdf")
