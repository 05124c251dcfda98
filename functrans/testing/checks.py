"""`check_grads` and its kin: whether derivatives are right, by an oracle that does not cry wolf.

In: a function and arguments. Out: nothing, or a GradientError. Imports `faults`, `failure`,
`shrink`, the adapters.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.testing.adapters import adapter
from functrans.testing.failure import GradientError, gradient_error
from functrans.testing.faults import Fault, find_fault, located
from functrans.testing.given import GivenRule
from functrans.testing.judge import Options, directions, weights
from functrans.testing.shrink import smaller, text_of
from functrans.testing.subject import Subject, subject_of


def check_grads(f: Callable, args: Sequence, order: int = 2, modes=("fwd", "rev"), atol=None,
                rtol=None, eps=None, *, library="functrans", seed: int = 0):
    """Raises GradientError if a derivative of `f` at `args` is wrong; else returns None.

    f: a function of arrays and pytrees. args: a tuple of its arguments; those that are no floats
    are constants. order: up to which derivatives are checked. modes: "fwd", "rev" or both, in each
    combination. atol, rtol: allowed besides the error that the oracle estimates by itself.
    eps: the largest step of its differences, relative to the arguments (1/16).
    library: "functrans", "jax", "torch", or an `adapters.Adapter`. seed: of the directions.

    Derivatives are judged in float64, which the function is run in beside; those of narrower
    arguments then at their own precision. What a kink allows passes. See docs/gradient-testing.md.

    >>> import functrans.numpy as fnp
    >>> from functrans.testing import check_grads
    >>> check_grads(lambda x, y: fnp.sin(x) * y, (1.0, fnp.arange(3.0)))
    """
    __tracebackhide__ = True
    error = checked(f, args, order, modes, atol, rtol, eps, library=library, seed=seed)
    if error is not None:
        raise error


def checked(f: Callable, args: Sequence, order: int = 2, modes=("fwd", "rev"), atol=None,
            rtol=None, eps=None, *, library="functrans", seed: int = 0,
            explain: bool = True) -> GradientError | None:
    """The error that `check_grads` would raise, or None.

    explain: whether to look for the smallest arguments and the rule that is wrong, too.
    """
    library = adapter(library)
    options = Options(atol or 0.0, rtol or 0.0, eps, seed)
    chosen = (modes,) if isinstance(modes, str) else tuple(modes)
    _check_modes(chosen)
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    for chain, fault in _faults(subject_of(library, f, args), chosen, order, options):
        return _error(fault, chain, library, f, args, options, explain=explain)
    return None


def _check_modes(modes: tuple):
    unknown = [mode for mode in modes if mode not in ("fwd", "rev")]
    if unknown:
        raise ValueError(f"check_grads: modes are 'fwd' and 'rev', got {unknown[0]!r}")


def _faults(subject: Subject, modes: tuple, order: int, options: Options, chain: tuple = ()):
    """All wrong derivatives up to an order: (the modes that lead there, fault)."""
    for mode in modes:
        fault = find_fault(subject, mode, options)
        if fault is not None:
            yield (*chain, mode), fault
    if order > 1 and subject.inputs.size:
        for mode in modes:
            yield from _faults(_next(subject, mode, options), modes, order - 1, options,
                               (*chain, mode))


def _next(subject: Subject, mode: str, options: Options) -> Subject:
    """The derivative along a direction in which all arguments move."""
    along = [sum(parts) for parts in zip(*directions(subject, options.seed + 7))] \
        or [np.zeros_like(point) for point in subject.points]
    return subject.derivative(mode, along, weights(subject, options.seed + 7))


def _error(fault: Fault, chain: tuple, library, f: Callable, args: tuple, options: Options,
           note: str = "", explain: bool = True) -> GradientError:
    """The error for a fault, with all that can be found out about it."""
    if not explain:
        return gradient_error(fault, len(chain), None, None, note)

    def still_fails(candidate: tuple) -> bool:
        subject = subject_of(library, f, candidate)
        for mode in chain[:-1]:
            subject = _next(subject, mode, options)
        return find_fault(subject, chain[-1], options) is not None

    culprit = library.culprit(fault.subject, chain[-1], options)
    smallest = smaller(library, args, still_fails)
    return gradient_error(located(fault), len(chain), text_of(library, f, smallest), culprit, note)


# ---- one mode ----

def check_jvp(f: Callable, f_jvp, args=None, atol=None, rtol=None, eps=None, err_msg: str = "", *,
              library="functrans", seed: int = 0):
    """Raises GradientError if forward mode of `f` is wrong; see `check_grads`.

    f_jvp: `f_jvp(args, tangents) -> (out, tangent_out)`, the derivative that is checked; it may be
    left out, `check_jvp(f, args)`, for the library's. err_msg: begins the message.

    >>> import functools, functrans as ft, functrans.numpy as fnp
    >>> from functrans.testing import check_jvp
    >>> check_jvp(fnp.sin, functools.partial(ft.jvp, fnp.sin), (1.0,))
    """
    __tracebackhide__ = True
    _check_one(f, f_jvp, args, "fwd", Options(atol or 0.0, rtol or 0.0, eps, seed), library,
               err_msg)


def check_vjp(f: Callable, f_vjp, args=None, atol=None, rtol=None, eps=None, err_msg: str = "", *,
              library="functrans", seed: int = 0):
    """Raises GradientError if reverse mode of `f` is wrong; see `check_grads`.

    f_vjp: `f_vjp(*args) -> (out, pull)` with `pull(ct) -> cotangents of args`, the derivative that
    is checked; it may be left out, `check_vjp(f, args)`, for the library's.

    >>> import functools, functrans as ft, functrans.numpy as fnp
    >>> from functrans.testing import check_vjp
    >>> check_vjp(fnp.sin, functools.partial(ft.vjp, fnp.sin), (1.0,))
    """
    __tracebackhide__ = True
    _check_one(f, f_vjp, args, "rev", Options(atol or 0.0, rtol or 0.0, eps, seed), library,
               err_msg)


def check_linearize(f: Callable, args: Sequence, atol=None, rtol=None, eps=None, *,
                    library="functrans", seed: int = 0):
    """Raises GradientError if the linear function that `linearize` gives is no derivative of `f`.

    >>> import functrans.numpy as fnp
    >>> from functrans.testing import check_linearize
    >>> check_linearize(fnp.tanh, (0.5,))
    """
    __tracebackhide__ = True
    _check_one(f, None, args, "lin", Options(atol or 0.0, rtol or 0.0, eps, seed), library, "")


def _check_one(f, rule, args, mode: str, options: Options, library, note: str):
    __tracebackhide__ = True
    library = adapter(library)
    if args is None:
        rule, args = None, rule
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    library = library if rule is None else GivenRule(library, f, rule, args)
    fault = find_fault(subject_of(library, f, args), mode, options)
    if fault is not None:
        raise _error(fault, (mode,), library, f, args, options, note)
