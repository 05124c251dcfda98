"""Running a Program equation by equation, with someone looking on, inside of loops too.

In: a Program, values of its inputs, and for each whether it is marked. Out: the outputs and their
marks: what depends on a marked value is marked. Imports `ir`, `control`, `trace`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.control.scan import row, stack_rows
from functrans.control.unwind import element, stacks_of
from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program
from functrans.ir.type import storage_dtype


class Meter:
    """Runs Programs; `look(equation, location, inputs, outputs, flags)` sees each equation.

    flags: for each input whether it is marked. location: the user's line, of the equation or of
    the nearest one around it that has one. Those that hold Programs are looked into instead.
    """

    def __init__(self, look: Callable):
        self.look = look

    def run(self, program: Program, values: Sequence, flags: Sequence[bool], location=None):
        """(values, flags) of the outputs, as NumPy arrays."""
        known = dict(zip(program.inputs, zip(values, flags, strict=True), strict=True))

        def read(atom):
            return (atom.value, False) if type(atom) is Literal else known[atom]

        for equation in program.equations:
            inputs, marks = zip(*map(read, equation.inputs)) if equation.inputs else ((), ())
            outs, out_marks = self.equation(equation, inputs, marks,
                                            equation.location or location)
            known.update(zip(equation.outputs, zip(outs, out_marks, strict=True), strict=True))
        results = [read(atom) for atom in program.outputs]
        return ([np.asarray(value, storage_dtype(atom.type.dtype))
                 for (value, _), atom in zip(results, program.outputs)],
                [mark for _, mark in results])

    def equation(self, equation: Equation, inputs: Sequence, marks: Sequence, location):
        rule = _INSIDE.get(type(equation.kernel))
        if rule is not None:
            return rule(self, equation.kernel, inputs, marks, location)
        with np.errstate(all="ignore"):
            outs = equation.primitive.evaluate(*inputs, **equation.params)
        outs = outs if equation.primitive.multiple else (outs,)
        self.look(equation, location, inputs, outs, marks)
        if isinstance(equation.kernel, kernels.Barrier):         # its results are its operands
            return outs, list(marks)
        return outs, [any(marks)] * len(outs)

    # ---- those that hold Programs ----

    def call(self, kernel: kernels.Call, inputs, marks, location):
        return self.run(kernel.program, inputs, marks, location)

    def branch(self, kernel: kernels.Branch, inputs, marks, location):
        chosen = int(np.clip(int(inputs[0]), 0, len(kernel.branches) - 1))
        return self.run(kernel.branches[chosen], inputs[1:], marks[1:], location)

    def scan(self, kernel: kernels.Scan, inputs, marks, location):
        order = range(kernel.length)[::-1] if kernel.reverse else range(kernel.length)
        first = kernel.constants + kernel.carries

        def slices(k):
            return [row(x, k) for x in inputs[first:]]
        state, rows, flags = self.steps(kernel, order, slices, inputs, marks, location)
        kinds = kernel.body.output_types[kernel.carries:]
        return [*state, *(stack_rows([each[k] for each in rows], kind)
                          for k, kind in enumerate(kinds))], flags

    def unwind(self, kernel: kernels.Unwind, inputs, marks, location):
        count, *inputs = inputs
        order = range(int(count))[::-1] if kernel.reverse else range(int(count))
        first = kernel.constants + kernel.carries
        kinds = kernel.body.input_types[first:]

        def slices(k):
            return [element(stack, k, kind)._data for stack, kind in zip(inputs[first:], kinds)]
        state, rows, flags = self.steps(kernel, order, slices, inputs, marks[1:], location)
        return [*state, *stacks_of(rows, kernel.body.output_types[kernel.carries:])], flags

    def steps(self, kernel, order, slices: Callable, inputs, marks, location):
        """(carries, rows by step, flags of all results) of a loop over known steps."""
        first = kernel.constants + kernel.carries
        state, state_marks = inputs[kernel.constants:first], list(marks[kernel.constants:first])
        outputs = len(kernel.body.outputs) - kernel.carries
        rows: list = [None] * len(order)
        row_marks = [any(marks)] * outputs
        for k in order:
            outs, flags = self.run(kernel.body, [*inputs[:kernel.constants], *state, *slices(k)],
                                   [*marks[:kernel.constants], *state_marks, *marks[first:]],
                                   location)
            state, rows[k] = outs[:kernel.carries], outs[kernel.carries:]
            state_marks, row_marks = flags[:kernel.carries], flags[kernel.carries:]
        return state, rows, [*state_marks, *row_marks]

    def loop(self, kernel: kernels.While, inputs, marks, location):
        tests = kernel.condition_constants
        first = tests + kernel.body_constants
        state, state_marks = list(inputs[first:]), list(marks[first:])
        carries, rows = len(state), []

        def goes_on() -> bool:
            outs, _ = self.run(kernel.condition, [*inputs[:tests], *state],
                               [*marks[:tests], *state_marks], location)
            return bool(outs[0])
        while goes_on():
            outs, flags = self.run(kernel.body, [*inputs[tests:first], *state],
                                   [*marks[tests:first], *state_marks], location)
            state, state_marks = outs[:carries], flags[:carries]
            rows.append(outs[carries:])
        if not kernel.counted:
            return state, state_marks
        kinds = kernel.body.output_types[carries:]
        return ([*state, np.int64(len(rows)), *stacks_of(rows, kinds)],
                [*state_marks, False, *[any(marks)] * len(kinds)])


_INSIDE = {kernels.Call: Meter.call, kernels.Branch: Meter.branch, kernels.Scan: Meter.scan,
           kernels.Unwind: Meter.unwind, kernels.While: Meter.loop}
