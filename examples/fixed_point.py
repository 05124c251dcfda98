"""The gradient of a fixed point: by the equation that defines it, not by how it was found.

    python examples/fixed_point.py [--short]

The state z of a layer that feeds back into itself settles where z = tanh(w z + x). To find it, the
layer is applied again and again, in a loop of as many steps as it takes. Its gradient can be had
by reverse mode through that loop, which keeps something of each step; or by implicit
differentiation, which keeps the fixed point alone: from f(w, z) = z - tanh(w z + x) = 0 follows
f_z dz = -f_w dw, a system of linear equations, whose adjoint reverse mode solves.

Both gradients are compared with each other and with finite differences; then a layer is
trained by the second.
"""
from __future__ import annotations

import argparse
import time

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TOLERANCE = 1e-12


def layer(w, x, z):
    """One step of the state z (size,), given weights (size, size) and input (size,)."""
    return fnp.tanh(w @ z + x)


def iterate(step, z):
    """Applies `step` until the state stays: (the state, the number of steps)."""
    def moves(state):
        z, before, _ = state
        return abs(z - before).max() > TOLERANCE

    def apply(state):
        z, _, count = state
        return step(z), z, count + 1
    z, _, count = lax.while_loop(moves, apply, (step(z), z, 1))
    return z, count


def by_the_loop(w, x):
    """The fixed point; its derivative goes back through every step."""
    return iterate(lambda z: layer(w, x, z), fnp.zeros_like(x))[0]


def by_the_equation(w, x):
    """The fixed point; its derivative is that of the equation which it solves."""
    return lax.custom_root(
        lambda z: z - layer(w, x, z), fnp.zeros_like(x),
        solve=lambda f, z: iterate(lambda z: z - f(z), z)[0],
        tangent_solve=solve_linear)


def solve_linear(g, y):
    """v with g(v) = y, for g near the identity: v = y + (v - g(v)), again and again."""
    def solve(matvec, b):
        return iterate(lambda v: b + v - matvec(v), b)[0]
    return lax.custom_linear_solve(g, y, solve, transpose_solve=solve)


# ---- the comparison ----

def weights(rng, size: int, strength: float = 0.8):
    """A random matrix whose largest stretch is `strength`, so that there is one fixed point."""
    w = rng.normal(size=(size, size))
    return w * (strength / np.linalg.norm(w, 2))


def compare(rng, size: int):
    """The gradient of the squared distance to a target, in both ways."""
    w, x, target = weights(rng, size), rng.normal(size=size), rng.normal(size=size) / 2
    z, count = ft.jit(lambda w: iterate(lambda z: layer(w, x, z), fnp.zeros_like(x)))(w)
    print(f"{size} states settle after {int(count)} steps; one more moves them by "
          f"{float(abs(layer(w, x, z) - z).max()):.0e}")
    gradients = []
    for name, fixed_point in (("through the loop", by_the_loop),
                              ("by the equation", by_the_equation)):
        def loss(w, fixed_point=fixed_point):
            return ((fixed_point(w, x) - target) ** 2).sum()
        gradient = ft.jit(ft.grad(loss))
        gradients.append(np.asarray(gradient(w)))
        kinds = ", ".join(str(kind) for kind, _ in ft.saved_residuals(loss, w) if kind.size)
        print(f"  {name:<16} {milliseconds(gradient, w):7.3f} ms; keeps {kinds}")
    a, b = gradients
    print(f"  they differ by {abs(a - b).max() / abs(a).max():.0e} of the largest entry")
    direction, step = rng.normal(size=w.shape), 1e-6
    rise = (loss(w + step * direction) - loss(w - step * direction)) / (2 * step)
    print(f"  and from finite differences by {abs((b * direction).sum() / float(rise) - 1):.0e}")
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def milliseconds(function, *args, repeats: int = 20) -> float:
    """The shortest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*args)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


# ---- training ----

def contraction(w):
    """Weights that stretch nothing by more than 0.9, so that there is one fixed point."""
    return 0.9 * w / fnp.maximum(1, fnp.sqrt((w * w).sum()))


def train(rng, size: int, inputs: int, steps: int):
    """Has a reading of the settled states fit a target, for each of some inputs."""
    xs = rng.normal(size=(inputs, size))
    targets = np.tanh(np.roll(xs, 1, axis=1) * np.roll(xs, 2, axis=1))

    def error(parameters):
        w = contraction(parameters["w"])
        states = ft.vmap(by_the_equation, in_axes=(None, 0))(w, xs)
        return ((states @ parameters["reading"] - targets) ** 2).mean()

    @ft.jit
    def update(parameters):
        value, slope = ft.value_and_grad(error)(parameters)
        return value, ft.tree.map(lambda p, s: p - 2.0 * s, parameters, slope)

    parameters = {"w": weights(rng, size), "reading": np.zeros((size, size))}
    errors = []
    for _ in range(steps):
        value, parameters = update(parameters)
        errors.append(float(value))
    print(f"training on {inputs} inputs: mean squared error {errors[0]:.4f}, after {steps} steps "
          f"{errors[-1]:.4f}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="small sizes, few steps")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    compare(rng, 8 if options.short else 64)
    train(rng, 8, 8, 30 if options.short else 300)


if __name__ == "__main__":
    main()
