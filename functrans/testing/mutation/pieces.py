"""Pieces of a failing Program: a few equations of it, or of its derivatives, with their values.

In: a `View`. Out: `Piece`, smallest first. The values are those that the equations have in the
Program, in two lanes, and the direction in which they move when the arguments do: so whatever
holds of them there, such as that a matrix is symmetric, holds in the piece. Imports `culprits`,
`ir`, `trace`.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from functrans.array import as_array
from functrans.ir.program import Equation, Literal, Program, inner_programs, programs_in
from functrans.ir.rewrite import dead_code, without_locations
from functrans.ir.show import show_value
from functrans.ir.type import is_inexact
from functrans.testing.conformance.differences import LEVELS, STEP, extrapolated
from functrans.testing.culprits import DEEPEST, inner
from functrans.testing.mutation.views import View
from functrans.trace import evaluate, run, trace_at

STEPS = tuple(STEP / 2 ** level for level in range(LEVELS))
LANES = 2


@dataclass(frozen=True)
class Piece:
    """program: takes all that it reads. lanes: two lists of values of its inputs, as NumPy's
    arrays. direction: how these move; None where the Program that they come from has a kink."""
    program: Program
    lanes: tuple
    direction: tuple | None

    def function(self, *arrays) -> tuple:
        """The equations, in the current interpreter."""
        return tuple(run(self.program, arrays))

    def fresh(self) -> Piece:
        """Likewise, with inner Programs of which nothing is known yet: what transformations find
        out about a Program, they keep."""
        return replace(self, program=without_locations(self.program))

    def views(self) -> Iterator[View]:
        """Itself mapped, and its derivative: made by its rules."""
        still = tuple(np.zeros(value.shape) for value in self.lanes[0])
        plain = View(self.function, self.lanes, self.direction or still)
        yield plain.mapped()
        if self.direction is not None:
            yield plain.pushed()

    @property
    def names(self) -> frozenset:
        """Of its primitives, those within loops and branches included."""
        return frozenset(names_in(self.program))

    @property
    def top(self) -> list[str]:
        """The names of its primitives in order, those within not counted."""
        return [equation.primitive.name for equation in self.program.equations]

    def primitives(self) -> int:
        return len(self.program.equations)

    def elements(self) -> int:
        """Of the largest input."""
        return max((value.size for value in self.lanes[0]), default=0)

    @property
    def size(self) -> tuple:
        """By which pieces are compared."""
        return self.primitives(), self.elements(), sum(value.size for value in self.lanes[0])

    def __repr__(self):
        types = ", ".join(f"{value.dtype}{list(value.shape)}" for value in self.lanes[0])
        return f"{' | '.join(map(_named, self.program.equations))} (bare, {types})"


def names_in(program: Program) -> Iterator[str]:
    """The names of a Program's primitives, those of its inner Programs included."""
    for equation in program.equations:
        yield equation.primitive.name
        for within in inner_programs(equation):
            yield from names_in(within)


def _named(equation: Equation) -> str:
    """With those of its params that are numbers or tuples of them."""
    params = ", ".join(f"{name}={show_value(value)}" for name, value in equation.params.items()
                       if isinstance(value, (int, tuple)) and not any(programs_in({"": value})))
    return f"{equation.primitive.name}[{params}]" if params else equation.primitive.name


def pieces(view: View, count: int) -> Iterator[Piece]:
    """So many equations of what a View traces to, those within loops and branches first."""
    arguments = [as_array(value) for value in view.lanes[0]]
    program, captured = trace_at(view.function, arguments)
    program = dead_code(program)
    runs = [[*captured, *map(as_array, values)] for values in _runs(view)]
    yield from _pieces(program, runs, count, 0)


def _runs(view: View) -> list[list]:
    """Arguments with which the Program is run: both lanes, then along the direction."""
    moved = [[x + sign * h * d if is_inexact(x.dtype) else x
              for x, d in zip(view.lanes[0], view.directions)]
             for h in STEPS for sign in (1, -1)]
    return [*view.lanes, *moved]


def _pieces(program: Program, runs: Sequence, count: int, depth: int) -> Iterator[Piece]:
    known = [_environment(program, values) for values in runs]
    for start, equation in enumerate(program.equations):
        if depth < DEEPEST:
            yield from _within(equation, known, count, depth)
        if start + count <= len(program.equations):
            alone = _alone(program, program.equations[start:start + count])
            if all(isinstance(atom.type.dtype, np.dtype)      # else it has stacks, keys or such
                   for atom in (*alone.inputs, *alone.outputs)):
                yield _piece(alone, known)


def _environment(program: Program, arguments: Sequence) -> dict:
    """The value of each variable."""
    values = dict(zip(program.inputs, arguments, strict=True))
    for equation in program.equations:
        inputs = _read(equation.inputs, values)
        values.update(zip(equation.outputs, evaluate(equation, inputs), strict=True))
    return values


def _read(atoms: Sequence, values: dict) -> list:
    return [as_array(atom.value) if type(atom) is Literal else values[atom] for atom in atoms]


def _within(equation: Equation, known: list, count: int, depth: int) -> Iterator[Piece]:
    """Pieces of the Programs that an equation carries, where all that moves goes the same way."""
    each = [list(inner(equation, _read(equation.inputs, values))) for values in known]
    for parts in zip(*each):
        program, operands = parts[0]
        if any(other is not program for other, _ in parts[LANES:]):
            continue
        runs = [values if other is program else operands for other, values in parts]
        try:
            yield from _pieces(program, runs, count, depth + 1)
        except Exception:                # what is there for compiled code alone has no values
            continue


def _alone(program: Program, window: Sequence[Equation]) -> Program:
    """The equations with those results that are read outside of them."""
    made = [var for equation in window for var in equation.outputs]
    read = dict.fromkeys(atom for equation in window for atom in equation.inputs
                         if type(atom) is not Literal and atom not in made)
    outside = {atom for equation in program.equations if equation not in window
               for atom in equation.inputs} | set(program.outputs)
    return dead_code(Program(read, window, [var for var in made if var in outside]))


def _piece(program: Program, known: list) -> Piece:
    columns = [[np.asarray(values[var]) for values in known] for var in program.inputs]
    return Piece(program, tuple([column[k] for column in columns] for k in range(LANES)),
                 _direction(columns))


# ---- how values move ----

def _direction(columns: Sequence) -> tuple | None:
    """By differences, since a derivative of the Program may be what is wrong."""
    found = [_slope(column) for column in columns]
    return None if any(slope is None for slope in found) else tuple(found)


@np.errstate(all="ignore")
def _slope(column: list) -> np.ndarray | None:
    if not is_inexact(column[0].dtype):
        same = all(np.array_equal(column[0], value) for value in column[LANES:])
        return np.zeros(column[0].shape) if same else None
    moved = dict(zip(((h, sign) for h in STEPS for sign in (1, -1)), column[LANES:], strict=True))
    slope, error = extrapolated(lambda h: (moved[h, 1] - moved[h, -1]) / (2 * h))
    scale = np.max(np.abs(slope), initial=0)
    return slope if np.all(error <= 1e-4 * scale) else None
