"""From parts to the text of kernels for a GPU: readable Python, for numba.cuda and its simulator.

Each thread computes one point of the grid, and runs the loops over all other axes:

    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i < n:
        y0[i] = x0[i] + x1[i]

`rows.py` gives each point a block of threads instead, which share those loops.

In: `Part`. Out: `CudaText`. Imports `emit`, `nest`, `cuda.parts`.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from lowering.cuda.division import SMALL
from lowering.cuda.parts import Part
from lowering.emit import Emitter
from lowering.kernel_text import KernelText
from lowering.loops import Store
from lowering.nest import Loop, arrange

BLOCK = 256                      # threads of a block, if there is work for as many
WARP = 32
MEMORY = 1 << 26                 # bytes of scratch memory that all threads together may take
CHEAP = 64                       # the cost up to which values are rather computed again than kept
THREAD = "cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x"


@dataclass(slots=True)
class CudaText(KernelText):
    """A kernel for a GPU, launched as `grid` blocks of `block` threads.

    in_place: pairs of buffers, read and written, that may be the same memory.
    """
    grid: tuple = (1,)
    block: int = 1
    in_place: tuple = ()


def emit_threads(part: Part) -> CudaText:
    """The text of a part with a thread for each point."""
    return ThreadEmitter(part, inner_axes(part)).emit()


def inner_axes(part: Part) -> list:
    """The axes on which there are loops, in the order of memory."""
    return [axis for axis in part.kernel.axes if axis not in part.grid]


class GridEmitter(Emitter):
    """What kernels for a GPU have in common. order: the axes of the loops, outermost first."""

    def __init__(self, part: Part, order: list):
        self.part = part
        self.grid = part.grid
        super().__init__(arrange(part.kernel, order, CHEAP))

    def text(self, grid: tuple, block: int, workers: int) -> CudaText:
        """All of it; each of the `workers` has scratch memory of its own."""
        text, parameters, locations = self._whole()
        parameters = [replace(p, value=p.value * workers) if p.kind == "scratch" else p
                      for p in parameters]
        return CudaText(text, parameters, self.checks, None, locations, grid, block)

    def has_scratch(self) -> bool:
        """Whether values are kept in memory between loops."""
        return any((*self.nest.scratch.values(), *self.nest.states.values()))

    def affordable(self) -> int:
        """How many workers can have scratch memory."""
        each = sum(p.value * p.dtype.itemsize for p in self.numbers.parameters.values()
                   if p.kind == "scratch")
        return max(MEMORY // max(each, 1), 1)

    def point(self, line: str, depth: int):
        """Names the point in hand by a line with a gap, and the indices that it stands for."""
        one = len(self.grid) == 1
        point = self.axis_names[self.grid[0]] if one else "point"
        count = " * ".join(self._extent(axis) for axis in self.grid)
        self._line(depth, line.format(point=point, count=count))

    def indices(self, depth: int, point: str = "point", axes: list | None = None):
        """The indices of a point on `axes`, or on the grid: the last axis runs fastest."""
        *outer, last = axes = axes or self.grid
        for axis in reversed(outer):
            name, extent = self.axis_names[last], self._extent(last)
            rest = self.axis_names[axis] if axis is axes[0] else "rest"
            self._line(depth, f"{rest}, {name} = {quotient(point, extent, self.part.points)}")
            point, last = rest, axis

    def _report(self, code: str, index: str) -> str:
        """Each check has a place of its own, so that it does not matter which thread is last."""
        return f"error[2 * {code}], error[2 * {code} + 1] = 1, {index}"


class ThreadEmitter(GridEmitter):
    """A thread for each point."""

    def emit(self) -> CudaText:
        points = self.part.points
        if not self.grid:
            self._block(self.nest.body, 1, ())
            return self.text((1,), 1, 1)
        block = block_size(points)
        if self.has_scratch():
            threads = self._strided(points, block)
            return self.text((threads // block,), block, threads)
        self.point(f"{{point}} = {THREAD}", 1)
        self.point("if {point} < {count}:", 1)
        self.indices(2)
        self._block(self.nest.body, 2, ())
        return self.text((-(-points // block),), block, 1)

    def _strided(self, points: int, block: int) -> int:
        """One point after the other, in few threads, as each needs scratch memory."""
        self._line(1, f"thread = {THREAD}")
        self._line(1, "threads = cuda.gridDim.x * cuda.blockDim.x")
        self.point("for {point} in range(thread, {count}, threads):", 1)
        self.indices(2)
        self._block(self.nest.body, 2, ())
        most = max(self.affordable() // block, 1)
        return min(-(-points // block), most) * block

    def _block(self, body: list, depth: int, path: tuple):
        """In a piece the outermost loop takes its part of the iterations."""
        if path or self.part.pieces is None:
            super()._block(body, depth, path)
            return
        piece, pieces = self.axis_names[self.part.pieces], self._extent(self.part.pieces)
        for item in body:
            if isinstance(item, Loop):
                self._prepare(item, depth, path)
                name, extent = self.axis_names[item.axis], self._extent(item.axis)
                self._line(depth, f"for {name} in range({piece}, {extent}, {pieces}):")
                self._loop_body(item.body, depth + 1, (item,))
            else:
                self._statement(item, depth, path)

    def _dynamic(self, place, values: list, statement, depth: int):
        """An update is written by its owner."""
        terms, conditions = super()._dynamic(place, values, statement, depth)
        if self.part.owners is not None and isinstance(statement, Store) and terms:
            name, count = self.axis_names[self.part.owners], self._extent(self.part.owners)
            place = terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"
            size = statement.place.view.buffer.size
            rest = f"divided({place}, {count})[1]" if size < SMALL else f"{place} % {count}"
            conditions.append(f"{rest} == {name}")
        return terms, conditions

    def _scratch_index(self, axes: tuple) -> str:
        """Element by element, those of all threads side by side."""
        text = super()._scratch_index(axes)
        if not self.grid:
            return text
        return f"({text}) * threads + thread" if " " in text else f"{text} * threads + thread"


def quotient(number: str, size: str, most: int) -> str:
    """The text of quotient and rest of a number, where both are at most `most`."""
    if most < SMALL:
        return f"divided({number}, {size})"
    return f"{number} // {size}, {number} % {size}"


def block_size(work: int) -> int:
    """Threads of a block that has so much to do."""
    return min(BLOCK, max(WARP, 1 << (work - 1).bit_length()))
