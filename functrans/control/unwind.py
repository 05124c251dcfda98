"""Loops of a length that is known only at run time: while, and what undoes it step by step.

`while` can push values of each step onto stacks, and count its steps; `unwind` runs a body that
often, forwards or backwards, reading stacks and writing new ones. Reverse mode through a while loop
is: run it, pushing residuals; unwind the adjoint of its body.

    while:  (constants of condition.., of body.., carries..) -> (carries.., [count, stacks..])
    unwind: (count, constants.., carries.., stacks..) -> (carries.., stacks..)

Imports `ir`, `trace`, `primitives`, `control.loops`, `control.scan`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from functrans.array import wrap
from functrans.control.loops import (
    batched_carries,
    carried_types,
    divide,
    loop_jvp,
    loop_linearize,
    loop_transpose,
    transpose_by_linearizing,
)
from functrans.control.lockstep import until_all_are_done
from functrans.control.scan import map_lanes, raw, row, stack_rows
from functrans.control.prune import prune_unwind, prune_while
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.program import Program, Var
from functrans.ir.type import ArrayType, StackDtype
from functrans.primitives.basic import type_of_value, with_batch_axis
from functrans.primitives.stack import zero_data
from functrans.trace import bind, run, trace_closed
from functrans.transforms.vmap import batch_program, computes_across

COUNT = ArrayType((), np.int64)


def _stack_type(kind: ArrayType) -> ArrayType:
    return ArrayType((), StackDtype(kind.strong()))


# ---- unwind ----

@dataclass(frozen=True, slots=True)
class Counted:
    """A loop of as many steps as `count` says."""
    count: object

    def bind(self, body: Program, constants: Sequence, carries: Sequence, stacked: Sequence,
             reverse: bool = False) -> list:
        return bind(unwind_p, self.count, *constants, *carries, *stacked, body=body,
                    reverse=reverse, constants=len(constants), carries=len(carries))


def _infer_unwind(count, *types, body, reverse, constants, carries):
    return (*carried_types(body, constants, carries),
            *(_stack_type(kind) for kind in body.output_types[carries:]))


def element(stack: np.ndarray, k: int, kind: ArrayType):
    """Element k of a stack; zero if it has none."""
    elements = stack[()]
    return wrap(row(elements, k) if len(elements) else zero_data(kind), kind)


def _evaluate_unwind(count, *arrays, body, reverse, constants, carries):
    params = {"constants": constants, "carries": carries}
    fixed, state, stacks = divide(list(arrays), params)
    kinds = divide(list(body.input_types), params)
    fixed = [wrap(x, kind) for x, kind in zip(fixed, kinds[0])]
    state = [wrap(x, kind) for x, kind in zip(state, kinds[1])]
    rows: list = [None] * int(count)
    for k in (range(len(rows))[::-1] if reverse else range(len(rows))):
        elements = [element(stack, k, kind) for stack, kind in zip(stacks, kinds[2])]
        outs = run(body, [*fixed, *state, *elements])
        state, rows[k] = outs[:carries], outs[carries:]
    return [raw(value) for value in state] + stacks_of(rows, body.output_types[carries:])


def stacks_of(rows: list, kinds: Sequence) -> list:
    """Arrays of one stack each, from the values of all steps."""
    results = []
    for k, kind in enumerate(kinds):
        out = np.empty((), object)
        out[()] = stack_rows([row[k] for row in rows], kind)
        results.append(out)
    return results


def _batch_unwind(size, args, batched, params):
    """Lanes together where they run equally long and share their stacks, else one by one."""
    stacks = args[1 + params["constants"] + params["carries"]:]
    flags = batched[len(args) - len(stacks):]
    program, spread, out_flags = batched_carries(params["body"], size, batched[1:], params)
    if batched[0] or any(flags) or any(out_flags[params["carries"]:]):
        return _by_lane(unwind_p, size, args, batched, params)
    fixed, state, stacks = divide(args[1:], params)
    _, state_flags, _ = divide(spread, params)
    _, given, _ = divide(batched[1:], params)
    state = [with_batch_axis(size, value, own) if flag else value
             for value, flag, own in zip(state, state_flags, given)]
    return Counted(args[0]).bind(program, fixed, state, stacks, params["reverse"]), out_flags


def _by_lane(primitive, size, args, batched, params):
    """Each lane by itself."""
    types = [_lane_type(type_of_value(arg), flag) for arg, flag in zip(args, batched)]
    lane = trace_closed(lambda *values: bind(primitive, *values, **params), types, primitive.name)
    return map_lanes(lane, size, args, batched), [True] * len(lane.outputs)


def _lane_type(kind: ArrayType, batched: bool) -> ArrayType:
    return ArrayType(kind.shape[1:], kind.dtype, kind.weak) if batched else kind


def _pass_count(rule):
    """A rule of loops for operands of which the first is the count."""
    def apply(primals, tangents, params):
        return rule(Counted(primals[0]), primals[1:], tangents[1:], params)
    return apply


unwind_p = Primitive(
    name="unwind", infer=_infer_unwind, evaluate=_evaluate_unwind, multiple=True,
    inherits_weak=False, jvp=_pass_count(loop_jvp), linearize=_pass_count(loop_linearize),
    transpose=lambda cts, inputs, params:
        [None, *loop_transpose(Counted(inputs[0]), cts, inputs[1:], params)],
    batch=_batch_unwind, prune=prune_unwind,
    kernel=lambda types, params: kernels.Unwind(params["body"], params["constants"],
                                                params["carries"], params["reverse"]),
    show=lambda params: f"carries={params['carries']}"
                        + (", reverse" if params["reverse"] else ""))


# ---- while ----

def bind_while(condition: Program, body: Program, condition_constants: Sequence,
               constants: Sequence, carries: Sequence, counted: bool = False) -> list:
    """Applies the primitive."""
    return bind(while_p, *condition_constants, *constants, *carries, condition=condition,
                body=body, condition_constants=len(condition_constants),
                constants=len(constants), carries=len(carries), counted=counted)


def _infer_while(*types, condition, body, condition_constants, constants, carries, counted):
    results = carried_types(body, constants, carries)
    return (*results, COUNT, *(_stack_type(kind) for kind in body.output_types[carries:])) \
        if counted else results


def _evaluate_while(*arrays, condition, body, condition_constants, constants, carries, counted):
    values = [wrap(x, kind) for x, kind in
              zip(arrays, (*condition.input_types[:condition_constants], *body.input_types))]
    tests, rest = values[:condition_constants], values[condition_constants:]
    fixed, state = rest[:constants], rest[constants:]
    rows = []
    while bool(raw(run(condition, [*tests, *state])[0])):
        outs = run(body, [*fixed, *state])
        state = outs[:carries]
        rows.append(outs[carries:])
    results = [raw(value) for value in state]
    if counted:
        results += [np.int64(len(rows)), *stacks_of(rows, body.output_types[carries:])]
    return results


@dataclass(frozen=True, slots=True)
class AsLongAs:
    """A loop as long as a condition holds; it can push values, but not read any.

    carried: how many carries the condition reads, the first ones.
    """
    condition: Program
    constants: tuple
    carried: int

    def bind(self, body: Program, constants: Sequence, carries: Sequence, stacked: Sequence,
             reverse: bool = False) -> list:
        """(carries.., count, stacks..)."""
        extra = [Var(type_of_value(value)) for value in carries[self.carried:]]
        condition = self.condition.replace(inputs=(*self.condition.inputs, *extra), names=None)
        return bind_while(condition, body, self.constants, constants, carries, counted=True)


def _open_while(primals: Sequence, tangents: Sequence, params: dict):
    """A while equation as a loop: (loop, values, tangents, params of loops)."""
    count = params["condition_constants"]
    loop = AsLongAs(params["condition"], tuple(primals[:count]), params["carries"])
    inner = {"body": params["body"], "constants": params["constants"],
             "carries": params["carries"], "reverse": False}
    return loop, primals[count:], tangents[count:], inner


class _WithoutCount:
    """A loop whose results leave out the count, which is kept."""

    def __init__(self, loop: AsLongAs):
        self.loop = loop
        self.count = None

    def bind(self, body, constants, carries, stacked, reverse=False) -> list:
        results = self.loop.bind(body, constants, carries, stacked)
        self.count = results[len(carries)]
        return [*results[:len(carries)], *results[len(carries) + 1:]]


class _WhileThenUnwind(_WithoutCount):
    """The loop of `loop_linearize`: first the while loop, then its linear part, unwound."""

    def bind(self, body, constants, carries, stacked, reverse=False) -> list:
        if self.count is None:
            return super().bind(body, constants, carries, stacked)
        return Counted(self.count).bind(body, constants, carries, stacked)


def _with_count(results: Sequence, count, params: dict) -> list:
    """Results in the order of the while equation."""
    carries = params["carries"]
    return [*results[:carries], count, *results[carries:]] if params["counted"] \
        else list(results[:carries])


def _jvp_while(primals, tangents, params):
    loop, values, dts, inner = _open_while(primals, tangents, params)
    counting = _WithoutCount(loop)
    outs, tangent_outs = loop_jvp(counting, values, dts, inner)
    return (_with_count(outs, counting.count, params), _with_count(tangent_outs, None, params))


def _linearize_while(primals, tangents, params):
    loop, values, dts, inner = _open_while(primals, tangents, params)
    counting = _WhileThenUnwind(loop)
    outs, tangent_outs = loop_linearize(counting, values, dts, inner)
    return (_with_count(outs, counting.count, params), _with_count(tangent_outs, None, params))


def _batch_while(size, args, batched, params):
    """Lanes together where all run equally long, else one by one."""
    if computes_across(params["condition"]) or computes_across(params["body"]):
        if not params["counted"]:
            outs = bind_while(*until_all_are_done(size, args, batched, params))
            return outs, [True] * len(outs)
    count = params["condition_constants"]
    tests, rest = args[:count], args[count:]
    flags = batched[count:]
    program, spread, out_flags = batched_carries(params["body"], size, flags, params)
    carried = tuple(out_flags[:params["carries"]])
    _, test_flags = batch_program(params["condition"], size, (*batched[:count], *carried))
    if test_flags[0] or any(out_flags[params["carries"]:]):
        return _by_lane(while_p, size, args, batched, params)
    condition, _ = batch_program(params["condition"], size, (*batched[:count], *carried))
    fixed, state, _ = divide(rest, params)
    _, given, _ = divide(flags, params)
    state = [with_batch_axis(size, value, own) if flag else value
             for value, flag, own in zip(state, carried, given)]
    outs = bind_while(condition, program, tests, fixed, state, params["counted"])
    return outs, [*carried, *[False] * (len(outs) - len(carried))]


while_p = Primitive(
    name="while", infer=_infer_while, evaluate=_evaluate_while, multiple=True,
    inherits_weak=False, jvp=_jvp_while, linearize=_linearize_while, batch=_batch_while,
    prune=prune_while,
    transpose=lambda cts, inputs, params:
        transpose_by_linearizing(_linearize_while, cts, inputs, params),
    kernel=lambda types, params: kernels.While(
        params["condition"], params["body"], params["condition_constants"],
        params["constants"], params["counted"]),
    show=lambda params: f"carries={params['carries']}" + (", counted" if params["counted"]
                                                         else ""))
