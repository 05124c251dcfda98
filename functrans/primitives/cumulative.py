"""Running sums, products, maxima, minima, and the recurrence that their derivatives are.

`linear_recurrence(a, b)` is y[k] = a[k] * y[k-1] + b[k], with y[-1] = 0. The tangent of a
running product or maximum is such a recurrence, and so is the adjoint of one.

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.errors import NotDifferentiableError, ShapeError
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, is_bool
from functrans.primitives.basic import (add_tangents, full, is_linear, require, same_dtype,
                                        type_of_value, with_batch_axis)
from functrans.primitives.elementwise import eq, mul, select
from functrans.primitives.shape import concatenate, reshape, slice_axis
from functrans.trace import bind


def _check(operand, axis: int, name: str):
    if not 0 <= axis < operand.ndim:
        raise ShapeError(f"{name}: {axis} is not an axis of {operand}")


def _shift(x, axis: int, reverse: bool, first):
    """The element before each along `axis` (after, if reverse); `first` before the first."""
    size = x.shape[axis]
    edge_shape = tuple(1 if k == axis else n for k, n in enumerate(x.shape))
    edge = full(ArrayType(edge_shape, x.dtype), first)
    if reverse:
        return concatenate([slice_axis(x, axis, 1, size), edge], axis)
    return concatenate([edge, slice_axis(x, axis, 0, size - 1)], axis)


# ---- the recurrence ----

def _infer_recurrence(a, b, *, axis, reverse):
    require("inexact", same_dtype((a, b), "linear_recurrence"), "linear_recurrence")
    _check(b, axis, "linear_recurrence")
    if a.shape != b.shape:
        raise ShapeError(f"linear_recurrence takes operands of one shape, got {a} and {b}")
    return b.strong()


def _evaluate_recurrence(a, b, *, axis, reverse):
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    out = np.empty(b.shape, b.dtype)
    state = np.zeros(b.shape[1:], b.dtype)
    for k in (range(len(b))[::-1] if reverse else range(len(b))):
        state = a[k] * state + b[k]
        out[k] = state
    return np.moveaxis(out, 0, axis)


def _jvp_recurrence(out, primals, tangents, params):
    (a, _), (da, db) = primals, tangents
    total = db
    if da is not None and out.shape[params["axis"]]:
        before = _shift(out, params["axis"], params["reverse"], 0)
        total = add_tangents(total, mul(da, before))
    return None if total is None else bind(linear_recurrence_p, a, total, **params)


def _transpose_recurrence(ct, inputs, params):
    """The adjoint runs the other way, with the coefficients shifted by one."""
    a, axis, reverse = inputs[0], params["axis"], params["reverse"]
    if is_linear(a):
        raise NotDifferentiableError("linear_recurrence is not linear in its coefficients")
    if not a.shape[axis]:
        return None, ct
    return None, linear_recurrence(_shift(a, axis, not reverse, 0), ct, axis, not reverse)


linear_recurrence_p = Primitive(
    name="linear_recurrence", infer=_infer_recurrence, evaluate=_evaluate_recurrence,
    jvp=_jvp_recurrence, transpose=_transpose_recurrence,
    batch=lambda size, args, batched, params: (
        bind(linear_recurrence_p,
             *(with_batch_axis(size, *pair) for pair in zip(args, batched)),
             axis=params["axis"] + 1, reverse=params["reverse"]), True),
    kernel=lambda types, params: kernels.Cumulate(
        params["axis"], params["reverse"], types[1].dtype.type(0), "({0} * {acc} + {1})"))


def linear_recurrence(a, b, axis: int, reverse: bool = False):
    """y[k] = a[k] * y[k-1] + b[k] along `axis`."""
    return bind(linear_recurrence_p, a, b, axis=axis, reverse=reverse)


# ---- running results ----

def _running(name: str, function: Callable, init: Callable, combine: str, kind: str,
             jvp: Callable, transpose: Callable | None = None) -> Primitive:
    """A primitive for the running result of `function`, a NumPy ufunc, along an axis."""
    def infer(operand, *, axis, reverse):
        require(kind, operand.dtype, name)
        _check(operand, axis, name)
        return operand.strong()

    def evaluate(x, *, axis, reverse):
        forward = np.flip(x, axis) if reverse else x
        out = function.accumulate(forward, axis=axis, dtype=x.dtype)
        return np.flip(out, axis) if reverse else out

    primitive = Primitive(
        name=name, infer=infer, evaluate=evaluate, jvp=jvp, transpose=transpose,
        batch=lambda size, args, batched, params: (
            bind(primitive, args[0], axis=params["axis"] + 1, reverse=params["reverse"]), True),
        kernel=lambda types, params: kernels.Cumulate(
            params["axis"], params["reverse"], init(types[0].dtype), combine))
    return primitive


def _transpose_cumsum(ct, inputs, params):
    return (cumsum(ct, params["axis"], not params["reverse"]),)


def _jvp_cumprod(out, primals, tangents, params):
    """dy[k] = x[k] dy[k-1] + y[k-1] dx[k]."""
    x, dx, axis, reverse = primals[0], tangents[0], params["axis"], params["reverse"]
    if not x.shape[axis]:
        return dx
    before = _shift(out, axis, reverse, 1)
    return linear_recurrence(x, mul(dx, before), axis, reverse)


def _jvp_extreme(out, primals, tangents, params):
    """The tangent of the element that is the extreme so far; of the latest, in a tie."""
    x, dx = primals[0], tangents[0]
    attained = eq(x, out)
    zero, one = x.dtype.type(0), full(type_of_value(x).strong(), 1)
    return linear_recurrence(select(attained, zero, one),
                             select(attained, dx, zero), params["axis"], params["reverse"])


def lowest(dtype) -> np.generic:
    """The value below all others: the start of a maximum."""
    return _extreme(dtype, -np.inf, False, "min")


def highest(dtype) -> np.generic:
    """The value above all others: the start of a minimum."""
    return _extreme(dtype, np.inf, True, "max")


def _extreme(dtype, infinite, boolean, end: str) -> np.generic:
    if is_bool(dtype):
        return np.bool_(boolean)
    return dtype.type(getattr(np.iinfo(dtype), end) if dtype.kind in "iu" else infinite)


cumsum_p = _running(
    "cumsum", np.add, lambda dtype: dtype.type(0), "({acc} + {0})", "number",
    jvp=lambda out, primals, tangents, params: bind(cumsum_p, *tangents, **params),
    transpose=_transpose_cumsum)
cumprod_p = _running("cumprod", np.multiply, lambda dtype: dtype.type(1), "({acc} * {0})",
                     "number", jvp=_jvp_cumprod)
cummax_p = _running("cummax", np.maximum, lowest, "maximum({acc}, {0})", "ordered",
                    jvp=_jvp_extreme)
cummin_p = _running("cummin", np.minimum, highest, "minimum({acc}, {0})", "ordered",
                    jvp=_jvp_extreme)


def _caller(primitive):
    def call(x, axis: int, reverse: bool = False):
        return bind(primitive, x, axis=axis, reverse=reverse)
    call.__name__ = call.__qualname__ = primitive.name
    return call


cumsum, cumprod, cummax, cummin = map(_caller, (cumsum_p, cumprod_p, cummax_p, cummin_p))


def product_tangent(x, dx):
    """The tangent of the product over the last axis: the last of the running product's."""
    axis = x.ndim - 1
    if not x.shape[axis]:
        return full(ArrayType(x.shape[:-1], x.dtype), 0)
    running = _jvp_cumprod(cumprod(x, axis), (x,), (dx,), dict(axis=axis, reverse=False))
    size = x.shape[axis]
    return reshape(slice_axis(running, axis, size - 1, size), x.shape[:-1])
