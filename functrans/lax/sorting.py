"""Functions of `lax` that put elements in order. Imports `lax.operands`, `primitives`."""
from __future__ import annotations

from functrans.config import default_int
from functrans.errors import ArgumentError, ShapeError
from functrans.lax.operands import one
from functrans.numpy.promotion import canonical_axis
from functrans.primitives import shape as prim
from functrans.primitives import sort as primitives


def sort(operand, dimension: int = -1, is_stable: bool = True, num_keys: int = 1):
    """An array sorted along an axis, NaN last; or several of one shape, by the first of them.

    operand: an array, or a sequence of arrays, which gives a tuple. num_keys: by how many of the
    first arrays: equal elements of one are put in order by the next. is_stable: of no effect, equal
    elements always keep their order.

    >>> from functrans import lax, numpy as fnp
    >>> lax.sort([fnp.array([2, 1]), fnp.array([5.0, 7.0])])
    (Array([1, 2], dtype=int64), Array([7., 5.], dtype=float32))
    """
    if not isinstance(operand, (tuple, list)):
        return sort((operand,), dimension)[0]
    arrays = [one(x, "sort") for x in operand]
    if not 1 <= num_keys <= len(arrays):
        raise ArgumentError(f"lax.sort: num_keys={num_keys} for {len(arrays)} arrays")
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ShapeError("lax.sort takes arrays of one shape, got "
                         + ", ".join(str(x.type) for x in arrays))
    return tuple(primitives.sort(arrays, canonical_axis(dimension, arrays[0].ndim), num_keys))


def sort_key_val(keys, values, dimension: int = -1, is_stable: bool = True) -> tuple:
    """`keys` sorted along an axis, and `values`, of its shape, in the same order.

    >>> from functrans import lax, numpy as fnp
    >>> lax.sort_key_val(fnp.array([2, 1]), fnp.array([5.0, 7.0]))
    (Array([1, 2], dtype=int64), Array([7., 5.], dtype=float32))
    """
    return sort((keys, values), dimension)


def top_k(operand, k: int, *, axis: int = -1) -> list:
    """The k largest elements along an axis, the largest first, and their indices.

    NaN counts as larger than all; of equal elements the first come first.

    >>> from functrans import lax, numpy as fnp
    >>> lax.top_k(fnp.array([3.0, 1.0, 5.0]), 2)
    [Array([5., 3.], dtype=float32), Array([2, 0], dtype=int64)]
    """
    operand = one(operand, "top_k")
    axis = canonical_axis(axis, operand.ndim)
    size = operand.shape[axis]
    if not 0 <= k <= size:
        raise ArgumentError(f"lax.top_k: k={k} must be between 0 and {size}, the size of axis "
                            f"{axis} of {operand.type}")
    places = prim.iota(default_int(), operand.shape, axis)
    backwards = [prim.reverse(x, (axis,)) for x in (operand, places)]
    return [prim.reverse(prim.slice_axis(x, axis, size - k, size), (axis,))
            for x in primitives.sort(backwards, axis)]
