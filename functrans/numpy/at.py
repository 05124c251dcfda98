"""`x.at[index].set(value)` and its kin: updated copies of immutable arrays.

Imports `numpy.indexing`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ShapeError
from functrans.ir.type import is_bool
from functrans.numpy import ufuncs
from functrans.numpy.index_parsing import (Entry, common_shape, counted_from_start, index_mode,
                                           layout, parse)
from functrans.numpy.indexing import getitem
from functrans.numpy.promotion import (as_operand, broadcast_one, broadcasts_to, cast,
                                       materialize)
from functrans.primitives import shape as prim
from functrans.primitives.basic import broadcast, full
from functrans.primitives.elementwise import select
from functrans.primitives.index import SCATTERS, scatter
from functrans.primitives.window import dynamic_update_slice


class At:
    """`x.at`: index it, then say what to do there; see `AtIndex`."""

    __slots__ = ("_array",)

    def __init__(self, array):
        self._array = array

    def __getitem__(self, index) -> AtIndex:
        return AtIndex(self._array, index)

    def __repr__(self):
        return f"At({self._array!r})"


class AtIndex:
    """The place `x.at[index]`; each method gives a new array, x stays as it is.

    mode: what an index outside does: "raise" (default), "drop" (nothing is written), "clip",
    "wrap"; for `get` also "fill". unique_indices: a promise that no element is named twice.

    >>> import functrans.numpy as fnp
    >>> fnp.zeros(3).at[1].add(2.0)
    Array([0., 2., 0.], dtype=float32)
    """

    __slots__ = ("_array", "_index")

    def __init__(self, array, index):
        self._array = array
        self._index = index

    def get(self, *, indices_are_sorted=False, unique_indices=False, mode=None, fill_value=None):
        """`x[index]`, with a mode for indices outside."""
        return getitem(self._array, self._index, index_mode(mode, "at[].get"), fill_value)

    def set(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The elements replaced; where one is named twice, the last value stays."""
        return _update(self._array, self._index, values, "set", mode, unique_indices)

    def add(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """`values` added; where an element is named twice, both are."""
        return _update(self._array, self._index, values, "add", mode, unique_indices)

    def subtract(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """`values` subtracted."""
        return self.add(ufuncs.negative(values), unique_indices=unique_indices, mode=mode)

    def multiply(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The elements multiplied by `values`."""
        return _update(self._array, self._index, values, "mul", mode, unique_indices)

    mul = multiply

    def divide(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The elements divided by `values`."""
        ones = full(self._array.type.strong(), 1)
        factors = _update(ones, self._index, values, "mul", mode, unique_indices)
        return ufuncs.divide(self._array, factors)

    def power(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The elements raised to the power of `values`."""
        new = ufuncs.power(self.get(mode=mode), values)
        return self.set(new, mode=mode, unique_indices=unique_indices)

    def min(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The smaller of the elements and `values`."""
        return _update(self._array, self._index, values, "min", mode, unique_indices)

    def max(self, values, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The larger of the elements and `values`."""
        return _update(self._array, self._index, values, "max", mode, unique_indices)

    def apply(self, func, *, indices_are_sorted=False, unique_indices=False, mode=None):
        """The elements replaced by `func` of them."""
        return self.set(func(self.get(mode=mode)), mode=mode, unique_indices=unique_indices)

    def __repr__(self):
        return f"AtIndex({self._array!r}, {self._index!r})"


_COMBINE = {"add": ufuncs.add, "mul": ufuncs.multiply, "min": ufuncs.minimum,
            "max": ufuncs.maximum}


def _update(x, index, values, how: str, mode, unique: bool):
    mode = index_mode(mode, f"at[].{how}")
    values = materialize(cast(as_operand(values, f"at[].{how}"), x.dtype))
    if _is_plain_mask(x, index, values):
        return _update_where(x, index, values, how)
    wide, entries = parse(x, index)
    if _is_window(entries):
        return _update_window(wide, entries, index, values, how)
    return prim.reshape(_update_indexed(wide, entries, values, how, mode, unique), x.shape)


def _is_plain_mask(x, index, values) -> bool:
    """Whether a mask alone is the index, and each element gets the same values."""
    if not isinstance(index, (ArrayBase, np.ndarray)) or not is_bool(index.dtype):
        return False
    count = index.ndim
    return count > 0 and index.shape == x.shape[:count] and values.ndim <= x.ndim - count


def _update_where(x, mask, values, how: str):
    """A choice between old and new: the mask need not be known."""
    values = _fit(values, x.shape)
    new = values if how == "set" else _COMBINE[how](x, values)
    mask = materialize(as_operand(mask))
    return select(broadcast(mask, x.shape, range(mask.ndim)), new, x)


def _is_window(entries: list[Entry]) -> bool:
    """Whether the elements are one block: ints and slices of step one."""
    return all(entry.kind in ("new", "int") or entry.kind == "slice" and entry.value[2] == 1
               for entry in entries)


def _fit(values, shape: tuple):
    """`values` in the shape of what `x[index]` is."""
    extra = values.ndim - len(shape)
    if extra > 0 and all(size == 1 for size in values.shape[:extra]):
        values = prim.reshape(values, values.shape[extra:])
    if not broadcasts_to(values.shape, shape):
        raise ShapeError(f"values of shape {values.shape} do not fit the indexed elements, "
                         f"which have shape {tuple(shape)}")
    return broadcast_one(values, tuple(shape))


def _update_window(x, entries: list[Entry], index, values, how: str):
    """A block is cut out, changed and put back; no index arrays."""
    consuming = [entry for entry in entries if entry.kind != "new"]
    starts, sizes, shape = [], [], []
    for entry in consuming:
        low, high = entry.value[:2] if entry.kind == "slice" else (entry.value, entry.value + 1)
        starts.append(np.int64(low if high > low else 0))
        sizes.append(max(high - low, 0))
    sized = iter(sizes)
    for entry in entries:
        size = 1 if entry.kind == "new" else next(sized)
        if entry.kind != "int":
            shape.append(size)
    values = _fit(values, tuple(shape))
    if how != "set":
        values = _COMBINE[how](getitem(x, index), values)
    if 0 in sizes:
        return x
    return dynamic_update_slice(x, prim.reshape(values, sizes), starts)


def _update_indexed(x, entries: list[Entry], values, how: str, mode: str, unique: bool):
    """Index arrays; slices that are not whole become index arrays too."""
    consuming = [entry for entry in entries if entry.kind != "new"]
    probe = _shape_of(x, entries)
    values = _fit(values, probe)
    whole = [_is_whole(entry, size) for entry, size in zip(consuming, x.shape)]
    axes = [k for k, keep in enumerate(whole) if not keep]
    rest = [k for k, keep in enumerate(whole) if keep]
    arrays, left = _grid(x, consuming, axes, mode)
    updates = _updates_in_order(values, entries, consuming, axes, arrays)
    moved = prim.transpose(x, axes + rest)
    distinct = unique or all(entry.kind != "array" for entry in consuming)
    out = scatter(SCATTERS[how], moved, updates, arrays, 0, left, distinct)
    return prim.transpose(out, np.argsort(axes + rest).tolist())


def _shape_of(x, entries: list[Entry]) -> tuple:
    """The shape of `x[index]`, for parsed entries."""
    sizes = [len(range(*entry.value)) for entry in entries if entry.kind == "slice"]
    arrays = [entry.value for entry in entries if entry.kind == "array"]
    block = _block_shape(arrays)
    return tuple(layout(entries, list(block), sizes, 1))


def _block_shape(arrays: list) -> tuple:
    return common_shape([np.broadcast_to(np.int64(0), array.shape)
                         for array in arrays])[0].shape if arrays else ()


def _is_whole(entry: Entry, size: int) -> bool:
    return entry.kind == "slice" and entry.value == (0, size, 1)


def _grid(x, consuming, axes, mode: str) -> tuple[list, str]:
    """Index arrays of one shape: the block of the index arrays, then one axis a slice.

    And the mode that is left for the kernels to do.
    """
    count = len(_block_shape([entry.value for entry in consuming if entry.kind == "array"]))
    cut = [k for k in axes if consuming[k].kind == "slice"]
    arrays, checked = [], True
    for k in axes:
        entry = consuming[k]
        if entry.kind == "slice":
            value = np.arange(*entry.value)
            shape = [1] * (count + len(cut))
            shape[count + cut.index(k)] = value.size
            array, known = counted_from_start(x.shape, k, value.reshape(shape), mode)
        else:
            array, known = counted_from_start(x.shape, k, np.asarray(entry.value)
                                              if entry.kind == "int" else entry.value, mode)
            array = prim.reshape(array, array.shape + (1,) * len(cut))
        arrays.append(array)
        checked &= known
    left = "drop" if mode == "fill" else "promise" if checked else mode
    return common_shape(arrays), left


def _updates_in_order(values, entries, consuming, axes, arrays):
    """`values` with axes (block.., partial slices.., whole slices..), as scatter takes them."""
    cut = [k for k in axes if consuming[k].kind == "slice"]
    count = arrays[0].ndim - len(cut)
    slices = [k for k, entry in enumerate(consuming) if entry.kind == "slice"]
    labels = layout(entries, [("block", k) for k in range(count)],
                     [("slice", k) for k in slices], None)
    values = prim.reshape(values, [size for size, label in zip(values.shape, labels)
                                   if label is not None])
    labels = [label for label in labels if label is not None]
    wanted = [("block", k) for k in range(count)] + [("slice", k) for k in cut] \
        + [("slice", k) for k in slices if k not in cut]
    return prim.transpose(values, [labels.index(label) for label in wanted])
