"""Where the dimensions of a convolution stand, and what shapes come out of it.

In: shapes, strings such as "NCHW", Python ints. Out: `ConvDimensionNumbers`, shapes, pads. Imports
`errors`, `lax.padding`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from functrans.errors import ArgumentError, ShapeError
from functrans.lax.padding import pads_of, windows_along


class ConvDimensionNumbers(NamedTuple):
    """The dimensions of array, kernel and result, as ints.

    lhs_spec: (batch, channels, spatial..); rhs_spec: (out, in, spatial..); out_spec: as lhs_spec.
    """
    lhs_spec: tuple
    rhs_spec: tuple
    out_spec: tuple


# What three strings, such as ("NHWC", "HWIO", "NHWC"), are called in annotations.
ConvGeneralDilatedDimensionNumbers = tuple[str, str, str] | ConvDimensionNumbers | None

_LETTERS = (("lhs", "NC"), ("rhs", "OI"), ("out", "NC"))


def conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers) -> ConvDimensionNumbers:
    """Where dimensions stand, of None (batch, channels, spatial..), of strings, or as given.

    The strings name batch N and channels C of array and result, output O and input I channels of
    the kernel; every other letter is a spatial dimension, the same in all three. The order of
    spatial dimensions, for strides and pads, is the kernel's.

    >>> from functrans import lax
    >>> lax.conv_dimension_numbers((1, 8, 8, 3), (3, 3, 3, 5), ("NHWC", "HWIO", "NHWC")).rhs_spec
    (3, 2, 0, 1)
    """
    ndim = len(lhs_shape)
    if ndim < 2 or len(rhs_shape) != ndim:
        raise ShapeError(f"a convolution takes an array and a kernel of equally many dimensions, 2 "
                         f"and the spatial ones; got {tuple(lhs_shape)} and {tuple(rhs_shape)}")
    if dimension_numbers is None:
        return ConvDimensionNumbers(*(tuple(range(ndim)),) * 3)
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    if len(dimension_numbers) != 3 or not all(isinstance(s, str) for s in dimension_numbers):
        raise ArgumentError("dimension_numbers must be None, a ConvDimensionNumbers, or three "
                            f"strings for array, kernel, result; got {dimension_numbers!r}")
    return ConvDimensionNumbers(*conv_general_permutations(dimension_numbers, ndim))


def conv_general_permutations(dimension_numbers: Sequence[str], ndim: int | None = None) -> tuple:
    """The three specs that strings say; see `conv_dimension_numbers`.

    >>> from functrans import lax
    >>> lax.conv_general_permutations(("NWC", "WIO", "NWC"))
    ((0, 2, 1), (2, 1, 0), (0, 2, 1))
    """
    spatial = [letter for letter in dimension_numbers[1] if letter not in "OI"]
    specs = []
    for text, (name, letters) in zip(dimension_numbers, _LETTERS, strict=True):
        wanted = [*letters, *spatial]
        if sorted(text) != sorted(wanted) or len(set(text)) != len(text) or len(text) != (
                ndim or len(text)):
            raise ArgumentError(
                f"dimension_numbers of {name}, {text!r}, must name {', '.join(wanted)} once each"
                + (f", and be of {ndim} letters" if ndim else ""))
        specs.append(tuple(text.index(letter) for letter in wanted))
    return tuple(specs)


def transposed_pads(padding, kernel: Sequence[int], strides: Sequence[int],
                    consistent: bool) -> list[tuple[int, int]]:
    """How much is put around the spread-out array of a transposed convolution.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic" (arXiv:1603.07285), section 4: a
    convolution that is padded by p is reversed by one that is padded by kernel - 1 - p.
    """
    if isinstance(padding, str):
        return [_transposed_pad(padding, size, stride) for size, stride in zip(kernel, strides)]
    pairs = pads_of(padding, kernel, kernel, strides, "conv_transpose")
    if not consistent:
        return pairs
    return [(size - 1 - low, size - 1 - high) for size, (low, high) in zip(kernel, pairs)]


def _transposed_pad(padding: str, size: int, stride: int) -> tuple[int, int]:
    """So that the result is `stride` times as large ("SAME"), or has all that is reached."""
    if padding == "SAME":
        total = size + stride - 2
        before = size - 1 if stride > size - 1 else -(-total // 2)
    elif padding == "VALID":
        total = size + stride - 2 + max(size - stride, 0)
        before = size - 1
    else:
        raise ArgumentError(f"lax.conv_transpose: padding must be 'SAME', 'VALID' or pairs, got "
                            f"{padding!r}")
    return before, total - before


# ---- shapes ----

def conv_shape_tuple(lhs_shape, rhs_shape, strides, pads, batch_group_count: int = 1) -> tuple:
    """The shape of the convolution of (batch, channels, spatial..) with (out, in, spatial..).

    >>> from functrans import lax
    >>> lax.conv_shape_tuple((1, 3, 8), (5, 3, 3), (2,), "SAME")
    (1, 5, 4)
    """
    pads = pads_of(pads, lhs_shape[2:], rhs_shape[2:], strides, "conv_shape_tuple")
    sizes = [size + low + high for size, (low, high) in zip(lhs_shape[2:], pads)]
    spatial = map(windows_along, sizes, rhs_shape[2:], strides)
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *spatial)


def conv_general_shape_tuple(lhs_shape, rhs_shape, window_strides, padding,
                             dimension_numbers) -> tuple:
    """As `conv_shape_tuple`, for any order of dimensions.

    >>> from functrans import lax
    >>> lax.conv_general_shape_tuple((1, 8, 3), (3, 3, 5), (2,), "SAME", ("NWC", "WIO", "NWC"))
    (1, 4, 5)
    """
    lhs, rhs, out = conv_dimension_numbers(lhs_shape, rhs_shape, dimension_numbers)
    shape = conv_shape_tuple([lhs_shape[k] for k in lhs], [rhs_shape[k] for k in rhs],
                             window_strides, padding)
    return tuple(shape[out.index(k)] for k in range(len(out)))
