"""Mixed precision: masters keep what narrow parameters lose; the scale finds its size."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp


def test_masters_follow_the_optimizer_in_float32():
    """Float16 parameters are, at every step, the rounded parameters of a float32 run."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=5).astype("float16")
    gradients = rng.normal(size=(20, 5)).astype("float16")
    narrow, wide = ft.optim.with_master_weights(ft.optim.adam(1e-4)), ft.optim.adam(1e-4)
    x, y = start, start.astype("float32")
    state, other = narrow.init(x), wide.init(y)
    update = ft.jit(narrow.update)
    for gradient in gradients:
        moves, state = update(gradient, state, x)
        x = ft.optim.apply_updates(x, moves)
        moves, other = wide.update(gradient.astype("float32"), other, y)
        y = ft.optim.apply_updates(y, moves)
        assert x.dtype == "float16"
        np.testing.assert_array_equal(x, np.asarray(y).astype("float16"))


def test_only_narrow_floats_are_cast():
    tree = {"w": np.ones(2, "float16"), "n": np.arange(2), "c": np.ones(1, "complex64")}
    cast = ft.optim.cast_floats(tree, "float32")
    assert {name: leaf.dtype.name for name, leaf in cast.items()} \
        == {"w": "float32", "n": "int64", "c": "complex64"}


def test_the_scale_falls_at_overflow_and_grows_after_good_steps():
    optimizer = ft.optim.dynamic_loss_scaling(
        ft.optim.momentum(1.0, 0.5), initial_scale=8.0, growth_interval=2, max_scale=16.0,
        min_scale=2.0)
    update, state = ft.jit(optimizer.update), optimizer.init(fnp.array(0.0))
    steps, scales = [], []
    for gradient in (8.0, np.inf, np.nan, np.inf, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0, 16.0, 16.0):
        step, state = update(fnp.array(gradient), state)
        steps.append(float(step))
        scales.append(float(ft.optim.loss_scale(state)))
    assert scales == [8, 4, 2, 2, 2, 4, 4, 8, 8, 16, 16, 16]
    assert steps[:6] == [-1.0, 0.0, 0.0, 0.0, -1.5, -1.75]      # nothing is lost but the step
    assert int(state.skipped_steps) == 3


def half_network(params, x):
    """A small function, all of it in float16, whose gradient underflows there."""
    return (fnp.tanh(x @ params["w"]) * fnp.array(2.0 ** -15, "float16") / 1024).sum()


def test_scaled_losses_have_gradients_where_plain_ones_underflow():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype("float16")
    params = {"w": rng.normal(size=(3, 2)).astype("float16")}
    wide = ft.tree.map(lambda p: p.astype("float64"), params)
    exact = ft.grad(half_network)(wide, x.astype("float64"))["w"]
    optimizer = ft.optim.dynamic_loss_scaling(ft.optim.sgd(1.0), initial_scale=2.0 ** 15)
    state = optimizer.init(params)
    scaled = ft.grad(lambda p: ft.optim.loss_scale(state) * half_network(p, x))(params)
    updates, _ = optimizer.update(scaled, state, params)
    np.testing.assert_allclose(-np.asarray(updates["w"]), exact, rtol=0.3, atol=1e-9)
    assert np.count_nonzero(np.asarray(updates["w"])) == 6
    np.testing.assert_array_equal(ft.grad(half_network)(params, x)["w"], 0)


def test_a_jitted_half_precision_step_trains():
    """Scaling, masters and Adam together: the loss of a float16 model falls, in one trace."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)).astype("float16")
    y = (x @ np.array([1.0, -2.0, 0.5, 0.0])).astype("float16")
    optimizer = ft.optim.dynamic_loss_scaling(ft.optim.with_master_weights(ft.optim.adam(0.05)),
                                              growth_interval=5)

    def loss(w, scale):
        error = (x @ w - y).astype("float32")
        return scale * (error ** 2).mean()

    @ft.jit
    def step(w, state):
        scale = ft.optim.loss_scale(state)
        value, gradient = ft.value_and_grad(loss)(w, scale)
        updates, state = optimizer.update(gradient, state, w)
        return ft.optim.apply_updates(w, updates), state, value / scale

    w = fnp.zeros(4, "float16")
    state = optimizer.init(w)
    for _ in range(100):
        w, state, value = step(w, state)
    assert w.dtype == "float16" and step.traces == 1
    assert float(value) < 0.02


def test_errors():
    with pytest.raises(ValueError, match="no state of dynamic_loss_scaling"):
        ft.optim.loss_scale(ft.optim.sgd(0.1).init(1.0))
    with pytest.raises(ValueError, match="got 0.5 and 0.5"):
        ft.optim.dynamic_loss_scaling(ft.optim.sgd(0.1), growth_factor=0.5)
