"""Arrays turned over: flip, rot90, roll.

Imports `numpy.manipulation`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError
from functrans.numpy.indexing import take
from functrans.numpy.manipulation import _axis_list, ravel, swapaxes
from functrans.numpy.promotion import as_arraylike, canonical_axes, canonical_axis
from functrans.primitives import shape as prim


def flip(m, axis=None):
    """Elements in reverse order along an axis, several, or all.

    >>> import functrans.numpy as fnp
    >>> fnp.flip(fnp.arange(3))
    Array([2, 1, 0], dtype=int64)
    """
    m = as_arraylike(m, "flip")
    return prim.reverse(m, canonical_axes(axis, m.ndim))


def flipud(m):
    """Elements in reverse order along the first axis.

    >>> import functrans.numpy as fnp
    >>> fnp.flipud(fnp.arange(2))
    Array([1, 0], dtype=int64)
    """
    return flip(m, 0)


def fliplr(m):
    """Elements in reverse order along the second axis.

    >>> import functrans.numpy as fnp
    >>> fnp.fliplr(fnp.array([[0, 1]]))
    Array([[1, 0]], dtype=int64)
    """
    return flip(m, 1)


def rot90(m, k: int = 1, axes=(0, 1)):
    """A turn by k quarters in the plane of two axes.

    >>> import functrans.numpy as fnp
    >>> fnp.rot90(fnp.array([[0, 1]]))
    Array([[1],
           [0]], dtype=int64)
    """
    m = as_arraylike(m, "rot90")
    first, second = _axis_list(tuple(axes), m.ndim)
    turns = {0: lambda x: x, 1: lambda x: swapaxes(flip(x, second), first, second),
             2: lambda x: flip(x, (first, second)),
             3: lambda x: flip(swapaxes(x, first, second), second)}
    return turns[k % 4](m)


def roll(a, shift, axis=None):
    """Elements moved by `shift` along axes; what leaves at the end comes in at the start.

    shift may be a traced integer.

    >>> import functrans.numpy as fnp
    >>> fnp.roll(fnp.arange(4), 1)
    Array([3, 0, 1, 2], dtype=int64)
    """
    a = as_arraylike(a, "roll")
    if axis is None:
        return prim.reshape(roll(ravel(a), shift, 0), a.shape)
    axes = [canonical_axis(k, a.ndim) for k in
            (axis if isinstance(axis, (tuple, list)) else (axis,))]
    shifts = list(shift) if isinstance(shift, (tuple, list)) else [shift] * len(axes)
    axes = axes * len(shifts) if len(axes) == 1 else axes
    if len(axes) != len(shifts):
        raise ArgumentError("roll: shift and axis must have the same length")
    for distance, k in zip(shifts, axes):
        a = _roll_one(a, distance, k)
    return a


def _roll_one(a, shift, axis: int):
    size = a.shape[axis]
    if not size:
        return a
    if isinstance(shift, (int, np.integer)):
        cut = -int(shift) % size
        return a if cut == 0 else prim.concatenate(
            [prim.slice_axis(a, axis, cut, size), prim.slice_axis(a, axis, 0, cut)], axis)
    places = (prim.iota(np.int64, (size,)) - as_arraylike(shift)) % size
    return take(a, places, axis)
