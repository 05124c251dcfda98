"""`scan`: a loop of known length that carries state along, as one equation.

    operands (constants.., carries.., stacked inputs..) -> (carries.., stacked outputs..)

Imports `ir`, `trace`, `primitives`, `control.loops`.
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
)
from functrans.control.lockstep import require_independent
from functrans.control.prune import prune_scan
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.program import Program
from functrans.ir.type import storage_dtype
from functrans.primitives.basic import with_batch_axis
from functrans.primitives.shape import move_axis
from functrans.trace import bind, run


@dataclass(frozen=True, slots=True)
class Steps:
    """A loop of `length` steps."""
    length: int

    def bind(self, body: Program, constants: Sequence, carries: Sequence, stacked: Sequence,
             reverse: bool = False) -> list:
        return bind(scan_p, *constants, *carries, *stacked, body=body, length=self.length,
                    reverse=reverse, constants=len(constants), carries=len(carries))


def _infer(*types, body, length, reverse, constants, carries):
    return (*carried_types(body, constants, carries),
            *(kind.with_shape((length, *kind.shape)) for kind in body.output_types[carries:]))


def _evaluate(*arrays, body, length, reverse, constants, carries):
    """Step by step."""
    params = {"constants": constants, "carries": carries}
    fixed, state, stacked = divide(
        [wrap(x, kind) for x, kind in zip(arrays, body.input_types)], params)
    rows: list = [None] * length
    for k in (range(length)[::-1] if reverse else range(length)):
        slices = [wrap(row(x._data, k), kind) for x, kind in
                  zip(stacked, body.input_types[constants + carries:])]
        outs = run(body, [*fixed, *state, *slices])
        state, rows[k] = outs[:carries], outs[carries:]
    stacks = [stack_rows([row[k] for row in rows], kind)
              for k, kind in enumerate(body.output_types[carries:])]
    return [np.asarray(raw(value)) for value in state] + stacks


def raw(value) -> np.ndarray:
    """The data of an array or literal."""
    return value._data if hasattr(value, "_data") else np.asarray(value)


def row(array: np.ndarray, k: int) -> np.ndarray:
    """Slice k along the first axis; an array also where the elements are objects."""
    return array[k:k + 1].reshape(array.shape[1:])


def stack_rows(values: list, kind) -> np.ndarray:
    """Slices of one type, along a new first axis."""
    if not values:
        return np.zeros((0, *kind.shape), storage_dtype(kind.dtype))
    return np.stack([raw(value) for value in values])


def _batch(size, args, batched, params):
    carries = params["carries"]
    program, flags, out_flags = batched_carries(params["body"], size, batched, params)
    fixed, state, stacked = divide(args, params)
    _, state_flags, stacked_flags = divide(flags, params)
    _, given, _ = divide(batched, params)
    state = [with_batch_axis(size, value, own) if flag else value
             for value, flag, own in zip(state, state_flags, given)]
    stacked = [move_axis(value, 0, 1) if flag else value
               for value, flag in zip(stacked, stacked_flags)]
    outs = Steps(params["length"]).bind(program, fixed, state, stacked, params["reverse"])
    rows = [move_axis(out, 1, 0) if flag else out
            for out, flag in zip(outs[carries:], out_flags[carries:])]
    return [*outs[:carries], *rows], out_flags


def _show(params: dict) -> str:
    backwards = ", reverse" if params["reverse"] else ""
    return f"length={params['length']}, carries={params['carries']}{backwards}"


scan_p = Primitive(
    name="scan", infer=_infer, evaluate=_evaluate, multiple=True, inherits_weak=False,
    jvp=lambda primals, tangents, params:
        loop_jvp(Steps(params["length"]), primals, tangents, params),
    linearize=lambda primals, tangents, params:
        loop_linearize(Steps(params["length"]), primals, tangents, params),
    transpose=lambda cts, inputs, params:
        loop_transpose(Steps(params["length"]), cts, inputs, params),
    batch=_batch, show=_show, prune=prune_scan,
    kernel=lambda types, params: kernels.Scan(params["body"], params["length"],
                                              params["constants"], params["carries"],
                                              params["reverse"]))


def map_lanes(program: Program, size: int, args: Sequence, batched: Sequence[bool]) -> list:
    """Runs `program` for each lane by itself, one after the other: each takes its own path.

    args: with the mapped axis in front where `batched`. All results have the mapped axis.
    """
    require_independent(program)
    order = [k for k, flag in enumerate(batched) if not flag] \
        + [k for k, flag in enumerate(batched) if flag]
    body = program.replace(inputs=[program.inputs[k] for k in order], names=None)
    constants = [args[k] for k in order if not batched[k]]
    lanes = [args[k] for k in order if batched[k]]
    return Steps(size).bind(body, constants, [], lanes)
