"""The oracle: a Program evaluated equation by equation with NumPy.

In: a Program, NumPy arrays. Out: NumPy arrays. Imports `functrans.ir` only.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.ir.primitive import Call
from functrans.ir.program import Literal, Program
from functrans.ir.show import show
from functrans.ir.type import storage_dtype


class ReferenceExecutable:
    """Runs a Program with the `evaluate` rules of its primitives."""

    records = ()                # of kernels: there are none

    def __init__(self, program: Program):
        self.program = program

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            return evaluate(self.program, arrays)

    def source(self) -> str:
        return f'"""The reference target has no kernels; it evaluates:\n\n{show(self.program)}\n"""'


def evaluate(program: Program, arrays: Sequence) -> list:
    """The outputs of `program` for `arrays`."""
    values = dict(zip(program.inputs, arrays, strict=True))

    def read(atom):
        return atom.value if type(atom) is Literal else values[atom]

    for equation in program.equations:
        inputs = [read(atom) for atom in equation.inputs]
        kernel = equation.kernel
        if isinstance(kernel, Call):
            outputs = evaluate(kernel.program, inputs)
        else:
            outputs = equation.primitive.evaluate(*inputs, **equation.params)
            outputs = outputs if equation.primitive.multiple else (outputs,)
        values.update(zip(equation.outputs, outputs, strict=True))
    return [np.asarray(read(atom), dtype=storage_dtype(atom.type.dtype))
            for atom in program.outputs]
