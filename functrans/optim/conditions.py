"""Updates that do not happen at every step: gradients gathered over steps, steps left out.

Imports `tree`, `lax`, `optim.base`.
"""
from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from functrans import lax, tree
from functrans.api.inspect import eval_shape
from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.numpy import creation, reductions, ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.promotion import as_arraylike
from functrans.optim.base import (
    GradientTransformation,
    map_leaves,
    new_count,
    new_sums,
    next_count,
    number,
)
from functrans.primitives.elementwise import convert


def update_if(condition, inner: GradientTransformation, updates, state, params):
    """The update of `inner` if a condition holds; else zeros, and the state as it was."""
    kinds, _ = eval_shape(inner.update, updates, state, params)

    def leave(updates, state, params):
        return tree.map(lambda kind: creation.zeros(kind.shape, kind.dtype), kinds), state
    return lax.cond(condition, inner.update, leave, updates, state, params)


def all_finite(values):
    """Whether no element of any leaf is NaN or infinite: a boolean of shape ().

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.all_finite({"a": fnp.array([1.0, fnp.nan]), "b": 1.0})
    Array(False, dtype=bool)
    """
    flags = [reductions.all(ufuncs.isfinite(as_arraylike(leaf, "all_finite")))
             for leaf in tree.leaves(values)]
    return functools.reduce(operator.and_, flags, Array(np.ones((), bool)))


# ---- gradients gathered over several steps ----

class MultiStepsState(NamedTuple):
    """mini_step: how many gradients are gathered now; gradient_step: how often they were used."""
    mini_step: Any
    gradient_step: Any
    inner_opt_state: Any
    acc_grads: Any


class MultiSteps:
    """A transformation that gathers gradients and applies another one to every k-th mean of them.

    opt: the other transformation. every_k_schedule: k, or a schedule of it over the steps of
        `opt`. use_grad_mean: whether gradients are averaged; else they are summed.
    accumulator_dtype: in which they are gathered; that of the parameters by default, but float32
        at least.
    Updates are zero at all steps but every k-th. It has `init` and `update`, as all have.

    >>> import functrans as ft
    >>> optimizer = ft.optim.MultiSteps(ft.optim.sgd(0.5), every_k_schedule=2)
    >>> state = optimizer.init(1.0)
    >>> for gradient in (1.0, 3.0):
    ...     update, state = optimizer.update(gradient, state, 1.0)
    ...     print(float(update))
    0.0
    -1.0
    """

    def __init__(self, opt: GradientTransformation, every_k_schedule: int | Callable,
                 use_grad_mean: bool = True, accumulator_dtype=None):
        if not callable(every_k_schedule) and every_k_schedule < 1:
            raise ArgumentError("MultiSteps: every_k_schedule must be at least 1, got "
                                f"{every_k_schedule!r}")
        self._opt = opt
        self._every = every_k_schedule
        self._mean = use_grad_mean
        self._dtype = accumulator_dtype

    def init(self, params) -> MultiStepsState:
        """The state, with the state of the inner transformation."""
        return MultiStepsState(new_count(), new_count(), self._opt.init(params),
                               new_sums(params, self._dtype))

    def update(self, updates, state: MultiStepsState, params=None):
        """Zeros, or at every k-th step the updates of the inner transformation."""
        gathered = map_leaves(lambda g, total: convert(total + self._share(g, total, state),
                                                       total.dtype), updates, state.acc_grads)
        full = state.mini_step + 1 >= self._steps(state)
        given = map_leaves(lambda g, total: convert(total, g.dtype), updates, gathered)
        updates, inner_state = update_if(full, self._opt, given, state.inner_opt_state, params)
        return updates, MultiStepsState(
            where(full, np.int32(0), next_count(state.mini_step)),
            where(full, next_count(state.gradient_step), state.gradient_step), inner_state,
            map_leaves(lambda total: where(full, 0, total), gathered))

    def _steps(self, state):
        return self._every(state.gradient_step) if callable(self._every) else self._every

    def _share(self, g, total, state):
        """What one gradient adds: its share in the mean of k, or itself."""
        g = convert(g, total.dtype)
        return g / number(self._steps(state), total.dtype) if self._mean else g

    def has_updated(self, state: MultiStepsState):
        """Whether the step that made this state used the gradients: a boolean of shape ()."""
        return (state.mini_step == 0) & (state.gradient_step > 0)

    def gradient_transformation(self) -> GradientTransformation:
        """This, as a pair of functions."""
        return GradientTransformation(self.init, self.update)


# ---- steps left out ----

class ApplyIfFiniteState(NamedTuple):
    """How many updates were not finite: one after the other until now, and in all."""
    notfinite_count: Any
    last_finite: Any
    total_notfinite: Any
    inner_state: Any


def apply_if_finite(inner: GradientTransformation,
                    max_consecutive_errors: int) -> GradientTransformation:
    """Leaves out steps whose gradients hold NaN or infinity: zeros, and the state as it was.

    max_consecutive_errors: after so many of them in a row the next ones are let through, so that
    the failure shows.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> careful = ft.optim.apply_if_finite(ft.optim.sgd(0.5), 5)
    >>> careful.update(fnp.nan, careful.init(1.0), 1.0)[0]
    Array(0., dtype=float32)
    """
    def init(params):
        return ApplyIfFiniteState(new_count(), Array(np.ones((), bool)), new_count(),
                                  inner.init(params))

    def update(updates, state, params=None):
        finite = all_finite(updates)
        count = where(finite, np.int32(0), next_count(state.notfinite_count))
        total = where(finite, state.total_notfinite, next_count(state.total_notfinite))
        taken = finite | (count > max_consecutive_errors)
        updates, inner_state = update_if(taken, inner, updates, state.inner_state, params)
        return updates, ApplyIfFiniteState(count, finite, total, inner_state)
    return GradientTransformation(init, update)
