"""`reduce_window`: elements of all windows of an array, combined.

A window is a box, so it is combined along one axis after the other; along an axis of many places
windows of 1, 2, 4, ... places are made, each of two of the ones before.
Imports `lax.monoids`, `lax.padding`, `primitives`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import tree
from functrans.lax.monoids import Monoid, monoid_of, part, spread
from functrans.lax.operands import sizes_of
from functrans.lax.padding import dilated, pads_of, require_positive, windows_along
from functrans.primitives import shape as prim

# Up to this many places along an axis are combined one by one: only places that count are computed.
_FEW = 8


def reduce_window(operand, init_value, computation: Callable, window_dimensions: Sequence[int],
                  window_strides: Sequence[int] | None = None, padding="VALID",
                  base_dilation: Sequence[int] | None = None,
                  window_dilation: Sequence[int] | None = None):
    """The elements of each window of `operand`, combined by an associative function.

    operand: an array, or a pytree of arrays of one shape; init_value: scalars of their dtypes, in
        the same structure: what a combination begins with, and what padding consists of.
    computation: a function of two values (scalars) that returns one: `lax.add`, `lax.max`, ...
    window_dimensions, window_strides: for each axis the places of a window, and how far apart
        windows begin. padding: "VALID", "SAME", "SAME_LOWER", or pairs (before, after).
    base_dilation, window_dilation: how far apart the elements are put, and the window's places.
    Differentiable, if the computation is; of elements that tie in a maximum each gets a share.
    Raises TypeError for structures and dtypes that differ, ValueError for sizes that do not fit.

    >>> from functrans import lax, numpy as fnp
    >>> lax.reduce_window(fnp.array([1.0, 3.0, 2.0, 5.0]), -fnp.inf, lax.max, (2,), (2,))
    Array([3., 5.], dtype=float32)
    """
    monoid = monoid_of(operand, init_value, computation, "reduce_window")
    shape, ndim = monoid.arrays[0].shape, monoid.arrays[0].ndim
    window, strides, base, inner = (
        sizes_of(values, ndim, "reduce_window", what) for values, what in (
            (window_dimensions, "window_dimensions"), (window_strides, "window_strides"),
            (base_dilation, "base_dilation"), (window_dilation, "window_dilation")))
    require_positive("reduce_window", window_dimensions=window, window_strides=strides,
                     base_dilation=base, window_dilation=inner)
    whole = [dilated(size, step) for size, step in zip(shape, base)]
    reach = [dilated(size, step) for size, step in zip(window, inner)]
    pads = pads_of(padding, whole, reach, strides, "reduce_window")
    arrays = _padded(monoid, pads, base)
    for axis in range(ndim):
        arrays = _along(monoid.combine, arrays, axis, window[axis], strides[axis], inner[axis])
    starts = spread(monoid.starts, arrays[0].shape)
    return tree.unflatten(monoid.structure, monoid.combine(starts, arrays))


def _padded(monoid: Monoid, pads: Sequence, base: Sequence[int]) -> list:
    low, high = zip(*pads) if pads else ((), ())
    return [prim.pad(x, low, high, [step - 1 for step in base], start)
            for x, start in zip(monoid.arrays, monoid.starts)]


def _along(combine: Callable, arrays: list, axis: int, window: int, stride: int, step: int) -> list:
    """Windows along one axis."""
    size = arrays[0].shape[axis]
    count = windows_along(size, dilated(window, step), stride)
    reach = (count - 1) * stride + 1 if count else 0            # from the first start to the last
    if not count:
        return part(arrays, axis, 0, 0)
    if window <= _FEW:
        places = [part(arrays, axis, k * step, k * step + reach, stride) for k in range(window)]
        return _tree(combine, places)
    return part(_doubled(combine, arrays, axis, window, step), axis, 0, reach, stride)


def _tree(combine: Callable, values: list) -> list:
    """Values combined in their order, neighbours first."""
    while len(values) > 1:
        pairs = [combine(a, b) for a, b in zip(values[::2], values[1::2])]
        values = pairs + values[2 * len(pairs):]
    return values[0]


def _doubled(combine: Callable, arrays: list, axis: int, window: int, step: int) -> list:
    """At each place the window that begins there, from windows of powers of two."""
    result, start, power, size = None, 0, arrays, arrays[0].shape[axis]
    count = size - (window - 1) * step                          # places where a window begins
    for k in range(window.bit_length()):
        if window >> k & 1:
            piece = part(power, axis, start * step, start * step + count)
            result, start = piece if result is None else combine(result, piece), start + (1 << k)
        if window >> k + 1:
            length = power[0].shape[axis] - (step << k)
            power = combine(part(power, axis, 0, length),
                            part(power, axis, step << k, length + (step << k)))
    return result
