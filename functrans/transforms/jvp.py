"""Forward mode: a walk that carries each value together with its tangent.

In: a Program, values and tangents of its inputs (None is a zero tangent). Out: values and
tangents of its outputs, in the current interpreter. Imports `ir`, `trace`, `transforms.walk`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.ir.effects import without_effect
from functrans.ir.program import Equation, Literal, Program
from functrans.ir.type import tangent_type
from functrans.locations import located
from functrans.trace import trace_closed
from functrans.transforms.walk import Values, cached_by_program, rule_of


def jvp(program: Program, primals: Sequence, tangents: Sequence,
        known: dict | None = None) -> tuple[list, list]:
    """Evaluates `program` and its derivative along `tangents`."""
    return walk(program, primals, tangents, known, "jvp")


def walk(program: Program, primals: Sequence, tangents: Sequence, known: dict | None,
         rule_name: str) -> tuple[list, list]:
    """Forward mode, where primitives that carry Programs apply the rule of this name."""
    values = Values(program, primals, known)
    tangent_of = {var: tangent for var, tangent in zip(program.inputs, tangents, strict=True)
                  if tangent is not None}
    for equation in program.equations:
        incoming = [tangent_of.get(atom) if type(atom) is not Literal else None
                    for atom in equation.inputs]
        with located(equation.location):
            if all(tangent is None for tangent in incoming):
                values.outputs(equation)
                continue
            outgoing = _apply(equation, values, incoming, rule_name)
        tangent_of.update((var, tangent) for var, tangent in
                          zip(equation.outputs, outgoing, strict=True) if tangent is not None)
    return ([values.read(atom) for atom in program.outputs],
            [tangent_of.get(atom) if type(atom) is not Literal else None
             for atom in program.outputs])


def _apply(equation: Equation, values: Values, tangents: list, rule_name: str) -> Sequence:
    """The tangents of an equation's outputs; its values are written on the way."""
    primitive = equation.primitive
    if primitive.linearize is not None:
        if values.known(equation):
            equation = without_effect(equation)
        outs, tangent_outs = rule_of(equation, rule_name)(
            values.inputs(equation), tangents, equation.params)
        values.write(equation, outs)
        return tangent_outs
    outs = values.outputs(equation)
    out = tuple(outs) if primitive.multiple else outs[0]
    tangent = rule_of(equation, "jvp")(out, values.inputs(equation), tangents, equation.params)
    return tangent if primitive.multiple else (tangent,)


@cached_by_program
def jvp_program(program: Program, nonzero: tuple) -> tuple[Program, tuple]:
    """The jvp as a Program: inputs, then tangents of the `nonzero` inputs, to outputs, then
    tangents of those outputs that have one; and which outputs those are."""
    kinds = [tangent_type(kind) for kind, flag in zip(program.input_types, nonzero) if flag]
    outputs_nonzero: list = []

    def run(*arguments):
        primals = arguments[:len(program.inputs)]
        rest = iter(arguments[len(program.inputs):])
        tangents = [next(rest) if flag else None for flag in nonzero]
        outs, tangent_outs = jvp(program, primals, tangents)
        outputs_nonzero[:] = [tangent is not None for tangent in tangent_outs]
        return [*outs, *(tangent for tangent in tangent_outs if tangent is not None)]

    result = trace_closed(run, [*program.input_types, *kinds], f"jvp of {program.name}")
    return result, tuple(outputs_nonzero)
