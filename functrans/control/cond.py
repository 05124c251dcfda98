"""`cond` and `switch`: one of several functions, chosen at run time, as one equation.

    operands (index, values..) -> results; `branches` are Programs of the values

Rules: the derivative of a choice is the choice of the derivatives. Where the index is mapped, each
lane takes its own branch. Imports `ir`, `trace`, `primitives`, `transforms`, `control.scan`.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.array import Array
from functrans.control.scan import map_lanes
from functrans.control.prune import prune_cond
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.program import Program, Var
from functrans.ir.type import tangent_type
from functrans.primitives.basic import instantiate, is_linear, type_of_value, zeros
from functrans.trace import bind, run, trace_closed
from functrans.control.lockstep import all_branches
from functrans.transforms.jvp import jvp
from functrans.transforms.linearize import linearize_program
from functrans.transforms.transpose import transpose
from functrans.transforms.vmap import batch_program, computes_across
from functrans.transforms.walk import cached_by_program


def bind_cond(index, branches: Sequence[Program], operands: Sequence) -> list:
    """Applies the primitive."""
    return bind(cond_p, index, *operands, branches=tuple(branches))


def _infer(index, *types, branches):
    return tuple(kinds[0] if all(kind.weak for kind in kinds) else kinds[0].strong()
                 for kinds in zip(*(branch.output_types for branch in branches)))


def _evaluate(index, *arrays, branches):
    branch = branches[int(np.clip(int(index), 0, len(branches) - 1))]
    outs = run(branch, [Array(np.asarray(x)) for x in arrays])
    return [np.asarray(out) for out in outs]


def _union(flags: Sequence[Sequence[bool]]) -> tuple:
    return tuple(any(column) for column in zip(*flags))


# ---- forward mode ----

@cached_by_program
def _jvp_flags(branch: Program, nonzero: tuple) -> tuple:
    return linearize_program(branch, nonzero).nonzero_out


@cached_by_program
def _jvp_branch(branch: Program, nonzero: tuple, wanted: tuple) -> Program:
    """(inputs, tangents) to (outputs, tangents of the `wanted` ones, written out)."""
    kinds = [tangent_type(kind) for kind, flag in zip(branch.input_types, nonzero) if flag]

    def step(*arguments):
        count = len(branch.inputs)
        rest = iter(arguments[count:])
        tangents = [next(rest) if flag else None for flag in nonzero]
        outs, dts = jvp(branch, arguments[:count], tangents)
        return [*outs, *(instantiate(dt, type_of_value(out))
                         for dt, out, flag in zip(dts, outs, wanted) if flag)]
    return trace_closed(step, [*branch.input_types, *kinds], f"jvp of {branch.name}")


def _jvp(primals, tangents, params):
    index, *values = primals
    nonzero = tuple(dt is not None for dt in tangents[1:])
    branches = params["branches"]
    wanted = _union([_jvp_flags(branch, nonzero) for branch in branches])
    programs = [_jvp_branch(branch, nonzero, wanted) for branch in branches]
    outs = bind_cond(index, programs, [*values, *(dt for dt in tangents[1:] if dt is not None)])
    count = len(wanted)
    rest = iter(outs[count:])
    return outs[:count], [next(rest) if flag else None for flag in wanted]


# ---- reverse mode ----

def _share_slots(residuals: Sequence[Sequence]) -> tuple[list, list]:
    """Slots that hold the residuals of any branch: their types, and for each branch where its
    residuals go."""
    slots: list = []
    places = []
    for types in residuals:
        free = list(range(len(slots)))
        own = []
        for kind in types:
            fit = next((k for k in free if slots[k].matches(kind)), None)
            if fit is None:
                slots.append(kind.strong())
                fit = len(slots) - 1
            else:
                free.remove(fit)
            own.append(fit)
        places.append(own)
    return slots, places


@cached_by_program
def _known_branch(known: Program, count: int, slots: tuple, places: tuple) -> Program:
    """A branch's known part that fills the slots of all branches."""
    def step(*arguments):
        outs = run(known, arguments)
        filled = dict(zip(places, outs[count:]))
        return [*outs[:count], *(filled[k] if k in filled else zeros(kind)
                                 for k, kind in enumerate(slots))]
    return trace_closed(step, known.input_types, known.name)


@cached_by_program
def _linear_branch(linear: Program, own: tuple, slots: tuple, places: tuple,
                   wanted: tuple, kinds: tuple) -> Program:
    """A branch's linear part on the slots of all branches, with the `wanted` outputs."""
    inputs = [Var(kind) for kind in slots]
    for place, var in zip(places, linear.inputs):
        inputs[place] = var
    tangents = linear.inputs[len(places):]

    def step(*arguments):
        by_var = dict(zip([*inputs, *tangents], arguments))
        results = iter(run(linear, [by_var[var] for var in linear.inputs]))
        found = [next(results) if flag else None for flag in own]
        return [instantiate(dt, kind) for dt, flag, kind in zip(found, wanted, kinds) if flag]
    types = [var.type for var in (*inputs, *tangents)]
    return trace_closed(step, types, linear.name)


def _linearize(primals, tangents, params):
    index, *values = primals
    nonzero = tuple(dt is not None for dt in tangents[1:])
    branches = params["branches"]
    splits = [linearize_program(branch, nonzero) for branch in branches]
    count = len(branches[0].outputs)
    wanted = _union([split.nonzero_out for split in splits])
    slots, places = _share_slots([split.known.output_types[count:] for split in splits])
    known = [_known_branch(split.known, count, tuple(slots), tuple(own))
             for split, own in zip(splits, places)]
    outs = bind_cond(index, known, values)
    if not any(wanted):
        return outs[:count], [None] * count
    kinds = tuple(tangent_type(kind) for kind in branches[0].output_types)
    linear = [_linear_branch(split.linear, split.nonzero_out, tuple(slots), tuple(own), wanted,
                             kinds)
              for split, own in zip(splits, places)]
    given = [dt for dt in tangents[1:] if dt is not None]
    results = iter(bind_cond(index, linear, [*outs[count:], *given]))
    return outs[:count], [next(results) if flag else None for flag in wanted]


@cached_by_program
def _adjoint_branch(branch: Program, linear: tuple, flags: tuple) -> Program:
    """(values, cotangents) to cotangents of all linear inputs, written out."""
    given = [kind for kind, flag in zip(branch.input_types, linear) if not flag]
    rows = [tangent_type(kind) for kind, flag in zip(branch.output_types, flags) if flag]

    def step(*arguments):
        values = iter(arguments[:len(given)])
        rest = iter(arguments[len(given):])
        whole = [None if flag else next(values) for flag in linear]
        results = transpose(branch, whole, [next(rest) if flag else None for flag in flags])
        return [instantiate(ct, tangent_type(kind)) for ct, flag, kind in
                zip(results, linear, branch.input_types) if flag]
    return trace_closed(step, [*given, *rows], f"adjoint of {branch.name}")


def _transpose(cotangents, inputs, params):
    index, *values = inputs
    linear = tuple(is_linear(value) for value in values)
    flags = tuple(ct is not None for ct in cotangents)
    programs = [_adjoint_branch(branch, linear, flags) for branch in params["branches"]]
    given = [value for value in values if not is_linear(value)]
    results = iter(bind_cond(index, programs, [*given, *(ct for ct in cotangents
                                                       if ct is not None)]))
    return [None, *(next(results) if flag else None for flag in linear)]


# ---- vectorization ----

def _batch(size, args, batched, params):
    branches = params["branches"]
    if batched[0] and any(computes_across(branch) for branch in branches):
        outs = all_branches(size, args[0], args[1:], batched[1:], branches)
        return outs, [True] * len(outs)
    if batched[0]:
        lane = _one_lane(branches, tuple(type_of_value(arg).with_shape(arg.shape[flag:])
                                         for arg, flag in zip(args, batched)))
        return map_lanes(lane, size, args, batched), [True] * len(lane.outputs)
    flags = tuple(batched[1:])
    found = [batch_program(branch, size, flags)[1] for branch in branches]
    force = _union(found)
    programs = [batch_program(branch, size, flags, force)[0] for branch in branches]
    return bind_cond(args[0], programs, args[1:]), force


def _one_lane(branches: tuple, types: tuple) -> Program:
    """The choice of one lane, as a Program."""
    return trace_closed(lambda index, *values: bind_cond(index, branches, values), types, "cond")


cond_p = Primitive(
    name="cond", infer=_infer, evaluate=_evaluate, jvp=_jvp, linearize=_linearize,
    transpose=_transpose, batch=_batch, prune=prune_cond, multiple=True,
    inherits_weak=False,
    kernel=lambda types, params: kernels.Branch(params["branches"]),
    show=lambda params: "")
