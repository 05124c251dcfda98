"""Optimizers: their rules, against NumPy in float64 and Optax; dtypes, tracing, state."""
from __future__ import annotations

import importlib
from functools import cache

import numpy as np
import pytest
from optim import rules

import functrans as ft
import functrans.numpy as fnp

RATE = 0.1
STEPS = 7

# name, arguments -> the published rule
CASES = [
    ("sgd", {}, rules.sgd),
    ("sgd", dict(momentum=0.8), rules.heavy_ball(0.8)),
    ("sgd", dict(momentum=0.8, nesterov=True), rules.heavy_ball(0.8, True)),
    ("momentum", dict(decay=0.7), rules.heavy_ball(0.7)),
    ("adagrad", dict(initial_accumulator_value=0.2, eps=1e-6), rules.adagrad(0.2, 1e-6)),
    ("adadelta", dict(rho=0.8, weight_decay=0.1), rules.adadelta(0.8, 1e-6, 0.1)),
    ("rmsprop", dict(decay=0.8, initial_scale=0.5), rules.rmsprop(0.8, 1e-8, 0.5)),
    ("rmsprop", dict(decay=0.8, eps_in_sqrt=False), rules.rmsprop(0.8, 1e-8, inside=False)),
    ("rmsprop", dict(decay=0.8, bias_correction=True),
     rules.rmsprop(0.8, 1e-8, corrected=True)),
    ("rmsprop", dict(decay=0.8, centered=True, initial_scale=1.0),
     rules.rmsprop(0.8, 1e-8, 1.0, centered=True)),
    ("adam", {}, rules.adam()),
    ("adam", dict(b1=0.5, b2=0.8, eps=1e-3, eps_root=1e-2), rules.adam(0.5, 0.8, 1e-3, 1e-2)),
    ("adam", dict(b1=0.0), rules.adam(b1=0.0)),
    ("adamw", dict(weight_decay=0.1), rules.adam(weight_decay=0.1)),
    ("nadam", {}, rules.nadam()),
    ("nadamw", dict(weight_decay=0.1), rules.nadam(weight_decay=0.1)),
    ("adamax", {}, rules.adamax()),
    ("amsgrad", dict(b2=0.5), rules.amsgrad(b2=0.5)),
    ("radam", {}, rules.radam()),
    ("lion", dict(weight_decay=0.1), rules.lion(weight_decay=0.1)),
    ("lamb", dict(weight_decay=0.1), rules.lamb(weight_decay=0.1)),
]
each_case = pytest.mark.parametrize(
    "name, options, rule", CASES,
    ids=["-".join([name, *map(str, options)]) for name, options, _ in CASES])


def example(dtype="float64"):
    """Parameters, and gradients for each step."""
    rng = np.random.default_rng(0)
    shapes = {"bias": (3,), "layer": {"weight": (2, 3)}}
    draw = lambda shape: rng.normal(size=shape).astype(dtype)              # noqa: E731
    params = ft.tree.map(draw, shapes, is_leaf=lambda x: isinstance(x, tuple))
    return params, [ft.tree.map(lambda p: draw(p.shape), params) for _ in range(STEPS)]


def trajectory(optimizer, params, gradients, transform=ft.jit, apply=ft.optim.apply_updates):
    """The parameters after each step."""
    @transform
    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return apply(params, updates), state

    state, found = optimizer.init(params), []
    for gradient in gradients:
        params, state = step(params, state, gradient)
        found.append(params)
    return found


def published(rule, params, gradients):
    """The same by a rule of `rules`, in NumPy."""
    memories, found = [{} for _ in ft.tree.leaves(params)], []
    for t, gradient in enumerate(gradients, 1):
        leaves = [p - RATE * rule(t, p, g, memory) for p, g, memory
                  in zip(ft.tree.leaves(params), ft.tree.leaves(gradient), memories)]
        params = ft.tree.unflatten(ft.tree.structure(params), leaves)
        found.append(params)
    return found


def assert_trees_close(got, expected, **tolerance):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        np.testing.assert_allclose(np.asarray(a, np.float64), np.asarray(b, np.float64),
                                   **tolerance)


@each_case
def test_is_the_published_rule(name, options, rule):
    params, gradients = example()
    optimizer = getattr(ft.optim, name)(RATE, **options)
    assert_trees_close(trajectory(optimizer, params, gradients),
                       published(rule, params, gradients), rtol=1e-12, atol=1e-13)


@cache
def optax():
    return pytest.importorskip("optax")


@each_case
def test_is_optax(name, options, rule):
    if not hasattr(optax(), name):
        pytest.skip("Optax has no optimizer of this name")
    jax = importlib.import_module("jax")
    params, gradients = example()
    with jax.enable_x64(True):
        peer = getattr(optax(), name)(RATE, **options)
        expected = trajectory(peer, params, gradients, jax.jit, optax().apply_updates)
    got = trajectory(getattr(ft.optim, name)(RATE, **options), params, gradients)
    assert_trees_close(got, expected, rtol=1e-9, atol=1e-10)


def test_rmsprop_with_momentum_adds_up_scaled_steps():
    """Momentum comes after the learning rate, as in TensorFlow."""
    params, gradients = example()
    adaptive, heavy = rules.rmsprop(0.8, 1e-8), rules.heavy_ball(0.5)

    def rule(t, p, g, memory):
        inner, outer = memory.setdefault("inner", {}), memory.setdefault("outer", {})
        return heavy(t, p, adaptive(t, p, g, inner), outer)

    optimizer = ft.optim.rmsprop(RATE, decay=0.8, momentum=0.5)
    assert_trees_close(trajectory(optimizer, params, gradients),
                       published(rule, params, gradients), rtol=1e-12)


SOME = ["sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam", "nadam", "adamax", "amsgrad",
        "radam", "lion", "lamb"]


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_parameters_and_state_keep_their_dtypes(name, dtype):
    """A state of other dtypes than the first would be traced again, and grow."""
    optimizer = getattr(ft.optim, name)(ft.optim.constant_schedule(np.float64(0.01)))
    params, gradients = example(dtype)
    state = optimizer.init(params)
    updates, after = optimizer.update(gradients[0], state, params)
    moved = ft.optim.apply_updates(params, updates)
    assert {leaf.dtype.name for leaf in ft.tree.leaves((updates, moved))} == {dtype}
    kinds = [[leaf.type for leaf in ft.tree.leaves(each)] for each in (state, after)]
    assert kinds[0] == kinds[1]
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in ft.tree.leaves(moved))


@pytest.mark.parametrize("name", ["adam", "adagrad", "rmsprop", "adadelta"])
def test_half_precision_follows_float64(name):
    """Squares of small gradients would underflow in float16."""
    params = np.array([1.0, -2.0], "float16")
    gradients = [np.array([1e-3, -2e-3], "float16")] * 3
    got = trajectory(getattr(ft.optim, name)(0.1), params, gradients, transform=lambda f: f)
    exact = trajectory(getattr(ft.optim, name)(0.1), params.astype("float64"),
                       [g.astype("float64") for g in gradients], transform=lambda f: f)
    assert_trees_close(got, exact, rtol=3e-3)


@pytest.mark.parametrize("name", ["adam", "lion", "sgd"])
def test_mu_dtype(name):
    options = {"momentum": 0.9, "accumulator_dtype": "float16"} if name == "sgd" \
        else {"mu_dtype": "float16"}
    optimizer = getattr(ft.optim, name)(0.1, **options)
    params = fnp.ones(3)
    state = optimizer.init(params)
    updates, after = optimizer.update(params, state, params)
    for each in (state, after):
        assert "float16" in {leaf.dtype.name for leaf in ft.tree.leaves(each)}
    assert updates.dtype == "float32"


def test_a_step_is_traced_once():
    optimizer = ft.optim.adamw(ft.optim.cosine_decay_schedule(0.1, 10))

    @ft.jit
    def step(params, state):
        gradients = ft.grad(lambda p: (p["a"] ** 2).sum() + p["b"] ** 2)(params)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state

    params = {"a": fnp.ones(3), "b": 2.0}                       # a Python number among them
    params, state = step(params, optimizer.init(params))
    traces = step.traces
    for _ in range(3):
        params, state = step(params, state)
    assert step.traces <= traces + 1                            # the number became an array
    assert float(params["b"]) < 2.0


def test_training_finds_the_least_squares_solution():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(20, 3)), rng.normal(size=20)
    optimizer = ft.optim.adam(ft.optim.exponential_decay(0.3, 100, 0.5))

    @ft.jit
    def step(x, state):
        gradient = ft.grad(lambda x: ((a @ x - b) ** 2).mean())(x)
        updates, state = optimizer.update(gradient, state, x)
        return ft.optim.apply_updates(x, updates), state

    x = fnp.zeros(3, "float64")
    state = optimizer.init(x)
    for _ in range(1000):
        x, state = step(x, state)
    np.testing.assert_allclose(x, np.linalg.lstsq(a, b)[0], atol=1e-5)


def test_the_learning_rate_can_be_traced_and_differentiated():
    """The derivative of the loss after two steps by the learning rate, against differences."""
    def loss_after(rate):
        optimizer, x = ft.optim.momentum(rate, 0.5), fnp.array([1.0, 2.0], "float64")
        state = optimizer.init(x)
        for _ in range(2):
            updates, state = optimizer.update(ft.grad(lambda x: (x ** 4).sum())(x), state, x)
            x = ft.optim.apply_updates(x, updates)
        return (x ** 4).sum()

    rate, step = np.float64(0.01), 1e-6
    slope = (loss_after(rate + step) - loss_after(rate - step)) / (2 * step)
    np.testing.assert_allclose(ft.jit(ft.grad(loss_after))(fnp.array(rate)), slope, rtol=1e-6)


def test_many_optimizers_at_once():
    """vmap over learning rates: a search in one call."""
    def final(rate):
        optimizer = ft.optim.adam(rate)
        x, state = fnp.array(1.0), optimizer.init(fnp.array(1.0))
        for _ in range(3):
            updates, state = optimizer.update(2 * x, state, x)
            x = ft.optim.apply_updates(x, updates)
        return x

    rates = fnp.array([0.01, 0.1, 0.3])
    np.testing.assert_allclose(ft.vmap(final)(rates), [final(rate) for rate in rates], rtol=1e-6)


def test_complex_parameters():
    """Adam divides by the absolute value: the squares are |g|**2, and real."""
    optimizer = ft.optim.adam(0.5)
    x = np.array([3 + 4j], "complex128")
    updates, state = optimizer.update(x, optimizer.init(x), x)
    np.testing.assert_allclose(updates, -0.5 * x / 5, rtol=1e-7)
    assert state[0].nu.dtype == "float64"
