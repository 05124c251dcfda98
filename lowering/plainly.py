"""What the text of a whole Program calls besides its kernels, for plain Python.

Memory is NumPy arrays of one axis; a `Pointer` is a place in one, as it is in compiled code, but it
checks bounds. `listing.py` writes the text that uses these names. Imports NumPy; `native` where a
routine of the linear algebra library is called.
"""
from __future__ import annotations

import ctypes

import numpy as np

__all__ = ["Pointer", "Stack", "add_stacks", "call_host", "call_library", "check", "constant",
           "copy", "empty", "finish", "matrix_product", "pointers", "stacks", "strided", "zero"]

# What kernels see in memory: half precision as bits, booleans as bytes.
STORED = {"float16": "uint16", "bfloat16": "uint16", "bool": "uint8"}


class Pointer:
    """The elements of a block of memory, counted from `start`."""

    __slots__ = ("block", "start")

    def __init__(self, block, start: int = 0):
        self.block, self.start = block, start

    def __add__(self, count: int) -> Pointer:
        return Pointer(self.block, self.start + count)

    def _place(self, index) -> int:
        place = self.start + int(index)
        if not 0 <= place < len(self.block):
            raise IndexError(f"a kernel reads or writes element {place} of memory that has "
                             f"{len(self.block)}")
        return place

    def __getitem__(self, index):
        return self.block[self._place(index)]

    def __setitem__(self, index, value):
        self.block[self._place(index)] = value

    def __repr__(self):
        return f"Pointer({self.block!r}, {self.start})"


def stored(array: np.ndarray) -> np.ndarray:
    """An array of one axis, as kernels see it."""
    return array.view(STORED.get(array.dtype.name, array.dtype))


def empty(dtype: str, size: int) -> Pointer:
    """New memory. Numbers start as NaN, or as many nines as fit, so that an error is seen."""
    if dtype == "stack":
        return Pointer([Stack() for _ in range(size)])
    block = np.empty(size, _dtype(dtype))
    block.view(np.uint8).fill(0xFF if block.dtype.kind in "fcV" else 0x63)
    return Pointer(stored(block))


def constant(dtype: str, values: list) -> Pointer:
    """Memory that holds these numbers; bfloat16 is given as bits."""
    return Pointer(stored(np.array(values, _dtype(dtype))))


def _dtype(name: str) -> np.dtype:
    return np.dtype(np.uint16) if name == "bfloat16" else np.dtype(name)


# ---- whole blocks ----

def copy(target: Pointer, source: Pointer, count: int):
    """`count` elements."""
    values = source.block[source.start:source.start + count]
    if isinstance(values, list):
        values = [stack.copy() for stack in values]
    target.block[target.start:target.start + count] = values


def zero(target: Pointer, count: int):
    """`count` elements become zero; stacks become empty."""
    target.block[target.start:target.start + count] = \
        [Stack() for _ in range(count)] if isinstance(target.block, list) else 0


def strided(pointer: Pointer, shape: tuple, strides: tuple, dtype: str | None = None):
    """Memory as an array; strides count elements."""
    flat = pointer.block[pointer.start:]
    if dtype is not None:
        flat = flat.view(np.dtype(dtype))
    return np.lib.stride_tricks.as_strided(flat, shape, [s * flat.itemsize for s in strides])


def matrix_product(target: Pointer, left: np.ndarray, right: np.ndarray):
    """`target = left @ right.T`, for each pair of a batch of matrices."""
    out = np.matmul(left, np.swapaxes(right, -1, -2))
    target.block[target.start:target.start + out.size] = out.reshape(-1)


def call_host(function, inputs: list, outputs: list):
    """A function of NumPy arrays, whose results are written to memory."""
    for target, value in zip(outputs, function(*inputs), strict=True):
        np.copyto(target, value, casting="unsafe")


def call_library(name: str, arguments: list):
    """A routine of LAPACK. An argument is a pointer, a letter, or a number."""
    from lowering.native import blas
    library = blas.library()
    memory = [_memory_of(argument, library.integer) for argument in arguments]
    letters = [1] * sum(isinstance(argument, str) for argument in arguments)
    kinds = [ctypes.c_int64] * (len(arguments) + len(letters))
    routine = ctypes.CFUNCTYPE(None, *kinds)(library.address(name))
    routine(*(array.ctypes.data for array in memory), *letters)


def _memory_of(argument, integer) -> np.ndarray:
    """Where an argument lies: the library is passed addresses only."""
    if isinstance(argument, Pointer):
        return argument.block[argument.start:]
    if isinstance(argument, str):
        return np.frombuffer(argument.encode(), np.uint8)
    return np.array(argument, integer if isinstance(argument, int) else None)


# ---- stacks ----

class Stack:
    """As many arrays of one kind as a loop has made. `empty`, `copy_elements`, `zero`: as the
    functions of this module, for the memory in which the arrays lie."""

    __slots__ = ("elements",)
    empty, copy_elements, zero = staticmethod(empty), staticmethod(copy), staticmethod(zero)

    def __init__(self, elements=()):
        self.elements = list(elements)

    def __len__(self):
        return len(self.elements)

    def copy(self) -> Stack:
        return type(self)(self.elements)

    def reserve(self, count: int, dtype: str, size: int):
        """Room for elements that are written later."""
        self.elements = [self.empty(dtype, size) for _ in range(count)]

    def push(self, source: Pointer, dtype: str, size: int):
        """A copy of `size` numbers becomes the last element."""
        self.elements.append(self.empty(dtype, size))
        self.copy_elements(self.elements[-1], source, size)

    def element(self, index: int, dtype: str, size: int) -> Pointer:
        """An element; zeros, if the stack has none."""
        if self.elements:
            return self.elements[index]
        zeros = self.empty(dtype, size)
        self.zero(zeros, size)
        return zeros


def add_stacks(a: Stack, b: Stack, out: Stack, dtype: str, size: int, add):
    """`out = a + b`, element by element, by the function `add` of pointers."""
    out.reserve(max(len(a), len(b)), dtype, size)
    for k in range(len(out)):
        add(a.element(k, dtype, size), b.element(k, dtype, size), out.element(k, dtype, size))


def stacks(array: np.ndarray) -> Pointer:
    """An array of objects, each an array of elements, as memory."""
    return Pointer([Stack(Pointer(stored(np.ravel(element))) for element in elements)
                    for elements in np.ravel(array)])


# ---- the whole ----

def pointers(arrays, kinds: tuple) -> list:
    """Inputs as memory; kinds: for each its dtype, or "stack"."""
    return [stacks(array) if kind == "stack" else
            Pointer(stored(np.ascontiguousarray(array).reshape(-1)))
            for array, kind in zip(arrays, kinds, strict=True)]


def finish(memory: list, kinds: tuple) -> list:
    """Outputs as arrays; kinds: for each (dtype, shape), or ("stack", shape, dtype, shape of an
    element)."""
    return [_stack_result(pointer, *kind[1:]) if kind[0] == "stack" else
            _array(pointer, *kind) for pointer, kind in zip(memory, kinds, strict=True)]


def _array(pointer: Pointer, dtype: str, shape: tuple) -> np.ndarray:
    return pointer.block.view(np.dtype(dtype)).reshape(shape)


def _stack_result(pointer: Pointer, shape: tuple, dtype: str, element: tuple) -> np.ndarray:
    out = np.empty(shape, object)
    for place, stack in zip(np.ndindex(*shape), pointer.block, strict=True):
        values = np.empty((len(stack), *element), np.dtype(dtype))
        for k, item in enumerate(stack.elements):
            values[k] = _array(Pointer(item.block[:values[k].size]), dtype, element)
        out[place] = values
    return out


class IndexOutside(IndexError):
    """A kernel has met an index outside of an array: check number `code`."""

    def __init__(self, index: int, code: int, size: int, line: str):
        super().__init__(f"index {index} is out of bounds for an axis of size {size}, at {line}")
        self.index, self.code = index, code


def check(error: list, checks: tuple):
    """Raises if a kernel has met an index outside; checks: for each, (size, the user's line)."""
    if error[0]:
        raise IndexOutside(int(error[2]), error[1], *checks[error[1]])
