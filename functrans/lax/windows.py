"""Windows whose place is known at run time only.

Imports `numpy.promotion`, `primitives`, `lax.common`.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ShapeError
from functrans.lax.common import gives_way
from functrans.numpy.promotion import as_arraylike, canonical_axis
from functrans.primitives import shape as prim
from functrans.primitives import window
from functrans.primitives.basic import type_of_value
from functrans.primitives.elementwise import convert, select


def _starts(starts, shape: tuple, name: str, negative) -> list:
    """Start indices as scalars; negative ones from the end, where that is allowed."""
    if isinstance(starts, (ArrayBase, np.ndarray)):
        if starts.ndim != 1:
            raise ShapeError(f"{name}: an array of start indices must be one-dimensional, got "
                             f"shape {starts.shape}")
        starts = list(starts)
    if len(starts) != len(shape):
        raise ArgumentError(f"{name} needs one start for each of the {len(shape)} axes, got "
                            f"{len(starts)}")
    allowed = negative if isinstance(negative, (list, tuple)) else [negative] * len(shape)
    return [_start(*one, name) for one in zip(starts, shape, allowed)]


def _start(start, size: int, negative: bool, name: str):
    if isinstance(start, (int, np.integer)) and not isinstance(start, bool):
        return np.int64(start + size if start < 0 and negative else start)
    start = as_arraylike(start, name)
    if not negative or start.dtype.kind != "i":
        return start
    return select(start < 0, start + start.dtype.type(size), start)


def _types(*values) -> list:
    return [type_of_value(value) for value in values]


def dynamic_slice(operand, start_indices, slice_sizes: Sequence[int], *,
                  allow_negative_indices: bool | Sequence[bool] = True):
    """A window of shape `slice_sizes`, at a start known at run time, clamped into bounds.

    start_indices: an integer scalar for each axis, or an array of them. allow_negative_indices:
    whether negative starts count from the end (else they are clamped to 0), for all axes or each.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.dynamic_slice(fnp.arange(5), (2,), (2,))
    Array([2, 3], dtype=int64)

    Raises TypeError for starts that are no integers or too few, and for windows that do not fit.
    """
    operand = as_arraylike(operand, "dynamic_slice")
    starts = _starts(start_indices, operand.shape, "dynamic_slice", allow_negative_indices)
    sizes = tuple(size.__index__() for size in slice_sizes)
    window.dynamic_slice_p.infer(*_types(operand, *starts), sizes=sizes)
    return window.dynamic_slice(operand, starts, sizes)


def dynamic_update_slice(operand, update, start_indices, *,
                         allow_negative_indices: bool | Sequence[bool] = True):
    """`operand` with the window at `start_indices` replaced by `update`; starts are clamped.

    Raises TypeError if the update has another dtype or rank, or does not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.dynamic_update_slice(fnp.zeros(3), fnp.ones(1), (1,))
    Array([0., 1., 0.], dtype=float32)
    """
    operand = as_arraylike(operand, "dynamic_update_slice")
    update = as_arraylike(update, "dynamic_update_slice")
    if gives_way(update.type, operand.type):
        update = convert(update, operand.dtype)
    starts = _starts(start_indices, operand.shape, "dynamic_update_slice",
                     allow_negative_indices)
    window.dynamic_update_p.infer(*_types(operand, update, *starts))
    return window.dynamic_update_slice(operand, update, starts)


def _along(operand, start, axis: int) -> tuple[list, int]:
    axis = canonical_axis(axis, operand.ndim)
    starts = [0] * operand.ndim
    starts[axis] = start
    return starts, axis


def dynamic_slice_in_dim(operand, start_index, slice_size: int, axis: int = 0, *,
                         allow_negative_indices: bool = True):
    """`slice_size` elements along one axis, from a start known at run time.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.dynamic_slice_in_dim(fnp.arange(5), 1, 2)
    Array([1, 2], dtype=int64)
    """
    operand = as_arraylike(operand, "dynamic_slice_in_dim")
    starts, axis = _along(operand, start_index, axis)
    sizes = list(operand.shape)
    sizes[axis] = slice_size
    return dynamic_slice(operand, starts, sizes, allow_negative_indices=allow_negative_indices)


def dynamic_index_in_dim(operand, index, axis: int = 0, keepdims: bool = True, *,
                         allow_negative_indices: bool = True):
    """One slice along an axis, at an index known at run time, clamped into bounds.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.dynamic_index_in_dim(fnp.arange(5), 3, keepdims=False)
    Array(3, dtype=int64)
    """
    operand = as_arraylike(operand, "dynamic_index_in_dim")
    out = dynamic_slice_in_dim(operand, index, 1, axis,
                               allow_negative_indices=allow_negative_indices)
    axis = canonical_axis(axis, operand.ndim)
    return out if keepdims else prim.reshape(out, out.shape[:axis] + out.shape[axis + 1:])


def dynamic_update_slice_in_dim(operand, update, start_index, axis: int, *,
                                allow_negative_indices: bool = True):
    """`operand` with a window along one axis replaced by `update`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.dynamic_update_slice_in_dim(fnp.zeros(3), fnp.ones(2), 1, 0)
    Array([0., 1., 1.], dtype=float32)
    """
    operand = as_arraylike(operand, "dynamic_update_slice_in_dim")
    starts, _ = _along(operand, start_index, axis)
    return dynamic_update_slice(operand, update, starts,
                                allow_negative_indices=allow_negative_indices)


def dynamic_update_index_in_dim(operand, update, index, axis: int, *,
                                allow_negative_indices: bool = True):
    """`operand` with one slice along an axis replaced by `update`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.dynamic_update_index_in_dim(fnp.zeros(3), 7.0, 1, 0)
    Array([0., 7., 0.], dtype=float32)
    """
    operand, update = (as_arraylike(x, "dynamic_update_index_in_dim")
                       for x in (operand, update))
    axis = canonical_axis(axis, operand.ndim)
    if update.ndim < operand.ndim:
        update = prim.expand_dims(update, (axis,))
    return dynamic_update_slice_in_dim(operand, update, index, axis,
                                       allow_negative_indices=allow_negative_indices)


def slice_in_dim(operand, start_index: int | None, limit_index: int | None, stride: int = 1,
                 axis: int = 0):
    """`operand[start:limit:stride]` along one axis, with Python ints.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.slice_in_dim(fnp.arange(5), 1, 4, 2)
    Array([1, 3], dtype=int64)
    """
    operand = as_arraylike(operand, "slice_in_dim")
    axis = canonical_axis(axis, operand.ndim)
    return operand[(slice(None),) * axis + (slice(start_index, limit_index, stride),)]


def index_in_dim(operand, index: int, axis: int = 0, keepdims: bool = True):
    """One slice along an axis, at a Python int.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.index_in_dim(fnp.arange(5), -1, keepdims=False)
    Array(4, dtype=int64)
    """
    operand = as_arraylike(operand, "index_in_dim")
    axis = canonical_axis(axis, operand.ndim)
    place = slice(index, index + 1 or None) if keepdims else index
    return operand[(slice(None),) * axis + (place,)]
