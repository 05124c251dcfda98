"""Spectral densities by averages over segments.

P. D. Welch, IEEE Transactions on Audio and Electroacoustics 15 (1967). Imports `numpy`,
`scipy.signal.segments`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex
from functrans.lax.elementwise import complex as complex_
from functrans.numpy.manipulation import broadcast_arrays, moveaxis
from functrans.numpy.promotion import canonical_axis
from functrans.numpy.quantiles import median
from functrans.numpy.repeating import pad
from functrans.numpy.ufuncs import conj
from functrans.scipy.signal.segments import (frequencies, is_onesided, layout, signals,
                                             transformed)


def csd(x, y, fs=1.0, window="hann", nperseg: int | None = None, noverlap: int | None = None,
        nfft: int | None = None, detrend="constant", return_onesided: bool = True,
        scaling: str = "density", axis: int = -1, average: str = "mean"):
    """The cross power spectral density of two signals by Welch's method; (frequencies, values).

    x, y: samples along `axis`, the shorter filled up with zeros; other axes are broadcast. y=None
    is x. nperseg: 256 by default. detrend: "constant", "linear", a function, or False. scaling:
    "density", per unit of frequency, or "spectrum". average: "mean" over segments, or "median",
    without its bias. The other arguments are those of `stft`.
    Raises ValueError for arguments that do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> f, p = ft.scipy.signal.csd(fnp.arange(8.0), fnp.ones(8), nperseg=4, detrend=False)
    >>> f, p.shape
    (Array([0.  , 0.25, 0.5 ], dtype=float32), (3,))
    """
    return _spectrum("csd", x, y, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
                     scaling, axis, average)


def welch(x, fs=1.0, window="hann", nperseg: int | None = None, noverlap: int | None = None,
          nfft: int | None = None, detrend="constant", return_onesided: bool = True,
          scaling: str = "density", axis: int = -1, average: str = "mean"):
    """The power spectral density of a signal by Welch's method; (frequencies, real values).

    Arguments and errors as those of `csd`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> wave = fnp.sin(fnp.arange(64) * (fnp.pi / 4))
    >>> f, p = ft.scipy.signal.welch(wave, nperseg=16)
    >>> f[p.argmax()]
    Array(0.125, dtype=float32)
    """
    return _spectrum("welch", x, None, fs, window, nperseg, noverlap, nfft, detrend,
                     return_onesided, scaling, axis, average)


def _spectrum(who: str, x, y, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
              scaling: str, axis: int, average: str):
    given = (x,) if y is None else (x, y)
    arrays = [moveaxis(part, canonical_axis(axis, part.ndim), -1)
              for part in signals(who, *given)]
    if any(not part.size for part in arrays):
        raise ShapeError(f"signal.{who} needs samples, got {arrays[0].type}")
    length = max(part.shape[-1] for part in arrays)
    arrays = [pad(part, [(0, 0)] * (part.ndim - 1) + [(0, length - part.shape[-1])])
              for part in arrays]
    dtype = arrays[0].dtype
    plan = layout(who, window, nperseg, noverlap, nfft, length, dtype)
    onesided = is_onesided(return_onesided, *arrays)
    scale = _scale(who, plan, fs, scaling)
    first, *second = [transformed(who, part, plan, detrend, onesided)
                      for part in broadcast_arrays(*arrays)]
    power = conj(first) * second[0] if second else first.real ** 2 + first.imag ** 2
    power = power * scale * (_doubled(plan.points, scale.dtype) if onesided else 1)
    power = moveaxis(_averaged(who, power, average), -1, axis)
    return frequencies(plan, fs, onesided, dtype), power


def _scale(who: str, plan, fs, scaling: str):
    weights = plan.weights
    if scaling == "density":
        return 1 / ((weights * weights).sum() * fs).astype(weights.dtype)
    if scaling == "spectrum":
        return 1 / weights.sum() ** 2
    raise ArgumentError(f"signal.{who}: scaling must be 'density' or 'spectrum', got {scaling!r}")


def _doubled(points: int, dtype) -> np.ndarray:
    """The negative frequencies that were left out: of all but 0 and the highest of even points."""
    factors = np.full(points // 2 + 1, 2, dtype)
    factors[0] = 1
    if points % 2 == 0:
        factors[-1] = 1
    return factors


def _averaged(who: str, power, average: str):
    """(..., segments, frequencies) over the segments."""
    if average == "mean":
        return power.mean(-2)
    if average != "median":
        raise ArgumentError(f"signal.{who}: average must be 'mean' or 'median', got {average!r}")
    odd = np.arange(2, power.shape[-2] + 1)
    odd = odd[odd % 2 == 1]
    bias = power.real.dtype.type(1 + (1 / odd - 1 / (odd - 1)).sum())
    if is_complex(power.dtype):
        return complex_(median(power.real, -2) / bias, median(power.imag, -2) / bias)
    return median(power, -2) / bias
