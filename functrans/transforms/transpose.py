"""Transposition: the adjoint of a linear Program, by a walk from its outputs to its inputs.

In: a Program that is linear in some of its inputs, the values of the others, cotangents of
its outputs (None is a zero). Out: cotangents of its linear inputs. Imports `ir`, `trace`,
`primitives.basic`, `transforms.walk`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.errors import NotDifferentiableError
from functrans.ir.primitive import Linear, Sum
from functrans.ir.program import Equation, Literal, Program
from functrans.ir.type import tangent_type
from functrans.locations import describe, located
from functrans.primitives.basic import add_tangents
from functrans.trace import evaluate, trace_closed
from functrans.transforms.walk import cached_by_program


def transpose(program: Program, arguments: Sequence, cotangents: Sequence,
              sums: Sequence | None = None) -> list:
    """The cotangents of those inputs whose argument is None: the linear ones.

    sums: for each input what its cotangent is added to, or None.
    Returns one for each input; None for the others, and for zeros.
    """
    values = {var: value for var, value in zip(program.inputs, arguments, strict=True)
              if value is not None}
    linear = {var for var in program.inputs if var not in values}
    for equation in program.equations:
        if any(atom in linear for atom in equation.inputs):
            linear.update(equation.outputs)
        else:
            _evaluate(equation, values)
    ct_of: dict = {var: total for var, total in zip(program.inputs, sums or ())
                   if total is not None}
    _accumulate(ct_of, program.outputs, cotangents)
    for equation in reversed(program.equations):
        outgoing = [ct_of.pop(var, None) for var in equation.outputs]
        if any(ct is not None for ct in outgoing) and equation.outputs[0] in linear:
            inputs = _inputs(equation, values, ct_of)
            with located(equation.location):
                _accumulate(ct_of, equation.inputs, _apply(equation, inputs, outgoing))
    return [ct_of.get(var) if var in linear else None for var in program.inputs]


def _evaluate(equation: Equation, values: dict):
    """An equation that does not depend on the linear inputs has a value."""
    inputs = [atom.value if type(atom) is Literal else values[atom]
              for atom in equation.inputs]
    with located(equation.location):
        values.update(zip(equation.outputs, evaluate(equation, inputs), strict=True))


def _inputs(equation: Equation, values: dict, ct_of: dict) -> list:
    """The values of an equation's inputs; linear ones with the sum of their cotangents so far,
    where just this one place can add to it."""
    atoms = equation.inputs
    return [atom.value if type(atom) is Literal else values[atom] if atom in values
            else Linear(atom.type, ct_of.get(atom) if atoms.count(atom) == 1 else None)
            for atom in atoms]


def _apply(equation: Equation, inputs: list, cotangents: list) -> Sequence:
    primitive = equation.primitive
    if primitive.transpose is None:
        raise NotDifferentiableError(
            f"{primitive.name} has no transpose rule: it is not a linear function, or its "
            f"derivative is not; it was applied at {describe(equation.location)}")
    ct = tuple(cotangents) if primitive.multiple else cotangents[0]
    return primitive.transpose(ct, inputs, equation.params)


def _accumulate(ct_of: dict, atoms: Sequence, cotangents: Sequence):
    for atom, ct in zip(atoms, cotangents, strict=True):
        if type(ct) is Sum:
            ct_of[atom] = ct.value
        elif ct is not None and type(atom) is not Literal:
            ct_of[atom] = add_tangents(ct_of.get(atom), ct)


@cached_by_program
def transpose_program(program: Program, linear: tuple, nonzero: tuple) -> tuple:
    """The adjoint as a Program: the inputs that are not `linear`, then cotangents of the
    `nonzero` outputs, to cotangents of those linear inputs that have one; and a flag for each
    input, whether it has one."""
    given = [kind for kind, flag in zip(program.input_types, linear, strict=True) if not flag]
    kinds = [tangent_type(kind) for kind, flag in zip(program.output_types, nonzero) if flag]
    nonzero_in: list = []

    def run(*arguments):
        values, rest = iter(arguments[:len(given)]), iter(arguments[len(given):])
        results = transpose(program, [None if flag else next(values) for flag in linear],
                            [next(rest) if flag else None for flag in nonzero])
        nonzero_in[:] = [ct is not None for ct in results]
        return [ct for ct in results if ct is not None]

    result = trace_closed(run, [*given, *kinds], f"adjoint of {program.name}")
    return result, tuple(nonzero_in)
