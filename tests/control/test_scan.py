"""scan, fori_loop, map: values and derivatives of loops of known length."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plain_lax
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TARGETS = (None, "reference", "cpu")
RNG = np.random.default_rng(0)
W = RNG.normal(size=(3, 3)) * 0.5
XS = RNG.normal(size=(5, 3))
H = RNG.normal(size=3)


def on(target, function):
    return function if target is None else ft.jit(function, device=target)


def same(got, expected, tolerance=1e-12):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


class Cell(NamedTuple):
    h: object
    steps: object
    even: object


def cell(w):
    """A body with a carry of floats, integers and booleans, and ys of each."""
    def step(carry, x):
        h = fnp.tanh(w @ carry.h + fnp.where(carry.even, x, -x))
        new = Cell(h, carry.steps + 1, ~carry.even)
        return new, {"h": h * 2, "n": new.steps, "b": carry.even}
    return step


START = Cell(fnp.array(H), fnp.array(3, dtype="int32"), fnp.array(True))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("length", [0, 1, 5])
@pytest.mark.parametrize("reverse", [False, True])
def test_values(length, reverse, target):
    def run(w, xs, L):
        return L.scan(cell(w), START, xs, reverse=reverse)
    same(on(target, lambda w, xs: run(w, xs, lax))(W, XS[:length]),
         run(fnp.array(W), fnp.array(XS[:length]), plain_lax))


def loss(w, h, xs, L, reverse=False):
    end, ys = L.scan(cell(w), START._replace(h=h), xs, reverse=reverse)
    return (fnp.sin(ys["h"]) * xs).sum() + (end.h * end.steps).sum()


# Each gets the loss as a function of w, h and xs, and gives a function of them.
DERIVATIVES = {
    "grad": lambda f: ft.value_and_grad(f, (0, 1, 2)),
    "grad_w": lambda f: ft.grad(f, 0),
    "grad_xs": lambda f: ft.grad(f, 2),
    "jvp": lambda f: lambda w, h, xs: ft.jvp(f, (w, h, xs), (w + 1, h * 2, xs - 1)),
    "linearize": lambda f: lambda w, h, xs: ft.linearize(f, w, h, xs)[1](w, h + 1, xs),
    "forward_over_reverse": lambda f: lambda w, h, xs: ft.jvp(
        lambda h: ft.grad(f, (0, 2))(w, h, xs), (h,), (h + 1,)),
    "reverse_over_reverse": lambda f: lambda w, h, xs: ft.grad(
        lambda w, xs: (ft.grad(f, 1)(w, h, xs) * h).sum(), (0, 1))(w, xs),
    "reverse_over_forward": lambda f: lambda w, h, xs: ft.grad(
        lambda w: ft.jvp(lambda h: f(w, h, xs), (h,), (h * h,))[1])(w),
    "vmap_of_grad": lambda f: lambda w, h, xs: ft.vmap(
        ft.grad(f, (0, 1)), (None, 0, None))(w, fnp.stack([h, h + 1]), xs),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name, target):
    derive = DERIVATIVES[name]
    reverse = name in ("grad", "reverse_over_reverse")
    arguments = W, H, XS[:4]
    got = on(target, derive(lambda *a: loss(*a, lax, reverse)))(*arguments)
    same(got, derive(lambda *a: loss(*a, plain_lax, reverse))(*map(fnp.array, arguments)))


@pytest.mark.parametrize("target", TARGETS)
def test_third_derivative(target):
    def function(w, L):
        return L.scan(lambda c, x: (fnp.sin(w * c) + x, None), np.float64(0.3),
                      fnp.array(XS[:3, 0]))[0]
    got = on(target, ft.grad(ft.grad(ft.grad(lambda w: function(w, lax)))))(np.float64(0.7))
    plain = ft.grad(ft.grad(ft.grad(lambda w: function(w, plain_lax))))
    same(got, plain(fnp.array(np.float64(0.7))))


@pytest.mark.parametrize("target", TARGETS)
def test_no_steps(target):
    def function(w, h, xs):
        end, ys = lax.scan(lambda c, x: (w @ c + x, fnp.sin(c)), h, xs)
        return (end * w[0]).sum() + ys.sum()
    got = on(target, ft.value_and_grad(function, (0, 1, 2)))(W, H, XS[:0])
    g = np.zeros((3, 3))
    g[0] = H
    slopes = fnp.array(g), fnp.array(W[0]), fnp.zeros((0, 3), float)
    same(got, (fnp.array((H * W[0]).sum()), slopes))
    same(on(target, lambda h: lax.fori_loop(3, 3, lambda i, x: x / 0, h))(H), fnp.array(H))
    same(on(target, lambda xs: lax.map(lambda x: x.sum(), xs))(XS[:0]), fnp.zeros(0, float))


@pytest.mark.parametrize("target", TARGETS)
def test_tangents_spread_through_the_carry(target):
    """Only x is differentiated; it reaches a after one step, b after two, the counter never."""
    def function(x, L):
        def step(c, _):
            k, a, b = c
            return (k + 1, a + fnp.sin(x) * k, b * 0.5 + a), b
        start = fnp.array(0), fnp.zeros(3, float), fnp.ones(3, float)
        (k, a, b), ys = L.scan(step, start, None, 4)
        return (a * b * k).sum() + ys.sum()
    got = on(target, ft.value_and_grad(lambda x: function(x, lax)))(H)
    same(got, ft.value_and_grad(lambda x: function(x, plain_lax))(fnp.array(H)))
    got = on(target, lambda x: ft.jvp(lambda x: function(x, lax), (x,), (x,)))(H)
    same(got, ft.jvp(lambda x: function(x, plain_lax), (fnp.array(H),), (fnp.array(H),)))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 1), (0, 1, 2)])
def test_vmap(axes, target):
    """Which operand is mapped, and where: constants, carry, stacked inputs."""
    values = [np.stack([x, x + 0.5, -x], axis) if axis is not None else x
              for x, axis in zip((W, H, XS), axes)]
    got = on(target, ft.vmap(lambda *a: loss(*a, lax), axes))(*values)
    lanes = [[fnp.array(np.take(x, k, axis) if axis is not None else x)
              for x, axis in zip(values, axes)] for k in range(3)]
    same(got, fnp.stack([loss(*lane, plain_lax) for lane in lanes]))


@pytest.mark.parametrize("target", TARGETS)
def test_carries_that_are_passed_on(target):
    """They do not change, so they are constants; results and gradients are all the same."""
    def function(w, h, L):
        def step(c, x):
            w, h, swapped, other = c
            return (w, fnp.tanh(w @ h + x), other, swapped), None
        return L.scan(step, (w, h, h + 1, h + 2), fnp.array(XS))[0]
    same(on(target, lambda w, h: function(w, h, lax))(W, H),
         function(fnp.array(W), fnp.array(H), plain_lax))

    def total(L):
        return lambda w, h: sum((x * x).sum() for x in function(w, h, L))
    same(on(target, ft.grad(total(lax), (0, 1)))(W, H),
         ft.grad(total(plain_lax), (0, 1))(fnp.array(W), fnp.array(H)))


@pytest.mark.parametrize("target", TARGETS)
def test_index_of_a_counted_loop(target):
    """The index is weak: it takes the dtype of what it meets, as a Python int does."""
    def function(x, xs):
        return lax.fori_loop(1, 4, lambda i, c: c * i + xs[i] * xs[i - 1], x)
    x, xs = np.float32(2), fnp.arange(5, dtype="float32")
    expected = np.float32(2)
    for i in range(1, 4):
        expected = expected * i + np.float32(i * (i - 1))
    same(on(target, function)(x, xs), fnp.array(expected))
    slope = on(target, ft.grad(function, 1))(x, xs)
    same(slope, fnp.array(np.array([6, 6, 6, 2, 0], np.float32)))


@pytest.mark.parametrize("target", TARGETS)
def test_integers_and_half_precision(target):
    xs = np.arange(6, dtype=np.uint8) * 60
    got = on(target, lambda xs: lax.scan(lambda c, x: (c + x, c >> 1), np.uint8(7), xs))(xs)
    plain = plain_lax.scan(lambda c, x: (c + x, c >> 1), fnp.array(np.uint8(7)), fnp.array(xs))
    same(got, plain)
    halves = (XS / 3).astype(np.float16)
    got = on(target, lambda x: lax.scan(lambda c, x: (c + x * c, c), x[0], x))(halves)
    same(got, plain_lax.scan(lambda c, x: (c + x * c, c), fnp.array(halves[0]), fnp.array(halves)),
         2e-3)


@pytest.mark.parametrize("target", TARGETS)
def test_nested_scans_of_an_outer_length(target):
    def function(w, m, L):
        def outer(c, row):
            def inner(d, x):
                return fnp.sin(d * x + c), d
            last, all_ = L.scan(inner, c * w, row)
            return last + all_.sum(), all_
        c, rows = L.scan(outer, w, m)
        return c * rows.sum()
    run = on(target, ft.value_and_grad(lambda w, m: function(w, m, lax), (0, 1)))
    got = run(np.float64(0.6), XS)
    same(got, ft.value_and_grad(lambda w, m: function(w, m, plain_lax), (0, 1))(
        fnp.array(np.float64(0.6)), fnp.array(XS)))


def test_map_in_batches():
    xs = {"a": XS, "b": np.arange(5)}
    for size in (None, 0, 1, 2, 5, 9):
        got = lax.map(lambda v: (v["a"].sum() * v["b"], v["a"]), xs, batch_size=size)
        same(got, (fnp.array(XS.sum(1) * np.arange(5)), fnp.array(XS)))


def test_a_list_and_numbers_are_fine():
    total, ys = lax.scan(lambda c, x: (c + x[0] * x[1], c), 0, (np.arange(3), fnp.arange(3)))
    assert (int(total), ys.tolist()) == (5, [0, 0, 1])
    assert lax.fori_loop(np.int8(0), np.array(3), lambda i, c: [c[0] + i], [0])[0] == 3


def test_disable_jit_runs_python():
    seen = []

    def step(c, x):
        seen.append(float(c))
        return c + x, c
    with ft.disable_jit():
        got = lax.scan(step, fnp.array(1.0), fnp.arange(3.0), reverse=True)
        lax.fori_loop(0, 2, lambda i, c: seen.append(int(i)) or c, 0.0)
    same(got, (fnp.array(4.0), fnp.array([4.0, 3.0, 1.0])))
    assert seen[:3] == [1.0, 3.0, 4.0] and seen[3:5] == [0, 1]


def test_a_long_loop_is_one_loop_in_compiled_code():
    run = ft.jit(lambda x: lax.fori_loop(0, 200_000, lambda i, c: c * 0.5 + i, x))
    expected = 0.0
    for i in range(199_900, 200_000):                        # what is older has faded
        expected = expected * 0.5 + i
    assert float(run(np.float64(0))) == pytest.approx(expected, rel=1e-12)


def test_programs_show_loops():
    program = ft.make_ir(lambda x: lax.scan(lambda c, y: (c * y, c), np.float64(1), x))(XS[0])
    assert "scan[length=3, carries=1" in str(program)
