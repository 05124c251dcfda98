"""Loops: scan, while_loop, fori_loop, map.

Imports `tree`, `trace`, `control`, `numpy.promotion`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from functrans import tree
from functrans.api.calls import check_callable, function_name
from functrans.api.jit import jit_is_disabled
from functrans.api.vmap import vmap
from functrans.array import ArrayBase, as_array
from functrans.config import config
from functrans.control.scan import Steps
from functrans.control.unwind import bind_while
from functrans.errors import ArgumentError, DtypeError, ShapeError, StructureError
from functrans.ir.program import Program
from functrans.ir.type import ArrayType, is_bool, is_integer
from functrans.lax.common import (
    Traced,
    as_arrays,
    as_type,
    described,
    flatten_inputs,
    gives_way,
    has_value,
    require_same_carry,
    settle,
    strong_output,
    strongest,
    trace_function,
    with_constants_first,
)
from functrans.numpy.joining import concatenate, stack
from functrans.numpy.promotion import as_arraylike, promote
from functrans.trace import Tracer


def scan(f: Callable, init, xs=None, length: int | None = None, reverse: bool = False,
         unroll: int | bool = 1):
    """Runs `carry, y = f(carry, x)` over the slices of `xs`, carrying state along.

    f: function of (carry, slice of xs) to (carry, y); pytrees everywhere. init: the first carry;
    xs: arrays whose first axis is run over, or None; length: the number of steps, if there are
    no xs; reverse: from the last slice to the first; unroll: accepted, the loop is compiled
    as a loop.
    Returns the last carry, and the ys stacked along a first axis.
    Raises TypeError if the carry changes its structure, shapes or dtypes; ValueError if the xs
    differ in length.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.scan(lambda total, x: (total + x, total), 0.0, fnp.array([1.0, 2.0]))
    (Array(3., dtype=float32), Array([0., 1.], dtype=float32))
    """
    check_callable(f, "scan")
    _check_unroll(unroll, "scan")
    stacked, xs_tree, names = flatten_inputs(xs, "scan", "xs")
    count = _length(stacked, names, length, "scan")
    if jit_is_disabled() and count:
        return _scan_in_python(f, init, tree.unflatten(xs_tree, stacked), count, reverse)
    return _scan(f, init, stacked, xs_tree, count, bool(reverse), "scan")


def _scan(f: Callable, init, stacked: list, xs_tree, count: int, reverse: bool, who: str,
          told: Callable | None = None):
    """told: the user's function, where f hands it a counter that it keeps in the carry."""
    state, state_tree, _ = flatten_inputs(init, who, "init")
    slices = [ArrayType(x.shape[1:], x.dtype, x.type.weak) for x in stacked]
    both = tree.structure((tree.unflatten(state_tree, [0] * len(state)),
                           tree.unflatten(xs_tree, [0] * len(stacked))))

    def trace_body(kinds):
        traced = trace_function(f, [*kinds, *slices], both, who, "body")
        return traced, _carry_tree(traced, f)

    kinds, traced, (carry_tree, rows_tree) = _settled_carry(
        trace_body, [value.type for value in state], state_tree)
    carries = len(kinds)
    program = traced.program
    if carry_tree == state_tree:
        program = strong_output(program, kinds, range(carries))
    require_same_carry(who, told or f, kinds, state_tree,
                       program.output_types[:carry_tree.num_leaves], carry_tree, told is not None)
    state = [as_type(value, kind) for value, kind in zip(state, kinds)]
    loop = settle(program, traced.captured, state)
    outs = Steps(count).bind(loop.body, loop.constants, loop.carries, stacked, reverse)
    changed = len(loop.carries)
    return (tree.unflatten(state_tree, loop.all_carries(outs[:changed])),
            tree.unflatten(rows_tree, outs[changed:]))


def _check_unroll(unroll, who: str):
    if not isinstance(unroll, bool) and (not hasattr(unroll, "__index__") or unroll < 0):
        raise ArgumentError(f"{who}: unroll must be a bool or an int that is not negative, got "
                            f"{unroll!r}")


def _scan_in_python(f: Callable, init, xs, count: int, reverse: bool):
    """Op by op, with values that can be printed."""
    carry, rows = as_arrays(init), []
    for k in (range(count)[::-1] if reverse else range(count)):
        carry, row = f(carry, tree.map(lambda x: x[k], xs))  # noqa: B023
        rows.append(as_arrays(row))
    return as_arrays(carry), tree.map(lambda *ys: stack(ys), *(rows[::-1] if reverse else rows))


def _length(stacked: Sequence, names: Sequence[str], length: int | None, who: str) -> int:
    sizes = {}
    for value, name in zip(stacked, names):
        if not value.shape:
            raise ShapeError(f"{who}: {name} is a scalar ({value.type}); {who} runs over the first "
                             "axis of xs")
        sizes.setdefault(value.shape[0], f"{name} ({value.type})")
    if length is not None:
        if not hasattr(length, "__index__") or length < 0:
            raise ArgumentError(
                f"{who}: length must be an int that is not negative, got {length!r}")
        sizes.setdefault(int(length), f"length={length}")
    if not sizes:
        raise ArgumentError(f"{who} needs xs, or length= for the number of steps")
    if len(sizes) > 1:
        shown = ", ".join(f"{size} for {name}" for size, name in sizes.items())
        raise ShapeError(f"{who}: the numbers of steps differ: {shown}")
    return next(iter(sizes))


def _carry_tree(traced, f: Callable):
    """The structures of the carry and of the ys that a body returns."""
    out = tree.unflatten(traced.out_tree, range(traced.out_tree.num_leaves))
    if not (isinstance(out, (tuple, list)) and len(out) == 2):
        raise StructureError(f"scan: {described(f)} must return a pair (carry, y), got "
                             f"{traced.out_tree}")
    return tree.structure(out[0]), tree.structure(out[1])


def _settled_carry(trace_body: Callable, kinds: list, state_tree):
    """Types of the carry to a fixed point: weak ones take the dtype that comes out.

    So `scan(lambda c, x: (c + x, None), 0.0, xs)` has the dtype of xs. Returns them with what
    `trace_body` gives for them: the traced body, and the structure of the carry before others.
    """
    kinds = list(kinds)
    while True:
        traced, trees = trace_body(kinds)
        outs = traced.program.output_types[:len(kinds)]
        risen = kinds if trees[0] != state_tree else [
            strongest([kind, out]) if gives_way(kind, out) and kind.shape == out.shape else kind
            for kind, out in zip(kinds, outs)]
        if risen == kinds:
            return kinds, traced, trees
        kinds = risen


def while_loop(cond_fun: Callable, body_fun: Callable, init_val):
    """Runs `value = body_fun(value)` as long as `cond_fun(value)` holds.

    cond_fun: function of the carry to a boolean scalar; body_fun: function of the carry to a new
    one of the same structure, shapes and dtypes. Differentiable forwards and in reverse. Under
    `vmap` with a condition that differs between lanes each lane stops by itself.
    Raises TypeError if the carry changes its types, or the condition is no boolean scalar;
    TripLimitError beyond `config.while_trip_limit` steps, if that is set.

    >>> import functrans as ft
    >>> ft.lax.while_loop(lambda x: x < 100, lambda x: 2 * x, 3.0)
    Array(192., dtype=float32, weak_type=True)
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    if config.while_trip_limit:
        from functrans.lax.trip_limit import limited
        return limited(cond_fun, body_fun, partial(_run_while, told=body_fun), init_val)
    return _run_while(cond_fun, body_fun, init_val)


def _run_while(cond_fun: Callable, body_fun: Callable, init_val, told: Callable | None = None):
    if jit_is_disabled() and has_value(as_arraylike(cond_fun(as_arrays(init_val)))):
        return _while_in_python(cond_fun, body_fun, as_arrays(init_val))
    return _while(cond_fun, body_fun, init_val, "while_loop", told)


def _while(cond_fun: Callable, body_fun: Callable, init_val, who: str,
           told: Callable | None = None):
    """told: the user's function, where body_fun hands it a counter that it keeps in the carry."""
    state, structure, _ = flatten_inputs(init_val, who, "init_val")
    single = tree.structure((tree.unflatten(structure, [0] * len(state)),))

    def trace_body(kinds):
        traced = trace_function(body_fun, kinds, single, who, "body_fun")
        return traced, (traced.out_tree,)

    kinds, body, (out_tree,) = _settled_carry(trace_body, [value.type for value in state],
                                              structure)
    program = body.program
    if out_tree == structure:
        program = strong_output(program, kinds, range(len(kinds)))
    require_same_carry(who, told or body_fun, kinds, structure, program.output_types, out_tree,
                       told is not None)
    test = trace_function(cond_fun, kinds, single, who, "cond_fun")
    _check_condition(test, cond_fun)
    state = [as_type(value, kind) for value, kind in zip(state, kinds)]
    return tree.unflatten(structure, _bind_while(test, program, body.captured, state))


def _bind_while(test: Traced, program: Program, captured: list, state: list) -> list:
    """The loop, without the carries that never change: they are constants of both."""
    loop = settle(program, captured, state)
    if not loop.carries:                              # it has no end, or no step: so be it
        return bind_while(test.program, program, test.captured, captured, state)
    condition = with_constants_first(test.program, len(test.captured), loop.changes)
    unchanged = [value for value, flag in zip(state, loop.changes) if not flag]
    outs = bind_while(condition, loop.body, [*test.captured, *unchanged], loop.constants,
                      loop.carries)
    return loop.all_carries(outs)


def _while_in_python(cond_fun: Callable, body_fun: Callable, value):
    """Op by op, with values that can be printed."""
    while cond_fun(value):
        value = as_arrays(body_fun(value))
    return value


def _check_condition(test: Traced, cond_fun: Callable):
    kinds = test.program.output_types
    single = test.out_tree == tree.structure(0)
    if not single or kinds[0].shape or not is_bool(kinds[0].dtype):
        raise DtypeError(f"while_loop: the condition {described(cond_fun)} must return one boolean "
                         f"scalar, it returns {kinds[0] if single else test.out_tree}. Use .all() "
                         "or .any() for arrays")


def fori_loop(lower, upper, body_fun: Callable, init_val, *, unroll: int | bool | None = None):
    """Runs `value = body_fun(i, value)` for i from `lower` up to, not including, `upper`.

    lower, upper: ints, or integer scalars known at run time only. unroll: accepted, the loop is
    compiled as a loop. Differentiable forwards and in reverse, whatever the bounds are.
    Raises TypeError if the value changes its types, or the bounds are no integer scalars.

    >>> import functrans as ft
    >>> ft.lax.fori_loop(0, 3, lambda i, x: x * 2, 1.0)
    Array(8., dtype=float32, weak_type=True)
    """
    check_callable(body_fun, "fori_loop")
    if unroll is not None:
        _check_unroll(unroll, "fori_loop")
    count = _static_count(lower, upper)
    lower, upper = promote(_bound(lower), _bound(upper))

    def step(state):
        index, value = state
        return index + 1, body_fun(index, value)
    step.__name__ = function_name(body_fun)
    if jit_is_disabled() and count is not None:
        return _scan_in_python(_counting(step), (lower, init_val), None, count, False)[0][1]
    if count is not None:
        nothing = tree.structure(None)
        return _scan(_counting(step), (lower, init_val), [], nothing, count, False, "fori_loop",
                     body_fun)[0][1]
    return _while(lambda state: state[0] < upper, step, (lower, init_val), "fori_loop",
                  body_fun)[1]


def _static_count(lower, upper) -> int | None:
    """The number of steps, if it is known while tracing."""
    if isinstance(lower, Tracer) or isinstance(upper, Tracer):
        return None
    for bound in (lower, upper):
        if isinstance(bound, (bool, np.bool_)) or not hasattr(bound, "__index__"):
            raise ArgumentError(f"fori_loop: bounds must be integers, got {bound!r}")
    return max(upper.__index__() - lower.__index__(), 0)


def _bound(bound) -> ArrayBase:
    """A bound as an integer scalar; weak where it is a number."""
    bound = as_array(bound if isinstance(bound, ArrayBase) else bound.__index__())
    if bound.shape or not is_integer(bound.dtype):
        raise DtypeError(f"fori_loop: bounds must be integer scalars, got {bound.type}")
    return bound


def _counting(step: Callable) -> Callable:
    """A body of while_loop as one of scan."""
    def body(state, _):
        return step(state), None
    body.__name__ = step.__name__
    return body


def map(f: Callable, xs, *, batch_size: int | None = None):
    """`f` of each slice of `xs` along the first axis, one after the other; results stacked.

    batch_size: how many slices to compute together, as with vmap; 0 for all.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.map(lambda x: x ** 2, fnp.arange(3.0))
    Array([0., 1., 4.], dtype=float32)
    """
    check_callable(f, "map")
    stacked, _, names = flatten_inputs(xs, "map", "xs")
    size = _length(stacked, names, None, "map")
    if batch_size is None:
        return scan(lambda _, x: ((), f(x)), (), xs)[1]
    if not hasattr(batch_size, "__index__") or batch_size < 0:
        raise ArgumentError(f"map: batch_size must be an int that is not negative, got "
                            f"{batch_size!r}")
    whole = size // batch_size * batch_size if batch_size else 0
    parts = []
    if whole:
        blocks = tree.map(lambda x: x[:whole].reshape(-1, batch_size, *x.shape[1:]), xs)
        done = scan(lambda _, block: ((), vmap(f)(block)), (), blocks)[1]
        parts.append(tree.map(lambda y: y.reshape(whole, *y.shape[2:]), done))
    if size - whole or not parts:
        parts.append(vmap(f)(tree.map(lambda x: x[whole:], xs)))
    if len(parts) == 1:
        return parts[0]
    return tree.map(lambda *ys: concatenate(ys), *parts)
