"""Loops that Python unrolled become loops again: N copies of one body are one scan.

The copies must be connected alike. What an equation reads is, in each copy, either computed in
the same copy, or in the one before (a carry), or the same value from outside (a constant), or
another value for each copy that can be read as slices of one array (`xs[t]`, or what an earlier
such loop has computed: so the loop of the gradient reads the residuals of the forward one).
Copies at either end that are connected otherwise stay as they are.

In: a Program. Out: one that gives the same values. Imports `functrans.ir`, `passes`.
"""
from __future__ import annotations

from functrans.ir.primitive import Concatenate, Reshape
from functrans.ir.program import Equation, Program, Var
from lowering.passes.connections import Connections, Loop, Stack
from lowering.passes.internal import CONCATENATE, RESHAPE, SLICE, TRANSPOSE, apply
from lowering.passes.loop_writer import LoopWriter
from lowering.passes.repeats import MIN_EQUATIONS, Run, find_runs


def reroll(program: Program) -> Program:
    """Finds the loops of a Program that were unrolled, and makes them scans."""
    if len(program.equations) < MIN_EQUATIONS:
        return program
    runs = find_runs(program.equations, MIN_EQUATIONS)
    return _Rerolled(program, runs).result() if runs else program


class _Rerolled:
    """The Program with its loops; values of loops are asked for before the loops are written."""

    def __init__(self, program: Program, runs: list[Run]):
        self.program = program
        self.equations = program.equations
        self.where = {var: (position, number)
                      for position, equation in enumerate(program.equations)
                      for number, var in enumerate(equation.outputs)}
        self.loop_at: dict[int, Loop] = {}        # position of an equation -> its loop
        self.loops: list[Loop] = []
        self.joined: dict[int, list] = {}          # position of a concatenation -> its pieces
        self.out: list[Equation] = []
        self.mapping: dict = {}
        for run in runs:
            loop = Connections(self, run).loop()
            if loop is not None:
                self._accept(loop)

    def _accept(self, loop: Loop):
        self.loops.append(loop)
        for position in range(loop.run.start, loop.run.stop):
            self.loop_at[position] = loop

    # ---- values of loops ----

    def locate(self, atom):
        """(loop, copy, (place, number)) of a value that a loop computes; else None."""
        position, number = self.where.get(atom, (-1, 0)) if type(atom) is Var else (-1, 0)
        loop = self.loop_at.get(position)
        if loop is None:
            return None
        copy, place = divmod(position - loop.run.start, loop.run.period)
        return loop, copy, (place, number)

    def definition(self, atom) -> Equation | None:
        position, _ = self.where.get(atom, (-1, 0)) if type(atom) is Var else (-1, 0)
        return self.equations[position] if position >= 0 else None

    def _ask(self, atom):
        """Has the loop that computes a value keep it."""
        found = self.locate(atom)
        if found is not None:
            loop, copy, value = found
            kept = loop.finals if copy == loop.run.count - 1 else loop.rows
            kept.setdefault(value, None)

    def _ask_for_all(self):
        for position, equation in enumerate(self.equations):
            if position not in self.loop_at:
                pieces = self._pieces(equation)
                if pieces is not None:
                    self.joined[position] = pieces
                for atom in equation.inputs if pieces is None else pieces:
                    if isinstance(atom, Stack):
                        atom.loop.rows.setdefault(atom.value, None)
                    else:
                        self._ask(atom)
        for loop in self.loops:
            for atom in (*loop.constants, *loop.starts.values()):
                self._ask(atom)
            for stack in loop.stacks.values():
                if stack.kind == "rows":
                    stack.loop.rows.setdefault(stack.value, None)
                for atom in (stack.array, *stack.atoms):
                    self._ask(atom)
        for atom in self.program.outputs:
            self._ask(atom)

    # ---- the new Program ----

    def result(self) -> Program:
        if not self.loops:
            return self.program
        self._ask_for_all()
        position = 0
        while position < len(self.equations):
            loop = self.loop_at.get(position)
            if loop is not None:
                LoopWriter(self, loop).write()
                position = loop.run.stop
                continue
            self._keep(position)
            position += 1
        return self.program.replace(equations=self.out,
                                    outputs=[self.read(atom) for atom in self.program.outputs])

    def _keep(self, position: int):
        equation = self.equations[position]
        pieces = self.joined.get(position)
        if pieces is None:
            self.out.append(equation.replace(inputs=tuple(map(self.read, equation.inputs))))
            return
        axis = equation.kernel.axis
        inputs = tuple(self._joined_rows(piece, axis) if isinstance(piece, Stack)
                       else self.read(piece) for piece in pieces)
        self.out.append(Equation(CONCATENATE, inputs, {"axis": axis}, equation.outputs,
                                 equation.location))

    def emit(self, primitive, inputs: tuple, **params) -> Var:
        """A new equation; its result."""
        equation = apply(primitive, inputs, params)
        self.out.append(equation)
        return equation.outputs[0]

    def read(self, atom):
        """An atom of the old Program in the new one."""
        found = self.locate(atom)
        if found is None:
            return atom
        if atom not in self.mapping:
            loop, copy, value = found
            if copy == loop.run.count - 1:
                self.mapping[atom] = loop.finals[value]
            else:
                self.mapping[atom] = self._row(loop, copy, value, atom.type.shape)
        return self.mapping[atom]

    def _row(self, loop: Loop, copy: int, value: tuple, shape: tuple) -> Var:
        return self.emit(RESHAPE, (self.rows_from(loop, value, copy, 1, 1),), shape=shape)

    # ---- concatenations of what a loop computes ----

    def _pieces(self, equation: Equation) -> list | None:
        """The operands of a concatenation, those that are copies in turn as one."""
        if not isinstance(equation.kernel, Concatenate):
            return None
        pieces: list = []
        for atom in equation.inputs:
            found = self._copy_of(atom)
            last = pieces[-1] if pieces else None
            if found is None:
                pieces.append(atom)
            elif isinstance(last, Stack) and self._continues(last, found, atom):
                pieces[-1] = Stack("rows", last.step or found[1] - last.start, last.start,
                                    *found[::2], atoms=(*last.atoms, atom))
            else:
                pieces.append(Stack("rows", 0, found[1], *found[::2], atoms=(atom,)))
        pieces = [piece.atoms[0] if isinstance(piece, Stack) and len(piece.atoms) == 1
                  else piece for piece in pieces]
        return pieces if any(isinstance(piece, Stack) for piece in pieces) else None

    def _copy_of(self, atom):
        """The copy that a value is, reshaped or not."""
        found = self.locate(atom)
        while found is None:
            equation = self.definition(atom)
            if equation is None or not isinstance(equation.kernel, Reshape):
                return None
            atom = equation.inputs[0]
            found = self.locate(atom)
        return found

    def _continues(self, stack: Stack, found: tuple, atom) -> bool:
        loop, copy, value = found
        step = copy - (stack.start + (len(stack.atoms) - 1) * stack.step)
        return loop is stack.loop and value == stack.value and atom.type == stack.atoms[0].type \
            and step in ((1, -1) if len(stack.atoms) == 1 else (stack.step,))

    def _joined_rows(self, piece: Stack, axis: int) -> Var:
        """Rows of a loop, one after the other along an axis."""
        loop, shape, count = piece.loop, piece.atoms[0].type.shape, len(piece.atoms)
        stack = self.rows_from(loop, piece.value, piece.start, piece.step, count)
        stack = self.emit(RESHAPE, (stack,), shape=(count, *shape))
        perm = (*range(1, axis + 1), 0, *range(axis + 1, len(shape) + 1))
        stack = self.emit(TRANSPOSE, (stack,), perm=perm)
        joined = (*shape[:axis], count * shape[axis], *shape[axis + 1:])
        return self.emit(RESHAPE, (stack,), shape=joined)

    def rows_from(self, loop: Loop, value: tuple, copy: int, step: int, count: int) -> Var:
        """The values of `count` copies of a loop, from one on, forwards or backwards."""
        stack = loop.rows[value]
        if loop.reverse:
            copy, step = loop.run.count - 1 - copy, -step
        return self.part(stack, 0, copy, step, count)

    def part(self, array, axis: int, start: int, step: int, count: int):
        """`count` indices of an axis; the array itself if they are all, in order."""
        shape = array.type.shape
        if (start, step, count) == (0, 1, shape[axis]):
            return array
        starts, steps, sizes = [0] * len(shape), [1] * len(shape), list(shape)
        starts[axis], steps[axis], sizes[axis] = start, step, count
        return self.emit(SLICE, (array,), start=tuple(starts), step=tuple(steps),
                         shape=tuple(sizes))
