"""The primitive that keeps `vmap` or `jit` from agreeing: a traced function, equation by equation.

In: a function of functrans and arguments for which a check has failed. Out: a sentence that names
the primitive and the user's line, or None. Imports `culprits`, `ir`, `trace`, `transforms`.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

import functrans as ft
from functrans.array import as_array
from functrans.ir.program import Equation, Literal
from functrans.ir.type import is_inexact
from functrans.locations import describe
from functrans.testing.culprits import SECONDS, steps
from functrans.trace import bind, evaluate, trace_at
from functrans.transforms.walk import rule_of

ROOM = 1e3                   # units in the last place by which an equation's results may differ


def wrong_kernel(function: Callable, leaves: Sequence) -> str | None:
    """The first equation whose compiled code has other results than the primitive."""
    end = time.monotonic() + SECONDS
    arrays = [as_array(leaf) for leaf in leaves]
    program, captured = trace_at(function, arrays)
    for equation, inputs in steps(program, [*captured, *arrays]):
        if time.monotonic() > end:
            return None
        plain = evaluate(equation, inputs)
        compiled = ft.jit(lambda *values, step=equation: list(_outputs(step, values)))(*inputs)
        if not all(map(_is_close, compiled, plain)):
            return (f"the compiled code of `{equation.primitive.name}`, at "
                    f"{describe(equation.location)}")
    return None


def _outputs(equation: Equation, values: Sequence) -> Sequence:
    out = bind(equation.primitive, *values, **equation.params)
    return out if equation.primitive.multiple else (out,)


def wrong_batch_rule(function: Callable, lanes: Sequence[Sequence], mapped: Sequence) -> str | None:
    """The first equation whose batch rule gives other results than the primitive, lane by lane.

    function: from leaves to leaves; lanes: its leaves in each lane; mapped: which of them differ
    from lane to lane.
    """
    lanes = [[as_array(leaf) for leaf in lane] for lane in lanes]
    program, captured = trace_at(function, lanes[0])
    runs = [steps(program, [*captured, *lane]) for lane in lanes]
    flagged = {var for var, flag in zip(program.inputs[len(captured):], mapped) if flag}
    for parts in zip(*runs):
        equation = parts[0][0]
        flags = [type(atom) is not Literal and atom in flagged for atom in equation.inputs]
        if not any(flags):
            continue
        columns = list(zip(*(inputs for _, inputs in parts)))
        stacked = [_stack(column) if flag else column[0] for column, flag in zip(columns, flags)]
        outs, out_flags = rule_of(equation, "batch")(len(lanes), stacked, flags, equation.params)
        if not equation.primitive.multiple:
            outs, out_flags = (outs,), (out_flags,)
        flagged.update(var for var, flag in zip(equation.outputs, out_flags) if flag)
        expected = zip(*(evaluate(equation, inputs) for _, inputs in parts))
        if not all(_is_close(out, _stack(column) if flag else column[0])
                   for out, flag, column in zip(outs, out_flags, expected)):
            return _name(equation)
    return None


def _name(equation: Equation) -> str:
    primitive = equation.primitive
    rule = f"the rule of {equation.params['name']} ({primitive.name})" \
        if "rule" in equation.params else f"the batch rule of `{primitive.name}`"
    return f"{rule}, at {describe(equation.location)}"


def _stack(values: Sequence):
    return as_array(np.stack([np.asarray(value) for value in values]))


def _is_close(got, expected) -> bool:
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return False
    if not is_inexact(got.dtype):
        return bool(np.array_equal(got, expected))
    eps = ROOM * float(ft.numpy.finfo(got.dtype).eps)
    kind = np.complex128 if got.dtype.kind == "c" else np.float64
    got, expected = got.astype(kind), expected.astype(kind)
    scale = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
    return bool(np.allclose(got, expected, min(eps, 1e-2), min(eps, 1e-2) * scale, equal_nan=True))
