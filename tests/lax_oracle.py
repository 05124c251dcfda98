"""How functions of `lax` are compared with float64 NumPy, with a loop, and with JAX."""
from __future__ import annotations

import numpy as np

import functrans as ft
from functrans.testing import check_grads

SEED = 0


def normal(*shape, seed: int = SEED) -> np.ndarray:
    """Float64 numbers of a shape, the same each time."""
    return np.random.default_rng(seed).normal(size=shape)


def same(found, wanted, tolerance: float = 1e-12):
    """Equal structure, shapes and kinds of dtypes, and values within a tolerance."""
    found, wanted = (list(x) if isinstance(x, (tuple, list)) else [x] for x in (found, wanted))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted):
        one, other = np.asarray(one), np.asarray(other)
        assert one.shape == other.shape and one.dtype.kind == other.dtype.kind
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def follows_all(function, *args, grads: bool = True, order: int = 1):
    """A function agrees with itself compiled, mapped, and with differences of itself."""
    value = function(*args)
    same(ft.jit(function)(*args), value)
    lanes = [np.stack([x, x * 0.5, -x]) for x in map(np.asarray, args)]
    mapped = ft.vmap(function)(*lanes)
    same(mapped, np.stack([np.asarray(function(*row)) for row in zip(*lanes)]))
    if grads:
        check_grads(function, args, order=order)
