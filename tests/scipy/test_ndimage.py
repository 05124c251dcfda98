"""Values between points, against SciPy: images of any number of axes, and grids; integrals."""
from __future__ import annotations

import doctest

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ShapeError
from functrans.scipy import integrate, interpolate, ndimage
from functrans.testing import check_grads

images = pytest.importorskip("scipy.ndimage")
grids = pytest.importorskip("scipy.interpolate")
RNG = np.random.default_rng(0)

# Our mode, and SciPy's name for it.
MODES = [("constant", "grid-constant"), ("grid-constant", "grid-constant"), ("nearest", "nearest"),
         ("wrap", "grid-wrap"), ("grid-wrap", "grid-wrap"), ("mirror", "mirror"),
         ("reflect", "reflect"), ("grid-mirror", "grid-mirror")]


@pytest.mark.parametrize("mode, name", MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_map_coordinates(mode, name, order):
    for shape in ((5,), (4, 3), (3, 2, 4), (1, 3)):
        image = RNG.normal(size=shape)
        places = [RNG.uniform(-2 * size - 1, 3 * size, (2, 30)) for size in shape]
        want = images.map_coordinates(image, places, order=order, mode=name, cval=-1.3)
        got = ndimage.map_coordinates(image, places, order, mode, -1.3)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
        jitted = ft.jit(lambda image, *places, order=order: ndimage.map_coordinates(
            image, places, order, mode, -1.3))(image, *places)
        np.testing.assert_allclose(jitted, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", [0, 1])
def test_integers_and_halves(order):
    image, halves = np.arange(6), np.array([-0.5, 0.0, 0.5, 1.5, 2.5, 3.7, 5.0, 5.49])
    for mode in ("nearest", "reflect"):
        got = ndimage.map_coordinates(image, [halves], order, mode)
        assert got.dtype == image.dtype
        if order == 0:
            np.testing.assert_array_equal(got, images.map_coordinates(image, [halves], order=0,
                                                                      mode=mode))
    rounded = ndimage.map_coordinates(np.array([-1, 0, 1]), [np.array([0.5, 1.5])], 1)
    assert np.asarray(rounded).tolist() == [-1, 1]
    assert ndimage.map_coordinates(fnp.arange(3.0), [1], 1).dtype == "float32"
    unknown = ndimage.map_coordinates(np.arange(3.0), [np.array([np.nan, 1.0])], 1)
    assert np.isnan(unknown[0]) and unknown[1] == 1


def test_derivatives_of_map_coordinates():
    image, places = RNG.normal(size=(4, 5)), RNG.uniform(-1, 6, (2, 7))
    for mode in ("constant", "mirror"):
        check_grads(lambda image, places, mode=mode: ndimage.map_coordinates(
            image, places, 1, mode, 0.5), (image, places), order=2)
    lanes = RNG.normal(size=(3, 4, 5))
    got = ft.vmap(lambda image: ndimage.map_coordinates(image, places, 1))(lanes)
    want = [images.map_coordinates(lane, places, order=1, mode="grid-constant") for lane in lanes]
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


# ---- grids ----

def grid(*sizes: int) -> tuple:
    return tuple(np.sort(RNG.uniform(-2, 3, size)) for size in sizes)


@pytest.mark.parametrize("method", ["linear", "nearest"])
@pytest.mark.parametrize("fill", [np.nan, -3.3, None])
def test_interpolator(method, fill):
    for sizes, more in (((6,), ()), ((4, 5), ()), ((3, 4, 5), (2,)), ((4, 3), (2, 2))):
        points, values = grid(*sizes), RNG.normal(size=sizes + more)
        x = RNG.uniform(-3, 4, (3, 5, len(sizes)))
        x[0, 0], x[0, 1, 0] = [line[1] for line in points], np.nan
        x[0, 2] = [line[-1] for line in points]
        theirs = grids.RegularGridInterpolator(points, values, method, False, fill)
        ours = interpolate.RegularGridInterpolator(points, values, method, fill_value=fill)
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ft.jit(ours)(x), theirs(x), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours(tuple(np.moveaxis(x, -1, 0))), theirs(x), rtol=1e-10,
                                   atol=1e-12)


def test_grids_that_fall_and_single_points():
    line, values = np.array([3.0, 1.0, 0.0]), RNG.normal(size=(3, 2))
    points = (line, np.array([0.0, 1.0]))
    x = RNG.uniform(0, 1, (5, 2)) * [3, 1]
    want = grids.RegularGridInterpolator(points, values)(x)
    np.testing.assert_allclose(interpolate.RegularGridInterpolator(points, values)(x), want)
    one = interpolate.RegularGridInterpolator((np.array([1.0]),), np.array([5.0]))
    got = np.asarray(one(np.array([[1.0], [2.0]])))
    assert got[0] == 5 and np.isnan(got[1])
    assert interpolate.RegularGridInterpolator((line,), np.arange(3))(np.array([1.0, 2.0])).shape \
        == (2,)


def test_derivatives_of_interpolators():
    points, values = grid(4, 5), RNG.normal(size=(4, 5))
    x = RNG.uniform(-1, 2, (6, 2))

    def value(x, values, points):
        return interpolate.RegularGridInterpolator(points, values, fill_value=0.0)(x)
    check_grads(value, (x, values, points), order=2)
    lanes = RNG.normal(size=(3, 4, 5))
    got = ft.jit(ft.vmap(lambda values: value(x, values, points)))(lanes)
    want = [grids.RegularGridInterpolator(points, lane, "linear", False, 0.0)(x) for lane in lanes]
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


POINTS = (np.arange(3.0), np.arange(2.0))


@pytest.mark.parametrize("call, error, message", [
    (lambda: ndimage.map_coordinates(np.ones((2, 2)), [np.ones(3)], 1), ShapeError, "must be 2"),
    (lambda: ndimage.map_coordinates(np.ones(2), [np.ones(3)], 1, "edge"), ValueError, "mode must"),
    (lambda: ndimage.map_coordinates(np.ones(2), [np.ones(3)], 3), NotImplementedError, "0 or 1"),
    (lambda: interpolate.RegularGridInterpolator(POINTS, np.ones((3, 3))), ShapeError,
     r"points\[1\]"),
    (lambda: interpolate.RegularGridInterpolator(POINTS, np.ones(3)), ShapeError, "2 vectors"),
    (lambda: interpolate.RegularGridInterpolator(POINTS, np.ones((3, 2)), "cubic"), ValueError,
     "method must"),
    (lambda: interpolate.RegularGridInterpolator(([0.0, 2.0, 1.0],), np.ones(3)), ValueError,
     "rise or fall"),
    (lambda: interpolate.RegularGridInterpolator(POINTS, np.ones((3, 2)))(np.ones((4, 3))),
     ShapeError, "2 coordinates"),
    (lambda: interpolate.RegularGridInterpolator(POINTS, np.ones((3, 2)), bounds_error=True)(
        np.array([5.0, 0.0])), ValueError, "outside of the grid"),
    (lambda: interpolate.RegularGridInterpolator(POINTS, np.ones((3, 2)), fill_value=1j),
     ValueError, "fill_value"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_trapezoid():
    y, x = RNG.normal(size=(3, 5)), np.sort(RNG.normal(size=5))
    np.testing.assert_allclose(integrate.trapezoid(y, x), np.trapezoid(y, x))
    np.testing.assert_allclose(integrate.trapezoid(y, dx=0.5, axis=0), np.trapezoid(y, dx=0.5,
                                                                                    axis=0))


def test_examples_in_docstrings():
    for module in (ndimage, interpolate):
        assert not doctest.testmod(module).failed
