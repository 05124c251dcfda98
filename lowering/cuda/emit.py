"""From parts to the text of kernels for a GPU: readable Python, for numba.cuda and its simulator.

Each thread computes one point of the grid:

    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i < n:
        y0[i] = x0[i] + x1[i]

The loops over all other axes run within the thread.

In: `Part`. Out: `CudaText`. Imports `emit`, `nest`, `cuda.parts`.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from lowering.cuda.parts import Part
from lowering.emit import Emitter
from lowering.kernel_text import INDENT, KernelText
from lowering.nest import arrange

BLOCK = 256                      # threads of a block, if there is work for as many
WARP = 32
MEMORY = 1 << 26                 # bytes of scratch memory that all threads together may take


@dataclass(slots=True)
class CudaText(KernelText):
    """A kernel for a GPU, launched as `grid` blocks of `block` threads."""
    grid: tuple = (1,)
    block: int = 1


def emit_threads(part: Part) -> CudaText:
    """The text of a part with a thread for each point."""
    return _ThreadEmitter(part).emit()


THREAD = "cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x"


class GridEmitter(Emitter):
    """What kernels for a GPU have in common."""

    def __init__(self, part: Part):
        self.part = part
        self.grid = part.grid
        kernel = part.kernel
        super().__init__(arrange(kernel, [a for a in kernel.axes if a not in part.grid]))

    def text(self, grid: tuple, block: int, workers: int) -> CudaText:
        """All of it; each of the `workers` has scratch memory of its own."""
        text, parameters, locations = self._whole()
        parameters = [replace(p, value=p.value * workers) if p.kind == "scratch" else p
                      for p in parameters]
        return CudaText(text, parameters, self.checks, None, locations, grid, block)

    def _count(self) -> str:
        """The number of points."""
        return " * ".join(self._extent(axis) for axis in self.grid) or "1"

    def _indices(self, point: str, depth: int):
        """The indices of a point: the last axis runs fastest."""
        *outer, last = self.grid
        if not outer:
            return
        for axis in reversed(outer):
            name, extent = self.axis_names[last], self._extent(last)
            rest = self.axis_names[axis] if axis is self.grid[0] else "rest"
            self._line(depth, f"{rest}, {name} = {point} // {extent}, {point} % {extent}")
            point, last = rest, axis

    def _check(self, index: str, limit: str, size: int, statement, depth: int):
        """An index outside is recorded, and replaced by one that does no harm.

        Each check has a place of its own, so that it does not matter which thread is last.
        """
        self.numbers.add("error", "error")
        code = self.numbers.name("code")
        self.numbers.add(code, "code", None, len(self.checks))
        self.checks.append((statement.location, size))
        self._line(depth, f"if {index} < 0 or {index} >= {limit}:")
        self._line(depth + 1, f"error[2 * {code}], error[2 * {code} + 1] = 1, {index}")
        self._line(depth + 1, f"{index} = 0")


class _ThreadEmitter(GridEmitter):
    """A thread for each point."""

    def emit(self) -> CudaText:
        points = self.part.points
        if not self.grid:
            self._block(self.nest.body, 1, ())
            return self.text((1,), 1, 1)
        block = block_size(points)
        if self._scratch_axes():
            threads = self._strided(points, block)
            return self.text((threads // block,), block, threads)
        self._bounded()
        return self.text((-(-points // block),), block, 1)

    def _scratch_axes(self) -> bool:
        return any((*self.nest.scratch.values(), *self.nest.states.values()))

    def _bounded(self):
        """One point for each thread."""
        one = len(self.grid) == 1
        point = self.axis_names[self.grid[0]] if one else "point"
        self._line(1, f"{point} = {THREAD}")
        self._line(1, f"if {point} < {self._count()}:")
        self._indices(point, 2)
        self._block(self.nest.body, 2, ())

    def _strided(self, points: int, block: int) -> int:
        """One point after the other, in few threads, as each needs scratch memory."""
        one = len(self.grid) == 1
        point = self.axis_names[self.grid[0]] if one else "point"
        self._line(1, f"thread = {THREAD}")
        self._line(1, "threads = cuda.gridDim.x * cuda.blockDim.x")
        self._line(1, f"for {point} in range(thread, {self._count()}, threads):")
        self._indices(point, 2)
        self._block(self.nest.body, 2, ())
        each = sum(p.value * p.dtype.itemsize for p in self.numbers.parameters.values()
                   if p.kind == "scratch")
        most = max(MEMORY // max(each, 1), block) // block
        return min(-(-points // block), most) * block

    def _scratch_index(self, axes: tuple) -> str:
        """Element by element, those of all threads side by side."""
        text = super()._scratch_index(axes)
        if not self.grid:
            return text
        return f"({text}) * threads + thread" if " " in text else f"{text} * threads + thread"


def block_size(points: int) -> int:
    """Threads of a block."""
    return min(BLOCK, max(WARP, 1 << (points - 1).bit_length()))


def alone(text: KernelText) -> CudaText:
    """A kernel that one thread runs from beginning to end."""
    return CudaText(text.text, text.parameters, text.checks, None, text.locations)


__all__ = ["INDENT", "CudaText", "GridEmitter", "alone", "block_size", "emit_threads"]
