"""NumPy's functions that write into an array: here each returns the changed array.

Arrays are immutable, so `put(a, ...)` cannot change `a`. To make plain that the result is what
counts, these functions are called with `inplace=False`; without it they raise.

In: arrays. Out: changed copies. Imports `numpy.indexing`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError
from functrans.numpy.index_parsing import counted_from_start, index_mode
from functrans.numpy.indexing import along, getitem, index_operand, limited
from functrans.numpy.logic import truth
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_one, broadcast_shapes,
                                       canonical_axis, cast, materialize)
from functrans.primitives import shape as prim
from functrans.primitives.cumulative import cumsum
from functrans.primitives.elementwise import convert, remainder, select, sub
from functrans.primitives.index import scatter, scatter_set_p


def refuse_inplace(inplace: bool, name: str):
    """Raises unless the caller says that `a` stays as it is."""
    if inplace:
        raise ArgumentError(
            f"{name} cannot write into its argument: arrays are immutable. Use its "
            f"result: `a = {name}(a, ..., inplace=False)`, or `a = a.at[...].set(...)`")


def _values(v, dtype, name: str):
    """What is written, as a vector of the array's dtype."""
    v = materialize(cast(as_operand(v, name), dtype))
    return prim.reshape(v, (v.size,))


def put(a, ind, v, mode: str | None = None, *, inplace: bool = True):
    """`a` with `v` at the places `ind` of the flattened array; `v` is repeated as needed.

    mode: "raise" (default) for places outside, "wrap" or "clip".

    >>> import functrans.numpy as fnp
    >>> fnp.put(fnp.zeros(3), fnp.array([0, 2]), 7, inplace=False)
    Array([7., 0., 7.], dtype=float32)
    """
    refuse_inplace(inplace, "put")
    a, mode = as_arraylike(a, "put"), index_mode(mode, "put")
    ind = index_operand(ind, "put")
    places = limited(ind, a.size) if mode == "clip" else ind
    places, checked = counted_from_start((a.size,), 0, places, mode)
    places = prim.reshape(places, (places.size,))
    v = _values(v, a.dtype, "put")
    if not places.size or not v.size:
        return a
    updates = getitem(v, (np.arange(places.size) % v.size,))
    flat = scatter(scatter_set_p, prim.reshape(a, (a.size,)), updates, [places], 0,
                   "promise" if checked else mode)
    return prim.reshape(flat, a.shape)


def put_along_axis(arr, indices, values, axis: int | None = -1, mode: str | None = None, *,
                   inplace: bool = True):
    """`arr` with `values` at `indices` along an axis, position by position along the others.

    >>> import functrans.numpy as fnp
    >>> fnp.put_along_axis(fnp.zeros((1, 3)), fnp.array([[1]]), 7, axis=1, inplace=False)
    Array([[0., 7., 0.]], dtype=float32)
    """
    refuse_inplace(inplace, "put_along_axis")
    arr, indices = as_arraylike(arr, "put_along_axis"), index_operand(indices, "put_along_axis")
    mode = index_mode(mode, "put_along_axis")
    shape = arr.shape
    if axis is None:
        arr, axis = prim.reshape(arr, (arr.size,)), 0
    axis = canonical_axis(axis, arr.ndim)
    if indices.ndim != arr.ndim:
        raise ArgumentError(f"put_along_axis: arr of shape {arr.shape} and indices of shape "
                            f"{indices.shape} must have the same number of axes")
    lead = tuple(1 if k == axis else size for k, size in enumerate(arr.shape))
    places, checked = counted_from_start(arr.shape, axis, indices, mode)
    places = broadcast_one(places, broadcast_shapes(lead, indices.shape))
    updates = broadcast_one(materialize(cast(as_operand(values), arr.dtype)), places.shape)
    left = "drop" if mode == "fill" else "promise" if checked else mode
    result = scatter(scatter_set_p, arr, updates, along(places, axis), 0, left)
    return prim.reshape(result, shape)


def place(arr, mask, vals, *, inplace: bool = True):
    """`arr` where `mask` is false; where it is true, the next of `vals`, again from the start.

    >>> import functrans.numpy as fnp
    >>> fnp.place(fnp.arange(4), fnp.array([True, False, True, True]), [7, 8], inplace=False)
    Array([7, 1, 8, 7], dtype=int64)
    """
    refuse_inplace(inplace, "place")
    arr, mask = as_arraylike(arr, "place"), materialize(truth(mask))
    if arr.size != mask.size:
        raise ArgumentError(f"place: mask of shape {mask.shape} and arr of shape {arr.shape} must "
                            "have the same size")
    vals = _values(vals, arr.dtype, "place")
    if not vals.size:
        if mask.size and bool(mask.any()):
            raise ArgumentError("place: no values to put in, but the mask is true somewhere")
        return arr
    flags = prim.reshape(mask, (mask.size,))
    order = sub(cumsum(convert(flags, np.int64), 0), np.int64(1)) if mask.size else \
        convert(flags, np.int64)
    chosen = getitem(vals, (remainder(order, np.int64(vals.size)),), "promise")
    return select(prim.reshape(mask, arr.shape), prim.reshape(chosen, arr.shape), arr)


def putmask(a, mask, values, *, inplace: bool = True):
    """`a` where `mask` is false; where it is true, the element of `values` at that place.

    values: repeated from the start if it is smaller.

    >>> import functrans.numpy as fnp
    >>> fnp.putmask(fnp.arange(3), fnp.array([True, False, True]), 7, inplace=False)
    Array([7, 1, 7], dtype=int64)
    """
    refuse_inplace(inplace, "putmask")
    a, mask = as_arraylike(a, "putmask"), materialize(truth(mask))
    if a.size != mask.size:
        raise ArgumentError(
            f"putmask: mask of shape {mask.shape} and a of shape {a.shape} must have "
            "the same size")
    values = _values(values, a.dtype, "putmask")
    if not a.size or not values.size:
        return a
    chosen = getitem(values, (np.arange(a.size) % values.size,))
    return select(prim.reshape(mask, a.shape), prim.reshape(chosen, a.shape), a)


def copyto(dst, src, casting: str = "same_kind", where=True, *, inplace: bool = True):
    """`src` in the shape and dtype of `dst`; where `where` is false, the elements of `dst`.

    Raises TypeError where the dtype of `src` cannot be cast by the rule `casting`.

    >>> import functrans.numpy as fnp
    >>> fnp.copyto(fnp.zeros(2), 1.0, inplace=False)
    Array([1., 1.], dtype=float32)
    """
    from functrans.numpy.information import can_cast
    refuse_inplace(inplace, "copyto")
    dst, src = as_arraylike(dst, "copyto"), as_operand(src, "copyto")
    kind = getattr(src, "dtype", None)
    if kind is not None and not can_cast(kind, dst.dtype, casting):
        raise ArgumentError(f"copyto: cannot cast {kind} to {dst.dtype} by the rule {casting!r}")
    src = broadcast_one(materialize(cast(src, dst.dtype)), dst.shape)
    if where is True:
        return src
    return select(broadcast_one(materialize(truth(where)), dst.shape), src, dst)


# ---- reading by a condition ----

def compress(condition, a, axis: int | None = None, out=None, *, size: int | None = None,
             fill_value=0):
    """The slices along an axis (elements, if None) where the vector `condition` is true.

    size: the size of the result along the axis, which makes traced conditions possible; what is
    missing is `fill_value`.

    >>> import functrans.numpy as fnp
    >>> fnp.compress([True, False, True], fnp.arange(3))
    Array([0, 2], dtype=int64)
    """
    from functrans.numpy.indexing import take
    from functrans.numpy.searching import nonzero
    from functrans.numpy.ufunc import refuse_out
    refuse_out(out, "compress")
    a, condition = as_arraylike(a, "compress"), as_arraylike(condition, "compress")
    if condition.ndim != 1:
        raise ArgumentError(f"compress: condition must be a vector, got shape {condition.shape}")
    if axis is None:
        a, axis = prim.reshape(a, (a.size,)), 0
    axis = canonical_axis(axis, a.ndim)
    if size is None:
        value = condition._concrete("the condition of compress (without size=)")
        return take(a, np.flatnonzero(value), axis)
    places = nonzero(materialize(truth(condition)), size=size, fill_value=a.shape[axis])[0]
    return take(a, places, axis, mode="fill", fill_value=fill_value)


def extract(condition, arr, *, size: int | None = None, fill_value=0):
    """The elements of `arr` where `condition`, of the same size, is true.

    size: the size of the result, which makes traced conditions possible; what is missing is
    `fill_value`.

    >>> import functrans.numpy as fnp
    >>> fnp.extract(fnp.array([True, False]), fnp.array([5, 6]))
    Array([5], dtype=int64)
    """
    condition = as_arraylike(condition, "extract")
    flat = prim.reshape(condition, (condition.size,))
    return compress(flat, as_arraylike(arr, "extract"), size=size, fill_value=fill_value)
