"""Images of other sizes against JAX and PyTorch, with derivatives."""
from __future__ import annotations

import doctest

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import image
from functrans.errors import ShapeError
from functrans.testing import check_grads

RNG = np.random.default_rng(0)
METHODS = ("nearest", "linear", "cubic", "lanczos3", "lanczos5", "cubic-pytorch", "area")
SIZES = [((5, 7), (3, 9)), ((8, 2, 4), (16, 2, 1))]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("antialias", [True, False])
def test_resize_as_jax(method, antialias):
    reference = pytest.importorskip("jax.image")
    for shape, new in SIZES:
        x = RNG.normal(size=shape).astype("float32")
        try:
            want = reference.resize(x, new, method, antialias)
        except ValueError:
            pytest.skip("not in this version")
        got = image.resize(x, new, method, antialias)
        assert got.dtype == "float32"
        np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("method", METHODS[1:5])
@pytest.mark.parametrize("antialias", [True, False])
def test_scale_and_translate_as_jax(method, antialias):
    reference = pytest.importorskip("jax.image")
    x = RNG.normal(size=(6, 7, 3)).astype("float32")
    scale, move = np.float32([1.3, 0.6]), np.float32([0.7, -0.4])
    args = ((5, 8, 3), (1, -3), scale, move, method, antialias)
    np.testing.assert_allclose(image.scale_and_translate(x, *args),
                               reference.scale_and_translate(x, *args), atol=1e-5)


@pytest.mark.parametrize("method, theirs", [("linear", "bilinear"), ("cubic-pytorch", "bicubic")])
@pytest.mark.parametrize("antialias", [True, False])
def test_resize_as_torch(method, theirs, antialias):
    torch = pytest.importorskip("torch")
    x = RNG.normal(size=(7, 9))
    for new in ((4, 4), (12, 5), (14, 18)):
        want = torch.nn.functional.interpolate(torch.from_numpy(x)[None, None], size=new,
                                               mode=theirs, antialias=antialias)[0, 0].numpy()
        np.testing.assert_allclose(image.resize(x, new, method, antialias), want, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_constants_stay_and_means_are_kept(method):
    ones = image.resize(np.ones((5, 6)), (9, 4), method)
    np.testing.assert_allclose(ones, 1, rtol=1e-12)
    assert image.resize(np.zeros((3, 2)), (3, 2), method).shape == (3, 2)
    if method in ("area", "linear"):
        x = RNG.normal(size=6)
        assert float(image.resize(x, (1,), "area")[0]) == pytest.approx(x.mean())


def test_dtypes_and_names():
    assert image.resize(np.arange(4), (2,), "nearest").dtype == "int64"
    assert image.resize(np.arange(4), (2,), "linear").dtype == "float32"
    assert image.resize(fnp.ones(4, "float16"), (2,), "cubic").dtype == "float16"
    got = image.resize(np.arange(4) * 1j, (2,), "linear")
    np.testing.assert_allclose(got, 1j * image.resize(np.arange(4.0), (2,), "linear"))
    for name in ("bilinear", "trilinear", "triangle"):
        assert image.ResizeMethod.from_string(name) is image.ResizeMethod.LINEAR
    np.testing.assert_array_equal(image.resize(np.arange(4.0), (6,), image.ResizeMethod.CUBIC),
                                  image.resize(np.arange(4.0), (6,), "bicubic"))


@pytest.mark.parametrize("method", METHODS)
def test_transformations(method):
    x = RNG.normal(size=(3, 4, 5))
    want = np.stack([image.resize(lane, (6, 3), method) for lane in x])
    got = ft.jit(ft.vmap(lambda x: image.resize(x, (6, 3), method)))(x)
    np.testing.assert_allclose(got, want, rtol=1e-12)
    check_grads(lambda x: image.resize(x, (6, 3), method), (x[0],), order=1)


def test_derivatives_of_scale_and_translation():
    x = RNG.normal(size=(4, 5))
    for method in ("linear", "lanczos3"):
        def moved(x, scale, translation, method=method):
            return image.scale_and_translate(x, (6, 4), (0, 1), scale, translation, method)
        args = (x, np.array([1.37, 0.71]), np.array([0.23, -0.31]))
        check_grads(moved, args, order=1)
        np.testing.assert_allclose(ft.jit(moved)(*args), moved(*args), rtol=1e-10)


@pytest.mark.parametrize("call, error, message", [
    (lambda: image.resize(np.ones(3), (4,), "square"), ValueError, "no method 'square'"),
    (lambda: image.resize(np.ones(3), (4, 4), "linear"), ShapeError, "must have 1 sizes"),
    (lambda: image.resize(np.ones(3), (-1,), "linear"), ShapeError, "must have 1 sizes"),
    (lambda: image.scale_and_translate(np.ones(3), (4,), (0,), np.ones(1), np.ones(1), "nearest"),
     ValueError, "none of weights"),
    (lambda: image.scale_and_translate(np.ones((3, 3)), (4, 4), (0,), np.ones(1), np.ones(1),
                                       "linear"), ShapeError, "axis 1 is not among"),
    (lambda: image.scale_and_translate(np.ones(3), (4,), (0,), np.ones(2), np.ones(1), "linear"),
     ShapeError, "scale must be a vector of 1"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    assert ft.image is image
    assert not doctest.testmod(image).failed
