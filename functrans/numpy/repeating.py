"""More elements, and fewer: tile, repeat, delete, insert, resize, trim_zeros, pad.

Imports `numpy.manipulation`, `numpy.indexing`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, OutOfBoundsError, ShapeError
from functrans.numpy.creation import _shape
from functrans.numpy.indexing import take
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import broadcast_to, moveaxis, ravel
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_one, canonical_axes,
                                       canonical_axis, cast, materialize)
from functrans.primitives import shape as prim


def tile(A, reps):
    """An array repeated as a whole, `reps` times along each axis.

    >>> import functrans.numpy as fnp
    >>> fnp.tile(fnp.arange(2), 2)
    Array([0, 1, 0, 1], dtype=int64)
    """
    A = as_arraylike(A, "tile")
    counts = _shape(reps)
    rank = max(A.ndim, len(counts))
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - A.ndim) + A.shape
    pairs = [size for pair in zip(counts, shape) for size in pair]
    thin = [size for pair in zip((1,) * rank, shape) for size in pair]
    spread = broadcast_one(prim.reshape(A, thin), tuple(pairs))
    return prim.reshape(spread, [count * size for count, size in zip(counts, shape)])


def repeat(a, repeats, axis: int | None = None, *, total_repeat_length: int | None = None):
    """Each element repeated, `repeats` times (an int, or integers along the axis).

    total_repeat_length: the size of the result, which makes traced `repeats` possible; what is
    missing is filled with the last element, what is too much is left out.

    >>> import functrans.numpy as fnp
    >>> fnp.repeat(fnp.arange(2), 2)
    Array([0, 0, 1, 1], dtype=int64)
    """
    a = as_arraylike(a, "repeat")
    if axis is None:
        a, axis = ravel(a), 0
    axis = canonical_axis(axis, a.ndim)
    if total_repeat_length is not None:
        return _repeat_to(a, as_arraylike(repeats, "repeat"), axis, total_repeat_length)
    counts = _known_counts(repeats)
    if counts.ndim and counts.size != 1:
        if counts.shape != (a.shape[axis],):
            raise ShapeError(f"repeat: repeats of shape {counts.shape} for an axis of size "
                             f"{a.shape[axis]}")
        return take(a, np.repeat(np.arange(a.shape[axis]), counts), axis)
    count = int(counts.reshape(()))
    shape = a.shape[:axis] + (a.shape[axis], count) + a.shape[axis + 1:]
    wide = broadcast_one(prim.expand_dims(a, (axis + 1,)), shape)
    return prim.reshape(wide, a.shape[:axis] + (a.shape[axis] * count,) + a.shape[axis + 1:])


def _known_counts(repeats) -> np.ndarray:
    if isinstance(repeats, ArrayBase):
        repeats = repeats._concrete("the counts of repeat (its result has a shape that depends "
                                    "on values; give total_repeat_length=)")
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" and counts.size:
        raise ArgumentError(f"repeat: repeats must be integers, got {counts.dtype.name}")
    if (counts < 0).any():
        raise ArgumentError("repeats may not contain negative values")
    return counts.astype(np.int64)


def _repeat_to(a, repeats, axis: int, total: int):
    from functrans.numpy.reductions import cumsum
    from functrans.numpy.searching import searchsorted
    ends = cumsum(broadcast_one(ravel(repeats), (a.shape[axis],)))
    places = searchsorted(ends, prim.iota(ends.dtype, (total,)), side="right")
    return take(a, places, axis, mode="clip")


def delete(arr, obj, axis: int | None = None, *, assume_unique_indices: bool = False):
    """An array without the elements at `obj`: an int, a slice, or known ints or booleans.

    >>> import functrans.numpy as fnp
    >>> fnp.delete(fnp.arange(3), 1)
    Array([0, 2], dtype=int64)
    """
    arr = as_arraylike(arr, "delete")
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = canonical_axis(axis, arr.ndim)
    return take(arr, np.delete(np.arange(arr.shape[axis]), _known_place(obj, "delete")), axis)


def _known_place(obj, name: str):
    return obj._concrete(f"the index of {name}") if isinstance(obj, ArrayBase) else obj


def insert(arr, obj, values, axis: int | None = None):
    """An array with `values` put in before the known indices `obj`.

    obj: an int, a slice, ints or booleans. values: broadcast to what is put in.

    >>> import functrans.numpy as fnp
    >>> fnp.insert(fnp.arange(3), 1, 7)
    Array([0, 7, 1, 2], dtype=int64)
    """
    arr = as_arraylike(arr, "insert")
    values = materialize(cast(as_operand(values, "insert"), arr.dtype))
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = canonical_axis(axis, arr.ndim)
    places = _inserted_places(_known_place(obj, "insert"), arr.shape[axis])
    values = _with_axes(values, arr.ndim)
    if places.ndim == 0:                         # as in NumPy, one place takes all values
        values = moveaxis(values, 0, axis)
    count = values.shape[axis] if places.size == 1 else places.size
    shape = arr.shape[:axis] + (count,) + arr.shape[axis + 1:]
    values = broadcast_to(values, shape)
    places = np.sort(np.broadcast_to(places.reshape(-1), (count,)), kind="stable")
    order = np.argsort(np.broadcast_to(np.reshape(_inserted_places(
        _known_place(obj, "insert"), arr.shape[axis]), -1), (count,)), kind="stable")
    return _merged(arr, take(values, order, axis), places + np.arange(count), axis)


def _with_axes(values, rank: int):
    """`values` with that many axes: new ones in front, or fewer where they have size one."""
    shape = (1,) * (rank - values.ndim) + values.shape
    while len(shape) > rank and shape[0] == 1:
        shape = shape[1:]
    return prim.reshape(values, shape)


def _inserted_places(obj, size: int) -> np.ndarray:
    """The places before which values are put, counted from the start."""
    if isinstance(obj, slice):
        places = np.arange(*obj.indices(size))
    else:
        places = np.asarray(obj)
        if places.dtype.kind == "b":
            places = np.flatnonzero(places)
        elif places.size == 0:
            places = places.astype(np.int64)
    bad = places[(places < -size) | (places > size)]
    if bad.size:
        raise OutOfBoundsError(f"insert: index {bad.flat[0]} is out of bounds for an axis of size "
                               f"{size}")
    return np.where(places < 0, places + size, places)


def _merged(arr, values, places: np.ndarray, axis: int):
    """`values` at `places` of the result, `arr` at the others."""
    size = arr.shape[axis]
    order = np.empty(size + len(places), np.int64)
    others = np.ones(len(order), bool)
    others[places] = False
    order[places], order[others] = np.arange(size, len(order)), np.arange(size)
    return take(concatenate([arr, values], axis), order, axis)


def resize(a, new_shape):
    """The elements, again from the start as often as needed, in another shape.

    >>> import functrans.numpy as fnp
    >>> fnp.resize(fnp.arange(2), (3,))
    Array([0, 1, 0], dtype=int64)
    """
    a, shape = ravel(a), _shape(new_shape)
    total = math.prod(shape)
    if not a.size:
        from functrans.numpy.creation import zeros
        return zeros(shape, a.dtype)
    times = -(-total // a.size)
    return prim.reshape(prim.slice_axis(tile(a, times), 0, 0, total), shape)


def trim_zeros(filt, trim: str = "fb", axis=None):
    """A known array without zeros at the front ("f") and the back ("b").

    axis: along which; along all by default.

    >>> import functrans.numpy as fnp
    >>> fnp.trim_zeros(fnp.array([0, 1, 0]))
    Array([1], dtype=int64)
    """
    filt = as_arraylike(filt, "trim_zeros")
    places = np.argwhere(filt._concrete("trim_zeros"))
    front, back = "f" in trim.lower(), "b" in trim.lower()
    for k in canonical_axes(axis, filt.ndim):
        low = int(places[:, k].min()) if front and len(places) else 0
        high = int(places[:, k].max()) + 1 if back and len(places) else filt.shape[k]
        filt = prim.slice_axis(filt, k, low, high if len(places) else low)
    return filt


# ---- padding ----

def pad(array, pad_width, mode: str = "constant", *, constant_values=0):
    """An array with elements added before and after, along each axis.

    pad_width: an int, a pair, or a pair for each axis; mode: "constant" (`constant_values`, a
    scalar or pairs), "edge", "reflect", "symmetric" or "wrap".

    >>> import functrans.numpy as fnp
    >>> fnp.pad(fnp.ones(1), 1)
    Array([0., 1., 0.], dtype=float32)
    """
    array = as_arraylike(array, "pad")
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    if any(width < 0 for pair in widths for width in pair):
        raise ArgumentError("pad: widths must not be negative")
    if mode == "constant":
        return _pad_constant(array, widths, constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ArgumentError(f"pad: mode {mode!r} is not one of constant, edge, reflect, symmetric, "
                            "wrap")
    for axis, (low, high) in enumerate(widths):
        if low or high:
            size = array.shape[axis]
            array = take(array, np.pad(np.arange(size), (low, high), mode), axis)
    return array


def _pad_constant(array, widths, values):
    if np.ndim(values) == 0:
        value = cast(as_operand(values, "pad"), array.dtype)
        return prim.pad(array, [low for low, _ in widths], [high for _, high in widths],
                        value=value)
    pairs = np.broadcast_to(np.asarray(values), (array.ndim, 2))
    for axis, ((low, high), (before, after)) in enumerate(zip(widths, pairs)):
        zero = [0] * array.ndim
        lows, highs = list(zero), list(zero)
        lows[axis], highs[axis] = low, high
        array = prim.pad(array, lows, zero, value=array.dtype.type(before))
        array = prim.pad(array, zero, highs, value=array.dtype.type(after))
    return array
