"""Convolutions of any number of spatial dimensions.

An array becomes its patches, (batch, positions.., window.., channels), by padding and strided
slices; the convolution is one `dot_general` of them and the kernel. So all transformations follow.

Imports `lax.convolution_shapes`, `lax.operands`, `lax.padding`, `lax.products`, `primitives`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from functrans.errors import ArgumentError, ShapeError
from functrans.lax.convolution_shapes import (ConvDimensionNumbers, conv_dimension_numbers,
                                              transposed_pads)
from functrans.lax.operands import of_one_dtype, one, preferred, sizes_of
from functrans.lax.padding import dilated, pads_of, require_positive, windows_along
from functrans.lax.products import in_preferred
from functrans.primitives import contract
from functrans.primitives import shape as prim


@dataclass(frozen=True, slots=True)
class Window:
    """How a kernel lies on an array: for each spatial dimension an entry of each field."""
    sizes: tuple
    strides: tuple
    pads: tuple
    lhs_dilation: tuple
    rhs_dilation: tuple


def conv_general_dilated(lhs, rhs, window_strides: Sequence[int], padding,
                         lhs_dilation: Sequence[int] | None = None,
                         rhs_dilation: Sequence[int] | None = None, dimension_numbers=None,
                         feature_group_count: int = 1, batch_group_count: int = 1, precision=None,
                         preferred_element_type=None):
    """The convolution (a correlation: the kernel is not turned) of `lhs` with the kernel `rhs`.

    lhs: batch, channels, and n spatial dimensions; rhs: output channels, input channels, and n.
    window_strides: n steps between positions. padding: "SAME", "VALID", "SAME_LOWER", or n pairs
        (before, after), which may be negative.
    lhs_dilation, rhs_dilation: how far apart the elements are put, of the array and of the kernel.
    dimension_numbers: where the dimensions stand: None for (batch, channels, spatial..), or three
        strings such as ("NHWC", "HWIO", "NHWC"), or a `ConvDimensionNumbers`.
    feature_group_count: channels in so many groups, each with output channels of its own: the
        kernel has as many times fewer input channels. batch_group_count: the batch likewise.
    preferred_element_type: the dtype of the result. precision: of no effect.
    Raises TypeError for different dtypes, ShapeError, a ValueError, for shapes that do not fit.

    >>> from functrans import lax, numpy as fnp
    >>> signal, kernel = fnp.arange(5.0).reshape(1, 1, 5), fnp.ones((1, 1, 3))
    >>> lax.conv_general_dilated(signal, kernel, (1,), "VALID")
    Array([[[3., 6., 9.]]], dtype=float32)
    """
    who = "conv_general_dilated"
    lhs, rhs = of_one_dtype(who, one(lhs, who), one(rhs, who))
    numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    image, kernel = _channels_last(lhs, numbers.lhs_spec), _kernel(rhs, numbers.rhs_spec)
    window = _window(image.shape[1:-1], kernel.shape[:-2], window_strides, padding, lhs_dilation,
                     rhs_dilation, who)
    _check_groups(lhs, rhs, image, kernel, feature_group_count, batch_group_count)

    def convolve(image, kernel):
        return _convolve(image, kernel, window, feature_group_count, batch_group_count)
    out = in_preferred(convolve, image, kernel, preferred_element_type)
    return _from_channels_last(out, numbers.out_spec)


def _channels_last(x, spec: tuple):
    """(batch, channels, spatial..) given by a spec, as (batch, spatial.., channels)."""
    return prim.transpose(x, (spec[0], *spec[2:], spec[1]))


def _from_channels_last(x, spec: tuple):
    """(batch, spatial.., channels) in the order of a spec."""
    places = (spec[0], *spec[2:], spec[1])
    return prim.transpose(x, [places.index(k) for k in range(x.ndim)])


def _kernel(x, spec: tuple):
    """(out, in, spatial..) given by a spec, as (spatial.., in, out)."""
    return prim.transpose(x, (*spec[2:], spec[1], spec[0]))


def _window(image: tuple, kernel: tuple, strides, padding, lhs_dilation, rhs_dilation,
            who: str) -> Window:
    count = len(image)
    strides, spread, inner = (sizes_of(values, count, who, what) for values, what in (
        (strides, "window_strides"), (lhs_dilation, "lhs_dilation"),
        (rhs_dilation, "rhs_dilation")))
    require_positive(who, window_strides=strides, lhs_dilation=spread, rhs_dilation=inner)
    if isinstance(padding, str) and any(step != 1 for step in spread):
        raise ArgumentError(f"lax.{who}: padding={padding!r} says nothing where lhs_dilation="
                            f"{spread}; give pairs (before, after), or use lax.conv_transpose")
    reach = [dilated(size, step) for size, step in zip(kernel, inner)]
    pads = tuple(pads_of(padding, image, reach, strides, who))
    return Window(kernel, strides, pads, spread, inner)


def _check_groups(lhs, rhs, image, kernel, features: int, batches: int):
    require_positive("conv_general_dilated", feature_group_count=(features,),
                     batch_group_count=(batches,))
    channels, taken, out = image.shape[-1], kernel.shape[-2], kernel.shape[-1]
    if channels != features * taken:
        raise ShapeError(f"lax.conv_general_dilated: {lhs.type} has {channels} channels, but the "
                         f"kernel {rhs.type} takes {taken}, in feature_group_count={features}")
    if features > 1 and batches > 1:
        raise ArgumentError("lax.conv_general_dilated: either feature_group_count or "
                            "batch_group_count may be more than 1")
    if out % features or out % batches or image.shape[0] % batches:
        raise ShapeError(f"lax.conv_general_dilated: feature_group_count={features} and "
                         f"batch_group_count={batches} must divide the output channels of "
                         f"{rhs.type}, and the latter the batch of {lhs.type}")


def _convolve(image, kernel, window: Window, features: int, batches: int):
    """(batch, spatial.., channels) by (window.., in, out), as (batch, positions.., out)."""
    patches, n, groups = _patches(image, window), len(window.sizes), features * batches
    summed = range(n + 1, 2 * n + 2)
    if groups == 1:
        return contract.dot_general(patches, kernel, (summed, range(n + 1)))
    axis = 0 if batches > 1 else patches.ndim - 1
    patches = _grouped(patches, axis, groups)           # the axis of groups stands before the other
    kernel = _grouped(kernel, n + 1, groups)
    if batches > 1:
        contracted, batch = range(n + 2, 2 * n + 3), 0
    else:
        contracted, batch = (*range(n + 1, 2 * n + 1), 2 * n + 2), 2 * n + 1
    out = contract.dot_general(patches, kernel, (contracted, range(n + 1)), ((batch,), (n + 1,)))
    out = prim.move_axis(out, 0, out.ndim - 2)          # (batch, positions.., group, out)
    return prim.reshape(out, (*out.shape[:-2], kernel.shape[-2] * kernel.shape[-1]))


def _grouped(x, axis: int, groups: int):
    """An axis as two: of groups, and within each."""
    return prim.reshape(x, (*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1:]))


def _patches(image, window: Window):
    """What the kernel sees: (batch, positions.., window.., channels)."""
    pads = ((0, 0), *window.pads, (0, 0))
    gaps = (0, *(step - 1 for step in window.lhs_dilation), 0)
    x = _cut_and_padded(image, pads, gaps)
    for axis in range(len(window.sizes)):
        x = _windows(x, axis + 1, window.sizes[axis], window.strides[axis],
                     window.rhs_dilation[axis])
    return x


def _cut_and_padded(x, pads: Sequence, gaps: Sequence):
    """Padded; where more is taken away than there is, nothing is left."""
    sizes = [dilated(size, gap + 1) for size, gap in zip(x.shape, gaps)]
    if any(size + low + high < 0 for size, (low, high) in zip(sizes, pads)):
        raise ShapeError(f"padding {tuple(pads[1:-1])} takes more away than there is of "
                         f"{x.type}, (batch, spatial.., channels)")
    low, high = zip(*pads)
    return prim.pad(x, low, high, gaps)


def _windows(x, axis: int, size: int, stride: int, step: int):
    """Along an axis the positions, and along a new one before the channels the window's places."""
    count = windows_along(x.shape[axis], dilated(size, step), stride)
    pieces = []
    for k in range(size):
        low, high, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
        low[axis], steps[axis] = (k * step if count else 0), stride
        high[axis] = low[axis] + (count - 1) * stride + 1 if count else 0
        piece = prim.slice_(x, low, high, steps)
        pieces.append(prim.expand_dims(piece, (x.ndim - 1,)))
    if pieces:
        return prim.concatenate(pieces, x.ndim - 1)
    raise ShapeError("lax.conv_general_dilated: a kernel without elements")


# ---- the same with fewer arguments ----

def conv(lhs, rhs, window_strides: Sequence[int], padding: str, precision=None,
         preferred_element_type=None):
    """The convolution of (batch, channels, spatial..) with (out, in, spatial..).

    >>> from functrans import lax, numpy as fnp
    >>> lax.conv(fnp.ones((1, 3, 8, 8)), fnp.ones((5, 3, 3, 3)), (2, 2), "SAME").shape
    (1, 5, 4, 4)
    """
    return conv_general_dilated(lhs, rhs, window_strides, padding, precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_with_general_padding(lhs, rhs, window_strides: Sequence[int], padding, lhs_dilation,
                              rhs_dilation, precision=None, preferred_element_type=None):
    """As `conv`, with any padding and with dilations (None for none).

    >>> from functrans import lax, numpy as fnp
    >>> lax.conv_with_general_padding(fnp.ones((1, 1, 4)), fnp.ones((1, 1, 2)), (1,), [(1, 0)],
    ...                               None, (2,))
    Array([[[1., 2., 2.]]], dtype=float32)
    """
    return conv_general_dilated(lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
                                precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_transpose(lhs, rhs, strides: Sequence[int], padding,
                   rhs_dilation: Sequence[int] | None = None, dimension_numbers=None,
                   transpose_kernel: bool = False, precision=None, preferred_element_type=None,
                   use_consistent_padding: bool = False):
    """A convolution that makes the spatial dimensions `strides` times larger.

    It is the convolution of `lhs`, its elements put `strides` apart. padding: "SAME", "VALID":
    those of the convolution that it reverses; or pairs (before, after) of the convolution that is
    computed, with `use_consistent_padding` of the one that it reverses.
    dimension_numbers: as of `conv_general_dilated`; by default channels come last, and the kernel
    is (spatial.., in, out). transpose_kernel: the kernel of the reversed convolution, turned around
    and with its channels exchanged: then this is its transpose.

    >>> from functrans import lax, numpy as fnp
    >>> lax.conv_transpose(fnp.ones((1, 2, 1)), fnp.ones((2, 1, 1)), (2,), "VALID").ravel()
    Array([1., 1., 1., 1.], dtype=float32)
    """
    lhs, rhs = one(lhs, "conv_transpose"), one(rhs, "conv_transpose")
    count = lhs.ndim - 2
    if dimension_numbers is None:
        last = (0, count + 1, *range(1, count + 1))
        dimension_numbers = ConvDimensionNumbers(last, (count + 1, count, *range(count)), last)
    numbers = conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    strides = sizes_of(strides, count, "conv_transpose", "strides")
    inner = sizes_of(rhs_dilation, count, "conv_transpose", "rhs_dilation")
    kernel = [dilated(rhs.shape[k], step) for k, step in zip(numbers.rhs_spec[2:], inner)]
    pads = transposed_pads(padding, kernel, strides, use_consistent_padding)
    if transpose_kernel:
        rhs = prim.reverse(rhs, numbers.rhs_spec[2:])
        out, taken, *spatial = numbers.rhs_spec
        numbers = numbers._replace(rhs_spec=(taken, out, *spatial))
    return conv_general_dilated(lhs, rhs, (1,) * count, pads, strides, inner, numbers,
                                precision=precision,
                                preferred_element_type=preferred_element_type)


def conv_general_dilated_patches(lhs, filter_shape: Sequence[int], window_strides: Sequence[int],
                                 padding, lhs_dilation: Sequence[int] | None = None,
                                 rhs_dilation: Sequence[int] | None = None,
                                 dimension_numbers=None, precision=None,
                                 preferred_element_type=None):
    """What a kernel of shape `filter_shape` sees at each position, in place of the channels.

    The channels of the result are those of `lhs`, each with all places of the window: channel
    c * prod(filter_shape) + k is place k for channel c.

    >>> from functrans import lax, numpy as fnp
    >>> lax.conv_general_dilated_patches(fnp.arange(4.0).reshape(1, 1, 4), (2,), (1,), "VALID")
    Array([[[0., 1., 2.],
            [1., 2., 3.]]], dtype=float32)
    """
    who = "conv_general_dilated_patches"
    lhs = one(lhs, who)
    filter_shape = sizes_of(filter_shape, lhs.ndim - 2, who, "filter_shape")
    numbers = conv_dimension_numbers(lhs.shape, (1,) * lhs.ndim, dimension_numbers)
    image = _channels_last(lhs, numbers.lhs_spec)
    window = _window(image.shape[1:-1], filter_shape, window_strides, padding, lhs_dilation,
                     rhs_dilation, who)
    patches, n = _patches(image, window), len(filter_shape)
    patches = prim.move_axis(patches, patches.ndim - 1, n + 1)
    out = prim.reshape(patches, (*patches.shape[:n + 1], math.prod(patches.shape[n + 1:])))
    return _from_channels_last(preferred(out, preferred_element_type), numbers.out_spec)
