"""The kernels of matrix products: `target = left @ right.T`, for a batch of matrices.

Small products have a thread for each element of the result. Large ones go tile by tile: a block of
threads brings two narrow tiles into shared memory, from which each thread takes what it needs for
its own four by four elements. Where there are few tiles and long sums, sums are taken in pieces,
and added by a second kernel.

In: a `Product`. Out: `CudaText`s. Imports `cuda.emit`, `cuda.parts`, `plan`, `loops`, `views`.
"""
from __future__ import annotations

import math

from functrans.ir.type import name_of
from lowering.cuda.emit import THREAD, CudaText, block_size, emit_threads
from lowering.cuda.parts import Part
from lowering.kernel_text import (INDENT, Parameter, constant, from_memory, local_dtype,
                                  to_memory)
from lowering.loops import Axis, Kernel, Load, Place, Reduce, Store
from lowering.passes.domains import BLAS_DTYPES, is_matrix_product
from lowering.plan import Product
from lowering.views import Buffer, View, whole

TILE = 64            # rows and columns of a tile of the result
DEPTH = 16           # of the tiles in shared memory
LEAST = 32           # rows and columns from which on tiles are used
MOST = 65535         # blocks of a grid in its second and third dimension
BLOCKS = 264         # that keep a large GPU busy
PIECE = 512          # elements of a piece of a sum, at least


def is_product(equation, kernel) -> bool:
    """Whether a contraction is a step of its own: of dtypes that are not those of BLAS only large
    ones are, the others are computed where they are used."""
    kind = equation.outputs[0].type
    if not is_matrix_product(equation, kernel) or kind.dtype.kind == "b":
        return False
    (contracted, _), (batch, _) = kernel.contract, kernel.batch
    left = equation.inputs[0].type
    rows = left.size // math.prod(left.shape[k] for k in (*contracted, *batch))
    columns = kind.size // (rows * math.prod(left.shape[k] for k in batch))
    return kind.dtype.name in BLAS_DTYPES or min(rows, columns) >= LEAST


def product_kernels(step: Product) -> list[CudaText]:
    """The kernels of a product, in order."""
    left, right = step.left, step.right
    count = math.prod(left.batch_shape)
    if not count * left.rows * right.rows:
        return []
    large = min(left.rows, right.rows) >= LEAST and right.rows <= MOST * TILE
    if not large:
        return [_by_element(step, count)]
    pieces = _pieces(step, count)
    if pieces == 1:
        return [_by_tiles(step, count, 1, step.target)]
    view = whole(Buffer(local_dtype(step.target.dtype), pieces * step.target.size),
                 (pieces, step.target.size))
    return [_by_tiles(step, count, pieces, view), _total(step, view)]


def _pieces(step: Product, count: int) -> int:
    """Into how many pieces each sum is cut."""
    tiles = count * -(-step.left.rows // TILE) * -(-step.right.rows // TILE)
    return max(min(BLOCKS // tiles, step.left.columns // PIECE), 1)


def _total(step: Product, view: View) -> CudaText:
    """The sum of the pieces."""
    piece, element = Axis(view.shape[0]), Axis(view.shape[1])
    dtype = view.dtype
    load = Load([], dtype, frozenset([piece, element]), step.location,
                place=Place(view, 0, {piece: view.shape[1], element: 1}))
    total = Reduce([load], dtype, load.axes, step.location, over=frozenset([piece]),
                   init=dtype.type(0), combine="sum_step({acc}, {0})")
    store = Store([total], dtype, frozenset([element]), step.location,
                  place=Place(step.target, step.target.offset, {element: 1}))
    return emit_threads(Part(Kernel([load, total, store], [piece, element]), [element]))


# ---- a thread for each element ----

def _by_element(step: Product, count: int) -> CudaText:
    left, right = step.left, step.right
    points = count * left.rows * right.rows
    batch = _Batch(step)
    indices = ["row, column = point // columns, point % columns"] if not batch.rank else [
        "rest, column = point // columns, point % columns",
        "matrix, row = rest // rows, rest % rows"]
    lines = [f"point = {THREAD}",
             f"if point < {batch.count}rows * columns:",
             *_indented(1, [
                 *indices, *batch.lines(),
                 f"acc = {_zero(step)}",
                 "for k in range(inner):",
                 f"    acc = acc + {_left(batch, 'row', 'k')} * {_right(batch, 'column', 'k')}",
                 f"y0[point] = {to_memory('acc', step.target.dtype)}"])]
    block = block_size(points)
    return _text(step, lines, {**_sizes(step), **batch.numbers()}, step.target,
                 (-(-points // block),), block)


# ---- tile by tile ----

def _by_tiles(step: Product, count: int, pieces: int, target: View) -> CudaText:
    """pieces: of each sum; the results of all pieces lie one after the other in `target`."""
    batch = _Batch(step)
    kind = name_of(local_dtype(step.target.dtype))
    lines = [f"tile0 = cuda.shared.array(({DEPTH}, {TILE}), {kind})",
             f"tile1 = cuda.shared.array(({DEPTH}, {TILE}), {kind})",
             f"acc = cuda.local.array((4, 4), {kind})",
             "thread = cuda.threadIdx.x",
             "down, across = thread // 16, thread % 16",
             f"top, side = cuda.blockIdx.x * {TILE}, cuda.blockIdx.y * {TILE}"]
    if not batch.rank and pieces == 1:
        lines += _one_product(step, batch, target, False)
    else:
        lines += [f"for number in range(cuda.blockIdx.z, {batch.count}pieces, cuda.gridDim.z):",
                  *_indented(1, [*(["matrix, piece = number // pieces, number % pieces"]
                                   if batch.rank else ["piece = number"]),
                                 *batch.lines(), *_one_product(step, batch, target, True)])]
    grid = (-(-step.left.rows // TILE), -(-step.right.rows // TILE), min(count * pieces, MOST))
    numbers = {**_sizes(step), **batch.numbers()}
    if batch.rank or pieces > 1:
        numbers |= {"pieces": pieces, "size": step.target.size}
    return _text(step, lines, numbers, target, grid, 256)


def _one_product(step: Product, batch: _Batch, target: View, in_pieces: bool) -> list[str]:
    """A tile of the result of one piece of one product."""
    first, gap = (f"piece * {DEPTH}", f"pieces * {DEPTH}") if in_pieces else ("0", str(DEPTH))
    matrix = "matrix * rows + " if batch.rank else ""
    start = "piece * size + " if in_pieces else ""
    place = f"({matrix}row) * columns" if matrix else "row * columns"
    total = to_memory("acc[r, c]", target.dtype)
    return [
        "for r in range(4):",
        "    for c in range(4):",
        f"        acc[r, c] = {_zero(step)}",
        f"for start_k in range({first}, inner, {gap}):",
        "    for part in range(4):",
        "        place = part * 256 + thread",
        *_indented(2, _fetch("tile0", "top", "rows", _left(batch, "row", "k"),
                             step.left.column_stride == 1, step)),
        *_indented(2, _fetch("tile1", "side", "columns", _right(batch, "row", "k"),
                             step.right.column_stride == 1, step)),
        "    cuda.syncthreads()",
        f"    for k in range({DEPTH}):",
        "        for r in range(4):",
        "            for c in range(4):",
        "                acc[r, c] += tile0[k, down + 16 * r] * tile1[k, across + 16 * c]",
        "    cuda.syncthreads()",
        "for r in range(4):",
        "    row = top + down + 16 * r",
        "    for c in range(4):",
        "        column = side + across + 16 * c",
        "        if row < rows and column < columns:",
        f"            y0[{start}{place} + column] = {total}"]


def _fetch(tile: str, first: str, limit: str, element: str, along_k: bool, step) -> list[str]:
    """One element of a tile; neighbouring threads take neighbours in memory."""
    order = f"j, i = place // {DEPTH}, place % {DEPTH}" if along_k else \
        f"i, j = place // {TILE}, place % {TILE}"
    return [order, f"row, k = {first} + j, start_k + i",
            f"{tile}[i, j] = {_zero(step)}",
            f"if row < {limit} and k < inner:",
            f"    {tile}[i, j] = {element}"]


# ---- pieces of text ----

def _zero(step: Product) -> str:
    return constant(local_dtype(step.target.dtype).type(0))


def _left(batch: _Batch, row: str, k: str) -> str:
    return from_memory(f"x0[{batch.left}{row} * left_row + {k} * left_k]", batch.dtype).text


def _right(batch: _Batch, row: str, k: str) -> str:
    return from_memory(f"x1[{batch.right}{row} * right_row + {k} * right_k]", batch.dtype).text


def _sizes(step: Product) -> dict:
    left, right = step.left, step.right
    return {"rows": left.rows, "columns": right.rows, "inner": left.columns,
            "left_row": left.row_stride, "left_k": left.column_stride,
            "right_row": right.row_stride, "right_k": right.column_stride}


class _Batch:
    """The place of a matrix in a batch with a stride for each dimension."""

    def __init__(self, step: Product):
        self.dtype = step.left.view.dtype
        dims = zip(step.left.batch_shape, step.left.batch_strides, step.right.batch_strides)
        self.dims = _merged([dim for dim in dims if dim[0] != 1])
        self.rank = len(self.dims)
        self.left, self.right = ("start + ", "other + ") if self.rank else ("", "")
        self.count = "".join(f"n{k} * " for k in range(self.rank))

    def lines(self) -> list[str]:
        """`start` and `other`: where the matrices of number `matrix` begin."""
        if not self.rank:
            return []
        if self.rank == 1:
            return ["start, other = matrix * left_0, matrix * right_0"]
        lines = ["start, other, rest = 0, 0, matrix"]
        for k in reversed(range(self.rank)):
            lines += [f"at, rest = rest % n{k}, rest // n{k}",
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


def _text(step: Product, lines: list, numbers: dict, target: View, grid: tuple,
          block: int) -> CudaText:
    parameters = [_pointer("x0", step.left.view), _pointer("x1", step.right.view),
                  _pointer("y0", target),
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
