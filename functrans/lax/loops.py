"""Loops: scan, while_loop, fori_loop, map.

Imports `tree`, `trace`, `control`, `numpy.promotion`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import check_callable, function_name
from functrans.api.compare import require_same_types
from functrans.array import ArrayBase
from functrans.control.scan import Steps
from functrans.control.unwind import bind_while
from functrans.errors import DtypeError, ShapeError, StructureError
from functrans.ir.program import Program
from functrans.ir.type import ArrayType, is_bool, is_integer
from functrans.lax.common import flatten_inputs, strong_output, trace_function
from functrans.numpy.promotion import as_arraylike, promote
from functrans.primitives.elementwise import convert, weaken


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
    state, state_tree, _ = flatten_inputs(init, "scan", "init")
    stacked, xs_tree, names = flatten_inputs(xs, "scan", "xs")
    count = _length(stacked, names, length)
    slices = [ArrayType(x.shape[1:], x.dtype, x.type.weak) for x in stacked]
    both = tree.structure((tree.unflatten(state_tree, [0] * len(state)),
                           tree.unflatten(xs_tree, [0] * len(stacked))))

    def trace_body(kinds):
        traced = trace_function(f, [*kinds, *slices], both, "scan", "body")
        return traced, _carry_tree(traced, f)

    kinds, traced, (carry_tree, rows_tree) = _settled_carry(
        trace_body, [value.type for value in state], state_tree, f, "scan")
    count_carries = len(kinds)
    program = strong_output(traced.program, kinds, range(count_carries))
    require_same_types(kinds, state_tree, program.output_types[:count_carries], carry_tree,
                       f"scan: the carry that {function_name(f)} returns differs from the one "
                       "that it takes", "taken", "returned")
    state = [convert(value, kind.dtype) for value, kind in zip(state, kinds)]
    outs = Steps(count).bind(program, traced.captured, state, stacked, bool(reverse))
    return (tree.unflatten(state_tree, outs[:count_carries]),
            tree.unflatten(rows_tree, outs[count_carries:]))


def _length(stacked: Sequence, names: Sequence[str], length: int | None) -> int:
    sizes = {}
    for value, name in zip(stacked, names):
        if not value.shape:
            raise ShapeError(f"scan: {name} is a scalar; xs are run over along their first axis")
        sizes.setdefault(value.shape[0], f"{name} ({value.type})")
    if length is not None:
        if not hasattr(length, "__index__"):
            raise TypeError(f"scan: length must be an int, got {length!r}")
        sizes.setdefault(int(length), f"length={length}")
    if not sizes:
        raise ValueError("scan needs xs, or length= for the number of steps")
    if len(sizes) > 1:
        shown = ", ".join(f"{size} for {name}" for size, name in sizes.items())
        raise ShapeError(f"scan: the numbers of steps differ: {shown}")
    return next(iter(sizes))


def _carry_tree(traced, f: Callable):
    """The structures of the carry and of the ys that a body returns."""
    out = tree.unflatten(traced.out_tree, range(traced.out_tree.num_leaves))
    if not (isinstance(out, (tuple, list)) and len(out) == 2):
        raise StructureError(f"scan: {function_name(f)} must return a pair (carry, y), got "
                             f"{traced.out_tree}")
    return tree.structure(out[0]), tree.structure(out[1])


def _settled_carry(trace_body: Callable, kinds: list, state_tree, f: Callable, who: str):
    """Types of the carry to a fixed point: weak ones take the dtype that comes out.

    So `scan(lambda c, x: (c + x, None), 0.0, xs)` has the dtype of xs.
    """
    kinds = list(kinds)
    while True:
        traced, trees = trace_body(kinds)
        carry_tree = trees[0] if isinstance(trees, tuple) else trees
        outs = traced.program.output_types[:len(kinds)]
        if carry_tree != state_tree:
            return kinds, traced, trees
        risen = [out.strong() if kind.weak and not out.weak and kind.shape == out.shape
                 else kind for kind, out in zip(kinds, outs)]
        if risen == kinds:
            return kinds, traced, trees
        kinds = risen


def while_loop(cond_fun: Callable, body_fun: Callable, init_val):
    """Runs `value = body_fun(value)` as long as `cond_fun(value)` holds.

    cond_fun: function of the carry to a boolean scalar; body_fun: function of the carry to a new
    one of the same structure, shapes and dtypes. Differentiable forwards and in reverse. Under
    `vmap` with a condition that differs between lanes each lane stops by itself.
    Raises TypeError if the carry changes its types, or the condition is no boolean scalar.

    >>> import functrans as ft
    >>> ft.lax.while_loop(lambda x: x < 100, lambda x: 2 * x, 3.0)
    Array(192., dtype=float32)
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    state, structure, _ = flatten_inputs(init_val, "while_loop", "init_val")
    single = tree.structure((tree.unflatten(structure, [0] * len(state)),))

    def trace_body(kinds):
        traced = trace_function(body_fun, kinds, single, "while_loop", "body_fun")
        return traced, traced.out_tree

    kinds, body, out_tree = _settled_carry(trace_body, [value.type for value in state],
                                           structure, body_fun, "while_loop")
    program = body.program
    if out_tree == structure:
        program = strong_output(program, kinds, range(len(kinds)))
    require_same_types(kinds, structure, program.output_types, out_tree,
                       f"while_loop: the value that {function_name(body_fun)} returns differs "
                       "from the one that it takes", "taken", "returned")
    test = trace_function(cond_fun, kinds, single, "while_loop", "cond_fun")
    _check_condition(test.program, cond_fun)
    state = [convert(value, kind.dtype) for value, kind in zip(state, kinds)]
    outs = bind_while(test.program, program, test.captured, body.captured, state)
    return tree.unflatten(structure, outs)


def _check_condition(program: Program, cond_fun: Callable):
    kinds = program.output_types
    if len(kinds) != 1 or kinds[0].shape or not is_bool(kinds[0].dtype):
        shown = ", ".join(map(str, kinds)) or "nothing"
        raise DtypeError(f"while_loop: the condition {function_name(cond_fun)} must return one "
                         f"boolean scalar, it returns {shown}. Use .all() or .any() for arrays")


def fori_loop(lower, upper, body_fun: Callable, init_val, *, unroll: int | bool | None = None):
    """Runs `value = body_fun(i, value)` for i from `lower` up to, not including, `upper`.

    lower, upper: ints, or integer scalars known at run time only. Differentiable forwards and in
    reverse, in either case.

    >>> import functrans as ft
    >>> ft.lax.fori_loop(0, 3, lambda i, x: x * 2, 1.0)
    Array(8., dtype=float32)
    """
    check_callable(body_fun, "fori_loop")
    bounds = [_static_int(bound) for bound in (lower, upper)]
    if None not in bounds:
        return _counted(bounds[0], bounds[1], body_fun, init_val)
    lower, upper = (as_arraylike(bound, "fori_loop") for bound in (lower, upper))
    for bound in (lower, upper):
        if bound.shape or not is_integer(bound.dtype):
            raise DtypeError(f"fori_loop: bounds must be integer scalars, got {bound.type}")
    lower, upper = promote(lower, upper)

    def step(state):
        index, value = state
        return index + index.dtype.type(1), body_fun(weaken(index), value)
    step.__name__ = function_name(body_fun)
    return while_loop(lambda state: state[0] < upper, step, (lower, init_val))[1]


def _static_int(bound) -> int | None:
    """A bound as a Python int, if it has a value now and is no traced one."""
    if isinstance(bound, ArrayBase):
        return None
    if isinstance(bound, bool) or not hasattr(bound, "__index__"):
        raise TypeError(f"fori_loop: bounds must be integers, got {bound!r}")
    return int(bound)


def _counted(lower: int, upper: int, body_fun: Callable, init_val):
    count = max(upper - lower, 0)

    def step(state, _):
        index, value = state
        return (index + index.dtype.type(1), body_fun(weaken(index), value)), None
    step.__name__ = function_name(body_fun)
    start = as_arraylike(np.asarray(lower, _index_dtype(lower, upper)))
    return scan(step, (start, init_val), None, length=count)[0][1]


def _index_dtype(lower: int, upper: int) -> np.dtype:
    from functrans.config import default_int
    return default_int() if max(abs(lower), abs(upper)) < 2 ** 31 else np.dtype(np.int64)


def map(f: Callable, xs, *, batch_size: int | None = None):
    """`f` of each slice of `xs` along the first axis, one after the other; results stacked.

    batch_size: how many slices to compute together, as with vmap.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.map(lambda x: x ** 2, fnp.arange(3.0))
    Array([0., 1., 4.], dtype=float32)
    """
    if batch_size is None:
        return scan(lambda _, x: ((), f(x)), (), xs)[1]
    from functrans.api.vmap import vmap
    size = _length(*flatten_inputs(xs, "map", "xs")[::2], None)
    whole = size // batch_size * batch_size
    parts = []
    if whole:
        blocks = tree.map(lambda x: x[:whole].reshape(-1, batch_size, *x.shape[1:]), xs)
        done = scan(lambda _, block: ((), vmap(f)(block)), (), blocks)[1]
        parts.append(tree.map(lambda y: y.reshape(whole, *y.shape[2:]), done))
    if size - whole or not parts:
        parts.append(vmap(f)(tree.map(lambda x: x[whole:], xs)))
    if len(parts) == 1:
        return parts[0]
    from functrans.numpy import concatenate
    return tree.map(lambda *ys: concatenate(ys), *parts)
