"""How the copies of a repeated sequence of equations are connected, and which of them are alike.

In: a `Run` of `repeats`, and the `reroll` pass that knows the loops before it. Out: a `Loop`, or
None. Imports `functrans.ir`, `passes.repeats`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from functrans.ir.primitive import Elementwise, Reshape
from functrans.ir.program import Equation, Literal, Var
from lowering.passes.repeats import MIN_COUNT, MIN_EQUATIONS, Run, step_of

MIN_ELEMENTWISE = 1000       # likewise, where they would be fused into few kernels
FEW_ELEMENTS = 16            # but a body of so few elements is a kernel with a loop in it
MAX_COPIED = 1 << 16         # bytes that are copied to make values of all copies one array


@dataclass(frozen=True, slots=True)
class Source:
    """Where a body's equation finds an operand.

    kind: "literal", "same" (copy), "before" (the copy before), "constant", "stack".
    place, number: for "same" and "before", which equation of the copy, and which of its results.
    """
    kind: str
    place: int = -1
    number: int = 0


@dataclass(frozen=True, slots=True)
class Stack:
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
class Loop:
    """A run whose copies are connected alike. `sources[place]` are those of its operands."""
    run: Run
    sources: list
    sliced: set                        # places of slices `xs[t]`: they read a stack
    stacks: dict                       # (place, operand or -1) -> Stack
    starts: dict                       # (place, number) of a carry -> atom
    constants: list
    reverse: bool = False
    rows: dict = field(default_factory=dict)       # (place, number) -> Var, all copies
    finals: dict = field(default_factory=dict)     # (place, number) -> Var, the last copy


class Connections:
    """Reads off two copies in the middle how they are connected, and asks the others."""

    def __init__(self, owner, run: Run):
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

    def _sources(self, place: int) -> list[Source]:
        here, before = (self.equation(self.middle - k, place) for k in (0, 1))
        return [self._source(atom, other) for atom, other in zip(here.inputs, before.inputs)]

    def _source(self, atom, before) -> Source:
        if type(atom) is Literal:
            return Source("literal")
        position, number = self.where.get(atom, (-1, 0))
        copy, place = divmod(position - self.run.start, self.run.period)
        if position >= self.run.start and copy == self.middle:
            return Source("same", place, number)
        if position >= self.run.start and copy == self.middle - 1:
            return Source("before", place, number)
        return Source("constant" if atom is before else "stack")

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

    def _fits(self, copy: int, place: int, number: int, source: Source, first: bool) -> bool:
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

    def loop(self) -> Loop | None:
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
        return self._described(Loop(run, self.sources, self.sliced, {}, starts, []), first, last)

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

    def _described(self, loop: Loop, first: int, last: int) -> Loop | None:
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

    def _runs_backwards(self, loop: Loop) -> bool:
        steps = [stack.step for stack in loop.stacks.values() if stack.kind != "copies"]
        return bool(steps) and sum(steps) < 0

    # ---- stacks ----

    def _stack(self, atoms: list) -> Stack | None:
        return self._slices(atoms) or self._rows(atoms) or self._copies(atoms)

    def _rows(self, atoms: list) -> Stack | None:
        """What an earlier loop computed, in copies at equal distances."""
        found = [self.owner.locate(atom) for atom in atoms]
        if None in found:
            return None
        loop, start, value = found[0]
        step = found[1][1] - start
        if step == 0 or any(
                entry != (loop, start + k * step, value) for k, entry in enumerate(found)):
            return None
        return Stack("rows", step, start, loop, value)

    def _slices(self, atoms: list) -> Stack | None:
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
        return Stack("slices", step, start, array=array, axis=axis)

    def _unshaped(self, atom) -> Equation | None:
        """The equation of a value, or of what it is a reshape of."""
        equation = self.owner.definition(atom)
        while equation is not None and isinstance(equation.kernel, Reshape):
            equation = self.owner.definition(equation.inputs[0])
        return equation

    def _copies(self, atoms: list) -> Stack | None:
        """Values that have nothing to do with each other are copied into one array."""
        kind = atoms[0].type
        if not isinstance(kind.dtype, np.dtype) or kind.nbytes * len(atoms) > MAX_COPIED \
                or any(not atom.type.matches(kind) for atom in atoms):
            return None
        return Stack("copies", atoms=tuple(atoms))
