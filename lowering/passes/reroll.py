"""Loops that Python unrolled become loops again: N copies of one body are one scan.

The copies must be connected alike. What an equation reads is, in each copy, either computed in
the same copy, or in the one before (a carry), or the same value from outside (a constant), or
another value for each copy that can be read as slices of one array (`xs[t]`, or what an earlier
such loop has computed: so the loop of the gradient reads the residuals of the forward one).
Copies at either end that are connected otherwise stay as they are.

In: a Program. Out: one that gives the same values. Imports `functrans.ir`, `passes`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from functrans.ir.primitive import Concatenate, Elementwise, Reshape
from functrans.ir.program import Equation, Literal, Program, Var
from lowering.passes.internal import (BROADCAST, CONCATENATE, RESHAPE, SCAN, SLICE, TRANSPOSE,
                                      apply)
from lowering.passes.repeats import MIN_COUNT, Run, find_runs, step_of

MIN_EQUATIONS = 48           # fewer are compiled as they are
MIN_ELEMENTWISE = 1000       # likewise, where they would be fused into few kernels
FEW_ELEMENTS = 16            # but a body of so few elements is a kernel with a loop in it
MAX_COPIED = 1 << 16         # bytes that are copied to make values of all copies one array


def reroll(program: Program) -> Program:
    """Finds the loops of a Program that were unrolled, and makes them scans."""
    if len(program.equations) < MIN_EQUATIONS:
        return program
    runs = find_runs(program.equations, MIN_EQUATIONS)
    return _Rerolled(program, runs).result() if runs else program


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a body's equation finds an operand.

    kind: "literal", "same" (copy), "before" (the copy before), "constant", "stack".
    place, number: for "same" and "before", which equation of the copy, and which of its results.
    """
    kind: str
    place: int = -1
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Stack:
    """Values of all copies as slices of one array.

    kind: "rows" of `loop` (results `value`, from copy `start` on), "slices" of `array` along
    `axis` (from index `start` on), "copies" of `atoms`. step: from one copy to the next.
    """
    kind: str
    step: int = 1
    start: int = 0
    loop: object = None
    value: tuple = ()
    array: object = None
    axis: int = 0
    atoms: tuple = ()


@dataclass(eq=False, slots=True)
class _Loop:
    """A run whose copies are connected alike. `sources[place]` are those of its operands."""
    run: Run
    sources: list
    sliced: set                        # places of slices `xs[t]`: they read a stack
    stacks: dict                       # (place, operand or -1) -> _Stack
    starts: dict                       # (place, number) of a carry -> atom
    constants: list
    reverse: bool = False
    rows: dict = field(default_factory=dict)       # (place, number) -> Var, all copies
    finals: dict = field(default_factory=dict)     # (place, number) -> Var, the last copy


class _Rerolled:
    """The Program with its loops; values of loops are asked for before the loops are written."""

    def __init__(self, program: Program, runs: list[Run]):
        self.program = program
        self.equations = program.equations
        self.where = {var: (position, number)
                      for position, equation in enumerate(program.equations)
                      for number, var in enumerate(equation.outputs)}
        self.loop_at: dict[int, _Loop] = {}        # position of an equation -> its loop
        self.loops: list[_Loop] = []
        self.joined: dict[int, list] = {}          # position of a concatenation -> its pieces
        self.out: list[Equation] = []
        self.mapping: dict = {}
        for run in runs:
            loop = _Connections(self, run).loop()
            if loop is not None:
                self._accept(loop)

    def _accept(self, loop: _Loop):
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
                    if isinstance(atom, _Stack):
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
                _Writer(self, loop).write()
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
        inputs = tuple(self._joined_rows(piece, axis, equation) if isinstance(piece, _Stack)
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

    def _row(self, loop: _Loop, copy: int, value: tuple, shape: tuple) -> Var:
        index = loop.run.count - 1 - copy if loop.reverse else copy
        part = self.emit(SLICE, (loop.rows[value],), start=(index, *[0] * len(shape)),
                         step=(1,) * (len(shape) + 1), shape=(1, *shape))
        return self.emit(RESHAPE, (part,), shape=shape)

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
            elif isinstance(last, _Stack) and self._continues(last, found, atom):
                pieces[-1] = _Stack("rows", last.step or found[1] - last.start, last.start,
                                    *found[::2], atoms=(*last.atoms, atom))
            else:
                pieces.append(_Stack("rows", 0, found[1], *found[::2], atoms=(atom,)))
        pieces = [piece.atoms[0] if isinstance(piece, _Stack) and len(piece.atoms) == 1
                  else piece for piece in pieces]
        return pieces if any(isinstance(piece, _Stack) for piece in pieces) else None

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

    def _continues(self, stack: _Stack, found: tuple, atom) -> bool:
        loop, copy, value = found
        step = copy - (stack.start + (len(stack.atoms) - 1) * stack.step)
        return loop is stack.loop and value == stack.value and atom.type == stack.atoms[0].type \
            and step in ((1, -1) if len(stack.atoms) == 1 else (stack.step,))

    def _joined_rows(self, piece: _Stack, axis: int, equation: Equation) -> Var:
        """Rows of a loop, one after the other along an axis."""
        loop, shape, count = piece.loop, piece.atoms[0].type.shape, len(piece.atoms)
        stack = self.rows_from(loop, piece.value, piece.start, piece.step, count)
        stack = self.emit(RESHAPE, (stack,), shape=(count, *shape))
        perm = (*range(1, axis + 1), 0, *range(axis + 1, len(shape) + 1))
        stack = self.emit(TRANSPOSE, (stack,), perm=perm)
        joined = (*shape[:axis], count * shape[axis], *shape[axis + 1:])
        return self.emit(RESHAPE, (stack,), shape=joined)

    def rows_from(self, loop: _Loop, value: tuple, copy: int, step: int, count: int) -> Var:
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


# ---- how copies are connected ----

class _Connections:
    """Reads off two copies in the middle how they are connected, and asks the others."""

    def __init__(self, owner: _Rerolled, run: Run):
        self.owner = owner
        self.equations = owner.equations
        self.where = owner.where
        self.run = run
        self.middle = run.count // 2
        self.sliced = {place for place in range(run.period) if self._is_sliced(place)}
        self.sources = [self._sources(place) for place in range(run.period)]
        self.expected = {(place, number): self._expectation(place, number)
                         for place, sources in enumerate(self.sources)
                         for number, source in enumerate(sources) if source.kind == "stack"}

    def equation(self, copy: int, place: int) -> Equation:
        return self.equations[self.run.start + copy * self.run.period + place]

    def _is_sliced(self, place: int) -> bool:
        """Whether copies take one slice after the other of the same array."""
        here, before = (self.equation(self.middle - k, place) for k in (0, 1))
        step = step_of(here)
        return step is not None and here.inputs[0] is before.inputs[0] \
            and self.where.get(here.inputs[0], (-1, 0))[0] < self.run.start \
            and step != step_of(before)

    def _sources(self, place: int) -> list[_Source]:
        here, before = (self.equation(self.middle - k, place) for k in (0, 1))
        return [self._source(atom, other) for atom, other in zip(here.inputs, before.inputs)]

    def _source(self, atom, before) -> _Source:
        if type(atom) is Literal:
            return _Source("literal")
        position, number = self.where.get(atom, (-1, 0))
        copy, place = divmod(position - self.run.start, self.run.period)
        if position >= self.run.start and copy == self.middle:
            return _Source("same", place, number)
        if position >= self.run.start and copy == self.middle - 1:
            return _Source("before", place, number)
        return _Source("constant" if atom is before else "stack")

    def _expectation(self, place: int, number: int) -> Callable:
        """A test of a stacked operand so many copies from the middle, which goes on as there."""
        here, before = (self.equation(self.middle - k, place).inputs[number] for k in (0, 1))
        stack = self._slices([before, here]) or self._rows([before, here])
        if stack is None:
            return lambda atom, distance: True              # copied, whatever it is
        test = self._slices if stack.kind == "slices" else self._rows

        def goes_on(atom, distance: int) -> bool:
            if distance == 0:
                return atom is here
            found = test([here, atom])
            return found is not None and found.step == distance * stack.step \
                and found.loop is stack.loop and found.array is stack.array
        return goes_on

    # ---- which copies conform ----

    def _conforms(self, copy: int, first: bool) -> bool:
        """Whether a copy is connected as the middle one; the first one's carries come from
        anywhere."""
        return all(self._fits(copy, place, number, source, first)
                   for place, sources in enumerate(self.sources)
                   for number, source in enumerate(sources))

    def _fits(self, copy: int, place: int, number: int, source: _Source, first: bool) -> bool:
        atom = self.equation(copy, place).inputs[number]
        if source.kind == "literal":
            return type(atom) is Literal
        if source.kind == "constant":
            return atom is self.equation(self.middle, place).inputs[number]
        if source.kind == "stack":
            return self.expected[place, number](atom, copy - self.middle)
        if source.kind == "before" and first:
            return True                                     # looked at when all are known
        at = self.run.start + (copy - (source.kind == "before")) * self.run.period + source.place
        return self.where.get(atom) == (at, source.number)

    def loop(self) -> _Loop | None:
        """The loop of all copies that conform; None if it is none, or not worth it."""
        first = last = self.middle
        if not self._conforms(self.middle, True):
            return None
        while last + 1 < self.run.count and self._conforms(last + 1, False):
            last += 1
        while first > 0 and self._conforms(first, False) and self._conforms(first - 1, True):
            first -= 1
        if not self._starts(first):
            first += 1
        starts = self._starts(first)
        run = Run(self.run.start + first * self.run.period, self.run.period, last - first + 1)
        if starts is None or run.count < MIN_COUNT or not self._is_worth_it(run):
            return None
        return self._described(_Loop(run, self.sources, self.sliced, {}, starts, []), first, last)

    def _is_worth_it(self, run: Run) -> bool:
        if run.count * run.period >= MIN_ELEMENTWISE:
            return True
        body = self.equations[run.start:run.start + run.period]
        sizes = max(var.type.size for equation in body for var in equation.outputs)
        fused = all(isinstance(equation.kernel, Elementwise) for equation in body)
        return run.count * run.period >= MIN_EQUATIONS and not (fused and sizes > FEW_ELEMENTS)

    def _starts(self, first: int) -> dict | None:
        """The values of the carries before the first copy; None if they contradict each other."""
        starts: dict = {}
        for place, sources in enumerate(self.sources):
            for number, source in enumerate(sources):
                if source.kind != "before":
                    continue
                atom = self.equation(first, place).inputs[number]
                value = source.place, source.number
                kind = self.equation(first, source.place).outputs[source.number].type
                if starts.setdefault(value, atom) is not atom or not atom.type.matches(kind):
                    return None
        return starts

    def _described(self, loop: _Loop, first: int, last: int) -> _Loop | None:
        """The loop with its constants and stacks; None if a value comes from nowhere before."""
        copies = range(first, last + 1)
        for place, sources in enumerate(self.sources):
            if place in self.sliced:
                atoms = [self.equation(copy, place).outputs[0] for copy in copies]
                stack = self._slices(atoms)
                if stack is None:
                    return None
                loop.stacks[place, -1] = stack
                continue
            for number, source in enumerate(sources):
                atoms = [self.equation(copy, place).inputs[number] for copy in copies]
                if source.kind == "constant":
                    loop.constants.append(atoms[0])
                elif source.kind == "stack":
                    stack = self._stack(atoms)
                    if stack is None:
                        return None
                    loop.stacks[place, number] = stack
        outside = [*loop.constants, *loop.starts.values(),
                   *(atom for stack in loop.stacks.values()
                     for atom in (stack.array, *stack.atoms))]
        if any(self.where.get(atom, (-1, 0))[0] >= loop.run.start
               for atom in outside if type(atom) is Var):
            return None
        loop.reverse = self._runs_backwards(loop)
        return loop

    def _runs_backwards(self, loop: _Loop) -> bool:
        steps = [stack.step for stack in loop.stacks.values() if stack.kind != "copies"]
        return bool(steps) and sum(steps) < 0

    # ---- stacks ----

    def _stack(self, atoms: list) -> _Stack | None:
        return self._slices(atoms) or self._rows(atoms) or self._copies(atoms)

    def _rows(self, atoms: list) -> _Stack | None:
        """What an earlier loop computed, in copies at equal distances."""
        found = [self.owner.locate(atom) for atom in atoms]
        if None in found:
            return None
        loop, start, value = found[0]
        step = found[1][1] - start
        if step == 0 or any(
                entry != (loop, start + k * step, value) for k, entry in enumerate(found)):
            return None
        return _Stack("rows", step, start, loop, value)

    def _slices(self, atoms: list) -> _Stack | None:
        """`xs[t]` for t in turn, reshaped or not."""
        definitions = [self._unshaped(atom) for atom in atoms]
        if None in definitions:
            return None
        steps = [step_of(equation) for equation in definitions]
        array = definitions[0].inputs[0] if definitions[0].inputs else None
        if None in steps or any(equation.inputs[0] is not array for equation in definitions):
            return None
        axis, start = steps[0]
        step = steps[1][1] - start
        if step == 0 or any(entry != (axis, start + k * step) for k, entry in enumerate(steps)) \
                or any(equation.kernel.step != definitions[0].kernel.step
                       for equation in definitions):
            return None
        return _Stack("slices", step, start, array=array, axis=axis)

    def _unshaped(self, atom) -> Equation | None:
        """The equation of a value, or of what it is a reshape of."""
        equation = self.owner.definition(atom)
        while equation is not None and isinstance(equation.kernel, Reshape):
            equation = self.owner.definition(equation.inputs[0])
        return equation

    def _copies(self, atoms: list) -> _Stack | None:
        """Values that have nothing to do with each other are copied into one array."""
        kind = atoms[0].type
        if not isinstance(kind.dtype, np.dtype) or kind.nbytes * len(atoms) > MAX_COPIED \
                or any(not atom.type.matches(kind) for atom in atoms):
            return None
        return _Stack("copies", atoms=tuple(atoms))


# ---- writing a loop ----

class _Writer:
    """The scan of a loop, with what it reads made ready before it."""

    def __init__(self, owner: _Rerolled, loop: _Loop):
        self.owner = owner
        self.loop = loop
        self.count = loop.run.count
        self.template = owner.equations[loop.run.start:loop.run.start + loop.run.period]
        self.values = {(place, number): Var(var.type)
                       for place, equation in enumerate(self.template)
                       for number, var in enumerate(equation.outputs)}
        self.fixed: dict = {}                       # atom -> (variable of the body, operand)
        self.slices: dict = {}                      # stack -> (variable of the body, operand)

    def write(self):
        loop, owner = self.loop, self.owner
        for place in loop.sliced:
            self.values[place, 0] = self._slice(loop.stacks[place, -1],
                                                self.template[place].outputs[0])
        carries = self._carries()
        body = [equation for place in range(loop.run.period) if place not in loop.sliced
                for equation in [self._equation(place)]]
        rows = list(loop.rows)
        inputs = [*(var for var, _ in self.fixed.values()), *(var for var, _ in carries.values()),
                  *(var for var, _ in self.slices.values())]
        results = [self.values[value] for value in (*carries, *rows)]
        program = Program(inputs, body, results, self.template[0].primitive.name)
        operands = (*(atom for _, atom in self.fixed.values()),
                    *(atom for _, atom in carries.values()),
                    *(atom for _, atom in self.slices.values()))
        params = dict(body=program, length=self.count, reverse=loop.reverse,
                      constants=len(self.fixed), carries=len(carries))
        kinds = SCAN.infer(*(atom.type for atom in operands), **params)
        outputs = tuple(Var(kind) for kind in kinds)
        owner.out.append(Equation(SCAN, operands, params, outputs, self.template[0].location))
        finals = dict(zip(carries, outputs))
        loop.finals = {value: finals[value] for value in loop.finals}
        loop.rows = dict(zip(rows, outputs[len(carries):]))

    def _carries(self) -> dict:
        """(place, number) -> (variable of the body, start)."""
        found = {}
        for value, start in self.loop.starts.items():
            found[value] = Var(self.values[value].type), self.owner.read(start)
        for value in self.loop.finals:
            if value not in found:                     # nobody reads it but the end
                kind = self.values[value].type
                zero = self.owner.emit(BROADCAST, (Literal(kind.dtype.type(0)),),
                                       shape=kind.shape)
                found[value] = Var(kind), zero
        self.before = {value: var for value, (var, _) in found.items()}
        return found

    def _equation(self, place: int) -> Equation:
        equation = self.template[place]
        inputs = tuple(self._operand(place, number, source, atom) for number, (source, atom)
                       in enumerate(zip(self.loop.sources[place], equation.inputs)))
        outputs = tuple(self.values[place, number] for number in range(len(equation.outputs)))
        return equation.replace(inputs=inputs, outputs=outputs)

    def _operand(self, place: int, number: int, source: _Source, atom):
        if source.kind == "literal":
            return atom
        if source.kind == "same":
            return self.values[source.place, source.number]
        if source.kind == "before":
            return self.before[source.place, source.number]
        if source.kind == "stack":
            return self._slice(self.loop.stacks[place, number], atom)
        if atom not in self.fixed:
            self.fixed[atom] = Var(atom.type), self.owner.read(atom)
        return self.fixed[atom][0]

    # ---- stacks ----

    def _slice(self, stack: _Stack, atom) -> Var:
        if stack not in self.slices:
            self.slices[stack] = Var(atom.type), self._array(stack, atom.type.shape)
        return self.slices[stack][0]

    def _array(self, stack: _Stack, shape: tuple):
        """The array whose slices a stack is, in the order in which the scan reads it."""
        owner, count = self.owner, self.count
        start, step = stack.start, stack.step
        if self.loop.reverse:
            start, step = start + (count - 1) * step, -step
        if stack.kind == "rows":
            return owner.rows_from(stack.loop, stack.value, start, step, count)
        if stack.kind == "slices":
            return self._moved(owner.part(owner.read(stack.array), stack.axis, start, step, count),
                               stack.axis, shape)
        atoms = stack.atoms[::-1] if self.loop.reverse else stack.atoms
        parts = tuple(owner.emit(RESHAPE, (owner.read(atom),), shape=(1, *shape))
                      for atom in atoms)
        return owner.emit(CONCATENATE, parts, axis=0)

    def _moved(self, array, axis: int, shape: tuple) -> Var:
        """An axis to the front, the others as the shape of a slice."""
        rank = array.type.ndim
        perm = (axis, *(k for k in range(rank) if k != axis))
        if axis:
            array = self.owner.emit(TRANSPOSE, (array,), perm=perm)
        return self.owner.emit(RESHAPE, (array,), shape=(self.count, *shape))
