"""Products of arrays: dot_general, dot, batch_matmul. Imports `lax.operands`, `primitives`."""
from __future__ import annotations

import enum

from functrans.errors import ShapeError
from functrans.lax.operands import axes_of, checked, of_one_dtype, one
from functrans.numpy.products import in_preferred
from functrans.primitives import contract


class Precision(enum.Enum):
    """How products are to be rounded. All mean the same: no further than their dtype."""
    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2


# What `dimension_numbers` of a product are called in annotations.
DotDimensionNumbers = tuple[tuple[tuple, tuple], tuple[tuple, tuple]]
PrecisionLike = str | Precision | tuple | None


def dot_general(lhs, rhs, dimension_numbers, precision=None, preferred_element_type=None):
    """Sums of products over pairs of dimensions: (batch, free of lhs, free of rhs).

    dimension_numbers: `((lhs_contracting, rhs_contracting), (lhs_batch, rhs_batch))`: dimensions
    that are summed over, and dimensions that run together. preferred_element_type: the dtype of the
    result, in which it is computed if it is the wider one. precision: of no effect, products are
    never rounded further.
    Raises TypeError for different dtypes, ShapeError, a ValueError, for sizes that differ.

    >>> from functrans import lax, numpy as fnp
    >>> lax.dot_general(fnp.ones((2, 3)), fnp.ones((2, 3)), (((1,), (1,)), ((0,), (0,))))
    Array([3., 3.], dtype=float32)
    """
    lhs, rhs = of_one_dtype("dot_general", one(lhs, "dot_general"), one(rhs, "dot_general"))
    contracting, batch = (tuple(axes_of(dims, x.ndim, "dot_general")
                                for dims, x in zip(pair, (lhs, rhs), strict=True))
                          for pair in dimension_numbers)
    _check_pairs(lhs, rhs, contracting, batch)
    checked(contract.dot_general_p, lhs, rhs, contract=contracting, batch=batch)
    return in_preferred(lambda x, y: contract.dot_general(x, y, contracting, batch), lhs, rhs,
                        preferred_element_type)


def _check_pairs(lhs, rhs, contracting: tuple, batch: tuple):
    for left, right in (contracting, batch):
        if len(left) != len(right):
            raise ShapeError(f"lax.dot_general: dimensions come in pairs, got {left} of "
                             f"{lhs.type} and {right} of {rhs.type}")
    for side, x in ((0, lhs), (1, rhs)):
        if set(contracting[side]) & set(batch[side]):
            raise ShapeError(f"lax.dot_general: a dimension of {x.type} cannot be both summed "
                             f"over, {contracting[side]}, and a batch dimension, {batch[side]}")


def dot(lhs, rhs, *, dimension_numbers=None, precision=None, preferred_element_type=None):
    """The product of vectors and matrices; with `dimension_numbers`, `dot_general`.

    >>> from functrans import lax, numpy as fnp
    >>> lax.dot(fnp.ones((2, 3)), fnp.ones(3))
    Array([3., 3.], dtype=float32)
    """
    lhs, rhs = one(lhs, "dot"), one(rhs, "dot")
    if dimension_numbers is None:
        if not (1 <= lhs.ndim <= 2 and 1 <= rhs.ndim <= 2) or lhs.shape[-1] != rhs.shape[0]:
            raise ShapeError(f"lax.dot takes vectors and matrices that fit, got {lhs.type} and "
                             f"{rhs.type}; use lax.dot_general, or functrans.numpy.matmul")
        dimension_numbers = (((lhs.ndim - 1,), (0,)), ((), ()))
    return dot_general(lhs, rhs, dimension_numbers, precision, preferred_element_type)


def batch_matmul(lhs, rhs, precision=None):
    """The products of matrices, the last two axes, with equal leading batch axes.

    >>> from functrans import lax, numpy as fnp
    >>> lax.batch_matmul(fnp.ones((5, 2, 3)), fnp.ones((5, 3, 4))).shape
    (5, 2, 4)
    """
    lhs, rhs = one(lhs, "batch_matmul"), one(rhs, "batch_matmul")
    if lhs.ndim < 2 or lhs.ndim != rhs.ndim:
        raise ShapeError(f"lax.batch_matmul takes matrices with equal numbers of batch axes, got "
                         f"{lhs.type} and {rhs.type}; use functrans.numpy.matmul")
    batch = tuple(range(lhs.ndim - 2))
    return dot_general(lhs, rhs, (((lhs.ndim - 1,), (rhs.ndim - 2,)), (batch, batch)), precision)
