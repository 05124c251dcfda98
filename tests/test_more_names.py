"""Small namespaces for JAX users' fingers: `ops`, `tree_util`, `custom_gradient`, `jacobian`."""
from __future__ import annotations

import doctest
import operator

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import ops, tree_util
from functrans.api import custom_gradient
from functrans.testing import check_grads

DATA = np.random.default_rng(0).normal(size=(6, 2))
IDS = np.array([2, 0, 2, 5, -1, 0])


@pytest.mark.parametrize("module", [ops, tree_util, custom_gradient], ids=lambda m: m.__name__)
def test_examples(module):
    assert not doctest.testmod(module).failed
    assert set(getattr(module, "__all__", ())) <= set(dir(module))


@pytest.mark.parametrize("name, combine, start", [
    ("sum", np.add, 0.0), ("prod", np.multiply, 1.0), ("max", np.maximum, -np.inf),
    ("min", np.minimum, np.inf)])
def test_segments(name, combine, start):
    function = getattr(ops, f"segment_{name}")
    wanted = np.full((4, 2), start)
    for row, k in zip(DATA, IDS):
        if 0 <= k < 4:
            wanted[k] = combine(wanted[k], row)
    for compiled in (lambda f: f, ft.jit):
        found = compiled(lambda data: function(data, IDS, 4))(DATA)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    check_grads(lambda data: function(data, IDS, 4)[fnp.array([0, 2])], (DATA,), order=1)
    assert function(DATA, IDS).shape == (6, 2)
    jax = pytest.importorskip("jax")
    theirs = getattr(jax.ops, f"segment_{name}")(DATA.astype(np.float32), IDS, 4)
    np.testing.assert_allclose(function(DATA.astype(np.float32), IDS, 4), theirs, rtol=1e-6)


def test_segments_of_several_axes_and_what_does_not_fit():
    ids = np.array([[0, 1, 0], [1, 1, 0]])
    found = ops.segment_sum(DATA.reshape(2, 3, 2), ids, 2)
    np.testing.assert_allclose(found, [DATA[[0, 2, 5]].sum(0), DATA[[1, 3, 4]].sum(0)])
    assert ops.segment_sum(DATA[:0], IDS[:0]).shape == (0, 2)
    for data, ids, message in ((DATA, IDS[:3], "shape of the leading axes"),
                               (DATA, DATA[:, 0], "must be integers")):
        with pytest.raises(TypeError, match=message):
            ops.segment_sum(data, ids)


def test_custom_gradient():
    @ft.custom_gradient
    def product(x, y):
        return x * y, lambda ct: (ct * y * 10, ct * x)
    assert ft.grad(product, (0, 1))(2.0, 3.0) == (30.0, 2.0)
    assert product(2.0, 3.0) == 6
    xs = fnp.arange(3.0)
    np.testing.assert_allclose(ft.jit(ft.vmap(ft.grad(product)))(xs, xs), 10 * np.arange(3.0))
    assert ft.grad(ft.grad(product, 1))(2.0, 3.0) == 1


def test_trees():
    tree = {"a": 1, "b": (2, 3)}
    assert tree_util.tree_map(lambda x: 2 * x, tree) == {"a": 2, "b": (4, 6)}
    leaves, structure = tree_util.tree_flatten(tree)
    assert tree_util.tree_unflatten(structure, leaves) == tree
    assert ft.tree.reduce_associative(operator.add, ["a", ("b", "c")]) == "abc"
    assert ft.tree.reduce_associative(operator.add, (), identity=0) == 0
    with pytest.raises(TypeError, match="needs an identity"):
        ft.tree.reduce_associative(operator.add, ())
    assert ft.jacobian is ft.jacrev
