"""Bits of bytes: packbits and unpackbits.

In: arrays of booleans, of uint8. Out: the other. Imports `numpy.manipulation`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError
from functrans.ir.type import is_bool, is_integer
from functrans.numpy.promotion import as_arraylike, canonical_axis
from functrans.numpy.reductions import sum
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert


def _order(bitorder: str, name: str) -> np.ndarray:
    """By how much each bit of a byte is shifted."""
    if bitorder not in ("big", "little"):
        raise ArgumentError(f"{name}: bitorder must be 'big' or 'little', got {bitorder!r}")
    places = np.arange(8, dtype=np.uint8)
    return places[::-1] if bitorder == "big" else places


def _with_axis(a, axis, name: str) -> tuple:
    a = as_arraylike(a, name)
    if axis is None:
        return prim.reshape(a, (a.size,)), 0
    return a, canonical_axis(axis, a.ndim)


def packbits(a, /, axis: int | None = None, bitorder: str = "big"):
    """Booleans (or integers that are zero or not) as bits of uint8, eight to a byte.

    axis: along which; of all elements, if None. What is missing in the last byte is 0.

    >>> import functrans.numpy as fnp
    >>> fnp.packbits(fnp.array([1, 0, 1]))
    Array([160], dtype=uint8)
    """
    shifts = _order(bitorder, "packbits")
    a, axis = _with_axis(a, axis, "packbits")
    if not is_bool(a.dtype) and not is_integer(a.dtype):
        raise ArgumentError(
            "packbits: expected an input array of integer or boolean data type, not "
            f"{a.dtype.name}")
    bits = a if is_bool(a.dtype) else basic.ne(a, a.dtype.type(0))
    count = -(-a.shape[axis] // 8)
    high = tuple(count * 8 - size if k == axis else 0 for k, size in enumerate(a.shape))
    bits = prim.pad(convert(bits, np.uint8), (0,) * a.ndim, high)
    bits = prim.reshape(bits, (*a.shape[:axis], count, 8, *a.shape[axis + 1:]))
    weights = (np.uint8(1) << shifts).reshape((8,) + (1,) * (a.ndim - axis - 1))
    return sum(bits * as_arraylike(weights), axis + 1, dtype=np.uint8)


def unpackbits(a, /, axis: int | None = None, count: int | None = None, bitorder: str = "big"):
    """The bits of uint8 as uint8 of 0 and 1.

    count: how many bits to keep (from the end, if negative); more than there are gives zeros.

    >>> import functrans.numpy as fnp
    >>> fnp.unpackbits(fnp.array([160], dtype=fnp.uint8), count=3)
    Array([1, 0, 1], dtype=uint8)
    """
    shifts = _order(bitorder, "unpackbits")
    a, axis = _with_axis(a, axis, "unpackbits")
    if a.dtype != np.uint8:
        raise ArgumentError(f"unpackbits: expected an input array of unsigned byte data type, not "
                            f"{a.dtype.name}")
    wide = prim.expand_dims(a, (axis + 1,))
    distances = as_arraylike(shifts.reshape((8,) + (1,) * (a.ndim - axis - 1)))
    bits = (wide >> distances) & np.uint8(1)
    size = a.shape[axis] * 8
    bits = prim.reshape(bits, (*a.shape[:axis], size, *a.shape[axis + 1:]))
    if count is None:
        return bits
    kept = count if count >= 0 else size + count
    if kept < 0:
        raise ArgumentError(f"unpackbits: -count must not exceed the number of bits, {size}")
    if kept <= size:
        return prim.slice_axis(bits, axis, 0, kept)
    high = tuple(kept - size if k == axis else 0 for k in range(bits.ndim))
    return prim.pad(bits, (0,) * bits.ndim, high)
