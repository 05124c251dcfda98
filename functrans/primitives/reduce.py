"""Reductions: product, max, min, and, or, argmax, argmin. (Sum stands in basic.py.)

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from functrans.errors import ShapeError
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType
from functrans.primitives.basic import (accumulator, batch_axes, broadcast, kept_shape,
                                        reduce_sum, require)
from functrans.primitives.cumulative import highest, lowest, product_tangent
from functrans.primitives.define import no_tangent
from functrans.primitives.elementwise import convert, div, eq, mul
from functrans.primitives.shape import reshape, transpose
from functrans.trace import bind


def _reduction(name: str, *, evaluate: Callable, init: Callable, combine: str, kind: str,
               jvp: Callable = no_tangent) -> Primitive:
    """A primitive that combines elements along `axes`."""
    def infer(operand, *, axes):
        require(kind, operand.dtype, name)
        return ArrayType(kept_shape(operand.shape, axes, name), operand.dtype)

    primitive = Primitive(
        name=name, infer=infer, evaluate=evaluate, jvp=jvp,
        batch=lambda size, args, batched, params:
            (bind(primitive, *args, **batch_axes(params)), True),
        kernel=lambda types, params:
            kernels.Reduce(params["axes"], init(types[0].dtype), combine))
    return primitive


def _spread(x, like, axes):
    """A reduced value, along the axes again over which it was reduced."""
    return broadcast(x, like.shape, [k for k in range(like.ndim) if k not in axes])


def _jvp_extreme(out, primals, tangents, params):
    """The mean of the tangents of all elements that attain the extreme."""
    x, axes = primals[0], params["axes"]
    attained = convert(eq(x, _spread(out, x, axes)), x.dtype)
    count = reduce_sum(attained, axes)
    return div(reduce_sum(mul(tangents[0], attained), axes), count)


def _jvp_prod(out, primals, tangents, params):
    """The product rule, as the last step of a running product: no division, zeros are fine."""
    x, axes = primals[0], params["axes"]
    kept = [k for k in range(x.ndim) if k not in axes]
    shape = tuple(x.shape[k] for k in kept)
    count = math.prod(x.shape[k] for k in axes)
    rows = [reshape(transpose(value, kept + list(axes)), (*shape, count))
            for value in (x, tangents[0])]
    return product_tangent(*rows)


def _evaluate_prod(x, *, axes):
    return np.multiply.reduce(x, axis=axes, dtype=accumulator(x.dtype)).astype(
        x.dtype, copy=False)


reduce_prod_p = _reduction(
    "reduce_prod", evaluate=_evaluate_prod, init=lambda dtype: dtype.type(1),
    combine="prod_step({acc}, {0})", kind="number", jvp=_jvp_prod)
reduce_max_p = _reduction(
    "reduce_max", evaluate=lambda x, *, axes: np.max(x, axis=axes, initial=lowest(x.dtype)),
    init=lowest, combine="max_step({acc}, {0})", kind="ordered", jvp=_jvp_extreme)
reduce_min_p = _reduction(
    "reduce_min", evaluate=lambda x, *, axes: np.min(x, axis=axes, initial=highest(x.dtype)),
    init=highest, combine="min_step({acc}, {0})", kind="ordered", jvp=_jvp_extreme)
reduce_and_p = _reduction(
    "reduce_and", evaluate=lambda x, *, axes: np.bitwise_and.reduce(x, axis=axes),
    init=lambda dtype: np.invert(dtype.type(0)), combine="({acc} & {0})", kind="bits")
reduce_or_p = _reduction(
    "reduce_or", evaluate=lambda x, *, axes: np.bitwise_or.reduce(x, axis=axes),
    init=lambda dtype: dtype.type(0), combine="({acc} | {0})", kind="bits")


def _arg_reduction(name: str, function: Callable, better: str) -> Primitive:
    """A primitive that finds the first extreme along an axis; the first NaN counts as it."""
    def infer(operand, *, axis):
        require("ordered", operand.dtype, name)
        if not 0 <= axis < operand.ndim or operand.shape[axis] == 0:
            raise ShapeError(f"{name} along axis {axis} of {operand}: no elements to choose from")
        return ArrayType(kept_shape(operand.shape, (axis,), name), np.int64)

    primitive = Primitive(
        name=name, infer=infer, inherits_weak=False, jvp=no_tangent,
        evaluate=lambda x, *, axis: function(x, axis=axis),
        batch=lambda size, args, batched, params:
            (bind(primitive, *args, axis=params["axis"] + 1), True),
        kernel=lambda types, params: kernels.ArgReduce(params["axis"], better))
    return primitive


argmax_p = _arg_reduction("argmax", np.argmax, "({0} > {acc})")
argmin_p = _arg_reduction("argmin", np.argmin, "({0} < {acc})")


def _caller(primitive):
    def call(x, axes):
        return bind(primitive, x, axes=tuple(axes)) if axes else x
    call.__name__ = call.__qualname__ = primitive.name
    return call


reduce_prod, reduce_max, reduce_min, reduce_and, reduce_or = map(
    _caller, (reduce_prod_p, reduce_max_p, reduce_min_p, reduce_and_p, reduce_or_p))


def argmax(x, axis: int):
    """The index of the first largest element along `axis`."""
    return bind(argmax_p, x, axis=axis)


def argmin(x, axis: int):
    """The index of the first smallest element along `axis`."""
    return bind(argmin_p, x, axis=axis)

