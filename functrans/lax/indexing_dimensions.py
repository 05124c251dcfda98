"""Which dimensions of `gather` and `scatter` are which.

In: dimension numbers and shapes. Out: `Windows`. Imports `errors`.
"""
from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from functrans.errors import ArgumentError, ShapeError


class GatherDimensionNumbers(NamedTuple):
    """The dimensions of `gather`.

    offset_dims: where the window's dimensions stand in the result. collapsed_slice_dims: dimensions
    of the operand, of size 1 in a window, that are left out. start_index_map: the dimensions that
    the indices speak of. operand_batching_dims, start_indices_batching_dims: dimensions of operand
    and of indices that run together.
    """
    offset_dims: tuple
    collapsed_slice_dims: tuple
    start_index_map: tuple
    operand_batching_dims: tuple = ()
    start_indices_batching_dims: tuple = ()


class ScatterDimensionNumbers(NamedTuple):
    """The dimensions of `scatter`.

    update_window_dims: the window's dimensions in the updates. inserted_window_dims: dimensions of
    the operand that the updates' windows lack: of size 1. scatter_dims_to_operand_dims: the
    dimensions that the indices speak of. operand_batching_dims, scatter_indices_batching_dims:
    dimensions of operand and of indices that run together.
    """
    update_window_dims: Sequence
    inserted_window_dims: Sequence
    scatter_dims_to_operand_dims: Sequence
    operand_batching_dims: Sequence = ()
    scatter_indices_batching_dims: Sequence = ()


class GatherScatterMode(enum.Enum):
    """What becomes of windows that are not inside of the array."""
    CLIP = 0
    FILL_OR_DROP = 1
    PROMISE_IN_BOUNDS = 2
    ONE_HOT = 3

    @staticmethod
    def from_any(mode) -> GatherScatterMode:
        """The mode of a name: "clip", "fill", "drop", "promise_in_bounds"; None for "fill"."""
        if isinstance(mode, GatherScatterMode):
            return mode
        if mode is not None and mode not in _MODES:
            raise ArgumentError(f"mode must be one of {', '.join(map(repr, _MODES))}, got {mode!r}")
        return _MODES["fill" if mode is None else mode]


_MODES = {"clip": GatherScatterMode.CLIP, "fill": GatherScatterMode.FILL_OR_DROP,
          "drop": GatherScatterMode.FILL_OR_DROP,
          "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS}


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of an array of `shape`.

    sizes: of a window, for each dimension. index_map: the dimensions that indices speak of;
    batching: to dimensions of the array, those of the places that run with them.
    indexed: the dimensions for which there are arrays of indices; whole: those that every window
    covers. partial: those of `indexed` that windows have places along.
    out_places: where the dimensions (places.., partial.., whole..) stand in result or updates.
    """
    shape: tuple
    sizes: tuple
    index_map: tuple
    batching: dict
    indexed: tuple
    whole: tuple
    partial: tuple
    out_places: tuple


def gather_windows(numbers: GatherDimensionNumbers, shape: tuple, starts: tuple,
                   sizes: tuple) -> Windows:
    """The windows that are gathered, from arrays of these shapes."""
    own = set(numbers.collapsed_slice_dims) | set(numbers.operand_batching_dims)
    if any(sizes[d] > 1 for d in own if d < len(sizes)):
        raise ShapeError(f"lax.gather: dimensions {sorted(own)} are left out of windows, so "
                         f"slice_sizes must be 1 there; got {sizes}")
    return _windows("gather", numbers.offset_dims, own, numbers.start_index_map,
                    numbers.operand_batching_dims, numbers.start_indices_batching_dims, shape,
                    starts, sizes)


def scatter_windows(numbers: ScatterDimensionNumbers, shape: tuple, starts: tuple, updates: tuple,
                    name: str) -> Windows:
    """The windows that are written, with updates of a shape."""
    own = set(numbers.inserted_window_dims) | set(numbers.operand_batching_dims)
    rest = iter(numbers.update_window_dims)
    sizes = tuple(1 if d in own else updates[next(rest, -1)] for d in range(len(shape)))
    places = tuple(size for k, size in enumerate(updates) if k not in numbers.update_window_dims)
    if places != starts[:-1]:
        raise ShapeError(f"lax.{name}: updates of shape {updates} have windows for places "
                         f"{places}, but there are indices for {starts[:-1]}")
    return _windows(name, numbers.update_window_dims, own, numbers.scatter_dims_to_operand_dims,
                    numbers.operand_batching_dims, numbers.scatter_indices_batching_dims, shape,
                    starts, sizes)


def _windows(name: str, offsets, own: set, index_map, operand_batch, starts_batch, shape: tuple,
             starts: tuple, sizes: tuple) -> Windows:
    index_map, offsets = tuple(index_map), tuple(offsets)
    free = [d for d in range(len(shape)) if d not in own]
    if len(offsets) != len(free) or not starts or starts[-1] != len(index_map):
        raise ShapeError(
            f"lax.{name}: windows of shape {sizes} have dimensions {free} besides {sorted(own)}, "
            f"which stand at {offsets}; indices of shape {starts} speak of {index_map}")
    if any(not 0 <= size <= whole for size, whole in zip(sizes, shape)):
        raise ShapeError(f"lax.{name}: windows of shape {sizes} do not fit into {shape}")
    fixed = own | set(index_map)
    indexed = tuple(d for d in range(len(shape)) if d in fixed or sizes[d] != shape[d])
    whole = tuple(d for d in range(len(shape)) if d not in indexed)
    partial = tuple(d for d in indexed if d not in own)
    at = dict(zip(free, offsets))
    spots = [k for k in range(len(starts) - 1 + len(offsets)) if k not in offsets]
    return Windows(shape, sizes, index_map, dict(zip(operand_batch, starts_batch, strict=True)),
                   indexed, whole, partial,
                   (*spots, *(at[d] for d in partial), *(at[d] for d in whole)))
