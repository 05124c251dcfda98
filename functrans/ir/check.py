"""Checking Programs: every variable defined once and before use, every type as inferred.

In: a Program. Out: nothing, or a `ProgramError` that shows the neighbourhood of the fault.
Imports `ir` only.
"""
from __future__ import annotations

from functrans.ir.program import Equation, Literal, Program, Var, inner_programs
from functrans.ir.show import Names, equation_lines

NEIGHBOURS = 5


class ProgramError(AssertionError):
    """A Program breaks its own rules. Always a defect of the code that built it."""


def check(program: Program) -> Program:
    """Raises `ProgramError` unless `program` is well formed; returns it."""
    defined: set = set()
    for var in program.inputs:
        _define(var, defined, program, None)
    for number, equation in enumerate(program.equations):
        _check_equation(equation, defined, program, number)
    for atom in program.outputs:
        _check_defined(atom, defined, program, len(program.equations))
    return program


def _check_equation(equation: Equation, defined: set, program: Program, number: int):
    for atom in equation.inputs:
        _check_defined(atom, defined, program, number)
    for inner in inner_programs(equation):
        check(inner)
    expected = equation.primitive.infer(*(atom.type for atom in equation.inputs),
                                        **equation.params)
    if not equation.primitive.multiple:
        expected = (expected,)
    if len(expected) != len(equation.outputs):
        _fail(f"{equation.primitive} has {len(equation.outputs)} results, "
              f"its infer rule gives {len(expected)}", program, number)
    for var, kind in zip(equation.outputs, expected, strict=True):
        if not var.type.matches(kind):
            _fail(f"a result of {equation.primitive} is {var.type}, "
                  f"its infer rule gives {kind}", program, number)
        _define(var, defined, program, number)


def _define(var, defined: set, program: Program, number):
    if type(var) is not Var:
        _fail(f"{var!r} is defined, but is no variable", program, number)
    if var in defined:
        _fail("a variable is defined twice", program, number)
    defined.add(var)


def _check_defined(atom, defined: set, program: Program, number: int):
    if type(atom) is Literal:
        return
    if type(atom) is not Var:
        _fail(f"{atom!r} is neither a variable nor a literal", program, number)
    if atom not in defined:
        _fail("a variable is read that is not defined before", program, number)


def _fail(message: str, program: Program, number: int | None):
    raise ProgramError(f"{message}\n{neighbourhood(program, number)}")


def neighbourhood(program: Program, number: int | None) -> str:
    """The equations around equation `number`, which is marked by an arrow."""
    names = Names()
    lines = [f"in {program.name or 'a program'} of {len(program.equations)} equations:"]
    for var, wish in zip(program.inputs, program.names or [None] * len(program.inputs),
                         strict=True):
        names.add(var, wish)
    at = 0 if number is None else number
    for index, equation in enumerate(program.equations):
        text = "\n".join(equation_lines(equation, names, locations=True))
        if abs(index - at) <= NEIGHBOURS:
            lines.append(("--> " if index == number else "    ") + text)
    if number == len(program.equations):
        lines.append("--> return " + ", ".join(names(atom) for atom in program.outputs))
    return "\n".join(lines)
