"""Choosing at run time: cond, switch (whole functions), select (elements).

Imports `tree`, `trace`, `control`, `numpy.promotion`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import check_callable
from functrans.api.compare import require_same_types
from functrans.api.jit import jit_is_disabled
from functrans.control.cond import bind_cond
from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.ir.type import is_bool, is_complex, is_integer
from functrans.lax.common import (
    as_arrays,
    described,
    flatten_inputs,
    has_value,
    merge_captured,
    strong_output,
    strongest,
    trace_function,
)
from functrans.numpy.promotion import as_arraylike, broadcast_one, promote
from functrans.primitives.elementwise import convert, maximum, minimum
from functrans.primitives.elementwise import select as select_elements

# Stands for an `operand` that is not given: None is an operand like any other.
_ABSENT = object()


def cond(pred, true_fun: Callable, false_fun: Callable, *operands, operand=_ABSENT):
    """`true_fun(*operands)` if `pred` holds, `false_fun(*operands)` otherwise.

    pred: a scalar, boolean or real number. operand: one operand, by keyword. Both functions are
    traced, one is run; they must return the same structure, shapes and dtypes. Under `vmap` with
    a mapped `pred` each lane runs its own side, and never the other: a side that is not taken
    makes no NaN.
    Raises TypeError for a `pred` that is no scalar, and for results that differ.

    >>> import functrans as ft
    >>> ft.lax.cond(True, lambda x: x + 1, lambda x: x - 1, 3.0)
    Array(4., dtype=float32, weak_type=True)
    """
    if callable(false_fun) and not callable(true_fun) and len(operands) == 2 \
            and callable(operands[1]):
        return _cond_of_two_operands(pred, true_fun, false_fun, *operands)
    for function in (true_fun, false_fun):
        check_callable(function, "cond")
    operands = _all_operands(operands, operand, "cond")
    truth = _predicate(pred)
    if jit_is_disabled() and has_value(truth):
        return as_arrays((true_fun if truth else false_fun)(*operands))
    return _choose(convert(truth, np.int64), (true_fun, false_fun), operands, "cond",
                   ("true_fun", "false_fun"))


def _cond_of_two_operands(pred, true_operand, true_fun, false_operand, false_fun):
    """The old spelling, with an operand for each side."""
    return cond(pred, lambda x, _: true_fun(x), lambda _, x: false_fun(x), true_operand,
                false_operand)


def _all_operands(operands: tuple, operand, who: str) -> tuple:
    if operand is _ABSENT:
        return operands
    if operands:
        raise ArgumentError(f"{who} takes operands either by position or as operand=, got both")
    return (operand,)


def _predicate(pred):
    """The predicate as a boolean scalar."""
    if pred is None or isinstance(pred, (list, tuple)):
        raise ArgumentError(f"cond: the predicate must be a boolean scalar, got {pred!r}")
    pred = as_arraylike(pred, "cond")
    if pred.shape:
        raise ShapeError(f"cond: the predicate must be a scalar, got {pred.type}. Use "
                         "vmap(cond), or where(pred, x, y) for elements")
    if is_complex(pred.dtype):
        raise DtypeError(f"cond: the predicate must be boolean or real, got {pred.type}")
    return pred if is_bool(pred.dtype) else pred != 0


def switch(index, branches: Sequence[Callable], *operands, operand=_ABSENT):
    """`branches[index](*operands)`; an index outside is clamped into the range.

    index: an integer scalar. See `cond` for the rest.

    >>> import functrans as ft
    >>> ft.lax.switch(1, [lambda x: x, lambda x: 10 * x], 3.0)
    Array(30., dtype=float32, weak_type=True)
    """
    branches = tuple(branches)
    if not branches:
        raise ArgumentError("switch needs at least one branch")
    for function in branches:
        check_callable(function, "switch")
    operands = _all_operands(operands, operand, "switch")
    index = _index(index, len(branches))
    if jit_is_disabled() and has_value(index):
        return as_arrays(branches[int(index)](*operands))
    names = [f"branch {k}" for k in range(len(branches))]
    return _choose(convert(index, np.int64), branches, operands, "switch", names)


def _index(index, count: int):
    """The number of a branch, clamped into the range."""
    index = as_arraylike(index, "switch")
    if index.shape or not is_integer(index.dtype):
        raise DtypeError(f"switch: the index must be an integer scalar, got {index.type}")
    last = index.dtype.type(min(count - 1, np.iinfo(index.dtype).max))
    return minimum(maximum(index, index.dtype.type(0)), last)


def _choose(index, functions: Sequence[Callable], operands, who: str, names: Sequence[str]):
    values, structure, _ = flatten_inputs(operands, who, "operand")
    types = [value.type for value in values]
    traced = [trace_function(function, types, structure, who, name)
              for function, name in zip(functions, names)]
    captured, programs = merge_captured(traced)
    programs = _agreeing(programs, traced, functions, who, names)
    if who == "cond":
        programs = programs[::-1]                       # false is 0
    results = bind_cond(index, programs, [*captured, *values])
    return tree.unflatten(traced[0].out_tree, results)


def _agreeing(programs, traced, functions, who: str, names) -> list:
    """The Programs with equal result types: weak ones give way."""
    first = programs[0]
    common = [strongest(column) for column in
              zip(*(program.output_types for program in programs), strict=False)]
    every = range(len(first.outputs))
    if all(one.out_tree == traced[0].out_tree for one in traced):
        programs = [strong_output(program, common, every) for program in programs]
    for program, one, name, function in zip(programs[1:], traced[1:], names[1:], functions[1:]):
        require_same_types(
            programs[0].output_types, traced[0].out_tree, program.output_types, one.out_tree,
            f"{who}: {names[0]}, {described(functions[0])}, and {name}, {described(function)}, "
            "return different types", names[0], name)
    return programs


def select(pred, on_true, on_false):
    """Elements of `on_true` where `pred` holds, of `on_false` elsewhere; all of one shape.

    pred: booleans of that shape, or a scalar.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.select(fnp.array([True, False]), fnp.ones(2), fnp.zeros(2))
    Array([1., 0.], dtype=float32)
    """
    pred = as_arraylike(pred, "select")
    x, y = promote(as_arraylike(on_true, "select"), as_arraylike(on_false, "select"))
    if not is_bool(pred.dtype):
        raise DtypeError(f"select: the predicate must be boolean, got {pred.type}")
    if x.shape != y.shape or pred.shape not in ((), x.shape):
        raise ShapeError(f"select takes cases of one shape, and a predicate of that shape or a "
                         f"scalar; got {pred.type}, {x.type}, {y.type}")
    return select_elements(broadcast_one(pred, x.shape), x, y)


def select_n(which, *cases):
    """Elements of `cases[which]`; `which` is boolean (two cases) or integer, of their shape.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.lax.select_n(fnp.array([0, 1]), fnp.zeros(2), fnp.ones(2))
    Array([0., 1.], dtype=float32)
    """
    if not cases:
        raise ArgumentError("select_n needs at least one case")
    which = as_arraylike(which, "select_n")
    arrays = promote(*(as_arraylike(case, "select_n") for case in cases))
    if is_bool(which.dtype):
        if len(arrays) > 2:
            raise ArgumentError(f"select_n: a boolean chooses among two cases, got {len(arrays)}")
        return arrays[0] if len(arrays) == 1 else select(which, arrays[1], arrays[0])
    if not is_integer(which.dtype):
        raise DtypeError(f"select_n: which must be boolean or integer, got {which.type}")
    result = arrays[-1]
    for number, case in reversed(list(enumerate(arrays[:-1]))):
        result = select(which <= number, case, result)
    return result
