"""What structured control flow shares: tracing the user's functions, comparing their types.

A function is traced to a Program whose first inputs are what it captured. Imports `tree`, `array`,
`trace`, `api.calls`, `errors`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans import tree
from functrans.api.calls import FlatFunction, as_input, function_name
from functrans.ir.program import Program, Var
from functrans.ir.type import ArrayType
from functrans.primitives.elementwise import convert
from functrans.trace import run, trace


@dataclass(frozen=True, slots=True)
class Traced:
    """A traced function. program: inputs are the `captured` values, then the arguments."""
    program: Program
    captured: list
    out_tree: object


def trace_function(function: Callable, types: Sequence[ArrayType], in_tree, who: str,
                   role: str) -> Traced:
    """Traces `function(*args)`, where `in_tree` is the structure of args."""
    flat = FlatFunction(function, _call_tree(in_tree), who=who)
    name = function_name(function)
    program, captured = trace(flat, types, f"{role} of {who} ({name})")
    return Traced(program.replace(name=name), captured, flat.out_tree)


def _call_tree(args_tree):
    """The structure of (args, kwargs) for positional arguments of structure `args_tree`."""
    args = tree.unflatten(args_tree, [0] * args_tree.num_leaves)
    return tree.structure((args, {}))


def flatten_inputs(values, who: str, what: str):
    """(arrays, structure, names by path) of a pytree of arguments."""
    leaves, structure = tree.flatten(values)
    names = [what + tree.keystr(path) for path, _ in tree.leaves_with_path(values)]
    return [as_input(leaf, name, who) for leaf, name in zip(leaves, names)], structure, names


def merge_captured(traced: Sequence[Traced]) -> tuple[list, list[Program]]:
    """One list of captured values for several functions, and their Programs on it."""
    merged: dict[int, object] = {}
    for one in traced:
        for value in one.captured:
            merged[id(value)] = value
    values = list(merged.values())
    programs = []
    for one in traced:
        own = dict(zip(map(id, one.captured), one.program.inputs))
        lead = [own.get(id(value)) or Var(value.type) for value in values]
        rest = one.program.inputs[len(one.captured):]
        programs.append(one.program.replace(inputs=(*lead, *rest), names=None))
    return values, programs


def strong_output(program: Program, types: Sequence[ArrayType], outputs: range) -> Program:
    """The Program, whose `outputs` are converted to the dtypes of `types` where theirs are weak.

    Python scalars give way: `0.0` as the start of a float64 sum becomes float64.
    """
    wanted = [program.outputs[k].type for k in outputs]
    if all(a.matches(b) or not a.weak for a, b in zip(wanted, types)):
        return program

    def converted(*inputs):
        results = run(program, inputs)
        for k, kind in zip(outputs, types):
            if results[k].dtype != kind.dtype and program.outputs[k].type.weak:
                results[k] = convert(results[k], kind.dtype)
        return results
    return trace(converted, program.input_types, program.name)[0]
