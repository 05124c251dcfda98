"""custom_root and custom_linear_solve: derivatives follow the equation, not the solver."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.errors import CustomRuleError, StructureError

TARGETS = ("reference", "cpu")
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3)) + 4 * np.eye(3)
B = RNG.normal(size=3)


# ---- roots ----

def newton(f, x):
    return lax.while_loop(lambda x: abs(f(x)) > 1e-13, lambda x: x - f(x) / ft.grad(f)(x), x)


def python_newton(f, x):
    while abs(f(x)) > 1e-13:
        x = x - f(x) / ft.grad(f)(x)
    return x


def square_root(a, solve=newton):
    return lax.custom_root(lambda x: x * x - a, np.float64(1.0), solve, lambda g, y: y / g(1.0))


ROOT = {
    "value": (lambda f, a: f(a), lambda a: np.sqrt(a)),
    "grad": (lambda f, a: ft.grad(f)(a), lambda a: 0.5 / np.sqrt(a)),
    "second": (lambda f, a: ft.grad(ft.grad(f))(a), lambda a: -0.25 * a ** -1.5),
    "jvp": (lambda f, a: ft.jvp(f, (a,), (2.0 * a,))[1], lambda a: np.sqrt(a)),
    "jit_inside": (lambda f, a: ft.grad(ft.jit(f))(a), lambda a: 0.5 / np.sqrt(a)),
    "hessian": (lambda f, a: ft.hessian(f)(a), lambda a: -0.25 * a ** -1.5),
    "vmap": (lambda f, a: ft.vmap(f)(a * np.ones(2))[1], lambda a: np.sqrt(a)),
    "vmap_grad": (lambda f, a: ft.vmap(ft.grad(f))(a * np.ones(2))[1],
                  lambda a: 0.5 / np.sqrt(a)),
    "grad_vmap": (lambda f, a: ft.grad(lambda a: ft.vmap(f)(a).sum())(a * np.ones(2))[1],
                  lambda a: 0.5 / np.sqrt(a)),
    "scan": (lambda f, a: ft.grad(lambda a: lax.scan(
        lambda c, _: (f(c), None), a, None, length=2)[0])(a), lambda a: 0.25 * a ** -0.75),
}


@pytest.mark.parametrize("how", sorted(ROOT))
def test_root_of_a_scalar(how):
    transform, expected = ROOT[how]
    a = np.float64(3.0)
    results = [transform(square_root, a)]
    results += [ft.jit(lambda a: transform(square_root, a), device=target)(a)
                for target in TARGETS]
    for result in results:
        np.testing.assert_allclose(float(result), expected(a), rtol=1e-12)


def test_solvers_may_be_python_loops():
    assert float(square_root(4.0, python_newton)) == pytest.approx(2)
    assert float(ft.grad(lambda a: square_root(a, python_newton))(4.0)) == pytest.approx(0.25)


def test_root_of_a_system_with_pytrees_and_aux():
    """x + 0.1 sin(m y) = p, y - 0.1 x = q: found by iteration, differentiated as a system."""
    def system(p, q, m):
        def f(s):
            return {"x": s["x"] + 0.1 * fnp.sin(m @ s["y"]) - p, "y": s["y"] - 0.1 * s["x"] - q}

        def solve(f, guess):
            def step(state):
                s, count = state
                r = f(s)
                return ft.tree.map(lambda a, b: a - b, s, r), count + 1
            s, count = lax.while_loop(lambda state: state[1] < 60, step, (guess, 0))
            return s, count

        def tangent_solve(g, y):
            flat, structure = ft.tree.flatten(y)
            sizes = [leaf.size for leaf in flat]

            def vector(v):
                parts = fnp.split(v, np.cumsum(sizes)[:-1].tolist())
                out = ft.tree.leaves(g(ft.tree.unflatten(structure, list(parts))))
                return fnp.concatenate(out)
            matrix = ft.jacfwd(vector)(fnp.zeros(sum(sizes), "float64"))
            right = fnp.concatenate(flat)
            # the inverse as a series: I - (M - I) + ...
            off, total, term = matrix - fnp.eye(sum(sizes)), right, right
            for _ in range(60):
                term = -(off @ term)
                total = total + term
            return ft.tree.unflatten(
                structure, list(fnp.split(total, np.cumsum(sizes)[:-1].tolist())))
        guess = {"x": fnp.zeros(3, "float64"), "y": fnp.zeros(3, "float64")}
        return lax.custom_root(f, guess, solve, tangent_solve, has_aux=True)

    def unrolled(p, q, m):
        x, y = fnp.zeros(3, "float64"), fnp.zeros(3, "float64")
        for _ in range(60):
            x, y = p - 0.1 * fnp.sin(m @ y), q + 0.1 * x
        return x, y

    def loss(solution):
        return lambda p, q, m: sum((leaf ** 2).sum() for leaf in solution(p, q, m))
    args = (fnp.array(B), fnp.array(B + 1), fnp.array(A / 4))
    implicit = loss(lambda *args: ft.tree.leaves(system(*args)[0]))
    solution, count = ft.jit(system)(*args)
    assert int(count) == 60
    np.testing.assert_allclose(np.asarray(solution["x"]), np.asarray(unrolled(*args)[0]))
    for ours, oracle in ((ft.grad(implicit, (0, 1, 2)), ft.grad(loss(unrolled), (0, 1, 2))),
                         (lambda *args: ft.jvp(implicit, args, args),
                          lambda *args: ft.jvp(loss(unrolled), args, args))):
        for a, b in zip(ft.tree.leaves(ft.jit(ours)(*args)), ft.tree.leaves(oracle(*args))):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9)


def test_the_guess_and_the_solver_have_no_derivative():
    def function(guess, wobble):
        def solve(f, x):
            return newton(f, x) + 0 * wobble
        return lax.custom_root(lambda x: x * x - 4, guess, solve, lambda g, y: y / g(1.0))
    assert [float(g) for g in ft.grad(function, (0, 1))(1.0, 2.0)] == [0, 0]


def test_root_errors():
    def root(f=lambda x: x, guess=B, solve=lambda f, x: x, tangent_solve=lambda g, y: y):
        return ft.grad(lambda a: lax.custom_root(lambda x: f(x) - 0 * a, guess, solve,
                                                 tangent_solve).sum())(1.0)
    with pytest.raises(StructureError, match=r"f gives(.|\n)*initial_guess f64\[3\], f f64\[2\]"):
        root(lambda x: x[:2])
    with pytest.raises(StructureError, match="solve gives what is unlike initial_guess"):
        root(solve=lambda f, x: (x, x))
    with pytest.raises(StructureError, match="tangent_solve gives"):
        root(tangent_solve=lambda g, y: y[:1])
    with pytest.raises(CustomRuleError, match="floating-point"):
        root(guess=3)
    with pytest.raises(TypeError, match="pair"):
        lax.custom_root(lambda x: x, 1.0, lambda f, x: x, lambda g, y: y, has_aux=True)


# ---- linear equations ----

def richardson(matvec, b):
    """x = x + step (b - A x), until it stays."""
    return lax.fori_loop(0, 120, lambda _, x: ft.tree.map(
        lambda x, b, ax: x + 0.2 * (b - ax), x, b, matvec(x)), ft.tree.map(fnp.zeros_like, b))


def solve(a, b):
    return lax.custom_linear_solve(lambda x: a @ x, b, richardson, transpose_solve=richardson)


def loss(a, b):
    return (solve(a, b) ** 2).sum()


def explicit_loss(jnp):
    return lambda a, b: (jnp.linalg.solve(a, b) ** 2).sum()


LINEAR = {
    "value": lambda lib, f: f,
    "grad": lambda lib, f: lib.grad(f, (0, 1)),
    "jvp": lambda lib, f: lambda a, b: lib.jvp(f, (a, b), (a * 0 + 1, b)),
    "hessian": lambda lib, f: lib.hessian(f, 1),
    "mixed": lambda lib, f: lib.jacrev(lib.grad(f), 1),
    "vmap_a": lambda lib, f: lambda a, b: lib.vmap(lib.grad(f, (0, 1)), (0, None))(
        lib.numpy.stack([a, a.T]), b),
    "vmap_b": lambda lib, f: lambda a, b: lib.vmap(lib.grad(f, (0, 1)), (None, 0))(
        a, lib.numpy.stack([b, 2 * b])),
    "grad_vmap": lambda lib, f: lib.grad(
        lambda a, b: lib.vmap(f, (None, 0))(a, lib.numpy.stack([b, b * b])).sum(), (0, 1)),
}


@pytest.mark.parametrize("how", sorted(LINEAR))
def test_linear_solve_agrees_with_the_explicit_inverse(how):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    expected = jax.tree.leaves(LINEAR[how](jax, explicit_loss(jax.numpy))(
        jax.numpy.array(A), jax.numpy.array(B)))
    function = LINEAR[how](ft, loss)
    for run in (function, ft.jit(function), ft.jit(function, device="reference")):
        for got, value in zip(ft.tree.leaves(run(fnp.array(A), fnp.array(B))), expected,
                              strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(value), rtol=1e-9, atol=1e-11)


def test_symmetric_with_pytrees_and_aux():
    spd = (A + A.T) / 2

    def function(a, b):
        def with_aux(matvec, b):
            return richardson(matvec, b), {"norm": (b["u"] ** 2).sum()}
        x, aux = lax.custom_linear_solve(
            lambda x: {"u": a @ x["u"], "v": 3 * x["v"]}, b, with_aux, symmetric=True,
            has_aux=True)
        return (x["u"] ** 2).sum() * x["v"], aux
    b = {"u": fnp.array(B), "v": fnp.array(2.0, "float64")}
    (value, aux), grad = ft.jit(ft.value_and_grad(function, 1, has_aux=True))(spd, b)
    u = np.linalg.solve(spd, B)
    np.testing.assert_allclose(float(value), (u ** 2).sum() * 2 / 3, rtol=1e-9)
    np.testing.assert_allclose(float(aux["norm"]), (B ** 2).sum())
    np.testing.assert_allclose(np.asarray(grad["u"]), np.linalg.solve(spd, 2 * u) * 2 / 3,
                               rtol=1e-8)
    assert float(grad["v"]) == pytest.approx((u ** 2).sum() / 3)


def test_the_solution_is_a_linear_function_of_b():
    transposed = ft.linear_transpose(lambda b: solve(A, b), fnp.array(B))(fnp.array(B))[0]
    np.testing.assert_allclose(np.asarray(transposed), np.linalg.solve(A.T, B), rtol=1e-9)


def test_linear_solve_errors():
    def run(matvec=lambda x: x, solve=lambda mv, b: b, transform=ft.grad, **options):
        return transform(lambda b: lax.custom_linear_solve(matvec, b, solve, **options).sum())(B)
    with pytest.raises(CustomRuleError, match="transpose_solve.*symmetric=True"):
        run()
    assert np.asarray(run(symmetric=True)).tolist() == [1, 1, 1]
    assert np.asarray(run(transform=ft.jacfwd)).tolist() == [1, 1, 1]
    with pytest.raises(StructureError, match=r"matvec gives(.|\n)*b f64\[3\], matvec f64\[2\]"):
        run(matvec=lambda x: x[:2])
    with pytest.raises(StructureError, match="solve gives what is unlike b"):
        run(solve=lambda mv, b: {"x": b})
    with pytest.raises(StructureError, match="transpose_solve gives"):
        run(transpose_solve=lambda mv, b: b[:1])
    with pytest.raises(StructureError, match="argument of vecmat"):
        run(transpose_solve=lambda mv, b: mv(b[:1]))
