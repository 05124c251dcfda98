"""Sets of elements: unique, union, intersection, difference, membership.

The size of most results depends on values, so it must be given as `size` where the values are
traced: what is missing is then filled with `fill_value` (the first element, if None).

In: arrays. Out: arrays. Imports `numpy.searching`, `numpy.indexing`, `primitives`.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from functrans.ir.type import is_inexact
from functrans.numpy.choosing import where
from functrans.numpy.creation import full
from functrans.numpy.indexing import getitem
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.promotion import as_arraylike, canonical_axis, materialize, promote
from functrans.numpy.searching import flatnonzero, searchsorted
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives import sort as sorting
from functrans.primitives.cumulative import cumsum
from functrans.primitives.elementwise import convert
from functrans.primitives.index import scatter, scatter_set_p
from functrans.primitives.reduce import reduce_or


def _flat(x, name: str):
    x = as_arraylike(x, name)
    return prim.reshape(x, (x.size,))


def _differs(ordered, equal_nan: bool):
    """Whether a row is unlike the one before; the first one is."""
    before, after = ordered[:-1], ordered[1:]
    differs = basic.ne(after, before)
    if equal_nan and is_inexact(ordered.dtype):
        both = basic.and_(basic.ne(after, after), basic.ne(before, before))
        differs = basic.and_(differs, basic.not_(both))
    if differs.ndim > 1:
        differs = reduce_or(_rows(differs), (1,))
    first = full((1,), True, np.bool_)
    return concatenate([first, differs], 0)


def _rows(x):
    """The slices along axis 0 as rows of a matrix."""
    return prim.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


class _Groups(NamedTuple):
    """Rows in order, and which of them are the first of their kind."""
    ordered: object
    order: object
    first: object


def _grouped(x, equal_nan: bool) -> _Groups:
    """Rows along axis 0, sorted; vectors by value, others by their elements in turn."""
    count = x.shape[0]
    places = prim.iota(np.int64, (count,))
    if x.ndim == 1:
        ordered, order = sorting.sort([x, places], 0)
    else:
        flat = _rows(x)
        keys = [flat[:, k] for k in range(flat.shape[1])] or [places * 0]
        order = sorting.sort([*keys, places], 0, len(keys))[-1]
        ordered = getitem(x, (order,), "promise")
    first = _differs(ordered, equal_nan) if count else full((0,), True, np.bool_)
    return _Groups(ordered, order, first)


def unique(ar, return_index: bool = False, return_inverse: bool = False,
           return_counts: bool = False, axis: int | None = None, *, equal_nan: bool = True,
           sorted: bool = True, size: int | None = None, fill_value=None):
    """The different elements in order (slices along `axis`, if it is given).

    return_index: also where each occurs first; return_inverse: also which one each element is;
    return_counts: also how often each occurs. equal_nan: whether all NaN count as one. size,
    fill_value: see the top of the module.

    >>> import functrans.numpy as fnp
    >>> fnp.unique(fnp.array([2, 1, 2]), return_counts=True)
    (Array([1, 2], dtype=int64), Array([1, 2], dtype=int64))
    """
    ar = as_arraylike(ar, "unique")
    shape = ar.shape if axis is None else None
    x = _flat(ar, "unique") if axis is None else moveaxis(ar, canonical_axis(axis, ar.ndim), 0)
    groups = _grouped(x, equal_nan)
    starts = flatnonzero(groups.first, size=size, fill_value=x.shape[0])
    result = [_distinct(x, groups, starts, axis, size, fill_value)]
    if return_index:
        inside = starts if size is None else where(starts < x.shape[0], starts, 0)
        result.append(getitem(groups.order, (inside,), "promise"))
    if return_inverse:
        number = cumsum(convert(groups.first, np.int64), 0) - 1 if x.shape[0] else groups.order
        inverse = scatter(scatter_set_p, number, number, [groups.order], 0, "promise", True)
        result.append(prim.reshape(inverse, shape) if shape is not None else inverse)
    if return_counts:
        ends = concatenate([starts[1:], full((1,), x.shape[0], np.int64)], 0) \
            if starts.size else starts
        result.append(ends - starts)
    return result[0] if len(result) == 1 else tuple(result)


def _distinct(x, groups: _Groups, starts, axis, size, fill_value):
    if size is None or not x.shape[0]:
        found = getitem(groups.ordered, (starts,), "promise" if size is None else "fill",
                        fill_value)
    elif fill_value is None:
        found = getitem(groups.ordered, (where(starts < x.shape[0], starts, 0),), "promise")
    else:
        found = getitem(groups.ordered, (starts,), "fill", fill_value)
    return found if axis is None else moveaxis(found, 0, canonical_axis(axis, x.ndim))


class UniqueAllResult(NamedTuple):
    values: object
    indices: object
    inverse_indices: object
    counts: object


class UniqueCountsResult(NamedTuple):
    values: object
    counts: object


class UniqueInverseResult(NamedTuple):
    values: object
    inverse_indices: object


def unique_all(x, /, *, size: int | None = None, fill_value=None) -> UniqueAllResult:
    """(values, indices, inverse_indices, counts) of the different elements; NaN all differ.

    >>> import functrans.numpy as fnp
    >>> fnp.unique_all(fnp.array([2, 1, 2])).counts
    Array([1, 2], dtype=int64)
    """
    return UniqueAllResult(*unique(x, True, True, True, equal_nan=False, size=size,
                                   fill_value=fill_value))


def unique_counts(x, /, *, size: int | None = None, fill_value=None) -> UniqueCountsResult:
    """(values, counts) of the different elements; NaN all differ.

    >>> import functrans.numpy as fnp
    >>> fnp.unique_counts(fnp.array([2, 1, 2])).values
    Array([1, 2], dtype=int64)
    """
    return UniqueCountsResult(*unique(x, return_counts=True, equal_nan=False, size=size,
                                      fill_value=fill_value))


def unique_inverse(x, /, *, size: int | None = None, fill_value=None) -> UniqueInverseResult:
    """(values, inverse_indices) of the different elements; NaN all differ.

    >>> import functrans.numpy as fnp
    >>> fnp.unique_inverse(fnp.array([2, 1, 2])).inverse_indices
    Array([1, 0, 1], dtype=int64)
    """
    return UniqueInverseResult(*unique(x, return_inverse=True, equal_nan=False, size=size,
                                       fill_value=fill_value))


def unique_values(x, /, *, size: int | None = None, fill_value=None):
    """The different elements, in order; NaN all differ.

    >>> import functrans.numpy as fnp
    >>> fnp.unique_values(fnp.array([2, 1, 2]))
    Array([1, 2], dtype=int64)
    """
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


# ---- membership ----

def isin(element, test_elements, /, assume_unique: bool = False, invert: bool = False, *,
         kind=None, method=None):
    """Whether each element is one of `test_elements` (not one of them, if `invert`).

    >>> import functrans.numpy as fnp
    >>> fnp.isin(fnp.array([1, 2, 3]), fnp.array([3, 1]))
    Array([ True, False,  True], dtype=bool)
    """
    x, tests = promote(as_arraylike(element, "isin"), _flat(test_elements, "isin"))
    tests = _flat(tests, "isin")
    if not tests.size:
        return full(x.shape, invert, np.bool_)
    ordered = sorting.sort([tests], 0)[0]
    place = searchsorted(ordered, x)
    found = getitem(ordered, (place,), "clip")
    inside = basic.and_(basic.eq(found, x), basic.lt(place, np.int64(tests.size)))
    return basic.not_(inside) if invert else inside


# ---- two sets ----

def _two(ar1, ar2, name: str) -> tuple:
    first, second = promote(_flat(ar1, name), _flat(ar2, name))
    return materialize(first), materialize(second)


def union1d(ar1, ar2, *, size: int | None = None, fill_value=None):
    """The different elements of both, in order.

    >>> import functrans.numpy as fnp
    >>> fnp.union1d(fnp.array([1, 3]), fnp.array([3, 2]))
    Array([1, 2, 3], dtype=int64)
    """
    return unique(concatenate(_two(ar1, ar2, "union1d"), 0), size=size, fill_value=fill_value)


def _chosen(values, mask, size, fill_value):
    """The elements where a mask holds, the others filled up."""
    if size is None:
        known = mask._concrete("a set function (its result has a shape that depends on values; "
                               "give size=)")
        return getitem(values, (np.flatnonzero(known),), "promise")
    places = flatnonzero(mask, size=size, fill_value=values.shape[0])
    if fill_value is None:
        return getitem(values, (where(places < values.shape[0], places,
                                      places[0] if size else 0),), "clip")
    return getitem(values, (places,), "fill", fill_value)


def setdiff1d(ar1, ar2, assume_unique: bool = False, *, size: int | None = None,
              fill_value=None):
    """The different elements of `ar1` that are not in `ar2`, in order.

    >>> import functrans.numpy as fnp
    >>> fnp.setdiff1d(fnp.array([1, 2, 3]), fnp.array([2]))
    Array([1, 3], dtype=int64)
    """
    first = _flat(ar1, "setdiff1d")
    if assume_unique:
        return _chosen(first, isin(first, ar2, invert=True), size, fill_value)
    groups = _grouped(first, True)
    mask = basic.and_(groups.first, isin(groups.ordered, ar2, invert=True))
    return _chosen(groups.ordered, mask, size, fill_value)


def setxor1d(ar1, ar2, assume_unique: bool = False, *, size: int | None = None, fill_value=None):
    """The different elements of just one of both, in order.

    >>> import functrans.numpy as fnp
    >>> fnp.setxor1d(fnp.array([1, 2]), fnp.array([2, 3]))
    Array([1, 3], dtype=int64)
    """
    first, second = _two(ar1, ar2, "setxor1d")
    groups = [_grouped(part, True) for part in (first, second)]
    values = concatenate([group.ordered for group in groups], 0)
    alone = [basic.and_(group.first, isin(group.ordered, other, invert=True))
             for group, other in zip(groups, (second, first))]
    mask = concatenate(alone, 0)
    ordered, flags = sorting.sort([values, mask], 0)
    return _chosen(ordered, flags, size, fill_value)


def intersect1d(ar1, ar2, assume_unique: bool = False, return_indices: bool = False, *,
                size: int | None = None, fill_value=None):
    """The different elements of both, in order; with `return_indices`, where each occurs first.

    >>> import functrans.numpy as fnp
    >>> fnp.intersect1d(fnp.array([1, 2]), fnp.array([2, 3]))
    Array([2], dtype=int64)
    """
    first, second = _two(ar1, ar2, "intersect1d")
    groups = _grouped(first, True)
    mask = basic.and_(groups.first, isin(groups.ordered, second))
    found = _chosen(groups.ordered, mask, size, fill_value)
    if not return_indices:
        return found
    others = _grouped(second, True)
    matches = basic.and_(others.first, isin(others.ordered, first))
    return (found, _chosen(groups.order, mask, size, fill_value),
            _chosen(others.order, matches, size, fill_value))
