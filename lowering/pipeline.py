"""The passes in order: from a Program to a Plan.

In: a Program. Out: the Program after the passes on equations, and the Plan. Imports `passes`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from functrans.ir.check import check
from functrans.ir.library import LibraryProgram
from functrans.ir.primitive import Call, HostCall
from functrans.ir.program import Program
from functrans.ir.rewrite import dead_code, inline, map_inner
from lowering.kernel_text import KernelText
from lowering.library import lower_routines
from lowering.loops import Kernel
from lowering.native import lapack
from lowering.passes.buffers import assign_memory
from lowering.passes.build import build_kernel
from lowering.passes.cluster import Cluster
from lowering.passes.domains import is_library_product
from lowering.passes.epilogues import WithKernels, source_of, with_kernels
from lowering.passes.fuse import Fuser, Opaque
from lowering.passes.loop_motion import move_out_of_loops
from lowering.passes.regions import lower_branch, lower_loop, lower_stack_sum
from lowering.passes.repeats import MIN_EQUATIONS, find_runs
from lowering.passes.simplify import simplify
from lowering.plan import Copy, Host, Launch, Plan, Product, Zero
from lowering.recipes import kernel_text


def passes(routines: bool = True):
    """The passes by name; each takes a Program and gives one that means the same.

    routines: whether to call routines of LAPACK, if they are there.
    """
    return (
        ("inline", lambda program: inline(program, _callee_with(routines))),
        ("dead code", dead_code),
        ("simplify", simplify),
        ("dead code", dead_code),
        ("reroll", reroll),
        ("inner programs",
         lambda program: map_inner(program, lambda inner: optimize(inner, routines=routines))),
        ("loop motion", move_out_of_loops),
        ("simplify", simplify),
        ("dead code", dead_code),
    )


def reroll(program: Program) -> Program:
    """Loops that were unrolled; what finds them is imported where something repeats."""
    if len(program.equations) < MIN_EQUATIONS or not find_runs(program.equations, MIN_EQUATIONS):
        return program
    from lowering.passes.reroll import reroll
    return reroll(program)


def _callee_with(routines: bool) -> Callable:
    def callee(equation) -> Program | None:
        kernel = equation.kernel
        if isinstance(kernel, LibraryProgram) and routines and lapack.available():
            return kernel.program
        return kernel.program if isinstance(kernel, Call) else None
    return callee


def optimize(program: Program, watch=None, routines: bool = True) -> Program:
    """The Program after all passes. `watch(name, program)` sees it after each."""
    clean = before = None           # clean: what was simplified last, without dead code
    for name, run in passes(routines):
        if program is clean and name in ("simplify", "dead code"):
            continue
        program = run(program)
        if (before, name) == ("simplify", "dead code"):
            clean = program
        before = name
        if watch is not None:
            watch(name, program)
            check(program)
    return program


@dataclass(frozen=True, slots=True)
class Emitters:
    """How a target writes its kernels.

    cluster: a `Kernel` as texts, in the order in which they run. sort: views of operands and of
    results, and the kernel class, as texts. loop: as `loop_kernel`. product: a `Product` as texts,
    or None for a library.
    is_product: whether a contraction, given as equation and kernel class, is a `Product`.
    epilogues: whether products compute what is read of their results alone, and their operands.
    together: a `Repeat` or a `Choose` as one text, as another step, or as it is.
    """
    cluster: Callable
    sort: Callable
    loop: Callable
    product: Callable
    is_product: Callable
    epilogues: bool = False
    together: Callable = lambda step: step


def _on_cpu(kernel) -> list:
    return [kernel_text(kernel)]


def _sort_on_cpu(*operands) -> list:
    from lowering.sorting import sort_kernel            # most programs sort nothing
    return [sort_kernel(*operands)]


def _loop_on_cpu(*operands):
    from lowering.scalar import loop_kernel
    return loop_kernel(*operands)


CPU = Emitters(_on_cpu, _sort_on_cpu, _loop_on_cpu, lambda product: None, is_library_product)


def make_plan(program: Program, emitters: Emitters = CPU) -> Plan:
    """The steps of an optimized Program."""
    fuser = Fuser(program, emitters.is_product).run()
    lowering = Lowering(emitters)
    fused = [_built(fuser.steps[number], fuser) for number in ordered_steps(fuser)]
    if emitters.epilogues:
        fused = with_kernels(fused)
    steps = [step for each in fused for step in lowering.steps(each, fuser)]
    return assign_memory(Plan(steps, program.input_types, program.output_types))


def _built(step, fuser: Fuser):
    """A cluster as its kernel; any other step as it is."""
    return build_kernel(step, fuser) if isinstance(step, Cluster) else step


def ordered_steps(fuser: Fuser) -> list[int]:
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


def _launch(text) -> Launch:
    buffers = [p.value.buffer for p in text.parameters if p.kind == "pointer"]
    reads = {id(buffer): buffer for buffer in buffers}
    return Launch(text, list(reads.values()), list(reads.values()))


class Lowering:
    """Steps of fusion as steps of the plan, with the kernels of a target."""

    def __init__(self, emitters: Emitters):
        self.emitters = emitters

    def steps(self, step, fuser: Fuser):
        step = _built(step, fuser)
        if isinstance(step, WithKernels):
            yield from self._product(step.product, step.epilogue, step.prologues)
        elif isinstance(step, Kernel):
            if step.statements:
                yield from map(_launch, self.emitters.cluster(step))
        else:
            yield from getattr(self, f"_{step.kind}", self._on_host)(step)

    def _plan(self, program: Program) -> Plan:
        """The plan of an inner Program."""
        return make_plan(program, self.emitters)

    def _product(self, step: Opaque, epilogue: Kernel | None = None,
                 prologues: tuple = (None, None)):
        left, right = map(source_of, step.detail, prologues)
        product = Product(left, right, step.outputs[0], step.equation and step.equation.location,
                          epilogue, prologues)
        texts = self.emitters.product(product)
        yield from [product] if texts is None else map(_launch, texts)

    def _copy(self, step: Opaque):
        yield Copy(step.inputs[0], step.outputs[0])

    def _zero(self, step: Opaque):
        yield Zero(step.outputs[0])

    _emptystack = _zero

    def _sort(self, step: Opaque):
        texts = self.emitters.sort(step.inputs, step.outputs, step.equation.kernel)
        yield from map(_launch, texts)

    def _routines(self, step: Opaque):
        return lower_routines(step)

    def _scan(self, step: Opaque):
        """A loop over few numbers is one kernel; any other is run step by step."""
        text = self.emitters.loop(step.equation, step.inputs, step.outputs)
        if text is not None:
            yield _launch(text)
        else:
            yield from map(self._together, lower_loop(step, self._plan))

    _while = _unwind = _scan

    def _branch(self, step: Opaque):
        return map(self._together, lower_branch(step, self._plan))

    def _together(self, step):
        """A step with inner plans, or the launch of a kernel that does all of it."""
        found = self.emitters.together(step)
        return _launch(found) if isinstance(found, KernelText) else found

    def _addstacks(self, step: Opaque):
        return lower_stack_sum(step, self._plan)

    def _on_host(self, step: Opaque):
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
