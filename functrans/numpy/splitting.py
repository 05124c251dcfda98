"""Arrays taken apart: split and its kin.

Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

from functrans.errors import ArgumentError
from functrans.numpy.promotion import as_arraylike, canonical_axis
from functrans.primitives import shape as prim


def array_split(ary, indices_or_sections, axis: int = 0) -> list:
    """Parts of an array: that many, of nearly equal size, or cut at the given indices.

    >>> import functrans.numpy as fnp
    >>> [x.shape for x in fnp.array_split(fnp.arange(5), 2)]
    [(3,), (2,)]
    """
    ary = as_arraylike(ary, "array_split")
    axis = canonical_axis(axis, ary.ndim)
    size = ary.shape[axis]
    if hasattr(indices_or_sections, "__len__"):
        cuts = [0, *(int(cut) for cut in indices_or_sections), size]
    else:
        count = indices_or_sections.__index__()
        if count <= 0:
            raise ArgumentError("the number of sections must be larger than 0")
        each, more = divmod(size, count)
        cuts = [0]
        for part in range(count):
            cuts.append(cuts[-1] + each + (part < more))
    return [_cut(ary, axis, low, high) for low, high in zip(cuts, cuts[1:])]


def _cut(x, axis: int, low: int, high: int):
    low, high, _ = slice(low, high).indices(x.shape[axis])
    return prim.slice_axis(x, axis, low, max(low, high))


def split(ary, indices_or_sections, axis: int = 0) -> list:
    """Parts of an array; that many of equal size, or cut at the given indices.

    >>> import functrans.numpy as fnp
    >>> fnp.split(fnp.arange(4), 2)
    [Array([0, 1], dtype=int64), Array([2, 3], dtype=int64)]
    """
    ary = as_arraylike(ary, "split")
    if not hasattr(indices_or_sections, "__len__"):
        size = ary.shape[canonical_axis(axis, ary.ndim)]
        if size % indices_or_sections:
            raise ArgumentError(f"split: an axis of size {size} cannot be split into "
                                f"{indices_or_sections} equal parts; use array_split")
    return array_split(ary, indices_or_sections, axis)


def hsplit(ary, indices_or_sections) -> list:
    """Split along the second axis (the only one of a vector).

    >>> import functrans.numpy as fnp
    >>> len(fnp.hsplit(fnp.ones((2, 4)), 2))
    2
    """
    ary = _with_rank(ary, 1, "hsplit")
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


def _with_rank(ary, rank: int, name: str):
    ary = as_arraylike(ary, name)
    if ary.ndim < rank:
        raise ArgumentError(f"{name} takes arrays of {rank} or more axes, got shape {ary.shape}")
    return ary


def vsplit(ary, indices_or_sections) -> list:
    """Split along the first axis.

    >>> import functrans.numpy as fnp
    >>> len(fnp.vsplit(fnp.ones((4, 2)), 2))
    2
    """
    return split(_with_rank(ary, 2, "vsplit"), indices_or_sections, 0)


def dsplit(ary, indices_or_sections) -> list:
    """Split along the third axis.

    >>> import functrans.numpy as fnp
    >>> len(fnp.dsplit(fnp.ones((1, 1, 4)), 2))
    2
    """
    return split(_with_rank(ary, 3, "dsplit"), indices_or_sections, 2)


def unstack(x, /, *, axis: int = 0) -> tuple:
    """The slices of an array along an axis.

    >>> import functrans.numpy as fnp
    >>> fnp.unstack(fnp.arange(2))
    (Array(0, dtype=int64), Array(1, dtype=int64))
    """
    x = as_arraylike(x, "unstack")
    axis = canonical_axis(axis, x.ndim)
    rest = x.shape[:axis] + x.shape[axis + 1:]
    return tuple(prim.reshape(prim.slice_axis(x, axis, k, k + 1), rest)
                 for k in range(x.shape[axis]))
