"""Functions of JAX, as the checks see them. The extra `jax` brings it.

In: functions and pytrees of JAX. Out: `Jax`, an adapter. Imports JAX when one is made.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.extras import require
from functrans.testing.adapters.base import Adapter


class Jax(Adapter):
    """JAX. Its 64-bit mode is switched on for the shadow, and only there.

    An array of random keys is one of their words for NumPy, all words of a key in one element.
    """
    name = "jax"

    def __init__(self):
        self.jax = require("jax", "jax")
        self._generators: dict = {}               # dtype of keys -> whose they are

    def leaves(self, value) -> list:
        return self.jax.tree_util.tree_leaves(value)

    def paths(self, value) -> list[str]:
        pairs, _ = self.jax.tree_util.tree_flatten_with_path(value)
        return [self.jax.tree_util.keystr(path) for path, _ in pairs]

    def with_leaves(self, value, leaves: Sequence):
        structure = self.jax.tree_util.tree_structure(value)
        return self.jax.tree_util.tree_unflatten(structure, leaves)

    def dtype(self, leaf) -> str:
        return self.jax.dtypes.result_type(leaf).name

    def numpy(self, leaf) -> np.ndarray:
        if self.dtype(leaf).startswith("key<"):
            return self._words(leaf)
        value = np.asarray(leaf)
        if value.dtype.kind == "c":
            return value.astype(np.complex128)
        inexact = value.dtype.kind == "f" or value.dtype.name == "bfloat16"
        return value.astype(np.float64) if inexact else value

    def _words(self, keys) -> np.ndarray:
        self._generators[self.dtype(keys)] = self.jax.random.key_impl(keys)
        words = np.ascontiguousarray(self.jax.random.key_data(keys))
        return words.view(f"V{words.shape[-1] * words.itemsize}")[..., 0]

    def array(self, values: np.ndarray, dtype: str):
        if dtype in self._generators:
            words = np.array(values)[..., None].view(np.uint32)
            return self.jax.random.wrap_key_data(words, impl=self._generators[dtype])
        with np.errstate(all="ignore"):
            return self.jax.numpy.asarray(np.asarray(values).astype(np.dtype(dtype)))

    def no_tangent(self, leaf):
        return np.zeros(np.shape(leaf), self.jax.dtypes.float0)

    def shadow(self):
        if hasattr(self.jax, "enable_x64"):
            return self.jax.enable_x64(True)
        return require("jax.experimental", "jax").enable_x64()

    # ---- transformations ----

    def jvp(self, function: Callable, points: Sequence, tangents: Sequence) -> tuple:
        return self.jax.jvp(function, tuple(points), tuple(tangents))

    def vjp(self, function: Callable, points: Sequence) -> tuple:
        return self.jax.vjp(function, *points)

    def vmap(self, function: Callable, in_axes, out_axes=0) -> Callable:
        return self.jax.vmap(function, in_axes, out_axes)

    def jit(self, function: Callable) -> Callable:
        return self.jax.jit(function)

    def linearize(self, function: Callable, points: Sequence) -> tuple:
        return self.jax.linearize(function, *points)
