"""What the kit needs of a library: names, arrays, four transformations.

Imports NumPy only.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from functrans.testing.conformance.namespace import Namespace


class Library:
    """An adapter: one for each library, in a file beside this one.

    Functions that the kit hands over take arrays of the library and return a tuple of them.

    pairing: how cotangents of complex numbers are meant: "bilinear" (Re of the sum of ct times
        tangent) or "conjugate" (ct is conjugated first).
    offers: which of "jit", "vmap", "jvp", "vjp" there are.
    refusals: patterns of errors by which the library says that it does not take a dtype.
    names: the operations' names, as the library spells them.
    """

    name = ""
    pairing = "bilinear"
    offers: tuple = ("jit", "vmap", "jvp", "vjp")
    refusals: tuple = ()
    names: Namespace

    def version(self) -> str:
        """The version, and settings on which results depend."""
        raise NotImplementedError

    def array(self, value: np.ndarray):
        """NumPy's array as the library's."""
        raise NotImplementedError

    def numpy(self, value) -> np.ndarray:
        """The library's array as NumPy's."""
        return np.asarray(value)

    def jit(self, function: Callable) -> Callable:
        raise NotImplementedError

    def vmap(self, function: Callable, axes: Sequence) -> Callable:
        """`function`, mapped over an axis of each operand (None: not); results over axis 0."""
        raise NotImplementedError

    def jvp(self, function: Callable, points: Sequence, tangents: Sequence) -> Sequence:
        """The tangents of the results."""
        raise NotImplementedError

    def vjp(self, function: Callable, points: Sequence, cotangents: Sequence) -> Sequence:
        """The cotangents of the operands."""
        raise NotImplementedError

    def compiled_only_in_part(self, jitted: Callable, points: Sequence) -> str:
        """What of a jitted function is not compiled, though it could be; empty if nothing is."""
        return ""

    def refuses(self, error: Exception) -> bool:
        """Whether an error says that a dtype is not taken, by design."""
        text = f"{type(error).__name__}: {error}"
        return any(re.search(pattern, text) for pattern in self.refusals)

    def reset(self):
        """Called between operations: forgets what was compiled."""
