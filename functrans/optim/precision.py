"""Mixed precision: narrow parameters with wide masters, and losses scaled out of underflow.

    optimizer = ft.optim.dynamic_loss_scaling(ft.optim.with_master_weights(ft.optim.adam(1e-3)))

    def step(params, state, batch):                        # params: float16
        scale = ft.optim.loss_scale(state)
        gradients = ft.grad(lambda p: scale * loss(p, batch))(params)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state

Source of both: Micikevicius et al., "Mixed precision training" (ICLR 2018).

Imports `optim.base`, `optim.conditions`.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.ir.type import is_float
from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.optim.base import (
    GradientTransformation,
    apply_updates,
    find_state,
    map_leaves,
    need,
    new_count,
    next_count,
    sum_dtype,
)
from functrans.optim.conditions import all_finite, update_if
from functrans.primitives.elementwise import convert


def cast_floats(values, dtype):
    """A tree with its real floating leaves in `dtype`; integers, booleans and complex stay.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.cast_floats({"w": fnp.ones(2), "n": fnp.arange(2)}, "float16")["w"].dtype
    dtype('float16')
    """
    return map_leaves(lambda leaf: convert(leaf, dtype) if is_float(leaf.dtype)
                      else leaf, values)


# ---- masters ----

class MasterWeightsState(NamedTuple):
    """The parameters in the wide dtype, and the state of the inner transformation."""
    master: Any
    inner_state: Any


def with_master_weights(inner: GradientTransformation,
                        dtype="float32") -> GradientTransformation:
    """Keeps parameters in a wide dtype, of which the given ones are rounded copies.

    The inner transformation sees gradients and parameters in `dtype` alone. Small updates are not
    lost: they add up in the masters, and the updates returned take the parameters to the masters
    rounded. Parameters must be changed by `apply_updates` with these updates and nothing else.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> optimizer = ft.optim.with_master_weights(ft.optim.sgd(1.0))
    >>> params = fnp.ones((), "float16")
    >>> state = optimizer.init(params)
    >>> for _ in range(10):
    ...     updates, state = optimizer.update(fnp.array(1e-4, "float16"), state, params)
    ...     params = ft.optim.apply_updates(params, updates)
    >>> params
    Array(0.999, dtype=float16)
    """
    def init(params):
        master = cast_floats(params, dtype)
        return MasterWeightsState(master, inner.init(master))

    def update(updates, state, params=None):
        need(params, "with_master_weights")
        wide, inner_state = inner.update(cast_floats(updates, dtype), state.inner_state,
                                         state.master)
        master = apply_updates(state.master, wide)
        moves = map_leaves(lambda parameter, value: convert(value, parameter.dtype)
                           - convert(parameter, value.dtype), params, master)
        return moves, MasterWeightsState(master, inner_state)
    return GradientTransformation(init, update)


# ---- loss scaling ----

class LossScalingState(NamedTuple):
    """The scale, how many steps went well with it, and how many were left out in all."""
    scale: Any
    good_steps: Any
    skipped_steps: Any
    inner_state: Any


def dynamic_loss_scaling(inner: GradientTransformation, initial_scale: float = 2.0 ** 15,
                         growth_interval: int = 2000, growth_factor: float = 2.0,
                         backoff_factor: float = 0.5, min_scale: float = 1.0,
                         max_scale: float = 2.0 ** 24) -> GradientTransformation:
    """Takes the gradients of a scaled loss, and finds a scale at which they neither under- nor
    overflow.

    The loss must be multiplied by `loss_scale(state)`. Gradients are divided by it, in float32 at
    least. If one is not finite, the step is left out (zeros; the inner state as it was) and the
    scale times `backoff_factor`; after `growth_interval` good steps in a row it is multiplied by
    `growth_factor`. It stays between `min_scale` and `max_scale`.
    Raises ValueError for factors on the wrong side of 1.

    >>> import functrans as ft
    >>> optimizer = ft.optim.dynamic_loss_scaling(ft.optim.sgd(1.0), initial_scale=8.0)
    >>> state = optimizer.init(1.0)
    >>> gradient = ft.grad(lambda x: ft.optim.loss_scale(state) * x ** 2)(3.0)
    >>> float(gradient), float(optimizer.update(gradient, state, 1.0)[0])
    (48.0, -6.0)
    """
    if growth_factor < 1 or not 0 < backoff_factor < 1:
        raise ArgumentError("dynamic_loss_scaling: growth_factor must be at least 1 and "
                            "backoff_factor between 0 and 1, got "
                            f"{growth_factor!r} and {backoff_factor!r}")

    def init(params):
        scale = Array(np.asarray(initial_scale, np.float32))
        return LossScalingState(scale, new_count(), new_count(), inner.init(params))

    def adjusted(state, finite):
        good = where(finite, next_count(state.good_steps), np.int32(0))
        grows = good >= growth_interval
        kept = where(grows, ufuncs.minimum(state.scale * growth_factor, max_scale), state.scale)
        lower = ufuncs.maximum(state.scale * backoff_factor, min_scale)
        return where(finite, kept, lower), where(grows, np.int32(0), good)

    def update(updates, state, params=None):
        updates = map_leaves(lambda g: convert(g, sum_dtype(g.dtype)) / state.scale, updates)
        finite = all_finite(updates)
        scale, good = adjusted(state, finite)
        skipped = where(finite, state.skipped_steps, next_count(state.skipped_steps))
        updates, inner_state = update_if(finite, inner, updates, state.inner_state, params)
        return updates, LossScalingState(scale, good, skipped, inner_state)
    return GradientTransformation(init, update)


def loss_scale(state):
    """The factor for the loss, found anywhere in the state of an optimizer.

    Raises ValueError unless there is exactly one `dynamic_loss_scaling` in it.

    >>> import functrans as ft
    >>> ft.optim.loss_scale(ft.optim.dynamic_loss_scaling(ft.optim.sgd(0.1)).init(1.0))
    Array(32768., dtype=float32)
    """
    return find_state(state, LossScalingState, "dynamic_loss_scaling").scale
