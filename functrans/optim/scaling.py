"""Transformations that scale updates by numbers and schedules, or look at the parameters.

The rules are written with g for the update that comes in and u for the one that goes out.

Imports `numpy`, `optim.base`, `optim.clipping`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.optim.base import (
    EmptyState,
    GradientTransformation,
    Schedule,
    map_leaves,
    need,
    new_count,
    next_count,
    number,
    real_dtype,
    stateless,
    sum_dtype,
)
from functrans.optim.clipping import global_norm, scaled
from functrans.primitives.elementwise import convert

# ---- numbers and schedules ----

def scale(step_size) -> GradientTransformation:
    """u = step_size * g.

    >>> import functrans as ft
    >>> ft.optim.scale(0.5).update(3.0, ())[0]
    Array(1.5, dtype=float32, weak_type=True)
    """
    return stateless(lambda updates, params: map_leaves(
        lambda g: g * number(step_size, g.dtype), updates))


class CountState(NamedTuple):
    """The state of what depends on the number of steps: the count of those done."""
    count: Any


def counted(function: Callable) -> GradientTransformation:
    """A transformation from `function(updates, count, params) -> updates`."""
    def init(params):
        return CountState(new_count())

    def update(updates, state, params=None):
        return function(updates, state.count, params), CountState(next_count(state.count))
    return GradientTransformation(init, update)


def scale_by_schedule(step_size_fn: Schedule) -> GradientTransformation:
    """u = step_size_fn(count) * g, where count is 0 at the first step.

    >>> import functrans as ft
    >>> halving = ft.optim.scale_by_schedule(ft.optim.exponential_decay(1.0, 1, 0.5))
    >>> u, state = halving.update(1.0, halving.init(1.0))
    >>> halving.update(1.0, state)[0]
    Array(0.5, dtype=float32)
    """
    def apply(updates, count, params):
        step_size = step_size_fn(count)
        return map_leaves(lambda g: g * number(step_size, g.dtype), updates)
    return counted(apply)


def scale_by_learning_rate(learning_rate, *, flip_sign: bool = True) -> GradientTransformation:
    """u = -learning_rate * g; downhill, unless `flip_sign` is false.

    learning_rate: a number, an array of shape (), or a schedule.

    >>> import functrans as ft
    >>> ft.optim.scale_by_learning_rate(0.5).update(3.0, ft.optim.EmptyState())[0]
    Array(-1.5, dtype=float32, weak_type=True)
    """
    sign = -1 if flip_sign else 1
    if callable(learning_rate):
        return scale_by_schedule(lambda count: sign * learning_rate(count))
    return scale(sign * learning_rate)


# ---- what looks at the parameters ----

def add_weights(weight_decay) -> GradientTransformation:
    """u = g + weight_decay * parameter; weight_decay is a number or a schedule."""
    def add(updates, rate, params):
        need(params, "add_decayed_weights")
        return map_leaves(lambda g, p: convert(g + number(rate, g.dtype) * p, g.dtype),
                          updates, params)
    if callable(weight_decay):
        return counted(lambda updates, count, params: add(updates, weight_decay(count), params))
    return stateless(lambda updates, params: add(updates, weight_decay, params))


def scale_by_trust_ratio(min_norm=0.0, trust_coefficient=1.0, eps=0.0) -> GradientTransformation:
    """u = trust_coefficient * norm(parameter) / (norm(g) + eps) * g, for each leaf.

    min_norm: the least that both norms count. Where one of them is 0, u = g.

    You et al., "Large batch optimization for deep learning: training BERT in 76 minutes"
    (ICLR 2020).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> trust = ft.optim.scale_by_trust_ratio()
    >>> trust.update(fnp.array([3.0, 4.0]), ft.optim.EmptyState(), fnp.array([0.0, 10.0]))[0]
    Array([6., 8.], dtype=float32)
    """
    def scale_leaf(g, parameter):
        sizes = [ufuncs.maximum(global_norm(x), number(min_norm, real_dtype(sum_dtype(g.dtype))))
                 for x in (parameter, g)]
        some = (sizes[0] > 0) & (sizes[1] > 0)
        ratio = trust_coefficient * sizes[0] / (where(some, sizes[1], 1) + eps)
        return scaled(g, where(some, ratio, 1))

    def update(updates, state, params=None):
        return map_leaves(scale_leaf, updates, need(params, "scale_by_trust_ratio")), state
    return GradientTransformation(lambda params: EmptyState(), update)
