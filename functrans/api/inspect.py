"""Looking at functions without running them: make_ir, eval_shape.

Imports `tree`, `trace`, `api.calls`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager

from functrans import tree
from functrans.api.calls import (FlatFunction, ShapeDtypeStruct, check_callable, function_name,
                                 leaf_names, leaf_type, normalize_argnums, transformed)
from functrans.array import Array
from functrans.trace import EVAL, trace, using
from functrans.tracebacks import boundary


def _traced(fun: Callable, args: tuple, kwargs: dict, who: str):
    leaves, in_tree = tree.flatten((args, kwargs))
    names = leaf_names(fun, args, kwargs)
    types = [leaf_type(leaf, name, who) if not hasattr(leaf, "type") else leaf.type
             for leaf, name in zip(leaves, names)]
    flat = FlatFunction(fun, in_tree, who=who)
    program, _ = trace(flat, types, f"{who} of {function_name(fun)}", names)
    return program.replace(name=function_name(fun)), flat.out_tree


def make_ir(fun: Callable, static_argnums: int | Sequence[int] = (),
            return_shape: bool = False) -> Callable:
    """A function that gives the Program of `fun` for the types of its arguments.

    Arrays and `ShapeDtypeStruct`s will do. What the function closes over is among the first
    inputs. With `return_shape`, a pair with the shapes and dtypes of the outputs.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> program = ft.make_ir(lambda x: fnp.sin(x) * 2)(1.0)
    >>> len(program.equations)
    2
    """
    check_callable(fun, "make_ir")

    @transformed(fun)
    def maker(*args, **kwargs):
        static = normalize_argnums(static_argnums, len(args), function_name(fun), "make_ir") \
            if static_argnums != () else ()
        dynamic = tuple(arg for k, arg in enumerate(args) if k not in static)

        def call(*values, **keywords):
            rest = iter(values)
            return fun(*(args[k] if k in static else next(rest) for k in range(len(args))),
                       **keywords)
        call.__name__ = function_name(fun)
        program, out_tree = _traced(call if static else fun, dynamic, kwargs, "make_ir")
        if return_shape:
            return program, as_structs(program.output_types, out_tree)
        return program
    return maker


@contextmanager
def ensure_compile_time_eval():
    """Within this block, operations on known arrays are computed at once, also while a function is
    traced: what they give is a constant of the trace, and Python can ask for its value.

    A context, or a decorator. Traced values cannot be used in it.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> @ft.jit
    ... def f(x):
    ...     with ft.ensure_compile_time_eval():
    ...         count = int(fnp.arange(4).sum())
    ...     return count * x
    >>> f(2)
    Array(12, dtype=int64, weak_type=True)
    """
    with using(EVAL):
        yield


def typeof(x):
    """The type of an array, a number or a traced value: its shape, dtype, and whether it is weak.

    Raises TypeError for what is no array.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.typeof(fnp.ones((2, 3)))
    f32[2,3]
    """
    return leaf_type(x, "the argument", "typeof")


def as_structs(types: Sequence, out_tree):
    """Types as a pytree of `ShapeDtypeStruct`s."""
    return tree.unflatten(out_tree, [ShapeDtypeStruct(kind.shape, kind.dtype,
                                                      weak_type=kind.weak) for kind in types])


@boundary
def eval_shape(fun: Callable, *args, **kwargs):
    """The shapes and dtypes of `fun(*args, **kwargs)`, without computing anything.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.eval_shape(fnp.dot, ft.ShapeDtypeStruct((2, 3), "float32"), fnp.ones(3))
    ShapeDtypeStruct(shape=(2,), dtype=float32)
    """
    check_callable(fun, "eval_shape")
    program, out_tree = _traced(fun, args, kwargs, "eval_shape")
    return as_structs(program.output_types, out_tree)


def block_until_ready(x):
    """Waits until all arrays of a pytree are computed, and returns it."""
    for leaf in tree.leaves(x):
        if isinstance(leaf, Array):
            leaf.block_until_ready()
    return x


