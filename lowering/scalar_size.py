"""Whether a loop is small enough to be one kernel with a variable for each element.

In: the body of a loop. Out: whether, or `TooLarge`. Imports `functrans.ir`, `scalar_rules`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program, Var
from lowering.scalar_rules import RULES, TooLarge

MAX_ELEMENTS = 16           # of one value
MAX_OPERATIONS = 300        # of a whole kernel: numba takes about two milliseconds for each

LOOPS = (kernels.Scan, kernels.While, kernels.Unwind)


def qualifies(program: Program, large: set) -> bool:
    """Whether a body can be written with a variable for each element.

    large: inputs that may be large, because they are only indexed or run over.
    """
    try:
        return _weigh(program, large) <= MAX_OPERATIONS
    except TooLarge:
        return False


def _weigh(program: Program, large: set) -> int:
    total = 0
    for var in program.inputs:
        if var not in large:
            _require_small(var.type)
    for equation in program.equations:
        total += _weigh_equation(equation, large)
    _require_small_operands(program.outputs, large)
    return total


def _require_small(kind):
    if kind.size > MAX_ELEMENTS or not isinstance(kind.dtype, np.dtype):
        raise TooLarge


def _weigh_equation(equation: Equation, large: set) -> int:
    kernel = equation.kernel
    if isinstance(kernel, LOOPS + (kernels.Branch,)):
        return _weigh_inner(equation, kernel, large)
    for var in equation.outputs:
        _require_small(var.type)
    size = sum(var.type.size for var in equation.outputs)
    if isinstance(kernel, (kernels.Gather, kernels.DynamicSlice)):
        _require_small_operands(equation.inputs[1:], large)
        if isinstance(kernel, kernels.Gather) and kernel.mode == "raise":
            raise TooLarge                    # an error is recorded by kernels of the other kind
        return 3 * size
    _require_small_operands(equation.inputs, large)
    if isinstance(kernel, (kernels.Reduce, kernels.ArgReduce)):
        return equation.inputs[0].type.size
    if isinstance(kernel, kernels.Contract):
        inner = [equation.inputs[0].type.shape[k] for k in kernel.contract[0]]
        return size * math.prod(inner)
    if type(kernel) in RULES:
        return size
    raise TooLarge


def _require_small_operands(atoms, large: set):
    for atom in atoms:
        if atom in large:
            raise TooLarge
        _require_small(atom.type)


def _weigh_inner(equation: Equation, kernel, large: set) -> int:
    if isinstance(kernel, kernels.Unwind) or isinstance(kernel, kernels.While) and kernel.counted:
        raise TooLarge                        # stacks
    if isinstance(kernel, kernels.Branch):
        operands = equation.inputs[1:]
        return sum(_weigh(program, _large_inputs(program.inputs, operands, large))
                   for program in kernel.branches)
    if isinstance(kernel, kernels.While):
        tests = kernel.condition_constants
        rest = equation.inputs[tests:]
        carries = equation.inputs[tests + kernel.body_constants:]
        _require_small_operands(carries, large)
        return _weigh(kernel.body, _large_inputs(kernel.body.inputs, rest, large)) \
            + _weigh(kernel.condition, _large_inputs(
                kernel.condition.inputs, [*equation.inputs[:tests], *carries], large))
    first, second = kernel.constants, kernel.constants + kernel.carries
    _require_small_operands(equation.inputs[first:second], large)
    for atom in equation.inputs[second:]:
        if type(atom) is Literal or atom not in large:
            raise TooLarge                    # slices of what is no array in memory
    if equation.outputs[kernel.carries:]:
        raise TooLarge                        # rows of an inner loop have no memory of their own
    return _weigh(kernel.body, _large_inputs(kernel.body.inputs[:first],
                                             equation.inputs[:first], large))


def _large_inputs(inputs: Sequence, operands: Sequence, large: set) -> set:
    return {var for var, atom in zip(inputs, operands) if type(atom) is Var and atom in large}
