"""Writing the scan of a loop that was unrolled, and what it reads.

In: a `Loop` of `connections`, and the `reroll` pass that collects equations. Out: equations.
Imports `functrans.ir`, `passes`.
"""
from __future__ import annotations

from functrans.ir.program import Equation, Literal, Program, Var
from lowering.passes.connections import Loop, Source, Stack
from lowering.passes.internal import BROADCAST, CONCATENATE, RESHAPE, SCAN, TRANSPOSE


class LoopWriter:
    """The scan of a loop, with what it reads made ready before it."""

    def __init__(self, owner, loop: Loop):
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
        body = [self._equation(place) for place in range(loop.run.period)
                if place not in loop.sliced]
        rows = list(loop.rows)
        pairs = [*self.fixed.values(), *carries.values(), *self.slices.values()]
        results = [self.values[value] for value in (*carries, *rows)]
        program = Program([var for var, _ in pairs], body, results, self.template[0].primitive.name)
        operands = tuple(atom for _, atom in pairs)
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

    def _operand(self, place: int, number: int, source: Source, atom):
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

    def _slice(self, stack: Stack, atom) -> Var:
        if stack not in self.slices:
            self.slices[stack] = Var(atom.type), self._array(stack, atom.type.shape)
        return self.slices[stack][0]

    def _array(self, stack: Stack, shape: tuple):
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
