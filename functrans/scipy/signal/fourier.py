"""Short-time Fourier transforms, and back. Imports `numpy`, `scipy.signal.segments`.
"""
from __future__ import annotations

import warnings

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy import fft
from functrans.numpy.choosing import where
from functrans.numpy.creation import zeros
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.promotion import canonical_axis
from functrans.numpy.repeating import pad
from functrans.numpy.ufuncs import sqrt
from functrans.scipy.signal.segments import (Layout, extended, frequencies, is_onesided, layout,
                                             places, signals, times, transformed)


def stft(x, fs=1.0, window="hann", nperseg: int = 256, noverlap: int | None = None,
         nfft: int | None = None, detrend=False, return_onesided: bool = True,
         boundary: str | None = "zeros", padded: bool = True, axis: int = -1,
         scaling: str = "spectrum"):
    """The Fourier transforms of overlapping segments of a signal, each times a window.

    x: real or complex samples along `axis`. fs: samples in a unit of time. window: a name, such as
    "hann", (name, parameter), such as ("tukey", 0.25), or an array of weights, which sets nperseg.
    nperseg: samples of a segment, at most those of x; noverlap: how many it shares with the next,
    half by default; nfft: points of a transform, nperseg by default. detrend: "constant",
    "linear", a function of (..., segments, samples), or False. return_onesided: whether negative
    frequencies of real signals are left out. boundary: how x goes on at both ends: "even", "odd",
    "constant", "zeros" or None. padded: whether zeros fill the last segment. scaling: "spectrum",
    or "psd", whose squares are densities.

    Returns (frequencies, times, values): times are the last axis of the values, frequencies stand
    in the place of `axis`. Raises ValueError for arguments that do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> f, t, z = ft.scipy.signal.stft(fnp.ones(8), nperseg=4, boundary=None)
    >>> f, z.shape, z[0].real
    (Array([0.  , 0.25, 0.5 ], dtype=float32), (3, 3), Array([1., 1., 1.], dtype=float32))
    """
    x, = signals("stft", x)
    axis = canonical_axis(axis, x.ndim)
    x = moveaxis(x, axis, -1)
    plan = layout("stft", window, nperseg, noverlap, nfft, x.shape[-1], x.dtype)
    if boundary is not None:
        x = extended("stft", x, plan.size // 2, boundary)
    if padded:
        missing = -(x.shape[-1] - plan.size) % plan.step % plan.size
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])
    onesided = is_onesided(return_onesided, x)
    values = transformed("stft", x, plan, detrend, onesided) / _scale(plan, fs, scaling, "stft")
    middles = places(x.shape[-1], plan)[:, 0] + (plan.size / 2 if boundary is None else 0)
    return (frequencies(plan, fs, onesided, x.dtype), times(middles, fs, x.dtype),
            moveaxis(values, -1, axis))


def istft(Zxx, fs=1.0, window="hann", nperseg: int | None = None, noverlap: int | None = None,
          nfft: int | None = None, input_onesided: bool = True, boundary: bool = True,
          time_axis: int = -1, freq_axis: int = -2, scaling: str = "spectrum"):
    """The signal whose short-time Fourier transform is closest, by least squares; (times, x).

    Zxx: complex, with frequencies along `freq_axis` and segments along `time_axis`. boundary:
    whether the signal had been extended at both ends. The other arguments are those of `stft`.
    D. Griffin and J. Lim, IEEE Transactions on Acoustics, Speech, and Signal Processing 32 (1984).
    Warns where the windows do not cover all samples.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> _, _, z = ft.scipy.signal.stft(fnp.arange(8.0), nperseg=4)
    >>> ft.scipy.signal.istft(z, nperseg=4)[1].round(3)
    Array([0., 1., 2., 3., 4., 5., 6., 7.], dtype=float32)
    """
    z, = signals("istft", Zxx)
    if z.ndim < 2:
        raise ShapeError(f"signal.istft takes at least two axes, of frequencies and of segments, "
                         f"got {z.type}")
    time_axis, freq_axis = (canonical_axis(axis, z.ndim) for axis in (time_axis, freq_axis))
    if time_axis == freq_axis:
        raise ArgumentError("signal.istft: time_axis and freq_axis are the same")
    z = moveaxis(z, (time_axis, freq_axis), (-2, -1))
    plan = _back_layout(z.shape[-1], window, nperseg, noverlap, nfft, input_onesided, z.dtype)
    inverse = fft.irfft if input_onesided else fft.ifft
    parts = inverse(z, plan.points)[..., :plan.size] * _scale(plan, fs, scaling, "istft")
    x = _overlapped(parts, plan, boundary)
    stamps = times(np.arange(x.shape[-1]), fs, z.dtype)
    return stamps, moveaxis(x, -1, time_axis - (freq_axis < time_axis))


def _back_layout(count: int, window, nperseg, noverlap, nfft, onesided: bool, dtype) -> Layout:
    """One sided spectra of even and odd numbers of points have as many values."""
    usual = 2 * (count - 1) if onesided else count
    size = usual if nperseg is None else nperseg
    if nfft is None:
        nfft = size if onesided and size == usual + 1 else usual
    return layout("istft", window, size, noverlap, nfft, None, dtype)


def _scale(plan: Layout, fs, scaling: str, who: str):
    if scaling == "spectrum":
        return plan.weights.sum()
    if scaling == "psd":
        return sqrt(fs * (plan.weights ** 2).sum()).astype(plan.weights.dtype)
    raise ArgumentError(f"signal.{who}: scaling must be 'spectrum' or 'psd', got {scaling!r}")


def _overlapped(parts, plan: Layout, boundary: bool):
    """(..., segments, samples) as (..., samples): sums, weighted by the window."""
    count = parts.shape[-2]
    length = plan.size + (count - 1) * plan.step
    where_to = places(length, plan)
    weights = zeros(length, plan.weights.dtype).at[where_to].add(plan.weights ** 2)
    x = zeros((*parts.shape[:-2], length), parts.dtype)
    x = x.at[..., where_to].add(parts * plan.weights)
    if boundary:
        edge = plan.size // 2
        x, weights = x[..., edge:length - edge], weights[edge:length - edge]
    covered = weights > 1e-10
    if isinstance(covered, Array) and not np.asarray(covered).all():
        warnings.warn("signal.istft: the windows do not cover all samples, so the signal is not "
                      "determined there; let segments overlap more", stacklevel=3)
    return x / where(covered, weights, 1)
