"""Primitives that only move elements: reshape, transpose, slice + pad, concatenate, iota.

Adjoint pairs stand together. Imports `ir`, `trace`, `primitives.basic`, `primitives.define`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import ShapeError
from functrans.extras import as_dtype
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType
from functrans.primitives.basic import (broadcast, full, is_linear, reduce_sum, same_dtype,
                                        type_of_value, with_batch_axis, zeros)
from functrans.primitives.define import linear_jvp
from functrans.primitives.elementwise import select, sub
from functrans.trace import bind


def _unary_jvp(primitive):
    """The jvp of a linear primitive of one operand: itself, on the tangent."""
    return lambda out, primals, tangents, params: bind(primitive(), tangents[0], **params)


# ---- reshape ----

def _infer_reshape(operand, *, shape):
    if math.prod(shape) != operand.size:
        raise ShapeError(f"cannot reshape {operand} of {operand.size} elements to shape "
                         f"{tuple(shape)} of {math.prod(shape)}")
    return ArrayType(shape, operand.dtype)


reshape_p = Primitive(
    name="reshape", infer=_infer_reshape,
    evaluate=lambda x, *, shape: np.reshape(x, shape),
    jvp=_unary_jvp(lambda: reshape_p),
    transpose=lambda ct, inputs, params: (reshape(ct, inputs[0].shape),),
    batch=lambda size, args, batched, params: (reshape(args[0], (size, *params["shape"])), True),
    kernel=lambda types, params: kernels.Reshape())


def reshape(x, shape):
    """The same elements, row by row, in another shape."""
    shape = tuple(shape)
    return x if x.shape == shape else bind(reshape_p, x, shape=shape)


def expand_dims(x, axes):
    """New axes of size one, at the positions `axes` of the result."""
    shape = list(x.shape)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return reshape(x, shape)


# ---- transpose ----

def _infer_transpose(operand, *, perm):
    if sorted(perm) != list(range(operand.ndim)):
        raise ShapeError(f"transpose: {perm} is not a permutation of the axes of {operand}")
    return ArrayType(tuple(operand.shape[k] for k in perm), operand.dtype)


transpose_p = Primitive(
    name="transpose", infer=_infer_transpose,
    evaluate=lambda x, *, perm: np.transpose(x, perm),
    jvp=_unary_jvp(lambda: transpose_p),
    transpose=lambda ct, inputs, params:
        (transpose(ct, np.argsort(params["perm"]).tolist()),),
    batch=lambda size, args, batched, params:
        (transpose(args[0], (0, *(k + 1 for k in params["perm"]))), True),
    kernel=lambda types, params: kernels.Transpose(params["perm"]))


def transpose(x, perm):
    """Axis k of the result is axis `perm[k]` of x."""
    perm = tuple(perm)
    return x if perm == tuple(range(len(perm))) else bind(transpose_p, x, perm=perm)


def move_axis(x, source: int, target: int):
    """`x` with one axis moved, the others in order."""
    order = [k for k in range(x.ndim) if k != source]
    order.insert(target, source)
    return transpose(x, order)


# ---- reverse ----

reverse_p = Primitive(
    name="reverse", infer=lambda operand, *, axes: operand.strong(),
    evaluate=lambda x, *, axes: np.flip(x, axes),
    jvp=_unary_jvp(lambda: reverse_p),
    transpose=lambda ct, inputs, params: (bind(reverse_p, ct, **params),),
    batch=lambda size, args, batched, params:
        (reverse(args[0], [axis + 1 for axis in params["axes"]]), True),
    kernel=lambda types, params: kernels.Slice(
        tuple(size - 1 if k in params["axes"] else 0
              for k, size in enumerate(types[0].shape)),
        tuple(-1 if k in params["axes"] else 1 for k in range(types[0].ndim))))


def reverse(x, axes):
    """`x` read backwards along `axes`."""
    return bind(reverse_p, x, axes=tuple(axes)) if axes else x


# ---- slice, and its adjoint pad ----

def _infer_slice(operand, *, start, limit, step):
    if not len(start) == len(limit) == len(step) == operand.ndim:
        raise ShapeError(f"slice: start, limit and step must have {operand.ndim} entries")
    for low, high, stride, size in zip(start, limit, step, operand.shape):
        if not (0 <= low <= high <= size and stride >= 1):
            raise ShapeError(f"slice {low}:{high}:{stride} is outside of an axis of "
                             f"size {size} of {operand}")
    shape = tuple(-(-(high - low) // stride) for low, high, stride in zip(start, limit, step))
    return ArrayType(shape, operand.dtype)


def _transpose_slice(ct, inputs, params):
    start, step = params["start"], params["step"]
    high = []
    for low, size, stride, count in zip(start, inputs[0].shape, step, ct.shape):
        covered = low + (count - 1) * stride + 1 if count else low
        high.append(size - covered)
    return (pad(ct, start, high, [stride - 1 for stride in step]),)


def _batch_slice(size, args, batched, params):
    start, limit, step = params["start"], params["limit"], params["step"]
    return slice_(args[0], (0, *start), (size, *limit), (1, *step)), True


slice_p = Primitive(
    name="slice", infer=_infer_slice,
    evaluate=lambda x, *, start, limit, step:
        x[tuple(map(slice, start, limit, step))],
    jvp=_unary_jvp(lambda: slice_p), transpose=_transpose_slice, batch=_batch_slice,
    kernel=lambda types, params: kernels.Slice(params["start"], params["step"]))


def slice_(x, start, limit, step=None):
    """`x[start:limit:step]` along each axis; bounds and steps are not negative."""
    start, limit = tuple(start), tuple(limit)
    step = (1,) * len(start) if step is None else tuple(step)
    if limit == x.shape and not any(start) and all(stride == 1 for stride in step):
        return x
    return bind(slice_p, x, start=start, limit=limit, step=step)


def slice_axis(x, axis: int, start: int, limit: int):
    """`x` from `start` to `limit` along one axis."""
    low, high = [0] * x.ndim, list(x.shape)
    low[axis], high[axis] = start, limit
    return slice_(x, low, high)


def _padded(size: int, low: int, high: int, interior: int) -> int:
    return size + max(size - 1, 0) * interior + low + high


def _infer_pad(operand, value, *, low, high, interior):
    same_dtype((operand, value), "pad")
    if value.ndim or not len(low) == len(high) == len(interior) == operand.ndim:
        raise ShapeError(f"pad takes a scalar, and a width for each axis of {operand}")
    shape = tuple(map(_padded, operand.shape, low, high, interior))
    if min(shape, default=0) < 0 or min(interior, default=0) < 0:
        raise ShapeError(f"pad: widths {low}, {high}, {interior} of {operand} give {shape}")
    return ArrayType(shape, operand.dtype)


def _evaluate_pad(x, value, *, low, high, interior):
    wide = [_padded(size, max(a, 0), max(b, 0), gap)
            for size, a, b, gap in zip(x.shape, low, high, interior)]
    out = np.full(wide, value, x.dtype)
    inside = tuple(slice(max(a, 0), max(a, 0) + (size - 1) * (gap + 1) + 1 if size else 0,
                         gap + 1)
                   for size, a, gap in zip(x.shape, low, interior))
    out[inside] = x
    crop = tuple(slice(-min(a, 0), size + min(b, 0)) for size, a, b in zip(wide, low, high))
    return out[crop]


def _transpose_pad(ct, inputs, params):
    operand, value = inputs
    low, high, interior = params["low"], params["high"], params["interior"]
    zero = ct.dtype.type(0)
    cut = bind(pad_p, ct, zero, low=tuple(-a for a in low), high=tuple(-b for b in high),
               interior=(0,) * ct.ndim)
    inner = slice_(cut, (0,) * ct.ndim, cut.shape, [gap + 1 for gap in interior])
    rest = None
    if is_linear(value):
        every = range(ct.ndim)
        rest = sub(reduce_sum(ct, every), reduce_sum(inner, every))
    return (inner if is_linear(operand) else None, rest)


def _jvp_pad(out, primals, tangents, params):
    dx, dvalue = tangents
    if dx is None:
        dx = zeros(type_of_value(primals[0]))
    return bind(pad_p, dx, dx.dtype.type(0) if dvalue is None else dvalue, **params)


def _batch_pad(size, args, batched, params):
    widths = {name: (0, *params[name]) for name in ("low", "high", "interior")}
    if not batched[1]:
        return bind(pad_p, with_batch_axis(size, args[0], batched[0]), args[1], **widths), True
    return _batch_pad_values(size, args, batched, widths), True


def _batch_pad_values(size, args, batched, widths):
    """A padding value for each lane: pad with zeros, and choose by a padded mask."""
    operand = with_batch_axis(size, args[0], batched[0])
    mask = full(ArrayType(operand.shape, np.bool_), True)
    inside = bind(pad_p, mask, np.bool_(False), **widths)
    laid = bind(pad_p, operand, operand.dtype.type(0), **widths)
    return select(inside, laid, broadcast(args[1], laid.shape, (0,)))


pad_p = Primitive(
    name="pad", infer=_infer_pad, evaluate=_evaluate_pad, jvp=_jvp_pad,
    transpose=_transpose_pad, batch=_batch_pad,
    kernel=lambda types, params: kernels.Pad(params["low"], params["high"],
                                             params["interior"]))


def pad(x, low, high, interior=None, value=None):
    """`x` with `low`, `high` elements of `value` around and `interior` between (default 0)."""
    low, high = tuple(low), tuple(high)
    interior = (0,) * x.ndim if interior is None else tuple(interior)
    if not any(low) and not any(high) and not any(interior):
        return x
    value = x.dtype.type(0) if value is None else value
    return bind(pad_p, x, value, low=low, high=high, interior=interior)


# ---- concatenate ----

def _infer_concatenate(*operands, axis):
    dtype = same_dtype(operands, "concatenate")
    first = operands[0].shape
    if not 0 <= axis < len(first):
        raise ShapeError(f"concatenate: axis {axis} is not an axis of {operands[0]}")
    rest = [shape[:axis] + shape[axis + 1:] for shape in (kind.shape for kind in operands)]
    if any(shape != rest[0] or len(kind.shape) != len(first)
           for shape, kind in zip(rest, operands)):
        shown = ", ".join(map(str, operands))
        raise ShapeError(f"concatenate along axis {axis}: other axes differ: {shown}")
    total = sum(kind.shape[axis] for kind in operands)
    return ArrayType(first[:axis] + (total,) + first[axis + 1:], dtype)


def _transpose_concatenate(ct, inputs, params):
    axis, start, parts = params["axis"], 0, []
    for value in inputs:
        limit = start + value.shape[axis]
        parts.append(slice_axis(ct, axis, start, limit) if is_linear(value) else None)
        start = limit
    return tuple(parts)


concatenate_p = Primitive(
    name="concatenate", infer=_infer_concatenate,
    evaluate=lambda *xs, axis: np.concatenate(xs, axis),
    jvp=linear_jvp(lambda: concatenate_p), transpose=_transpose_concatenate,
    batch=lambda size, args, batched, params: (
        bind(concatenate_p, *(with_batch_axis(size, *pair) for pair in zip(args, batched)),
             axis=params["axis"] + 1), True),
    kernel=lambda types, params: kernels.Concatenate(params["axis"]))


def concatenate(xs, axis: int):
    """Arrays one after the other along `axis`."""
    xs = list(xs)
    return xs[0] if len(xs) == 1 else bind(concatenate_p, *xs, axis=axis)


# ---- iota ----

def _evaluate_iota(*, dtype, shape, axis):
    spread = [1] * len(shape)
    spread[axis] = shape[axis]
    return np.broadcast_to(np.arange(shape[axis]).astype(dtype).reshape(spread), shape)


def _no_operands(*args):
    raise AssertionError("iota has no operands")     # so no rule for them is ever asked for


iota_p = Primitive(
    name="iota", infer=lambda *, dtype, shape, axis: ArrayType(shape, dtype),
    evaluate=_evaluate_iota, jvp=_no_operands, batch=_no_operands,
    kernel=lambda types, params: kernels.Iota(params["axis"]))


def iota(dtype, shape, axis: int = 0):
    """The index along `axis`, as an array of `shape`."""
    return bind(iota_p, dtype=as_dtype(dtype), shape=tuple(shape), axis=axis)
