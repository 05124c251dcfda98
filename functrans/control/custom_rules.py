"""What functions with rules of their own share: operands, running and transposing the function.

Their operands are (tracers that the rules close over.., values that the function closes over..,
arguments..); their Program takes all of them. Imports `ir`, `trace`, `transforms`, `closures`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.array import Array, ArrayBase, wrap
from functrans.control.closures import Closure
from functrans.errors import CustomRuleError
from functrans.ir.program import Program
from functrans.ir.type import ArrayType, tangent_type
from functrans.primitives.basic import instantiate, is_linear, type_of_value
from functrans.trace import run, trace_at
from functrans.transforms.transpose import transpose


def traced_call(function: Callable, inputs: Sequence, closure: Closure, name: str,
                names: Sequence[str] = ()) -> tuple[Program, list, int]:
    """(Program of all operands, the operands, how many are closed over)."""
    program, captured = trace_at(function, inputs, name, names)
    around = [*closure.tracers, *captured]
    return closure.first_of(program.replace(name=name)), [*around, *inputs], len(around)


def evaluate_program(*arrays, program: Program, **params) -> list:
    """The values of a Program, equation by equation."""
    outs = run(program, [wrap(x, var.type) for x, var in zip(arrays, program.inputs, strict=True)])
    return [np.asarray(out) for out in outs]


def transpose_program_at(cotangents, inputs, params) -> list:
    """The transpose rule of a call: that of its Program."""
    return transpose(params["program"],
                     [None if is_linear(value) else value for value in inputs], cotangents)


def as_array(value) -> ArrayBase:
    """An operand as users see it: literals are arrays."""
    return Array(np.asarray(value)) if isinstance(value, np.generic) else value


def written_out(tangents: Sequence, values: Sequence) -> list:
    """Tangents, zeros as arrays; None for values that have none."""
    kinds = [tangent_type(type_of_value(value)) for value in values]
    return [None if kind is None else instantiate(tangent, kind)
            for tangent, kind in zip(tangents, kinds, strict=True)]


def refuse_closed_over(tangents: Sequence, kinds: Sequence[ArrayType], who: str, name: str):
    """Raises if a value that a function closes over has a tangent: its rule says nothing of it."""
    shown = dict.fromkeys(str(kind) for tangent, kind in zip(tangents, kinds)
                          if tangent is not None)
    if shown:
        raise CustomRuleError(
            f"{who} {name} closes over a value of type {', '.join(shown)} that is being "
            "differentiated, but its rule gives the derivative with respect to its arguments "
            f"only. Pass the value to {name} as an argument, and let the rule take it; or close "
            "over stop_gradient(value)")
