"""Convolutions, spectra and trends against SciPy; derivatives and batches against these."""
from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ShapeError
from functrans.scipy.signal.windows import window_of
from functrans.testing import check_grads

reference = pytest.importorskip("scipy.signal")
sg = ft.scipy.signal
MODES = ("full", "same", "valid")


def draw(seed: int, shape, dtype: str = "float64") -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype.startswith("int"):
        return rng.integers(-5, 6, shape).astype(dtype)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if "complex" in dtype else values).astype(dtype)


def agree(got, want, limit: float = 1e-10):
    got, want = (x if isinstance(x, tuple) else (x,) for x in (got, want))
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


# ---- convolutions ----

SHAPES = [((7,), (3,)), ((3,), (7,)), ((6,), (4,)), ((4, 5), (3, 2)), ((2, 3), (4, 5)),
          ((4, 3, 5), (2, 2, 2)), ((1,), (1,))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_convolve_and_correlate(shapes, mode):
    for dtype in ("float64", "complex128", "int64"):
        a, b = (draw(k, shape, dtype) for k, shape in enumerate(shapes))
        for name in ("convolve", "correlate"):
            for method in ("direct", "fft", "auto"):
                want = getattr(reference, name)(a, b, mode, "direct")
                got = getattr(sg, name)(a, b, mode, method)
                agree(got, want)
                assert got.dtype == want.dtype
        if dtype == "int64":
            a, b = a.astype("float64"), b.astype("float64")
        agree(sg.fftconvolve(a, b, mode), reference.fftconvolve(a, b, mode))


@pytest.mark.parametrize("boundary, fill", [("fill", 0), ("fill", 1.5), ("wrap", 0), ("symm", 0)])
@pytest.mark.parametrize("mode", MODES)
def test_matrices(mode, boundary, fill):
    for shapes in (((5, 6), (3, 3)), ((4, 5), (2, 4)), ((2, 3), (2, 3)), ((6, 6), (1, 3))):
        for dtype in ("float64", "complex128"):
            a, b = (draw(k, shape, dtype) for k, shape in enumerate(shapes))
            for name in ("convolve2d", "correlate2d"):
                agree(getattr(sg, name)(a, b, mode, boundary, fill),
                      getattr(reference, name)(a, b, mode, boundary, fill))


def test_matrices_of_which_the_second_is_larger():
    a, b = draw(0, (2, 3), "complex128"), draw(1, (4, 5), "complex128")
    for name in ("convolve2d", "correlate2d"):
        for mode in MODES:
            agree(getattr(sg, name)(a.real, b.real, mode),
                  getattr(reference, name)(a.real, b.real, mode))
    agree(sg.correlate2d(a, b, "valid"), reference.correlate(a, b, "valid"))


def test_transforms_along_some_axes():
    a, b = draw(0, (3, 7, 2)), draw(1, (1, 4, 2))
    for mode in MODES:
        agree(sg.fftconvolve(a, b, mode, axes=1), reference.fftconvolve(a, b, mode, axes=1))
        agree(sg.fftconvolve(a, b[:1], mode, axes=[-2]),
              reference.fftconvolve(a, b[:1], mode, axes=[-2]))
    assert sg.fftconvolve(np.arange(3), np.arange(3)).dtype == "float32"


def test_large_arrays_are_transformed():
    a, b = draw(0, 20000), draw(1, 300)
    want = reference.convolve(a, b, "same", "fft")
    agree(sg.convolve(a, b, "same"), want)
    program = str(ft.make_ir(lambda a: sg.convolve(a, b, "same"))(a))
    assert "fft" in program
    assert "fft" not in str(ft.make_ir(lambda a: sg.convolve(a, b, "same", "direct"))(a))
    whole = draw(0, 20000, "int64")
    got = sg.convolve(whole, whole[:300], "same")
    np.testing.assert_array_equal(got, np.convolve(whole, whole[:300], "same"))


def test_edges_of_convolutions():
    agree(sg.convolve(3.0, 2.0), np.array(6.0))
    assert sg.convolve(np.zeros(0), np.ones(2)).shape == (0,)
    got = sg.convolve(np.array([True, False, True]), np.array([True, True]))
    assert got.dtype == bool and np.asarray(got).tolist() == [True] * 4


@pytest.mark.parametrize("method", ["direct", "fft"])
def test_derivatives_of_convolutions(method):
    a, b = draw(0, (4, 5)), draw(1, (2, 3))
    for mode in MODES:
        check_grads(lambda a, b, mode=mode: sg.convolve(a, b, mode, method), (a, b), order=2)
    check_grads(lambda a, b: sg.correlate2d(a, b, "same", "symm"), (a, b), order=1)
    lanes = draw(2, (3, 4, 5))
    got = ft.jit(ft.vmap(lambda a: sg.correlate(a, b, "same", method)))(lanes)
    agree(got, np.stack([reference.correlate(lane, b, "same") for lane in lanes]))


# ---- trends ----

@pytest.mark.parametrize("type", ["linear", "constant"])
@pytest.mark.parametrize("axis, bp", [(0, 0), (-1, 0), (1, [2, 4]), (0, 1)])
def test_detrend(type, axis, bp):
    x = draw(0, (5, 6)) + np.arange(6)
    agree(sg.detrend(x, axis, type, bp), reference.detrend(x, axis, type, bp))
    agree(ft.jit(lambda x: sg.detrend(x, axis, type, bp))(x), reference.detrend(x, axis, type, bp))
    check_grads(lambda x: sg.detrend(x, axis, type, bp), (x,), order=1)


def test_detrend_of_complex_and_short_signals():
    x = draw(0, (2, 6), "complex128")
    agree(sg.detrend(x), reference.detrend(x))
    np.testing.assert_allclose(sg.detrend(np.ones((2, 1))), np.zeros((2, 1)), atol=1e-15)


# ---- spectra ----

WINDOWS = ["boxcar", "triang", "bartlett", "cosine", "hann", "hamming", "blackman", "nuttall",
           "blackmanharris", "flattop", "tukey", ("tukey", 0.25), ("tukey", 0.0), ("kaiser", 8.0),
           ("gaussian", 3.0), ("general_hamming", 0.7), ("general_cosine", [0.4, 0.5, 0.1]), 5.0]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_windows(window):
    for size in (1, 2, 7, 8):
        np.testing.assert_allclose(window_of(window, size, "stft"),
                                   reference.get_window(window, size), atol=1e-13)


CASES = [dict(nperseg=8), dict(nperseg=8, noverlap=5), dict(nperseg=7, nfft=12, window="hamming"),
         dict(nperseg=8, detrend="linear"), dict(nperseg=6, return_onesided=False, fs=10.1),
         dict(nperseg=9, axis=0, detrend=False), dict(window=np.hanning(8) + 0.1, nperseg=8)]
IDS = [str(k) for k in range(len(CASES))]


@pytest.mark.parametrize("options", CASES, ids=IDS)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_stft_and_back(options, dtype):
    x = draw(0, (30, 2) if options.get("axis") == 0 else (2, 30), dtype)
    if dtype == "complex128":
        options = {**options, "return_onesided": False}
    for more in (dict(), dict(boundary=None, padded=False), dict(boundary="odd"),
                 dict(boundary="even"), dict(boundary="constant", scaling="psd")):
        got = sg.stft(x, **options, **more)
        agree(got, reference.stft(x, **options, **more))
        inverse = {key: options[key] for key in ("fs", "window", "nperseg", "noverlap", "nfft")
                   if key in options}
        if more or "axis" in options:
            continue
        inverse["input_onesided"] = options.get("return_onesided", True)
        back = sg.istft(got[2], **inverse)
        agree(back[1], reference.istft(np.asarray(got[2]), **inverse)[1])
        agree(back[0], np.arange(back[1].shape[-1]) / options.get("fs", 1.0))
        if "detrend" not in options:
            np.testing.assert_allclose(back[1][..., :30], x, atol=1e-10)


def test_axes_of_istft():
    z = draw(0, (6, 2, 5, 3), "complex128")
    for time_axis, freq_axis in ((0, 2), (2, 0), (-1, 2), (1, -2)):
        keep = dict(time_axis=time_axis, freq_axis=freq_axis, boundary=False, window="boxcar")
        agree(sg.istft(z, **keep)[1], reference.istft(z, **keep)[1])
    with pytest.warns(UserWarning, match="do not cover"):
        sg.istft(z, nperseg=8, noverlap=0, time_axis=0, freq_axis=2, boundary=False)


@pytest.mark.parametrize("options", CASES, ids=IDS)
def test_spectra(options):
    shape = (30, 2) if options.get("axis") == 0 else (2, 30)
    x, y = draw(0, shape), draw(1, shape)
    for more in (dict(), dict(scaling="spectrum"), dict(average="median")):
        agree(sg.welch(x, **options, **more), reference.welch(x, **options, **more))
        agree(sg.csd(x, y, **options, **more), reference.csd(x, y, **options, **more))
    agree(sg.csd(x, None, **options), reference.welch(x, **options))
    z = draw(2, shape, "complex128")
    options = {**options, "return_onesided": False}
    agree(sg.welch(z, **options), reference.welch(z, **options))


def test_signals_of_different_lengths_are_filled_up():
    x, y = draw(0, (2, 30)), draw(1, 20)
    want = [reference.csd(lane, y, nperseg=8)[1] for lane in x]
    agree(sg.csd(x, y, nperseg=8)[1], np.stack(want))
    agree(sg.csd(y, x, nperseg=8)[1], np.stack(want).conj())


def test_transformations_of_spectra():
    x = draw(0, (3, 20))
    want = reference.welch(x, nperseg=8)[1]
    agree(ft.jit(ft.vmap(lambda x: sg.welch(x, nperseg=8)[1]))(x), want)
    check_grads(lambda x: sg.welch(x, nperseg=8)[1], (x[0],), order=2)
    check_grads(lambda x: sg.csd(x, x[::-1], nperseg=8)[1].real, (x[0],), order=1)
    check_grads(lambda x: sg.istft(sg.stft(x, nperseg=8)[2] ** 2, nperseg=8)[1], (x[0],), order=1)
    assert sg.welch(np.ones(8, "float32"), nperseg=8)[1].dtype == "float32"
    assert sg.stft(np.ones(8, "float32"), nperseg=8)[2].dtype == "complex64"
    assert sg.stft(fnp.ones(8, "float16"), nperseg=8)[2].dtype == "complex64"


@pytest.mark.parametrize("call, error, message", [
    (lambda: sg.convolve(np.ones(2), np.ones(2), "all"), ValueError, "mode must be"),
    (lambda: sg.convolve(np.ones(2), np.ones(2), method="slow"), ValueError, "method must be"),
    (lambda: sg.convolve(np.ones(2), np.ones((2, 2))), ShapeError, "equally many axes"),
    (lambda: sg.correlate(np.ones((2, 3)), np.ones((3, 2)), "valid"), ShapeError, "at least as"),
    (lambda: sg.convolve2d(np.ones(2), np.ones(2)), ShapeError, "takes matrices"),
    (lambda: sg.convolve2d(np.ones((2, 2)), np.ones((2, 2)), boundary="x"), ValueError, "'symm'"),
    (lambda: sg.fftconvolve(np.ones((2, 3)), np.ones((3, 3)), axes=1), ShapeError, "axis 0"),
    (lambda: sg.detrend(np.ones(3), type="square"), ValueError, "'linear' or"),
    (lambda: sg.detrend(np.ones(3), bp=5), ValueError, "between 0 and 3"),
    (lambda: sg.stft(np.ones(9), window="round"), ValueError, "no window 'round'"),
    (lambda: sg.stft(np.ones(9), nperseg=4, noverlap=4), ValueError, "noverlap must be less"),
    (lambda: sg.stft(np.ones(9), nperseg=4, nfft=3), ValueError, "nfft must not"),
    (lambda: sg.stft(np.ones(9), nperseg=4, boundary="far"), ValueError, "boundary must be"),
    (lambda: sg.stft(np.ones(9), nperseg=4, window=np.ones(5)), ShapeError, r"shape \(5,\)"),
    (lambda: sg.welch(np.ones(9), window=np.ones(10)), ShapeError, "window of 10 samples"),
    (lambda: sg.stft(np.ones(9), nperseg=0), ValueError, "at least 1"),
    (lambda: sg.istft(np.ones(9)), ShapeError, "at least two axes"),
    (lambda: sg.istft(np.ones((3, 3)), time_axis=0, freq_axis=0), ValueError, "the same"),
    (lambda: sg.welch(np.ones(9), scaling="x"), ValueError, "'density' or"),
    (lambda: sg.welch(np.ones(9), average="x"), ValueError, "'mean' or"),
    (lambda: sg.welch(np.ones(0)), ShapeError, "needs samples"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    for module in pkgutil.iter_modules(sg.__path__):
        assert not doctest.testmod(import_module(f"{sg.__name__}.{module.name}")).failed
