"""Fourier transforms against NumPy: values, sizes, norms, derivatives, batches, compiled."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import DtypeError, ShapeError

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
MANY = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")
REAL = ("rfft", "ihfft", "rfftn", "rfft2")
NORMS = st.sampled_from([None, "backward", "forward", "ortho"])


def operand(name: str, shape, seed: int, dtype: str = "float64") -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    if name not in REAL:
        x = x + 1j * rng.normal(size=shape)
        return x.astype("complex64" if dtype == "float32" else "complex128")
    return x.astype(dtype)


def assert_same(got, expected):
    got = np.asarray(got)
    assert got.dtype == expected.dtype and got.shape == expected.shape
    eps = np.finfo(expected.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=64 * eps, atol=64 * eps)


@given(st.sampled_from(ONE), st.sampled_from(["float32", "float64"]),
       st.lists(st.integers(2, 6), min_size=1, max_size=3), st.integers(-1, 0),
       st.none() | st.integers(1, 9), NORMS, st.integers(0, 99))
def test_one_axis(name, dtype, shape, axis, n, norm, seed):
    x = operand(name, shape, seed, dtype)
    expected = getattr(np.fft, name)(x, n, axis, norm)
    function = getattr(fnp.fft, name)
    assert_same(function(x, n, axis, norm), expected)
    assert_same(ft.jit(function, static_argnums=(1, 2, 3))(x, n, axis, norm), expected)


@given(st.sampled_from(MANY), st.lists(st.integers(2, 5), min_size=2, max_size=3),
       st.permutations(range(-2, 0)), st.booleans(),
       st.none() | st.lists(st.integers(1, 6), min_size=2, max_size=2), NORMS,
       st.integers(0, 99))
def test_several_axes(name, shape, axes, named, sizes, norm, seed):
    x = operand(name, shape, seed)
    options = dict(s=sizes, axes=axes) if named or sizes is not None else {}
    expected = getattr(np.fft, name)(x, norm=norm, **options)
    assert_same(getattr(fnp.fft, name)(x, norm=norm, **options), expected)
    lanes = ft.jit(ft.vmap(lambda row: getattr(fnp.fft, name)(row, norm=norm, **options)))
    assert_same(lanes(np.stack([x, 2 * x]))[1], 2 * expected)


@pytest.mark.parametrize("name", ONE + MANY)
def test_derivatives(name):
    """Linear: the jvp is the transform, the gradient its adjoint, at any order."""
    function = getattr(fnp.fft, name)
    x, step = operand(name, (3, 5), 1), operand(name, (3, 5), 2)
    assert_same(ft.jvp(function, (x,), (step,))[1], getattr(np.fft, name)(step))

    def energy(x):
        out = function(x)
        return fnp.sum(fnp.abs(out) ** 2) + fnp.sum(fnp.real(out) ** 3)
    gradient = np.asarray(ft.grad(energy)(x))
    assert gradient.dtype == x.dtype
    h = 1e-6
    rise = (float(energy(x + h * step)) - float(energy(x - h * step))) / (2 * h)
    assert np.sum(gradient * step).real == pytest.approx(rise, rel=1e-6)
    np.testing.assert_allclose(ft.jit(ft.grad(energy))(x), gradient, rtol=1e-9, atol=1e-9)

    def slope(x):
        return ft.jvp(energy, (x,), (step,))[1]
    curved = float(ft.jvp(slope, (x,), (step,))[1])
    assert np.sum(np.asarray(ft.grad(slope)(x)) * step).real == pytest.approx(curved, rel=1e-9)


def test_dtypes():
    assert fnp.fft.fft(fnp.ones(4, "float32")).dtype == "complex64"
    assert fnp.fft.fft(fnp.ones(4, "float16")).dtype == "complex64"
    assert fnp.fft.fft(np.ones(4)).dtype == "complex128"
    assert fnp.fft.fft([1, 0]).dtype == "complex64"
    assert fnp.fft.irfft(fnp.ones(4, "complex64")).dtype == "float32"
    assert fnp.fft.irfft(np.ones(4)).dtype == "float64"


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(n):
    for name in ("fftfreq", "rfftfreq"):
        expected = getattr(np.fft, name)(n, 0.1)
        assert_same(getattr(fnp.fft, name)(n, 0.1, dtype="float64"), expected)
        function = getattr(fnp.fft, name)
        assert_same(ft.jit(lambda d, f=function: f(n, d, dtype="float64"))(np.float64(0.1)),
                    expected)
        assert function(n).dtype == "float32"
    slope = ft.grad(lambda d: fnp.fft.fftfreq(4, d, dtype="float64").sum())(np.float64(0.5))
    assert float(slope) == pytest.approx(0.5 / 0.25)


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
def test_shifts(shape):
    x = np.arange(np.prod(shape)).reshape(shape)
    for axes in (None, 0, -1, tuple(range(len(shape)))):
        for name in ("fftshift", "ifftshift"):
            np.testing.assert_array_equal(getattr(fnp.fft, name)(x, axes),
                                          getattr(np.fft, name)(x, axes))


def test_numpy_functions_on_tracers():
    x = operand("fft", (4,), 0)
    assert_same(ft.jit(lambda x: np.fft.ifft(np.fft.fft(x) * 2))(x), np.fft.ifft(np.fft.fft(x) * 2))


def test_a_filter_is_a_convolution():
    x, w = operand("rfft", (8,), 0), operand("rfft", (8,), 1)

    def filtered(x, w):
        return fnp.fft.irfft(fnp.fft.rfft(x) * fnp.fft.rfft(w), 8)
    expected = np.array([sum(x[k] * w[(j - k) % 8] for k in range(8)) for j in range(8)])
    np.testing.assert_allclose(ft.jit(filtered)(x, w), expected, atol=1e-12)


def test_inside_a_loop():
    x = operand("fft", (4,), 0)
    out = ft.jit(lambda x: ft.lax.fori_loop(0, 4, lambda k, y: fnp.fft.fft(y) / 2, x))(x)
    np.testing.assert_allclose(out, x, atol=1e-12)


def test_nothing_to_transform():
    assert fnp.fft.fft(np.ones((0, 4))).shape == (0, 4)
    assert ft.jit(fnp.fft.rfft)(np.ones((0, 4))).shape == (0, 3)


@pytest.mark.parametrize("call, error, message", [
    (lambda: fnp.fft.fft(np.ones(0)), ValueError, "at least 1 is needed"),
    (lambda: fnp.fft.fft(np.ones(4), 0), ValueError, "at least 1"),
    (lambda: fnp.fft.rfft(np.ones(4) * 1j), DtypeError, "takes real arrays"),
    (lambda: fnp.fft.fft(np.ones(4), norm="other"), ValueError, "norm must be"),
    (lambda: fnp.fft.hfft(np.ones(4), norm="other"), ValueError, "norm must be"),
    (lambda: fnp.fft.fft(np.ones(4), axis=1), np.exceptions.AxisError, "out of bounds"),
    (lambda: fnp.fft.fftn(np.ones((4, 4)), axes=(0, 0)), ShapeError, "twice"),
    (lambda: fnp.fft.fftn(np.ones((4, 4)), s=(1,), axes=(0, 1)), ShapeError, "1 sizes"),
    (lambda: fnp.fft.fftfreq(2.5), TypeError, "n must be an int"),
    (lambda: fnp.fft.fftfreq(0), ValueError, "at least 1"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
