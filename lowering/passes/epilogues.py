"""Products with what is computed of their operands and results alone, element by element.

Epilogue: a kernel that reads a product's result, which nobody else reads, at the very index that it
writes, can be computed where the result is: `y = tanh(x @ w + b)` needs no memory for `x @ w`.
A kernel that does more, such as to add up what it has computed, is split: the rest reads what the
epilogue has stored.

Prologue: a kernel that makes an operand of one array, at the same index, by little computation, can
be computed where the operand is read: `x.astype(float32) @ w`.

In: the steps of fusion in order, clusters as `Kernel`s. Out: the same steps, with a `WithKernels`
in place of such kernels and their product. Imports `kernel_text`, `loops`, `views`.
"""
from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

from lowering.kernel_text import local_dtype
from lowering.loops import BY_ELEMENT, Constant, Kernel, Load, Map, Store
from lowering.views import Buffer, View, row_major

CHEAP = 3              # the cost of a prologue, at most: it is computed again for each tile


@dataclass(frozen=True, slots=True)
class WithKernels:
    """A product whose result is read by `epilogue` alone, which is computed with it, if there is
    one. prologues: the kernels, if there are any, that make the left and the right operand."""
    product: object
    epilogue: Kernel | None
    prologues: tuple


def with_kernels(steps: list) -> list:
    """The steps, with products put into the kernels that alone read their results, and kernels
    into the products that alone read theirs."""
    steps = _split(steps)
    readers = _readers(steps)
    taken: dict = {}                                  # id of a kernel -> its product
    for step in steps:
        reader = _only_reader(step, readers)
        if reader is not None:
            taken[id(reader)] = step                  # of several the last: all others are there
    epilogues = {id(product) for product in taken.values()}
    before = _prologues(steps, readers, taken)
    gone = {id(kernel) for pair in before.values() for kernel in pair} | epilogues
    return [_together(step, taken, before) for step in steps if id(step) not in gone]


def _together(step, taken: dict, before: dict):
    """A step as it is, or the product that it has become."""
    product = taken.get(id(step), step)
    prologues = before.get(id(product), (None, None))
    epilogue = step if product is not step else None
    if epilogue is None and prologues == (None, None):
        return step
    return WithKernels(product, epilogue, prologues)


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
    if result not in _read_by(kernel):
        return False
    loads = [s for s in kernel.statements
             if isinstance(s, Load) and s.place.view.buffer.root() is result]
    stores = [s for s in kernel.statements if isinstance(s, Store)]
    return all(isinstance(s, BY_ELEMENT) for s in kernel.statements) \
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


# ---- kernels that do more ----

def _split(steps: list) -> list:
    """The steps, with kernels split that begin with what can be an epilogue."""
    readers = _readers(steps)
    parts: dict = {}
    for step in steps:
        if isinstance(step, Kernel) or step.kind != "product":
            continue
        result = step.outputs[0].buffer.root()
        found = readers.get(result, ())
        if len(found) == 1 and isinstance(found[0], Kernel) and id(found[0]) not in parts \
                and not _is_epilogue(found[0], result, *_sizes(step)):
            pair = _epilogue_and_rest(found[0], result, *_sizes(step))
            if pair is not None:
                parts[id(found[0])] = pair
    return [part for step in steps for part in parts.get(id(step), (step,))]


def _epilogue_and_rest(kernel: Kernel, result: Buffer, rows: int, columns: int):
    """A kernel as two, of which the first is an epilogue, and the second does not read `result`;
    None if it is not so."""
    stores = [s for s in kernel.statements if isinstance(s, Store)]
    first = [s for s in stores if _is_epilogue(_of([s], kernel), result, rows, columns)]
    rest = _reading_back(first, [s for s in stores if s not in first], kernel)
    begin = _of(first, kernel)
    if not rest.statements or result in _read_by(rest) \
            or not _is_epilogue(begin, result, rows, columns):
        return None
    return begin, rest


def _of(stores: list, kernel: Kernel) -> Kernel:
    """The statements that some stores need."""
    live = {id(store) for store in stores}
    for statement in reversed(kernel.statements):
        if id(statement) in live:
            live.update(id(value) for value in statement.inputs)
    return Kernel([s for s in kernel.statements if id(s) in live], kernel.axes, kernel.name)


def _reading_back(first: list, rest: list, kernel: Kernel) -> Kernel:
    """What `rest` needs; values that are stored by `first` as they are, are read back."""
    stored = {id(s.inputs[0]): s.place for s in first if s.inputs[0].result_axes == s.axes
              and s.place.view.dtype == s.inputs[0].dtype == local_dtype(s.inputs[0].dtype)}
    changed: dict = {}
    for statement in kernel.statements:
        if id(statement) in stored:
            fresh = Load([], statement.dtype, statement.axes, statement.location,
                         place=stored[id(statement)])
        else:
            fresh = replace(statement, inputs=[changed[id(each)] for each in statement.inputs])
        changed[id(statement)] = fresh
    every = Kernel(list(changed.values()), kernel.axes, kernel.name)
    return _of([changed[id(s)] for s in rest], every)


# ---- operands ----

def _prologues(steps: list, readers: dict, taken: dict) -> dict:
    """For each product the kernels of its operands: id of the product -> (left, right)."""
    makers = {store.place.view.buffer.root(): step for step in steps if isinstance(step, Kernel)
              for store in step.statements if isinstance(store, Store)}
    found: dict = {}
    for step in steps:
        if isinstance(step, Kernel) or step.kind != "product":
            continue
        pair = tuple(_prologue(step, matrices.view.buffer.root(), readers, makers, taken)
                     for matrices in step.detail)
        if pair != (None, None):
            found[id(step)] = pair
    return found


def _prologue(step, operand: Buffer, readers: dict, makers: dict, taken: dict) -> Kernel | None:
    kernel = makers.get(operand)
    if kernel is None or operand.role != "temp" or id(kernel) in taken \
            or readers.get(operand) != [step]:
        return None
    return kernel if _is_prologue(kernel) else None


def _is_prologue(kernel: Kernel) -> bool:
    """Whether a kernel makes each element of one array of that of another, by little work."""
    loads = [s for s in kernel.statements if isinstance(s, Load)]
    stores = [s for s in kernel.statements if isinstance(s, Store)]
    others = [s for s in kernel.statements if isinstance(s, (Constant, Map))]
    if (len(loads), len(stores)) != (1, 1) or len(others) + 2 != len(kernel.statements) \
            or sum(s.cost for s in others if isinstance(s, Map)) > CHEAP:
        return False
    read, written = loads[0].place, stores[0].place
    return not (read.dynamic or read.guards or written.dynamic or stores[0].combine) \
        and read.coefficients == written.coefficients and written.offset == 0 \
        and math.prod(axis.extent for axis in written.coefficients) == written.view.buffer.size \
        and read.view.dtype.itemsize <= written.view.dtype.itemsize


def source_of(matrices, prologue: Kernel | None):
    """The matrices of which a prologue makes an operand."""
    if prologue is None:
        return matrices
    load = next(s for s in prologue.statements if isinstance(s, Load))
    view = matrices.view
    source = View(load.place.view.buffer, view.offset + load.place.offset, view.shape, view.strides)
    return replace(matrices, view=source)
