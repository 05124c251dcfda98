"""`associative_scan`: all prefixes of a sequence, combined by an associative function.

Source: Blelloch, "Prefix sums and their applications" (1990): pairs are combined, the scan of the
half as long sequence gives every other prefix, one more combination the rest.
Imports `tree`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans import tree
from functrans.errors import ShapeError
from functrans.numpy.promotion import as_arraylike, canonical_axis
from functrans.primitives import shape as prim


def associative_scan(fn: Callable, elems, reverse: bool = False, axis: int = 0):
    """All prefixes of `elems` along an axis: e0, fn(e0, e1), fn(fn(e0, e1), e2) ...

    fn: an associative function of two pytrees of arrays, elementwise along the axis. It is called
    O(log n) times, on whole arrays. reverse: suffixes instead.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.associative_scan(fnp.multiply, fnp.array([1, 2, 3]))
    Array([1, 2, 6], dtype=int64)
    """
    leaves, structure = tree.flatten(elems)
    arrays = [as_arraylike(leaf, "associative_scan") for leaf in leaves]
    axes = {canonical_axis(axis, x.ndim) for x in arrays}
    sizes = {x.shape[canonical_axis(axis, x.ndim)] for x in arrays}
    if len(sizes) > 1:
        raise ShapeError(f"associative_scan: arrays differ in size along axis {axis}: {sizes}")
    axis = axes.pop()

    def combine(a: list, b: list) -> list:
        return tree.leaves(fn(tree.unflatten(structure, a), tree.unflatten(structure, b)))

    if reverse:
        arrays = [prim.reverse(x, (axis,)) for x in arrays]
    results = _scan(combine, arrays, axis)
    if reverse:
        results = [prim.reverse(x, (axis,)) for x in results]
    return tree.unflatten(structure, results)


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
    """even[0], odd[0], even[1], ..."""
    zero = [0] * even.ndim
    gap = list(zero)
    gap[axis] = 1
    behind = list(zero)
    behind[axis] = int(even.shape[axis] == odd.shape[axis])
    before = list(zero)
    before[axis] = 1
    after = list(zero)
    after[axis] = int(even.shape[axis] > odd.shape[axis])
    kind = even.dtype
    if kind.kind == "b":
        return prim.pad(even, zero, behind, gap) | prim.pad(odd, before, after, gap)
    return prim.pad(even, zero, behind, gap) + prim.pad(odd, before, after, gap)
