"""What the text of a whole Program calls besides its kernels, for a device.

The names are those of `lowering.plainly`; memory is on the device, and kernels are launched. What a
loop or a choice needs to know is read back.

In: arrays of the host or of the device. Out: arrays of the device. Imports `plainly`,
`cuda.driver`, `cuda.graphs`, `cuda.reports`.
"""
from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from lowering import plainly
from lowering.cuda import cublas, division, driver, graphs, vector_code
from lowering.cuda.device_functions import code_parts
from lowering.cuda.division import divided
from lowering.cuda.driver import DeviceArray
from lowering.cuda.reports import Report, new_report, raise_failed
from lowering.cuda.vector_code import aligned, read_vector, write_vector
from lowering.plainly import IndexOutside
from lowering.views import row_major

__all__ = ["Pointer", "Stack", "add_stacks", "aligned", "call_host", "check", "checks", "constant",
           "constant_from_file", "copy", "divided", "empty", "finish", "launched", "matrix_product",
           "on_host", "part", "pointers", "read_vector", "replayed", "runs", "stacks", "strided",
           "write_vector", "zero"]


class Pointer:
    """Elements of device memory from the byte `offset` on; a numbered one is read or written by
    the host."""

    __slots__ = ("memory", "offset", "dtype")

    def __init__(self, memory, offset: int, dtype: np.dtype):
        self.memory, self.offset, self.dtype = memory, offset, dtype

    def __add__(self, count: int) -> Pointer:
        return Pointer(self.memory, self.offset + count * self.dtype.itemsize, self.dtype)

    def __getitem__(self, index: int):
        return self.read(index, 1)[0]

    def __setitem__(self, index: int, value):
        place = self.offset + index * self.dtype.itemsize
        driver.write(self.memory, place, np.array([value], self.dtype))

    def read(self, index: int, count: int) -> np.ndarray:
        """Elements, copied to the host."""
        place = self.offset + index * self.dtype.itemsize
        return driver.read(self.memory, place, np.empty(count, self.dtype))

    def array(self, shape: tuple, dtype: np.dtype) -> DeviceArray:
        """The elements as an array."""
        return DeviceArray(self.memory, shape, dtype, self.offset)

    def __repr__(self):
        return f"Pointer({self.memory!r}, {self.offset}, {self.dtype})"


def _dtype(name: str) -> np.dtype:
    """The dtype of what kernels see of an array."""
    return np.dtype(plainly.STORED.get(name, name))


# ---- kernels ----

_kernels: dict = {}              # what a kernel does -> driver.Kernel, for the whole process


class Launcher:
    """A kernel, launched as `kernel[grid, block](*arguments)`."""

    def __init__(self, kernel: driver.Kernel):
        self.kernel = kernel

    def __getitem__(self, shape: tuple) -> Callable:
        grid, block = shape
        kernel = self.kernel

        def launch(*arguments):
            kernel.launch(grid, block, [
                a.memory.pointer(a.offset, a.dtype) if type(a) is Pointer else a
                for a in arguments])
        return launch


@cache
def know_math():
    """Lets kernels call the functions of `lowering.math` and of ours, and add integers to pointers.
    """
    from lowering.cuda import pointers
    from lowering.math.for_numba import install
    driver.teach(install, pointers.install, vector_code.install, division.install)


def launched(*types: str) -> Callable:
    """Makes a function a kernel; its parameters are pointers ("float32*") and numbers."""
    def decorate(function) -> Launcher:
        key = (code_parts(function), types)
        kernel = _kernels.get(key)
        if kernel is None:
            know_math()
            kernel = _kernels.setdefault(key, driver.Kernel(function, types))
        return Launcher(kernel)
    return decorate


def replayed() -> Callable:
    """Makes the launches of a function one call of the host, where addresses come back."""
    return graphs.Replayed


# ---- memory ----

def empty(dtype: str, size: int):
    """New memory. That of stacks is on the host."""
    if dtype == "stack":
        return plainly.Pointer([Stack() for _ in range(size)])
    stored = _dtype(dtype)
    return Pointer(graphs.temporary(size * stored.itemsize), 0, stored)


def part(memory: Pointer, dtype: str, offset: int) -> Pointer:
    """The memory from a byte on."""
    return Pointer(memory.memory, memory.offset + offset, _dtype(dtype))


def constant(dtype: str, values: list) -> Pointer:
    """Memory that holds these numbers; bfloat16 is given as bits."""
    return _uploaded(plainly.constant(dtype, values).block)


def constant_from_file(folder: str, name: str) -> Pointer:
    """Memory that holds the numbers in a file beside the text."""
    return _uploaded(np.load(Path(folder).parent / name))


def _uploaded(data: np.ndarray) -> Pointer:
    memory = driver.empty_bytes(data.nbytes, "constants")
    driver.write(memory, 0, data)
    return Pointer(memory, 0, data.dtype)


def copy(target, source, count: int):
    """`count` elements."""
    if isinstance(target, plainly.Pointer):
        plainly.copy(target, source, count)
    else:
        driver.copy(target.memory, target.offset, source.memory, source.offset,
                    count * target.dtype.itemsize)


def zero(target, count: int):
    """`count` elements become zero; stacks become empty."""
    if isinstance(target, plainly.Pointer):
        target.block[target.start:target.start + count] = [Stack() for _ in range(count)]
    else:
        driver.zero(target.memory, target.offset, count * target.dtype.itemsize)


# ---- products by a library ----

def matrix_product(dtype: str, target: Pointer, left: Window, right: Window):
    """`target = left @ right.T`, for each pair of a batch of matrices, by cuBLAS."""
    *batch, rows, inner = left.shape
    columns = right.shape[-2]
    item = target.dtype.itemsize
    steps = [*row_major((*batch, rows, columns))][:len(batch)]
    count, stride = (batch[-1], steps[-1]) if batch else (1, 0)
    moves = (left.strides[:len(batch)], right.strides[:len(batch)], steps)
    inside = [move[-1] if batch else 0 for move in moves]
    a = cublas.operand(columns, inner, *right.strides[-2:], inside[1])
    b = cublas.operand(inner, rows, *left.strides[:-3:-1], inside[0])
    c = cublas.Operand(columns, rows, columns, False, stride)
    starts = [driver.address_of(each) for each in (right.pointer, left.pointer, target)]
    for place in np.ndindex(*batch[:-1]):
        at = [start + item * sum(map(operator.mul, place, move)) for start, move
              in zip(starts, (moves[1], moves[0], moves[2]))]
        _multiply(cublas.Task(dtype, a, b, c, count, tuple(map(cublas.alignment_of, at))), at)


def _multiply(task, addresses: list):
    library = cublas.library()
    ready = library.prepared(task)
    workspace = graphs.temporary(ready.workspace) if ready.workspace else None
    place = driver.address_of(Pointer(workspace, 0, np.dtype(np.uint8))) if workspace else 0
    driver.enqueue(partial(library.multiply, ready, *addresses, place))


# ---- what the host does ----

class Window:
    """Memory that the host sees as an array; strides count elements."""

    __slots__ = ("pointer", "shape", "strides", "dtype")

    def __init__(self, pointer: Pointer, shape: tuple, strides: tuple, dtype: str | None = None):
        self.pointer, self.shape, self.strides = pointer, shape, strides
        self.dtype = np.dtype(dtype)

    def _span(self) -> int:
        """The number of elements from the first to the last."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides))

    def read(self) -> np.ndarray:
        flat = driver.to_host(self.pointer.array((self._span(),), self.dtype))
        return np.lib.stride_tricks.as_strided(flat, self.shape,
                                               [s * flat.itemsize for s in self.strides])

    def write(self, value):
        """The array lies row by row."""
        data = np.empty(self.shape, self.dtype)
        np.copyto(data, value, casting="unsafe")
        copied = driver.to_device(data)
        driver.copy(self.pointer.memory, self.pointer.offset, copied.memory, copied.offset,
                    data.nbytes)


strided = Window


def call_host(function, inputs: list, outputs: list):
    """A function of NumPy arrays, whose results are written to memory."""
    for target, value in zip(outputs, function(*(window.read() for window in inputs)),
                             strict=True):
        target.write(value)


def on_host(kernel: Callable, *arguments):
    """A kernel that moves stacks, which the host keeps; other memory is copied, there and back."""
    blocks: dict = {}

    def on_this_side(argument):
        if type(argument) is not Pointer:
            return argument
        if argument.memory not in blocks:
            data = np.empty(argument.memory.nbytes, np.uint8)
            blocks[argument.memory] = driver.read(argument.memory, 0, data), data.copy()
        data = blocks[argument.memory][0][argument.offset:]
        item = argument.dtype.itemsize
        return plainly.Pointer(data[:data.size // item * item].view(argument.dtype))

    with np.errstate(all="ignore"):
        kernel(*map(on_this_side, arguments))
    for memory, (data, before) in blocks.items():
        if not np.array_equal(data, before):
            driver.write(memory, 0, data)


# ---- stacks ----

class Stack(plainly.Stack):
    """As many arrays of one kind as a loop has made: a list on the host, the arrays on the device.
    """

    __slots__ = ()
    empty, copy_elements, zero = staticmethod(empty), staticmethod(copy), staticmethod(zero)

    def push_each(self, memory: Pointer, count: int, size: int):
        """The first `count` arrays of `size` numbers in some memory become the last elements."""
        self.elements += [memory + k * size for k in range(count)]

    def reserve(self, count: int, dtype: str, size: int):
        """Room for elements that are written later, one after the other."""
        self.elements = []
        self.push_each(self.empty(dtype, count * size), count, size)

    def continues(self, index: int, dtype: str, size: int) -> bool:
        """Whether an element lies right behind the one before it."""
        if not self.elements:
            return True
        before, here = self.elements[index - 1:index + 1]
        return before.memory is here.memory and (before + size).offset == here.offset

    def some(self, index: int, count: int, dtype: str, size: int) -> Pointer:
        """Elements that lie one after the other; zeros, if the stack has none."""
        if self.elements:
            return self.elements[index]
        return self.element(0, dtype, count * size)


def runs(count: int, reverse: bool, *lists: tuple) -> list[tuple[int, int]]:
    """(first, length) of elements that lie one after the other in all stacks, in the order in which
    a loop takes them; lists: for each (stack, dtype of an element, size of an element)."""
    firsts = [k for k in range(count) if k == 0
              or not all(stack.continues(k, dtype, size) for stack, dtype, size in lists)]
    found = [(first, last - first) for first, last in zip(firsts, [*firsts[1:], count])]
    return found[::-1] if reverse else found


def add_stacks(a: Stack, b: Stack, out: Stack, dtype: str, size: int, add):
    """`out = a + b`, element by element, by the function `add` of pointers."""
    plainly.add_stacks(a, b, out, dtype, size, add)


def stacks(array: np.ndarray) -> plainly.Pointer:
    """An array of objects, each an array of elements, as memory."""
    return plainly.Pointer([Stack(_uploaded(np.ravel(plainly.stored(np.ascontiguousarray(element))))
                                  for element in elements) for elements in np.ravel(array)])


# ---- the whole ----

def pointers(arrays, kinds: tuple) -> list:
    """Inputs as memory; kinds: for each its dtype, or "stack"."""
    return [stacks(array) if kind == "stack" else _input(array, _dtype(kind))
            for array, kind in zip(arrays, kinds, strict=True)]


def _input(array, dtype: np.dtype) -> Pointer:
    if not isinstance(array, DeviceArray):
        array = driver.to_device(np.ascontiguousarray(array))
    return Pointer(array.memory, array.offset, dtype)


def finish(memory: list, kinds: tuple, report: Report | None = None) -> list:
    """Outputs as arrays; kinds: for each (dtype, shape), or ("stack", shape, dtype, shape of an
    element), which are arrays of objects on the host. report: what `check` gives."""
    outs = [_stack_result(pointer, *kind[1:]) if kind[0] == "stack" else
            pointer.array(kind[1], np.dtype(kind[0])) for pointer, kind
            in zip(memory, kinds, strict=True)]
    if report is not None:
        for out in outs:
            if isinstance(out, DeviceArray):
                out.reports = (report,)
            else:
                raise_failed((report,))
    return outs


def _stack_result(pointer, shape: tuple, dtype: str, element: tuple) -> np.ndarray:
    out = np.empty(shape, object)
    for place, stack in zip(np.ndindex(*shape), pointer.block, strict=True):
        values = np.empty((len(stack), *element), np.dtype(dtype))
        for k, item in enumerate(stack.elements):
            values[k] = driver.to_host(item.array(element, values.dtype))
        out[place] = values
    return out


def checks(count: int) -> Pointer | None:
    """The record of indices outside: for each check whether it failed, and an index."""
    if not count:
        return None
    record = empty("int64", 2 * count)
    zero(record, 2 * count)
    return record


def check(record: Pointer | None, sizes_and_lines: tuple,
          failure: Callable | None = None) -> Report | None:
    """The report of a run: its error, `failure(index, code, size, line)`, is there if a kernel has
    met an index outside."""
    if record is None:
        return None

    def look() -> Callable | None:
        found = record.read(0, 2 * len(sizes_and_lines))
        for code, (size, line) in enumerate(sizes_and_lines):
            if found[2 * code]:
                return partial(failure or IndexOutside, int(found[2 * code + 1]), code, size, line)
        return None
    return new_report(look)
