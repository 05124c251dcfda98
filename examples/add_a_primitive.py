"""A new primitive, defined outside of the library, under every transformation.

    python examples/add_a_primitive.py

The Gudermannian function gd(x) = 2 arctan(tanh(x / 2)) joins circular and hyperbolic functions.
One record holds its rules; nothing else has to know of it, no pass and no target.
"""
from __future__ import annotations

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans.numpy.promotion import apply, promote_inexact
from functrans.primitives.define import elementwise

# evaluate: the value, by NumPy, on arrays of one dtype.
# expr:     the same as text of a kernel. {0} is the operand, {T} the name of its dtype; functions
#           are those of lowering.math.
# jvp:      from the result, the operand and its tangent to the tangent of the result: gd' is
#           1 / cosh. It is made of other primitives and so has derivatives itself.
# kind:     which dtypes it takes; "inexact" would be complex ones too.
gudermannian_p = elementwise(
    "gudermannian",
    evaluate=lambda x: (2 * np.arctan(np.tanh(x / 2))).astype(x.dtype),
    expr="({T}(2) * atan(tanh({0} / {T}(2))))",
    jvp=lambda out, x, dx: dx / fnp.cosh(x),
    kind="float",
    cost=40)


def gudermannian(x):
    """gd(x) for numbers and arrays; integers become floats."""
    return apply(gudermannian_p, x, promotion=promote_inexact)


def exact(x):
    """The same by another formula, in NumPy."""
    return np.arcsin(np.tanh(x))


def main():
    x = np.linspace(-2, 2, 5)
    print(f"x              {x}")
    print(f"gd(x)          {gudermannian(x)}")
    np.testing.assert_allclose(gudermannian(x), exact(x), rtol=1e-14)

    slope = ft.vmap(ft.grad(gudermannian))
    print(f"grad           {slope(x)}")
    np.testing.assert_allclose(slope(x), 1 / np.cosh(x), rtol=1e-14)

    curve = ft.jit(ft.vmap(ft.grad(ft.grad(gudermannian))))
    print(f"grad of grad   {curve(x)}")
    np.testing.assert_allclose(curve(x), -np.tanh(x) / np.cosh(x), rtol=1e-13, atol=1e-15)

    value, push = ft.linearize(gudermannian, 0.5)
    print(f"linearize      {push(1.0):.6f} at 0.5")

    compiled = ft.jit(lambda x: gudermannian(x) ** 2 + 1)
    np.testing.assert_allclose(compiled(x), exact(x) ** 2 + 1, rtol=1e-14)
    print(f"\nthe Program\n{compiled.trace(x)}\n\nthe kernel, all in one loop\n"
          f"{compiled.lower(x).source()}")


if __name__ == "__main__":
    main()
