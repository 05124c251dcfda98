"""Testing gradients: checks with an oracle, strategies for hypothesis, a plugin for pytest.

`check_grads` and its kin raise `GradientError` where a derivative is wrong; `strategies` draws
arguments, pytrees, whole programs; `gradient_test` makes a property-based test of a function. The
guide is docs/gradient-testing.md. Names are imported when they are first used, so that importing
this imports neither pytest nor hypothesis.
"""
from __future__ import annotations

from importlib import import_module

_HOMES = {
    "GradientError": "failure",
    "check_grads": "checks", "check_jvp": "checks", "check_vjp": "checks",
    "check_linearize": "checks",
    "AgreementError": "agreement", "check_jit": "agreement", "check_vmap": "agreement",
    "gradient_test": "property",
}
_MODULES = ("adapters", "differences", "strategies")

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"functrans.testing.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"functrans.testing.{name}")
    raise AttributeError(f"module 'functrans.testing' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
