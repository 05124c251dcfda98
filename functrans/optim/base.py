"""Gradient transformations: pairs of functions that turn gradients into updates.

    optimizer = ft.optim.adam(1e-3)
    state = optimizer.init(params)
    updates, state = optimizer.update(gradients, state, params)
    params = ft.optim.apply_updates(params, updates)

`init` and `update` are pure functions of pytrees, to be called inside `jit`. The state is a pytree
of arrays too, so it is saved, mapped and donated like parameters. The design is that of Optax
(Babuschkin et al., "The DeepMind JAX ecosystem", 2020).

Imports `tree`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from functrans import tree
from functrans.array import Array
from functrans.numpy.promotion import as_arraylike
from functrans.primitives.elementwise import convert


class GradientTransformation(NamedTuple):
    """What an optimizer is: two functions.

    init(params) -> state
    update(updates, state, params=None) -> (updates, state)

    `updates` are gradients, or what an earlier transformation made of them. Some transformations
    need the parameters, and say so if they are missing.
    """
    init: Callable
    update: Callable


class EmptyState(NamedTuple):
    """The state of a transformation that remembers nothing."""


def stateless(function: Callable) -> GradientTransformation:
    """A transformation from `function(updates, params) -> updates`.

    >>> import functrans as ft
    >>> halve = ft.optim.stateless(lambda updates, params: ft.tree.map(lambda u: u / 2, updates))
    >>> halve.update(4.0, halve.init(0.0))[0]
    2.0
    """
    def update(updates, state, params=None):
        return function(updates, params), state
    return GradientTransformation(lambda params: EmptyState(), update)


def identity() -> GradientTransformation:
    """The transformation that changes nothing.

    >>> import functrans as ft
    >>> ft.optim.identity().update(1.0, ())[0]
    1.0
    """
    return stateless(lambda updates, params: updates)


def chain(*transformations: GradientTransformation) -> GradientTransformation:
    """Several transformations, one after the other; the state is the tuple of their states.

    >>> import functrans as ft
    >>> both = ft.optim.chain(ft.optim.clip(1.0), ft.optim.scale(-0.1))
    >>> both.update(5.0, both.init(0.0))[0]
    Array(-0.1, dtype=float32, weak_type=True)
    """
    def init(params):
        return tuple(transformation.init(params) for transformation in transformations)

    def update(updates, state, params=None):
        if len(state) != len(transformations):
            raise ValueError(f"chain of {len(transformations)} transformations got a state of "
                             f"{len(state)}; make it with the init of the same chain")
        states = []
        for transformation, inner in zip(transformations, state):
            updates, inner = transformation.update(updates, inner, params)
            states.append(inner)
        return updates, tuple(states)
    return GradientTransformation(init, update)


def apply_updates(params, updates):
    """params + updates, leaf by leaf, each in the dtype of the parameter.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.apply_updates({"w": fnp.ones(2)}, {"w": fnp.array([0.5, -1.0])})
    {'w': Array([1.5, 0. ], dtype=float32)}
    """
    def apply(parameter, update):
        parameter = as_arraylike(parameter, "apply_updates")
        return convert(parameter + update, parameter.dtype)
    return tree.map(apply, params, updates)


# ---- what transformations are written with ----

def need(params, name: str):
    """Raises unless the parameters were passed to `update`."""
    if params is None:
        raise ValueError(f"{name} needs the parameters: call update(updates, state, params)")
    return params


def zeros_like(params, dtype=None):
    """Zeros for each parameter, in their dtypes or in `dtype`."""
    def zero(parameter):
        parameter = as_arraylike(parameter, "an optimizer")
        return Array(np.zeros(parameter.shape, dtype or parameter.dtype))
    return tree.map(zero, params)


def new_count() -> Array:
    """A counter of steps: int32, as in Optax, saturating in `next_count`."""
    return Array(np.zeros((), np.int32))


def next_count(count):
    """One more, but not beyond the largest int32."""
    most = np.iinfo(np.int32).max
    return count + convert(count < np.int32(most), np.int32)


def in_dtype_of(leaf, number):
    """A number or 0-d array in the dtype of a leaf, so that it does not widen the leaf."""
    return convert(as_arraylike(number, "an optimizer"), leaf.dtype)
