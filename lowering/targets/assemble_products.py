"""Matrix products as calls of BLAS, one or a batch of them.

In: a step. Out: words of the runner's table. Imports `assemble`, `native`, `plan`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from lowering.native import blas, pool
from lowering.native.runner import ADD, CALL, LARGE_CALL, SET
from lowering.plan import Host, Product
from lowering.products import merged_batch
from lowering.targets.assemble import Assembler, assembles
from lowering.views import View

SMALL_PRODUCT = 1 << 21        # multiplications of a product that BLAS does on one thread
MULTIPLICATIONS_PER_NS = 16    # of one thread, roughly: whether several are worth it


@assembles(Product)
def product(assembler: Assembler, step: Product):
    """One product, or a batch: its longest dimension in one call, loops for what is around it."""
    library = blas.library()
    if library is None:
        assembler.call_host(product_on_host(step))
        return
    call = _Call(assembler, step, library)
    pointers = [assembler.view(view) for view in (step.left.view, step.right.view, step.target)]
    itemsize = step.target.dtype.itemsize
    shape, strides = merged_batch(step.left, step.right)
    if not shape:
        call.write(pointers)
        return
    moves = [[stride * itemsize for stride in dim] for dim in strides]
    order = sorted(range(len(shape)), key=shape.__getitem__)
    shape, moves = [shape[k] for k in order], [moves[k] for k in order]
    _loops(assembler, shape[:-1], moves, pointers,
           lambda here: call.write_batch(here, shape[-1], moves[-1]))


def _loops(assembler: Assembler, shape: Sequence, moves: Sequence, pointers: Sequence,
           inside: Callable):
    """Nested loops which move the pointers along, around what `inside` writes for them."""
    if not shape:
        inside(pointers)
        return
    here = [assembler.new_register() for _ in pointers]
    for register, operand in zip(here, pointers):
        assembler.write(SET, register, *operand)

    def body():
        _loops(assembler, shape[1:], moves[1:], [(register, 0) for register in here], inside)
        for register, move in zip(here, moves[0]):
            assembler.write(ADD, register, -1, move)
    assembler.loop(shape[0], body)


class Moving(NamedTuple):
    """An argument of BLAS that is a matrix: number 0 is the left one, 1 the right, 2 the target."""
    number: int


class Constant(NamedTuple):
    """An argument of BLAS that is passed by address."""
    place: int


class _Call:
    """A product as a call of gemm or gemv. BLAS counts columns first: all is transposed."""

    def __init__(self, assembler: Assembler, step: Product, library):
        self.assembler = assembler
        self.step = step
        self.rows, self.columns = step.left.rows, step.right.rows
        self.work = self.rows * self.columns * step.left.columns
        letter = blas.LETTERS[step.target.dtype.name]
        vector = self.rows == 1 or self.columns == 1
        self.address = library.address(letter + ("gemv" if vector else "gemm"))
        self.threads = library.thread_functions()
        self.pack = packer(library.integer)
        self.one, self.zero = (Constant(assembler.constant(*unit))
                               for unit in _units(step.target.dtype))
        self.arguments = self._gemv() if vector else self._gemm()

    def _number(self, value: int) -> Constant:
        return Constant(self.assembler.constant(self.pack(value)))

    def _letter(self, letter: str) -> Constant:
        return Constant(self.assembler.constant(ord(letter)))

    def _gemm(self) -> list:
        """target' = right left', with ' the transpose: columns by rows."""
        right_letter, right_stride = _layout(self.step.right, "N", "T")
        left_letter, left_stride = _layout(self.step.left, "T", "N")
        sizes = (self.columns, self.rows, self.step.left.columns)
        return [self._letter(right_letter), self._letter(left_letter), *map(self._number, sizes),
                self.one, Moving(1), self._number(right_stride), Moving(0),
                self._number(left_stride), self.zero, Moving(2), self._number(self.columns),
                1, 1]                           # lengths of the letters, for Fortran

    def _gemv(self) -> list:
        """One of the operands is a vector."""
        left, right = (self.step.left, 0), (self.step.right, 1)
        (matrix, at), (vector, by) = (right, left) if self.rows == 1 else (left, right)
        unit_rows = matrix.row_stride == 1 and matrix.column_stride != 1
        shape = (matrix.rows, matrix.columns) if unit_rows else (matrix.columns, matrix.rows)
        stride = matrix.column_stride if unit_rows else matrix.row_stride
        step = vector.column_stride if vector.columns > 1 else 1
        return [self._letter("N" if unit_rows else "T"), *map(self._number, shape), self.one,
                Moving(at), self._number(max(stride, shape[0], 1)), Moving(by),
                self._number(step), self.zero, Moving(2), self._number(1), 1]

    # ---- writing ----

    def write(self, pointers: Sequence):
        """One product; a small one is not worth waking BLAS's threads."""
        count, assembler = len(self.arguments), self.assembler
        if self._alone():
            self._begin_alone(count, self.address)
        else:
            assembler.write(CALL, count, self.address)
        self._operands(pointers)

    def write_batch(self, pointers: Sequence, size: int, moves: Sequence):
        """`size` products, from each of which `moves` bytes lead to the next."""
        assembler = self.assembler
        strides = [moves[argument.number] if type(argument) is Moving else 0
                   for argument in self.arguments]
        strides += [0] * (pool.PRODUCT_ARGUMENTS - len(strides))
        products = pool.functions(assembler.cache).products
        threads = pool.pool_of(assembler.threads, assembler.cache)
        count = pool.PRODUCT_HEAD + len(self.arguments)
        nanoseconds = size * self.work / MULTIPLICATIONS_PER_NS
        if self.threads and pool.is_batch_worth_it(threads, size, nanoseconds):
            assembler.write(LARGE_CALL, count + 1, threads.split, products)
            cut = pool.cut_of_batch(threads, size, nanoseconds, strides, self.threads)
            assembler.by_address(assembler.constant(*cut))
        elif self._alone():
            self._begin_alone(count, products)
        else:
            assembler.begin_call(CALL, count, products)
        assembler.write(-1, size, -1, self.address)
        assembler.by_address(assembler.constant(*strides))
        self._operands(pointers)

    def _alone(self) -> bool:
        return self.threads is not None and self.work <= SMALL_PRODUCT

    def _begin_alone(self, count: int, address: int):
        assembler = self.assembler
        alone = pool.functions(assembler.cache).alone
        assembler.write(LARGE_CALL, count + 1, alone, address)
        assembler.by_address(assembler.constant(*self.threads))

    def _operands(self, pointers: Sequence):
        for argument in self.arguments:
            if type(argument) is Moving:
                self.assembler.write(*pointers[argument.number])
            elif type(argument) is Constant:
                self.assembler.by_address(argument.place)
            else:
                self.assembler.write(-1, argument)


def _layout(matrices, if_rows: str, if_columns: str) -> tuple[str, int]:
    """Letter and leading dimension for a matrix whose rows, or whose columns, are contiguous."""
    if matrices.row_stride == 1 and matrices.column_stride != 1:
        return if_rows, max(matrices.column_stride, matrices.rows, 1)
    return if_columns, max(matrices.row_stride, matrices.columns, 1)


def packer(integer: type) -> Callable:
    """An integer of BLAS in a word of 64 bits."""
    return (lambda value: value) if integer is np.int64 else (lambda value: value & 0xFFFFFFFF)


@cache
def _units(dtype: np.dtype) -> tuple[list[int], list[int]]:
    """One and zero, as words."""
    return words(dtype.type(1)), words(dtype.type(0))


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
