"""`closure_convert`: what a function closes over, as arguments of it.

Imports `tree`, `trace`, `api.calls`.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans import tree
from functrans.api.calls import (FlatFunction, as_input, as_result, check_callable, function_name,
                                 leaf_names)
from functrans.errors import StructureError
from functrans.ir.type import is_inexact
from functrans.trace import Tracer, run, trace_at
from functrans.tracebacks import boundary


_MOVED = object()


@boundary
def closure_convert(fun: Callable, *example_args) -> tuple:
    """A function like `fun`, and a list of the traced values that it closes over.

    example_args: arguments of the structures, shapes and dtypes that it will be called with.
    Returns `(converted, values)`: `converted(*args, *values)` is `fun(*args)`. So a function that
    is handed to one with a custom rule, such as a solver, gets derivatives with respect to what it
    closes over: pass the values to that one as arguments, too. Constants and integers, which have
    no derivative, stay in the function. `converted` raises StructureError for arguments of another
    structure.

    >>> import functrans as ft
    >>> def loss(scale):
    ...     converted, values = ft.closure_convert(lambda x: scale * x, 1.0)
    ...     return converted(2.0, *values)
    >>> ft.grad(loss)(3.0)
    Array(2., dtype=float32)
    """
    check_callable(fun, "closure_convert")
    leaves, in_tree = tree.flatten((example_args, {}))
    names = leaf_names(fun, example_args, {})
    inputs = [as_input(leaf, name, "closure_convert") for leaf, name in zip(leaves, names)]
    flat = FlatFunction(fun, in_tree, who="closure_convert")
    program, captured = trace_at(flat, inputs, f"closure_convert of {function_name(fun)}", names)
    values = [value for value in captured if _is_moved(value)]
    # What is moved must not be found in the function: rules refuse values that they close over.
    around = [_MOVED if _is_moved(value) else value for value in captured]
    name, out_tree, count = function_name(fun), flat.out_tree, len(values)

    def converted(*args_and_values):
        end = len(args_and_values) - count
        args, moved = args_and_values[:end], iter(args_and_values[end:])
        given, structure = tree.flatten((args, {}))
        if structure != in_tree:
            raise StructureError(f"{name} was converted for arguments of the "
                                 f"structure {in_tree}, got {structure}")
        closed_over = [next(moved) if value is _MOVED else value for value in around]
        outs = run(program, [*closed_over, *(as_input(leaf, label, name)
                                             for leaf, label in zip(given, names))])
        return tree.unflatten(out_tree, map(as_result, outs))
    return converted, values


def _is_moved(value) -> bool:
    return isinstance(value, Tracer) and is_inexact(value.dtype)
