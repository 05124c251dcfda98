"""Adam and its kin: running means of gradients over roots of running means of their squares.

The rules are written with g for the update that comes in, u for the one that goes out, and t for
the number of the step, from 1.

Imports `numpy`, `optim.base`, `optim.means`.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from functrans import tree
from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.optim.adaptive import MomentsState
from functrans.optim.base import (
    GradientTransformation,
    map_leaves,
    new_count,
    new_sizes,
    new_sums,
    next_count,
    number,
)
from functrans.optim.means import as_updates, missing, running_mean, squares, unbiased, widened
from functrans.primitives.elementwise import convert


def scale_by_adam(b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, mu_dtype=None, *,
                  nesterov: bool = False) -> GradientTransformation:
    """m and v: running means of g and g**2, unbiased; u = m / (sqrt(v + eps_root) + eps).

    b1, b2: decays of m and v. mu_dtype: the dtype in which m is kept. nesterov: whether m looks
    one step ahead.

    Kingma, Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1; Dozat,
    "Incorporating Nesterov momentum into Adam" (ICLR workshop 2016).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_adam()
    >>> adaptive.update(-5.0, adaptive.init(0.0))[0]
    Array(-1., dtype=float32)
    """
    def init(params):
        return MomentsState(new_count(), new_sums(params, mu_dtype), new_sizes(params))

    def update(updates, state, params=None):
        count = next_count(state.count)
        mu = running_mean(updates, state.mu, b1)
        nu = running_mean(squares(updates), state.nu, b2)

        def direction(g, m, v):
            m = _ahead(g, m, b1, count) if nesterov else unbiased(m, b1, count)
            return m / _adam_root(unbiased(v, b2, count), eps, eps_root)
        return as_updates(direction, updates, mu, nu), MomentsState(count, mu, nu)
    return GradientTransformation(init, update)


def _ahead(g, m, b1, count):
    """The unbiased mean of gradients, one step further on the same gradient."""
    rate = number(b1, m.dtype)
    return rate * unbiased(m, b1, next_count(count)) + (1 - rate) * unbiased(g, b1, count)


def _adam_root(v, eps, eps_root):
    return ufuncs.sqrt(v + number(eps_root, v.dtype)) + number(eps, v.dtype)


class AmsgradState(NamedTuple):
    """As `MomentsState`, and the largest unbiased mean of squares so far."""
    count: Any
    mu: Any
    nu: Any
    nu_max: Any


def scale_by_amsgrad(b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0,
                     mu_dtype=None) -> GradientTransformation:
    """As `scale_by_adam`, with the largest v so far in the place of v.

    Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (ICLR 2018).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_amsgrad()
    >>> adaptive.update(-5.0, adaptive.init(0.0))[0]
    Array(-1., dtype=float32)
    """
    def init(params):
        return AmsgradState(new_count(), new_sums(params, mu_dtype), new_sizes(params),
                            new_sizes(params))

    def update(updates, state, params=None):
        count = next_count(state.count)
        mu = running_mean(updates, state.mu, b1)
        nu = running_mean(squares(updates), state.nu, b2)
        most = tree.map(lambda v, old: ufuncs.maximum(unbiased(v, b2, count), old),
                        nu, state.nu_max)

        def direction(g, m, v):
            return unbiased(m, b1, count) / _adam_root(v, eps, eps_root)
        return as_updates(direction, updates, mu, most), AmsgradState(count, mu, nu, most)
    return GradientTransformation(init, update)


def scale_by_adamax(b1=0.9, b2=0.999, eps=1e-8) -> GradientTransformation:
    """m: the unbiased running mean of g; v = max(b2 * v, abs(g) + eps); u = m / v.

    Kingma, Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 2.

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_adamax()
    >>> adaptive.update(-5.0, adaptive.init(0.0))[0]
    Array(-1., dtype=float32)
    """
    def init(params):
        return MomentsState(new_count(), new_sums(params), new_sizes(params))

    def update(updates, state, params=None):
        count = next_count(state.count)
        mu = running_mean(updates, state.mu, b1)
        nu = map_leaves(lambda g, v: ufuncs.maximum(
            number(b2, v.dtype) * v,
            ufuncs.abs(widened(g)) + number(eps, v.dtype)), updates, state.nu)
        return (as_updates(lambda g, m, v: unbiased(m, b1, count) / v, updates, mu, nu),
                MomentsState(count, mu, nu))
    return GradientTransformation(init, update)


def scale_by_radam(b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0,
                   threshold=5.0) -> GradientTransformation:
    """As `scale_by_adam`, times r; u = m as long as the variance of v is not tractable.

    threshold: the length of the running mean of squares from which on v is used.

    Liu et al., "On the variance of the adaptive learning rate and beyond" (ICLR 2020).

    >>> import functrans as ft
    >>> adaptive = ft.optim.scale_by_radam()
    >>> adaptive.update(-5.0, adaptive.init(0.0))[0]
    Array(-5., dtype=float32)
    """
    def init(params):
        return MomentsState(new_count(), new_sums(params), new_sizes(params))

    def update(updates, state, params=None):
        count = next_count(state.count)
        mu = running_mean(updates, state.mu, b1)
        nu = running_mean(squares(updates), state.nu, b2)

        def direction(g, m, v):
            usable, r = _rectification(number(b2, v.dtype), convert(count, v.dtype), threshold)
            m = unbiased(m, b1, count)
            return where(usable, r * m / _adam_root(unbiased(v, b2, count), eps, eps_root), m)
        return as_updates(direction, updates, mu, nu), MomentsState(count, mu, nu)
    return GradientTransformation(init, update)


def _rectification(b2, count, threshold):
    """Whether the length of the running mean reaches the threshold; r of the paper, eq. 5."""
    longest = 2 / (1 - b2) - 1
    gone = missing(b2, count)
    length = longest - 2 * count * (1 - gone) / gone
    usable = length >= threshold
    safe = where(usable, length, longest)
    return usable, ufuncs.sqrt((safe - 4) * (safe - 2) * longest
                               / ((longest - 4) * (longest - 2) * safe))
