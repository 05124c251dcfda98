"""Memory as a plan sees it: buffers, and strided views of them.

Everything is counted in elements. Imports NumPy only.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(eq=False, slots=True)
class Buffer:
    """A block of memory of one dtype.

    role: "input" and "output" of the Program (`index` says which one), "temp", or "constant" (then
    `data` is the NumPy array whose memory it is).
    """
    dtype: np.dtype
    size: int
    role: str = "temp"
    index: int = -1
    label: str = ""
    same_as: Buffer | None = None       # the buffer whose memory this one shares
    data: object = None

    def root(self) -> Buffer:
        """The buffer that stands for the memory."""
        buffer = self
        while buffer.same_as is not None:
            buffer = buffer.same_as
        return buffer

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __repr__(self):
        return f"{self.label or self.role}{'' if self.index < 0 else self.index}"


@dataclass(unsafe_hash=True, slots=True)
class View:
    """An array that lies in a buffer: `offset + sum(stride * index)`. Nobody changes one: it is not
    frozen because to make a frozen one takes four times as long."""
    buffer: Buffer = field(hash=False)
    offset: int
    shape: tuple
    strides: tuple

    @property
    def dtype(self):
        return self.buffer.dtype

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def is_contiguous(self) -> bool:
        """Whether the elements lie row by row, without gaps."""
        expected = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides)):
            if size != 1 and stride != expected:
                return False
            expected *= size
        return True

    def reshaped(self, shape) -> View | None:
        """The same elements in another shape; None if that needs a copy."""
        if self.is_contiguous():
            return View(self.buffer, self.offset, tuple(shape), row_major(shape))
        kept = [(n, s) for n, s in zip(self.shape, self.strides) if n != 1]
        if [n for n in shape if n != 1] != [n for n, _ in kept]:
            return None
        strides = iter([s for _, s in kept])
        return View(self.buffer, self.offset, tuple(shape),
                    tuple(next(strides) if n != 1 else 0 for n in shape))

    def transposed(self, perm) -> View:
        return View(self.buffer, self.offset, tuple(self.shape[k] for k in perm),
                    tuple(self.strides[k] for k in perm))

    def sliced(self, start, step, shape) -> View:
        offset = self.offset + sum(a * s for a, s in zip(start, self.strides))
        return View(self.buffer, offset, tuple(shape),
                    tuple(a * s for a, s in zip(step, self.strides)))

    def broadcast(self, shape, dims) -> View:
        strides = [0] * len(shape)
        for size, stride, dim in zip(self.shape, self.strides, dims):
            strides[dim] = stride if size == shape[dim] else 0
        return View(self.buffer, self.offset, tuple(shape), tuple(strides))


def row_major(shape) -> tuple:
    """The strides of a contiguous array."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def whole(buffer: Buffer, shape) -> View:
    """A buffer as a contiguous array."""
    return View(buffer, 0, tuple(shape), row_major(shape))
