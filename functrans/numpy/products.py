"""Products of arrays: dot, matmul, tensordot, einsum, outer and their kin.

`precision` is JAX's, and of no effect: products are rounded no further than their dtype.
`preferred_element_type` is the dtype of the result; where it is wider, the product is computed in
it.

Imports `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_bool
from functrans.numpy.promotion import (as_arraylike, broadcast_one, broadcast_shapes,
                                       canonical_axis, canonical_dtype, promote, promote_types)
from functrans.numpy.ufunc import refuse_out
from functrans.primitives.contract import dot_general
from functrans.primitives.elementwise import conj, convert
from functrans.primitives.shape import move_axis, reshape


def _operands(a, b, name: str) -> list:
    """Both as arrays of one dtype. Booleans are multiplied as integers: see `_result`."""
    return promote(as_arraylike(a, name), as_arraylike(b, name))


def in_preferred(product: Callable, a, b, dtype):
    """`product(a, b)` of arrays, with a result of a dtype, if one is given."""
    if dtype is None:
        return product(a, b)
    dtype = canonical_dtype(dtype)
    wide = promote_types(promote_types(a.dtype, b.dtype), dtype)
    return convert(product(convert(a, wide), convert(b, wide)), dtype)


def contract(a, b, contracted, batch=((), ())):
    """`dot_general`, of booleans too: there is a pair of which both are true."""
    if is_bool(a.dtype):
        counts = dot_general(convert(a, np.int64), convert(b, np.int64), contracted, batch)
        return counts != 0
    return dot_general(a, b, contracted, batch)


def _mismatch(name: str, a, b, axis_a: int, axis_b: int):
    return ShapeError(f"{name}: axis {axis_a} of {a.type} and axis {axis_b} of {b.type} are summed "
                      f"over together, but have sizes {a.shape[axis_a]} and {b.shape[axis_b]}")


def dot(a, b, out=None, *, precision=None, preferred_element_type=None):
    """The inner product of vectors, the matrix product of matrices, or a scaled array.

    For more axes: the sum over the last axis of `a` and the last but one of `b`.

    >>> import functrans.numpy as fnp
    >>> fnp.dot(fnp.ones(3), fnp.ones(3))
    Array(3., dtype=float32)
    """
    refuse_out(out, "dot")
    return in_preferred(_dot, *_operands(a, b, "dot"), preferred_element_type)


def _dot(a, b):
    if not a.ndim or not b.ndim:
        return a * b
    last, place = a.ndim - 1, max(b.ndim - 2, 0)
    if a.shape[last] != b.shape[place]:
        raise _mismatch("dot", a, b, last, place)
    return contract(a, b, ((last,), (place,)))


def vdot(a, b, *, precision=None, preferred_element_type=None):
    """The inner product of all elements, the first argument conjugated.

    >>> import functrans.numpy as fnp
    >>> fnp.vdot(fnp.ones((2, 2)), fnp.ones((2, 2)))
    Array(4., dtype=float32)
    """
    a, b = _operands(a, b, "vdot")
    a = conj(a) if a.dtype.kind == "c" else a
    return in_preferred(_dot, reshape(a, (a.size,)), reshape(b, (b.size,)),
                        preferred_element_type)


def matmul(a, b, /, *, precision=None, preferred_element_type=None, dtype=None):
    """The matrix product a @ b; leading axes are broadcast, vectors are rows or columns.

    Raises ValueError for scalars and for sizes that do not fit.

    >>> import functrans.numpy as fnp
    >>> fnp.matmul(fnp.ones((2, 3)), fnp.ones((3, 4))).shape
    (2, 4)
    """
    a, b = _operands(a, b, "matmul")
    if dtype is not None:
        a, b = convert(a, canonical_dtype(dtype)), convert(b, canonical_dtype(dtype))
    return in_preferred(_matmul, a, b, preferred_element_type)


def _matmul(a, b):
    if not a.ndim or not b.ndim:
        raise ArgumentError("matmul: scalars cannot be matrix-multiplied; use multiply")
    if a.ndim == 1 and b.ndim == 1:
        return _dot(a, b)
    inner = max(b.ndim - 2, 0)
    if a.shape[-1] != b.shape[inner]:
        raise _mismatch("matmul", a, b, a.ndim - 1, inner)
    if b.ndim <= 2:
        return contract(a, b, ((a.ndim - 1,), (inner,)))
    return _batched_matmul(a, b)


def _batched_matmul(a, b):
    """b has leading axes; those that both have and that agree become batch dimensions."""
    vector = a.ndim == 1
    a = reshape(a, (1, a.size)) if vector else a
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if not a.shape[:-2] or all(size == 1 for size in a.shape[:-2]) and a.ndim <= b.ndim:
        # One matrix for all: a free dimension of the product, moved behind afterwards.
        a = reshape(a, a.shape[-2:])
        out = move_axis(contract(a, b, ((1,), (b.ndim - 2,))), 0, b.ndim - 2)
        out = reshape(out, (*lead, *out.shape[-2:]))
    else:
        a = broadcast_one(a, (*lead, *a.shape[-2:]))
        b = broadcast_one(b, (*lead, *b.shape[-2:]))
        count = len(lead)
        out = contract(a, b, ((count + 1,), (count,)), (range(count), range(count)))
    return reshape(out, (*lead, out.shape[-1])) if vector else out


def inner(a, b, *, precision=None, preferred_element_type=None):
    """The sum of products over the last axes of both.

    >>> import functrans.numpy as fnp
    >>> fnp.inner(fnp.ones(3), fnp.ones(3))
    Array(3., dtype=float32)
    """
    return in_preferred(_inner, *_operands(a, b, "inner"), preferred_element_type)


def _inner(a, b):
    if not a.ndim or not b.ndim:
        return a * b
    if a.shape[-1] != b.shape[-1]:
        raise _mismatch("inner", a, b, a.ndim - 1, b.ndim - 1)
    return contract(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def outer(a, b, out=None):
    """All products of an element of `a` and one of `b`, as a matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.outer(fnp.ones(2), fnp.ones(3)).shape
    (2, 3)
    """
    refuse_out(out, "outer")
    a, b = _operands(a, b, "outer")
    return reshape(a, (a.size, 1)) * reshape(b, (1, b.size))


def tensordot(a, b, axes=2, *, precision=None, preferred_element_type=None):
    """The sum of products over pairs of axes.

    axes: how many (the last of `a` with the first of `b`), or two sequences of axes.

    >>> import functrans.numpy as fnp
    >>> fnp.tensordot(fnp.ones((2, 3)), fnp.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    return in_preferred(partial(_tensordot, axes=axes), *_operands(a, b, "tensordot"),
                        preferred_element_type)


def _tensordot(a, b, axes):
    if hasattr(axes, "__index__"):
        count = axes.__index__()
        left, right = range(a.ndim - count, a.ndim), range(count)
        if count > min(a.ndim, b.ndim):
            raise np.exceptions.AxisError(
                f"tensordot: {count} axes of {a.type} and {b.type} cannot be summed over")
    else:
        left, right = (part if hasattr(part, "__len__") else (part,) for part in axes)
    left = [canonical_axis(k, a.ndim) for k in left]
    right = [canonical_axis(k, b.ndim) for k in right]
    if len(left) != len(right):
        raise ArgumentError("tensordot: the two lists of axes differ in length")
    for i, j in zip(left, right):
        if a.shape[i] != b.shape[j]:
            raise _mismatch("tensordot", a, b, i, j)
    return contract(a, b, (left, right))


def vecdot(x1, x2, /, *, axis: int = -1, precision=None, preferred_element_type=None):
    """The inner products of vectors along `axis`, the first conjugated.

    >>> import functrans.numpy as fnp
    >>> fnp.vecdot(fnp.ones((2, 3)), fnp.ones((2, 3)))
    Array([3., 3.], dtype=float32)
    """
    return in_preferred(partial(_vecdot, axis=axis), *_operands(x1, x2, "vecdot"),
                        preferred_element_type)


def _vecdot(x1, x2, axis: int):
    x1 = conj(x1) if x1.dtype.kind == "c" else x1
    k1, k2 = canonical_axis(axis, x1.ndim), canonical_axis(axis, x2.ndim)
    x1, x2 = move_axis(x1, k1, x1.ndim - 1), move_axis(x2, k2, x2.ndim - 1)
    if x1.shape[-1] != x2.shape[-1]:
        raise _mismatch("vecdot", x1, x2, k1, k2)
    shape = broadcast_shapes(x1.shape, x2.shape)
    x1, x2 = broadcast_one(x1, shape), broadcast_one(x2, shape)
    lead = range(len(shape) - 1)
    return contract(x1, x2, ((len(shape) - 1,), (len(shape) - 1,)), (lead, lead))


def matvec(x1, x2, /):
    """Matrices times vectors; leading axes are broadcast.

    >>> import functrans.numpy as fnp
    >>> fnp.matvec(fnp.ones((2, 3)), fnp.ones(3))
    Array([3., 3.], dtype=float32)
    """
    product = matmul(x1, as_arraylike(x2)[..., None])
    return reshape(product, product.shape[:-1])


def vecmat(x1, x2, /):
    """Vectors (conjugated) times matrices; leading axes are broadcast.

    >>> import functrans.numpy as fnp
    >>> fnp.vecmat(fnp.ones(2), fnp.ones((2, 3)))
    Array([2., 2., 2.], dtype=float32)
    """
    x1 = as_arraylike(x1)
    x1 = conj(x1) if x1.dtype.kind == "c" else x1
    product = matmul(x1[..., None, :], x2)
    return reshape(product, (*product.shape[:-2], product.shape[-1]))


def kron(a, b):
    """The Kronecker product: each element of `a` times all of `b`.

    >>> import functrans.numpy as fnp
    >>> fnp.kron(fnp.eye(2), fnp.ones((1, 2))).shape
    (2, 4)
    """
    a, b = _operands(a, b, "kron")
    rank = max(a.ndim, b.ndim)
    a = reshape(a, (1,) * (rank - a.ndim) + a.shape)
    b = reshape(b, (1,) * (rank - b.ndim) + b.shape)
    wide = [size for pair in zip(a.shape, (1,) * rank) for size in pair]
    thin = [size for pair in zip((1,) * rank, b.shape) for size in pair]
    product = reshape(a, wide) * reshape(b, thin)
    return reshape(product, [m * n for m, n in zip(a.shape, b.shape)])


def cross(a, b, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None):
    """The cross product of vectors of 3 elements (or of 2: its third component).

    >>> import functrans.numpy as fnp
    >>> fnp.cross(fnp.array([1, 0, 0]), fnp.array([0, 1, 0]))
    Array([0, 0, 1], dtype=int64)
    """
    from functrans.numpy.joining import stack
    from functrans.numpy.manipulation import moveaxis
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _operands(a, b, "cross")
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ShapeError(f"cross takes vectors of 2 or 3 elements, got {a.type} and {b.type}")
    a0, a1, b0, b1 = a[..., 0], a[..., 1], b[..., 0], b[..., 1]
    third = a0 * b1 - a1 * b0
    if a.shape[-1] == b.shape[-1] == 2:
        return third
    a2 = a[..., 2] if a.shape[-1] == 3 else a0 * 0
    b2 = b[..., 2] if b.shape[-1] == 3 else b0 * 0
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, third]
    return moveaxis(stack(parts, -1), -1, axisc)


def trace(a, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype=None,
          out=None):
    """The sum along a diagonal.

    >>> import functrans.numpy as fnp
    >>> fnp.trace(fnp.eye(3))
    Array(3., dtype=float32)
    """
    from functrans.numpy.diagonals import diagonal
    from functrans.numpy.reductions import sum
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype, out)
