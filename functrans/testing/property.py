"""`gradient_test`: a function becomes a property-based test of its gradients.

In: what its arguments are like, as text such as "f32[n, 3] in (0, 1)". Out: a test without
arguments, that pytest collects. Imports hypothesis, `strategies`, `checks`.
"""
from __future__ import annotations

import os
import re
from collections.abc import Callable

from functrans.errors import ArgumentError
from functrans.ir.type import SHORT_NAMES
from functrans.testing.checks import checked
from functrans.testing.failure import GradientError
from functrans.testing.strategies import DTYPES, arrays
from functrans.testing.strategies.base import require, st

hypothesis = require("hypothesis", "testing")

EXAMPLES = 20
THOROUGH = 20                # times as many, with --ft-thorough
_LONG_NAMES = {short: long for long, short in SHORT_NAMES.items()}


def gradient_test(*specs, order: int = 2, modes=("fwd", "rev"), atol=None, rtol=None,
                  library="functrans", examples: int = EXAMPLES, sizes: tuple = (1, 4)):
    """A decorator that makes a test of a function: its gradients are right, wherever it is tried.

    specs: one for each argument. Text: a dtype, a shape whose sizes are numbers or names, and
    bounds of the values if they matter: "f32[n, 3]", "float[n] in (0.1, 2)", "i64[]"; sizes of one
    name are equal, and "float", "complex", "int" stand for all dtypes of the kind. A strategy of
    hypothesis: drawn from. Anything else: passed as it is.
    order, modes, atol, rtol, library: see `check_grads`. examples: how many are tried (twenty times
    as many with `pytest --ft-thorough`). sizes: the smallest and the largest of named sizes.
    Returns a test without arguments; the function is its attribute `function`. A failure is shrunk.
    Raises ArgumentError for text that it cannot read; MissingExtraError without hypothesis.

    >>> import functrans.numpy as fnp
    >>> from functrans.testing import gradient_test
    >>> @gradient_test("f32[n, m]", "f32[m]", examples=5)
    ... def test_layer(x, w):
    ...     return fnp.tanh(x @ w)
    >>> test_layer()
    """
    def decorate(function: Callable) -> Callable:
        options = dict(order=order, modes=modes, atol=atol, rtol=rtol, library=library)
        return _test(function, arguments(specs, sizes), options, examples)
    for spec in specs:
        if isinstance(spec, str):
            _parse(spec)                       # errors show where the decorator stands
    return decorate


def _test(function: Callable, strategy, options: dict, examples: int) -> Callable:
    failed: list = []

    def attempt(args):
        error = checked(function, args, explain=False, **options)
        if error is not None:
            failed[:] = [args]
            raise error
    attempt.__name__ = attempt.__qualname__ = function.__name__
    attempt.__module__ = function.__module__

    def test():
        __tracebackhide__ = True
        search = hypothesis.settings(
            max_examples=examples * _effort(), deadline=None,
            phases=set(hypothesis.Phase) - {hypothesis.Phase.explain})(
            hypothesis.given(strategy)(attempt))
        try:
            search()
        except GradientError as found:         # hypothesis has shrunk it; now all is found out
            error = checked(function, failed[0], explain=True, **options) or found
            for note in getattr(found, "__notes__", ()):
                error.add_note(note)
            raise error from None
    test.__name__, test.__qualname__ = function.__name__, function.__qualname__
    test.__module__, test.__doc__ = function.__module__, function.__doc__
    test.function = function
    return _marked(test)


def _effort() -> int:
    return THOROUGH if os.environ.get("FUNCTRANS_TESTING_THOROUGH") else 1


def _marked(test: Callable) -> Callable:
    """With the marker `ft_gradient`, where pytest is installed."""
    try:
        import pytest
    except ModuleNotFoundError:
        return test
    return pytest.mark.ft_gradient(test)


# ---- what arguments are like ----

_SPEC = re.compile(r"\s*(\w+)\s*\[([^\]]*)\]\s*(?:in\s*[(\[]([^,]+),([^,)\]]+)[)\]])?\s*")


@st.composite
def arguments(draw, specs, sizes=(1, 4)):
    """A tuple of arguments as `specs` have them; see `gradient_test`."""
    named: dict = {}
    values = []
    for spec in specs:
        if isinstance(spec, st.SearchStrategy):
            values.append(draw(spec))
        elif isinstance(spec, str):
            kind, dims, low, high = _parse(spec)
            for name in dims:
                if isinstance(name, str) and name not in named:
                    named[name] = draw(st.integers(*sizes))
            shape = tuple(named.get(dim, dim) for dim in dims)
            dtype = st.sampled_from(DTYPES[kind]) if kind in DTYPES else kind
            values.append(draw(arrays(shape, dtype, low, high)))
        else:
            values.append(spec)
    return tuple(values)


def _parse(text: str) -> tuple:
    """(dtype or kind, sizes, low, high)"""
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ArgumentError(f"gradient_test: cannot read {text!r}; write a dtype and a shape, and "
                            "bounds if they matter, as in 'f32[n, 3] in (0, 1)'")
    kind = _LONG_NAMES.get(match[1], match[1])
    if kind not in DTYPES and kind not in _LONG_NAMES.values():
        raise ArgumentError(f"gradient_test: {match[1]!r} in {text!r} is no dtype; there are "
                            f"{', '.join(_LONG_NAMES)}, and the kinds {', '.join(DTYPES)}")
    dims = [part.strip() for part in match[2].split(",") if part.strip()]
    low, high = (-2.0, 2.0) if match[3] is None else (float(match[3]), float(match[4]))
    return kind, tuple(int(dim) if dim.isdecimal() else dim for dim in dims), low, high
