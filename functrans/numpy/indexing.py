"""Reading by index: `x[...]`, take, where, diagonals.

NumPy's rules for basic, advanced, boolean and mixed indices. Python ints, slices and None are
read at trace time; arrays and tracers of integers become a gather.

In: arrays and indices. Out: arrays. Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from functrans.array import ArrayBase, as_array
from functrans.errors import OutOfBoundsError
from functrans.ir.type import is_bool, is_integer
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_all, broadcast_one,
                                       broadcast_shapes, canonical_axis, cast, materialize,
                                       promote)
from functrans.numpy.ufuncs import truth
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert, select
from functrans.primitives.index import gather, out_of_bounds, take_along

MODES = {None: "raise", "raise": "raise", "clip": "clip", "wrap": "wrap", "fill": "fill",
         "drop": "fill", "promise_in_bounds": "promise"}


# ---- understanding an index ----

@dataclass(frozen=True, slots=True)
class Entry:
    """One item of an index: what it does with the next `dims` axes of the array.

    kind: "slice", "new" (axis), "int", or "array" (one index array for one axis).
    """
    kind: str
    value: object = None


def parse(x, index) -> list[Entry]:
    """An index as entries that cover all axes of x, in order."""
    items = list(index) if isinstance(index, tuple) else [index]
    items = [part for item in items for part in _item(item)]
    consumed = sum(1 for item in items if item is not None and item is not Ellipsis)
    if consumed > x.ndim:
        raise IndexError(f"too many indices: array is {x.ndim}-dimensional ({x.type}), but "
                         f"{consumed} were indexed")
    dots = [k for k, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    rest = [slice(None)] * (x.ndim - consumed)
    place = dots[0] if dots else len(items)
    items[place:place + len(dots)] = rest
    return _entries(x, items)


def _item(item) -> list:
    """A boolean array stands for the index arrays of its true elements."""
    if item is None or item is Ellipsis or isinstance(item, (slice, int, np.integer)) \
            and not isinstance(item, bool):
        return [item]
    if isinstance(item, (bool, np.bool_)):
        return [None, np.zeros(int(item), np.int64)]
    if isinstance(item, (list, tuple, np.ndarray)):
        item = as_arraylike(item) if _has_tracer(item) else np.asarray(item)
        if item.size == 0 and item.dtype.kind == "f":
            item = item.astype(np.int64)
    if not isinstance(item, (ArrayBase, np.ndarray)):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and integer or "
                         f"boolean arrays are valid indices, got {item!r}")
    if is_bool(item.dtype):
        return _boolean(item)
    if not is_integer(item.dtype):
        raise IndexError(f"arrays used as indices must be of integer or boolean type, not "
                         f"{item.dtype.name}")
    return [item]


def _has_tracer(item) -> bool:
    return isinstance(item, (list, tuple)) and any(
        isinstance(part, ArrayBase) or _has_tracer(part) for part in item)


def _boolean(mask) -> list:
    if isinstance(mask, ArrayBase):
        mask = mask._concrete("a boolean index (its result has a shape that depends on values; "
                              "use where(mask, x, y))")
    if mask.ndim == 0:
        return [None, np.zeros(int(mask), np.int64)]
    return list(np.nonzero(mask)) if mask.ndim else []


def _entries(x, items: list) -> list[Entry]:
    entries, axis = [], 0
    for item in items:
        if item is None:
            entries.append(Entry("new"))
            continue
        size = x.shape[axis]
        if isinstance(item, slice):
            entries.append(Entry("slice", _bounds(item, size)))
        elif isinstance(item, (int, np.integer)):
            entries.append(Entry("int", _in_bounds(int(item), axis, size)))
        else:
            entries.append(Entry("array", item))
        axis += 1
    return entries


def _bounds(item: slice, size: int) -> tuple:
    """(start, stop, step) of a slice, for an axis of this size."""
    parts = [part if part is None else part.__index__()
             for part in (item.start, item.stop, item.step)]
    return slice(*parts).indices(size)


def _in_bounds(index: int, axis: int, size: int) -> int:
    if not -size <= index < size:
        raise out_of_bounds(index, axis, size)
    return index % size


def _index_array(value, size: int, mode: str):
    """An index array, counted from the start; concrete ones are checked at once."""
    if isinstance(value, np.ndarray):
        return _concrete_index(value, size, mode)
    if value.dtype.kind == "i" and mode != "wrap":
        value = select(value < 0, value + value.dtype.type(size), value)
    return value % size if mode == "wrap" and size else value


def _concrete_index(value: np.ndarray, size: int, mode: str):
    value = value.astype(np.int64)
    if mode == "wrap":
        value = value % max(size, 1)
    value = np.where(value < 0, value + size, value)
    bad = (value < 0) | (value >= size)
    if mode == "raise" and bad.any():
        given = int(value[bad].flat[0])
        raise OutOfBoundsError(f"index {given} is out of bounds for an axis of size {size}")
    return as_array(value)


# ---- reading ----

def getitem(x, index, mode: str = "raise", fill_value=None):
    """`x[index]`."""
    entries = parse(x, index)
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
    scalars = all(entry.kind != "array" or entry.value.ndim == 0 for entry in entries)
    consuming = [entry for entry in entries if entry.kind != "new"]
    x = _slice_axes(x, [entry if entry.kind == "slice" else Entry("all")
                        for entry in consuming])
    axes = [k for k, entry in enumerate(consuming) if entry.kind in ("int", "array")]
    arrays = [_entry_array(consuming[k], x.shape[k], mode) for k in axes]
    arrays = _common_shape(arrays)
    rest = [k for k in range(x.ndim) if k not in axes]
    out = _gather(prim.transpose(x, axes + rest), arrays, mode, fill_value)
    return _arrange(out, entries, arrays[0].ndim, scalars)


def _entry_array(entry: Entry, size: int, mode: str):
    value = np.asarray(entry.value) if entry.kind == "int" else entry.value
    return _index_array(value, size, mode)


def _common_shape(arrays: list) -> list:
    try:
        shape = broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shown = ", ".join(str(array.shape) for array in arrays)
        raise IndexError("shape mismatch: index arrays of shapes " + shown
                         + " cannot be broadcast together") from None
    dtypes = {array.dtype for array in arrays}
    if len(dtypes) > 1:
        arrays = [convert(array, np.int64) for array in arrays]
    return [broadcast_one(array, shape) for array in arrays]


def _gather(x, arrays: list, mode: str, fill_value):
    if mode != "fill":
        return gather(x, arrays, 0, "raise" if mode == "wrap" else mode)
    out = gather(x, arrays, 0, "drop")
    inside = None
    for array, size in zip(arrays, x.shape):
        here = (array >= 0) & (array < size)
        inside = here if inside is None else inside & here
    mask = broadcast_one(prim.reshape(inside, inside.shape + (1,) * (out.ndim - inside.ndim)),
                         out.shape)
    return select(mask, out, cast(_fill(x.dtype) if fill_value is None else fill_value, x.dtype))


def _fill(dtype):
    """What reading outside gives in mode "fill": NaN; the lowest integer; the highest unsigned."""
    if dtype.kind in "fc":
        return dtype.type(np.nan)
    if dtype.kind == "b":
        return np.bool_(True)
    info = np.iinfo(dtype)
    return dtype.type(info.min if dtype.kind == "i" else info.max)


def _arrange(out, entries: list[Entry], count: int, scalars: bool):
    """Puts the axes of the index arrays where NumPy puts them, and new axes in."""
    places = [k for k, entry in enumerate(entries) if entry.kind in ("int", "array")]
    adjacent = places[-1] - places[0] == len(places) - 1
    front = not adjacent and not scalars
    before = 0 if front else sum(1 for entry in entries[:places[0]] if entry.kind == "slice")
    rest = out.ndim - count
    order = [count + k for k in range(before)] + list(range(count)) \
        + [count + k for k in range(before, rest)]
    out = prim.transpose(out, order)
    if not any(entry.kind == "new" for entry in entries):
        return out
    return prim.reshape(out, _with_new_axes(out, entries, places, count, front))


def _with_new_axes(out, entries, places, count: int, front: bool) -> list[int]:
    sizes = list(out.shape)
    shape = sizes[:count] if front else []
    rest = iter(sizes[count:] if front else sizes)
    done = front
    for k, entry in enumerate(entries):
        if entry.kind == "new":
            shape.append(1)
        elif entry.kind == "slice":
            shape.append(next(rest))
        elif not done and k == places[0]:
            shape += [next(rest) for _ in range(count)]
            done = True
    return shape


# ---- functions ----

def where(condition, x=None, y=None, /, *, size=None, fill_value=None):
    """x where the condition holds, y elsewhere; the side not taken never harms a gradient.

    With the condition alone: the indices where it holds, as `nonzero`.

    >>> import functrans.numpy as fnp
    >>> fnp.where(fnp.array([True, False]), 1.0, 2.0)
    Array([1., 2.], dtype=float32)
    """
    if x is None and y is None:
        from functrans.numpy.searching import nonzero
        return nonzero(condition, size=size, fill_value=fill_value)
    if x is None or y is None:
        raise ValueError("where takes both x and y, or neither")
    x, y = promote(as_operand(x, "where"), as_operand(y, "where"))
    condition = truth(condition)
    if isinstance(condition, np.bool_) and not isinstance(x, ArrayBase) \
            and not isinstance(y, ArrayBase):
        return materialize(x if condition else y)
    condition, x, y = broadcast_all([condition, x, y])
    return select(condition, x, y)


def take(a, indices, axis: int | None = None, out=None, mode: str | None = None,
         fill_value=None):
    """Elements at `indices` along an axis (of the flattened array, if None).

    mode: "raise" (default) for indices outside, "clip", "wrap", or "fill" (`fill_value`, NaN by
    default).

    >>> import functrans.numpy as fnp
    >>> fnp.take(fnp.array([5, 6, 7]), fnp.array([2, 0]))
    Array([7, 5], dtype=int64)
    """
    if out is not None:
        raise TypeError("out= is not possible: arrays are immutable; use the result")
    a = as_arraylike(a, "take")
    if axis is None:
        a, axis = prim.reshape(a, (a.size,)), 0
    axis = canonical_axis(axis, a.ndim)
    if isinstance(indices, (int, np.integer)):
        indices = np.asarray(indices)
    elif not isinstance(indices, (ArrayBase, np.ndarray)):
        indices = as_arraylike(indices, "take")
    if not is_integer(indices.dtype) and not is_bool(indices.dtype):
        raise TypeError(f"take: indices must be integers, got {indices.dtype.name}")
    if is_bool(indices.dtype):
        indices = indices.astype(np.int64)
    index = (slice(None),) * axis + (indices,)
    return getitem(a, index, _mode(mode, "take"), fill_value)


def _mode(mode, name: str) -> str:
    try:
        return MODES[mode]
    except (KeyError, TypeError):
        raise ValueError(f"{name}: mode must be 'raise', 'clip', 'wrap', 'fill' or "
                         f"'promise_in_bounds', got {mode!r}") from None


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
        raise ValueError(f"take_along_axis: arr {arr.type} and indices {indices.type} must have "
                         "the same number of axes")
    if not is_integer(indices.dtype):
        raise IndexError(f"take_along_axis: indices must be integers, got {indices.type}")
    lead = [1 if k == axis else size for k, size in enumerate(arr.shape)]
    shape = broadcast_shapes(tuple(lead), indices.shape)
    arr = broadcast_one(arr, tuple(arr.shape[axis] if k == axis else size
                                   for k, size in enumerate(shape)))
    indices = broadcast_one(_traced_index(indices, arr.shape[axis]), shape)
    resolved = _mode(mode, "take_along_axis")
    if resolved in ("raise", "promise", "clip"):
        return take_along(arr, indices, axis, resolved)
    grid = [indices if k == axis else prim.iota(indices.dtype, shape, k)
            for k in range(arr.ndim)]
    return getitem(arr, tuple(grid), resolved, fill_value)


def _traced_index(indices, size: int):
    if indices.dtype.kind != "i":
        return indices
    return select(indices < 0, indices + indices.dtype.type(size), indices)


def diagonal(a, offset: int = 0, axis1: int = 0, axis2: int = 1):
    """The elements on a diagonal of two axes, as the last axis of the result.

    >>> import functrans.numpy as fnp
    >>> fnp.diagonal(fnp.array([[1, 2], [3, 4]]))
    Array([1, 4], dtype=int64)
    """
    a = as_arraylike(a, "diagonal")
    if a.ndim < 2:
        raise ValueError(f"diagonal takes at least two axes, got shape {a.shape}")
    first, second = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    if first == second:
        raise ValueError("diagonal: axis1 and axis2 must differ")
    rest = [k for k in range(a.ndim) if k not in (first, second)]
    a = prim.transpose(a, rest + [first, second])
    rows, columns = a.shape[-2:]
    row, column = max(-offset, 0), max(offset, 0)
    count = max(min(rows - row, columns - column), 0)
    places = prim.iota(np.int64, (count,))
    flat = prim.reshape(a, (*a.shape[:-2], rows * columns))
    start = np.int64(row * columns + column)
    step = np.int64(columns + 1)
    return getitem(flat, (Ellipsis, places * step + start), "promise") if count else \
        prim.slice_axis(flat, flat.ndim - 1, 0, 0)


def diag(v, k: int = 0):
    """A matrix with `v` on its k-th diagonal; or the k-th diagonal of a matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.diag(fnp.array([1, 2]))
    Array([[1, 0],
           [0, 2]], dtype=int64)
    """
    v = as_arraylike(v, "diag")
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, got shape {v.shape}")
    v = prim.pad(v, (max(k, 0),), (max(-k, 0),))
    rows = prim.iota(np.int64, (v.size, v.size), 0)
    columns = prim.iota(np.int64, (v.size, v.size), 1)
    spread = broadcast_one(prim.reshape(v, (1, v.size)), (v.size, v.size)) if k >= 0 else \
        broadcast_one(prim.reshape(v, (v.size, 1)), (v.size, v.size))
    return select(columns == rows + k, spread, v.dtype.type(0))


def diagflat(v, k: int = 0):
    """A matrix with the flattened `v` on its k-th diagonal.

    >>> import functrans.numpy as fnp
    >>> fnp.diagflat(fnp.ones((1, 2))).shape
    (2, 2)
    """
    v = as_arraylike(v, "diagflat")
    return diag(prim.reshape(v, (v.size,)), k)


def choose(a, choices, mode: str = "raise"):
    """Elements of the arrays `choices`, chosen by the integers `a`.

    >>> import functrans.numpy as fnp
    >>> fnp.choose(fnp.array([1, 0]), [fnp.array([1, 2]), fnp.array([3, 4])])
    Array([3, 2], dtype=int64)
    """
    from functrans.numpy.manipulation import stack
    a = as_arraylike(a, "choose")
    arrays = promote(*(as_arraylike(choice) for choice in choices))
    shape = broadcast_shapes(a.shape, *(array.shape for array in arrays))
    table = stack([broadcast_one(array, shape) for array in arrays])
    index = prim.expand_dims(broadcast_one(a, shape), (0,))
    out = take_along_axis(table, index, 0, mode)
    return prim.reshape(out, shape)

