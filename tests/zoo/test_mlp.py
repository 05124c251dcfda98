"""The multilayer perceptron: shapes, values, errors, and learning."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ShapeError
from functrans.zoo import mlp

KEY = ft.random.key(0)


def reference(params, x, activation, output_activation=lambda x: x):
    """The same in NumPy, in float64."""
    for number, layer in enumerate(params, 1):
        weight, bias = (np.asarray(layer[name], np.float64) for name in ("weight", "bias"))
        x = x @ weight + bias
        x = output_activation(x) if number == len(params) else activation(x)
    return x


@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2), (3, 4, 5, 2)])
@pytest.mark.parametrize("lead", [(), (7,), (2, 3)])
def test_values_and_shapes(sizes, lead):
    params = mlp.init(KEY, sizes, bias_init=ft.nn.initializers.normal(1.0))
    x = np.random.default_rng(0).normal(size=(*lead, 3)).astype("float32")
    got = mlp.apply(params, x)
    assert got.shape == (*lead, 2) and got.dtype == "float32"
    expected = reference(params, x, lambda x: np.maximum(x, 0))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ft.jit(mlp.apply)(params, x), expected, rtol=1e-4, atol=1e-5)


def test_activations():
    params = mlp.init(KEY, (3, 4, 2))
    x = np.ones((5, 3), "float32")
    got = mlp.apply(params, x, ft.nn.tanh, ft.nn.sigmoid)
    np.testing.assert_allclose(
        got, reference(params, x, np.tanh, lambda x: 1 / (1 + np.exp(-x))), rtol=1e-5)


def test_parameters():
    """Weights have the variance 2 / inputs; layers differ; a key means one set of them."""
    params = mlp.init(KEY, (400, 300, 300))
    assert [layer["weight"].shape for layer in params] == [(400, 300), (300, 300)]
    assert [layer["bias"].shape for layer in params] == [(300,), (300,)]
    np.testing.assert_allclose(np.std(params[0]["weight"]), np.sqrt(2 / 400), rtol=0.02)
    assert not np.any(params[0]["bias"])
    assert np.any(np.asarray(params[1]["weight"])[:300] != np.asarray(params[0]["weight"])[:300])
    again = mlp.init(KEY, (400, 300, 300))
    np.testing.assert_array_equal(params[0]["weight"], again[0]["weight"])


def test_dtype():
    params = mlp.init(KEY, (3, 2), dtype="float64")
    assert {leaf.dtype.name for leaf in ft.tree.leaves(params)} == {"float64"}
    assert mlp.apply(params, np.ones(3)).dtype == "float64"


def test_each_example_for_itself():
    """Mapped gradients of single examples sum up to that of the batch."""
    params = mlp.init(KEY, (3, 4, 1))
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")

    def loss(params, x):
        return (mlp.apply(params, x, ft.nn.tanh) ** 2).sum()

    single = ft.vmap(ft.grad(loss), in_axes=(None, 0))(params, x)
    whole = ft.grad(loss)(params, x)
    for a, b in zip(ft.tree.leaves(single), ft.tree.leaves(whole)):
        np.testing.assert_allclose(a.sum(0), b, rtol=1e-4, atol=1e-5)


def test_learns_a_function_that_is_not_linear():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    y = np.array([0, 1, 1, 0])
    optimizer = ft.optim.adam(0.05)

    @ft.jit
    def step(params, state):
        gradients = ft.grad(lambda p: ft.nn.softmax_cross_entropy_with_integer_labels(
            mlp.apply(p, x, ft.nn.tanh), y).mean())(params)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state

    params = mlp.init(KEY, (2, 8, 2))
    state = optimizer.init(params)
    for _ in range(100):
        params, state = step(params, state)
    assert fnp.argmax(mlp.apply(params, x, ft.nn.tanh), -1).tolist() == y.tolist()


def test_errors():
    with pytest.raises(ValueError, match=r"at least two; got \(3,\)"):
        mlp.init(KEY, (3,))
    with pytest.raises(ShapeError, match=r"shape \(\.\.\., 3\).*got f32\[5,4\]"):
        mlp.apply(mlp.init(KEY, (3, 2)), np.ones((5, 4), "float32"))
