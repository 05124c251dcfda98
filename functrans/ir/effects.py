"""Programs without their effects, for where those have happened already.

In: Programs and equations. Out: ones that compute the same values and do nothing else. Imports
`ir` only.
"""
from __future__ import annotations

from weakref import WeakKeyDictionary

from functrans.ir.program import Equation, Program, Var, inner_programs
from functrans.ir.rewrite import map_inner

_cache: WeakKeyDictionary = WeakKeyDictionary()


def without_effects(program: Program) -> Program | None:
    """The Program without effects; None if it needs the results of something that has one."""
    if not program.effect:
        return program
    if program not in _cache:
        _cache[program] = _stripped(program)
    return _cache[program]


def _stripped(program: Program) -> Program | None:
    live = {atom for atom in program.outputs if type(atom) is Var}
    kept = []
    for equation in reversed(program.equations):
        if any(var in live for var in equation.outputs):
            equation = without_effect(equation)
            if equation is None:
                return None
            kept.append(equation)
            live.update(atom for atom in equation.inputs if type(atom) is Var)
    return program.replace(equations=kept[::-1])


def without_effect(equation: Equation) -> Equation | None:
    """The equation with its inner Programs `without_effects`; None if it cannot be had.

    A function with a derivative of its own cannot: its rule may have the same effects.
    """
    if not equation.effect:
        return equation
    if equation.primitive.effect or equation.primitive.custom \
            or any(without_effects(program) is None for program in inner_programs(equation)):
        return None
    alone = Program((), (equation,), ())
    return map_inner(alone, without_effects).equations[0]
