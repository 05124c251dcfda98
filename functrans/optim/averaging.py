"""Averages of parameters over steps.

Imports `tree`, `optim.base`.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from functrans import tree
from functrans.numpy.choosing import where
from functrans.numpy.promotion import as_arraylike
from functrans.optim.base import (
    GradientTransformation,
    apply_updates,
    find_state,
    map_leaves,
    need,
    new_count,
    next_count,
    number,
    sum_dtype,
)
from functrans.optim.means import running_mean
from functrans.primitives.elementwise import convert


class ParamsEmaState(NamedTuple):
    """The running mean of the parameters, and the count of steps."""
    count: Any
    ema: Any


def params_ema(decay, accumulator_dtype=None) -> GradientTransformation:
    """Keeps a running mean of the parameters: mean = decay * mean + (1 - decay) * parameters.

    It begins at the first parameters. Updates pass unchanged; so it is the last of a chain, and
    `averaged_params(state)` gives the mean, for evaluation.

    decay: a number or a schedule. accumulator_dtype: of the mean; that of the parameters by
    default, but float32 at least.

    Polyak, Juditsky, "Acceleration of stochastic approximation by averaging" (1992), with decay.

    >>> import functrans as ft
    >>> optimizer = ft.optim.chain(ft.optim.sgd(1.0), ft.optim.params_ema(0.5))
    >>> updates, state = optimizer.update(2.0, optimizer.init(4.0), 4.0)
    >>> ft.optim.averaged_params(state)
    Array(3., dtype=float32)
    """
    def wide(parameter):
        return convert(parameter, accumulator_dtype or sum_dtype(parameter.dtype))

    def init(params):
        return ParamsEmaState(new_count(), map_leaves(wide, params))

    def update(updates, state, params=None):
        moved = apply_updates(map_leaves(wide, need(params, "params_ema")), updates)
        rate = decay(state.count) if callable(decay) else decay
        return updates, ParamsEmaState(next_count(state.count),
                                       running_mean(moved, state.ema, rate))
    return GradientTransformation(init, update)


def averaged_params(state, like=None):
    """The mean that `params_ema` keeps, found anywhere in the state of an optimizer.

    like: parameters in whose dtypes it is given; else it has its own.
    Raises ValueError unless there is exactly one.

    >>> import functrans as ft
    >>> ft.optim.averaged_params(ft.optim.params_ema(0.9).init(4.0))
    Array(4., dtype=float32)
    """
    mean = find_state(state, ParamsEmaState, "params_ema").ema
    return mean if like is None else map_leaves(
        lambda parameter, value: convert(value, parameter.dtype), like, mean)


def incremental_update(new_tensors, old_tensors, step_size):
    """step_size * new + (1 - step_size) * old, leaf by leaf, in the dtypes of the old.

    >>> import functrans as ft
    >>> ft.optim.incremental_update(4.0, 0.0, 0.25)
    Array(1., dtype=float32)
    """
    def move(old, new):
        rate = number(step_size, old.dtype)
        return convert(rate * new + (1 - rate) * old, old.dtype)
    return map_leaves(move, old_tensors, new_tensors)


def periodic_update(new_tensors, old_tensors, steps, update_period: int):
    """The new tree at every `update_period`-th step, the old one else.

    >>> import functrans as ft
    >>> float(ft.optim.periodic_update(4.0, 0.0, steps=3, update_period=2))
    0.0
    """
    now = as_arraylike(steps, "periodic_update") % update_period == 0
    return tree.map(lambda new, old: where(now, new, old), new_tensors, old_tensors)
