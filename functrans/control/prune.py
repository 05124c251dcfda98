"""Loops and choices without the results that nobody reads, and without what only those need.

A carry is needed if its final value is read, if the condition of a while loop reads it, or if
what is needed in the next step depends on it. Effects stay, with all that they read.

In: an equation, which of its results are read. Out: an equation of the same primitive.
Imports `ir`, `transforms.walk`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.ir.program import Equation, Program
from functrans.ir.rewrite import dead_code, used_inputs
from functrans.transforms.walk import cached_by_program


def _chosen(values: Sequence, flags: Sequence[bool]) -> tuple:
    return tuple(value for value, flag in zip(values, flags, strict=True) if flag)


@cached_by_program
def _pruned_body(body: Program, constants: int, carried: tuple, rows: tuple) -> tuple:
    """The body with the carries and rows that are needed; which of its inputs stay.

    carried: the carries that are needed whatever the body does.
    """
    count = len(carried)
    while True:
        program = dead_code(body, (*carried, *rows))
        used = used_inputs(program)
        spread = tuple(flag or read for flag, read in
                       zip(carried, used[constants:constants + count]))
        if spread == carried:
            break
        carried = spread
    kept = (*used[:constants], *carried, *used[constants + count:])
    return _with_inputs(program, kept), kept


def _as_loop(equation: Equation, live: Sequence[bool], lead: int) -> Equation:
    """A scan, or an unwind, of which the first operand is its count."""
    params = equation.params
    first, count = params["constants"], params["carries"]
    body, kept = _pruned_body(params["body"], first, tuple(live[:count]), tuple(live[count:]))
    carried = kept[first:first + count]
    if all(kept) and all(live[count:]):
        return equation
    return equation.replace(
        inputs=(*equation.inputs[:lead], *_chosen(equation.inputs[lead:], kept)),
        params={**params, "body": body, "constants": sum(kept[:first]), "carries": sum(carried)},
        outputs=_chosen(equation.outputs, (*carried, *live[count:])))


def prune_scan(equation: Equation, live: Sequence[bool]) -> Equation:
    """A scan."""
    return _as_loop(equation, live, 0)


def prune_unwind(equation: Equation, live: Sequence[bool]) -> Equation:
    """A loop whose first operand says how often it runs."""
    return _as_loop(equation, live, 1)


def prune_while(equation: Equation, live: Sequence[bool]) -> Equation:
    """A while loop; it need not count its steps where nobody asks, and no stack is read."""
    params = equation.params
    tests, first, count = (params[name] for name in
                           ("condition_constants", "constants", "carries"))
    read = used_inputs(params["condition"])
    asked = tuple(flag or test for flag, test in zip(live, read[tests:]))
    rows = tuple(live[count + 1:])
    body, kept = _pruned_body(params["body"], first, asked, rows)
    carried = kept[first:first + count]
    counted = params["counted"] and any(live[count:])
    tail = (True, *rows) if counted else (False,) * len(live[count:])
    if all(read[:tests]) and all(kept) and all(tail):
        return equation
    condition = _with_inputs(params["condition"], (*read[:tests], *carried))
    return equation.replace(
        inputs=_chosen(equation.inputs, (*read[:tests], *kept)),
        params={**params, "condition": condition, "body": body, "counted": counted,
                "condition_constants": sum(read[:tests]), "constants": sum(kept[:first]),
                "carries": sum(carried)},
        outputs=_chosen(equation.outputs, (*carried, *tail)))


@cached_by_program
def _with_inputs(program: Program, kept: tuple) -> Program:
    return program.replace(inputs=_chosen(program.inputs, kept), names=None)


@cached_by_program
def _pruned_branch(branch: Program, live: tuple) -> Program:
    return dead_code(branch, live)


def prune_cond(equation: Equation, live: Sequence[bool]) -> Equation:
    """A choice."""
    branches = [_pruned_branch(branch, tuple(live)) for branch in equation.params["branches"]]
    used = [any(column) for column in zip(*map(used_inputs, branches))]
    branches = tuple(_with_inputs(branch, tuple(used)) for branch in branches)
    index, *operands = equation.inputs
    return equation.replace(inputs=(index, *_chosen(operands, used)),
                            params={**equation.params, "branches": branches},
                            outputs=_chosen(equation.outputs, live))
