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

import numpy as np

from functrans.array import Array
from functrans.control.scan import map_lanes, raw
from functrans.control.unwind import bind_while
from functrans.ir.primitive import Primitive
from functrans.ir.program import Program
from functrans.ir.type import ArrayType
from functrans.primitives.basic import broadcast, common_shape, type_of_value
from functrans.primitives.define import batch_elementwise, partials_jvp
from functrans.primitives.lapack import by_primitives
from functrans.primitives.shape import reshape
from functrans.trace import EVAL, bind, run, trace_closed, using


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


@lru_cache(maxsize=256)
def _element(method: Method, dtypes: tuple) -> Program:
    """The Program of one element: its operands to its result."""
    kinds = [ArrayType((), dtype) for dtype in dtypes]
    count = len(kinds)

    def function(*operands):
        state = method.start(operands)
        carried = [type_of_value(value).strong() for value in state]
        condition = trace_closed(lambda *state: state[:1], carried, "goes on")
        body = trace_closed(lambda *values: method.step(values[:count], values[count:]),
                            [*kinds, *carried], f"step of {method}")
        return [method.finish(operands, bind_while(condition, body, [], operands, state))]
    return trace_closed(function, kinds, method.name)


def _infer(*types, method):
    program = _element(method, tuple(kind.dtype for kind in types))
    return ArrayType(common_shape(types, method.name), program.output_types[0].dtype)


# ---- all elements together ----

def _evaluate(*arrays, method):
    """Steps of those that go on, until none does."""
    arrays = np.broadcast_arrays(*arrays)
    flat = [array.reshape(-1) for array in arrays]
    with using(EVAL):
        state = [_whole(value, flat[0].shape) for value in method.start(_wrapped(flat))]
        active = np.flatnonzero(state[0])
        while active.size:
            part = [_wrapped([array[active] for array in values]) for values in (flat, state)]
            for old, new in zip(state, method.step(*part), strict=True):
                old[active] = raw(new)
            active = active[state[0][active]]
        out = method.finish(_wrapped(flat), _wrapped(state))
    return _whole(out, flat[0].shape).reshape(arrays[0].shape)


def _wrapped(arrays: Sequence) -> list[Array]:
    return [Array(array) for array in arrays]


def _whole(value, shape: tuple) -> np.ndarray:
    """An array that may be written to."""
    return np.array(np.broadcast_to(raw(value), shape))


# ---- each element by itself ----

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


def iterate_over(method: Method, shape: tuple, *operands):
    """As `iterate`, of operands that are first broadcast from () to `shape`."""
    return iterate(method, *(broadcast(x, shape) if not type_of_value(x).shape else x
                             for x in operands))
