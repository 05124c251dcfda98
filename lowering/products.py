"""Matrix products as BLAS sees them: operands as batches of matrices with two strides.

Imports `views` only.
"""
from __future__ import annotations

from dataclasses import dataclass

from lowering.views import View


@dataclass(frozen=True, slots=True)
class Matrices:
    """A batch of matrices in a buffer: `rows` by `columns`, one of the strides being one."""
    view: View
    batch_shape: tuple
    batch_strides: tuple
    rows: int
    columns: int
    row_stride: int
    column_stride: int


def as_matrices(view: View, batch, rows, columns) -> Matrices | None:
    """A view with its dimensions grouped into batch, rows and columns.

    None if a group has no single stride, or no stride is one: then a copy is needed.
    """
    row, column = _group(view, rows), _group(view, columns)
    if row is None or column is None:
        return None
    (row_size, row_stride), (column_size, column_stride) = row, column
    row_stride, column_stride = _settled(row_size, row_stride, column_size, column_stride)
    if row_stride != 1 and column_stride != 1:
        return None
    if row_stride == 1 and column_stride != 1 and column_stride < row_size \
            or column_stride == 1 and row_stride != 1 and row_stride < column_size:
        return None                                     # rows that overlap
    return Matrices(view, tuple(view.shape[k] for k in batch),
                    tuple(view.strides[k] if view.shape[k] != 1 else 0 for k in batch),
                    row_size, column_size, row_stride, column_stride)


def _group(view: View, dims) -> tuple[int, int] | None:
    """Several dimensions as one: (size, stride)."""
    size, stride = 1, None
    for k in reversed(dims):
        if view.shape[k] == 1:
            continue
        if stride is None:
            stride = view.strides[k]
        elif view.strides[k] != stride * size:
            return None
        size *= view.shape[k]
    return size, 0 if stride is None else stride


def _settled(rows: int, row_stride: int, columns: int, column_stride: int):
    """Strides of dimensions of size one, chosen so that the matrix has a unit stride."""
    if columns == 1:
        return (row_stride, 1) if row_stride >= 1 else (1, 1)
    if rows == 1:
        return (columns, 1) if column_stride == 1 else (1, column_stride)
    return row_stride, column_stride


def merged_batch(left: Matrices, right: Matrices) -> tuple[list, list]:
    """The batch's shape, and for each dimension by how many elements left, right and target move.

    Dimensions that follow each other in all three are one, those of size one are none.
    """
    shape, moves = [], []
    place = left.rows * right.rows
    for size, *strides in reversed(list(zip(left.batch_shape, left.batch_strides,
                                            right.batch_strides))):
        step = (*strides, place)
        place *= size
        if size == 1:
            continue
        if shape and all(outer == inner * shape[-1] for outer, inner in zip(step, moves[-1])):
            shape[-1] *= size
        else:
            shape.append(size)
            moves.append(step)
    return shape[::-1], moves[::-1]
