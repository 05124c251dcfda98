"""Finds a wrong derivative that was written by hand: for functrans, for JAX, for PyTorch.

    python examples/check_your_gradients.py

Each of three functions computes the Huber loss, and has a rule of its own in which one number is
wrong. `check_grads` says in which argument and by how much, at which smallest input, and, for
functrans, by whose fault. JAX and PyTorch are skipped where they are not installed.
"""
from __future__ import annotations

import argparse

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import MissingExtraError
from functrans.testing import GradientError, check_grads


# ---- functrans ----

@ft.custom_vjp
def huber(x, delta):
    """x^2 / 2 near zero, and a line of slope delta beyond."""
    return fnp.where(fnp.abs(x) < delta, x * x / 2, delta * (fnp.abs(x) - delta / 2))


def huber_forward(x, delta):
    return huber(x, delta), (x, delta)


def huber_backward(residuals, ct):
    x, delta = residuals
    outside = fnp.where(fnp.abs(x) < delta, 0, fnp.abs(x) - 1.01 * delta)       # 1% too much
    return ct * fnp.clip(x, -delta, delta), (ct * outside).sum()


huber.defvjp(huber_forward, huber_backward)


def fit(params, data):
    """A loss of a line through points, by the function above."""
    return huber(data["x"] * params["slope"] + params["shift"] - data["y"], params["delta"]).mean()


# ---- JAX ----

def huber_of_jax():
    """The same for JAX; here the slope is off, outside."""
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def huber(x):
        return jnp.where(jnp.abs(x) < 1, x * x / 2, jnp.abs(x) - 0.5)
    huber.defvjp(lambda x: (huber(x), x), lambda x, ct: (ct * jnp.clip(x, -1.01, 1.01),))
    return huber


# ---- PyTorch ----

def huber_of_torch():
    """The same for PyTorch; here a factor 2 is missing from where it is a parabola."""
    import torch

    class Huber(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.where(x.abs() < 1, x * x / 2, x.abs() - 0.5)

        @staticmethod
        def backward(ctx, ct):
            x, = ctx.saved_tensors
            return ct * torch.where(x.abs() < 1, x / 2, x.sign())
    return Huber.apply


# ---- checking ----

def report(title: str, function, args: tuple, library: str):
    """Checks reverse mode, which is what the rules are for, and prints what is found."""
    print(f"---- {title} ----")
    try:
        check_grads(function, args, order=1, modes=("rev",), library=library)
        print("no fault found")
    except GradientError as error:
        print(error)
    print()


def other_libraries():
    """The arguments and functions of libraries that may be missing."""
    points = np.array([0.3, -2.0, 0.5, 4.0], np.float32)
    yield "jax", "a function of JAX", huber_of_jax, lambda: (points,)

    def tensors():
        import torch
        return (torch.tensor(points),)
    yield "torch", "a function of PyTorch", huber_of_torch, tensors


def main(arguments=None):
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter
                            ).parse_args(arguments)
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 8)
    params = {"slope": fnp.array(0.4), "shift": fnp.array(0.1), "delta": fnp.array(0.5)}
    data = {"x": fnp.array(x, dtype="float32"),
            "y": fnp.array(x * 0.7 + rng.normal(size=8), dtype="float32")}
    report("a rule of functrans's custom_vjp", fit, (params, data), "functrans")
    for library, title, make, points in other_libraries():
        try:
            report(title, make(), points(), library)
        except (MissingExtraError, ModuleNotFoundError):
            print(f"---- {title} ----\nskipped: {library} is not installed\n")


if __name__ == "__main__":
    main()
