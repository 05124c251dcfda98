"""Control flow: inner Programs become regions, loops decide which carries change in place.

In: opaque steps of control flow. Out: steps of the plan. Imports `functrans.ir`, `plan`, `views`;
`lower` (from pipeline.py) turns an inner Program into a Plan.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Program, Var
from functrans.ir.type import ArrayType
from lowering.passes.fuse import Opaque
from lowering.passes.internal import ADD
from lowering.plan import Choose, Copy, Plan, Region, Repeat, SumStacks
from lowering.views import Buffer, View

BYTE = np.dtype(np.int8)


def region(program: Program, lower: Callable) -> Region:
    """An inner Program as a region with a workspace of its own."""
    plan = lower(program)
    return Region(plan, Buffer(BYTE, plan.arena))


def lower_loop(step: Opaque, lower: Callable):
    """A scan, while or unwind equation."""
    kernel = step.equation.kernel
    if isinstance(kernel, kernels.While):
        yield _while(step, kernel, lower)
    elif isinstance(kernel, kernels.Unwind):
        yield _counted(step.inputs[0], step.inputs[1:], step.outputs, kernel, lower)
    else:
        yield _counted(kernel.length, step.inputs, step.outputs, kernel, lower)


def _counted(count, inputs: list, outputs: list, kernel, lower: Callable) -> Repeat:
    first, second = kernel.constants, kernel.constants + kernel.carries
    body = region(kernel.body, lower)
    rows = outputs[kernel.carries:]
    pairs = _carry_buffers(body.plan, kernel.body, kernel.constants, kernel.carries)
    return Repeat(body, count, None, [], inputs[:first], inputs[first:second], inputs[second:],
                  outputs[:kernel.carries], rows, kernel.reverse, pairs, [])


def _while(step: Opaque, kernel: kernels.While, lower: Callable) -> Repeat:
    tests, constants = kernel.condition_constants, kernel.body_constants
    body, test = region(kernel.body, lower), region(kernel.condition, lower)
    carries = len(step.inputs) - tests - constants
    first = tests + constants
    rows = step.outputs[carries + 1:] if kernel.counted else []
    kinds = kernel.body.output_types[carries:]
    return Repeat(body, None, test, step.inputs[:tests], step.inputs[tests:first],
                  step.inputs[first:], [], step.outputs[:carries], rows, False,
                  _carry_buffers(body.plan, kernel.body, constants, carries),
                  [Buffer(kind.dtype, kind.size) for kind in kinds],
                  step.outputs[carries] if kernel.counted else None,
                  Buffer(np.dtype(bool), 1))


def _carry_buffers(plan: Plan, body: Program, constants: int, carries: int) -> list:
    """Two buffers for each carry, read from one and written to the other in turn; one for a
    carry that the body changes in place."""
    pairs = []
    for k in range(carries):
        kind = body.output_types[k]
        alone = _changes_in_place(plan, constants + k, k)
        pairs.append(tuple(Buffer(kind.dtype, kind.size) for _ in range(1 if alone else 2)))
    return pairs


def _changes_in_place(plan: Plan, source: int, target: int) -> bool:
    """Whether a carry is copied to its result before anything else touches either, and not read
    afterwards: then both can be one buffer, and the copy goes."""
    place = None
    for number, step in enumerate(plan.steps):
        if isinstance(step, Copy) and _is(step.source, "input", source) \
                and _is(step.target, "output", target) and place is None:
            place = number
            continue
        touched = [buffer.root() for buffer in (*step.reads, *step.writes)]
        for buffer in touched:
            if place is None and buffer.role == "output" and buffer.index == target:
                return False
            if place is not None and buffer.role == "input" and buffer.index == source:
                return False
    if place is None:
        return False
    del plan.steps[place]
    return True


def _is(view: View, role: str, index: int) -> bool:
    buffer = view.buffer.root()
    return buffer.role == role and buffer.index == index and view.size == buffer.size


def lower_branch(step: Opaque, lower: Callable):
    """A cond or switch equation."""
    kernel = step.equation.kernel
    branches = [region(program, lower) for program in kernel.branches]
    yield Choose(step.inputs[0], branches, step.inputs[1:], step.outputs)


def lower_stack_sum(step: Opaque, lower: Callable):
    """The sum of two stacks: the sum of two elements, for each of them."""
    equation = step.equation
    kind: ArrayType = equation.outputs[0].type.dtype.element
    add = _ADD if isinstance(kind.dtype, np.dtype) else equation.primitive
    x, y, out = Var(kind), Var(kind), Var(kind)
    add = Program((x, y), (Equation(add, (x, y), {}, (out,)),), (out,), "add")
    yield SumStacks(region(add, lower), *step.inputs, step.outputs[0])


_ADD = kernels.Primitive(name="add", infer=lambda x, y: x, evaluate=np.add,
                         kernel=lambda types, params: kernels.Elementwise(ADD))
