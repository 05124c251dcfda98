"""Calls back into Python from compiled code, as equations.

`pure_callback` is a function like any other: it may be left out, or merged with an equal one.
`io_callback` and `debug_callback` have effects: each happens once, in the order of the program.

In: a `HostFunction`, from NumPy arrays to a tuple of them. Imports `ir`, `trace`, `primitives`,
`control.scan`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.control.scan import map_lanes
from functrans.errors import NotDifferentiableError
from functrans.ir.primitive import HostCall, Primitive
from functrans.ir.type import ArrayType, is_inexact
from functrans.primitives.basic import broadcast, type_of_value
from functrans.trace import EVAL, bind, trace_closed, using

VMAP_METHODS = ("sequential", "sequential_unrolled", "expand_dims", "broadcast_all",
                "legacy_vectorized")


class HostFunction:
    """A function of the user's, called with copies of the operands.

    function: from NumPy arrays to a sequence of arrays; check: makes of that what `types` say, or
    raises. Equal to another if it is the same object.
    """

    __slots__ = ("function", "check", "types", "__name__")

    def __init__(self, function: Callable, check: Callable, types: Sequence[ArrayType],
                 name: str):
        self.function = function
        self.check = check
        self.types = tuple(types)
        self.__name__ = name

    def __call__(self, *arrays) -> tuple:
        with using(EVAL):
            results = self.function(*(np.array(array) for array in arrays))
            return tuple(self.check(results, self.types))

    def for_lanes(self, size: int) -> HostFunction:
        """The same function, whose results have a mapped axis in front."""
        types = [kind.with_shape((size, *kind.shape)) for kind in self.types]
        return HostFunction(self.function, self.check, types, self.__name__)


def _infer(*types, callback, **params):
    return callback.types


def _evaluate(*arrays, callback, **params):
    return callback(*arrays)


def _kernel(types, params):
    return HostCall(params["callback"])


def _show(params: dict) -> str:
    return params["callback"].__name__


def _sequential(primitive: Primitive, size, args, batched, params):
    """One call a lane, in order."""
    kinds = [type_of_value(arg) for arg in args]
    kinds = [kind.with_shape(kind.shape[1:]) if flag else kind
             for kind, flag in zip(kinds, batched)]
    lane = trace_closed(lambda *values: bind(primitive, *values, **params), kinds,
                        params["callback"].__name__)
    return map_lanes(lane, size, args, batched), [True] * len(lane.outputs)


# ---- pure ----

def _differentiate_pure(primals, tangents, params):
    """Refuses before the function is called, unless there is nothing to differentiate."""
    if any(is_inexact(kind.dtype) for kind in params["callback"].types):
        raise NotDifferentiableError(
            f"{params['callback'].__name__} is called by pure_callback, and Python code has no "
            "derivative that can be found from it. Wrap the call in a function with a rule of its "
            "own (custom_jvp, custom_vjp), or use stop_gradient on its arguments")
    outs = bind(pure_callback_p, *primals, **params)
    return outs, (None,) * len(outs)


def _batch_pure(size, args, batched, params):
    method = params["vmap_method"]
    if method is None:
        raise NotDifferentiableError(
            f"vmap of a pure_callback to {params['callback'].__name__} needs to know how it takes "
            f"a batch: say vmap_method=, one of {', '.join(VMAP_METHODS)}")
    if method.startswith("sequential"):
        return _sequential(pure_callback_p, size, args, batched, params)
    args = [arg if flag else _SPREAD[method](size, arg) for arg, flag in zip(args, batched)]
    lanes = params["callback"].for_lanes(size)
    return bind(pure_callback_p, *args, **{**params, "callback": lanes}), \
        [True] * len(lanes.types)


# What an operand without the mapped axis becomes.
_SPREAD = {
    "expand_dims": lambda size, arg: broadcast(arg, (1, *arg.shape), range(1, arg.ndim + 1)),
    "broadcast_all": lambda size, arg: broadcast(arg, (size, *arg.shape), range(1, arg.ndim + 1)),
    "legacy_vectorized": lambda size, arg: arg,
}

pure_callback_p = Primitive(
    name="pure_callback", infer=_infer, evaluate=_evaluate, jvp=_differentiate_pure,
    linearize=_differentiate_pure, batch=_batch_pure, kernel=_kernel, multiple=True,
    inherits_weak=False, show=_show)


# ---- with effects ----

def _jvp_io(out, primals, tangents, params):
    if any(is_inexact(kind.dtype) for kind in params["callback"].types):
        raise NotDifferentiableError(
            f"{params['callback'].__name__} is called by io_callback, which has no derivative. "
            "Use stop_gradient on its arguments, or wrap the call in a function with a rule of "
            "its own (custom_jvp, custom_vjp)")
    return (None,) * len(out)


io_callback_p = Primitive(
    name="io_callback", infer=_infer, evaluate=_evaluate, jvp=_jvp_io, kernel=_kernel,
    batch=lambda *rule: _sequential(io_callback_p, *rule),
    multiple=True, inherits_weak=False, effect=True, show=_show)

debug_callback_p = Primitive(
    name="debug_callback", infer=_infer, evaluate=_evaluate, kernel=_kernel,
    jvp=lambda out, primals, tangents, params: (),
    batch=lambda *rule: _sequential(debug_callback_p, *rule),
    multiple=True, inherits_weak=False, effect=True, show=_show)
