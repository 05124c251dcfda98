"""The kernels of `sort` on a GPU.

Short lines have a thread each, which sorts by itself. Long ones are merged by all threads: runs of
1, 2, 4 .. elements are pairs, and each element finds its place in the merged run by looking, with
a binary search, how many of the other run stand before it. One launch for each length of runs.

In: views and the kernel class. Out: `CudaText`s. Imports `sorting`, `cuda.emit`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.ir.primitive import Sort
from lowering.cuda.emit import MEMORY, THREAD, CudaText, block_size, quotient
from lowering.kernel_text import Parameter
from lowering.sorting import (comparison, indented, moves, pointer, sort_parameters,
                              sorted_row)
from lowering.views import Buffer, View, whole

LONG = 128           # lines of so many elements are sorted by all threads
INT64 = np.dtype(np.int64)


def sort_kernels(inputs: list, outputs: list, kernel: Sort) -> list[CudaText]:
    """Sorts all operands along an axis by the first of them."""
    shape = inputs[0].shape
    size = shape[kernel.axis]
    before, after = math.prod(shape[:kernel.axis]), math.prod(shape[kernel.axis + 1:])
    if not size * before * after:
        return []
    if size < LONG:
        return [_line_by_line(inputs, outputs, kernel.keys, before, size, after)]
    return _Merges(inputs, outputs, kernel.keys, before, size, after).kernels()


# ---- a thread for each line ----

def _line_by_line(inputs: list, outputs: list, keys: int, rows: int, n: int,
                  columns: int) -> CudaText:
    block = block_size(rows * columns)
    blocks = min(-(-rows * columns // block), max(MEMORY // (16 * n * block), 1))
    lines = [f"thread = {THREAD}",
             "threads = cuda.gridDim.x * cuda.blockDim.x",
             "for point in range(thread, rows * columns, threads):",
             f"    row, column = {quotient('point', 'columns', rows * columns)}",
             "    start = row * n * columns + column",
             *indented(1, [_own(line) for line in sorted_row(inputs, keys)])]
    parameters = sort_parameters(inputs, outputs, n * blocks * block,
                                 rows=rows, n=n, columns=columns)
    return _text(lines, parameters, blocks, block)


def _own(line: str) -> str:
    """The line with the thread's own elements of `order` and `spare`, side by side with others'."""
    for name in ("order", "spare"):
        for index in ("k", "a", "b"):
            line = line.replace(f"{name}[{index}]", f"{name}[{index} * threads + thread]")
    return line


# ---- a thread for each element ----

class _Merges:
    """Sorting by merges of runs; `order` and `spare` hold the places of all elements in turn."""

    def __init__(self, inputs, outputs, keys: int, rows: int, n: int, columns: int):
        self.inputs, self.outputs, self.keys, self.n = inputs, outputs, keys, n
        self.points = rows * n * columns
        self.integers = [Parameter(name, "integer", None, value) for name, value in
                         (("points", self.points), ("n", n), ("columns", columns))]

    def kernels(self) -> list[CudaText]:
        order, spare = (whole(Buffer(INT64, self.points), (self.points,)) for _ in range(2))
        found = [self._start(order)]
        width = 1
        while width < self.n:
            found.append(self._merge(order, spare, width))
            order, spare = spare, order
            width *= 2
        return [*found, self._move(order)]

    def _each(self, lines: list, parameters: list, *more: Parameter) -> CudaText:
        """Lines for each element: number k of the line that begins at `start` in memory."""
        lines = [f"point = {THREAD}",
                 "if point < points:",
                 f"    line, k = {quotient('point', 'n', self.points)}",
                 f"    row, column = {quotient('line', 'columns', self.points)}",
                 "    start = row * n * columns + column",
                 *indented(1, lines)]
        block = block_size(self.points)
        return _text(lines, [*parameters, *self.integers, *more], -(-self.points // block), block)

    def _start(self, order: View) -> CudaText:
        block = block_size(self.points)
        lines = [f"point = {THREAD}",
                 "if point < points:",
                 f"    line, k = {quotient('point', 'n', self.points)}",
                 "    order[point] = k"]
        return _text(lines, [pointer("order", order), *self.integers[:2]],
                     -(-self.points // block), block)

    def _merge(self, order: View, spare: View, width: int) -> CudaText:
        lines = [
            "own = order[point]",
            f"pair, within = {quotient('k', '2 * width', 2 * self.n)}",
            "first_run = k - within",
            "middle = minimum(first_run + width, n)",
            "in_left = k < middle",
            "low = middle if in_left else first_run",
            "high = minimum(first_run + 2 * width, n) if in_left else middle",
            "while low < high:",
            "    half = (low + high) // 2",
            "    other = order[line * n + half]",
            "    p = start + (own if in_left else other) * columns",
            "    q = start + (other if in_left else own) * columns",
            *indented(1, comparison(self.inputs, self.keys)),
            "    if first != in_left:",
            "        low = half + 1",
            "    else:",
            "        high = half",
            "spare[line * n + k + low - middle] = own"]
        parameters = [pointer("order", order), pointer("spare", spare),
                      *(pointer(f"x{k}", view) for k, view in enumerate(self.inputs[:self.keys]))]
        return self._each(lines, parameters, Parameter("width", "integer", None, width))

    def _move(self, order: View) -> CudaText:
        parameters = [*(pointer(f"y{k}", view) for k, view in enumerate(self.outputs)),
                      *(pointer(f"x{k}", view) for k, view in enumerate(self.inputs)),
                      pointer("order", order)]
        return self._each(moves(len(self.inputs), "order[point]"), parameters)


def _text(lines: list, parameters: list, blocks: int, block: int) -> CudaText:
    head = f"def kernel({', '.join(p.name for p in parameters)}):"
    return CudaText("\n".join([head, *indented(1, lines)]) + "\n", parameters, [], None, [],
                    (blocks,), block)
