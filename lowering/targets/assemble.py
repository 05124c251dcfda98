"""From a Plan to the table that the runner walks.

Registers: the addresses of inputs, of outputs, of temporary memory, then counters of loops.
In: a Plan. Out: `Assembly`. Imports `plan`, `native`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lowering.kernel_text import KernelText
from lowering.native import pool
from lowering.native.compile import compile_kernel, signature
from lowering.native.runner import (ADD, CALL, CALL_SIZES, CHECKED_CALL, COPY, END, ERROR,
                                    EXCEPTION, HEAD, JUMP, JUMP_UNLESS_LESS, LARGE_CALL, LOAD,
                                    MAX_PARAMETERS, RETURN, SET, ZERO, unpacker)
from lowering.passes.buffers import rounded, scratch_bytes
from lowering.plan import Choose, Copy, Host, Launch, Plan, Region, Zero
from lowering.views import Buffer, View


@dataclass(slots=True)
class Assembly:
    """A table for the runner. `alive` keeps what its addresses point to."""
    code: np.ndarray
    registers: int
    memory: int                       # bytes of temporary memory
    checks: list                      # (location, size) for each code of an index error
    alive: list
    kernels: list                     # of the steps, in order
    hosts: list = field(default_factory=list)


@dataclass(slots=True)
class Scope:
    """Where the operands of the Program in hand are: the whole one, or that of a region."""
    plan: Plan
    inputs: list                      # operand (register, bytes) of each input
    outputs: list
    memory: tuple                     # operand of its temporary memory


class Assembler:
    """Writes the table, step by step."""

    def __init__(self, plan: Plan, cache=None, host: Callable | None = None,
                 threads: int | None = None, compiler: str = "direct"):
        self.plan = plan
        self.threads = threads
        self.compiler = compiler
        self.cache = cache
        self.host = host
        self.code: list[int] = []
        self.constants: list[int] = []
        self.constant_places: list[tuple[int, int]] = []    # (place in code, constant)
        self.checks: list = []
        self.alive: list = []
        self.kernels: list = []
        inputs, outputs = len(plan.input_types), len(plan.output_types)
        self.arena = inputs + outputs
        self.registers = self.arena + 1
        self.scratch_start = self.end = HEAD + rounded(plan.arena)
        self.scope = Scope(plan, [(k, 0) for k in range(inputs)],
                           [(inputs + k, 0) for k in range(outputs)], (self.arena, HEAD))

    def assemble(self) -> Assembly:
        self.steps(self.plan)
        self.write(END)
        return self._finish()

    def steps(self, plan: Plan):
        for step in plan.steps:
            _ASSEMBLE[type(step)](self, step)

    def _finish(self) -> Assembly:
        constants = np.array(self.constants or [0], np.int64)
        start = constants.ctypes.data
        for place, number in self.constant_places:
            self.code[place] += start + 8 * number
        code = np.array(self.code, np.int64)
        return Assembly(code, self.registers, self.end, self.checks, [constants, *self.alive],
                        self.kernels)

    # ---- writing ----

    def write(self, *numbers: int):
        self.code += numbers

    def operand(self, buffer: Buffer, offset: int) -> tuple[int, int]:
        """Register and bytes of an element of a buffer."""
        buffer = buffer.root()
        scope = self.scope
        place = offset * buffer.dtype.itemsize
        if buffer.role == "input":
            register, start = scope.inputs[buffer.index]
        elif buffer.role == "output":
            register, start = scope.outputs[buffer.index]
        elif buffer.role == "constant":
            self.alive.append(buffer.data)
            register, start = -1, buffer.data.ctypes.data
        else:
            register, start = scope.memory
            place += scope.plan.offsets[buffer]
        return register, start + place

    def view(self, view: View) -> tuple[int, int]:
        return self.operand(view.buffer, view.offset)

    def constant(self, *words: int) -> int:
        """Numbers that are passed by address; the number of the first."""
        self.constants.extend(words)
        return len(self.constants) - len(words)

    def by_address(self, constant: int):
        """An operand: the address of a constant, which is filled in at the end."""
        self.constant_places.append((len(self.code) + 1, constant))
        self.write(-1, 0)

    def new_register(self) -> int:
        self.registers += 1
        return self.registers - 1

    def loop(self, count: int, body: Callable):
        """`body()` count times."""
        counter = self.new_register()
        self.write(SET, counter, -1, 0)
        start = len(self.code)
        self.write(JUMP_UNLESS_LESS, counter, -1, count, 0)
        hole = len(self.code) - 1
        body()
        self.write(ADD, counter, -1, 1)
        self.write(JUMP, start)
        self.code[hole] = len(self.code)

    # ---- steps ----

    def launch(self, step: Launch):
        kernel = step.kernel
        compiled = compile_kernel(kernel.text, signature(kernel.parameters), self.cache,
                                  self.compiler)
        self.alive.append(compiled)
        self.kernels.append(kernel)
        count = len(kernel.parameters) + 2
        threads = pool.pool_of(self.threads, self.cache) if pool.is_worth_it(kernel) else None
        cut = pool.cut_of(kernel, threads)
        if cut is None:
            self.begin_call(CALL, count, compiled.address)
        else:
            self.write(LARGE_CALL, count + 1, threads.split, compiled.address)
            self.by_address(self.constant(*cut))
        self.write(self.arena, RETURN, self.arena, EXCEPTION)
        self._arguments(kernel, 1 if cut is None else threads.parts)

    def _arguments(self, kernel: KernelText, parts: int):
        """The operands of a kernel; its parts have scratch memory of their own."""
        first_check = len(self.checks)
        self.checks += kernel.checks
        scratch = self.scratch_start
        for parameter in kernel.parameters:
            if parameter.kind == "pointer":
                self.write(*self.view(parameter.value))
            elif parameter.kind == "scratch":
                self.write(self.arena, scratch)
                scratch += parts * scratch_bytes(parameter)
            elif parameter.kind == "error":
                self.write(self.arena, ERROR)
            elif parameter.kind == "constants":
                words = np.array(parameter.value, np.float64).view(np.int64).tolist()
                self.by_address(self.constant(*words))
            else:
                shift = first_check if parameter.kind == "code" else 0
                self.write(-1, parameter.value + shift)
        self.end = max(self.end, scratch)

    def begin_call(self, operation: int, count: int, address: int):
        """The head of a call with `count` arguments, whose operands follow."""
        if count > MAX_PARAMETERS:
            raise AssertionError(f"a call has {count} arguments; the runner passes "
                                 f"{MAX_PARAMETERS}")
        if count <= CALL_SIZES[-1]:
            self.write(operation, count, address)
        else:
            self.write(LARGE_CALL, count, unpacker(count, self.cache), address)

    def copy(self, step: Copy):
        size = step.source.size * step.source.dtype.itemsize
        self.write(COPY, *self.view(step.target), *self.view(step.source), -1, size)

    def zero(self, step: Zero):
        size = step.target.size * step.target.dtype.itemsize
        self.write(ZERO, *self.view(step.target), -1, size)

    def call_host(self, step: Host):
        address, keep = self.host(step)
        self.alive.append(keep)
        views = [*step.inputs, *step.outputs]
        self.begin_call(CHECKED_CALL, len(views), address)
        for view in views:
            self.write(*self.view(view))

    # ---- regions ----

    def region(self, region: Region, inputs: list, outputs: list):
        """The steps of a region on these operands."""
        memory = self.operand(region.workspace, 0)
        outer, self.scope = self.scope, Scope(region.plan, inputs, outputs, memory)
        self.steps(region.plan)
        self.scope = outer

    def choose(self, step: Choose):
        operands = [self.view(view) for view in step.operands]
        results = [self.view(view) for view in step.results]
        index = self.new_register()
        self.write(LOAD, index, *self.view(step.index))
        ends = []
        for number, branch in enumerate(step.branches):
            last = number == len(step.branches) - 1
            if not last:
                self.write(JUMP_UNLESS_LESS, index, -1, number + 1, 0)
                hole = len(self.code) - 1
            self.region(branch, operands, results)
            if not last:
                self.write(JUMP, 0)
                ends.append(len(self.code) - 1)
                self.code[hole] = len(self.code)
        for place in ends:
            self.code[place] = len(self.code)


_ASSEMBLE = {Launch: Assembler.launch, Copy: Assembler.copy, Zero: Assembler.zero,
             Host: Assembler.call_host, Choose: Assembler.choose}


def assembles(kind: type):
    """Registers a function `(assembler, step)` for a kind of step."""
    def register(function: Callable) -> Callable:
        _ASSEMBLE[kind] = function
        return function
    return register
