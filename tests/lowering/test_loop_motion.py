"""Work that leaves its loop: values stay, and the body of the loop has less to do."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.ir.primitive import Concatenate, Contract, Scan
from functrans.nn import sigmoid


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [fnp.array(rng.normal(size=shape)) for shape in shapes]


def optimized(function, *args):
    return ft.jit(function, device="cpu").lower(*args).compile().executable.program


def kernels_in(program, kind):
    """How many equations of a kernel class a Program has itself, without inner ones."""
    return sum(isinstance(equation.kernel, kind) for equation in program.equations)


def loops(program):
    return [equation.kernel.body for equation in program.equations
            if isinstance(equation.kernel, Scan)]


def check(function, *args):
    expected = ft.jit(function, device="reference")(*args)
    got = ft.jit(function, device="cpu")(*args)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-11, atol=1e-11)


def recurrent(transposed: bool):
    def function(weights, state, xs):
        def step(h, x):
            product = weights @ x if transposed else x @ weights
            return fnp.tanh(h + product), h * 2
        return lax.scan(step, state, xs)
    return function


@pytest.mark.parametrize("shapes", [((4, 3), (5, 3), (7, 5, 4)), ((4, 3), (3,), (7, 4))])
def test_products_of_slices_are_one_product_before_the_loop(shapes):
    args = arrays(*shapes)
    check(recurrent(False), *args)
    program = optimized(recurrent(False), *args)
    assert kernels_in(program, Contract) == 1
    assert [kernels_in(body, Contract) for body in loops(program)] == [0]


@pytest.mark.parametrize("shapes", [((3, 4), (3, 5), (7, 4, 5)), ((3, 4), (3,), (7, 4))])
def test_products_with_the_slice_on_the_right_are_hoisted_too(shapes):
    args = arrays(*shapes)
    check(recurrent(True), *args)
    assert [kernels_in(body, Contract)
            for body in loops(optimized(recurrent(True), *args))] == [0]


@pytest.mark.parametrize("weights, slices", [((2, 3, 4), (4,)), ((4,), (4, 2, 3)),
                                             ((2, 3, 4), (4, 5)), ((2, 4), (4, 3, 5))])
def test_products_of_any_rank_are_hoisted(weights, slices):
    """The axes of the weights come in front of those of the slice, as many as there are."""
    def function(weights, xs):
        def step(total, x):
            product = fnp.tensordot(weights, x, 1)
            return total * 0.5 + product, fnp.sin(product)
        start = fnp.zeros((*weights.shape[:-1], *xs.shape[2:]), dtype="float64")
        return lax.scan(step, start, xs)
    check(function, *arrays(weights, (3, *slices)))


@pytest.mark.parametrize("reverse", [False, True])
def test_sums_of_products_are_one_product_after_the_loop(reverse):
    def function(start, xs, ys):
        def step(total, slices):
            x, y = slices
            z = fnp.sin(x) * 2
            return (total[0] + z.T @ y, total[1] + z.sum(axis=0)), z
        return lax.scan(step, start, (xs, ys), reverse=reverse)

    (a, b), xs, ys = arrays((4, 3), (4,)), *arrays((6, 5, 4), (6, 5, 3))
    check(function, (a, b), xs, ys)
    program = optimized(function, (a, b), xs, ys)
    assert [kernels_in(body, Contract) for body in loops(program)] == [0]
    assert [equation.kernel.carries for equation in program.equations
            if isinstance(equation.kernel, Scan)] == [0]


def test_a_total_that_is_read_in_the_loop_stays():
    def function(start, xs):
        def step(total, x):
            total = total + x.T @ x
            return total, total.sum()
        return lax.scan(step, start, xs)
    args = arrays((4, 4), (6, 5, 4))
    check(function, *args)
    assert [kernels_in(body, Contract) for body in loops(optimized(function, *args))] == [1]


@pytest.mark.parametrize("left", [False, True])
def test_products_that_are_only_stacked_are_computed_after_the_loop(left):
    def function(weights, state):
        def step(h, _):
            h = fnp.tanh(h) * 1.5
            return h, weights @ h if left else h @ weights
        return lax.scan(step, state, None, length=6)
    args = arrays((4, 4), (4, 4))
    check(function, *args)
    program = optimized(function, *args)
    assert kernels_in(program, Contract) == 1
    assert [kernels_in(body, Contract) for body in loops(program)] == [0]


def test_what_depends_on_constants_alone_is_computed_before_the_loop():
    def function(a, b, xs):
        def step(h, x):
            return h * 0.5 + (a @ b).T @ x, None
        return lax.scan(step, xs[0], xs)[0]
    args = arrays((4, 3), (3, 4), (6, 4))
    check(function, *args)
    assert [kernels_in(body, Contract) for body in loops(optimized(function, *args))] == [0]


def test_the_gradient_of_an_lstm_keeps_one_product_in_each_loop():
    def loss(p, xs):
        def step(state, x):
            h, c = state
            i, f, g, o = fnp.split(x @ p["x"] + h @ p["h"] + p["b"], 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * fnp.tanh(g)
            h = sigmoid(o) * fnp.tanh(c)
            return (h, c), h
        zeros = fnp.zeros((xs.shape[1], p["h"].shape[0]), dtype=xs.dtype)
        return (lax.scan(step, (zeros, zeros), xs)[1] ** 2).sum()

    x, h, b, xs = arrays((3, 16), (4, 16), (16,), (5, 2, 3))
    gradient = ft.value_and_grad(loss, (0, 1))
    check(gradient, dict(x=x, h=h, b=b), xs)
    program = optimized(gradient, dict(x=x, h=h, b=b), xs)
    assert [kernels_in(body, Contract) for body in loops(program)] == [1, 1]


def test_the_adjoint_of_a_split_is_a_concatenation():
    def function(x):
        a, b, c = fnp.split(x, 3, axis=1)
        return (fnp.sin(a) * b + c * c).sum()
    x, = arrays((4, 6))
    check(ft.grad(function), x)
    assert kernels_in(optimized(ft.grad(function), x), Concatenate) == 1


def test_padded_parts_that_overlap_or_leave_gaps_are_added():
    def function(x):
        return (fnp.sin(x[:4]) * x[2:6]).sum() + (x[7:] ** 2).sum()
    x, = arrays((9,))
    check(ft.grad(function), x)


def test_a_loop_that_changes_nothing():
    out = ft.jit(lambda x: ft.lax.scan(lambda c, _: (c, None), x, None, length=3)[0])(np.ones(2))
    np.testing.assert_array_equal(np.asarray(out), [1, 1])
