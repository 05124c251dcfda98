"""Random stacks of transformations.

A transformation here takes a function of two matrices of one shape to such a matrix, and gives
another: so they stack in any order. Imports functrans's public functions.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import functrans as ft
import functrans.numpy as fnp
from functrans.testing.strategies.base import st


def _weighted(function: Callable) -> Callable:
    """A scalar from a function's result, that weighs its entries differently."""
    def scalar(x, y):
        out = function(x, y)
        return (fnp.tanh(out) * fnp.linspace(0.5, 1.5, out.size, dtype=out.dtype)
                .reshape(out.shape)).sum()
    return scalar


def _jvp(function):
    return lambda x, y: ft.jvp(lambda a: function(a, y), (x,), (fnp.cos(y),))[1]


def _vjp(function):
    return lambda x, y: ft.vjp(lambda a: function(a, y), x)[1](fnp.cos(x))[0]


def _hvp(function):
    return lambda x, y: ft.jvp(ft.grad(lambda a: _weighted(function)(a, y)), (x,),
                               (fnp.sin(y),))[1]


def _linearized(function):
    def both(x, y):
        out, push = ft.linearize(lambda a: function(a, y), x)
        return out + push(fnp.sin(x))
    return both


def _mapped(function):
    return lambda x, y: ft.vmap(function, (0, None))(fnp.stack([x, 0.5 * y]), y).sum(0)


def _mapped_inside(function):
    return lambda x, y: ft.vmap(function, (2, 2), 2)(fnp.stack([x, y], 2), fnp.stack(
        [y, 0.3 * x], 2))[..., 1]


def _scanned(function):
    def body(carry, y):
        out = fnp.tanh(function(carry, y))
        return out, out
    return lambda x, y: ft.lax.scan(body, x, fnp.stack([y, 0.5 * y]))[1].sum(0)


#: name -> transformation
TRANSFORMATIONS = {
    "jit": ft.jit, "vmap": _mapped, "jvp": _jvp, "vjp": _vjp,
    "grad": lambda function: ft.grad(_weighted(function)),
    "grad of second": lambda function: ft.grad(_weighted(function), 1), "hvp": _hvp,
    "linearize": _linearized, "checkpoint": ft.checkpoint, "scan": _scanned,
    "vmap of axes": _mapped_inside,
}


@dataclass(frozen=True)
class Stack:
    """names: of `TRANSFORMATIONS`, the innermost first. Called with a function, transforms it."""
    names: tuple

    def __call__(self, function: Callable) -> Callable:
        for name in self.names:
            function = TRANSFORMATIONS[name](function)
        return function


def stacks(max_depth: int = 3, names=tuple(TRANSFORMATIONS)):
    """Stacks of up to `max_depth` transformations, for functions of two matrices of one shape to
    such a matrix (`straight_programs()`).

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.stacks(), lambda stack: len(stack.names) == 2)
    Stack(names=('jit', 'jit'))
    """
    return st.lists(st.sampled_from(list(names)), max_size=max_depth).map(
        lambda chosen: Stack(tuple(chosen)))
