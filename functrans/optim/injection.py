"""Hyperparameters as part of the state, so that they can be read, logged and set between steps.

Imports `tree`, `optim.base`.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from functrans import tree
from functrans.array import is_array_like
from functrans.config import default_float
from functrans.errors import ArgumentError
from functrans.ir.type import is_float
from functrans.numpy import creation
from functrans.numpy.promotion import as_arraylike, promote_types
from functrans.optim.base import GradientTransformation, new_count, next_count, sum_dtype


class InjectHyperparamsState(NamedTuple):
    """The hyperparameters of the last step by name, and the state of the optimizer."""
    count: Any
    hyperparams: dict
    inner_state: Any


def inject_hyperparams(inner_factory: Callable, static_args: str | Iterable[str] = (),
                       hyperparam_dtype=None) -> Callable:
    """`inner_factory`, whose numbers and schedules become part of the state.

    inner_factory: a function that makes a transformation, such as `adam`.
    static_args: names of arguments that stay as they are. So do booleans, None, strings, and
        whatever is no number; any other function is taken for a schedule.
    hyperparam_dtype: of the numbers; that of the parameters by default, but float32 at least.
    Returns a function with the arguments of `inner_factory`. In its states `hyperparams` is a
    dict: a number that is replaced there counts from the next step on, without a new trace.

    >>> import functrans as ft
    >>> optimizer = ft.optim.inject_hyperparams(ft.optim.sgd)(learning_rate=0.5)
    >>> state = optimizer.init(1.0)
    >>> state = state._replace(hyperparams={"learning_rate": 0.25})
    >>> optimizer.update(2.0, state)[0]
    Array(-0.5, dtype=float32)
    """
    static = {static_args} if isinstance(static_args, str) else set(static_args)
    signature = inspect.signature(inner_factory)
    _check_names(static, signature, inner_factory)

    @wraps(inner_factory)
    def make(*args, **kwargs) -> GradientTransformation:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        kinds = {name: "static" if name in static else _kind(value)
                 for name, value in given.arguments.items()}
        return _injected(inner_factory, given, kinds, hyperparam_dtype)
    return make


def _check_names(static: set, signature, factory):
    unknown = static - set(signature.parameters)
    if unknown:
        raise ArgumentError(f"inject_hyperparams: static_args names {', '.join(sorted(unknown))}, "
                            f"which {factory.__name__} does not take; it takes "
                            f"{', '.join(signature.parameters)}")


def _kind(value) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "static"
    if is_array_like(value):
        return "number"
    return "schedule" if callable(value) else "static"


def _injected(factory, given, kinds: dict, dtype) -> GradientTransformation:
    def at(count, numbers: dict, dtype) -> dict:
        """The hyperparameters of a step, as arrays."""
        every = {name: value(count) for name, value in given.arguments.items()
                 if kinds[name] == "schedule"} | numbers
        return {name: creation.asarray(value, dtype) for name, value in every.items()}

    def made_with(hyperparams: dict) -> GradientTransformation:
        bound = inspect.BoundArguments(given.signature, {**given.arguments, **hyperparams})
        return factory(*bound.args, **bound.kwargs)

    def init(params):
        count = new_count()
        numbers = {name: value for name, value in given.arguments.items()
                   if kinds[name] == "number"}
        hyperparams = at(count, numbers, dtype or _float_of(params))
        return InjectHyperparamsState(count, hyperparams, made_with(hyperparams).init(params))

    def update(updates, state, params=None):
        numbers = {name: value for name, value in state.hyperparams.items()
                   if kinds[name] == "number"}
        hyperparams = at(state.count, numbers, dtype or _float_of(updates))
        updates, inner = made_with(hyperparams).update(updates, state.inner_state, params)
        return updates, InjectHyperparamsState(next_count(state.count), hyperparams, inner)
    return GradientTransformation(init, update)


def _float_of(values) -> np.dtype:
    """The widest float dtype among the leaves, float32 at least."""
    dtypes = [sum_dtype(as_arraylike(leaf, "an optimizer").dtype) for leaf in tree.leaves(values)]
    widest = np.dtype(np.float32)
    for kind in (np.empty(0, kind).real.dtype for kind in dtypes if kind.name != "bfloat16"):
        widest = promote_types(widest, kind) if is_float(kind) else widest
    return widest if dtypes else default_float()
