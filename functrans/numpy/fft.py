"""Discrete Fourier transforms: NumPy's `fft`, and the standard's fft extension.

float32 gives complex64; integers count as default floats, half precision as float32. All are
differentiable to any order. Imports `numpy`, `primitives.fft`.
"""
from __future__ import annotations

import operator

import numpy as np

from functrans.array import as_array
from functrans.device import elsewhere
from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.numpy import turning
from functrans.numpy.promotion import as_arraylike, canonical_axis, canonical_dtype, promote_inexact
from functrans.numpy.ufuncs import conjugate
from functrans.primitives import fft as prim
from functrans.primitives.elementwise import convert
from functrans.primitives.matrices import as_dtype, complex_dtype
from functrans.primitives.shape import pad, slice_axis

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn",
           "ifftshift", "ihfft", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq",
           "rfftn"]

_NORMS = ("backward", "forward", "ortho")


# ---- operands ----

def _operand(x, kind: str, name: str):
    """The operand in the dtype that a kind of transform takes."""
    x, = promote_inexact(as_arraylike(x, name))
    if x.dtype.itemsize == 2:
        x = convert(x, np.float32)
    if kind == "rfft":
        if x.dtype.kind == "c":
            raise DtypeError(f"fft.{name} takes real arrays, got {x.type}; take the real part, or "
                             f"use fft.{name.lstrip('ri')}")
        return x
    return as_dtype(x, complex_dtype(x.dtype))


def _axes_and_sizes(x, s, axes, kind: str, name: str) -> tuple:
    """The axes, and the size of the transform along each."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = tuple(canonical_axis(axis, x.ndim) for axis in axes)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"fft.{name}: axes {axes} name one twice")
    if s is None:
        s = [None] * len(axes)
    if len(s) != len(axes):
        raise ShapeError(f"fft.{name}: {len(s)} sizes {tuple(s)} for {len(axes)} axes {axes}")
    return axes, tuple(_size(x, axis, n, kind == "irfft" and axis == axes[-1], name)
                       for axis, n in zip(axes, s))


def _size(x, axis: int, n, half: bool, name: str) -> int:
    """The size along an axis; that of the array if none (or -1) is given."""
    if n is None or n == -1:
        n = 2 * (x.shape[axis] - 1) if half else x.shape[axis]
    n = operator.index(n)
    if n < 1:
        raise ArgumentError(
            f"fft.{name}: the transform along axis {axis} of {x.type} would have {n} "
            "points; at least 1 is needed")
    return n


def _fitted(x, axis: int, size: int):
    """`x` cut off, or filled up with zeros, to a size along an axis."""
    if x.shape[axis] > size:
        return slice_axis(x, axis, 0, size)
    high = [0] * x.ndim
    high[axis] = size - x.shape[axis]
    return pad(x, [0] * x.ndim, high)


def _transform(x, kind: str, s, axes, norm, name: str):
    norm = "backward" if norm is None else norm
    if norm not in _NORMS:
        raise ArgumentError(
            f"fft.{name}: norm must be 'backward', 'forward' or 'ortho', got {norm!r}")
    x = _operand(x, kind, name)
    axes, sizes = _axes_and_sizes(x, s, axes, kind, name)
    if not axes:
        return x
    for axis, size in zip(axes, sizes):
        half = kind == "irfft" and axis == axes[-1]
        x = _fitted(x, axis, size // 2 + 1 if half else size)
    return prim.fft(x, kind, sizes, axes, norm)


def _one(x, kind: str, n, axis, norm, name: str):
    return _transform(x, kind, None if n is None else (n,), (axis,), norm, name)


def fft(a, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The discrete Fourier transform along an axis.

    n: the size of the transform; `a` is cut off or filled up with zeros to it. norm: "backward"
    (default: the inverse is divided by n), "forward", or "ortho" (both by its root).
    Raises ValueError if n is less than 1.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.fft(fnp.array([1.0, 0.0]))
    Array([1.+0.j, 1.+0.j], dtype=complex64)
    """
    return _one(a, "fft", n, axis, norm, "fft")


def ifft(a, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The inverse of `fft`.

    n: the size of the transform; `a` is cut off or filled up with zeros to it. norm: "backward"
    (default: the inverse is divided by n), "forward", or "ortho" (both by its root).
    Raises ValueError if n is less than 1.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.ifft(fnp.array([2.0, 0.0]))
    Array([1.+0.j, 1.+0.j], dtype=complex64)
    """
    return _one(a, "ifft", n, axis, norm, "ifft")


def rfft(a, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The transform of real numbers: the n // 2 + 1 frequencies that are not negative.

    n: the size of the transform; `a` is cut off or filled up with zeros to it. norm: "backward"
    (default: the inverse is divided by n), "forward", or "ortho" (both by its root).
    Raises ValueError if n is less than 1.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.rfft(fnp.array([1.0, 0.0, 0.0])).shape
    (2,)
    """
    return _one(a, "rfft", n, axis, norm, "rfft")


def irfft(a, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The inverse of `rfft`: n real numbers, 2 (m - 1) by default of m frequencies.

    n: the size of the transform; `a` is cut off or filled up with zeros to it. norm: "backward"
    (default: the inverse is divided by n), "forward", or "ortho" (both by its root).
    Raises ValueError if n is less than 1.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.irfft(fnp.array([1.0, 1.0]))
    Array([1., 0.], dtype=float32)
    """
    return _one(a, "irfft", n, axis, norm, "irfft")


def hfft(a, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The transform, real, of a Hermitian array that is given by its half.

    n: the size of the result, 2 (m - 1) by default of m elements. norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.hfft(fnp.array([1.0, 1.0]))
    Array([2., 0.], dtype=float32)
    """
    return _one(conjugate(as_arraylike(a, "hfft")), "irfft", n, axis, _opposite(norm, "hfft"),
                "hfft")


def ihfft(a, n: int | None = None, axis: int = -1, norm: str | None = None):
    """The inverse of `hfft`: the half of a Hermitian array, of n // 2 + 1 elements.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.ihfft(fnp.array([2.0, 0.0])).shape
    (2,)
    """
    return conjugate(_one(a, "rfft", n, axis, _opposite(norm, "ihfft"), "ihfft"))


def _opposite(norm, name: str) -> str:
    """The norm of the opposite direction."""
    found = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}
    if norm not in found:
        raise ArgumentError(
            f"fft.{name}: norm must be 'backward', 'forward' or 'ortho', got {norm!r}")
    return found[norm]


# ---- several axes ----

def fftn(a, s=None, axes=None, norm: str | None = None):
    """The discrete Fourier transform over several axes.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: all by default, or as many last ones as there are sizes.
    norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.fftn(fnp.ones((2, 4))).shape
    (2, 4)
    """
    return _transform(a, "fft", s, axes, norm, "fftn")


def ifftn(a, s=None, axes=None, norm: str | None = None):
    """The inverse of `fftn`.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: all by default, or as many last ones as there are sizes.
    norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.ifftn(fnp.ones((2, 4))).shape
    (2, 4)
    """
    return _transform(a, "ifft", s, axes, norm, "ifftn")


def rfftn(a, s=None, axes=None, norm: str | None = None):
    """The transform of real numbers over several axes; half a spectrum along the last.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: all by default, or as many last ones as there are sizes.
    norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.rfftn(fnp.ones((2, 4))).shape
    (2, 3)
    """
    return _transform(a, "rfft", s, axes, norm, "rfftn")


def irfftn(a, s=None, axes=None, norm: str | None = None):
    """The inverse of `rfftn`: real numbers.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: all by default, or as many last ones as there are sizes.
    norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.irfftn(fnp.ones((2, 4))).shape
    (2, 6)
    """
    return _transform(a, "irfft", s, axes, norm, "irfftn")


def fft2(a, s=None, axes=(-2, -1), norm: str | None = None):
    """The discrete Fourier transform over two axes.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: two of them, the last two by default. norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.fft2(fnp.ones((2, 4))).shape
    (2, 4)
    """
    return _transform(a, "fft", s, axes, norm, "fft2")


def ifft2(a, s=None, axes=(-2, -1), norm: str | None = None):
    """The inverse of `fft2`.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: two of them, the last two by default. norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.ifft2(fnp.ones((2, 4))).shape
    (2, 4)
    """
    return _transform(a, "ifft", s, axes, norm, "ifft2")


def rfft2(a, s=None, axes=(-2, -1), norm: str | None = None):
    """The transform of real numbers over two axes; half a spectrum along the last.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: two of them, the last two by default. norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.rfft2(fnp.ones((2, 4))).shape
    (2, 3)
    """
    return _transform(a, "rfft", s, axes, norm, "rfft2")


def irfft2(a, s=None, axes=(-2, -1), norm: str | None = None):
    """The inverse of `rfft2`: real numbers.

    s: the sizes of the transform along `axes`, to which `a` is cut off or filled up with zeros;
    -1 or None for the array's own. axes: two of them, the last two by default. norm: as for `fft`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.irfft2(fnp.ones((2, 4))).shape
    (2, 6)
    """
    return _transform(a, "irfft", s, axes, norm, "irfft2")


# ---- frequencies ----

def fftfreq(n: int, d: float = 1.0, *, dtype=None, device=None):
    """The frequencies of `fft` of n points a distance d apart: first 0 and up, then negative ones.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.fftfreq(4)
    Array([ 0.  ,  0.25, -0.5 , -0.25], dtype=float32)
    """
    return _made(device, np.fft.fftfreq, n, d, dtype, "fftfreq")


def rfftfreq(n: int, d: float = 1.0, *, dtype=None, device=None):
    """The frequencies of `rfft` of n points a distance d apart.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.rfftfreq(4)
    Array([0.  , 0.25, 0.5 ], dtype=float32)
    """
    return _made(device, np.fft.rfftfreq, n, d, dtype, "rfftfreq")


def _made(device, *args):
    if device is None and not elsewhere.active:
        return _frequencies(*args)
    return elsewhere.made_on(device, _frequencies, *args)


def _frequencies(function, n, d, dtype, name: str):
    """d may be traced, so it divides the frequencies of distance 1."""
    try:
        n = operator.index(n)
    except TypeError:
        raise ArgumentError(f"fft.{name}: n must be an int, got {n!r}") from None
    if n < 1:
        raise ArgumentError(f"fft.{name}: n must be at least 1, got {n}")
    dtype = canonical_dtype(dtype)
    if not isinstance(d, (int, float)):
        return as_array(function(n).astype(dtype)) / convert(as_arraylike(d), dtype)
    return as_array(function(n, d).astype(dtype))


def fftshift(x, axes=None):
    """The zero frequency moved to the middle, along axes (all by default).

    >>> import functrans.numpy as fnp
    >>> fnp.fft.fftshift(fnp.array([0, 1, 2, -2, -1]))
    Array([-2, -1,  0,  1,  2], dtype=int64)
    """
    x = as_arraylike(x, "fftshift")
    return _rolled(x, axes, lambda size: size // 2)


def ifftshift(x, axes=None):
    """The inverse of `fftshift`.

    >>> import functrans.numpy as fnp
    >>> fnp.fft.ifftshift(fnp.array([-2, -1, 0, 1, 2]))
    Array([ 0,  1,  2, -2, -1], dtype=int64)
    """
    x = as_arraylike(x, "ifftshift")
    return _rolled(x, axes, lambda size: -(size // 2))


def _rolled(x, axes, shift):
    axes = range(x.ndim) if axes is None else axes if hasattr(axes, "__len__") else (axes,)
    axes = tuple(canonical_axis(axis, x.ndim) for axis in axes)
    return turning.roll(x, tuple(shift(x.shape[axis]) for axis in axes), axes)
