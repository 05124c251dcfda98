"""Lanes that compute with each other, in a branch or loop that not all of them take.

Where lanes are independent each runs its own path. A collective in a branch needs all lanes
there, so all run every branch, and all run the loop until the last is done; a lane keeps only
what its own path gives. Imports `ir`, `trace`, `primitives`, `transforms.vmap`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.errors import CustomRuleError
from functrans.ir.program import Program
from functrans.primitives.basic import broadcast, type_of_value, with_batch_axis
from functrans.primitives.elementwise import le, select
from functrans.primitives.reduce import reduce_or
from functrans.trace import run, trace_closed
from functrans.transforms.vmap import batch_program, computes_across, mapped_axis


def require_independent(program: Program):
    """Raises if lanes compute with each other where each runs by itself."""
    if computes_across(program):
        raise CustomRuleError(
            f"a computation across the lanes of {mapped_axis()!r} in {program.name!r}, which each "
            "lane runs as often as its own condition says: the lanes would not meet. Move the "
            "collective out of the loop, or differentiate outside of vmap")


def all_branches(size: int, index, values: Sequence, batched: Sequence[bool],
                 branches: Sequence[Program]) -> list:
    """Each lane's results of its own branch, after all lanes ran all branches."""
    force = (True,) * len(branches[0].outputs)
    results = [run(batch_program(branch, size, tuple(batched), force)[0], values)
               for branch in branches]
    chosen = results[-1]
    for number, outs in reversed(list(enumerate(results[:-1]))):
        here = le(index, type_of_value(index).dtype.type(number))
        chosen = [_each(here, out, other) for out, other in zip(outs, chosen)]
    return chosen


def _each(flags, x, y):
    """`x` for the lanes whose flag holds, `y` for the others."""
    return select(broadcast(flags, x.shape, (0,)), x, y)


def until_all_are_done(size: int, args: Sequence, batched: Sequence[bool],
                       params: dict) -> tuple[Program, Program, list, list, list]:
    """A while loop that all lanes run together: (condition, body, tests, constants, carries)."""
    tests, fixed = params["condition_constants"], params["constants"]
    first = tests + fixed
    carried = (True,) * (len(args) - first)
    condition, _ = batch_program(params["condition"], size, (*batched[:tests], *carried),
                                 (True,))
    body, _ = batch_program(params["body"], size, (*batched[tests:first], *carried), carried)
    state = [with_batch_axis(size, value, flag)
             for value, flag in zip(args[first:], batched[first:])]
    kinds = [type_of_value(value) for value in args]
    types = [*kinds[:first], *map(type_of_value, state)]

    def some_lane_goes_on(*values):
        return [reduce_or(run(condition, values)[0], (0,))]

    def step(*values):
        own, old = values[:tests], values[first:]
        goes_on = run(condition, [*own, *old])[0]
        return [_each(goes_on, new, kept)
                for new, kept in zip(run(body, values[tests:]), old)]

    return (trace_closed(some_lane_goes_on, [*types[:tests], *types[first:]], condition.name),
            trace_closed(step, types, body.name), args[:tests], args[:first], state)
