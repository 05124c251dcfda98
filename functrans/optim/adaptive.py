"""Adaptive methods that divide by what the squares of gradients have been.

The rules are written with g for the update that comes in, u for the one that goes out, and t for
the number of the step, from 1.

Imports `numpy`, `optim.base`, `optim.clipping`, `optim.means`.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from functrans import tree
from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.optim.base import (
    GradientTransformation,
    new_count,
    new_sizes,
    new_sums,
    next_count,
    number,
)
from functrans.optim.clipping import squared_size
from functrans.optim.means import as_updates, running_mean, squares, unbiased


class SquaresState(NamedTuple):
    """Running sums or means of squares, and the count of steps."""
    count: Any
    nu: Any


def scale_by_rss(initial_accumulator_value=0.1, eps=1e-7) -> GradientTransformation:
    """v = v + g**2; u = g / sqrt(v + eps), 0 where v is 0.

    Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (JMLR 2011).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_rss(0.0, 0.0)
    >>> adaptive.update(5.0, adaptive.init(0.0))[0]
    Array(1., dtype=float32)
    """
    def init(params):
        return SquaresState(new_count(), new_sizes(params, initial_accumulator_value))

    def update(updates, state, params=None):
        nu = tree.map(lambda square, v: v + square, squares(updates), state.nu)
        return (as_updates(lambda g, v: _over_root(g, v, eps), updates, nu),
                SquaresState(next_count(state.count), nu))
    return GradientTransformation(init, update)


def _over_root(g, v, eps):
    some = v > 0
    return where(some, g / ufuncs.sqrt(where(some, v, 1) + number(eps, v.dtype)), 0)


def scale_by_rms(decay=0.9, eps=1e-8, initial_scale=0.0, eps_in_sqrt: bool = True,
                 bias_correction: bool = False) -> GradientTransformation:
    """v = decay * v + (1 - decay) * g**2; u = g / sqrt(v + eps).

    initial_scale: v before the first step. eps_in_sqrt: else u = g / (sqrt(v) + eps).
    bias_correction: whether v is divided by 1 - decay**t, as in Adam.

    Tieleman, Hinton, "Lecture 6.5: rmsprop" (Coursera, 2012).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_rms(0.75, eps=0.0)
    >>> adaptive.update(5.0, adaptive.init(0.0))[0]
    Array(2., dtype=float32)
    """
    def init(params):
        return SquaresState(new_count(), new_sizes(params, initial_scale))

    def update(updates, state, params=None):
        count = next_count(state.count)
        nu = running_mean(squares(updates), state.nu, decay)

        def direction(g, v):
            return g / _root(unbiased(v, decay, count) if bias_correction else v, eps, eps_in_sqrt)
        return as_updates(direction, updates, nu), SquaresState(count, nu)
    return GradientTransformation(init, update)


def _root(v, eps, inside: bool):
    eps = number(eps, v.dtype)
    return ufuncs.sqrt(v + eps) if inside else ufuncs.sqrt(v) + eps


class MomentsState(NamedTuple):
    """Running means of gradients (mu) and of their squares (nu), and the count of steps."""
    count: Any
    mu: Any
    nu: Any


def scale_by_stddev(decay=0.9, eps=1e-8, initial_scale=0.0, eps_in_sqrt: bool = True,
                    bias_correction: bool = False) -> GradientTransformation:
    """As `scale_by_rms`, with the variance v - m**2 in the place of v, m the mean of gradients.

    Graves, "Generating sequences with recurrent neural networks" (arXiv 1308.0850).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_stddev(0.5, eps=0.0)
    >>> adaptive.update(3.0, adaptive.init(0.0))[0]
    Array(2., dtype=float32)
    """
    def init(params):
        return MomentsState(new_count(), new_sums(params), new_sizes(params, initial_scale))

    def update(updates, state, params=None):
        count = next_count(state.count)
        mu = running_mean(updates, state.mu, decay)
        nu = running_mean(squares(updates), state.nu, decay)

        def direction(g, m, v):
            if bias_correction:
                m, v = unbiased(m, decay, count), unbiased(v, decay, count)
            return g / _root(ufuncs.maximum(v - squared_size(m), 0), eps, eps_in_sqrt)
        return as_updates(direction, updates, mu, nu), MomentsState(count, mu, nu)
    return GradientTransformation(init, update)


class AdadeltaState(NamedTuple):
    """Running means of the squares of gradients (e_g) and of updates (e_x)."""
    e_g: Any
    e_x: Any


def scale_by_adadelta(rho=0.9, eps=1e-6) -> GradientTransformation:
    """u = sqrt((x + eps) / (v + eps)) * g; v, x: running means of g**2 and, one behind, of u**2.

    Zeiler, "ADADELTA: an adaptive learning rate method" (arXiv 1212.5701).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_adadelta(0.75, eps=1.0)
    >>> adaptive.update(0.0, adaptive.init(0.0))[0]
    Array(0., dtype=float32)
    """
    def init(params):
        return AdadeltaState(new_sizes(params), new_sizes(params))

    def direction(g, v, x):
        small = number(eps, v.dtype)
        return ufuncs.sqrt((x + small) / (v + small)) * g

    def update(updates, state, params=None):
        e_g = running_mean(squares(updates), state.e_g, rho)
        moves = as_updates(direction, updates, e_g, state.e_x)
        return moves, AdadeltaState(e_g, running_mean(squares(moves), state.e_x, rho))
    return GradientTransformation(init, update)
