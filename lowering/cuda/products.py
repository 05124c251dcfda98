"""The kernels of matrix products: `target = left @ right.T`, for a batch of matrices.

Small products have a thread for each element of the result. Large ones go tile by tile: a block of
threads brings two narrow tiles into shared memory, from which each thread takes what it needs for
its own four by four elements. Where there are few tiles and long sums, sums are taken in pieces,
and added by a second kernel. What is computed of the result alone, element by element, is computed
in the same kernel, before it is stored; what makes an operand, such as a cast, when it is read.

In: a `Product`. Out: `CudaText`s. Imports `nest`, `cuda.elements`, `cuda.parts`, `plan`, `loops`,
`views`.
"""
from __future__ import annotations

import math
from dataclasses import replace

from functrans.ir.type import name_of
from lowering.cuda.elements import ElementEmitter, store_of
from lowering.cuda.emit import THREAD, CudaText, block_size, emit_threads, quotient
from lowering.cuda.parts import Part
from lowering.expression import PRODUCT
from lowering.kernel_text import constant, local_dtype
from lowering.loops import Axis, Kernel, Load, Place, Reduce
from lowering.nest import prepare_axes
from lowering.passes.domains import BLAS_DTYPES, is_matrix_product
from lowering.plan import Product
from lowering.products import merged_batch
from lowering.sorting import indented
from lowering.views import Buffer, View, whole

TILE = 64            # rows and columns of a tile of the result, the smaller one
NARROW, WIDE = 4, 8  # how many times 16 of them a tile has; each thread has as many
MANY_TILES = 128     # large ones, from which on these are used
DEPTH = 16           # of the tiles in shared memory
LEAST = 32           # rows and columns from which on tiles are used
MOST = 65535         # blocks of a grid in its second and third dimension
BLOCKS = 264         # that keep a large GPU busy
PIECE = 512          # elements of a piece of a sum, at least
LIBRARY_DTYPES = ("float16", "bfloat16", "float32", "float64")
MOST_CALLS = 64      # of the library for one batch


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


def is_for_library(step: Product) -> bool:
    """Whether a product is computed by cuBLAS where that is asked for: one of large matrices, of
    its dtypes, whose batch takes few calls."""
    left, right = step.left, step.right
    shape, _ = merged_batch(left, right)
    return step.target.dtype.name in LIBRARY_DTYPES and min(left.rows, right.rows) >= LEAST \
        and left.columns > 0 and 0 < math.prod(left.batch_shape) \
        and math.prod(shape[:-1]) <= MOST_CALLS


def product_kernels(step: Product) -> list[CudaText]:
    """The kernels of a product, in order."""
    left, right = step.left, step.right
    count = math.prod(left.batch_shape)
    if not count * left.rows * right.rows:
        return []
    epilogue = step.epilogue or store_of(step, step.target, 1)
    large = min(left.rows, right.rows) >= LEAST and right.rows <= MOST * TILE
    if not large:
        return [_by_element(step, count, epilogue)]
    pieces = _pieces(step, count)
    if pieces == 1:
        return [_by_tiles(step, count, 1, epilogue)]
    view = whole(Buffer(local_dtype(step.target.dtype), pieces * step.target.size),
                 (pieces, step.target.size))
    return [_by_tiles(step, count, pieces, store_of(step, view, pieces)),
            _total(step, view, epilogue)]


def _pieces(step: Product, count: int) -> int:
    """Into how many pieces each sum is cut."""
    tiles = count * -(-step.left.rows // TILE) * -(-step.right.rows // TILE)
    return max(min(BLOCKS // tiles, step.left.columns // PIECE), 1)


def _total(step: Product, view: View, epilogue: Kernel) -> CudaText:
    """The sum of the pieces in place of what `epilogue` reads."""
    piece, result = Axis(view.shape[0]), step.target.buffer.root()
    changed: dict = {}
    statements: list = []
    for statement in epilogue.statements:
        if isinstance(statement, Load) and statement.place.view.buffer.root() is result:
            statements += _sum_over(piece, view, statement)
        else:
            inputs = [changed[id(value)] for value in statement.inputs]
            statements.append(replace(statement, inputs=inputs))
        changed[id(statement)] = statements[-1]
    kernel = prepare_axes(Kernel(statements, [piece, *epilogue.axes]))
    return emit_threads(Part(kernel, [axis for axis in kernel.axes if axis is not piece]))


def _sum_over(piece: Axis, view: View, load: Load) -> list:
    """The sum over the pieces of what a statement loads."""
    strides = {piece: view.shape[1], **load.place.coefficients}
    each = Load([], view.dtype, frozenset(strides), load.location, place=Place(view, 0, strides))
    return [each, Reduce([each], view.dtype, each.axes, load.location, over=frozenset([piece]),
                         init=view.dtype.type(0), combine="sum_step({acc}, {0})")]


# ---- a thread for each element ----

def _by_element(step: Product, count: int, epilogue: Kernel) -> CudaText:
    points = count * step.left.rows * step.right.rows
    batch = _Batch(step)
    indices = [f"row, column = {quotient('point', 'columns', points)}"] if not batch.rank else [
        f"rest, column = {quotient('point', 'columns', points)}",
        f"matrix, row = {quotient('rest', 'rows', points)}"]
    emitter = ElementEmitter(step, epilogue, {**_sizes(step), **batch.numbers()})
    left = emitter.operand(0, f"x0[{batch.left}row * left_row + k * left_k]")
    right = emitter.operand(1, f"x1[{batch.right}column * right_row + k * right_k]")
    emitter.write(1, [f"point = {THREAD}", f"if point < {batch.count}rows * columns:"])
    emitter.write(2, [
        *indices, *batch.lines(),
        f"acc = {_zero(step)}",
        "for k in range(inner):",
        f"    acc = acc + {left.within(PRODUCT)} * {right.within(PRODUCT + 1)}"])
    emitter.element(2, "acc")
    block = block_size(points)
    return emitter.text((-(-points // block),), block, 1)


# ---- tile by tile ----

def _share(step: Product, count: int) -> int:
    """How many rows and columns of a tile a thread computes: more where there are tiles enough,
    as what is brought into shared memory is then used more often."""
    tiles = count * -(-step.left.rows // (16 * WIDE)) * -(-step.right.rows // (16 * WIDE))
    small = local_dtype(step.target.dtype).itemsize <= 4
    return WIDE if small and tiles >= MANY_TILES else NARROW


def _by_tiles(step: Product, count: int, pieces: int, epilogue: Kernel) -> CudaText:
    """pieces: of each sum."""
    batch, share = _Batch(step), _share(step, count) if pieces == 1 else NARROW
    several = batch.rank > 0 or pieces > 1
    numbers = {**_sizes(step), **batch.numbers(), **({"pieces": pieces} if several else {})}
    emitter = ElementEmitter(step, epilogue, numbers)
    kind, tile = name_of(local_dtype(step.target.dtype)), 16 * share
    emitter.arrays([
        f"tile0 = cuda.shared.array(({DEPTH}, {tile + 1}), {kind})",
        f"tile1 = cuda.shared.array(({DEPTH}, {tile + 1}), {kind})",
        f"acc = cuda.local.array({share * share}, {kind})"])
    emitter.write(1, [
        "thread = cuda.threadIdx.x",
        "down, across = divided(thread, 16)",
        f"top, side = cuda.blockIdx.x * {tile}, cuda.blockIdx.y * {tile}"])
    if several:
        emitter.write(1, [f"for number in range(cuda.blockIdx.z, {batch.count}pieces, "
                          "cuda.gridDim.z):"])
        emitter.write(2, [f"matrix, piece = {quotient('number', 'pieces', count * pieces)}"
                          if batch.rank else "piece = number", *batch.lines()])
    _one_product(emitter, step, batch, share, 2 if several else 1)
    grid = (-(-step.left.rows // tile), -(-step.right.rows // tile), min(count * pieces, MOST))
    return emitter.text(grid, 256, 1)


def _one_product(emitter: ElementEmitter, step: Product, batch: _Batch, share: int, depth: int):
    """A tile of the result of one product, or of one piece of it if there are several."""
    first, gap = (f"piece * {DEPTH}", f"pieces * {DEPTH}") if depth > 1 else ("0", str(DEPTH))
    emitter.write(depth, [
        f"for r in range({share}):",
        f"    for c in range({share}):",
        f"        acc[{share} * r + c] = {_zero(step)}",
        f"for start_k in range({first}, inner, {gap}):",
        *indented(1, _fetch("tile0", "top", "rows", ("left_row", "left_k"), share,
                            f"{batch.left}row * left_row + k * left_k",
                            emitter.operand(0, "x0[at]").text, step.left, step)),
        *indented(1, _fetch("tile1", "side", "columns", ("right_row", "right_k"), share,
                            f"{batch.right}row * right_row + k * right_k",
                            emitter.operand(1, "x1[at]").text, step.right, step)),
        "    cuda.syncthreads()",
        f"    for k in range({DEPTH}):",
        f"        for r in range({share}):",
        f"            for c in range({share}):",
        f"                acc[{share} * r + c] += tile0[k, down + 16 * r] "
        "* tile1[k, across + 16 * c]",
        "    cuda.syncthreads()"])
    _each_sum(emitter, share, depth)


def _each_sum(emitter: ElementEmitter, share: int, depth: int):
    """What is done with the sums of a thread. If it is much, it is a loop that is not unrolled:
    as registers have no index, the sums move on, and it is always the turn of the first."""
    if emitter.is_light():
        emitter.write(depth, [
            f"for r in range({share}):",
            "    row = top + down + 16 * r",
            f"    for c in range({share}):",
            "        column = side + across + 16 * c",
            "        if row < rows and column < columns:"])
        emitter.element(depth + 3, f"acc[{share} * r + c]")
        return
    emitter.write(depth, [
        f"for part in range({share * share}):",
        f"    row, column = top + down + 16 * (part // {share}), "
        f"side + across + 16 * (part % {share})",
        "    if row < rows and column < columns:"])
    emitter.element(depth + 2, "acc[0]")
    emitter.write(depth, [f"    for k in range({share * share - 1}):",
                          "        acc[k] = acc[k + 1]"])


def _fetch(tile: str, first: str, limit: str, strides: tuple, share: int, place: str, element: str,
           matrices, step: Product) -> list[str]:
    """A tile of an operand; neighbouring threads take neighbours in memory."""
    width = 16 * share
    along_k = matrices.column_stride == 1
    order, gap = (f"j, i = divided(thread, {DEPTH})", 256 // DEPTH) if along_k else \
        (f"i, j = divided(thread, {width})", 256 // width)
    target = f"{tile}[i, j + {gap} * part]" if along_k else f"{tile}[i + {gap} * part, j]"
    moved, stride = ("row", strides[0]) if along_k else ("k", strides[1])
    return [order, f"row, k = {first} + j, start_k + i", f"at = {place}",
            f"for part in range({share}):",
            f"    {target} = {_zero(step)}",
            f"    if row < {limit} and k < inner:",
            f"        {target} = {element}",
            f"    {moved}, at = {moved} + {gap}, at + {gap} * {stride}"]


# ---- pieces of text ----

def _zero(step: Product) -> str:
    return constant(local_dtype(step.target.dtype).type(0))


def _sizes(step: Product) -> dict:
    left, right = step.left, step.right
    return {"rows": left.rows, "columns": right.rows, "inner": left.columns,
            "left_row": left.row_stride, "left_k": left.column_stride,
            "right_row": right.row_stride, "right_k": right.column_stride}


class _Batch:
    """The place of a matrix in a batch with a stride for each dimension."""

    def __init__(self, step: Product):
        dims = zip(step.left.batch_shape, step.left.batch_strides, step.right.batch_strides)
        self.dims = _merged([dim for dim in dims if dim[0] != 1])
        self.rank = len(self.dims)
        self.matrices = math.prod(n for n, _, _ in self.dims)
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
            lines += [f"rest, at = {quotient('rest', f'n{k}', self.matrices)}",
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

