"""Loops over few numbers: what one iteration costs."""
from __future__ import annotations

import numpy as np

from benchmarks.data import normal
from benchmarks.row import row


@row("fori_loop of 1,000,000 steps on a scalar", tolerance=1e-3)
def counted(lib):
    def function(x):
        return lib.lax.fori_loop(0, 1_000_000, lambda i, y: y * 0.9 + x, x)
    return lib.jit(function), lib.arrays(np.float32(0.5))


@counted.torch
def _(torch):
    @torch.jit.script
    def function(x: float):
        y = x
        for _ in range(1_000_000):
            y = y * 0.9 + x
        return y
    return function, (0.5,)


@row("gradient through an ODE, scan of 10,000 steps", tolerance=1e-3)
def ode(lib):
    def slope(y, k):
        return lib.numpy.stack([y[1], -k[0] * y[0] - k[1] * y[1]])

    def loss(k, y):
        def body(y, _):
            middle = y + 0.0005 * slope(y, k)
            return y + 0.001 * slope(middle, k), None
        return (lib.lax.scan(body, y, None, length=10_000)[0] ** 2).sum()
    return lib.jit(lib.grad(loss)), lib.arrays(np.float32([2.0, 0.1]), np.float32([1.0, 0.0]))


@row("vmap of a while loop: 1,023 lanes of 10 trips, one of 10,000", tolerance=1e-3)
def skewed(lib):
    counts = np.full(1024, 10)
    counts[500] = 10_000
    return lanes(lib, counts)


def lanes(lib, counts: np.ndarray):
    """Loops side by side, each with a count of its own."""
    def lane(count, x):
        def body(state):
            step, y = state
            return step + 1, lib.numpy.sin(y) + x
        return lib.lax.while_loop(lambda state: state[0] < count, body, (0, x))[1]
    return lib.jit(lib.vmap(lane)), lib.arrays(counts, normal(len(counts)))
