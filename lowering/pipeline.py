"""The passes in order: from a Program to a Plan.

In: a Program. Out: the Program after the passes on equations, and the Plan. Imports `passes`.
"""
from __future__ import annotations

import numpy as np

from functrans.ir.check import check
from functrans.ir.library import LibraryProgram
from functrans.ir.primitive import Call, HostCall
from functrans.ir.program import Program
from functrans.ir.rewrite import dead_code, inline, map_inner
from lowering.emit import emit
from lowering.library import lower_routines
from lowering.native import lapack
from lowering.nest import build_nest
from lowering.passes.buffers import assign_memory
from lowering.passes.build import build_kernel
from lowering.passes.cluster import Cluster
from lowering.passes.fuse import Fuser, Opaque
from lowering.passes.loop_motion import move_out_of_loops
from lowering.passes.regions import lower_branch, lower_loop, lower_stack_sum
from lowering.passes.reroll import reroll
from lowering.passes.simplify import simplify
from lowering.passes.tile import mark_tiles
from lowering.plan import Copy, Host, Launch, Plan, Product, Zero
from lowering.scalar import loop_kernel
from lowering.sorting import sort_kernel

# Each pass takes a Program and gives one that means the same.
PASSES = (
    ("inline", lambda program: inline(program, _callee)),
    ("dead code", dead_code),
    ("simplify", simplify),
    ("dead code", dead_code),
    ("reroll", reroll),
    ("inner programs", lambda program: map_inner(program, optimize)),
    ("loop motion", move_out_of_loops),
    ("simplify", simplify),
    ("dead code", dead_code),
)


def _callee(equation) -> Program | None:
    kernel = equation.kernel
    if isinstance(kernel, LibraryProgram) and lapack.available():
        return kernel.program
    return kernel.program if isinstance(kernel, Call) else None


def optimize(program: Program, watch=None) -> Program:
    """The Program after all passes. `watch(name, program)` sees it after each."""
    for name, run in PASSES:
        program = run(program)
        if watch is not None:
            watch(name, program)
            check(program)
    return program


def make_plan(program: Program) -> Plan:
    """The steps of an optimized Program."""
    fuser = Fuser(program).run()
    steps = [step for number in _order(fuser) for step in _lower(fuser.steps[number], fuser)]
    return assign_memory(Plan(steps, program.input_types, program.output_types))


def _order(fuser: Fuser) -> list[int]:
    """The numbers of the steps, each after those on which it depends."""
    done, order = 0, []
    waiting = [number for number, step in enumerate(fuser.steps) if step is not None]
    while waiting:
        ready = [number for number in waiting if not fuser.depends[number] & ~done]
        if not ready:
            raise AssertionError("steps depend on each other in a circle")
        for number in ready:
            order.append(number)
            done |= 1 << number
        waiting = [number for number in waiting if not done >> number & 1]
    return order


def _lower(step, fuser: Fuser):
    """A step of fusion as steps of the plan."""
    if isinstance(step, Cluster):
        kernel = build_kernel(step, fuser)
        if kernel.statements:
            yield _launch(emit(mark_tiles(build_nest(kernel))))
    else:
        yield from _LOWER.get(step.kind, _lower_on_host)(step)


def _launch(text) -> Launch:
    buffers = [p.value.buffer for p in text.parameters if p.kind == "pointer"]
    reads = {id(buffer): buffer for buffer in buffers}
    return Launch(text, list(reads.values()), list(reads.values()))


def _lower_product(step: Opaque):
    left, right = step.detail
    yield Product(left, right, step.outputs[0], step.equation and step.equation.location)


def _lower_copy(step: Opaque):
    yield Copy(step.inputs[0], step.outputs[0])


def _lower_zero(step: Opaque):
    yield Zero(step.outputs[0])


def _lower_sort(step: Opaque):
    yield _launch(sort_kernel(step.inputs, step.outputs, step.equation.kernel))


def _lower_on_host(step: Opaque):
    """A primitive without a kernel is evaluated by Python."""
    equation = step.equation
    kernel = equation.kernel
    if isinstance(kernel, HostCall):
        function = kernel.function
    else:
        function = _evaluation(equation)
    yield Host(function, step.inputs, step.outputs, equation.location)


def _evaluation(equation):
    def function(*arrays):
        with np.errstate(all="ignore"):
            out = equation.primitive.evaluate(*arrays, **equation.params)
        return out if equation.primitive.multiple else (out,)
    return function


def _lower_loop(step: Opaque):
    """A loop over few numbers is one kernel; any other is run step by step."""
    text = loop_kernel(step.equation, step.inputs, step.outputs)
    if text is not None:
        yield _launch(text)
    else:
        yield from lower_loop(step, make_plan)


def _with_inner(function):
    return lambda step: function(step, make_plan)


_LOWER = {"product": _lower_product, "copy": _lower_copy, "zero": _lower_zero,
          "sort": _lower_sort, "routines": lower_routines, "scan": _lower_loop,
          "while": _lower_loop, "unwind": _lower_loop,
          "branch": _with_inner(lower_branch), "emptystack": _lower_zero,
          "addstacks": _with_inner(lower_stack_sum)}
