"""Brief ways to say the rules that many primitives share.

In: formulas. Out: rules and `Primitive` records. Imports `ir`, `trace`, `primitives.basic`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans.ir.primitive import Elementwise, Primitive
from functrans.ir.type import ArrayType
from functrans.primitives.basic import (add_tangents, common_shape, instantiate, require,
                                        same_dtype, type_of_value, with_batch_axis)
from functrans.trace import bind


def linear_jvp(primitive: Callable[[], Primitive], linear: Sequence[int] | None = None):
    """The jvp of a primitive that is linear in its operands at `linear` (default: all)."""
    def rule(out, primals, tangents, params):
        places = range(len(primals)) if linear is None else linear
        if all(tangents[place] is None for place in places):
            return None
        operands = list(primals)
        for place in places:
            operands[place] = instantiate(tangents[place], type_of_value(primals[place]))
        return bind(primitive(), *operands, **params)
    return rule


def partials_jvp(partials: Sequence[Callable | None], with_params: bool = False):
    """The jvp as the sum over operands of `partial(out, *primals, tangent)`."""
    def rule(out, primals, tangents, params):
        total = None
        extra = params if with_params else {}
        for partial, tangent in zip(partials, tangents, strict=True):
            if tangent is not None and partial is not None:
                total = add_tangents(total, partial(out, *primals, tangent, **extra))
        return total
    return rule


def no_tangent(out, primals, tangents, params):
    """The jvp where the result is constant almost everywhere, or not inexact."""
    return None


no_tangent.is_zero = True           # so that tracing knows that no derivative depends on it


def batch_elementwise(primitive: Callable[[], Primitive]):
    """The batch rule of a primitive that treats all elements of its operands alike."""
    def rule(size, args, batched, params):
        operands = [with_batch_axis(size, arg, flag) for arg, flag in zip(args, batched)]
        out = bind(primitive(), *operands, **params)
        return out, (True,) * len(out) if primitive().multiple else True
    return rule


def elementwise(name: str, *, evaluate: Callable, expr: str | Callable | None, jvp=None,
                transpose: Callable | None = None, kind: str = "number",
                result: Callable | None = None, linear: bool = False, cost: int = 1,
                with_params: bool = False) -> Primitive:
    """A primitive that maps elements of its operands to an element of the result.

    expr: Python text over `{0}`, `{1}` (the operands) and `{T}` (the name of their dtype), or
        a function of the operands' types and the params that gives it; None where compiled code
        has no formula for it and asks `evaluate`.
    jvp: `partial(out, *primals, tangent)`, or a tuple with one for each operand.
    kind: the dtypes that it takes; `result(dtype)`: the dtype of the result, if it differs.
    linear: whether jvp is the primitive itself.
    cost: about how many additions one element takes.
    """
    def infer(*types, **params):
        dtype = same_dtype(types, name)
        require(kind, dtype, name)
        return ArrayType(common_shape(types, name), result(dtype) if result else dtype)

    def kernel(types, params):
        if expr is None:
            return None
        return Elementwise(expr(types, params) if callable(expr) else expr, cost)

    if linear:
        rule = linear_jvp(lambda: primitive)
    elif jvp is None:
        rule = no_tangent
    else:
        rule = partials_jvp(jvp if isinstance(jvp, tuple) else (jvp,), with_params)
    primitive = Primitive(name=name, infer=infer, evaluate=evaluate, jvp=rule,
                          transpose=transpose, batch=batch_elementwise(lambda: primitive),
                          kernel=kernel)
    return primitive
