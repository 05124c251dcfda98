"""Signals in overlapping segments, and their Fourier transforms: what spectra share.

Imports `numpy`, `scipy.signal.trends`, `scipy.signal.windows`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex
from functrans.numpy import fft
from functrans.numpy.calculus import cast_like
from functrans.numpy.joining import concatenate
from functrans.numpy.promotion import as_arraylike, materialize, promote_inexact
from functrans.numpy.repeating import pad
from functrans.numpy.turning import flip
from functrans.primitives.elementwise import convert
from functrans.primitives.matrices import real_dtype
from functrans.scipy.signal.trends import detrend as without_trend
from functrans.scipy.signal.windows import window_of


@dataclass(frozen=True, slots=True)
class Layout:
    """How segments lie: `size` samples each, `step` apart, transformed with `points` points.

    weights: (size,), the window.
    """
    size: int
    step: int
    points: int
    weights: object


def layout(who: str, window, nperseg, noverlap, nfft, length: int | None, dtype,
           default: int = 256) -> Layout:
    """The arguments of SciPy as a Layout; a named window is no longer than the signal."""
    given = not isinstance(window, (str, tuple, int, float))
    size = nperseg if nperseg is not None else np.shape(window)[0] if given else default
    size = _count(size, "nperseg", who)
    if length is not None and not given:
        size = min(size, length)
    if length is not None and length < size:
        raise ShapeError(f"signal.{who}: a window of {size} samples, but the signal has {length}")
    overlap = size // 2 if noverlap is None else _count(noverlap, "noverlap", who, least=0)
    points = size if nfft is None else _count(nfft, "nfft", who)
    if overlap >= size:
        raise ArgumentError(f"signal.{who}: noverlap must be less than nperseg, got {overlap} and "
                            f"{size}")
    if points < size:
        raise ArgumentError(f"signal.{who}: nfft must not be less than nperseg, got {points} and "
                            f"{size}")
    weights = convert(as_arraylike(window_of(window, size, who)), real_dtype(dtype))
    return Layout(size, size - overlap, points, weights)


def _count(value, what: str, who: str, least: int = 1) -> int:
    if not hasattr(value, "__index__") or value.__index__() < least:
        raise ArgumentError(f"signal.{who}: {what} must be an int and at least {least}, got "
                            f"{value!r}")
    return value.__index__()


def signals(who: str, *given) -> list:
    """Operands as arrays of one dtype that can be transformed."""
    arrays = [materialize(x) for x in promote_inexact(*[as_arraylike(x, who) for x in given])]
    return [convert(x, np.float32) if x.dtype.itemsize == 2 else x for x in arrays]


def places(length: int, plan: Layout) -> np.ndarray:
    """(segments, size): where the samples of each segment are."""
    count = (length - plan.size) // plan.step + 1
    return np.arange(count)[:, None] * plan.step + np.arange(plan.size)


def transformed(who: str, x, plan: Layout, detrend, onesided: bool):
    """(..., samples) as (..., segments, frequencies)."""
    parts = x[..., places(x.shape[-1], plan)]
    if callable(detrend):
        parts = detrend(parts)
    elif detrend:
        parts = without_trend(parts, type=detrend)
    transform = fft.rfft if onesided else fft.fft
    return transform(parts * plan.weights, plan.points)


def is_onesided(return_onesided: bool, *arrays) -> bool:
    """Half of a spectrum says all of a real signal."""
    return bool(return_onesided) and not any(is_complex(x.dtype) for x in arrays)


def frequencies(plan: Layout, fs, onesided: bool, dtype):
    """Of the points of a transform, in units of `fs`."""
    function = fft.rfftfreq if onesided else fft.fftfreq
    values = function(plan.points, dtype=real_dtype(dtype))
    return values * cast_like(fs, values)


def times(samples: np.ndarray, fs, dtype):
    """Places of samples in units of 1 / `fs`."""
    values = convert(as_arraylike(samples), real_dtype(dtype))
    return values / cast_like(fs, values)


def extended(who: str, x, count: int, boundary: str):
    """(..., samples) with `count` more at both ends."""
    around = [(0, 0)] * (x.ndim - 1) + [(count, count)]
    if boundary == "zeros":
        return pad(x, around)
    if boundary == "constant":
        return pad(x, around, "edge")
    if boundary not in ("even", "odd"):
        raise ArgumentError(f"signal.{who}: boundary must be 'even', 'odd', 'constant', 'zeros' "
                            f"or None, got {boundary!r}")
    if count >= x.shape[-1]:
        raise ArgumentError(f"signal.{who}: boundary={boundary!r} needs more than {count} samples, "
                            f"got {x.shape[-1]}")
    if boundary == "even":
        return pad(x, around, "reflect")
    last = x.shape[-1]
    before = 2 * x[..., :1] - flip(x[..., 1:count + 1], -1)
    after = 2 * x[..., -1:] - flip(x[..., last - count - 1:last - 1], -1)
    return concatenate([before, x, after], -1)
