"""`dot_general`: sums of products over pairs of dimensions, the primitive of all products.

Imports `ir`, `trace`, `primitives.basic`, `primitives.shape`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import ShapeError
from functrans.ir.primitive import Contract, Primitive
from functrans.ir.type import ArrayType, is_float
from functrans.primitives.basic import add_tangents, is_linear, require, same_dtype
from functrans.primitives.shape import move_axis, transpose
from functrans.trace import bind


def _free(ndim: int, *used) -> list[int]:
    """The dimensions that are neither contracted nor batched."""
    return [k for k in range(ndim) if not any(k in dims for dims in used)]


def _infer(lhs, rhs, *, contract, batch):
    require("number", same_dtype((lhs, rhs), "dot_general"), "dot_general")
    for kind, pairs in (("contracted", contract), ("batch", batch)):
        for left, right in zip(*pairs, strict=True):
            if lhs.shape[left] != rhs.shape[right]:
                raise ShapeError(
                    f"dot_general: {kind} dimensions differ in size: axis {left} of {lhs} "
                    f"and axis {right} of {rhs}")
    (lc, rc), (lb, rb) = contract, batch
    shape = ([lhs.shape[k] for k in lb] + [lhs.shape[k] for k in _free(lhs.ndim, lc, lb)]
             + [rhs.shape[k] for k in _free(rhs.ndim, rc, rb)])
    return ArrayType(tuple(shape), lhs.dtype)


def _evaluate(lhs, rhs, *, contract, batch):
    """As one matrix product: (batch, free, contracted) by (batch, contracted, free)."""
    (lc, rc), (lb, rb) = contract, batch
    lf, rf = _free(lhs.ndim, lc, lb), _free(rhs.ndim, rc, rb)
    count = math.prod(lhs.shape[k] for k in lc)
    batch_shape = tuple(lhs.shape[k] for k in lb)
    left_shape = tuple(lhs.shape[k] for k in lf)
    right_shape = tuple(rhs.shape[k] for k in rf)
    left = lhs.transpose(*lb, *lf, *lc).reshape(*batch_shape, math.prod(left_shape), count)
    right = rhs.transpose(*rb, *rc, *rf).reshape(*batch_shape, count, math.prod(right_shape))
    if lhs.dtype.itemsize == 2 and is_float(lhs.dtype):      # accumulate in float32
        left, right = left.astype(np.float32), right.astype(np.float32)
    product = np.matmul(left, right).astype(lhs.dtype, copy=False)
    return product.reshape(batch_shape + left_shape + right_shape)


def _jvp(out, primals, tangents, params):
    (lhs, rhs), (dl, dr) = primals, tangents
    left = None if dl is None else bind(dot_general_p, dl, rhs, **params)
    right = None if dr is None else bind(dot_general_p, lhs, dr, **params)
    return add_tangents(left, right)


def _transpose(ct, inputs, params):
    lhs, rhs = inputs
    (lc, rc), (lb, rb) = params["contract"], params["batch"]
    if is_linear(lhs):
        return _transpose_left(ct, lhs, rhs, (lc, rc), (lb, rb), swap=False), None
    return None, _transpose_left(ct, rhs, lhs, (rc, lc), (rb, lb), swap=True)


def _transpose_left(ct, x, y, contract, batch, swap: bool):
    """The cotangent of operand x, given ct and the other operand y.

    swap: whether x was the right operand, so that y's free dimensions come first in ct.
    """
    (xc, yc), (xb, yb) = contract, batch
    x_free, y_free = _free(x.ndim, xc, xb), _free(y.ndim, yc, yb)
    count = len(xb)
    start = count if swap else count + len(x_free)
    ct_dims = tuple(range(start, start + len(y_free)))
    result = bind(dot_general_p, ct, y, contract=(ct_dims, tuple(y_free)),
                  batch=(tuple(range(count)), tuple(yb)))
    # The result has dimensions (batch, x_free, contracted in y's order): put them back.
    contracted = [xc[yc.index(k)] for k in sorted(yc)]
    places = list(xb) + x_free + contracted
    return transpose(result, np.argsort(places).tolist())


def _batch_rule(size, args, batched, params):
    (lc, rc), (lb, rb) = params["contract"], params["batch"]
    lc, lb = _behind(lc, batched[0]), _behind(lb, batched[0])
    rc, rb = _behind(rc, batched[1]), _behind(rb, batched[1])
    if all(batched):
        return bind(dot_general_p, *args, contract=(lc, rc), batch=((0, *lb), (0, *rb))), True
    out = bind(dot_general_p, *args, contract=(lc, rc), batch=(lb, rb))
    place = len(lb)                       # the mapped axis is the first free one of its operand
    if batched[1]:
        place += len(_free(args[0].ndim, lc, lb))
    return move_axis(out, place, 0), True


def _behind(dims, batched: bool) -> tuple:
    return tuple(k + 1 for k in dims) if batched else tuple(dims)


dot_general_p = Primitive(
    name="dot_general", infer=_infer, evaluate=_evaluate, jvp=_jvp, transpose=_transpose,
    batch=_batch_rule,
    kernel=lambda types, params: Contract(params["contract"], params["batch"]))


def dot_general(lhs, rhs, contract, batch=((), ())):
    """Sums of products; the result has dimensions (batch, free of lhs, free of rhs).

    contract: pairs of dimensions to sum over: `(lhs dims, rhs dims)`; batch: likewise, pairs
    of dimensions that run together. Shapes as in XLA's DotGeneral.
    """
    return bind(dot_general_p, lhs, rhs,
                contract=tuple(tuple(map(int, dims)) for dims in contract),
                batch=tuple(tuple(map(int, dims)) for dims in batch))
