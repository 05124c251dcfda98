"""What reverse mode keeps: `checkpoint` (`remat`), which computes again, and `stop_gradient`.

Imports `tree`, `control.checkpoint`, `primitives.elementwise`, `api.calls`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from functrans import tree
from functrans.api.calls import (
    FlatFunction,
    as_input,
    check_callable,
    function_name,
    leaf_names,
    normalize_argnums,
    wraps,
)
from functrans.api.inspect import make_ir
from functrans.control.checkpoint import bind_checkpoint, name_p
from functrans.control.policies import nothing_saveable
from functrans.errors import ArgumentError
from functrans.ir.program import Var
from functrans.ir.type import ArrayType, is_inexact
from functrans.locations import describe
from functrans.numpy.promotion import as_arraylike
from functrans.primitives import elementwise
from functrans.trace import EVAL, bind, current, trace_at
from functrans.transforms.linearize import linearize_program


def checkpoint(fun: Callable | None = None, *, prevent_cse: bool = True,
               policy: Callable | None = None,
               static_argnums: int | Sequence[int] = ()) -> Callable:
    """A function whose derivative in reverse mode keeps its inputs, and computes the rest again.

    Takes the memory of intermediate values that the backward pass needs for the time of another
    forward pass. Also by the name `remat`.
    policy: which intermediate values are kept nevertheless, one of `ft.checkpoint_policies`;
        or a function `policy(primitive, *types, **params) -> bool`. None keeps none.
    prevent_cse: whether to keep the compiler from merging the second computation with the first,
        which would undo it. False is for where that cannot happen, as in the body of a scan.
    static_argnums: arguments that are Python values, not arrays.
    What has an effect (debug.print, io_callback) happens once.
    Source: Chen et al., "Training deep nets with sublinear memory cost" (2016).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.grad(ft.checkpoint(lambda x: fnp.sin(fnp.sin(x))))(0.0)
    Array(1., dtype=float32)
    """
    if fun is None:
        return partial(checkpoint, prevent_cse=prevent_cse, policy=policy,
                       static_argnums=static_argnums)
    check_callable(fun, "checkpoint")
    if policy is not None:
        check_callable(policy, "checkpoint's policy")
    keep = nothing_saveable if policy is None else policy

    @wraps(fun)
    def checkpointed(*args, **kwargs):
        if current() is EVAL:
            return fun(*args, **kwargs)
        static = normalize_argnums(static_argnums, len(args), function_name(fun), "checkpoint") \
            if static_argnums != () else ()
        own = [None if k in static else arg for k, arg in enumerate(args)]
        leaves, in_tree = tree.flatten((tuple(own), kwargs))
        names = leaf_names(fun, own, kwargs)
        inputs = [as_input(leaf, name, "checkpoint") for leaf, name in zip(leaves, names)]

        def call(*positional, **keywords):
            return fun(*(args[k] if k in static else value
                         for k, value in enumerate(positional)), **keywords)
        flat = FlatFunction(call, in_tree, who="checkpoint")
        program, captured = trace_at(flat, inputs, f"checkpoint of {function_name(fun)}", names)
        outs = bind_checkpoint(program.replace(name=function_name(fun)), [*captured, *inputs],
                               keep, prevent_cse, function_name(fun))
        return tree.unflatten(flat.out_tree, outs)
    return checkpointed


def checkpoint_name(x, name: str):
    """`x`, with a name by which policies such as `save_only_these_names` know it.

    x: a pytree of arrays.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> policy = ft.checkpoint_policies.save_only_these_names("hidden")
    >>> f = ft.checkpoint(lambda x: fnp.sin(ft.checkpoint_name(fnp.sin(x), "hidden")),
    ...                   policy=policy)
    >>> ft.grad(f)(0.0)
    Array(1., dtype=float32)
    """
    if not isinstance(name, str):
        raise ArgumentError(f"checkpoint_name: the name must be a string, got {name!r}")
    return tree.map(lambda leaf: bind(name_p, as_arraylike(leaf, "checkpoint_name"), name=name), x)


def stop_gradient(x):
    """`x` as a constant: no derivative flows through it. `x` may be a pytree.

    >>> import functrans as ft
    >>> ft.grad(lambda x: x * ft.stop_gradient(x))(3.0)
    Array(3., dtype=float32)
    """
    return tree.map(lambda leaf: elementwise.stop_gradient(as_arraylike(leaf)), x)


def saved_residuals(f: Callable, *args, **kwargs) -> list[tuple[ArrayType, str]]:
    """What reverse mode through `f` keeps for the backward pass: types, and where they come from.

    f: function of pytrees; arrays and `ShapeDtypeStruct`s will do as arguments. A loop of unknown
    length keeps stacks: as many of the type in brackets as it has steps.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> [str(kind) for kind, _ in ft.saved_residuals(lambda x: fnp.sin(fnp.sin(x)), fnp.ones(3))]
    ['f32[3]', 'f32[3]']
    >>> ft.saved_residuals(ft.checkpoint(lambda x: fnp.sin(fnp.sin(x))), fnp.ones(3))
    [(f32[3], 'argument x')]
    """
    check_callable(f, "saved_residuals")
    program = make_ir(f)(*args, **kwargs)
    nonzero = tuple(is_inexact(kind.dtype) for kind in program.input_types)
    split = linearize_program(program, nonzero)
    known = split.known
    made = {var: equation for equation in known.equations for var in equation.outputs}
    labels = dict(zip(known.inputs, program.names or [""] * len(known.inputs)))
    kept = dict.fromkeys(atom for atom in known.outputs[len(split.nonzero_out):]
                         if type(atom) is Var)
    return [(var.type, describe(made[var].location) if var in made
             else f"argument {labels[var]}".rstrip()) for var in kept]
