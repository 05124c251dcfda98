"""Convolutions and correlations of any number of axes: as sums of products, or by transforms.

Imports `lax.convolution`, `numpy`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex
from functrans.lax.convolution import conv_general_dilated
from functrans.numpy import fft
from functrans.numpy.creation import zeros
from functrans.numpy.promotion import as_arraylike, canonical_axis, promote, promote_inexact
from functrans.numpy.repeating import pad
from functrans.numpy.turning import flip
from functrans.numpy.ufuncs import conj

_MODES = ("full", "same", "valid")

# Sums of more products than this, of kernels of more elements than that, are left to transforms.
_MANY_PRODUCTS, _LARGE_KERNEL = 1 << 18, 64


def convolve(in1, in2, mode: str = "full", method: str = "auto", precision=None):
    """The convolution of two arrays of equally many axes.

    mode: "full", all overlaps; "same", the middle of that, of the shape of in1; "valid", whole
    overlaps: one array must then be at least as large as the other along every axis.
    method: "direct", sums of products; "fft", by Fourier transforms, which are faster for large
    arrays and rounded to the precision of the largest values; "auto", one of both by the sizes;
    integers are always summed. precision: of no effect.
    Raises ValueError for other modes and methods, and for shapes that do not go together.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.signal.convolve(fnp.array([1, 2, 3]), fnp.array([1, 1]), "same")
    Array([1, 3, 5], dtype=int64)
    """
    a, b = _operands("convolve", in1, in2)
    return _convolve("convolve", a, b, mode, method)


def correlate(in1, in2, mode: str = "full", method: str = "auto", precision=None):
    """The cross-correlation: `in1` convolved with the conjugate of `in2`, turned around.

    Arguments and errors as those of `convolve`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.signal.correlate(fnp.array([1, 2, 3]), fnp.array([0, 1]), "valid")
    Array([2, 3], dtype=int64)
    """
    a, b = _operands("correlate", in1, in2)
    if mode == "valid" and not _covers(a.shape, b.shape):
        return _turned(_convolve("correlate", b, _turned(a), mode, method))
    return _convolve("correlate", a, _turned(b), mode, method)


def convolve2d(in1, in2, mode: str = "full", boundary: str = "fill", fillvalue=0,
               precision=None):
    """The convolution of two matrices. mode: as in `convolve`.

    boundary: what stands around `in1`: "fill", the number `fillvalue`; "wrap", the matrix again;
    "symm", its mirror image. precision: of no effect.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.signal.convolve2d(fnp.ones((2, 2)), fnp.ones((2, 2)))
    Array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]], dtype=float32)
    """
    a, b = _matrices("convolve2d", in1, in2)
    return _bounded("convolve2d", a, b, mode, boundary, fillvalue, 0)


def correlate2d(in1, in2, mode: str = "full", boundary: str = "fill", fillvalue=0,
                precision=None):
    """The cross-correlation of two matrices; arguments as those of `convolve2d`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.signal.correlate2d(fnp.ones((2, 2)), fnp.array([[0.0, 1.0]]), "valid")
    Array([[1.],
           [1.]], dtype=float32)
    """
    a, b = _matrices("correlate2d", in1, in2)
    if mode == "valid" and not _covers(a.shape, b.shape):
        return _turned(_bounded("correlate2d", b, _turned(a), mode, boundary, fillvalue, 1))
    return _bounded("correlate2d", a, _turned(b), mode, boundary, fillvalue, 1)


def fftconvolve(in1, in2, mode: str = "full", axes: Sequence[int] | int | None = None):
    """The convolution along `axes` (all, by default) by Fourier transforms.

    The other axes are broadcast. Integers are computed as default floats. See `convolve`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.signal.fftconvolve(fnp.ones(2), fnp.ones(2)).round(4)
    Array([1., 2., 1.], dtype=float32)
    """
    a, b = promote_inexact(*_operands("fftconvolve", in1, in2))
    axes = range(a.ndim) if axes is None else np.atleast_1d(axes).tolist()
    axes = sorted({canonical_axis(axis, a.ndim) for axis in axes})
    _check_others(a, b, axes)
    if not a.size or not b.size:
        return zeros(0, a.dtype)
    sizes = [(a.shape[axis], b.shape[axis]) for axis in axes]
    _, mode_sizes = _sizes("fftconvolve", sizes, mode)
    full = _by_transforms(a, b, axes)
    return _middle(full, axes, mode_sizes)


# ---- operands ----

def _operands(name: str, in1, in2) -> list:
    a, b = promote(as_arraylike(in1, name), as_arraylike(in2, name))
    if a.ndim != b.ndim:
        raise ShapeError(f"signal.{name} takes arrays of equally many axes, got {a.type} and "
                         f"{b.type}")
    return [a, b]


def _matrices(name: str, in1, in2) -> list:
    a, b = _operands(name, in1, in2)
    if a.ndim != 2:
        raise ShapeError(f"signal.{name} takes matrices, got {a.type} and {b.type}")
    return [a, b]


def _turned(x):
    return flip(conj(x) if is_complex(x.dtype) else x)


def _covers(large: Sequence[int], small: Sequence[int]) -> bool:
    return all(m >= n for m, n in zip(large, small))


def _check_others(a, b, axes):
    for axis in set(range(a.ndim)) - set(axes):
        if a.shape[axis] != b.shape[axis] and 1 not in (a.shape[axis], b.shape[axis]):
            raise ShapeError(f"signal.fftconvolve: axis {axis}, which is not among the axes "
                             f"{tuple(axes)}, is not the same in {a.type} and {b.type}")


def _sizes(name: str, pairs: Sequence[tuple], mode: str) -> tuple:
    """(sizes of the full convolution, of what a mode keeps of it)."""
    if mode not in _MODES:
        raise ArgumentError(f"signal.{name}: mode must be 'full', 'same' or 'valid', got {mode!r}")
    full = [m + n - 1 for m, n in pairs]
    if mode == "full":
        return full, full
    if mode == "same":
        return full, [m for m, _ in pairs]
    first, second = [m for m, _ in pairs], [n for _, n in pairs]
    if not (_covers(first, second) or _covers(second, first)):
        raise ShapeError(f"signal.{name}: for mode='valid' one array must be at least as large as "
                         f"the other along every axis, got sizes {tuple(first)} and "
                         f"{tuple(second)}")
    return full, [abs(m - n) + 1 for m, n in pairs]


# ---- sums of products, transforms ----

def _convolve(name: str, a, b, mode: str, method: str):
    if method not in ("auto", "direct", "fft"):
        raise ArgumentError(f"signal.{name}: method must be 'auto', 'direct' or 'fft', got "
                            f"{method!r}")
    full, kept = _sizes(name, list(zip(a.shape, b.shape)), mode)
    if not a.size or not b.size:
        return zeros(0, a.dtype)
    if a.ndim == 0:
        return a * b
    if not _covers(a.shape, b.shape) and math.prod(b.shape) > math.prod(a.shape):
        a, b = b, a
    exact = a.dtype.kind in "bui"
    by_transforms = method == "fft" or method == "auto" and _is_large(b.shape, kept)
    if by_transforms and not exact:
        return _middle(_by_transforms(a, b, range(a.ndim)), range(a.ndim), kept)
    return _by_products(a, b, full, kept)


def _is_large(kernel, kept) -> bool:
    count = math.prod(kernel)
    return count > _LARGE_KERNEL and count * math.prod(kept) > _MANY_PRODUCTS


def _by_products(a, b, full: Sequence[int], kept: Sequence[int]):
    """What is kept of the full convolution, and nothing else, is summed."""
    before = [(m - n) // 2 for m, n in zip(full, kept)]
    pads = [(n - 1 - low, n - 1 - (m - k - low))
            for n, m, k, low in zip(b.shape, full, kept, before)]
    truth = a.dtype.kind == "b"
    if truth:
        a, b = a.astype("int64"), b.astype("int64")
    out = conv_general_dilated(a[None, None], flip(b)[None, None], (1,) * a.ndim, pads)[0, 0]
    return out != 0 if truth else out


def _by_transforms(a, b, axes: Sequence[int]):
    """The full convolution along some axes."""
    axes = [axis for axis in axes if a.shape[axis] != 1 and b.shape[axis] != 1]
    if not axes:
        return a * b
    sizes = [a.shape[axis] + b.shape[axis] - 1 for axis in axes]
    fast = [_fast_size(size) for size in sizes]
    if is_complex(a.dtype):
        out = fft.ifftn(fft.fftn(a, fast, axes) * fft.fftn(b, fast, axes), fast, axes)
    else:
        out = fft.irfftn(fft.rfftn(a, fast, axes) * fft.rfftn(b, fast, axes), fast, axes)
    cut = [slice(None)] * a.ndim
    for axis, size in zip(axes, sizes):
        cut[axis] = slice(size)
    return out[tuple(cut)].astype(a.dtype)


def _fast_size(size: int) -> int:
    """The smallest number that is not less and has the factors 2, 3 and 5 alone."""
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


def _middle(x, axes: Sequence[int], sizes: Sequence[int], more: int = 0):
    """more: 1 where, of what is left out, the larger half stands before."""
    cut = [slice(None)] * x.ndim
    for axis, size in zip(axes, sizes):
        start = (x.shape[axis] - size + more) // 2
        cut[axis] = slice(start, start + size)
    return x[tuple(cut)]


# ---- matrices with something around them ----

_PAD_MODES = {"wrap": "wrap", "symm": "symmetric"}


def _bounded(name: str, a, b, mode: str, boundary: str, fillvalue, more: int):
    if boundary not in ("fill", *_PAD_MODES):
        raise ArgumentError(f"signal.{name}: boundary must be 'fill', 'wrap' or 'symm', got "
                            f"{boundary!r}")
    _, kept = _sizes(name, list(zip(a.shape, b.shape)), mode)
    if mode == "valid" or not a.size or not b.size:
        return _convolve(name, a, b, mode, "direct")
    around = [(n - 1, n - 1) for n in b.shape]
    if boundary == "fill":
        padded = pad(a, around, constant_values=fillvalue)
    else:
        padded = pad(a, around, _PAD_MODES[boundary])
    return _middle(_convolve(name, padded, b, "valid", "direct"), (0, 1), kept, more)
