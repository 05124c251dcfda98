"""Products with an epilogue: what is computed of a product's result alone, element by element.

A kernel that reads a product's result, which nobody else reads, at the very index that it writes,
can be computed where the result is: `y = tanh(x @ w + b)` needs no memory for `x @ w`.

In: the steps of fusion in order, clusters as `Kernel`s. Out: the same steps, with a `WithEpilogue`
in place of such a kernel and its product. Imports `loops`, `views`.
"""
from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from lowering.loops import Constant, Index, Kernel, Load, Map, Pick, Store
from lowering.views import Buffer, row_major

_BY_ELEMENT = (Constant, Index, Load, Map, Pick, Store)


@dataclass(frozen=True, slots=True)
class WithEpilogue:
    """A product whose result is read by `kernel` alone, which is computed with it."""
    product: object
    kernel: Kernel


def with_epilogues(steps: list) -> list:
    """The steps, with products put into the kernels that alone read their results."""
    readers = _readers(steps)
    taken: dict = {}                                  # id of a kernel -> its product
    for step in steps:
        reader = _only_reader(step, readers)
        if reader is not None:
            taken[id(reader)] = step                  # of several the last: all others are there
    moved = {id(product) for product in taken.values()}
    return [WithEpilogue(taken[id(step)], step) if id(step) in taken else step
            for step in steps if id(step) not in moved]


def _readers(steps: list) -> dict[Buffer, list]:
    """The steps that read each buffer."""
    found: dict = defaultdict(list)
    for step in steps:
        for buffer in dict.fromkeys(_read_by(step)):
            found[buffer].append(step)
    return found


def _read_by(step) -> list[Buffer]:
    if not isinstance(step, Kernel):
        return [view.buffer.root() for view in step.inputs]
    return [s.place.view.buffer.root() for s in step.statements
            if isinstance(s, Load) or isinstance(s, Store) and s.combine]


def _only_reader(step, readers: dict) -> Kernel | None:
    """The kernel that can be the epilogue of a step."""
    if isinstance(step, Kernel) or step.kind != "product":
        return None
    result = step.outputs[0].buffer.root()
    found = readers.get(result, ())
    if result.role != "temp" or len(found) != 1 or not isinstance(found[0], Kernel):
        return None
    return found[0] if _is_epilogue(found[0], result, *_sizes(step)) else None


def _sizes(step) -> tuple[int, int]:
    """The rows and columns of each matrix of a product's result."""
    left, right = step.detail
    return left.rows, right.rows


def _is_epilogue(kernel: Kernel, result: Buffer, rows: int, columns: int) -> bool:
    """Whether a kernel computes elements of their own from each element of `result`, and nothing
    else."""
    loads = [s for s in kernel.statements
             if isinstance(s, Load) and s.place.view.buffer.root() is result]
    stores = [s for s in kernel.statements if isinstance(s, Store)]
    return all(isinstance(s, _BY_ELEMENT) for s in kernel.statements) \
        and all(_reads_all(load, result, rows, columns)
                and load.place.coefficients == loads[0].place.coefficients for load in loads) \
        and all(_writes_all(store, loads[0].axes, result) for store in stores)


def _reads_all(load: Load, result: Buffer, rows: int, columns: int) -> bool:
    """Whether each element is read once, and the axes are those of rows, columns or a batch."""
    strides = load.place.coefficients
    axes = sorted(strides, key=lambda axis: -strides[axis])
    shape = tuple(axis.extent for axis in axes)
    in_order = tuple(strides[axis] for axis in axes) == row_major(shape)
    return in_order and not load.place.dynamic and not load.place.guards \
        and all(math.prod(axis.extent for axis in axes if strides[axis] < size) == size
                for size in (columns, rows * columns, result.size))


def _writes_all(store: Store, axes: frozenset, result: Buffer) -> bool:
    return not store.combine and not store.place.dynamic \
        and store.axes == axes == frozenset(store.place.coefficients) \
        and store.place.view.buffer.root() is not result
