"""Where an equation reads its operand, when its own result is read somewhere.

An access says for each dimension which index is read: `(axis, start, step)` means
`start + step * axis`; an axis of None means the fixed index `start`. Following a chain of
broadcasts, transposes and slices upwards is composing accesses; no element moves.

Imports `functrans.ir` only.
"""
from __future__ import annotations

from functrans.ir.primitive import Broadcast, Reshape, Slice, Transpose

FIXED = (None, 0, 0)


def identity(shape, axes=None) -> tuple:
    """Each dimension read along its own axis (its number, or the given one)."""
    axes = range(len(shape)) if axes is None else axes
    return tuple(FIXED if size == 1 else (axis, 0, 1) for size, axis in zip(shape, axes))


def is_unit_reshape(source, target) -> bool:
    """Whether a reshape only adds and removes axes of size one."""
    return [n for n in source if n != 1] == [n for n in target if n != 1]


def through(kernel, source, target, access: tuple) -> tuple | None:
    """The access to the operand (of shape `source`) of a relabeling whose result (of shape
    `target`) is read at `access`; None where that cannot be said."""
    if isinstance(kernel, Broadcast):
        return tuple(access[dim] if size == target[dim] else FIXED
                     for size, dim in zip(source, kernel.dims))
    if isinstance(kernel, Transpose):
        result = [FIXED] * len(source)
        for k, dim in enumerate(kernel.perm):
            result[dim] = access[k]
        return tuple(result)
    if isinstance(kernel, Slice):
        return tuple(_sliced(entry, start, step)
                     for entry, start, step in zip(access, kernel.start, kernel.step))
    if isinstance(kernel, Reshape) and is_unit_reshape(source, target):
        used = iter([entry for entry, size in zip(access, target) if size != 1])
        return tuple(FIXED if size == 1 else next(used) for size in source)
    return None


def _sliced(entry, start: int, step: int) -> tuple:
    axis, at, stride = entry
    return axis, start + step * at, step * stride
