"""Windows by name: weights that fall off towards both ends, periodic, as NumPy arrays.

F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform",
Proceedings of the IEEE 66 (1978); A. Nuttall, IEEE Transactions on Acoustics, Speech, and Signal
Processing 29 (1981). In: a name, (name, parameter), a parameter of Kaiser's window, or weights.
Out: a vector of float64, or the array that was given. Imports NumPy.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ShapeError

# Weights of cos(2 pi k n / size), with alternating signs.
_COSINES = {
    "hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}
_KIN = {"hanning": "hann", "han": "hann", "hamm": "hamming", "black": "blackman",
        "blk": "blackman", "box": "boxcar", "ones": "boxcar", "rect": "boxcar",
        "rectangular": "boxcar", "bart": "bartlett", "brt": "bartlett", "tri": "triang",
        "triangle": "triang", "flat": "flattop", "flt": "flattop", "halfcosine": "cosine",
        "nut": "nuttall", "nutt": "nuttall", "tuk": "tukey", "ksr": "kaiser",
        "gauss": "gaussian", "gss": "gaussian"}


def window_of(window, size: int, who: str):
    """The weights that `window` names, `size` of them."""
    if isinstance(window, (ArrayBase, np.ndarray, list)):
        shape = np.shape(window)
        if shape != (size,):
            raise ShapeError(f"signal.{who}: the window has shape {shape}; with segments of "
                             f"{size} samples it must be ({size},)")
        return window if isinstance(window, ArrayBase) else np.asarray(window)
    if isinstance(window, (int, float)):
        return _periodic(_kaiser(float(window)), size)
    name, *parameters = (window,) if isinstance(window, str) else tuple(window)
    return _periodic(_shape(name, parameters, who), size)


def _shape(name: str, parameters: list, who: str) -> Callable:
    """A function of n and the number of points, symmetric."""
    name = name.lower().removesuffix("_periodic") if isinstance(name, str) else name
    name = _KIN.get(name, name)
    plain = {"boxcar": _boxcar, "triang": _triang, "bartlett": _bartlett, "cosine": _cosine,
             **{key: _general_cosine(weights) for key, weights in _COSINES.items()}}
    of_one = {"kaiser": _kaiser, "gaussian": _gaussian, "tukey": _tukey, "general_hamming":
              lambda alpha: _general_cosine((alpha, 1 - alpha)),
              "general_cosine": _general_cosine}
    if name in plain and not parameters:
        return plain[name]
    if name == "tukey" and not parameters:
        return _tukey(0.5)
    if name in of_one and len(parameters) == 1:
        return of_one[name](parameters[0])
    raise ArgumentError(f"signal.{who}: no window {name!r} with parameters {tuple(parameters)}; "
                        f"there are {', '.join(plain)}, tukey, with one parameter "
                        f"{', '.join(of_one)}, as ('kaiser', 8.0), and arrays of weights")


def _periodic(shape: Callable, size: int) -> np.ndarray:
    """One point more, and the last one left out: so the window fits Fourier transforms."""
    if size < 2:
        return np.ones(size)
    return shape(np.arange(size, dtype=float), size + 1)


def _boxcar(n, points):
    return np.ones_like(n)


def _bartlett(n, points):
    return 1 - np.abs(2 * n / (points - 1) - 1)


def _triang(n, points):
    """As Bartlett's, without zeros at the ends."""
    return 1 - np.abs(2 * n - (points - 1)) / (points + points % 2)


def _cosine(n, points):
    return np.sin(np.pi / points * (n + 0.5))


def _general_cosine(weights) -> Callable:
    def shape(n, points):
        angle = 2 * np.pi * n / (points - 1)
        return sum((-1) ** k * w * np.cos(k * angle) for k, w in enumerate(weights))
    return shape


def _kaiser(beta: float) -> Callable:
    return lambda n, points: np.i0(beta * np.sqrt(
        np.maximum(1 - (2 * n / (points - 1) - 1) ** 2, 0))) / np.i0(beta)


def _gaussian(std: float) -> Callable:
    return lambda n, points: np.exp(-0.5 * ((n - (points - 1) / 2) / std) ** 2)


def _tukey(alpha: float) -> Callable:
    """Flat in the middle, half a cosine over a part `alpha` of the points."""
    def shape(n, points):
        if alpha <= 0:
            return np.ones_like(n)
        edge = min(alpha, 1) * (points - 1) / 2
        away = np.minimum(n, points - 1 - n)
        return np.where(away < edge, 0.5 * (1 - np.cos(np.pi * away / edge)), 1)
    return shape
