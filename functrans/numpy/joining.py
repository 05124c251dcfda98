"""Arrays put together: concatenate, stack, block, and arrays of at least a rank.

Imports `numpy.manipulation`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.manipulation import ravel, transpose
from functrans.numpy.promotion import as_arraylike, as_operand, canonical_axis, materialize, promote
from functrans.numpy.ufunc import refuse_out
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert


def _arrays(arrays, name: str, dtype=None) -> list:
    if isinstance(arrays, ArrayBase):
        arrays = list(arrays)
    operands = [materialize(as_operand(x, name)) for x in arrays]
    if not operands:
        raise ArgumentError(f"{name} needs at least one array")
    if dtype is not None:
        return [convert(x, dtype) for x in operands]
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
