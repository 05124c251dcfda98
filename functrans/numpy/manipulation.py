"""Changing the shape and order of arrays: reshape, transpose, stack, split, roll ...

Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.creation import _shape
from functrans.numpy.indexing import take
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_one, broadcast_shapes,
                                       canonical_axes, canonical_axis, materialize, promote)
from functrans.numpy.ufunc import refuse_out
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert


def reshape(a, /, shape, order: str = "C", *, copy: bool | None = None):
    """The same elements in another shape; one size may be -1, and is then worked out.

    >>> import functrans.numpy as fnp
    >>> fnp.reshape(fnp.arange(4), (2, -1))
    Array([[0, 1],
           [2, 3]], dtype=int64)
    """
    a = as_arraylike(a, "reshape")
    sizes = _completed(a, shape)
    if order == "F":
        backwards = prim.reshape(prim.transpose(a, range(a.ndim)[::-1]), sizes[::-1])
        return prim.transpose(backwards, range(len(sizes))[::-1])
    if order not in ("C", "A"):
        raise ArgumentError(f"reshape: order must be 'C' or 'F', got {order!r}")
    return prim.reshape(a, sizes)


def _completed(a, shape) -> tuple:
    """A shape in which -1 is replaced by what is left."""
    dims = shape if isinstance(shape, (tuple, list)) else (shape,)
    sizes = [size.__index__() for size in dims]
    if sizes.count(-1) > 1:
        raise ArgumentError(f"reshape: only one size can be -1, got {tuple(sizes)}")
    if -1 in sizes:
        rest = math.prod(size for size in sizes if size != -1)
        if rest == 0 or a.size % rest:
            raise ShapeError(f"cannot reshape {a.type} of {a.size} elements to shape "
                             f"{tuple(sizes)}")
        sizes[sizes.index(-1)] = a.size // rest
    if math.prod(sizes) != a.size or min(sizes, default=0) < 0:
        raise ShapeError(f"cannot reshape {a.type} of {a.size} elements to shape "
                         f"{tuple(sizes)}")
    return tuple(sizes)


def ravel(a, order: str = "C"):
    """All elements in one axis.

    >>> import functrans.numpy as fnp
    >>> fnp.ravel(fnp.ones((2, 2))).shape
    (4,)
    """
    return reshape(a, (-1,) if as_arraylike(a).size else (0,), order)


def transpose(a, axes: Sequence[int] | None = None):
    """`a` with its axes in the order `axes`; reversed by default.

    >>> import functrans.numpy as fnp
    >>> fnp.transpose(fnp.ones((2, 3))).shape
    (3, 2)
    """
    a = as_arraylike(a, "transpose")
    if axes is None:
        return prim.transpose(a, range(a.ndim)[::-1])
    order = [canonical_axis(axis, a.ndim) for axis in axes]
    if sorted(order) != list(range(a.ndim)):
        raise ArgumentError(f"transpose: axes {tuple(axes)} are not a permutation of the axes of "
                            f"{a.type}")
    return prim.transpose(a, order)


def permute_dims(a, /, axes):
    """`a` with its axes in the order `axes`.

    >>> import functrans.numpy as fnp
    >>> fnp.permute_dims(fnp.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    return transpose(a, axes)


def matrix_transpose(x, /):
    """The last two axes exchanged.

    >>> import functrans.numpy as fnp
    >>> fnp.matrix_transpose(fnp.ones((5, 2, 3))).shape
    (5, 3, 2)
    """
    x = as_arraylike(x, "matrix_transpose")
    if x.ndim < 2:
        raise ArgumentError(f"matrix_transpose takes at least two axes, got shape {x.shape}")
    return swapaxes(x, -1, -2)


def swapaxes(a, axis1: int, axis2: int):
    """Two axes exchanged.

    >>> import functrans.numpy as fnp
    >>> fnp.swapaxes(fnp.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    a = as_arraylike(a, "swapaxes")
    first, second = canonical_axis(axis1, a.ndim), canonical_axis(axis2, a.ndim)
    order = list(range(a.ndim))
    order[first], order[second] = second, first
    return prim.transpose(a, order)


def moveaxis(a, source, destination):
    """Axes `source` moved to the places `destination`, the others in order.

    >>> import functrans.numpy as fnp
    >>> fnp.moveaxis(fnp.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    a = as_arraylike(a, "moveaxis")
    from_, to = (_axis_list(axes, a.ndim) for axes in (source, destination))
    if len(from_) != len(to):
        raise ArgumentError("moveaxis: source and destination must have the same number of axes")
    order = [axis for axis in range(a.ndim) if axis not in from_]
    for place, axis in sorted(zip(to, from_)):
        order.insert(place, axis)
    return prim.transpose(a, order)


def _axis_list(axes, ndim: int) -> list[int]:
    given = axes if isinstance(axes, (tuple, list)) else (axes,)
    found = [canonical_axis(axis, ndim) for axis in given]
    if len(set(found)) != len(found):
        raise ArgumentError(f"repeated axis in {axes!r}")
    return found


def rollaxis(a, axis: int, start: int = 0):
    """Axis moved backwards until it lies before `start`.

    >>> import functrans.numpy as fnp
    >>> fnp.rollaxis(fnp.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    a = as_arraylike(a, "rollaxis")
    axis = canonical_axis(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


def expand_dims(a, axis):
    """New axes of size one at `axis` of the result.

    >>> import functrans.numpy as fnp
    >>> fnp.expand_dims(fnp.ones(3), 0).shape
    (1, 3)
    """
    a = as_arraylike(a, "expand_dims")
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return prim.expand_dims(a, canonical_axes(axis, a.ndim + count))


def squeeze(a, axis=None):
    """Axes of size one removed: all of them, or those at `axis`.

    >>> import functrans.numpy as fnp
    >>> fnp.squeeze(fnp.ones((1, 3, 1))).shape
    (3,)
    """
    a = as_arraylike(a, "squeeze")
    if not a.ndim and axis in (0, -1):           # NumPy allows it
        return a
    axes = [k for k, size in enumerate(a.shape) if size == 1] if axis is None \
        else canonical_axes(axis, a.ndim)
    for k in axes:
        if a.shape[k] != 1:
            raise ArgumentError(f"squeeze: axis {k} of {a.type} has size {a.shape[k]}, not one")
    return prim.reshape(a, tuple(size for k, size in enumerate(a.shape) if k not in axes))


def broadcast_to(array, shape, subok: bool = False):
    """`array` repeated to `shape`, by NumPy's rules.

    >>> import functrans.numpy as fnp
    >>> fnp.broadcast_to(fnp.ones(3), (2, 3)).shape
    (2, 3)
    """
    array, shape = as_arraylike(array, "broadcast_to"), _shape(shape)
    if broadcast_shapes(array.shape, shape) != shape:
        raise ShapeError(f"cannot broadcast {array.type} to shape {shape}")
    return broadcast_one(array, shape)


def broadcast_arrays(*args) -> tuple:
    """Arrays repeated to their common shape.

    >>> import functrans.numpy as fnp
    >>> [x.shape for x in fnp.broadcast_arrays(fnp.ones(3), fnp.ones((2, 1)))]
    [(2, 3), (2, 3)]
    """
    arrays = [as_arraylike(x, "broadcast_arrays") for x in args]
    shape = broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_one(x, shape) for x in arrays)


# ---- joining ----

def _arrays(arrays, name: str, dtype=None) -> list:
    if isinstance(arrays, ArrayBase):
        arrays = list(arrays)
    operands = [materialize(as_operand(x, name)) for x in arrays]
    if not operands:
        raise ArgumentError(f"{name} needs at least one array")
    if dtype is not None:
        return [convert(x, np.dtype(dtype)) for x in operands]
    return promote(*operands)


def concatenate(arrays, axis: int | None = 0, out=None, *, dtype=None):
    """Arrays one after the other along an axis (flattened first, if `axis` is None).

    >>> import functrans.numpy as fnp
    >>> fnp.concatenate([fnp.zeros(1), fnp.ones(2)])
    Array([0., 1., 1.], dtype=float32)
    """
    refuse_out(out, "concatenate")
    arrays = _arrays(arrays, "concatenate", dtype)
    if axis is None:
        arrays, axis = [ravel(x) for x in arrays], 0
    if not arrays[0].ndim:
        raise ArgumentError("concatenate: 0-d arrays cannot be concatenated; use stack")
    return prim.concatenate(arrays, canonical_axis(axis, arrays[0].ndim))


def concat(arrays, /, axis: int | None = 0, out=None, *, dtype=None):
    """The same as `concatenate`.

    >>> import functrans.numpy as fnp
    >>> fnp.concat([fnp.zeros(1), fnp.ones(1)])
    Array([0., 1.], dtype=float32)
    """
    return concatenate(arrays, axis, out, dtype=dtype)


def stack(arrays, axis: int = 0, out=None, *, dtype=None):
    """Arrays of one shape along a new axis.

    >>> import functrans.numpy as fnp
    >>> fnp.stack([fnp.zeros(2), fnp.ones(2)]).shape
    (2, 2)
    """
    refuse_out(out, "stack")
    arrays = _arrays(arrays, "stack", dtype)
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ShapeError("stack takes arrays of one shape, got "
                         + ", ".join(str(x.shape) for x in arrays))
    axis = canonical_axis(axis, arrays[0].ndim + 1)
    return prim.concatenate([prim.expand_dims(x, (axis,)) for x in arrays], axis)


def vstack(tup, *, dtype=None):
    """Arrays one below the other (along the first axis; vectors are rows).

    >>> import functrans.numpy as fnp
    >>> fnp.vstack([fnp.zeros(2), fnp.ones(2)]).shape
    (2, 2)
    """
    return concatenate([atleast_2d(x) for x in tup], 0, dtype=dtype)


def hstack(tup, *, dtype=None):
    """Arrays side by side (along the second axis; along the only one for vectors).

    >>> import functrans.numpy as fnp
    >>> fnp.hstack([fnp.zeros(2), fnp.ones(2)]).shape
    (4,)
    """
    arrays = [atleast_1d(x) for x in tup]
    return concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype)


def dstack(tup, *, dtype=None):
    """Arrays one behind the other (along the third axis).

    >>> import functrans.numpy as fnp
    >>> fnp.dstack([fnp.zeros(2), fnp.ones(2)]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(x) for x in tup], 2, dtype=dtype)


def column_stack(tup):
    """Vectors as the columns of a matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.column_stack([fnp.zeros(3), fnp.ones(3)]).shape
    (3, 2)
    """
    arrays = [as_arraylike(x, "column_stack") for x in tup]
    return concatenate([transpose(atleast_2d(x)) if x.ndim < 2 else x for x in arrays], 1)


def append(arr, values, axis: int | None = None):
    """`values` after `arr`, along an axis (both flattened if None).

    >>> import functrans.numpy as fnp
    >>> fnp.append(fnp.arange(2), 7)
    Array([0, 1, 7], dtype=int64)
    """
    return concatenate([arr, values], axis)


def block(arrays):
    """A matrix from nested lists of blocks.

    >>> import functrans.numpy as fnp
    >>> fnp.block([[fnp.eye(1), fnp.zeros((1, 2))]]).shape
    (1, 3)
    """
    levels = _depth(arrays, "arrays")
    return _join(arrays, levels)


def _depth(item, path: str) -> int:
    """How deep lists are nested, the same everywhere."""
    if isinstance(item, tuple):
        raise ArgumentError(f"block: {path} is a tuple; blocks are arranged by lists")
    if not isinstance(item, list):
        return 0
    if not item:
        raise ArgumentError(f"block: {path} is an empty list")
    depths = [_depth(part, f"{path}[{k}]") for k, part in enumerate(item)]
    if len(set(depths)) > 1:
        raise ArgumentError(
            f"block: lists are nested {min(depths)} to {max(depths)} deep in {path}; "
            "all blocks must be at one depth")
    return depths[0] + 1


def _join(item, level: int):
    if not isinstance(item, list):
        return as_arraylike(item, "block")
    parts = [_join(part, level - 1) for part in item]
    rank = max(level, *(part.ndim for part in parts))
    parts = [prim.reshape(part, (1,) * (rank - part.ndim) + part.shape) for part in parts]
    return concatenate(parts, -level)


def _atleast(name: str, rank: int, pads):
    def function(*arys):
        results = tuple(pads(as_arraylike(x, name)) for x in arys)
        return results[0] if len(results) == 1 else results
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Arrays with at least {rank} ax{'i' if rank == 1 else 'e'}s.

    >>> import functrans.numpy as fnp
    >>> fnp.{name}(1.0).ndim
    {rank}
    """
    return function


def _to_3d(x):
    if x.ndim >= 3:
        return x
    shapes = {0: (1, 1, 1), 1: (1, x.size, 1), 2: (*x.shape, 1)}
    return prim.reshape(x, shapes[x.ndim])


atleast_1d = _atleast("atleast_1d", 1, lambda x: x if x.ndim else prim.reshape(x, (1,)))
atleast_2d = _atleast("atleast_2d", 2, lambda x: x if x.ndim >= 2
                      else prim.reshape(x, (1, x.size)))
atleast_3d = _atleast("atleast_3d", 3, _to_3d)

# ---- taking apart ----

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


# ---- turning ----

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
