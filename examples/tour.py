"""A walk down the one street of functrans, from a Python function to running kernels.

    python examples/tour.py

Each stop says in a sentence what happens there and prints what there is to see. Read it beside
its output; the modules that do the work are named.
"""
from __future__ import annotations

import textwrap

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans.trace import run
from lowering.pipeline import optimize

STOPS = []


def stop(title: str):
    """Registers a stop of the tour: a function that prints."""
    def register(function):
        STOPS.append((title, function))
        return function
    return register


def say(sentence: str):
    print(textwrap.fill(sentence, 100) + "\n")


def show(thing):
    print(textwrap.indent(str(thing), "    ") + "\n")


# ---- the function that travels ----

def loss(w, x, y):
    """How far a neuron with the weights w is from the targets y."""
    return ((fnp.tanh(x @ w) - y) ** 2).mean()


def example():
    """Weights (3,), inputs (8, 3), targets (8,)."""
    keys = ft.random.split(ft.random.key(0), 3)
    return tuple(ft.random.normal(key, shape) for key, shape in zip(keys, ((3,), (8, 3), (8,))))


@stop("A function")
def function():
    say("It all begins with a plain function of arrays. Called with arrays it is evaluated at "
        "once, primitive by primitive, by NumPy (functrans/trace.py: Eval).")
    show(f"loss(w, x, y) = {loss(*example())!r}")


@stop("Trace: the Program")
def trace():
    say("Called with tracers it leaves a Program: typed, single-assignment, immutable. Each line "
        "is a primitive with its result's type, and at its end stands the line of your code that "
        "it comes from (functrans/ir/, functrans/trace.py: Trace).")
    program = ft.make_ir(loss)(*example())
    show(program)
    value, = run(program, example())
    say(f"A Program can be run, equation by equation, and gives the same: {value!r}.")


@stop("jvp: a Program of derivatives along a direction")
def forward():
    say("A transformation walks over a Program and yields a Program. Forward mode applies the jvp "
        "rule of each primitive: the tangent of w flows along with the values "
        "(functrans/transforms/jvp.py).")
    w, x, y = example()
    show(ft.make_ir(lambda w, dw: ft.jvp(lambda w: loss(w, x, y), (w,), (dw,)))(w, w))


@stop("grad: a Program of gradients")
def reverse():
    say("Reverse mode splits that Program into what depends on tangents and what does not, and "
        "transposes the linear part: read from below, it is the forward part once more "
        "(functrans/transforms/linearize.py, transpose.py).")
    show(ft.make_ir(ft.grad(loss))(*example()))


@stop("vmap: a Program for a whole batch")
def batch():
    say("vmap walks over a Program with the batch rule of each primitive. Here over the gradient, "
        "for one gradient an example: transformations compose, since Programs go in and come out "
        "(functrans/transforms/vmap.py).")
    show(ft.make_ir(ft.vmap(ft.grad(loss), in_axes=(None, 0, 0)))(*example()))


@stop("Deeper: transformations of transformations")
def deeper():
    say("Nothing limits the depth. A Hessian is forward over reverse mode; here it meets Python's "
        "own control flow, which needs values, and has them where nothing is jitted.")

    def root(a):
        """The square root by Newton's method, in a Python loop."""
        x = a
        while abs(x * x - a) > 1e-6:
            x = (x + a / x) / 2
        return x

    third = ft.grad(ft.grad(ft.grad(root)))(4.0)
    show(f"third derivative of root at 4: {third:.6f}   exact: {3 / 8 * 4 ** -2.5:.6f}")
    w, x, y = example()
    show(f"hessian(loss):\n{ft.hessian(loss)(w, x, y)}")


@stop("The door: passes")
def passes():
    say("jit hands a Program through one door to lowering/, which knows no transformations. Named "
        "passes make it smaller; each gives a Program again, which is checked "
        "(lowering/pipeline.py).")
    program = ft.jit(ft.grad(loss)).trace(*example())
    counts = [f"{'as traced':<15} {len(program.equations):>3} equations"]
    optimized = optimize(program, lambda name, after: counts.append(
        f"{name:<15} {len(after.equations):>3} equations"))
    show("\n".join(counts))
    show(optimized)


@stop("Kernels")
def kernels():
    say("What is left is fused into loops, one for each group of equations that can share one, and "
        "matrix products, which go to NumPy's own BLAS. The loops are Python that you can read: "
        "here is all of the gradient but the two products (lowering/passes/fuse.py, emit.py).")
    show(ft.jit(ft.grad(loss)).lower(*example()).source())
    say("And this is the gradient for each example: vmap has become a loop.")
    show(ft.jit(ft.vmap(ft.grad(loss), in_axes=(None, 0, 0))).lower(*example()).source())


@stop("A kernel is plain Python")
def plain():
    say("The same text that numba compiles runs under CPython, in a debugger if need be.")
    text = ft.jit(lambda x: fnp.tanh(x) * 2).lower(fnp.ones(4)).source()
    show(text)
    scope: dict = {}
    exec(text, scope)
    x = np.linspace(-1, 1, 4, dtype="float32")
    y, = scope["run"](x)
    show(f"by CPython: {y}\nby NumPy:   {2 * np.tanh(x)}")


@stop("Run")
def execute():
    say("numba compiles each kernel once and keeps it on disk; a call is one walk over a table of "
        "steps, with no Python in between (lowering/native/). The reference target evaluates the "
        "same Program by NumPy, and is what every compiled result is tested against.")
    arguments = example()
    compiled = ft.jit(ft.grad(loss))(*arguments)
    reference = ft.jit(ft.grad(loss), device="reference")(*arguments)
    show(f"cpu:        {compiled}\nreference:  {reference}")
    np.testing.assert_allclose(compiled, reference, rtol=1e-5)


def main():
    for number, (title, visit) in enumerate(STOPS, 1):
        print(f"{number}. {title}\n{'=' * (len(title) + len(str(number)) + 2)}\n")
        visit()


if __name__ == "__main__":
    main()
