"""Cosine transforms and vector quantization, against SciPy."""
from __future__ import annotations

import doctest

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ShapeError
from functrans.scipy import fft
from functrans.scipy.cluster import vq
from functrans.testing import check_grads

reference = pytest.importorskip("scipy.fft")
RNG = np.random.default_rng(0)
NORMS = (None, "backward", "ortho", "forward")


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_transforms_along_an_axis(type, norm):
    for size in (2, 3, 8, 9):
        x = RNG.normal(size=(3, size))
        for name in ("dct", "idct"):
            ours, theirs = getattr(fft, name), getattr(reference, name)
            for n, axis in ((None, -1), (5, 1), (None, 0), (4, 0)):
                np.testing.assert_allclose(ours(x, type, n, axis, norm),
                                           theirs(x, type, n, axis, norm), atol=1e-12)
            z = x + 1j * x[::-1]
            np.testing.assert_allclose(ours(z, type, norm=norm), theirs(z, type, norm=norm),
                                       atol=1e-12)
        np.testing.assert_allclose(fft.idct(fft.dct(x, type, norm=norm), type, norm=norm), x,
                                   atol=1e-12)


@pytest.mark.parametrize("norm", NORMS[1:])
def test_transforms_along_axes(norm):
    x = RNG.normal(size=(3, 4, 5))
    for name in ("dctn", "idctn"):
        ours, theirs = getattr(fft, name), getattr(reference, name)
        for s, axes in ((None, None), (None, (0, -1)), ((4, 3), None), ((2, 6), (2, 0))):
            np.testing.assert_allclose(ours(x, 2, s, axes, norm), theirs(x, 2, s, axes, norm),
                                       atol=1e-12)


def test_transformations_and_dtypes():
    x = RNG.normal(size=(3, 6))
    got = ft.jit(ft.vmap(fft.dct))(x)
    np.testing.assert_allclose(got, reference.dct(x), atol=1e-12)
    for type in (1, 2, 3, 4):
        check_grads(lambda x, type=type: fft.dct(x, type, norm="ortho"), (x[0],), order=1)
    assert fft.dct(np.arange(3)).dtype == fft.dct(np.ones(3, "float32")).dtype == "float32"
    assert fft.dct(fnp.ones(3, "float16")).dtype == "float32"


@pytest.mark.parametrize("call, error, message", [
    (lambda: fft.dct(np.ones(3), 5), ValueError, "type must be"),
    (lambda: fft.dct(np.ones(3), norm="unit"), ValueError, "norm must be"),
    (lambda: fft.dct(np.ones(1), 1), ShapeError, "at least 2"),
    (lambda: fft.dctn(np.ones((2, 2)), s=(2,), axes=(0, 1)), ShapeError, "do not fit axes"),
    (lambda: vq.vq(np.ones((2, 3)), np.ones((2, 2))), ShapeError, "takes observations"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_vector_quantization():
    theirs = pytest.importorskip("scipy.cluster.vq")
    for shapes in (((20, 3), (5, 3)), ((20,), (4,))):
        obs, codes = (RNG.normal(size=shape) for shape in shapes)
        for got, want in zip(vq.vq(obs, codes), theirs.vq(obs, codes), strict=True):
            np.testing.assert_allclose(got, want)
    check_grads(lambda x, c: vq.vq(x, c)[1], (obs, codes), order=1)
    np.testing.assert_array_equal(ft.jit(vq.vq)(obs, codes)[0], vq.vq(obs, codes)[0])
    assert ft.grad(lambda x: vq.vq(x, np.zeros((1, 2)))[1].sum())(np.zeros((1, 2))).sum() == 0


def test_examples_in_docstrings():
    for module in (fft, vq):
        assert not doctest.testmod(module).failed
