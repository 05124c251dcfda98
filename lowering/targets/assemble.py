"""From a Plan to the table that the runner walks.

Registers: the addresses of inputs, of outputs, of temporary memory, then counters of loops.
In: a Plan. Out: `Assembly`. Imports `plan`, `native`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lowering.kernel_text import KernelText
from lowering.native import blas, pool
from lowering.native.compile import compile_kernel, signature
from lowering.native.runner import (ADD, CALL, CALL_SIZES, CHECKED_CALL, COPY, END, ERROR,
                                    EXCEPTION, HEAD, JUMP, JUMP_UNLESS_LESS, LARGE_CALL, LOAD,
                                    MAX_PARAMETERS, RETURN, SET, ZERO, unpacker)
from lowering.passes.buffers import rounded, scratch_bytes
from lowering.plan import (Choose, Copy, Host, Launch, Plan, Product, Region, Zero)
from lowering.views import Buffer, View

SMALL_PRODUCT = 1 << 21   # multiplications of a product that BLAS does on one thread
MAX_UNROLLED = 8          # batches of products up to this number are written out


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
                 threads: int | None = None):
        self.plan = plan
        self.threads = threads
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
        code = np.array(self.code, np.int64)
        for place, number in self.constant_places:
            code[place] += constants.ctypes.data + 8 * number
        return Assembly(code, self.registers, self.end, self.checks, [constants, *self.alive],
                        self.kernels)

    # ---- writing ----

    def write(self, *numbers: int):
        self.code.extend(int(number) for number in numbers)

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
        compiled = compile_kernel(kernel.text, signature(kernel.parameters), self.cache)
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

    # ---- matrix products ----

    def product(self, step: Product):
        library = blas.library()
        if library is None:
            self.call_host(product_on_host(step))
            return
        call = _BlasCall(self, step, library)
        shape = step.left.batch_shape
        total = int(np.prod(shape, dtype=np.int64))
        pointers = [self.view(step.left.view), self.view(step.right.view),
                    self.view(step.target)]
        if total <= MAX_UNROLLED:
            for index in np.ndindex(*shape):
                call.write([(register, value + call.shift(number, index))
                            for number, (register, value) in enumerate(pointers)])
            return
        self._batch_loops(call, shape, pointers)

    def _batch_loops(self, call: _BlasCall, shape: tuple, pointers: list):
        """Nested loops over the batch, which move three pointers along."""
        moving = [self.new_register() for _ in pointers]

        def level(depth: int, start: list):
            here = [self.new_register() for _ in pointers] if depth < len(shape) - 1 else moving
            for register, operand in zip(here, start):
                self.write(SET, register, *operand)

            def body():
                if depth == len(shape) - 1:
                    call.write([(register, 0) for register in here])
                else:
                    level(depth + 1, [(register, 0) for register in here])
                for number, register in enumerate(here):
                    self.write(ADD, register, -1, call.stride(number, depth))
            self.loop(shape[depth], body)
        level(0, pointers)


class _BlasCall:
    """One product as a call of gemm or gemv. BLAS counts columns first: all is transposed."""

    def __init__(self, assembler: Assembler, step: Product, library):
        self.assembler = assembler
        self.step = step
        left, right = step.left, step.right
        self.rows, self.columns, self.inner = left.rows, right.rows, left.columns
        letter = blas.LETTERS[step.target.dtype.name]
        self.vector = self.rows == 1 or self.columns == 1
        self.address = library.address(letter + ("gemv" if self.vector else "gemm"))
        self.threads = library.thread_functions()
        self.pack = packer(library.integer)
        self.one = assembler.constant(*words(step.target.dtype.type(1)))
        self.zero = assembler.constant(*words(step.target.dtype.type(0)))

    def stride(self, number: int, dim: int) -> int:
        """Bytes from one matrix of the batch to the next, of left, right or target."""
        itemsize = self.step.target.dtype.itemsize
        if number < 2:
            matrices = (self.step.left, self.step.right)[number]
            return matrices.batch_strides[dim] * itemsize
        rest = self.step.left.batch_shape[dim + 1:]
        return int(np.prod(rest, dtype=np.int64)) * self.rows * self.columns * itemsize

    def shift(self, number: int, index: tuple) -> int:
        return sum(k * self.stride(number, dim) for dim, k in enumerate(index))

    def write(self, pointers: list):
        if self.vector:
            self._gemv(pointers)
        else:
            self._gemm(pointers)

    def _begin(self, count: int):
        """The head of the call; a small product is not worth waking BLAS's threads."""
        work = self.rows * self.columns * self.inner
        if self.threads is None or work > SMALL_PRODUCT:
            self.assembler.write(CALL, count, self.address)
            return
        alone = pool.functions(self.assembler.cache)[2]
        self.assembler.write(LARGE_CALL, count + 1, alone, self.address)
        self.assembler.by_address(self.assembler.constant(*self.threads))

    def _number(self, value: int) -> int:
        return self.assembler.constant(self.pack(value))

    def _letter(self, letter: str) -> int:
        return self.assembler.constant(ord(letter))

    def _gemm(self, pointers: list):
        """target' = right left', with ' the transpose: columns by rows."""
        left, right, target = pointers
        right_letter, right_stride = _layout(self.step.right, "N", "T")
        left_letter, left_stride = _layout(self.step.left, "T", "N")
        assembler = self.assembler
        self._begin(15)
        for letter in (right_letter, left_letter):
            assembler.by_address(self._letter(letter))
        for value in (self.columns, self.rows, self.inner):
            assembler.by_address(self._number(value))
        assembler.by_address(self.one)
        assembler.write(*right)
        assembler.by_address(self._number(right_stride))
        assembler.write(*left)
        assembler.by_address(self._number(left_stride))
        assembler.by_address(self.zero)
        assembler.write(*target)
        assembler.by_address(self._number(self.columns))
        assembler.write(-1, 1, -1, 1)               # lengths of the letters, for Fortran

    def _gemv(self, pointers: list):
        """One of the operands is a vector."""
        left, right, target = pointers
        if self.rows == 1:
            matrix, vector, at, by = self.step.right, self.step.left, right, left
        else:
            matrix, vector, at, by = self.step.left, self.step.right, left, right
        unit_rows = matrix.row_stride == 1 and matrix.column_stride != 1
        shape = (matrix.rows, matrix.columns) if unit_rows else (matrix.columns, matrix.rows)
        stride = matrix.column_stride if unit_rows else matrix.row_stride
        step = vector.column_stride if vector.columns > 1 else 1
        assembler = self.assembler
        self._begin(12)
        assembler.by_address(self._letter("N" if unit_rows else "T"))
        for value in shape:
            assembler.by_address(self._number(value))
        assembler.by_address(self.one)
        assembler.write(*at)
        assembler.by_address(self._number(max(stride, shape[0], 1)))
        assembler.write(*by)
        assembler.by_address(self._number(step))
        assembler.by_address(self.zero)
        assembler.write(*target)
        assembler.by_address(self._number(1))
        assembler.write(-1, 1)


def _layout(matrices, if_rows: str, if_columns: str) -> tuple[str, int]:
    """Letter and leading dimension for a matrix whose rows, or whose columns, are contiguous."""
    if matrices.row_stride == 1 and matrices.column_stride != 1:
        return if_rows, max(matrices.column_stride, matrices.rows, 1)
    return if_columns, max(matrices.row_stride, matrices.columns, 1)


def packer(integer: type) -> Callable:
    """An integer of BLAS in a word of 64 bits."""
    return (lambda value: value) if integer is np.int64 else (lambda value: value & 0xFFFFFFFF)


def words(value: np.generic) -> list[int]:
    """A number's bytes as words of 64 bits."""
    data = value.tobytes()
    data += bytes(-len(data) % 8)
    return np.frombuffer(data, np.int64).tolist()


def product_on_host(step: Product) -> Host:
    """The product by NumPy, where no BLAS can be called."""
    left, right = step.left, step.right

    def function(*arrays):
        a, b = (_strided(array, matrices) for array, matrices in zip(arrays, (left, right)))
        return (np.matmul(a, np.swapaxes(b, -1, -2)).reshape(step.target.shape),)
    return Host(function, [_flat(left.view), _flat(right.view)], [step.target])


def _flat(view: View) -> View:
    """All of a buffer from a view's first element on."""
    size = view.buffer.size - view.offset
    return View(view.buffer, view.offset, (size,), (1,))


def _strided(flat: np.ndarray, matrices) -> np.ndarray:
    strides = [stride * flat.itemsize for stride in
               (*matrices.batch_strides, matrices.row_stride, matrices.column_stride)]
    return np.lib.stride_tricks.as_strided(
        flat, (*matrices.batch_shape, matrices.rows, matrices.columns), strides)


_ASSEMBLE = {Launch: Assembler.launch, Copy: Assembler.copy, Zero: Assembler.zero,
             Host: Assembler.call_host, Product: Assembler.product, Choose: Assembler.choose}


def assembles(kind: type):
    """Registers a function `(assembler, step)` for a kind of step."""
    def register(function: Callable) -> Callable:
        _ASSEMBLE[kind] = function
        return function
    return register
