"""The libraries that can be compared, each imported when it is asked for."""
from __future__ import annotations

from importlib import import_module

from functrans.errors import ArgumentError
from functrans.testing.conformance.libraries.base import Library

LIBRARIES = ("functrans", "jax", "torch", "autograd")


def library(name: str) -> Library:
    """The adapter of a library. Raises MissingExtraError where it is not installed."""
    if name not in LIBRARIES:
        raise ArgumentError(f"there is no library {name!r} here: it is one of "
                            f"{', '.join(LIBRARIES)}")
    module = import_module(f"functrans.testing.conformance.libraries.{name}")
    return getattr(module, name.capitalize())()
