"""The oracle knows how far off it may be, whatever function it is given."""
from __future__ import annotations

import warnings

import numpy as np
import pytest

from functrans.testing.differences import Line, best_slope, derivative_along

# name -> (function, its derivative, points)
SMOOTH = {
    "sin": (np.sin, np.cos, (0.0, 1.0, 10.0, -300.0)),
    "exp": (np.exp, np.exp, (0.0, -30.0, 20.0)),
    "log": (np.log, lambda x: 1 / x, (1e-12, 1.0, 1e9)),
    "fast": (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), (0.3, 1.0)),
    "on a hill": (lambda x: 1e9 + np.sin(x), np.cos, (0.4, 1.0)),
    "flat": (lambda x: 0 * x + 3, lambda x: 0 * x, (0.0, 2.0)),
    "pole near": (lambda x: 1 / (x - 1.001), lambda x: -1 / (x - 1.001) ** 2, (1.0,)),
    "kink near": (lambda x: np.abs(x - 1.0001), lambda x: np.sign(x - 1.0001), (1.0, 1.001)),
}


def line(function, x, **options) -> Line:
    def along(t):
        return np.atleast_1d(function(np.asarray(x + t * (np.abs(x) or 1.0))))
    return Line(along, **options)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_error_is_no_larger_than_the_estimate(name):
    function, derivative, points = SMOOTH[name]
    for x in points:
        slope = best_slope(line(function, x))
        right = derivative(x) * (abs(x) or 1.0)
        assert slope.judged.all()
        assert abs(slope.middle[0] - right) <= slope.error[0]
        assert slope.error[0] <= 2e-5 * abs(right) + 1e-11 * abs(function(x))


def test_the_complex_step_is_exact_where_a_function_is_analytic():
    hill = line(lambda x: 1e9 + np.sin(x), 1.0)
    assert hill.central().error[0] > 1e-5
    slope = hill.complex_step()
    assert slope.judged.all() and abs(slope.low[0] - np.cos(1.0)) < 1e-14


@pytest.mark.parametrize("function", [
    np.abs, np.real, np.conj, lambda x: x.real ** 2 + 0 * x, np.floor,
    lambda x: np.asarray(x, np.float64) * 2, lambda x: x if np.iscomplexobj(x) else 2 * x])
def test_functions_that_are_not_analytic_are_not_judged_by_the_complex_step(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slope, right = (line(function, 1.5).complex_step(), line(function, 1.5).central())
    assert not slope.judged.any() or np.allclose(slope.low, right.low)


@pytest.mark.parametrize("function, low, high", [
    (np.abs, -1, 1), (lambda x: np.maximum(x, 0), 0, 1), (lambda x: np.minimum(2 * x, -x), -1, 2),
    (lambda x: x * x, 0, 0), (lambda x: np.sqrt(np.abs(x)), -np.inf, np.inf),
    (lambda x: np.where(x < 0, np.nan, np.sqrt(np.maximum(x, 0))), 19, np.inf)])
def test_kinks_have_an_interval(function, low, high):
    interval = line(function, 0.0).interval()
    assert interval.judged.all()
    np.testing.assert_allclose(interval.low[0] if np.isfinite(low) else low, low, atol=1e-3 if
                               low != 19 else 1e9)
    assert interval.high[0] == pytest.approx(high, abs=1e-3)


def test_a_staircase_is_no_slope_of_zero():
    """A function that rounds to float32 inside is flat from near by."""
    def rounded(x):
        return np.sin(np.asarray(x).astype(np.float32)).astype(np.float64)
    slope = best_slope(line(rounded, 1.0))
    assert abs(slope.distance(np.array([np.cos(1.0)]))[0]) <= slope.error[0] < 0.01


def test_remainders_fall_like_the_third_power_of_the_step_for_the_right_derivative():
    sine = line(np.sin, 1.0)
    assert sine.remainder_slope(np.array([np.cos(1.0)])) == pytest.approx(3, abs=0.05)
    assert sine.remainder_slope(np.array([np.cos(1.0) * 1.01])) == pytest.approx(1, abs=0.05)


def test_values_that_are_no_numbers_are_not_judged():
    both = Line(lambda t: np.array([np.nan, np.sin(t), np.inf]))
    np.testing.assert_array_equal(best_slope(both).judged, [False, True, False])


def test_functions_of_arrays():
    a, v = np.array([[1.0, 2.0], [3.0, 4.5]]), np.array([[0.5, -1.0], [1.0, 0.25]])
    slope = derivative_along(np.linalg.inv, [a], [v])
    inverse = np.linalg.inv(a)
    np.testing.assert_allclose(slope.middle, (-inverse @ v @ inverse).ravel(), rtol=1e-9)
    slope = derivative_along(lambda z: z ** 2, [np.array([1 + 2j])], [np.array([1j])])
    np.testing.assert_allclose(slope.middle, [-4, 2], atol=1e-9)
