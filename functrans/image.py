"""Images of other sizes: names, arguments and meaning of `jax.image`.

A pixel covers an interval of length 1, and its middle counts: pixel k lies at k + 1/2. Each axis is
resampled by itself, by a matrix of weights. Imports `numpy`.
"""
from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex
from functrans.numpy.choosing import where
from functrans.numpy.creation import zeros
from functrans.numpy.indexing import take
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.products import matmul
from functrans.numpy.promotion import as_arraylike, canonical_axis, materialize, promote_inexact
from functrans.numpy.ranges import arange
from functrans.numpy.reductions import sum
from functrans.numpy.ufuncs import abs, maximum, minimum, sinc
from functrans.primitives.elementwise import convert

__all__ = ["ResizeMethod", "resize", "scale_and_translate"]


class ResizeMethod(enum.Enum):
    """How pixels are weighted: see `resize`."""
    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4
    CUBIC_PYTORCH = 5
    AREA = 6

    @staticmethod
    def from_string(name: str) -> ResizeMethod:
        """The method of a name, such as "linear", "bilinear" or "cubic"."""
        if name not in _NAMES:
            raise ArgumentError(f"image: no method {name!r}; there are {', '.join(_NAMES)}")
        return _NAMES[name]


_NAMES = {
    "nearest": ResizeMethod.NEAREST,
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), ResizeMethod.LINEAR),
    "lanczos3": ResizeMethod.LANCZOS3, "lanczos5": ResizeMethod.LANCZOS5,
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), ResizeMethod.CUBIC),
    **dict.fromkeys(("cubic-pytorch", "bicubic-pytorch", "tricubic-pytorch"),
                    ResizeMethod.CUBIC_PYTORCH),
    "area": ResizeMethod.AREA,
}


def resize(image, shape: Sequence[int], method: str | ResizeMethod, antialias: bool = True,
           precision=None):
    """An image in another shape.

    image: an array; integers become default floats, except with "nearest". shape: as many sizes;
    an axis whose size stays is left alone. method: "nearest", the pixel at that place; "linear",
    "cubic" (R. Keys, 1981, with a = -1/2), "lanczos3", "lanczos5" (C. Duchon, 1979), "area", the
    mean over what the new pixel covers, and "cubic-pytorch", as "cubic", but with a = -3/4 and
    repeated edges without antialiasing. antialias: whether the weights grow wider as the image
    gets smaller, so that no detail is folded down. precision: of no effect. Differentiable;
    the weights of pixels at an edge sum to 1.
    Raises ValueError for other methods and numbers of sizes.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.image.resize(fnp.array([0.0, 4.0]), (4,), "linear")
    Array([0., 1., 3., 4.], dtype=float32)
    """
    image = as_arraylike(image, "resize")
    shape, method = _shape(image, shape, "resize"), _method(method)
    axes = [axis for axis in range(image.ndim) if image.shape[axis] != shape[axis]]
    if method is ResizeMethod.NEAREST:
        return _nearest(image, shape, axes)
    image = materialize(promote_inexact(image)[0])
    for axis in axes:
        size = shape[axis]
        scale = size / image.shape[axis] if image.shape[axis] else 1.0
        image = _resampled(image, axis, size, scale, 0.0, method, antialias)
    return image


def scale_and_translate(image, shape: Sequence[int], spatial_dims: Sequence[int], scale,
                        translation, method: str | ResizeMethod, antialias: bool = True,
                        precision=None):
    """An image, scaled and moved: the place x becomes `x * scale + translation`.

    shape: of the result, the same as that of the image but along `spatial_dims`. scale,
    translation: vectors, a number for each of these; may be traced, and have derivatives.
    What comes from outside of the image is 0. method, antialias, precision: as in `resize`, without
    "nearest". Raises ValueError for arguments that do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.image.scale_and_translate(fnp.array([1.0, 2.0]), (3,), (0,), fnp.ones(1), fnp.ones(1),
    ...                              "linear")
    Array([0., 1., 2.], dtype=float32)
    """
    image = materialize(promote_inexact(as_arraylike(image, "scale_and_translate"))[0])
    shape, method = _shape(image, shape, "scale_and_translate"), _method(method)
    if method is ResizeMethod.NEAREST:
        raise ArgumentError("image.scale_and_translate: the method 'nearest' is none of weights; "
                            "use 'linear', 'cubic', 'lanczos3' or 'lanczos5', or image.resize")
    axes = [canonical_axis(axis, image.ndim) for axis in spatial_dims]
    changed = [k for k in range(image.ndim) if image.shape[k] != shape[k] and k not in axes]
    if changed:
        raise ShapeError(f"image.scale_and_translate: axis {changed[0]} is not among spatial_dims "
                         f"{tuple(spatial_dims)}, but its size changes from "
                         f"{image.shape[changed[0]]} to {shape[changed[0]]}")
    scale, translation = (_of_axes(x, axes, name) for x, name in (
        (scale, "scale"), (translation, "translation")))
    for place, axis in enumerate(axes):
        image = _resampled(image, axis, shape[axis], scale[place], translation[place], method,
                           antialias)
    return image


# ---- arguments ----

def _shape(image, shape: Sequence[int], who: str) -> tuple:
    shape = tuple(size.__index__() for size in shape)
    if len(shape) != image.ndim or any(size < 0 for size in shape):
        raise ShapeError(f"image.{who}: the new shape must have {image.ndim} sizes, as the image "
                         f"{image.type} has, got {shape}")
    return shape


def _method(method) -> ResizeMethod:
    return method if isinstance(method, ResizeMethod) else ResizeMethod.from_string(method)


def _of_axes(x, axes: Sequence[int], name: str):
    x = materialize(promote_inexact(as_arraylike(x, name))[0])
    if x.shape != (len(axes),):
        raise ShapeError(f"image.scale_and_translate: {name} must be a vector of {len(axes)}, one "
                         f"for each of spatial_dims, got {x.type}")
    return x


# ---- resampling ----

def _nearest(image, shape: Sequence[int], axes: Sequence[int]):
    for axis in axes:
        size = image.shape[axis]
        middles = (np.arange(shape[axis]) + 0.5) * (size / shape[axis])
        image = take(image, np.minimum(np.floor(middles).astype(np.int64), size - 1), axis)
    return image


def _resampled(image, axis: int, size: int, scale, translation, method: ResizeMethod,
               antialias: bool):
    kind = np.dtype(np.float64 if image.dtype.name in ("float64", "complex128") else np.float32)
    weights = _weights(image.shape[axis], size, _as(scale, kind), _as(translation, kind), method,
                       antialias)
    wide = convert(image, np.result_type(kind, image.dtype))
    if is_complex(image.dtype):
        weights = convert(weights, image.dtype)
    return convert(moveaxis(matmul(moveaxis(wide, axis, -1), weights), -1, axis), image.dtype)


def _as(x, kind: np.dtype):
    return kind.type(x) if isinstance(x, float) else convert(x, kind)


def _weights(count: int, size: int, scale, translation, method: ResizeMethod, antialias: bool):
    """(count, size): of each old pixel in each new one; columns sum to 1, or are 0 outside."""
    kind = scale.dtype
    inverse = 1 / scale
    middles = (arange(size, dtype=kind) + 0.5) * inverse - translation * inverse - 0.5
    weights = _raw_weights(count, middles, inverse, method, antialias)
    total = sum(weights, 0, keepdims=True)
    some = abs(total) > 1000 * np.finfo(kind).eps
    weights = where(some, weights / where(some, total, 1), 0)
    inside = (middles >= -0.5) & (middles <= count - 0.5)
    return where(inside[None, :], weights, 0)


def _raw_weights(count: int, middles, inverse, method: ResizeMethod, antialias: bool):
    """Weights before they are scaled to sums of 1."""
    pixels = arange(count, dtype=middles.dtype)[:, None]
    if method is ResizeMethod.AREA:
        low, high = middles - inverse / 2, middles + inverse / 2
        return maximum(minimum(high, pixels + 0.5) - maximum(low, pixels - 0.5), 0)
    if method is ResizeMethod.CUBIC_PYTORCH and not antialias:
        return _repeated_edges(count, middles, _cubic(-0.75))
    width = maximum(inverse, 1) if antialias else 1
    return _KERNELS[method](abs(middles - pixels) / width)


def _repeated_edges(count: int, middles, kernel: Callable):
    """Two more pixels at both ends have the values, so the first and last have their weights."""
    pixels = arange(-2, count + 2, dtype=middles.dtype)[:, None]
    weights = kernel(abs(middles - pixels))
    owner = np.clip(np.arange(-2, count + 2), 0, count - 1)
    return zeros((count, weights.shape[1]), weights.dtype).at[owner].add(weights)


def _triangle(x):
    return maximum(1 - x, 0)


def _cubic(a: float) -> Callable:
    """Keys' cubic convolution (1981), equation 15, with its free parameter."""
    def kernel(x):
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return where(x <= 1, near, where(x < 2, far, 0))
    return kernel


def _lanczos(radius: float) -> Callable:
    def kernel(x):
        return where(x < radius, sinc(minimum(x, radius)) * sinc(minimum(x, radius) / radius), 0)
    return kernel


_KERNELS = {
    ResizeMethod.LINEAR: _triangle, ResizeMethod.CUBIC: _cubic(-0.5),
    ResizeMethod.CUBIC_PYTORCH: _cubic(-0.5), ResizeMethod.LANCZOS3: _lanczos(3.0),
    ResizeMethod.LANCZOS5: _lanczos(5.0),
}
