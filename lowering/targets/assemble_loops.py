"""Loops in the runner's table: counters, carries that change places, stacks.

In: steps of the plan. Out: their table, written by an `Assembler`. Imports `plan`, `native`,
`targets.assemble`.
"""
from __future__ import annotations

import numpy as np

from lowering.native.runner import (ADD, BLOCKS, COPY, ELEMENT, JUMP, JUMP_IF_ZERO,
                                    JUMP_UNLESS_LESS, LOAD, PUSH, RESERVE, SET, STORE, SWAP, ZERO)
from lowering.plan import Repeat, SumStacks
from lowering.targets.assemble import Assembler, assembles
from lowering.views import View


def _is_stack(dtype) -> bool:
    return not isinstance(dtype, np.dtype)


@assembles(Repeat)
def assemble_repeat(assembler: Assembler, step: Repeat):
    """A loop."""
    _Loop(assembler, step).write()


class _Loop:
    """The registers of one loop, and the table around its body."""

    def __init__(self, assembler: Assembler, step: Repeat):
        self.assembler = assembler
        self.step = step
        self.write_code = assembler.write
        self.counter = assembler.new_register()
        self.place = assembler.new_register()        # which slice: counts down if reversed
        self.current: list = []                      # registers of carries: read, and written
        self.next: list = []
        self.moving: list = []                       # (register, bytes to add after each step)
        self.pushed: list = []

    def write(self):
        if self._never_runs():
            self._copy_starts(self._results())
            self._reserve_rows(0)
            return
        self._start_carries()
        inputs = [self.assembler.view(view) for view in self.step.constants]
        inputs += [(register, 0) for register in self.current]
        if self.step.test is None:
            self._counted(inputs)
        else:
            self._tested(inputs)
        self._finish_carries()

    def _never_runs(self) -> bool:
        return isinstance(self.step.count, int) and self.step.count == 0

    def _results(self) -> list:
        return [self.assembler.view(view) for view in self.step.results]

    # ---- carries ----

    def _start_carries(self):
        for pair in self.step.carries:
            registers = [self.assembler.new_register() for _ in pair]
            for register, buffer in zip(registers, pair):
                self.write_code(SET, register, *self.assembler.operand(buffer, 0))
            self.current.append(registers[0])
            self.next.append(registers[-1])
        self._copy_starts([(register, 0) for register in self.current])

    def _copy_starts(self, targets: list):
        for target, view in zip(targets, self.step.starts):
            self.write_code(COPY, *target, *self.assembler.view(view), -1, _bytes(view))

    def _exchange_carries(self):
        for a, b in zip(self.current, self.next):
            if a != b:
                self.write_code(SWAP, a, b)

    def _finish_carries(self):
        for register, view in zip(self.current, self.step.results):
            self.write_code(COPY, *self.assembler.view(view), register, 0, -1, _bytes(view))

    # ---- loops of known length ----

    def _counted(self, inputs: list):
        count = self._count()
        self._start_place(count)
        inputs += [self._slice(view, count) for view in self.step.slices]
        self._reserve_rows(None if isinstance(count, tuple) else count, count)
        rows = [self._slice(view, count) for view in self.step.rows]
        self.write_code(SET, self.counter, -1, 0)
        start = len(self.assembler.code)
        self.write_code(JUMP_UNLESS_LESS, self.counter, *_operand(count), 0)
        hole = len(self.assembler.code) - 1
        self._load_elements()
        outputs = [(register, 0) for register in self.next] + rows
        self.assembler.region(self.step.body, inputs, outputs)
        self._exchange_carries()
        for register, stride in self.moving:
            self.write_code(ADD, register, -1, stride)
        self.write_code(ADD, self.place, -1, -1 if self.step.reverse else 1)
        self.write_code(ADD, self.counter, -1, 1)
        self.write_code(JUMP, start)
        self.assembler.code[hole] = len(self.assembler.code)

    def _count(self):
        """The number of steps: an int, or the operand of a register that holds it."""
        if isinstance(self.step.count, int):
            return self.step.count
        register = self.assembler.new_register()
        self.write_code(LOAD, register, *self.assembler.view(self.step.count))
        return register, 0

    def _start_place(self, count):
        if not self.step.reverse:
            self.write_code(SET, self.place, -1, 0)
            return
        register, value = _operand(count)
        self.write_code(SET, self.place, register, value - 1)

    def _slice(self, view: View, count) -> tuple:
        """The operand of the slice in hand of a stacked view; its register moves along."""
        register = self.assembler.new_register()
        if _is_stack(view.dtype) and not view.shape:
            self.pushed.append((register, view))
            return register, 0
        stride = _bytes(view) // max(view.shape[0], 1)
        operand, offset = self.assembler.view(view)
        first = stride * (count - 1) if self.step.reverse else 0
        self.write_code(SET, register, operand, offset + first)
        self.moving.append((register, -stride if self.step.reverse else stride))
        return register, 0

    # ---- stacks ----

    def _reserve_rows(self, known, count=None):
        """Room for the elements of stacks that the loop writes."""
        for view in self.step.rows:
            if _is_stack(view.dtype) and not view.shape:
                if known == 0:
                    self.write_code(ZERO, *self.assembler.view(view), -1, view.dtype.itemsize)
                else:
                    self.write_code(RESERVE, *self.assembler.view(view), *_operand(count), -1,
                                    _element_bytes(view), self.assembler.arena, BLOCKS)

    def _load_elements(self):
        """The addresses of this step's elements of stacks."""
        for register, view in self.pushed:
            size = _element_bytes(view)
            self.write_code(ELEMENT, register, *self.assembler.view(view), self.place, 0, -1, size)
            self.assembler.by_address(self.assembler.constant(*[0] * (size // 8 + 1)))

    # ---- loops with a condition ----

    def _tested(self, inputs: list):
        step, assembler = self.step, self.assembler
        for view in step.rows:
            self.write_code(ZERO, *assembler.view(view), -1, view.dtype.itemsize)
        self.write_code(SET, self.counter, -1, 0)
        start = len(assembler.code)
        flag = assembler.operand(step.flag, 0)
        tests = [assembler.view(view) for view in step.test_constants]
        assembler.region(step.test, tests + [(r, 0) for r in self.current], [flag])
        self.write_code(JUMP_IF_ZERO, *flag, 0)
        hole = len(assembler.code) - 1
        elements = [assembler.operand(buffer, 0) for buffer in step.elements]
        assembler.region(step.body, inputs, [(r, 0) for r in self.next] + elements)
        for view, element in zip(step.rows, elements):
            self.write_code(PUSH, *assembler.view(view), *element, -1, _element_bytes(view),
                            assembler.arena, BLOCKS)
        self._exchange_carries()
        self.write_code(ADD, self.counter, -1, 1)
        self.write_code(JUMP, start)
        assembler.code[hole] = len(assembler.code)
        self._store_count()

    def _store_count(self):
        """Stores the number of steps, where it is asked for."""
        if self.step.steps is not None:
            self.write_code(STORE, *self.assembler.view(self.step.steps), self.counter, 0)


def _operand(count) -> tuple:
    return count if isinstance(count, tuple) else (-1, count)


def _bytes(view: View) -> int:
    return view.size * view.dtype.itemsize


def _element_bytes(view: View) -> int:
    element = view.dtype.element
    return element.size * element.dtype.itemsize


@assembles(SumStacks)
def assemble_sum(assembler: Assembler, step: SumStacks):
    """The sum of stacks: as many elements as the longer has (one may have none, a zero)."""
    size = step.target.dtype.itemsize
    places = step.target.size
    element = _element_bytes(step.target)
    zeros = assembler.constant(*[0] * (element // 8 + 1))
    registers = [assembler.new_register() for _ in range(3)]
    stacks = [assembler.view(view) for view in (step.a, step.b, step.target)]
    for number in range(places):
        a, b, out = ((register, value + number * size) for register, value in stacks)
        count = _longer(assembler, a, b)
        assembler.write(RESERVE, *out, count, 0, -1, element, assembler.arena, BLOCKS)
        counter = assembler.new_register()
        assembler.write(SET, counter, -1, 0)
        start = len(assembler.code)
        assembler.write(JUMP_UNLESS_LESS, counter, count, 0, 0)
        hole = len(assembler.code) - 1
        for register, stack in zip(registers, (a, b, out)):
            assembler.write(ELEMENT, register, *stack, counter, 0, -1, element)
            assembler.by_address(zeros)
        assembler.region(step.body, [(registers[0], 0), (registers[1], 0)], [(registers[2], 0)])
        assembler.write(ADD, counter, -1, 1)
        assembler.write(JUMP, start)
        assembler.code[hole] = len(assembler.code)


def _longer(assembler: Assembler, a: tuple, b: tuple) -> int:
    """A register with the larger count of two stacks."""
    first, second = assembler.new_register(), assembler.new_register()
    assembler.write(LOAD, first, a[0], a[1] + 8)
    assembler.write(LOAD, second, b[0], b[1] + 8)
    assembler.write(JUMP_UNLESS_LESS, first, second, 0, 0)
    hole = len(assembler.code) - 1
    assembler.write(SET, first, second, 0)
    assembler.code[hole] = len(assembler.code)
    return first
