"""SciPy's functions on arrays and tracers: `special`, `stats`, `linalg`, `optimize` ...

Names and arguments are SciPy's; every transformation applies. Each is imported at first use.
Imports `numpy`, `nn`, `lax`, `api`.
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functrans.scipy import (cluster, fft, integrate, interpolate, linalg,  # noqa: F401
                                 ndimage, optimize, signal, sparse, special, stats)

__all__ = ["cluster", "fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal",
           "sparse", "special", "stats"]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"functrans.scipy.{name}")
    raise AttributeError(f"module 'functrans.scipy' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
