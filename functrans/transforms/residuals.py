"""What reverse mode through a loop keeps of each step, and what it need not keep.

The body of a loop is split into what is known going forward and what is linear in tangents. Of the
values that cross the split, those are stored for each step that change from step to step and are
not cheaply computed again from others; what does not change is passed once, a slice of an input
or of an output is taken from there.

In: a body and which of its inputs have tangents. Out: `LoopSplit`. Imports `ir`, `transforms`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functrans.ir.primitive import Broadcast, Elementwise, Reshape, Transpose
from functrans.ir.program import Equation, Literal, Program, Var
from functrans.ir.rewrite import dead_code, substitute
from functrans.transforms.linearize import Split, linearize_program
from functrans.transforms.walk import cached_by_program

# A value is computed again rather than stored up to this cost.
RECOMPUTE = 6


@dataclass(frozen=True, slots=True)
class LoopSplit:
    """A loop's body, split.

    invariant: (constants) to values that do not change from step to step.
    known: (constants, invariant values.., carries, slices) to (outputs, residuals).
    linear: (constants, tangents of constants; tangents of carries; slices, tangents of slices)
        to tangents, for a loop of its own.
    """
    invariant: Program
    known: Program
    linear: Program
    nonzero_out: tuple
    fixed_places: tuple       # where each constant of `linear` comes from: ("fixed", k) ...
    stack_places: tuple       # likewise each of its slices: ("slice", k), ("row", k), ("new", k)

    def pick(self, fixed: Sequence, invariant: Sequence) -> list:
        """The constants of `linear`."""
        sources = {"fixed": fixed, "invariant": invariant}
        return [sources[kind][k] for kind, k in self.fixed_places]

    def stacks(self, slices: Sequence, residuals: Sequence, rows: Sequence) -> list:
        """The stacked inputs of `linear`: given ones, outputs, and stored residuals."""
        sources = {"slice": slices, "new": residuals, "row": rows}
        return [sources[kind][k] for kind, k in self.stack_places]


@cached_by_program
def split_loop_body(body: Program, nonzero: tuple, constants: int, carries: int,
                    rows_are_stacked: bool = True) -> LoopSplit:
    """Splits a body whose inputs are (constants, carries, slices).

    nonzero: which inputs have tangents; those of the carries are instantiated at the end.
    rows_are_stacked: whether the outputs behind the carries can be read again, step by step.
    """
    split = linearized_body(body, nonzero, constants, carries)
    return _Splitter(body, split, nonzero, constants, carries, rows_are_stacked).result()


def linearized_body(body: Program, nonzero: tuple, constants: int, carries: int) -> Split:
    """The body's linear part; carries with a tangent at the start have one at the end."""
    force = nonzero[constants:constants + carries] + (False,) * (len(body.outputs) - carries)
    return linearize_program(body, nonzero, force)


class _Splitter:
    def __init__(self, body, split, nonzero, constants, carries, rows_are_stacked):
        self.known = split.known
        self.linear = split.linear
        self.split = split
        self.nonzero = nonzero
        self.constants = constants
        self.carries = carries
        self.count = len(body.outputs)
        self.fixed = self.known.inputs[:constants]
        self.slices = self.known.inputs[constants + carries:]
        self.rows = self.known.outputs[carries:self.count] if rows_are_stacked else ()
        self.definitions = {var: equation for equation in self.known.equations
                            for var in equation.outputs}
        self.varying = _varying(self.known, self.known.inputs[constants:])
        self.residuals = self.known.outputs[self.count:]

    def result(self) -> LoopSplit:
        # Each residual variable of the linear part, and the atom of the known part that it is.
        source = dict(zip(self.linear.inputs, self.residuals))
        atoms = list(dict.fromkeys(atom for atom in source.values() if type(atom) is Var))
        invariant = [atom for atom in atoms if atom not in self.varying]
        changing = [atom for atom in atoms if atom in self.varying]
        stored = self._stored(changing)
        again = self._recomputed(changing, stored)
        needed = self._leaves(again, stored, invariant)
        constants = [atom for atom in needed if atom not in self.varying]
        stacks = [atom for atom in needed if atom in self.varying]
        computed = self._with_siblings([atom for atom in constants if atom not in self.fixed])
        return LoopSplit(
            self._invariant_program(computed), self._known_program(computed, stored),
            self._linear_program(source, again, constants, stacks), self.split.nonzero_out,
            tuple(self._fixed_place(atom, computed) for atom in constants),
            tuple(self._stack_place(atom, stored) for atom in stacks))

    # ---- choosing ----

    def _is_free(self, atom) -> bool:
        """Whether a value can be read in the linear loop without storing it."""
        return type(atom) is Literal or atom not in self.varying or atom in self.slices \
            or atom in self.rows

    def _stored(self, changing: list) -> list:
        """The residuals that must be stored: last first, each if others do not give it."""
        stored = [atom for atom in changing if not self._is_free(atom)]
        position = {var: k for k, equation in enumerate(self.known.equations)
                    for var in equation.outputs}
        for atom in sorted(stored, key=lambda var: -position.get(var, -1)):
            rest = [other for other in stored if other is not atom]
            if self._cost(atom, rest) <= RECOMPUTE:
                stored = rest
        return stored

    def _cost(self, atom, stored: list) -> float:
        """What it costs to compute a value from what can be read anyway."""
        equation = self.definitions.get(atom) if type(atom) is Var else None
        if equation is None or not _is_light(equation):
            return float("inf")
        kernel = equation.kernel
        total = kernel.cost if isinstance(kernel, Elementwise) else 0
        for operand in equation.inputs:
            if not self._is_free(operand) and operand not in stored:
                total += self._cost(operand, stored)
        return total

    def _recomputed(self, changing: list, stored: list) -> list[Equation]:
        """The equations that the linear loop runs again, in order."""
        wanted = {atom for atom in changing if atom not in stored and not self._is_free(atom)}
        chosen = []
        for equation in reversed(self.known.equations):
            if any(var in wanted for var in equation.outputs):
                chosen.append(equation)
                wanted.update(operand for operand in equation.inputs
                              if not self._is_free(operand) and operand not in stored)
        return chosen[::-1]

    def _leaves(self, again: list, stored: list, invariant: list) -> list:
        """All that the linear loop reads of the known part."""
        made = {var for equation in again for var in equation.outputs}
        found = dict.fromkeys([*invariant, *stored])
        found.update(dict.fromkeys(atom for atom in self.residuals if type(atom) is Var
                                   and atom not in made))
        for equation in again:
            found.update(dict.fromkeys(atom for atom in equation.inputs
                                       if type(atom) is Var and atom not in made))
        return list(found)

    def _with_siblings(self, computed: list) -> list:
        """Also the other results of the equations of invariant values, where they are read: so
        that none of these equations stays in the loop."""
        read = {atom for equation in self.known.equations for atom in equation.inputs}
        read.update(self.known.outputs)
        return list(dict.fromkeys(var for atom in computed
                                  for var in self.definitions[atom].outputs
                                  if var is atom or var in read))

    # ---- building ----

    def _invariant_program(self, computed: list) -> Program:
        pure = [equation for equation in self.known.equations if not equation.effect]
        return dead_code(Program(self.fixed, pure, computed, "loop invariants"))

    def _known_program(self, computed: list, stored: list) -> Program:
        outputs = (*self.known.outputs[:self.count], *stored)
        rest = self.known.inputs[self.constants:]
        fresh = [Var(atom.type) for atom in computed]
        mapping = dict(zip(computed, fresh))
        equations = [equation.replace(inputs=substitute(equation.inputs, mapping))
                     for equation in self.known.equations
                     if not any(var in mapping for var in equation.outputs)]
        return dead_code(Program((*self.fixed, *fresh, *rest), equations,
                                 substitute(outputs, mapping), self.known.name))

    def _linear_program(self, source: dict, again: list, constants: list,
                        stacks: list) -> Program:
        """The linear part, reading the known part's variables under new names."""
        fresh = {atom: Var(atom.type) for atom in (*constants, *stacks)}
        equations = []
        for equation in again:
            outputs = tuple(Var(var.type) for var in equation.outputs)
            equations.append(equation.replace(inputs=substitute(equation.inputs, fresh),
                                              outputs=outputs))
            fresh.update(zip(equation.outputs, outputs))
        renamed = {var: atom if type(atom) is Literal else fresh[atom]
                   for var, atom in source.items()}
        equations += [equation.replace(inputs=substitute(equation.inputs, renamed))
                      for equation in self.linear.equations]
        tangents = iter(self.linear.inputs[len(source):])
        marked = [next(tangents) if flag else None for flag in self.nonzero]
        first, second = self.constants, self.constants + self.carries
        parts = (marked[:first], marked[first:second], marked[second:])
        fixed, carried, sliced = ([var for var in part if var is not None] for part in parts)
        inputs = [*(fresh[atom] for atom in constants), *fixed, *carried,
                  *(fresh[atom] for atom in stacks), *sliced]
        return Program(inputs, equations, substitute(self.linear.outputs, renamed),
                       self.linear.name)

    def _fixed_place(self, atom, computed: list) -> tuple:
        if atom in self.fixed:
            return "fixed", self.fixed.index(atom)
        return "invariant", computed.index(atom)

    def _stack_place(self, atom, stored: list) -> tuple:
        if atom in self.slices:
            return "slice", self.slices.index(atom)
        if atom in self.rows:
            return "row", self.rows.index(atom)
        return "new", stored.index(atom)


def _varying(program: Program, inputs: Sequence) -> set:
    """The variables that depend on some of the inputs, or on what happens in a step."""
    found = set(inputs)
    for equation in program.equations:
        if equation.effect or any(atom in found for atom in equation.inputs):
            found.update(equation.outputs)
    return found


def _is_light(equation: Equation) -> bool:
    kernel = equation.kernel
    if isinstance(kernel, Elementwise):
        return kernel.outputs == 1
    return isinstance(kernel, (Broadcast, Reshape, Transpose))
