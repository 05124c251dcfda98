"""Loops that Python unrolled: found, compiled as loops, and equal to what they were."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.ir.check import check as check_program
from functrans.ir.primitive import Scan
from functrans.nn import sigmoid
from lowering.pipeline import optimize


def arrays(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [fnp.array(rng.normal(size=shape)) for shape in shapes]


def loops(function, *args) -> list[int]:
    """The lengths of the loops in the optimized Program, each pass checked."""
    program = optimize(ft.jit(function).trace(*args),
                       watch=lambda name, program: check_program(program))
    return [equation.kernel.length for equation in program.equations
            if isinstance(equation.kernel, Scan)]


def assert_same(function, *args, tolerance=1e-11):
    expected = ft.jit(function, device="reference")(*args)
    got = ft.jit(function, device="cpu")(*args)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


def rnn(count, keep=False):
    def function(w, b, x):
        states = []
        for _ in range(count):
            x = fnp.tanh(w @ x + b * x.sum())
            states.append(x)
        return fnp.stack(states) if keep else x
    return function


def lstm(steps):
    def function(p, xs):
        h = c = fnp.zeros((xs.shape[1], p["h"].shape[0]), dtype=xs.dtype)
        outputs = []
        for t in range(steps):
            i, f, g, o = fnp.split(xs[t] @ p["x"] + h @ p["h"] + p["b"], 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * fnp.tanh(g)
            h = sigmoid(o) * fnp.tanh(c)
            outputs.append(h)
        return outputs
    return function


def lstm_arguments(steps):
    x, h, b, xs = arrays((3, 16), (4, 16), (16,), (steps, 2, 3))
    return dict(x=x, h=h, b=b), xs


def test_a_recurrence_becomes_one_loop():
    args = arrays((4, 4), (4,), (4,))
    assert_same(rnn(30), *args)
    assert loops(rnn(30), *args) == [30]


def test_results_that_are_stacked_are_rows_of_the_loop():
    args = arrays((4, 4), (4,), (4,))
    assert_same(rnn(30, keep=True), *args)
    program = ft.jit(rnn(30, keep=True)).lower(*args).compile().executable.program
    assert len(program.equations) < 8


@pytest.mark.parametrize("argnums", [0, 2, (0, 1, 2)])
def test_the_gradient_is_two_loops(argnums):
    def loss(*args):
        return (rnn(30)(*args) ** 2).sum()
    args = arrays((4, 4), (4,), (4,))
    assert_same(ft.value_and_grad(loss, argnums), *args)
    assert len(loops(ft.grad(loss, argnums), *args)) == 2


def test_an_lstm_and_its_gradient():
    def loss(p, xs):
        return sum((h ** 2).sum() for h in lstm(12)(p, xs))
    args = lstm_arguments(12)
    assert_same(lstm(12), *args)
    assert_same(ft.value_and_grad(loss, (0, 1)), *args)
    assert len(loops(ft.value_and_grad(loss, (0, 1)), *args)) == 2


def test_the_number_of_steps_does_not_matter():
    """Kernels, equations and steps of the plan are the same for 12 steps as for 40."""
    def measures(steps):
        def loss(p, xs):
            return (lstm(steps)(p, xs)[-1] ** 2).sum()
        executable = ft.jit(ft.grad(loss)).lower(*lstm_arguments(steps)).compile().executable
        texts = {step.kernel.text for step in executable.plan.launches()}
        return len(executable.program.equations), len(executable.plan.steps), texts
    assert measures(12) == measures(40)


def test_the_loop_of_the_gradient_reads_what_the_forward_loop_kept():
    """The last copies are cut off where the two loops do not fit each other."""
    def loss(w, b, x):
        for _ in range(30):
            x = fnp.tanh(x @ w + b)
        return (x ** 2).sum()
    args = arrays((4, 4), (4,), (3, 4))
    assert_same(ft.grad(loss, (0, 1, 2)), *args)
    lengths = loops(ft.grad(loss, (0, 1)), *args)
    assert len(lengths) == 2 and min(lengths) >= 28


def test_every_other_slice():
    def function(w, xs):
        h = w[0]
        for t in range(0, 30, 2):
            h = fnp.tanh(w @ h) + xs[t] * xs[t + 1].max()
        return h
    args = arrays((4, 4), (30, 4))
    assert_same(function, *args)
    assert_same(ft.grad(lambda *a: function(*a).sum(), (0, 1)), *args)
    assert loops(function, *args) == [15]


def test_input_that_is_read_backwards():
    def function(w, xs):
        h = w[:3] * 0.5
        for t in range(len(xs) - 1, -1, -1):
            h = fnp.tanh(h @ w) + xs[t].sum(axis=0)
        return h
    args = arrays((4, 4), (20, 3, 4))
    assert_same(function, *args)
    assert loops(function, *args) == [20]


def test_a_column_in_each_step():
    def function(w, xs):
        h = fnp.zeros(3, dtype=xs.dtype)
        for t in range(16):
            h = fnp.tanh(h @ w + xs[:, t])
        return h
    args = arrays((3, 3), (3, 16))
    assert_same(function, *args)
    assert_same(ft.grad(lambda *a: function(*a).sum(), (0, 1)), *args)
    assert len(loops(function, *args)) == 1


def test_values_of_single_steps_can_be_read():
    def function(w, b, x):
        states = rnn(25, keep=True)(w, b, x)
        return states[3] * states[24] + states[11]
    args = arrays((4, 4), (4,), (4,))
    assert_same(function, *args)
    assert_same(ft.grad(lambda *a: function(*a).sum()), *args)


def test_layers_with_small_weights_of_their_own():
    def function(weights, x):
        for w in weights:
            x = fnp.tanh(w @ x + x.max())
        return x
    weights, x = arrays(*[(4, 4)] * 20), arrays((4,))[0]
    assert_same(function, weights, x)
    assert_same(ft.grad(lambda *a: function(*a).sum()), weights, x)


def test_a_recurrence_over_two_steps_stays_right():
    def function(w, a, b):
        for _ in range(30):
            a, b = b, fnp.tanh(w @ a) + b * 0.5
        return b
    args = arrays((4, 4), (4,), (4,))
    assert_same(function, *args)
    assert_same(ft.grad(lambda *a: function(*a).sum(), (0, 1, 2)), *args)


def test_a_step_that_differs_in_the_middle():
    def function(w, x):
        for k in range(40):
            x = fnp.tanh(w @ x) + (x.sum() if k == 17 else x.max())
        return x
    args = arrays((4, 4), (4,))
    assert_same(function, *args)
    assert len(loops(function, *args)) == 2


def test_elementwise_work_on_large_arrays_is_fused_instead():
    def function(x):
        for _ in range(20):
            x = fnp.tanh(x * 1.5 + 0.25)
        return x
    x, = arrays((1000,))
    assert_same(function, x)
    assert loops(function, x) == []


def test_a_long_scalar_loop_is_one_kernel():
    def function(x):
        for _ in range(200):
            x = fnp.sin(x) * 1.1 + 0.01
        return x
    x, = arrays(())
    assert_same(function, x)
    assert_same(ft.grad(function), x)
    executable = ft.jit(function).lower(x).compile().executable
    assert len(list(executable.plan.launches())) == 1


# ---- random bodies ----

STEPS = (
    lambda h, x, w: fnp.tanh(h @ w),
    lambda h, x, w: h * 0.5 + x,
    lambda h, x, w: h + (x @ w) * 0.1,
    lambda h, x, w: fnp.sin(h) * x.sum(),
    lambda h, x, w: h - h.mean(axis=0),
    lambda h, x, w: fnp.concatenate([h[:1] * 0.5, x[1:] + h[1:]]),
    lambda h, x, w: fnp.where(h > x, h, x * 0.5),
    lambda h, x, w: h[::-1] * 0.7 + w[:2, :3] * 0.1,
)


@settings(max_examples=max(settings.default.max_examples // 2, 1))
@given(st.lists(st.sampled_from(STEPS), min_size=2, max_size=5), st.integers(6, 14),
       st.booleans(), st.sampled_from(["value", "rows", "grad", "jvp", "vmap"]),
       st.integers(0, 99))
def test_random_bodies(steps, count, backwards, mode, seed):
    def function(w, xs):
        h, kept = xs[0], []
        for t in (range(count)[::-1] if backwards else range(count)):
            for step in steps:
                h = step(h, xs[t], w)
            kept.append(h)
        return fnp.stack(kept) if mode == "rows" else h

    w, xs = arrays((3, 3), (count, 2, 3), seed=seed)
    transformed = {
        "value": function, "rows": function,
        "grad": ft.grad(lambda *a: (function(*a) ** 2).sum(), (0, 1)),
        "jvp": lambda w, xs: ft.jvp(function, (w, xs), (w * 0.5, xs * 0.1)),
        "vmap": lambda w, xs: ft.vmap(function, (0, None))(fnp.stack([w, w * 0.5]), xs)}[mode]
    assert_same(transformed, w, xs, tolerance=1e-9)
