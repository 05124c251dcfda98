"""Cosine transforms, by Fourier transforms. Imports `numpy`.

J. Makhoul, "A fast cosine transform in one and two dimensions", IEEE Transactions on Acoustics,
Speech, and Signal Processing 28 (1980).
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex
from functrans.lax.elementwise import complex as complex_
from functrans.numpy import fft
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.promotion import as_arraylike, canonical_axis, materialize, promote_inexact
from functrans.numpy.repeating import pad
from functrans.numpy.turning import flip
from functrans.primitives.elementwise import convert

__all__ = ["dct", "dctn", "idct", "idctn"]


def dct(x, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The discrete cosine transform of type 1, 2, 3 or 4 along an axis.

    n: x is cut off, or filled up with zeros, to so many points. norm: "backward" (None), "ortho",
    or "forward". Type 2: `2 * sum(x[j] * cos(pi * k * (2 j + 1) / (2 n)))`. Complex x is
    transformed by its parts. Raises ValueError for other types, norms and sizes.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.fft.dct(fnp.ones(4)).round(4) + 0.0
    Array([8., 0., 0., 0.], dtype=float32)
    """
    return _along("dct", x, type, n, axis, norm, inverse=False)


def idct(x, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None):
    """What `dct` with the same arguments transforms to x.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.fft.idct(fnp.array([8.0, 0.0, 0.0, 0.0])).round(4)
    Array([1., 1., 1., 1.], dtype=float32)
    """
    return _along("idct", x, type, n, axis, norm, inverse=True)


def dctn(x, type: int = 2, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
         norm: str | None = None):
    """The cosine transform along several axes, all by default; s: sizes along them. See `dct`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.fft.dctn(fnp.ones((2, 2)))[0, 0].round(4)
    Array(16., dtype=float32)
    """
    return _along_all("dctn", x, type, s, axes, norm, inverse=False)


def idctn(x, type: int = 2, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
          norm: str | None = None):
    """What `dctn` with the same arguments transforms to x.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.fft.idctn(fnp.array([[16.0, 0.0], [0.0, 0.0]])).round(4)
    Array([[1., 1.],
           [1., 1.]], dtype=float32)
    """
    return _along_all("idctn", x, type, s, axes, norm, inverse=True)


def _along_all(name: str, x, type: int, s, axes, norm, inverse: bool):
    x = as_arraylike(x, name)
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = [canonical_axis(axis, x.ndim) for axis in axes]
    sizes = [None] * len(axes) if s is None else list(s)
    if len(sizes) != len(axes) or len(set(axes)) != len(axes):
        raise ShapeError(f"fft.{name}: sizes {s} do not fit axes {axes}, which must differ")
    for axis, size in zip(axes, sizes):
        x = _along(name, x, type, size, axis, norm, inverse)
    return x


def _along(name: str, x, type: int, n, axis: int, norm, inverse: bool):
    if type not in (1, 2, 3, 4):
        raise ArgumentError(f"fft.{name}: type must be 1, 2, 3 or 4, got {type!r}")
    if norm not in (None, "backward", "ortho", "forward"):
        raise ArgumentError(f"fft.{name}: norm must be 'backward', 'ortho' or 'forward', got "
                            f"{norm!r}")
    x = materialize(promote_inexact(as_arraylike(x, name))[0])
    x = convert(x, np.float32) if x.dtype.itemsize == 2 else x
    axis = canonical_axis(axis, x.ndim)
    x = _fitted(name, moveaxis(x, axis, -1), n, least=2 if type == 1 else 1)
    kind = {2: 3, 3: 2}.get(type, type) if inverse else type
    if is_complex(x.dtype):
        out = complex_(_scaled(x.real, kind, norm, inverse), _scaled(x.imag, kind, norm, inverse))
    else:
        out = _scaled(x, kind, norm, inverse)
    return moveaxis(out, -1, axis)


def _fitted(name: str, x, n, least: int):
    size = x.shape[-1] if n is None else n
    if size < least:
        raise ShapeError(f"fft.{name}: at least {least} points are needed, got {size}")
    x = x[..., :size]
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, size - x.shape[-1])])


def _scaled(x, kind: int, norm, inverse: bool):
    """The transform of a kind, with the factors of its norm."""
    size = x.shape[-1]
    period = 2 * (size - 1) if kind == 1 else 2 * size
    ends = np.ones(size)
    if norm == "ortho" and kind != 4:
        ends[0] = math.sqrt(0.5)
        if kind == 1:
            ends[-1] = math.sqrt(0.5)
    ends = ends.astype(x.dtype)
    out = _KINDS[kind](x / ends if kind in (1, 3) else x)
    out = out * ends if kind in (1, 2) else out
    if norm == "ortho":
        return out * out.dtype.type(math.sqrt(1 / period))
    return out / out.dtype.type(period) if inverse != (norm == "forward") else out


# ---- the four kinds, without factors ----

def _turns(angles: np.ndarray, dtype) -> np.ndarray:
    return np.exp(1j * angles).astype(np.result_type(dtype, np.complex64))


def _first(x):
    return fft.rfft(concatenate([x, flip(x[..., 1:-1], -1)], -1)).real


def _second(x):
    size = x.shape[-1]
    folded = concatenate([x[..., ::2], flip(x[..., 1::2], -1)], -1)
    turns = _turns(-np.pi * np.arange(size) / (2 * size), x.dtype)
    return 2 * (fft.fft(folded) * turns).real


def _third(x):
    size = x.shape[-1]
    back = concatenate([x[..., :1] * 0, flip(x[..., 1:], -1)], -1)
    turns = _turns(np.pi * np.arange(size) / (2 * size), x.dtype)
    folded = fft.ifft(complex_(x, -back) * turns).real * size
    places = np.empty(size, int)
    places[::2], places[1::2] = np.arange((size + 1) // 2), np.arange(size - 1, (size - 1) // 2, -1)
    return folded[..., places]


def _fourth(x):
    size = x.shape[-1]
    before = _turns(-np.pi * np.arange(size) / (2 * size), x.dtype)
    after = _turns(-np.pi * (2 * np.arange(size) + 1) / (4 * size), x.dtype)
    return 2 * (fft.fft(x * before, 2 * size)[..., :size] * after).real


_KINDS = {1: _first, 2: _second, 3: _third, 4: _fourth}
