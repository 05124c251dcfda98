"""Ways to make a rule wrong: a function from a right rule to a wrong one, by name.

In: a rule of a primitive, of the kind that the name is for. Out: a rule. A name may end in a
number, the operand that is meant. Imports `ir`, and arithmetic of `functrans.numpy`.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable

import functrans.numpy as fnp
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Sum
from functrans.numpy.promotion import materialize


def _each(function: Callable, values):
    """`function` of each array among the results of a rule."""
    if isinstance(values, (tuple, list)):
        return type(values)(_each(function, value) for value in values)
    if isinstance(values, Sum):
        return Sum(_each(function, values.value))
    if values is None or getattr(values.dtype, "kind", "stack") in ("stack", "b", "O"):
        return values
    return function(materialize(values))


def _negative(values):
    return _each(lambda x: -x, values)


def _double(values):
    return _each(lambda x: 2 * x, values)


def _replaced(values, place: int, value):
    values = list(values)
    values[place] = value
    return values


# ---- of jvp(out, primals, tangents, params) ----

def jvp_sign(rule):
    return lambda *args: _negative(rule(*args))


def jvp_factor(rule):
    return lambda *args: _double(rule(*args))


def jvp_percent(rule):
    """Off by one percent."""
    return lambda *args: _each(lambda x: x * x.dtype.type(1.01), rule(*args))


def jvp_missing(rule, place):
    """The term of one operand is missing."""
    def wrong(out, primals, tangents, params):
        return rule(out, primals, _replaced(tangents, place, None), params)
    return wrong


def jvp_term_sign(rule, place):
    """The term of one operand has the wrong sign."""
    def wrong(out, primals, tangents, params):
        tangent = tangents[place]
        tangents = _replaced(tangents, place, None if tangent is None else _negative(tangent))
        return rule(out, primals, tangents, params)
    return wrong


def jvp_residual(rule):
    """The operand is taken where the result should be, and the other way round."""
    def wrong(out, primals, tangents, params):
        return rule(primals[0], _replaced(primals, 0, out), tangents, params)
    return wrong


def jvp_swapped(rule):
    """The first two operands are taken for each other, their tangents not."""
    def wrong(out, primals, tangents, params):
        return rule(out, [primals[1], primals[0], *primals[2:]], tangents, params)
    return wrong


def jvp_constant(rule):
    """The derivative at operands that are all one."""
    def wrong(out, primals, tangents, params):
        ones = [_each(lambda x: x * 0 + 1, value) if value.dtype.kind in "fc" else value
                for value in primals]
        return rule(out, ones, tangents, params)
    return wrong


def jvp_reverse(rule):
    return lambda out, primals, tangents, params: rule(out, primals, tangents, _turned(params))


# ---- of transpose(ct, inputs, params) ----

def transpose_sign(rule):
    return lambda *args: _negative(rule(*args))


def transpose_factor(rule):
    return lambda *args: _double(rule(*args))


def transpose_percent(rule):
    return lambda *args: _each(lambda x: x * x.dtype.type(1.01), rule(*args))


def transpose_missing(rule, place):
    """The cotangent of one operand is left out."""
    return lambda *args: _replaced(rule(*args), place, None)


def transpose_order(rule):
    """The cotangent comes back in the wrong order along its first axis."""
    return lambda *args: _each(_flipped, rule(*args))


def transpose_conjugate(rule):
    return lambda *args: _each(fnp.conj, rule(*args))


def transpose_reverse(rule):
    return lambda ct, inputs, params: rule(ct, inputs, _turned(params))


def transpose_swapped(rule):
    """Paddings, or the two operands of a product, are taken for each other."""
    def wrong(ct, inputs, params):
        return rule(ct, inputs, {**params, "low": params["high"], "high": params["low"]})
    return wrong


def transpose_ahead(rule):
    """The cotangent is read one place further on along its last axis."""
    def wrong(ct, inputs, params):
        return rule(_each(lambda x: fnp.roll(x, 1, -1) if x.ndim else x, ct), inputs, params)
    return wrong


def _flipped(x):
    return fnp.flip(x, 0) if x.ndim else x


def _turned(params: dict) -> dict:
    """The other direction, of rules that have one."""
    return {**params, "reverse": not params["reverse"]}


# ---- of batch(size, args, batched, params) ----

def batch_lanes(rule):
    """Lanes are taken for each other."""
    def wrong(size, args, batched, params):
        out, flags = rule(size, args, batched, params)
        return _each(_flipped, out), flags
    return wrong


def batch_operand(rule, place):
    """The lanes of one operand are taken for each other."""
    def wrong(size, args, batched, params):
        if batched[place]:
            args = _replaced(args, place, _flipped(materialize(args[place])))
        return rule(size, args, batched, params)
    return wrong


def batch_first(rule):
    """All lanes get the result of the first."""
    def wrong(size, args, batched, params):
        out, flags = rule(size, args, batched, params)
        return _each(lambda x: fnp.broadcast_to(x[:1], x.shape), out), flags
    return wrong


def batch_axis(rule):
    """The mapped axis is put behind the next one, as if it had been there."""
    def wrong(size, args, batched, params):
        out, flags = rule(size, args, batched, params)
        return _each(lambda x: fnp.swapaxes(x, 0, 1) if x.ndim > 1 else -x, out), flags
    return wrong


def batch_factor(rule):
    def wrong(size, args, batched, params):
        out, flags = rule(size, args, batched, params)
        return _double(out), flags
    return wrong


# ---- of linearize(primals, tangents, params) ----

def linearize_sign(rule):
    def wrong(*args):
        outs, tangents = rule(*args)
        return outs, _negative(tangents)
    return wrong


def linearize_factor(rule):
    def wrong(*args):
        outs, tangents = rule(*args)
        return outs, _double(tangents)
    return wrong


# ---- of kernel(types, params) and evaluate(*arrays, **params) ----

def kernel_sign(rule):
    """The expression is negated."""
    def wrong(types, params):
        kernel = rule(types, params)
        return dataclasses.replace(kernel, expr=f"(-({kernel.expr}))") if kernel else kernel
    return wrong


def kernel_init(rule):
    """A reduction starts from one more."""
    def wrong(types, params):
        kernel = rule(types, params)
        return dataclasses.replace(kernel, init=kernel.init + type(kernel.init)(1))
    return wrong


def kernel_direction(rule):
    """What runs along an axis runs the other way."""
    def wrong(types, params):
        kernel = rule(types, params)
        if isinstance(kernel, kernels.Slice):
            return dataclasses.replace(kernel, start=tuple(s + 1 for s in kernel.start))
        return dataclasses.replace(kernel, reverse=not kernel.reverse)
    return wrong


def kernel_swapped(rule):
    def wrong(types, params):
        kernel = rule(types, params)
        return dataclasses.replace(kernel, low=kernel.high, high=kernel.low)
    return wrong


def evaluate_percent(rule):
    """Off by one percent."""
    def wrong(*arrays, **params):
        out = rule(*arrays, **params)
        many = isinstance(out, tuple)
        made = tuple((part * 1.01).astype(part.dtype) if part.dtype.kind in "fc" else part
                     for part in (out if many else (out,)))
        return made if many else made[0]
    return wrong
