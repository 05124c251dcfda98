"""Sorting and searching: sort, argsort, searchsorted, nonzero, top_k.

Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import ArrayBase, as_array
from functrans.errors import ArgumentError
from functrans.numpy.choosing import where
from functrans.numpy.indexing import getitem, take_along_axis
from functrans.numpy.promotion import as_arraylike, canonical_axis, promote
from functrans.numpy.ufuncs import truth
from functrans.primitives import shape as prim
from functrans.primitives import sort as sorting
from functrans.primitives.basic import reduce_sum
from functrans.primitives.elementwise import convert


def _with_axis(a, axis, name: str):
    a = as_arraylike(a, name)
    if axis is None:
        return prim.reshape(a, (a.size,)), 0
    return a, canonical_axis(axis, a.ndim)


def sort(a, axis: int | None = -1, kind=None, order=None, *, stable: bool = True,
         descending: bool = False):
    """Elements in order along an axis (of all, if None); NaN comes last.

    >>> import functrans.numpy as fnp
    >>> fnp.sort(fnp.array([3, 1, 2]))
    Array([1, 2, 3], dtype=int64)
    """
    a, axis = _with_axis(a, axis, "sort")
    result = sorting.sort([a], axis)[0]
    return prim.reverse(result, (axis,)) if descending else result


def argsort(a, axis: int | None = -1, kind=None, order=None, *, stable: bool = True,
            descending: bool = False):
    """The indices that sort along an axis; equal elements keep their order.

    >>> import functrans.numpy as fnp
    >>> fnp.argsort(fnp.array([3, 1, 2]))
    Array([1, 2, 0], dtype=int64)
    """
    a, axis = _with_axis(a, axis, "argsort")
    places = prim.iota(np.int64, a.shape, axis)
    if not descending:
        return sorting.sort([a, places], axis)[1]
    # Sorting the reversed array and reversing the result keeps the order of equal elements.
    order = sorting.sort([prim.reverse(a, (axis,)), places], axis)[1]
    return np.int64(max(a.shape[axis] - 1, 0)) - prim.reverse(order, (axis,))


def lexsort(keys, axis: int = -1):
    """The indices that sort by several keys, the last of which matters most.

    >>> import functrans.numpy as fnp
    >>> fnp.lexsort((fnp.array([1, 0]), fnp.array([0, 0])))
    Array([1, 0], dtype=int64)
    """
    columns = [as_arraylike(key, "lexsort") for key in keys][::-1]
    if not columns:
        raise ArgumentError("lexsort needs at least one key")
    axis = canonical_axis(axis, columns[0].ndim)
    places = prim.iota(np.int64, columns[0].shape, axis)
    return sorting.sort([*columns, places], axis, len(columns))[-1]


def sort_complex(a):
    """Sorted as complex numbers: by real part, then by imaginary part.

    >>> import functrans.numpy as fnp
    >>> fnp.sort_complex(fnp.array([2, 1]))
    Array([1.+0.j, 2.+0.j], dtype=complex128)
    """
    a = as_arraylike(a, "sort_complex")
    small = a.dtype.kind in "biu" and a.dtype.itemsize <= 2
    kind = np.complex64 if small or a.dtype == np.complex64 else np.complex128
    return sort(convert(a, kind))


def partition(a, kth, axis: int | None = -1, kind: str = "introselect", order=None):
    """Elements so that those at `kth` are where sorting would put them (here: sorted).

    kth: an int, or several.

    >>> import functrans.numpy as fnp
    >>> fnp.partition(fnp.array([3, 1, 2]), 1)
    Array([1, 2, 3], dtype=int64)
    """
    a, axis = _with_axis(a, axis, "partition")
    _check_kth(kth, a.shape[axis], "partition")
    return sort(a, axis)


def argpartition(a, kth, axis: int | None = -1, kind: str = "introselect", order=None):
    """The indices of `partition`.

    >>> import functrans.numpy as fnp
    >>> fnp.argpartition(fnp.array([3, 1, 2]), 1)
    Array([1, 2, 0], dtype=int64)
    """
    a, axis = _with_axis(a, axis, "argpartition")
    _check_kth(kth, a.shape[axis], "argpartition")
    return argsort(a, axis)


def _check_kth(kth, size: int, name: str):
    for place in np.atleast_1d(np.asarray(kth)):
        if not -size <= place < size:
            raise ArgumentError(f"{name}: kth={place} is out of bounds for an axis of size {size}")


def top_k(x, k: int, /, *, axis: int = -1, mode: str = "largest"):
    """The k largest elements along an axis (or "smallest"), in order, and their indices.

    >>> import functrans.numpy as fnp
    >>> fnp.top_k(fnp.array([3, 1, 2]), 2)
    (Array([3, 2], dtype=int64), Array([0, 2], dtype=int64))
    """
    x, axis = _with_axis(x, axis, "top_k")
    if not 0 <= k <= x.shape[axis]:
        raise ArgumentError(f"top_k: k={k} for an axis of size {x.shape[axis]}")
    order = argsort(x, axis, descending=mode == "largest")
    order = prim.slice_axis(order, axis, 0, k)
    return take_along_axis(x, order, axis, "promise_in_bounds"), order


def searchsorted(a, v, side: str = "left", sorter=None, *, method: str | None = None):
    """Where to put `v` into the sorted vector `a` so that it stays sorted.

    side: before ("left") or behind ("right") equal elements. method: JAX's, of no effect.

    >>> import functrans.numpy as fnp
    >>> fnp.searchsorted(fnp.array([1, 3]), fnp.array([0, 2]))
    Array([0, 1], dtype=int64)
    """
    a, v = promote(as_arraylike(a, "searchsorted"), as_arraylike(v, "searchsorted"))
    if a.ndim != 1:
        raise ArgumentError(f"searchsorted takes a sorted vector, got shape {a.shape}")
    if side not in ("left", "right"):
        raise ArgumentError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if sorter is not None:
        a = getitem(a, as_arraylike(sorter))
    low = convert(v != v, np.int64) * 0
    step = 1 << max(a.size.bit_length() - 1, 0)
    while step and a.size:                      # binary search, as many halvings as bits
        place = low + step
        inside = place <= a.size
        probe = getitem(a, (where(inside, place - 1, 0),), "promise")
        before = _before(probe, v, side)
        low = where(inside & before, place, low)
        step //= 2
    return low


def _before(x, v, side: str):
    """Whether x stands before v, NaN after all else."""
    if side == "left":
        return (x < v) | ((v != v) & (x == x))
    return (x <= v) | (v != v)


def nonzero(a, *, size: int | None = None, fill_value=None) -> tuple:
    """The indices of elements that are not zero, one array for each axis.

    size: the length of the result, which makes traced arrays possible; what is missing is
    filled with `fill_value` (0 by default).

    >>> import functrans.numpy as fnp
    >>> fnp.nonzero(fnp.array([0, 5, 7]))
    (Array([1, 2], dtype=int64),)
    """
    a = as_arraylike(a, "nonzero")
    if a.ndim == 0:
        raise ArgumentError("nonzero of a 0-d array is not defined; use atleast_1d")
    if size is None:
        value = a._concrete("nonzero (its result has a shape that depends on values; give size=)")
        return tuple(as_array(place) for place in np.nonzero(value))
    flags = prim.reshape(_flags(a), (a.size,))
    order = argsort(~flags)[:size] if size <= a.size else \
        prim.pad(argsort(~flags), (0,), (size - a.size,))
    count = reduce_sum(convert(flags, np.int64), (0,))
    valid = prim.iota(np.int64, (size,)) < count
    fills = fill_value if isinstance(fill_value, tuple) else (fill_value or 0,) * a.ndim
    places = []
    for extent, fill in zip(reversed(a.shape), reversed(fills)):
        places.append(where(valid, order % max(extent, 1), fill))
        order = order // max(extent, 1)
    return tuple(reversed(places))


def _flags(a):
    flags = truth(a)
    return flags if isinstance(flags, ArrayBase) else as_array(flags)


def flatnonzero(a, *, size: int | None = None, fill_value=None):
    """The indices of elements that are not zero, in the flattened array.

    >>> import functrans.numpy as fnp
    >>> fnp.flatnonzero(fnp.array([0, 5, 7]))
    Array([1, 2], dtype=int64)
    """
    a = as_arraylike(a, "flatnonzero")
    return nonzero(prim.reshape(a, (a.size,)), size=size, fill_value=fill_value)[0]


def argwhere(a, *, size: int | None = None, fill_value=None):
    """The indices of elements that are not zero, one row each.

    >>> import functrans.numpy as fnp
    >>> fnp.argwhere(fnp.array([0, 5, 7]))
    Array([[1],
           [2]], dtype=int64)
    """
    from functrans.numpy.joining import stack
    a = as_arraylike(a, "argwhere")
    if not a.ndim:
        found = nonzero(prim.reshape(a, (1,)), size=size, fill_value=fill_value)[0]
        return prim.reshape(found[:, None][:, :0], (found.size, 0))
    return stack(nonzero(a, size=size, fill_value=fill_value), -1)


