"""Routines of the linear algebra library: from equations that name them to steps of a plan.

In: opaque steps whose kernel is `Routines`. Out: steps of the plan. Imports
`functrans.ir.library`, `kernel_text`, `plan`, `views`, `native.lapack`.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from functrans.ir.library import INTEGER, Block, Routine, Routines, Work
from lowering.kernel_text import KernelText, Parameter
from lowering.native import blas, lapack
from lowering.plan import Copy, Launch
from lowering.views import Buffer, View, whole


@dataclass(frozen=True, slots=True)
class Moving:
    """An argument that lies in a batch: its first matrix, and the bytes from one to the next."""
    view: View
    stride: int


@dataclass(frozen=True, slots=True)
class Scratch:
    """An argument that is memory for the routine alone."""
    view: View


@dataclass(eq=False, slots=True)
class LibraryCalls:
    """Runs routines, one after the other, for each of `count` matrices.

    calls: pairs of a routine and its arguments; a str is a letter, an int a size, a float a number.
    """
    calls: list
    count: int
    reads: list
    writes: list
    location: object = None


def lower_routines(step):
    """Copies what routines overwrite, then calls them."""
    kernel = step.equation.kernel
    count = math.prod(kernel.batch)
    if not count or any(view.size == 0 for view in step.outputs):
        raise AssertionError(f"{step.equation}: routines do not work on empty matrices")
    yield from _Lowering(step, kernel, count).steps()


class _Lowering:
    """Where each block of an equation lies."""

    def __init__(self, step, kernel: Routines, count: int):
        self.step, self.kernel, self.count = step, kernel, count
        self.narrow = np.dtype(blas.library().integer) != INTEGER
        self.before: list = []
        self.after: list = []
        self.places: dict[Block, View] = {}

    def steps(self):
        calls = [(call, self._arguments(call)) for call in self.kernel.calls]
        views = [argument.view for _, arguments in calls for argument in arguments
                 if isinstance(argument, (Moving, Scratch))]
        buffers = list({id(view.buffer): view.buffer for view in views}.values())
        yield from self.before
        yield LibraryCalls(calls, self.count, buffers, buffers, self.step.equation.location)
        yield from self.after

    def _arguments(self, call: Routine) -> list:
        sizes = iter(lapack.work_sizes(call))
        found: list = []
        for argument in call.arguments:
            if isinstance(argument, Work):
                size = next(sizes)
                found += [Scratch(_memory(self._stored(argument.dtype), size)), size]
            elif isinstance(argument, Block):
                view = self._place(argument)
                found.append(Moving(view, math.prod(argument.shape) * view.dtype.itemsize))
            else:
                found.append(argument)
        return found

    def _stored(self, dtype: np.dtype) -> np.dtype:
        """The dtype in the library's memory."""
        return np.dtype(blas.library().integer) if dtype == INTEGER else dtype

    def _place(self, block: Block) -> View:
        if block not in self.places:
            self.places[block] = self._new_place(block)
        return self.places[block]

    def _new_place(self, block: Block) -> View:
        """Memory of a block, with its first values in it."""
        converted = self.narrow and block.dtype == INTEGER
        wide = self._own_or_result(block, None if converted else block.start)
        if not converted:
            return wide
        view = _memory(self._stored(INTEGER), wide.size)
        if block.start is not None:
            self.before.append(_conversion(self.step.inputs[block.start], view))
        if block in self.kernel.results:
            self.after.append(_conversion(view, wide))
        return view

    def _own_or_result(self, block: Block, start: int | None) -> View:
        if start is not None and block.kept:
            return self.step.inputs[start]
        if block in self.kernel.results:
            view = self.step.outputs[self.kernel.results.index(block)]
        else:
            view = _memory(block.dtype, self.count * math.prod(block.shape))
        if start is not None:
            self.before.append(Copy(self.step.inputs[start], view))
        return view


def _memory(dtype: np.dtype, size: int) -> View:
    return whole(Buffer(dtype, max(size, 1)), (size,))


def _conversion(source: View, target: View) -> Launch:
    """Integers of one width as those of another."""
    name = target.dtype.name
    text = f"def kernel(y, x, n):\n    for k in range(n):\n        y[k] = {name}(x[k])\n"
    parameters = [Parameter("y", "pointer", target.dtype, target),
                  Parameter("x", "pointer", source.dtype, source),
                  Parameter("n", "integer", None, source.size)]
    buffers = [target.buffer, source.buffer]
    return Launch(KernelText(text, parameters), buffers, buffers)
