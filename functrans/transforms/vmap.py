"""Vectorization: a walk that evaluates a Program for all lanes of a mapped axis at once.

In: a Program for one lane, values of its inputs, which of them have the mapped axis (in
front). Out: values of its outputs, and which of them have it. Imports `ir`, `trace`,
`transforms.walk`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.ir.program import Equation, Literal, Program
from functrans.locations import located
from functrans.primitives.basic import broadcast
from functrans.trace import evaluate, trace
from functrans.transforms.walk import cached_by_program, rule_of


def batch(program: Program, size: int, arguments: Sequence, batched: Sequence[bool],
          known: dict | None = None) -> tuple[list, list]:
    """Evaluates `program` over `size` lanes."""
    values = dict(known or {})
    values.update(zip(program.inputs, arguments, strict=True))
    mapped = {var for var, flag in zip(program.inputs, batched, strict=True) if flag}

    def read(atom):
        return atom.value if type(atom) is Literal else values[atom]

    for equation in program.equations:
        if equation.outputs and equation.outputs[0] in values:
            continue
        flags = [atom in mapped for atom in equation.inputs]
        inputs = [read(atom) for atom in equation.inputs]
        with located(equation.location):
            outs, out_flags = _apply(equation, size, inputs, flags)
        values.update(zip(equation.outputs, outs, strict=True))
        mapped.update(var for var, flag in zip(equation.outputs, out_flags) if flag)
    return ([read(atom) for atom in program.outputs],
            [atom in mapped for atom in program.outputs])


def _apply(equation: Equation, size: int, inputs: list, flags: list):
    if not any(flags) and not equation.primitive.effect:
        return evaluate(equation, inputs), [False] * len(equation.outputs)
    outs, out_flags = rule_of(equation, "batch")(size, inputs, flags, equation.params)
    if equation.primitive.multiple:
        return outs, out_flags
    return (outs,), (out_flags,)


@cached_by_program
def batch_program(program: Program, size: int, batched: tuple,
                  force: tuple | None = None) -> tuple[Program, tuple]:
    """The Program for all lanes at once; and which of its outputs have the mapped axis.

    force: which outputs must have it (None: those that depend on a mapped input).
    """
    types = [kind.with_shape((size, *kind.shape)) if flag else kind
             for kind, flag in zip(program.input_types, batched)]
    flags: list = []

    def run(*arguments):
        outs, out_flags = batch(program, size, arguments, batched)
        wanted = force or (False,) * len(outs)
        flags[:] = [flag or want for flag, want in zip(out_flags, wanted)]
        return [mapped_everywhere(size, out, flag) if want else out
                for out, flag, want in zip(outs, out_flags, wanted)]

    result, captured = trace(run, types, f"vmap of {program.name}")
    assert not captured
    return result, tuple(flags)



def mapped_everywhere(size: int, out, batched: bool):
    """`out` with the mapped axis in front, literals included."""
    return out if batched else broadcast(out, (size, *out.shape), range(1, out.ndim + 1))
