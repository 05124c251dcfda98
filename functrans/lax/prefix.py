"""`associative_scan`: all prefixes of a sequence, combined by an associative function.

Source: Blelloch, "Prefix sums and their applications" (1990): pairs are combined, the scan of the
half as long sequence gives every other prefix, one more combination the rest.
Imports `tree`, `numpy`, `lax.common`.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans import tree
from functrans.api.calls import check_callable
from functrans.api.compare import require_same_types
from functrans.errors import ArgumentError, ShapeError
from functrans.lax.common import described, flatten_inputs
from functrans.numpy.promotion import as_arraylike, canonical_axis
from functrans.primitives import shape as prim


def associative_scan(fn: Callable, elems, reverse: bool = False, axis: int = 0):
    """All prefixes of `elems` along an axis: e0, fn(e0, e1), fn(fn(e0, e1), e2) ...

    fn: an associative function of two pytrees of arrays, elementwise along the axis. It is called
    O(log n) times, on whole arrays. reverse: suffixes instead, e[n-1], fn(e[n-1], e[n-2]) ...
    Raises TypeError if `fn` returns other shapes or dtypes than it takes, ValueError if the arrays
    differ in length.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.associative_scan(fnp.multiply, fnp.array([1, 2, 3]))
    Array([1, 2, 6], dtype=int64)
    """
    check_callable(fn, "associative_scan")
    arrays, structure, names = flatten_inputs(elems, "associative_scan", "elems")
    axis = _common_axis(arrays, names, axis)

    def combine(a: list, b: list) -> list:
        result = fn(tree.unflatten(structure, a), tree.unflatten(structure, b))
        return _checked(result, a, structure, fn)

    if reverse:
        arrays = [prim.reverse(x, (axis,)) for x in arrays]
    results = _scan(combine, arrays, axis)
    if reverse:
        results = [prim.reverse(x, (axis,)) for x in results]
    return tree.unflatten(structure, results)


def _common_axis(arrays: list, names: list, axis: int) -> int:
    """The axis, counted from the front as the first array does; all must be equally long."""
    if not arrays:
        raise ArgumentError("associative_scan: there are no arrays in elems")
    axis = canonical_axis(axis, arrays[0].ndim)
    for x, name in zip(arrays, names):
        if axis >= x.ndim or x.shape[axis] != arrays[0].shape[axis]:
            raise ShapeError(f"associative_scan: arrays differ in size along axis {axis}: "
                             f"{names[0]} is {arrays[0].type}, {name} is {x.type}")
    return axis


def _checked(result, given: list, structure, fn: Callable) -> list:
    """The leaves of what the function returned, which must be of the types that it took."""
    leaves, found = tree.flatten(result)
    arrays = [as_arraylike(leaf, "associative_scan") for leaf in leaves]
    require_same_types([x.type for x in given], structure, [x.type for x in arrays], found,
                       f"associative_scan: {described(fn)} must return what it takes",
                       "taken", "returned")
    return arrays


def _scan(combine: Callable, arrays: list, axis: int) -> list:
    size = arrays[0].shape[axis]
    if size < 2:
        return arrays
    pairs = combine(_every_other(arrays, axis, 0, size - 1), _every_other(arrays, axis, 1, size))
    odd = _scan(combine, pairs, axis)
    if size % 2:
        even = combine(odd, _every_other(arrays, axis, 2, size))
    else:
        even = combine([prim.slice_axis(x, axis, 0, x.shape[axis] - 1) for x in odd],
                       _every_other(arrays, axis, 2, size))
    first = [prim.slice_axis(x, axis, 0, 1) for x in arrays]
    even = [prim.concatenate([a, b], axis) for a, b in zip(first, even)]
    return [_interleave(a, b, axis) for a, b in zip(even, odd)]


def _every_other(arrays: list, axis: int, start: int, stop: int) -> list:
    results = []
    for x in arrays:
        low, high, step = [0] * x.ndim, list(x.shape), [1] * x.ndim
        low[axis], high[axis], step[axis] = min(start, x.shape[axis]), stop, 2
        results.append(prim.slice_(x, low, high, step))
    return results


def _interleave(even, odd, axis: int):
    """even[0], odd[0], even[1], ...; there may be one more of the even ones."""
    count = odd.shape[axis]
    paired = prim.concatenate([prim.expand_dims(prim.slice_axis(x, axis, 0, count), (axis + 1,))
                               for x in (even, odd)], axis + 1)
    shape = (*odd.shape[:axis], 2 * count, *odd.shape[axis + 1:])
    paired = prim.reshape(paired, shape)
    if even.shape[axis] == count:
        return paired
    return prim.concatenate([paired, prim.slice_axis(even, axis, count, count + 1)], axis)
