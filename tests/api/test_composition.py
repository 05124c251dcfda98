"""Transformations of transformations, in float64, against closed forms; and against JAX."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

POINTS = np.array([-1.3, 0.2, 0.7, 2.1])


def close(got, expected, rtol=1e-10):
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-12)


def wave(x):
    return fnp.sin(x) * fnp.exp(0.5 * x)


def nth_derivative_of_wave(n: int, x):
    """Im of (0.5 + i)**n * exp((0.5 + i) x)."""
    return ((0.5 + 1j) ** n * np.exp((0.5 + 1j) * x)).imag


FORWARD = {
    "grad": ft.grad, "jvp": lambda f: lambda x: ft.jvp(f, (x,), (fnp.ones_like(x),))[1],
    "jacfwd": ft.jacfwd, "jacrev": ft.jacrev, "vjp": lambda f: lambda x: ft.vjp(f, x)[1](
        fnp.ones((), x.dtype))[0],
    "linearize": lambda f: lambda x: ft.linearize(f, x)[1](fnp.ones((), x.dtype)),
    "jit grad": lambda f: ft.jit(ft.grad(f)), "grad jit": lambda f: ft.grad(ft.jit(f)),
}


@pytest.mark.parametrize("first, second", list(itertools.product(FORWARD, FORWARD)))
def test_second_derivatives_by_all_pairs_of_modes(first, second):
    function = FORWARD[second](FORWARD[first](wave))
    close(function(fnp.array(0.7, "float64")), nth_derivative_of_wave(2, 0.7))


@pytest.mark.parametrize("kind", ("grad", "jvp", "jacfwd", "jacrev", "grad jit"))
def test_fourth_derivatives(kind):
    function = wave
    for _ in range(4):
        function = FORWARD[kind](function)
    close(function(fnp.array(0.2, "float64")), nth_derivative_of_wave(4, 0.2))


def test_grad_grad_grad_everywhere():
    third = ft.grad(ft.grad(ft.grad(wave)))
    expected = nth_derivative_of_wave(3, POINTS)
    for run in (ft.vmap(third), ft.jit(ft.vmap(third)), ft.vmap(ft.jit(third)),
                ft.vmap(ft.grad(ft.jit(ft.grad(ft.grad(wave))))),
                lambda x: ft.grad(lambda x: ft.vmap(ft.grad(ft.grad(wave)))(x).sum())(x)):
        close(run(POINTS), expected)


def test_vmap_of_grad_of_jit():
    close(ft.vmap(ft.grad(ft.jit(wave)))(POINTS), nth_derivative_of_wave(1, POINTS))


def cubic(x):
    return (x ** 3).sum() * x[0]


def hessian_of_cubic(x):
    h = np.diag(6 * x * x[0])
    h[0] += 3 * x ** 2
    h[:, 0] += 3 * x ** 2
    return h


def test_jit_of_vmap_of_jacrev_of_grad():
    batch = np.stack([POINTS, 2 * POINTS, POINTS[::-1]])
    expected = np.stack([hessian_of_cubic(x) for x in batch])
    for run in (ft.jit(ft.vmap(ft.jacrev(ft.grad(cubic)))), ft.vmap(ft.jit(ft.hessian(cubic))),
                ft.jit(ft.vmap(ft.jacfwd(ft.jacfwd(cubic)))), ft.vmap(ft.jacfwd(ft.grad(cubic)))):
        close(run(batch), expected)


def test_hessian_of_a_function_of_a_dict_of_arrays():
    """f = sum((w x + b)^2): all blocks are known."""
    x = np.array([1.0, -2.0, 0.5])
    params = {"w": fnp.array(np.arange(6.0).reshape(2, 3)), "b": fnp.array([0.3, -0.4], "float64")}

    def loss(p):
        return ((p["w"] @ x + p["b"]) ** 2).sum()

    expected = {"b": {"b": 2 * np.eye(2), "w": 2 * np.einsum("ik,j->ikj", np.eye(2), x)},
                "w": {"b": 2 * np.einsum("ik,j->ijk", np.eye(2), x),
                      "w": 2 * np.einsum("ik,j,l->ijkl", np.eye(2), x, x)}}
    for transformed in (ft.hessian(loss), ft.jit(ft.hessian(loss)), ft.jacrev(ft.jacrev(loss))):
        got = transformed(params)
        assert ft.tree.structure(got) == ft.tree.structure(expected)
        close(got, expected)


def test_jvp_of_vjp_and_vjp_of_jvp():
    """Both are the second derivative, along two directions."""
    x, u = POINTS, np.array([1.0, -1.0, 0.5, 2.0])

    def pulled(x):
        return ft.vjp(cubic, x)[1](np.float64(1.0))[0]

    close(ft.jvp(pulled, (x,), (u,))[1], hessian_of_cubic(x) @ u)
    _, pull = ft.vjp(lambda x: ft.jvp(cubic, (x,), (u,))[1], x)
    close(pull(np.float64(1.0))[0], hessian_of_cubic(x) @ u)
    close(ft.jvp(ft.grad(cubic), (x,), (u,))[1], hessian_of_cubic(x) @ u)
    close(ft.grad(lambda x: ft.grad(cubic)(x) @ u)(x), hessian_of_cubic(x) @ u)


def test_perturbations_are_not_confused():
    """d/dx [x * d/dy (x + y)] = 1, though both derivatives are along "the" tangent."""
    def both(outer, inner):
        return outer(lambda x: x * inner(lambda y: x + y)(np.float64(1.0)))(np.float64(1.0))

    for outer, inner in itertools.product(FORWARD.values(), repeat=2):
        close(both(outer, inner), 1.0)

    def nested(x):                # d/dx [x * d/dy (x * y * d/dz (x * y * z))] at 1: d/dx (2 x^4)
        return x * ft.grad(lambda y: x * y * ft.grad(lambda z: x * y * z)(x))(x)
    close(ft.grad(nested)(np.float64(1.5)), 8 * 1.5 ** 3)


def test_closures_over_tracers_of_several_transformations():
    """f(x, y, z) = sum_i z_i x y, each variable bound by another transformation."""
    z = fnp.array(POINTS)

    def of_x(x):
        return ft.grad(lambda y: ft.vmap(lambda one: ft.jit(lambda a: a * x * y)(one))(z).sum())(
            x * x)
    close(of_x(np.float64(2.0)), 2 * POINTS.sum())
    close(ft.grad(of_x)(np.float64(2.0)), POINTS.sum())
    close(ft.jit(ft.grad(of_x))(np.float64(2.0)), POINTS.sum())
    close(ft.vmap(ft.grad(of_x))(POINTS), np.full(4, POINTS.sum()))


# ---- Python control flow under gradients that are not jitted ----

def power(x):
    """x**n by a loop, n the number of doublings below 100."""
    y, n = x, 1
    while y < 100:
        y, n = y * x, n + 1
    return y if n > 3 else -y


def test_while_under_nested_gradients():
    x = np.float64(2.0)                             # 2**7 = 128
    for order, expected in enumerate((128.0, 7 * 64.0, 42 * 32.0, 210 * 16.0)):
        function = power
        for _ in range(order):
            function = ft.grad(function)
        close(function(x), expected)
    close(ft.grad(lambda x: ft.grad(power)(x) * x if x > 1 else x)(x), 7 * 448.0)
    close(ft.jvp(ft.grad(power), (x,), (np.float64(1.0),))[1], 1344.0)


def test_while_with_gradients_inside_of_it():
    """Newton's method for the minimum of cosh(y - x), whose place is x; d/dx of it is 1."""
    def minimum(x):
        y = 0.0 * x
        while abs(ft.grad(lambda y: fnp.cosh(y - x))(y)) > 1e-12:
            slope, bend = (d(lambda y: fnp.cosh(y - x)) for d in (ft.grad, lambda f: ft.grad(
                ft.grad(f))))
            y = y - slope(y) / bend(y)
        return y
    close(minimum(np.float64(0.7)), 0.7)
    close(ft.grad(minimum)(np.float64(0.7)), 1.0, rtol=1e-6)


def test_recursion_and_lists_under_a_gradient():
    def norm(values):
        return values[0] ** 2 if len(values) == 1 else norm(values[:1]) + norm(values[1:])
    close(ft.grad(lambda x: norm(list(x)))(POINTS), 2 * POINTS)
    close(ft.jit(ft.hessian(lambda x: norm(list(x))))(POINTS), 2 * np.eye(4))


# ---- against JAX ----

def network(np, params, x):
    """A small net in either library."""
    for w, b in params[:-1]:
        x = np.tanh(x @ w + b)
    w, b = params[-1]
    return ((x @ w + b) ** 2).mean()


STACKS = {
    "grad of grad": lambda lib, f: lib.grad(lambda p, x: lib.grad(f, 1)(p, x).sum()),
    "vmap of grad": lambda lib, f: lib.vmap(lib.grad(f), (None, 0)),
    "jacfwd of grad": lambda lib, f: lib.jacfwd(lib.grad(f, 1), 1),
    "jit of vmap of jacrev": lambda lib, f: lib.jit(lib.vmap(lib.jacrev(f), (None, 0))),
    "jvp of vjp": lambda lib, f: lambda p, x: lib.jvp(
        lambda x: lib.vjp(lambda p: f(p, x), p)[1](0 * f(p, x) + 1.0)[0], (x,), (x,))[1],
    "hessian of params": lambda lib, f: lib.hessian(f),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks_agree_with_jax(name):
    jax = pytest.importorskip("jax")
    rng = np.random.default_rng(5)
    params = [(rng.normal(size=(3, 4)), rng.normal(size=4)), (rng.normal(size=(4, 2)),
                                                              rng.normal(size=2))]
    x = rng.normal(size=(5, 3))
    got = STACKS[name](ft, lambda p, x: network(fnp, p, x))(params, x)
    with jax.enable_x64(True):
        expected = STACKS[name](jax, lambda p, x: network(jax.numpy, p, x))(
            jax.tree.map(jax.numpy.asarray, params), jax.numpy.asarray(x))
        expected = jax.tree.map(np.asarray, expected)
    assert [np.shape(leaf) for leaf in ft.tree.leaves(got)] \
        == [leaf.shape for leaf in ft.tree.leaves(expected)]
    close(got, expected, rtol=1e-9)
