"""`custom_gradient`: a function that returns its value, and the function for its cotangents.

Imports `api.calls`, `api.custom_vjp`.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans.api.calls import check_callable, wraps
from functrans.api.custom_vjp import custom_vjp


def custom_gradient(fun: Callable) -> Callable:
    """A function with a reverse derivative that it computes itself.

    fun: `fun(*args) -> (out, vjp)`, pytrees of arrays; `vjp(cotangent)` returns a cotangent for
    each argument: a tuple, or the one of the only argument. For the backward pass `fun` is called
    again, and what `vjp` does not read of it is not computed. See `custom_vjp`, which keeps what it
    is told to instead.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> @ft.custom_gradient
    ... def log1pexp(x):
    ...     e = fnp.exp(x)
    ...     return fnp.log(1 + e), lambda ct: ct * (1 - 1 / (1 + e))
    >>> ft.grad(log1pexp)(100.0)
    Array(1., dtype=float32)
    """
    check_callable(fun, "custom_gradient")

    @wraps(fun)
    def value(*args):
        return fun(*args)[0]

    def backward(args, ct):
        cotangents = fun(*args)[1](ct)
        return cotangents if isinstance(cotangents, tuple) else (cotangents,)

    wrapped = custom_vjp(value)
    wrapped.defvjp(lambda *args: (value(*args), args), backward)
    return wrapped
