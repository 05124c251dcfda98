"""Gradient transformations: pairs of functions that turn gradients into updates.

    optimizer = ft.optim.adam(1e-3)
    state = optimizer.init(params)
    updates, state = optimizer.update(gradients, state, params)
    params = ft.optim.apply_updates(params, updates)

`init` and `update` are pure functions of pytrees, to be called inside `jit`. The state is a pytree
of arrays too, so it is saved, mapped and donated like parameters. The design is that of Optax
(Babuschkin et al., "The DeepMind JAX ecosystem", 2020).

Dtypes: updates keep the dtypes of the gradients, parameters keep theirs, and the state keeps those
that `init` gave it, so that a jitted step is traced once. Running sums for floats narrower than
float32 are float32.

Imports `tree`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from functrans import tree
from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.ir.type import is_complex, is_inexact
from functrans.numpy import creation
from functrans.numpy.promotion import as_arraylike
from functrans.primitives.elementwise import convert

#: A function from the number of steps taken so far (0, 1, ...) to a number.
Schedule = Callable


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


def set_to_zero() -> GradientTransformation:
    """The transformation that makes all updates zero: for parameters that shall stay.

    >>> import functrans as ft
    >>> ft.optim.set_to_zero().update(1.0, ())[0]
    Array(0., dtype=float32)
    """
    return stateless(lambda updates, params: zeros_like(updates))


def chain(*transformations: GradientTransformation) -> GradientTransformation:
    """Several transformations, one after the other; the state is the tuple of their states.

    Raises ValueError, in `update`, for a state that is not one of this chain.

    >>> import functrans as ft
    >>> both = ft.optim.chain(ft.optim.clip(1.0), ft.optim.scale(-0.5))
    >>> both.update(5.0, both.init(0.0))[0]
    Array(-0.5, dtype=float32, weak_type=True)
    """
    def init(params):
        return tuple(transformation.init(params) for transformation in transformations)

    def update(updates, state, params=None):
        if len(state) != len(transformations):
            raise ArgumentError(f"chain of {len(transformations)} transformations got a state of "
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
        return convert(parameter + update, parameter.dtype)
    return map_leaves(apply, params, updates)


# ---- what transformations are written with ----

def map_leaves(function: Callable, updates, *rest):
    """`tree.map`, with each leaf of `updates` as an array or tracer."""
    return tree.map(lambda leaf, *others: function(as_arraylike(leaf, "an optimizer"), *others),
                    updates, *rest)


def need(params, name: str):
    """Raises unless the parameters were passed to `update`."""
    if params is None:
        raise ArgumentError(f"{name} needs the parameters: call update(updates, state, params)")
    return params


def number(value, dtype):
    """A hyperparameter as an operand for arrays of a dtype, which it does not widen.

    Python numbers stay what they are, for they adapt without being rounded first.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float, complex)):
        return value
    return convert(as_arraylike(value, "an optimizer"), dtype)


def sum_dtype(dtype) -> np.dtype:
    """The dtype in which values of a dtype are summed up over steps: float32 at least."""
    narrow = is_inexact(dtype) and not is_complex(dtype) and dtype.itemsize < 4
    return np.dtype(np.float32) if narrow else dtype


def real_dtype(dtype) -> np.dtype:
    """The dtype of the absolute values of a dtype."""
    return np.empty(0, dtype).real.dtype if is_complex(dtype) else dtype


def filled(params, value=0, dtype: Callable = lambda dtype: dtype):
    """Arrays of the shapes of the parameters, in `dtype(that of the parameter)`."""
    return map_leaves(lambda leaf: creation.full(leaf.shape, value, dtype(leaf.dtype)), params)


def zeros_like(params):
    """Zeros of the shapes and dtypes of the parameters."""
    return filled(params)


def new_sums(params, dtype=None, value=0):
    """Running sums for each parameter, in `dtype`, or wide enough for its own."""
    return filled(params, value, sum_dtype if dtype is None else lambda _: dtype)


def new_sizes(params, value=0):
    """Running sums of what is no longer complex: of squares, of absolute values."""
    return filled(params, value, lambda dtype: sum_dtype(real_dtype(dtype)))


def new_count() -> Array:
    """A counter of steps: int32, as in Optax, saturating in `next_count`."""
    return Array(np.zeros((), np.int32))


def next_count(count):
    """One more, but not beyond the largest int32."""
    most = np.iinfo(np.int32).max
    return count + convert(count < np.int32(most), np.int32)


def find_state(state, kind: type, maker: str):
    """The one state of a class inside the state of an optimizer, however it is wrapped.

    Raises ValueError, naming the transformation that makes such a state, if there is none or
    more than one.
    """
    leaves = tree.leaves(state, is_leaf=lambda node: isinstance(node, kind))
    found = [leaf for leaf in leaves if isinstance(leaf, kind)]
    if len(found) != 1:
        raise ArgumentError(f"this state has {len(found) or 'no'} state of {maker}; exactly one is "
                            f"needed: make the optimizer with optim.{maker}")
    return found[0]
