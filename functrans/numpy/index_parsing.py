"""Understanding what stands between the brackets of `x[...]`, by NumPy's rules.

In: an array and an index as users write it. Out: entries, one for each axis of the array or new
axis; index arrays that are checked, or that the kernels are to check. Imports `numpy.promotion`,
`primitives`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from functrans.array import Array, ArrayBase, as_array
from functrans.errors import ArgumentError, IndexingError
from functrans.ir.type import is_bool, is_integer
from functrans.numpy.promotion import as_arraylike, broadcast_one, broadcast_shapes
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert, select
from functrans.primitives.index import out_of_bounds

# Users' names of what an index outside does, as the names that primitives know.
MODES = {None: "raise", "raise": "raise", "clip": "clip", "wrap": "wrap", "fill": "fill",
         "drop": "fill", "promise_in_bounds": "promise"}


def index_mode(mode, name: str) -> str:
    """A mode as users name it. Raises ValueError for others."""
    try:
        return MODES[mode]
    except (KeyError, TypeError):
        raise ArgumentError(f"{name}: mode must be 'raise', 'clip', 'wrap', 'fill', 'drop' or "
                            f"'promise_in_bounds', got {mode!r}") from None


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of an index, for one axis of the array; "new" is a new axis.

    kind: "slice" (value: start, stop, step), "new", "int", or "array" (integers).
    """
    kind: str
    value: object = None


def parse(x, index) -> tuple:
    """(x, entries): an index as entries that cover all axes of x, in order.

    A boolean scalar in the index takes the place of a new axis of size one of x, which comes back
    with such axes.
    """
    items = [_item(item) for item in (index if isinstance(index, tuple) else (index,))]
    items = _without_ellipsis(items, x)
    entries, axis = [], 0
    for item in items:
        if item is None:
            entries.append(Entry("new"))
        elif isinstance(item, bool):
            x = prim.expand_dims(x, (axis,))
            entries.append(Entry("array", np.zeros(int(item), np.int64)))
            axis += 1
        else:
            made = _entries_of(x, item, axis)
            entries += made
            axis += len(made)
    return x, entries


def _item(item):
    """An item as None, Ellipsis, a slice, a bool, an int, or an array of ints or bools."""
    if item is None or item is Ellipsis or isinstance(item, (slice, int)):
        return item
    if isinstance(item, np.generic) and item.dtype.kind in "biu":
        return item.item()
    if isinstance(item, (list, tuple, np.ndarray)):
        item = as_arraylike(item) if _has_array(item) else np.asarray(item)
        if item.size == 0 and item.dtype.kind == "f":
            item = item.astype(np.int64)
    if not isinstance(item, (ArrayBase, np.ndarray)):
        raise IndexingError("only integers, slices (`:`), ellipsis (`...`), None and integer or "
                         f"boolean arrays are valid indices, got {item!r}")
    if is_bool(item.dtype):
        item = _known_mask(item)
        return bool(item) if item.ndim == 0 else item
    if not is_integer(item.dtype):
        raise IndexingError("arrays used as indices must be of integer or boolean type, not "
                         f"{item.dtype.name}")
    return item


def _has_array(item) -> bool:
    return isinstance(item, (list, tuple)) and any(
        isinstance(part, ArrayBase) or _has_array(part) for part in item)


def _known_mask(mask) -> np.ndarray:
    if isinstance(mask, np.ndarray):
        return mask
    return mask._concrete("a boolean index (its result has a shape that depends on values; "
                          "use where(mask, x, y), or nonzero(mask, size=...))")


def _is_mask(item) -> bool:
    return isinstance(item, np.ndarray) and is_bool(item.dtype)


def _consumes(item) -> int:
    """How many axes of the array an item stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if _is_mask(item) else 1


def _without_ellipsis(items: list, x) -> list:
    """The items with `...` written out, and with what is missing at the end."""
    consumed = sum(map(_consumes, items))
    if consumed > x.ndim:
        raise IndexingError(f"too many indices: array is {x.ndim}-dimensional ({x.type}), but "
                         f"{consumed} were indexed")
    dots = [k for k, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexingError("an index can only have a single ellipsis ('...')")
    place = dots[0] if dots else len(items)
    rest = [slice(None)] * (x.ndim - consumed)
    return items[:place] + rest + items[place + len(dots):]


def _entries_of(x, item, axis: int) -> list[Entry]:
    """The entries of an item that stands for one axis, or of a mask for several."""
    if _is_mask(item):
        return _mask_entries(x, item, axis)
    size = x.shape[axis]
    if isinstance(item, slice):
        return [Entry("slice", _bounds(item, size))]
    if isinstance(item, int):
        if not -size <= item < size:                # what that means is for the mode to say
            return [Entry("array", np.asarray(item))]
        return [Entry("int", item % size)]
    return [Entry("array", item)]


def _mask_entries(x, mask: np.ndarray, axis: int) -> list[Entry]:
    """A mask stands for the index arrays of its true elements."""
    for k, size in enumerate(mask.shape, axis):
        if size != x.shape[k]:
            raise IndexingError(f"boolean index of shape {mask.shape} does not fit: it has size "
                             f"{size} along axis {k} of {x.type}, which has size {x.shape[k]}")
    return [Entry("array", places) for places in np.nonzero(mask)]


def _bounds(item: slice, size: int) -> tuple:
    """(start, stop, step) of a slice, for an axis of this size."""
    try:
        parts = [part if part is None else part.__index__()
                 for part in (item.start, item.stop, item.step)]
    except AttributeError:
        raise ArgumentError("slice indices must be integers or None or have an __index__ method, "
                            f"got {item}") from None
    return slice(*parts).indices(size)


# ---- index arrays ----

def index_arrays(x, axes: list[int], entries: list[Entry], mode: str) -> tuple[list, str]:
    """Index arrays of one shape, counted from the start, and the mode that is left to do.

    axes: those of x that are indexed; entries: one for each axis of x. What is known now is
    checked now.
    """
    arrays, unchecked = [], False
    for axis in axes:
        entry = entries[axis]
        value = np.asarray(entry.value) if entry.kind == "int" else entry.value
        array, checked = counted_from_start(x.shape, axis, value, mode)
        arrays.append(array)
        unchecked |= not checked
    return common_shape(arrays), mode if unchecked or mode == "fill" else "promise"


def counted_from_start(shape: tuple, axis: int, value, mode: str, negative: bool = True) -> tuple:
    """(an index array without negative indices, whether it is known to be inside).

    negative: whether negative indices count from the end.
    """
    size = shape[axis]
    if isinstance(value, (np.ndarray, Array)):
        return _known_index(shape, axis, np.asarray(value).astype(np.int64), mode, negative), True
    if np.iinfo(value.dtype).max < size:
        value = convert(value, np.int64)
    kind = value.dtype.type
    if mode == "wrap":
        return basic.remainder(value, kind(max(size, 1))), True
    if value.dtype.kind == "i" and negative and size:
        # What lies outside stays as it is, so that an error can name it.
        from_end = basic.and_(basic.lt(value, kind(0)), basic.ge(value, kind(-size)))
        value = select(from_end, basic.add(value, kind(size)), value)
    return value, mode == "promise"


def _known_index(shape, axis, value: np.ndarray, mode: str, negative: bool):
    size = shape[axis]
    if mode == "wrap":
        return as_array(value % max(size, 1))
    counted = np.where((value < 0) & (value >= -size), value + size, value) if negative else value
    outside = (counted < 0) | (counted >= size)
    if mode == "raise" and outside.any():
        raise out_of_bounds(int(value[outside].flat[0]), axis, shape)
    if mode == "clip":
        counted = np.clip(counted, 0, max(size - 1, 0))
    return as_array(counted)


def common_shape(arrays: list) -> list:
    """Index arrays of one shape and one dtype."""
    try:
        shape = broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shown = ", ".join(str(array.shape) for array in arrays)
        raise IndexingError("shape mismatch: index arrays of shapes " + shown
                         + " cannot be broadcast together") from None
    if len({array.dtype for array in arrays}) > 1:
        arrays = [convert(array, np.int64) for array in arrays]
    return [broadcast_one(array, shape) for array in arrays]


def layout(entries: list[Entry], block: list, slices: list, new) -> list:
    """The axes of `x[index]` in order: those of the index arrays, of slices, and new ones."""
    places = [k for k, entry in enumerate(entries) if entry.kind in ("int", "array")]
    adjacent = not places or places[-1] - places[0] == len(places) - 1
    result, rest = ([] if adjacent else list(block)), iter(slices)
    for k, entry in enumerate(entries):
        if entry.kind == "new":
            result.append(new)
        elif entry.kind == "slice":
            result.append(next(rest))
        elif adjacent and k == places[0]:
            result += block
    return result
