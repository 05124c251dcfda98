"""Running means of gradients: momentum, and what adaptive methods are written with.

The rules are written with g for the update that comes in, u for the one that goes out, and t for
the number of the step, from 1.

Imports `numpy`, `optim.base`, `optim.clipping`.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from functrans.numpy import ufuncs
from functrans.numpy.promotion import promote_types
from functrans.optim.base import (
    GradientTransformation,
    map_leaves,
    new_count,
    new_sums,
    next_count,
    number,
    real_dtype,
    sum_dtype,
)
from functrans.optim.clipping import squared_size
from functrans.primitives.elementwise import convert


def running_mean(values, means, decay):
    """decay * mean + (1 - decay) * value, leaf by leaf, in the dtypes of the means."""
    def mean_of(value, mean):
        dtype = promote_types(sum_dtype(value.dtype), mean.dtype)
        rate = number(decay, real_dtype(dtype))
        return convert(rate * convert(mean, dtype) + (1 - rate) * convert(value, dtype),
                       mean.dtype)
    return map_leaves(mean_of, values, means)


def squares(updates):
    """The squared absolute values, in float32 at least."""
    return map_leaves(lambda g: squared_size(widened(g)), updates)


def unbiased(mean, decay, count):
    """A running mean that began at 0, as the mean of the values seen: mean / (1 - decay**count).

    1 - decay**count is computed as -expm1(count * log(decay)): close to decay 1 the difference
    would have few digits left in float32.
    """
    return mean / missing(decay, convert(count, real_dtype(mean.dtype)))


def missing(decay, count):
    """1 - decay**count."""
    if isinstance(decay, (int, float)):
        return -ufuncs.expm1(count * math.log(decay)) if decay else 1.0
    return -ufuncs.expm1(count * ufuncs.log(number(decay, count.dtype)))


def as_updates(function: Callable, updates, *sums):
    """`function(g, *sums)` for each leaf, in the dtype of g, computed in float32 at least."""
    return map_leaves(lambda g, *rest: convert(function(*map(widened, (g, *rest))), g.dtype),
                      updates, *sums)


def widened(x):
    """An array in float32 at least."""
    return convert(x, sum_dtype(x.dtype))


# ---- momentum ----

class TraceState(NamedTuple):
    """The sum of decayed updates."""
    trace: Any


def trace(decay, nesterov: bool = False, accumulator_dtype=None) -> GradientTransformation:
    """m = g + decay * m; u = m, or g + decay * m with `nesterov`.

    accumulator_dtype: of m; that of the parameter by default, but float32 at least.

    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); Sutskever,
    Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning"
    (ICML 2013).

    >>> import functrans as ft
    >>> heavy = ft.optim.trace(0.5)
    >>> u, state = heavy.update(1.0, heavy.init(1.0))
    >>> heavy.update(1.0, state)[0]
    Array(1.5, dtype=float32)
    """
    def init(params):
        return TraceState(new_sums(params, accumulator_dtype))

    def add(g, m):
        return g + number(decay, m.dtype) * m

    def update(updates, state, params=None):
        moved = map_leaves(lambda g, m: convert(add(g, widened(m)), m.dtype), updates, state.trace)
        return as_updates(add if nesterov else lambda g, m: m, updates, moved), TraceState(moved)
    return GradientTransformation(init, update)


class EmaState(NamedTuple):
    """A running mean, not yet unbiased, and the count of steps."""
    count: Any
    ema: Any


def ema(decay, debias: bool = True, accumulator_dtype=None) -> GradientTransformation:
    """m = decay * m + (1 - decay) * g; u = m, over 1 - decay**t with `debias`.

    >>> import functrans as ft
    >>> mean = ft.optim.ema(0.5)
    >>> mean.update(3.0, mean.init(3.0))[0]
    Array(3., dtype=float32)
    """
    def init(params):
        return EmaState(new_count(), new_sums(params, accumulator_dtype))

    def update(updates, state, params=None):
        count = next_count(state.count)
        means = running_mean(updates, state.ema, decay)
        shown = as_updates(lambda g, m: unbiased(m, decay, count) if debias else m,
                           updates, means)
        return shown, EmaState(count, means)
    return GradientTransformation(init, update)


class LionState(NamedTuple):
    """A running mean of gradients, and the count of steps."""
    count: Any
    mu: Any


def scale_by_lion(b1=0.9, b2=0.99, mu_dtype=None) -> GradientTransformation:
    """u = sign(b1 * m + (1 - b1) * g), then m = b2 * m + (1 - b2) * g.

    Chen et al., "Symbolic discovery of optimization algorithms" (NeurIPS 2023).

    >>> import functrans as ft
    >>> signs = ft.optim.scale_by_lion()
    >>> signs.update(-5.0, signs.init(0.0))[0]
    Array(-1., dtype=float32)
    """
    def init(params):
        return LionState(new_count(), new_sums(params, mu_dtype))

    def direction(g, m):
        rate = number(b1, m.dtype)
        return ufuncs.sign(rate * m + (1 - rate) * g)

    def update(updates, state, params=None):
        signs = as_updates(direction, updates, state.mu)
        mu = running_mean(updates, state.mu, b2)
        return signs, LionState(next_count(state.count), mu)
    return GradientTransformation(init, update)


