"""The names in which operations are written, as a library offers them.

In: modules and functions. Out: `Namespace`, in which a missing name says so. Imports nothing.
"""
from __future__ import annotations


class NotOffered(Exception):
    """The library has nothing of this name, or refuses this dtype."""


class Namespace:
    """Names of some sources, those given one by one first.

    >>> import math
    >>> names = Namespace(math, half=lambda x: x / 2)
    >>> names.half(names.sqrt(16.0))
    2.0
    """

    def __init__(self, *sources, **own):
        self._sources = sources
        self._own = own

    def __getattr__(self, name: str):
        if name.startswith("__"):             # Python's own questions
            raise AttributeError(name)
        if name in self._own:
            return self._own[name]
        for source in self._sources:
            if hasattr(source, name):
                return getattr(source, name)
        raise NotOffered(f"there is no {name}")
