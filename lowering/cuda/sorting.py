"""The kernel of `sort` on a GPU: a thread for each row.

In: views and the kernel class. Out: `CudaText`. Imports `sorting`, `cuda.emit`.
"""
from __future__ import annotations

import math

from functrans.ir.primitive import Sort
from lowering.cuda.emit import MEMORY, THREAD, CudaText, block_size
from lowering.sorting import indented, sort_parameters, sorted_row


def cuda_sort_kernel(inputs: list, outputs: list, kernel: Sort) -> CudaText:
    """Sorts all operands along an axis by the first of them."""
    shape = inputs[0].shape
    size = shape[kernel.axis]
    before, after = math.prod(shape[:kernel.axis]), math.prod(shape[kernel.axis + 1:])
    points = before * after
    block = block_size(max(points, 1))
    blocks = min(-(-points // block), max(MEMORY // (16 * max(size, 1) * block), 1))
    lines = [f"thread = {THREAD}",
             "threads = cuda.gridDim.x * cuda.blockDim.x",
             "for point in range(thread, rows * columns, threads):",
             "    start = (point // columns) * n * columns + point % columns",
             *indented(1, [_own(line) for line in sorted_row(inputs, kernel.keys)])]
    parameters = sort_parameters(inputs, outputs, size * blocks * block,
                                 rows=before, n=size, columns=after)
    head = f"def kernel({', '.join(p.name for p in parameters)}):"
    return CudaText("\n".join([head, *indented(1, lines)]) + "\n", parameters, [], None, [],
                    (blocks,), block)


def _own(line: str) -> str:
    """The line with the thread's own elements of `order` and `spare`, side by side with others'."""
    for name in ("order", "spare"):
        for index in ("k", "a", "b"):
            line = line.replace(f"{name}[{index}]", f"{name}[{index} * threads + thread]")
    return line
