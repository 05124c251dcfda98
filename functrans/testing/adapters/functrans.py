"""Functions of functrans, as the checks see them.

In: functions and pytrees of functrans. Out: `Functrans`, an adapter. Imports the public functions
of functrans.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

import functrans as ft
from functrans.array import as_array
from functrans.testing.adapters.base import Adapter
from functrans.trace import using


class Functrans(Adapter):
    """This library."""
    name = "functrans"

    def dtype(self, leaf) -> str:
        return getattr(leaf, "dtype", None).name if hasattr(leaf, "dtype") \
            else as_array(leaf).dtype.name

    def numpy(self, leaf) -> np.ndarray:
        value = np.asarray(leaf)
        if value.dtype.kind == "c":
            return value.astype(np.complex128)
        return value.astype(np.float64) if value.dtype.kind in "fV" else value

    def array(self, values: np.ndarray, dtype: str):
        with np.errstate(all="ignore"):
            return as_array(np.asarray(values).astype(_dtype(dtype)))

    def shadow(self):
        """float64 is itself everywhere here; what is compared with need not be compiled."""
        return ft.disable_jit()

    # ---- transformations ----

    def jvp(self, function: Callable, points: Sequence, tangents: Sequence) -> tuple:
        return ft.jvp(function, tuple(points), tuple(tangents))

    def vjp(self, function: Callable, points: Sequence) -> tuple:
        return ft.vjp(function, *points)

    def vmap(self, function: Callable, in_axes, out_axes=0) -> Callable:
        return ft.vmap(function, in_axes, out_axes)

    def jit(self, function: Callable) -> Callable:
        return ft.jit(function)

    def linearize(self, function: Callable, points: Sequence) -> tuple:
        return ft.linearize(function, *points)

    # ---- rounding, and looking for what is wrong ----

    def rounded_samples(self, run, values, eps, seed, dtype, count=4) -> list[np.ndarray]:
        """Each result of each primitive is changed by as much as it would be rounded."""
        from functrans.testing.rounding import Rounding
        samples = []
        for number in range(count):
            with ft.disable_jit(), using(Rounding(eps, seed + number, dtype)):
                samples.append(run(values))
        return samples

    def culprit(self, subject, mode: str, options) -> str | None:
        from functrans.testing.culprits import find
        return find(subject, mode, options)

    def wrong_kernel(self, function, leaves) -> str | None:
        from functrans.testing.suspects import wrong_kernel
        return wrong_kernel(function, leaves)

    def wrong_batch_rule(self, function, lanes, mapped) -> str | None:
        from functrans.testing.suspects import wrong_batch_rule
        return wrong_batch_rule(function, lanes, mapped)


def _dtype(name: str):
    return ft.numpy.bfloat16 if name == "bfloat16" else np.dtype(name)
