"""The kernels of matrix products: `target = left @ right.T`, for a batch of matrices.

In: a `Product`. Out: `CudaText`. Imports `cuda.emit`, `plan`, `views`.
"""
from __future__ import annotations

import math

from lowering.cuda.emit import THREAD, CudaText, block_size
from lowering.kernel_text import INDENT, Parameter, constant, local_dtype
from lowering.plan import Product
from lowering.views import View


def product_kernel(step: Product) -> CudaText:
    """A thread for each element of the result."""
    left, right = step.left, step.right
    dtype = step.target.dtype
    points = math.prod(left.batch_shape) * left.rows * right.rows
    batch = _Batch(left.batch_shape, left.batch_strides, right.batch_strides)
    lines = [f"point = {THREAD}",
             f"if point < {batch.count}rows * columns:",
             *_indented(1, [
                 "rest, column = point // columns, point % columns",
                 *(["matrix, row = rest // rows, rest % rows"] if batch.rank else ["row = rest"]),
                 *batch.lines(),
                 f"acc = {constant(local_dtype(dtype).type(0))}",
                 "for k in range(inner):",
                 f"    acc = acc + x0[{batch.left}row * left_row + k * left_k]"
                 f" * x1[{batch.right}column * right_row + k * right_k]",
                 "y0[point] = acc"])]
    numbers = {"rows": left.rows, "columns": right.rows, "inner": left.columns,
               "left_row": left.row_stride, "left_k": left.column_stride,
               "right_row": right.row_stride, "right_k": right.column_stride, **batch.numbers()}
    block = block_size(max(points, 1))
    return _text(step, lines, numbers, (-(-points // block),), block)


class _Batch:
    """The place of a matrix in a batch with a stride for each dimension."""

    def __init__(self, shape: tuple, left: tuple, right: tuple):
        kept = [(n, a, b) for n, a, b in zip(shape, left, right) if n != 1]
        self.dims = _merged(kept)
        self.rank = len(self.dims)
        self.left, self.right = ("start + ", "other + ") if self.rank else ("", "")
        self.count = "".join(f"n{k} * " for k in range(self.rank))

    def lines(self) -> list[str]:
        """`start` and `other`: where the matrices of number `matrix` begin."""
        if not self.rank:
            return []
        if self.rank == 1:
            return ["start, other = matrix * left_0, matrix * right_0"]
        lines = ["start, other = 0, 0"]
        for k in reversed(range(self.rank)):
            lines += [f"at, matrix = matrix % n{k}, matrix // n{k}",
                      f"start, other = start + at * left_{k}, other + at * right_{k}"]
        return lines

    def numbers(self) -> dict:
        return {name: value for k, (n, a, b) in enumerate(self.dims)
                for name, value in ((f"n{k}", n), (f"left_{k}", a), (f"right_{k}", b))}


def _merged(dims: list) -> list:
    """Neighbours that lie one within the other, as one dimension."""
    found: list = []
    for n, a, b in dims:
        if found and found[-1][1] == a * n and found[-1][2] == b * n:
            found[-1] = (found[-1][0] * n, a, b)
        else:
            found.append((n, a, b))
    return found


def _text(step: Product, lines: list, numbers: dict, grid: tuple, block: int) -> CudaText:
    parameters = [_pointer("x0", step.left.view), _pointer("x1", step.right.view),
                  _pointer("y0", step.target),
                  *(Parameter(name, "integer", None, int(value))
                    for name, value in numbers.items())]
    head = f"def kernel({', '.join(p.name for p in parameters)}):"
    locations = [step.location] * (len(lines) + 1)
    return CudaText("\n".join([head, *_indented(1, lines)]) + "\n", parameters, [], None,
                    locations, grid, block)


def _pointer(name: str, view: View) -> Parameter:
    return Parameter(name, "pointer", view.dtype, View(view.buffer, view.offset, (), ()))


def _indented(depth: int, lines: list) -> list:
    return [INDENT * depth + line for line in lines]
