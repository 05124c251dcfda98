"""Reading by index: `x[...]`, take, take_along_axis.

NumPy's rules for basic, advanced, boolean and mixed indices. Python ints, slices and None are
read at trace time; arrays and tracers of integers become a gather.

In: arrays and indices. Out: arrays. Imports `numpy.index_parsing`, `numpy.promotion`,
`primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, IndexingError, OutOfBoundsError
from functrans.ir.type import is_integer
from functrans.numpy.arithmetic import clip
from functrans.numpy.choosing import where  # noqa: F401  (a kind of indexing, to many callers)
from functrans.numpy.index_parsing import (Entry, counted_from_start, index_arrays, index_mode,
                                           layout, parse)
from functrans.numpy.promotion import (as_arraylike, broadcast_one, broadcast_shapes,
                                       canonical_axis, cast)
from functrans.numpy.ufunc import refuse_out
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import and_, eq, ge, lt, select
from functrans.primitives.index import gather, take_along
from functrans.trace import Tracer


def getitem(x, index, mode: str = "raise", fill_value=None):
    """`x[index]`."""
    x, entries = parse(x, index)
    if not any(entry.kind == "array" for entry in entries):
        return _basic(x, entries)
    return _advanced(x, entries, mode, fill_value)


def _basic(x, entries: list[Entry]):
    """Slices and ints: a slice, a reversal, a reshape."""
    x = _slice_axes(x, [entry for entry in entries if entry.kind != "new"])
    sizes = iter(x.shape)
    shape = []
    for entry in entries:
        size = 1 if entry.kind == "new" else next(sizes)
        if entry.kind != "int":
            shape.append(size)
    return prim.reshape(x, shape)


def _slice_axes(x, entries: list[Entry]):
    """x cut to the slices of `entries`, one for each axis; an int is a slice of one."""
    starts, limits, steps, backwards = [], [], [], []
    for axis, (entry, size) in enumerate(zip(entries, x.shape)):
        low, high, step = entry.value if entry.kind == "slice" else \
            (entry.value, entry.value + 1, 1) if entry.kind == "int" else (0, size, 1)
        count = len(range(low, high, step))
        if step < 0:
            backwards.append(axis)
            low, step = low + (count - 1) * step if count else 0, -step
        starts.append(low if count else 0)
        limits.append(low + (count - 1) * step + 1 if count else 0)
        steps.append(step)
    return prim.reverse(prim.slice_(x, starts, limits, steps), backwards)


def _advanced(x, entries: list[Entry], mode: str, fill_value):
    """Index arrays (ints among them): the rest is sliced, then gathered, then put in order."""
    consuming = [entry for entry in entries if entry.kind != "new"]
    axes = [k for k, entry in enumerate(consuming) if entry.kind in ("int", "array")]
    rest = [k for k in range(x.ndim) if k not in axes]
    arrays, left = index_arrays(x, axes, consuming, mode)
    x = _slice_axes(x, [entry if entry.kind == "slice" else Entry("all")
                        for entry in consuming])
    out = _gather(prim.transpose(x, axes + rest), arrays, left, fill_value)
    return _arrange(out, entries, arrays[0].ndim)


def _gather(x, arrays: list, mode: str, fill_value):
    if mode != "fill":
        return gather(x, arrays, 0, mode)
    out = gather(x, arrays, 0, "drop")
    inside = None
    for array, size in zip(arrays, x.shape):
        here = _is_inside(array, size)
        inside = here if inside is None else and_(inside, here)
    mask = broadcast_one(prim.reshape(inside, inside.shape + (1,) * (out.ndim - inside.ndim)),
                         out.shape)
    return select(mask, out, cast(_fill(x.dtype) if fill_value is None else fill_value, x.dtype))


def _is_inside(array, size: int):
    kind = array.dtype.type
    below = lt(array, kind(size)) if size <= np.iinfo(array.dtype).max else eq(array, array)
    return and_(ge(array, kind(0)), below)


def _fill(dtype):
    """What reading outside gives in mode "fill": NaN; the lowest integer; the highest unsigned."""
    if dtype.kind in "fc":
        return dtype.type(np.nan)
    if dtype.kind == "b":
        return np.bool_(True)
    info = np.iinfo(dtype)
    return dtype.type(info.min if dtype.kind == "i" else info.max)


def _arrange(out, entries: list[Entry], count: int):
    """Puts the axes of the index arrays where NumPy puts them, and new axes in."""
    axes = list(range(out.ndim))
    wanted = layout(entries, axes[:count], axes[count:], None)
    out = prim.transpose(out, [axis for axis in wanted if axis is not None])
    sizes = iter(out.shape)
    return prim.reshape(out, [1 if axis is None else next(sizes) for axis in wanted])


# ---- functions ----

def take(a, indices, axis: int | None = None, out=None, mode: str | None = None,
         unique_indices: bool = False, indices_are_sorted: bool = False, fill_value=None):
    """Elements at `indices` along an axis (of the flattened array, if None).

    mode: "raise" (default) for indices outside, "clip" (to 0 or the last), "wrap", or "fill"
    (`fill_value`, NaN by default). unique_indices, indices_are_sorted: of no effect.

    >>> import functrans.numpy as fnp
    >>> fnp.take(fnp.array([5, 6, 7]), fnp.array([2, 0]))
    Array([7, 5], dtype=int64)
    """
    refuse_out(out, "take")
    a = as_arraylike(a, "take")
    if axis is None:
        a, axis = prim.reshape(a, (a.size,)), 0
    axis = canonical_axis(axis, a.ndim)
    indices = index_operand(indices, "take")
    mode = index_mode(mode, "take")
    if not a.shape[axis] and mode != "fill" and indices.size:
        raise OutOfBoundsError(f"take: axis {axis} of {a.type} has no elements to take")
    if mode == "clip":                           # NumPy's take does not count from the end here
        indices = limited(indices, a.shape[axis])
    return getitem(a, (slice(None),) * axis + (indices,), mode, fill_value)


def index_operand(indices, name: str):
    """Integers as an array, a tracer or a NumPy array. Raises TypeError for others."""
    if not isinstance(indices, (ArrayBase, np.ndarray)):
        items = as_arraylike(indices, name)
        indices = np.zeros(items.shape, np.int64) if not items.size else \
            items if isinstance(items, Tracer) else np.asarray(items)
    if not is_integer(indices.dtype):
        raise ArgumentError(f"{name}: indices must be integers, got {indices.dtype.name}")
    return indices


def limited(indices, size: int):
    """Indices limited to an axis of this size."""
    if isinstance(indices, np.ndarray):
        return np.clip(indices, 0, max(size - 1, 0))
    return clip(indices, 0, min(max(size - 1, 0), np.iinfo(indices.dtype).max))


def take_along_axis(arr, indices, axis: int | None = -1, mode: str | None = None,
                    fill_value=None):
    """Elements at `indices` along an axis, position by position along the others.

    >>> import functrans.numpy as fnp
    >>> fnp.take_along_axis(fnp.array([[5, 6]]), fnp.array([[1]]), axis=1)
    Array([[6]], dtype=int64)
    """
    arr, indices = as_arraylike(arr), as_arraylike(indices)
    if axis is None:
        arr, axis = prim.reshape(arr, (arr.size,)), 0
    axis = canonical_axis(axis, arr.ndim)
    if arr.ndim != indices.ndim:
        raise ArgumentError(f"take_along_axis: arr {arr.type} and indices {indices.type} must have "
                            "the same number of axes")
    if not is_integer(indices.dtype):
        raise IndexingError(f"take_along_axis: indices must be integers, got {indices.type}")
    mode = index_mode(mode, "take_along_axis")
    lead = tuple(1 if k == axis else size for k, size in enumerate(arr.shape))
    shape = broadcast_shapes(lead, indices.shape)
    arr = broadcast_one(arr, tuple(arr.shape[axis] if k == axis else size
                                   for k, size in enumerate(shape)))
    indices, checked = counted_from_start(arr.shape, axis, indices, mode)
    indices = broadcast_one(indices, shape)
    if mode != "fill":
        return take_along(arr, indices, axis, "promise" if checked else mode)
    return getitem(arr, tuple(along(indices, axis)), mode, fill_value)


def along(indices, axis: int) -> list:
    """Index arrays for `indices` along an axis, position by position along the others."""
    return [indices if k == axis else prim.iota(indices.dtype, indices.shape, k)
            for k in range(indices.ndim)]
