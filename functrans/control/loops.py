"""Rules that all loops share: scan (known length), unwind (counted at run time), while.

A loop's operands are (constants.., carries.., stacked inputs..), its results (carries.., stacked
outputs..); its `body` maps (constants, carries, slices) to (carries, slices of outputs). The
derivative of a loop is a loop of the body's derivative; reverse mode stores, of each step, only
what the transposed body needs, and what does not change from step to step just once.

A `Loop` says how a body becomes an equation. Imports `ir`, `trace`, `primitives`, `transforms`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from functrans.ir.primitive import Linear, Sum
from functrans.ir.program import Program
from functrans.ir.type import tangent_type
from functrans.primitives.basic import instantiate, is_linear, type_of_value, zeros
from functrans.trace import run, trace_closed
from functrans.transforms.jvp import jvp
from functrans.transforms.linearize import record_linear
from functrans.transforms.residuals import linearized_body, split_loop_body
from functrans.transforms.transpose import transpose
from functrans.transforms.vmap import batch_program
from functrans.transforms.walk import cached_by_program


class Loop(Protocol):
    """How often a body runs, and where its slices come from."""

    def bind(self, body: Program, constants: Sequence, carries: Sequence, stacked: Sequence,
             reverse: bool) -> list:
        """The equation: (carries.., stacked outputs..)."""


def divide(values: Sequence, params: dict):
    """Operands (or types, or flags) as (constants, carries, stacked)."""
    first, second = params["constants"], params["constants"] + params["carries"]
    return list(values[:first]), list(values[first:second]), list(values[second:])


def carried_types(body: Program, constants: int, carries: int) -> tuple:
    """The types of the carries at the end: weak where they start and go on weak."""
    starts = body.input_types[constants:constants + carries]
    return tuple(end if start.weak else end.strong()
                 for start, end in zip(starts, body.output_types))


# ---- forward mode ----

@cached_by_program
def jvp_body(body: Program, nonzero: tuple, carries: int, first: int) -> tuple[Program, tuple]:
    """The body's jvp: (inputs, tangents of nonzero inputs) to (outputs, tangents).

    The carries' tangents at the end are instantiated exactly where they are nonzero at the start
    (`first` is the number of constants). Returns it with a flag for each output that has one.
    """
    kinds = [tangent_type(kind) for kind, flag in zip(body.input_types, nonzero) if flag]
    carried = nonzero[first:first + carries]
    flags: list = []

    def step(*arguments):
        count = len(body.inputs)
        rest = iter(arguments[count:])
        tangents = [next(rest) if flag else None for flag in nonzero]
        outs, tangent_outs = jvp(body, arguments[:count], tangents)
        tangent_outs = [instantiate(dt, type_of_value(out)) if k < carries and carried[k] else dt
                        for k, (dt, out) in enumerate(zip(tangent_outs, outs))]
        flags[:] = [dt is not None for dt in tangent_outs]
        return [*outs, *(dt for dt in tangent_outs if dt is not None)]

    program = trace_closed(step, [*body.input_types, *kinds], f"jvp of {body.name}")
    return program, tuple(flags)


def nonzero_carries(nonzero: Sequence[bool], params: dict, nonzero_outputs: Callable) -> tuple:
    """The flags of all inputs, after tangents have spread through the carries to a fixed point.

    nonzero_outputs: from the flags of the body's inputs to those of its outputs.
    """
    fixed, carried, stacked = divide(list(nonzero), params)
    while True:
        flags = tuple(fixed + carried + stacked)
        spread = [a or b for a, b in zip(carried, nonzero_outputs(flags))]
        if spread == carried:
            return flags
        carried = spread


def loop_jvp(loop: Loop, primals, tangents, params):
    """The loop of (values, tangents)."""
    body, carries, first = params["body"], params["carries"], params["constants"]
    flags = nonzero_carries([dt is not None for dt in tangents], params,
                            lambda flags: jvp_body(body, flags, carries, first)[1])
    program, out_flags = jvp_body(body, flags, carries, first)
    given = [instantiate(dt, type_of_value(x)) if flag else None
             for dt, x, flag in zip(tangents, primals, flags)]
    program = _grouped_inputs(program, flags, params)
    program = _grouped_outputs(program, out_flags, carries)
    values, dts = divide(primals, params), divide(given, params)
    parts = [[*part, *(dt for dt in dpart if dt is not None)]
             for part, dpart in zip(values, dts)]
    outs = loop.bind(program, *parts, params["reverse"])
    return separate(outs, out_flags, carries)


def _grouped_inputs(program: Program, flags: tuple, params: dict) -> Program:
    """Inputs (all, then tangents) as (constants and theirs, carries and theirs, stacked ..)."""
    count = len(flags)
    rest = iter(program.inputs[count:])
    tangent_vars = [next(rest) if flag else None for flag in flags]
    groups = zip(divide(program.inputs[:count], params), divide(tangent_vars, params))
    inputs = [var for part, dpart in groups for var in (*part, *(v for v in dpart if v))]
    return program.replace(inputs=inputs, names=None)


def _grouped_outputs(program: Program, flags: tuple, carries: int) -> Program:
    count = len(flags)
    primal, rest = program.outputs[:count], program.outputs[count:]
    carried = sum(flags[:carries])
    return program.replace(outputs=(*primal[:carries], *rest[:carried],
                                    *primal[carries:], *rest[carried:]))


def separate(outs: Sequence, flags: tuple, carries: int):
    """Outputs of a grouped scan as (primals, tangents)."""
    carried, rest = sum(flags[:carries]), len(flags) - carries
    first, second = carries + carried, carries + carried + rest
    primal = [*outs[:carries], *outs[first:second]]
    tangents = iter([*outs[carries:first], *outs[second:]])
    return primal, [next(tangents) if flag else None for flag in flags]


# ---- reverse mode ----

def loop_linearize(loop: Loop, primals, tangents, params):
    """A loop that computes the outputs and the residuals, and a linear one."""
    body, carries, first = params["body"], params["carries"], params["constants"]
    flags = nonzero_carries([dt is not None for dt in tangents], params,
                            lambda flags: linearized_body(body, flags, first, carries).nonzero_out)
    split = split_loop_body(body, flags, first, carries)
    fixed, state, stacked = divide(primals, params)
    invariant = run(split.invariant, fixed) if split.invariant.outputs else []
    outs = loop.bind(split.known, [*fixed, *invariant], state, stacked, params["reverse"])
    count = len(body.outputs)
    outs, residuals = outs[:count], outs[count:]
    if not any(split.nonzero_out):
        return outs, [None] * count
    given = [instantiate(dt, type_of_value(x)) if flag else None
             for dt, x, flag in zip(tangents, primals, flags)]
    dfixed, dstate, dstacked = ([dt for dt in part if dt is not None]
                                for part in divide(given, params))
    constants = [*split.pick(fixed, invariant), *dfixed]
    inputs = [*split.stacks(stacked, residuals, outs[carries:]), *dstacked]
    results = iter(loop.bind(split.linear, constants, dstate, inputs, params["reverse"]))
    return outs, [next(results) if flag else None for flag in split.nonzero_out]


def loop_transpose(loop: Loop, cotangents, inputs, params):
    """The adjoint runs the other way; cotangents of constants are summed up on the way."""
    body, carries = params["body"], params["carries"]
    linear = _linear_inputs(body, [is_linear(value) for value in inputs], params)
    fixed, state, stacked = divide(inputs, params)
    if not all(divide(linear, params)[1]):
        return transpose_by_linearizing(
            lambda *given: loop_linearize(loop, *given), cotangents, inputs, params)
    ct_state, ct_rows = cotangents[:carries], cotangents[carries:]
    flags = tuple(ct is not None for ct in ct_rows)
    adjoint = _adjoint_body(body, linear, flags, carries, params["constants"])
    sums = [zeros(tangent_type(value.type)) if value.sum is None else value.sum
            for value in fixed if is_linear(value)]
    start = [instantiate(ct, tangent_type(kind))
             for ct, kind in zip(ct_state, body.output_types)]
    rows = [*(value for value in stacked if not is_linear(value)),
            *(ct for ct in ct_rows if ct is not None)]
    results = loop.bind(adjoint, [value for value in fixed if not is_linear(value)],
                        [*sums, *start], rows, not params["reverse"])
    ct_fixed, rest = iter(results[:len(sums)]), results[len(sums):]
    ct_state, ct_stacked = rest[:carries], iter(rest[carries:])
    return ([_with_sum(value, next(ct_fixed)) if is_linear(value) else None for value in fixed]
            + [ct if is_linear(value) else None for value, ct in zip(state, ct_state)]
            + [next(ct_stacked) if is_linear(value) else None for value in stacked])


def _with_sum(value: Linear, ct):
    """The cotangent of a constant, which the loop has added to what was there before."""
    return ct if value.sum is None else Sum(ct)


def _linear_inputs(body: Program, flags: Sequence[bool], params: dict) -> tuple:
    """The inputs that are linear, and the carries that come to depend on them (which start at
    zero, then, where they are not linear themselves)."""
    fixed, carried, stacked = divide(list(flags), params)
    while True:
        linear = {var for var, flag in zip(body.inputs, fixed + carried + stacked) if flag}
        for equation in body.equations:
            if any(atom in linear for atom in equation.inputs):
                linear.update(equation.outputs)
        spread = [flag or atom in linear for flag, atom in zip(carried, body.outputs)]
        if spread == carried:
            return tuple(fixed + carried + stacked)
        carried = spread


def transpose_by_linearizing(rule, cotangents, inputs, params) -> list:
    """The adjoint of a linear loop with carries that are not linear (a counter, say).

    `rule` splits it at zero, where a linear function has the same linear part as anywhere.
    """
    primals = [zeros(value.type) if is_linear(value) else value for value in inputs]

    def run_rule(*tracers):
        rest = iter(tracers)
        tangents = [next(rest) if is_linear(value) else None for value in inputs]
        return rule(primals, tangents, params)

    kinds = [tangent_type(value.type) for value in inputs if is_linear(value)]
    _, part = record_linear(run_rule, kinds, "linear loop")
    given = [ct for ct, flag in zip(cotangents, part.nonzero_out) if flag]
    whole = [*part.residuals, *[None] * len(kinds)]
    results = iter(transpose(part.program, whole, given)[len(part.residuals):])
    return [next(results) if is_linear(value) else None for value in inputs]


@cached_by_program
def _adjoint_body(body: Program, linear: tuple, row_flags: tuple, carries: int,
                  constants: int) -> Program:
    """(fixed values; sums, cotangents of carries; slices of values, of cotangents of outputs)
    to (sums, cotangents of carries; cotangents of linear slices)."""
    params = {"constants": constants, "carries": carries}
    kinds = divide(body.input_types, params)
    marks = divide(linear, params)
    given = [[kind for kind, flag in zip(part, mark) if not flag]
             for part, mark in zip(kinds, marks)]
    asked = [[tangent_type(kind) for kind, flag in zip(part, mark) if flag]
             for part, mark in zip(kinds, marks)]
    rows = [tangent_type(kind) for kind, flag in zip(body.output_types[carries:], row_flags)
            if flag]

    def step(*arguments):
        values = iter(arguments)
        fixed = [next(values) for _ in given[0]]
        sums = [next(values) for _ in asked[0]]
        ct_state = [next(values) for _ in asked[1]]
        slices = [next(values) for _ in given[2]]
        ct_rows = [next(values) if flag else None for flag in row_flags]
        known = iter([*fixed, *slices])
        whole = [None if flag else next(known) for flag in linear]
        totals = iter(sums)
        before = [next(totals) if flag else None for flag in marks[0]]
        results = divide(transpose(body, whole, [*ct_state, *ct_rows], before), params)
        sums = [ct for ct, flag in zip(results[0], marks[0]) if flag]
        return [*sums, *(instantiate(ct, tangent_type(kind))
                         for part, mark, types in zip(results[1:], marks[1:], kinds[1:])
                         for ct, flag, kind in zip(part, mark, types) if flag)]

    types = [*given[0], *asked[0], *asked[1], *given[2], *rows]
    return trace_closed(step, types, f"adjoint of {body.name}")


# ---- vectorization ----

def batched_carries(body: Program, size: int, batched: Sequence[bool], params: dict):
    """The batched body, after mapped axes have spread through the carries to a fixed point."""
    fixed, carried, stacked = divide(list(batched), params)
    outputs = len(body.outputs) - params["carries"]
    while True:
        flags = tuple(fixed + carried + stacked)
        force = tuple(carried) + (False,) * outputs
        program, out_flags = batch_program(body, size, flags, force)
        spread = [a or b for a, b in zip(carried, out_flags)]
        if spread == carried:
            return program, flags, out_flags
        carried = spread
