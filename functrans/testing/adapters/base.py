"""What the checks need to know of a library: arrays, pytrees, transformations.

In: a library. Out: an `Adapter`, through which its functions are checked; one for each library is
in this folder, and others can be written elsewhere. Imports NumPy, `tree`.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import numpy as np

from functrans import tree
from functrans.testing.layout import eps_of, shaken


class Adapter(ABC):
    """A library whose derivatives are checked.

    name: how it is called. transformations work on functions of a list of arrays to a tuple of
    arrays, all with a derivative. conjugates: whether a cotangent is paired with a tangent as
    `Re(conj(ct) * t)` and not as `Re(ct * t)`.
    """
    name = ""
    conjugates = False
    modes = ("fwd", "rev")

    # ---- arrays and pytrees ----

    def leaves(self, value) -> list:
        """The arrays and numbers of a pytree, in order. Pytrees are functrans's by default."""
        return tree.leaves(value)

    def paths(self, value) -> list[str]:
        """Their paths: `['w'][0]`."""
        return [tree.keystr(path) for path, _ in tree.leaves_with_path(value)]

    def with_leaves(self, value, leaves: Sequence):
        """A pytree like `value` with other leaves."""
        return tree.unflatten(tree.structure(value), leaves)

    @abstractmethod
    def dtype(self, leaf) -> str:
        """The name of a leaf's dtype, such as `float32`, as a function sees it."""

    @abstractmethod
    def numpy(self, leaf) -> np.ndarray:
        """The values of a leaf; of floats in float64 or complex128."""

    @abstractmethod
    def array(self, values: np.ndarray, dtype: str):
        """An array of the library."""

    def no_tangent(self, leaf):
        """What stands for the tangent of a leaf that has none, an integer."""
        from functrans.api.grad import float0
        return np.zeros(self.numpy(leaf).shape, float0)

    def shadow(self):
        """A context in which arrays of float64 are what they say."""
        return nullcontext()

    # ---- transformations ----

    @abstractmethod
    def jvp(self, function: Callable, points: Sequence, tangents: Sequence) -> tuple:
        """(results, their tangents)"""

    @abstractmethod
    def vjp(self, function: Callable, points: Sequence) -> tuple:
        """(results, function from cotangents of the results to those of the points)"""

    @abstractmethod
    def vmap(self, function: Callable, in_axes, out_axes=0) -> Callable:
        """As the library has it."""

    @abstractmethod
    def jit(self, function: Callable) -> Callable:
        """As the library has it."""

    def linearize(self, function: Callable, points: Sequence) -> tuple:
        """(results, linear function of tangents)"""
        return (function(*points),
                lambda *tangents: self.jvp(function, points, tangents)[1])

    # ---- rounding ----

    def rounded_samples(self, run: Callable, values: Sequence[np.ndarray], eps: float, seed: int,
                        dtype: str | None, count: int = 4) -> list[np.ndarray]:
        """Results of `run(values)` in float64, with errors as large as rounding makes.

        Here the values are changed by as much as they would be rounded, which is what a backward
        stable algorithm does. dtype: the one whose rounding it is, if not float64.
        """
        rng = np.random.default_rng(seed)
        return [run([shaken(value, eps, rng) for value in values])
                for _ in range(count)]

    def culprit(self, subject, mode: str, options) -> str | None:
        """The primitive whose rule is wrong, where that can be found out."""
        return None

    def wrong_kernel(self, function, leaves) -> str | None:
        """The primitive whose compiled code is wrong, likewise."""
        return None

    def wrong_batch_rule(self, function, lanes, mapped) -> str | None:
        """The primitive whose batch rule is wrong, likewise."""
        return None

    def eps(self, dtypes: Sequence[str]) -> float:
        return eps_of(dtypes)
