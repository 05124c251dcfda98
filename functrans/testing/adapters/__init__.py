"""Libraries whose functions can be checked: functrans, and with extras JAX and PyTorch.

`adapter(name)` gives the Adapter of a library. Imports `adapters.base`; the others when asked for.
"""
from __future__ import annotations

from functrans.testing.adapters.base import Adapter

__all__ = ["Adapter", "adapter"]


def adapter(library) -> Adapter:
    """The adapter of a library: by its name, or itself.

    Raises ValueError for a name that is unknown, MissingExtraError where the library is not
    installed.

    >>> from functrans.testing.adapters import adapter
    >>> adapter("functrans").name
    'functrans'
    """
    if isinstance(library, Adapter):
        return library
    if library == "functrans":
        from functrans.testing.adapters.functrans import Functrans
        return Functrans()
    if library == "jax":
        from functrans.testing.adapters.jax import Jax
        return Jax()
    if library == "torch":
        from functrans.testing.adapters.torch import Torch
        return Torch()
    raise ValueError(f"library is 'functrans', 'jax', 'torch' or an Adapter, got {library!r}")
