"""Transformations that optimizers are made of: clipping, masks, gathering, averages, injection."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import StructureError


def once(transformation, updates, params=None):
    """The first update."""
    start = updates if params is None else params
    return transformation.update(updates, transformation.init(start), params)[0]


def values(tree):
    return ft.tree.map(lambda leaf: np.asarray(leaf).tolist(), tree)


# ---- clipping ----

def test_clip():
    assert values(once(ft.optim.clip(1.5), {"a": fnp.array([-3.0, 1.0]), "b": 2.0})) \
        == {"a": [-1.5, 1.0], "b": 1.5}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_global_norm(dtype):
    tree = {"a": np.array([3.0, 4.0], dtype), "b": (np.array([[12.0]], dtype), None)}
    norm = ft.optim.global_norm(tree)
    assert norm.dtype == max(np.dtype(dtype), np.dtype("float32"))
    np.testing.assert_allclose(norm, 13.0, rtol=1e-6)


def test_global_norm_of_halves_does_not_overflow():
    np.testing.assert_allclose(ft.optim.global_norm(np.full(4, 30000, "float16")), 60000)


def test_global_norm_of_nothing_and_of_zeros():
    assert float(ft.optim.global_norm(())) == 0
    assert ft.grad(ft.optim.global_norm)(fnp.zeros(2)).tolist() == [0.0, 0.0]


def test_global_norm_of_complex_numbers():
    np.testing.assert_allclose(ft.optim.global_norm(fnp.array([3 + 4j])), 5.0)


@pytest.mark.parametrize("limit", [1.0, 13.0, 20.0])
def test_clip_by_global_norm(limit):
    tree = {"a": np.array([3.0, 4.0]), "b": np.array([[12.0]])}
    got = once(ft.optim.clip_by_global_norm(limit), tree)
    factor = min(1.0, limit / 13.0)
    np.testing.assert_allclose(got["a"], tree["a"] * factor, rtol=1e-15)
    np.testing.assert_allclose(got["b"], tree["b"] * factor, rtol=1e-15)


def test_small_gradients_and_zeros_are_not_changed():
    tree = fnp.array([0.1, 0.2, 0.3])
    assert once(ft.optim.clip_by_global_norm(1.0), tree).tolist() == tree.tolist()
    assert once(ft.optim.clip_by_global_norm(1.0), fnp.zeros(2)).tolist() == [0, 0]


def test_clip_by_block_rms():
    tree = {"a": np.array([3.0, 3.0]), "b": np.array([0.5])}
    assert values(once(ft.optim.clip_by_block_rms(1.0), tree)) == {"a": [1.0, 1.0], "b": [0.5]}


@pytest.mark.parametrize("name, argument", [("clip", 0.7), ("clip_by_global_norm", 0.7),
                                            ("clip_by_block_rms", 0.7), ("trace", 0.7),
                                            ("ema", 0.7)])
def test_is_optax(name, argument):
    optax = pytest.importorskip("optax")
    rng = np.random.default_rng(0)
    tree = {"a": rng.normal(size=(2, 3)).astype("float32"), "b": np.array(2, "float32")}
    ours, theirs = getattr(ft.optim, name)(argument), getattr(optax, name)(argument)
    state, peer = ours.init(tree), theirs.init(tree)
    for _ in range(3):
        got, state = ours.update(tree, state)
        expected, peer = theirs.update(tree, peer)
        for key in tree:
            np.testing.assert_allclose(got[key], expected[key], rtol=1e-5)


# ---- weight decay and masks ----

PARAMS = {"weight": np.full((2, 2), 4.0), "bias": np.full(2, 4.0)}
ONES = {"weight": np.ones((2, 2)), "bias": np.ones(2)}


@pytest.mark.parametrize("mask", [
    {"weight": True, "bias": False},
    lambda params: ft.tree.map(lambda p: np.ndim(p) > 1, params)])
def test_only_masked_weights_decay(mask):
    got = once(ft.optim.add_decayed_weights(0.5, mask), ONES, PARAMS)
    assert values(got) == {"weight": [[3.0, 3.0]] * 2, "bias": [1.0, 1.0]}


def test_weight_decay_can_be_a_schedule():
    decay = ft.optim.add_decayed_weights(ft.optim.piecewise_constant_schedule(0.5, {1: 0.0}))
    state = decay.init(4.0)
    first, state = decay.update(1.0, state, 4.0)
    second, state = decay.update(1.0, state, 4.0)
    assert (float(first), float(second)) == (3.0, 1.0)


def test_missing_parameters_are_named():
    with pytest.raises(ValueError, match="add_decayed_weights needs the parameters"):
        once(ft.optim.add_decayed_weights(0.5), ONES)
    with pytest.raises(ValueError, match=r"call update\(updates, state, params\)"):
        once(ft.optim.with_master_weights(ft.optim.sgd(0.1)), ONES)


def test_a_mask_may_be_a_prefix_and_hides_the_rest_of_the_state():
    params = {"body": {"w": fnp.ones(2), "b": fnp.ones(1)}, "head": fnp.ones(3)}
    optimizer = ft.optim.masked(ft.optim.adam(0.1), {"body": False, "head": True})
    state = optimizer.init(params)
    assert {leaf.shape for leaf in ft.tree.leaves(state)} == {(), (3,)}
    updates, state = ft.jit(optimizer.update)(params, state, params)
    assert values(updates["body"]) == {"w": [1, 1], "b": [1]}
    np.testing.assert_allclose(updates["head"], -0.1, rtol=1e-6)


def test_a_mask_of_another_structure():
    with pytest.raises(StructureError):
        once(ft.optim.masked(ft.optim.sgd(0.1), {"weight": True, "bais": False}), ONES)


def test_multi_transform():
    optimizer = ft.optim.multi_transform(
        {"fast": ft.optim.sgd(1.0), "slow": ft.optim.momentum(0.1), "none": ft.optim.set_to_zero()},
        lambda params: {"a": "fast", "b": ("slow", "none")})
    tree = {"a": 1.0, "b": (2.0, {"c": 3.0})}
    update, state = ft.jit(optimizer.update), optimizer.init(tree)
    got, state = update(tree, state, tree)
    got, state = update(tree, state, tree)
    assert ft.tree.structure(got) == ft.tree.structure(tree)
    np.testing.assert_allclose(ft.tree.leaves(got), [-1.0, -0.38, 0.0], rtol=1e-6)


def test_multi_transform_names_labels_without_a_transform():
    optimizer = ft.optim.multi_transform({"a": ft.optim.sgd(0.1)}, {"x": "a", "y": ["b"]})
    with pytest.raises(ValueError, match=r"param_labels\['y'\]\[0\] is 'b'.*for 'a'"):
        optimizer.init({"x": 1.0, "y": [1.0]})


def test_chain_refuses_the_state_of_another_chain():
    state = ft.optim.chain(ft.optim.identity()).init(1.0)
    both = ft.optim.chain(ft.optim.scale(1.0), ft.optim.scale(2.0))
    with pytest.raises(ValueError, match="chain of 2 transformations got a state of 1"):
        both.update(1.0, state)


# ---- gradients gathered ----

@pytest.mark.parametrize("mean", [True, False])
def test_gathered_gradients_are_one_large_batch(mean):
    """k small batches with gathering move as one batch of all does."""
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 3))
    small = ft.optim.MultiSteps(ft.optim.adam(0.1), 3, use_grad_mean=mean)
    large = ft.optim.adam(0.1)
    update, x, state = ft.jit(small.update), np.zeros(3), small.init(np.zeros(3))
    y, other = np.zeros(3), large.init(np.zeros(3))
    for number, gradient in enumerate(gradients):
        step, state = update(gradient, state, x)
        assert bool(small.has_updated(state)) == (number % 3 == 2) == bool(np.any(step))
        x = ft.optim.apply_updates(x, step)
    for batch in gradients.reshape(2, 3, 3):
        step, other = large.update(batch.mean(0) if mean else batch.sum(0), other, y)
        y = ft.optim.apply_updates(y, step)
    np.testing.assert_allclose(x, y, rtol=1e-12)
    assert (int(state.gradient_step), int(state.mini_step)) == (2, 0)


def test_gathering_by_a_schedule():
    """First every gradient, then every second."""
    optimizer = ft.optim.MultiSteps(ft.optim.sgd(1.0), lambda step: fnp.where(step < 2, 1, 2))
    update, state = ft.jit(optimizer.gradient_transformation().update), optimizer.init(1.0)
    steps = []
    for gradient in (1.0, 2.0, 3.0, 5.0):
        step, state = update(fnp.array(gradient), state)
        steps.append(float(step))
    assert steps == [-1.0, -2.0, 0.0, -4.0]


def test_gathering_needs_a_step():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        ft.optim.MultiSteps(ft.optim.sgd(1.0), 0)


# ---- steps left out ----

def test_apply_if_finite():
    optimizer = ft.optim.apply_if_finite(ft.optim.momentum(1.0, 0.5), max_consecutive_errors=2)
    update, state = ft.jit(optimizer.update), optimizer.init(0.0)
    steps = []
    for gradient in (1.0, np.nan, np.inf, 1.0, np.nan, np.nan, np.nan):
        step, state = update(fnp.array(gradient), state)
        steps.append(float(step))
    np.testing.assert_array_equal(steps, [-1, 0, 0, -1.5, 0, 0, np.nan])
    assert (int(state.notfinite_count), int(state.total_notfinite)) == (3, 5)
    assert not bool(state.last_finite)


# ---- averages ----

def test_params_ema():
    optimizer = ft.optim.chain(ft.optim.sgd(0.5), ft.optim.params_ema(0.9))
    x, state, mean = np.array([1.0, 2.0]), None, np.array([1.0, 2.0])
    state = optimizer.init(x)
    for _ in range(4):
        updates, state = optimizer.update(2 * x, state, x)
        x = np.asarray(ft.optim.apply_updates(x, updates)) + 0.0
        mean = 0.9 * mean + 0.1 * x
    np.testing.assert_allclose(ft.optim.averaged_params(state), mean, rtol=1e-15)


def test_averages_of_halves_are_wide():
    params = fnp.ones(2, "float16")
    state = ft.optim.params_ema(0.999).init(params)
    assert ft.optim.averaged_params(state).dtype == "float32"
    assert ft.optim.averaged_params(state, like=params).dtype == "float16"


def test_averages_need_a_mean_in_the_state():
    with pytest.raises(ValueError, match="no state of params_ema.*optim.params_ema"):
        ft.optim.averaged_params(ft.optim.adam(0.1).init(1.0))


def test_incremental_and_periodic_updates():
    new, old = {"a": fnp.array([4.0])}, {"a": fnp.array([0.0], "float16")}
    moved = ft.optim.incremental_update(new, old, 0.25)
    assert values(moved) == {"a": [1.0]} and moved["a"].dtype == "float16"
    assert [float(ft.optim.periodic_update(4.0, 0.0, step, 2)) for step in range(3)] == [4, 0, 4]


# ---- hyperparameters in the state ----

def test_injected_hyperparameters_change_without_a_trace():
    optimizer = ft.optim.inject_hyperparams(ft.optim.adamw)(
        ft.optim.linear_schedule(1.0, 0.0, 4), b1=0.0, weight_decay=0.5)
    update, state = ft.jit(optimizer.update), optimizer.init(fnp.array(1.0))
    assert set(state.hyperparams) == {"learning_rate", "b1", "b2", "eps", "eps_root",
                                      "weight_decay"}
    step, state = update(fnp.array(3.0), state, fnp.array(1.0))
    np.testing.assert_allclose(step, -1.5, rtol=1e-5)
    state.hyperparams["weight_decay"] = fnp.array(0.0)
    step, state = update(fnp.array(3.0), state, fnp.array(1.0))
    np.testing.assert_allclose([step, state.hyperparams["learning_rate"]], [-0.75, 0.75],
                               rtol=1e-5)
    assert update.traces == 1


@pytest.mark.parametrize("name", ["sgd", "adam", "radam", "rmsprop", "adagrad", "lion", "lamb"])
def test_injection_changes_no_step(name):
    rng = np.random.default_rng(0)
    x, gradient = rng.normal(size=4), rng.normal(size=4)
    plain = getattr(ft.optim, name)(0.1)
    injected = ft.optim.inject_hyperparams(getattr(ft.optim, name))(0.1)
    expected, _ = plain.update(gradient, plain.init(x), x)
    got, state = ft.jit(injected.update)(gradient, injected.init(x), x)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert state.hyperparams["learning_rate"].dtype == "float64"


def test_injection_keeps_static_arguments():
    def factory(rate, mask, flag=True):
        assert flag is True and callable(mask)
        return ft.optim.masked(ft.optim.sgd(rate), mask)

    make = ft.optim.inject_hyperparams(factory, static_args="mask")
    optimizer = make(0.5, lambda params: True)
    assert set(optimizer.init(1.0).hyperparams) == {"rate"}
    assert float(once(optimizer, 2.0)) == -1.0
    with pytest.raises(ValueError, match="names msk, which factory does not take"):
        ft.optim.inject_hyperparams(factory, static_args="msk")


# ---- trees ----

def test_updates_of_another_structure_are_refused():
    with pytest.raises(StructureError):
        ft.optim.apply_updates({"a": 1.0, "b": 1.0}, {"a": 1.0})


def test_states_are_trees_of_arrays():
    optimizer = ft.optim.chain(
        ft.optim.clip_by_global_norm(1.0), ft.optim.masked(ft.optim.adam(0.1), {"a": True}),
        ft.optim.params_ema(0.9))
    state = ft.jit(optimizer.init)({"a": fnp.ones(2)})
    assert all(isinstance(leaf, ft.Array) for leaf in ft.tree.leaves(state))
    doubled = ft.tree.map(lambda leaf: leaf * 2, state)
    assert ft.tree.structure(doubled) == ft.tree.structure(state)
