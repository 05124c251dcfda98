"""Elementwise functions by iteration: each element goes on until it is done, by itself.

A `Method` says how one element starts, steps and ends, in terms of operations that take arrays of
any shape. Compiled code runs a loop for each element; the eager one takes steps of all elements
that go on together, in NumPy. Imports `ir`, `trace`, `primitives`, `control.scan`,
`control.unwind`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from functrans.control.scan import map_lanes
from functrans.control.unwind import bind_while
from functrans.ir.primitive import Primitive
from functrans.ir.program import Literal, Program
from functrans.ir.type import ArrayType
from functrans.primitives.basic import common_shape, type_of_value
from functrans.primitives.define import batch_elementwise, partials_jvp
from functrans.primitives.lapack import by_primitives
from functrans.primitives.shape import reshape
from functrans.trace import bind, run, trace_closed


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """How an element is computed.

    start(operands) -> state: values, the first of which says whether the element goes on.
    step(operands, state) -> state, of the same dtypes. finish(operands, state) -> the result.
    jvp: `partial(out, *operands, tangent)` for each operand, None where there is none.
    """
    name: str
    start: Callable
    step: Callable
    finish: Callable
    jvp: tuple

    def __repr__(self):
        return self.name


class _Programs(NamedTuple):
    """Of one element: operands to state; operands and state to state, and to the result; state to
    whether it goes on."""
    start: Program
    step: Program
    finish: Program
    condition: Program


@lru_cache(maxsize=256)
def _programs(method: Method, dtypes: tuple) -> _Programs:
    kinds = [ArrayType((), dtype) for dtype in dtypes]
    count = len(kinds)
    start = trace_closed(lambda *operands: method.start(operands), kinds, f"start of {method}")
    state = [kind.strong() for kind in start.output_types]
    step = trace_closed(lambda *values: method.step(values[:count], values[count:]),
                        [*kinds, *state], f"step of {method}")
    finish = trace_closed(lambda *values: [method.finish(values[:count], values[count:])],
                          [*kinds, *state], method.name)
    return _Programs(start, step, finish, trace_closed(lambda *state: state[:1], state, "goes on"))


def _of(method: Method, operands: Sequence) -> _Programs:
    return _programs(method, tuple(x.dtype for x in operands))


def _infer(*types, method):
    dtype = _of(method, types).finish.output_types[0].dtype
    return ArrayType(common_shape(types, method.name), dtype)


# ---- all elements together ----

def _evaluate(*arrays, method):
    """Steps of those that go on, until none does."""
    start, step, finish, _ = _of(method, arrays)
    arrays = np.broadcast_arrays(*arrays)
    flat = [array.reshape(-1) for array in arrays]
    state = [_whole(value, flat[0].shape) for value in _values(start, flat)]
    active = np.flatnonzero(state[0])
    while active.size:
        part = [array[active] for array in (*flat, *state)]
        for old, new in zip(state, _values(step, part), strict=True):
            old[active] = new
        active = active[state[0][active]]
    out, = _values(finish, [*flat, *state])
    return _whole(out, flat[0].shape).reshape(arrays[0].shape)


def _values(program: Program, arrays: Sequence) -> list:
    """What the Program of one element gives for many.

    Nobody watches: a candidate that is rejected may be NaN.
    """
    values = dict(zip(program.inputs, arrays, strict=True))

    def read(atom):
        return atom.value if type(atom) is Literal else values[atom]

    for equation in program.equations:
        outs = equation.primitive.evaluate(*map(read, equation.inputs), **equation.params)
        outs = outs if equation.primitive.multiple else (outs,)
        values.update(zip(equation.outputs, outs, strict=True))
    return [read(atom) for atom in program.outputs]


def _whole(value, shape: tuple) -> np.ndarray:
    """An array that may be written to."""
    return np.array(np.broadcast_to(value, shape))


# ---- each element by itself ----

@lru_cache(maxsize=256)
def _element(method: Method, dtypes: tuple) -> Program:
    """The Program of one element: its operands to its result, with the loop."""
    start, step, finish, condition = _programs(method, dtypes)

    def function(*operands):
        state = bind_while(condition, step, [], operands, run(start, operands))
        return run(finish, [*operands, *state])
    return trace_closed(function, [ArrayType((), dtype) for dtype in dtypes], method.name)


def _one_by_one(*operands, method):
    kinds = [type_of_value(x) for x in operands]
    shape = common_shape(kinds, method.name)
    program = _element(method, tuple(kind.dtype for kind in kinds))
    if not shape:
        return run(program, operands)
    batched = [bool(kind.shape) for kind in kinds]
    rows = [reshape(x, (prod(shape),)) if flag else x for x, flag in zip(operands, batched)]
    return [reshape(out, shape) for out in map_lanes(program, prod(shape), rows, batched)]


def _jvp(out, primals, tangents, params):
    return partials_jvp(params["method"].jvp)(out, primals, tangents, {})


iterate_p = Primitive(name="iterate", infer=_infer, evaluate=_evaluate, jvp=_jvp,
                      batch=batch_elementwise(lambda: iterate_p), inherits_weak=False,
                      kernel=by_primitives(_one_by_one))


def iterate(method: Method, *operands):
    """The method's result for each element of the operands, which have one shape."""
    return bind(iterate_p, *operands, method=method)
