"""Rewriting Programs: substitution, inlining, dead code, free variables.

In: Programs. Out: new Programs that mean the same. Imports `ir` only.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans.ir.program import Equation, Literal, Program, Var, inner_programs


def substitute(atoms, mapping: dict) -> tuple:
    """Each atom, replaced where `mapping` knows its Var."""
    if not mapping:
        return tuple(atoms)
    return tuple([mapping.get(atom, atom) if type(atom) is Var else atom for atom in atoms])


def fresh_outputs(equation: Equation, mapping: dict) -> tuple:
    """New Vars for an equation's outputs, recorded in `mapping`."""
    outputs = tuple(Var(var.type) for var in equation.outputs)
    mapping.update(zip(equation.outputs, outputs))
    return outputs


def copy_into(program: Program, arguments, equations: list, location=None) -> tuple:
    """Appends a copy of `program`, applied to `arguments`; returns its output atoms.

    Equations that have no location of their own get `location` (the call's).
    """
    mapping = dict(zip(program.inputs, arguments, strict=True))
    for equation in program.equations:
        inputs = substitute(equation.inputs, mapping)
        equations.append(Equation(equation.primitive, inputs, equation.params,
                                  fresh_outputs(equation, mapping),
                                  equation.location or location))
    return substitute(program.outputs, mapping)


def inline(program: Program, callee: Callable[[Equation], Program | None]) -> Program:
    """Replaces each equation for which `callee` gives a Program by that Program, deeply."""
    if not any(callee(equation) for equation in program.equations):
        return program
    mapping: dict = {}
    equations: list = []
    for equation in program.equations:
        inputs = substitute(equation.inputs, mapping)
        inner = callee(equation)
        if inner is None:
            unchanged = inputs == equation.inputs
            equations.append(equation if unchanged else equation.replace(inputs=inputs))
            continue
        results = copy_into(inline(inner, callee), inputs, equations, equation.location)
        mapping.update(zip(equation.outputs, results, strict=True))
    return program.replace(equations=equations, outputs=substitute(program.outputs, mapping))


def dead_code(program: Program, keep=None) -> Program:
    """Drops equations whose results are not used, and results of loops; effects stay.

    keep: a sequence of booleans, which outputs to keep (all by default).
    """
    outputs = program.outputs
    if keep is not None:
        outputs = tuple(atom for atom, kept in zip(outputs, keep, strict=True) if kept)
    live = {atom for atom in outputs if type(atom) is Var}
    kept_equations = []
    for equation in reversed(program.equations):
        flags = [var in live for var in equation.outputs]
        if True in flags or equation.effect:
            if False in flags and True in flags and equation.primitive.prune is not None:
                equation = equation.primitive.prune(equation, flags)
            kept_equations.append(equation)
            for atom in equation.inputs:
                if type(atom) is Var:
                    live.add(atom)
    kept_equations = tuple(reversed(kept_equations))
    if kept_equations == program.equations and outputs == program.outputs:
        return program
    return program.replace(equations=kept_equations, outputs=outputs)


def map_inner(program: Program, change: Callable[[Program], Program]) -> Program:
    """Replaces the Programs that equations carry in their params."""
    def changed(value):
        if isinstance(value, Program):
            return change(value)
        if isinstance(value, tuple) and any(isinstance(item, Program) for item in value):
            return tuple(changed(item) for item in value)
        return value

    if not any(True for equation in program.equations for _ in inner_programs(equation)):
        return program
    return program.replace(equations=[
        equation.replace(params={key: changed(value) for key, value in equation.params.items()})
        for equation in program.equations])


def without_locations(program: Program) -> Program:
    """The Program as part of others: where it is copied into one, its equations belong to the
    line of the equation that it stands for."""
    return map_inner(program.replace(equations=[equation.replace(location=None)
                                                for equation in program.equations]),
                     without_locations)


def used_inputs(program: Program) -> tuple:
    """For each input, whether an equation or an output reads it."""
    used = {atom for equation in program.equations for atom in equation.inputs
            if type(atom) is Var}
    used.update(atom for atom in program.outputs if type(atom) is Var)
    return tuple(var in used for var in program.inputs)


def uses(program: Program) -> dict:
    """How often each Var is read, by equations and as an output."""
    counts: dict = {}
    for atoms in (*(equation.inputs for equation in program.equations), program.outputs):
        for atom in atoms:
            if type(atom) is Var:
                counts[atom] = counts.get(atom, 0) + 1
    return counts


def is_literal(atom, value=None) -> bool:
    """Whether an atom is a Literal (equal to `value`, if one is given)."""
    return type(atom) is Literal and (value is None or bool(atom.value == value))
