"""`minimize`: options, methods, and what comes out. Imports `api`, `lax`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from functrans.api.calls import check_callable
from functrans.api.grad import value_and_grad
from functrans.api.inspect import eval_shape
from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_float
from functrans.lax.loops import while_loop
from functrans.numpy.choosing import where
from functrans.numpy.linalg.norms import norm
from functrans.numpy.promotion import as_arraylike, materialize, promote_inexact
from functrans.numpy.reductions import all
from functrans.numpy.ufuncs import abs, isfinite, maximum
from functrans.primitives.elementwise import convert
from functrans.scipy.optimize import bfgs, lbfgs
from functrans.scipy.optimize.line_search import Point, line_search

# The last name is that of JAX.
_METHODS = {"bfgs": bfgs.METHOD, "l-bfgs": lbfgs.METHOD,
            "l-bfgs-experimental-do-not-rely-on-this": lbfgs.METHOD}

# Statuses, as SciPy counts them; `_RUNNING` does not come out.
_CONVERGED, _OUT_OF_STEPS, _NO_STEP, _NOT_FINITE, _RUNNING = 0, 1, 2, 3, -1


class OptimizeResults(NamedTuple):
    """What `minimize` found.

    x: where, (n,). success: whether the gradient, or what a step changed, is as small as asked
    for. status: 0 for that, 1 for as many steps or evaluations as allowed without, 2 if no step
    along a direction was acceptable (often: the precision of the dtype is reached), 3 if the
    function or its gradient is not finite. fun, jac: the function and its gradient there.
    hess_inv: an approximation of the inverse Hessian, (n, n); None of L-BFGS. nfev, njev: how
    often both were computed. nit: how many steps.
    """
    x: ArrayBase
    success: ArrayBase
    status: ArrayBase
    fun: ArrayBase
    jac: ArrayBase
    hess_inv: ArrayBase | None
    nfev: ArrayBase
    njev: ArrayBase
    nit: ArrayBase


class _State(NamedTuple):
    """memory: what the method knows of the curvature."""
    x: ArrayBase
    value: ArrayBase
    gradient: ArrayBase
    memory: object
    steps: ArrayBase
    evaluations: ArrayBase
    status: ArrayBase


def minimize(fun: Callable, x0, args: tuple = (), *, method: str = "BFGS",
             tol: float | None = None, options: Mapping | None = None) -> OptimizeResults:
    """A local minimum of `fun(x, *args)`, a differentiable function of a vector with a real value.

    x0: where to begin, (n,), real; integers become default floats, and x takes the dtype of the
    value where that is wider. args: further arguments, arrays or pytrees.
    method: "BFGS", or "L-BFGS", which keeps the last `maxcor` steps in place of an (n, n) matrix.
    tol: stands for the option `gtol`.
    options: gtol (1e-5), how small the gradient shall be; norm (inf), in which norm; maxiter
    (200 n), how many steps at most; maxfun, maxgrad (no limit), how many evaluations, which is
    asked after each step; line_search_maxiter or maxls (20), how many at most in a step; ftol (0):
    a step that changes the value f by no more than ftol * max(|f|, 1) is the last one; maxcor
    (10), for L-BFGS.

    A loop: `jit` compiles it, under `vmap` each lane takes its own steps. Derivatives are those of
    the steps that were taken; for those of the minimum itself by its condition, see
    `lax.custom_root`. J. Nocedal and S. Wright, "Numerical Optimization", 2nd edition (2006),
    algorithms 6.1 and 7.5, with the line search 3.5 and 3.6. Raises ValueError for a method or
    options that are not known, an x0 that is no vector, a value that is no scalar.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> found = ft.scipy.optimize.minimize(lambda x, a: ((x - a) ** 2).sum(), fnp.zeros(2),
    ...                                    (fnp.array([1.0, 3.0]),), method="BFGS")
    >>> fnp.round(found.x, 4), found.success
    (Array([1., 3.], dtype=float32), Array(True, dtype=bool))
    """
    check_callable(fun, "scipy.optimize.minimize")
    if not isinstance(args, tuple):
        raise ArgumentError(f"optimize.minimize: args must be a tuple, got {args!r}; write (a,) "
                            "for one argument")
    chosen = _method(method)
    options = _options(options, tol)
    x = _start(fun, x0, args)
    dtype = x.dtype

    def value_and_gradient(x):
        value, gradient = value_and_grad(fun)(x, *args)
        return convert(value, dtype), gradient
    limit = options["maxiter"]
    limit = 200 * x.size if limit is None else limit

    def measured(state: _State) -> _State:
        return state._replace(status=_status(state, options, limit))

    def step(state: _State) -> _State:
        return measured(_stepped(value_and_gradient, state, chosen, options))
    value, gradient = value_and_gradient(x)
    begin = _State(x, value, gradient, chosen.begin(x, options["maxcor"]), np.int64(0),
                   np.int64(1), np.int64(_RUNNING))
    end = while_loop(lambda state: state.status == _RUNNING, step, measured(begin))
    return OptimizeResults(end.x, end.status == _CONVERGED, end.status, end.value, end.gradient,
                           chosen.inverse(end.memory), end.evaluations, end.evaluations, end.steps)


# ---- arguments ----

def _method(name: str):
    chosen = _METHODS.get(name.lower()) if isinstance(name, str) else None
    if chosen is None:
        raise ArgumentError("optimize.minimize: method must be 'BFGS' or 'L-BFGS', got "
                            f"{name!r}")
    return chosen


def _options(given: Mapping | None, tol) -> dict:
    options = {"gtol": 1e-5 if tol is None else tol, "norm": np.inf, "maxiter": None,
               "line_search_maxiter": 20, "maxls": None, "maxfun": None, "maxgrad": None,
               "ftol": 0.0, "maxcor": 10}
    unknown = set(given or ()) - set(options)
    if unknown:
        raise ArgumentError(f"optimize.minimize: no option {', '.join(map(repr, sorted(unknown)))};"
                            f" there are {', '.join(options)}")
    options = {**options, **(given or {})}
    if options["maxls"] is not None:
        options["line_search_maxiter"] = options["maxls"]
    return options


def _start(fun: Callable, x0, args: tuple):
    """Where to begin, in a dtype that holds the function's value."""
    x = materialize(promote_inexact(as_arraylike(x0, "minimize"))[0])
    if x.ndim != 1 or not is_float(x.dtype):
        raise ShapeError(f"optimize.minimize: x0 must be a vector of real numbers, got {x.type}; "
                         "ravel it, or optimize over the vector of all leaves")
    value = eval_shape(fun, x, *args)
    if getattr(value, "shape", None) != () or not is_float(value.dtype):
        raise ShapeError(f"optimize.minimize: fun must return a real scalar, it returns {value}")
    return convert(x, np.result_type(x.dtype, value.dtype))


# ---- steps ----

def _status(state: _State, options: dict, limit: int):
    """What becomes of a search whose last step was taken."""
    finite = isfinite(state.value) & all(isfinite(state.gradient))
    small = norm(state.gradient, options["norm"]) <= options["gtol"]
    many = state.steps >= limit
    for name in ("maxfun", "maxgrad"):
        if options[name] is not None:
            many = many | (state.evaluations >= options[name])
    many = many & (state.status != _CONVERGED)
    status = where(small, _CONVERGED, where(many, _OUT_OF_STEPS, state.status))
    return where(finite, status, _NOT_FINITE).astype("int64")


def _stepped(value_and_gradient: Callable, state: _State, method, options: dict) -> _State:
    direction = -method.times(state.memory, state.gradient)

    def along(step) -> Point:
        value, gradient = value_and_gradient(state.x + step * direction)
        return Point(step, value, gradient @ direction, gradient)
    slope = state.gradient @ direction
    start = Point(slope.dtype.type(0), state.value, slope, state.gradient)
    first = where(state.steps == 0, 1 / maximum(norm(state.gradient), 1), 1).astype(slope.dtype)
    found = line_search(along, start, first, options["line_search_maxiter"])
    moved = found.point.step * direction
    memory = method.learn(state.memory, moved, found.point.gradient - state.gradient,
                          state.steps)
    status = where(found.failed & (found.point.step == 0), _NO_STEP,
                   where(_is_flat(state.value, found.point.value, options["ftol"]), _CONVERGED,
                         _RUNNING)).astype("int64")
    return _State(state.x + moved, found.point.value, found.point.gradient, memory,
                  state.steps + 1, state.evaluations + found.evaluations, status)


def _is_flat(before, after, ftol):
    """Whether a step has changed the value too little to go on; never, for an ftol of 0."""
    size = maximum(maximum(abs(before), abs(after)), 1)
    return (abs(before - after) <= ftol * size) & (ftol > 0)
