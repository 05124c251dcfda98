"""ravel_pytree: a pytree as one vector, and back."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import DtypeError, ShapeError

ravel_pytree = ft.flatten_util.ravel_pytree


def test_there_and_back():
    params = {"w": fnp.arange(6.0).reshape(2, 3), "b": [fnp.float32(7), fnp.zeros((0, 2))]}
    vector, unravel = ravel_pytree(params)
    np.testing.assert_array_equal(vector, [7, *range(6)])
    back = unravel(vector)
    assert ft.tree.structure(back) == ft.tree.structure(params)
    assert ft.tree.map(fnp.shape, back) == ft.tree.map(fnp.shape, params)
    np.testing.assert_array_equal(back["w"], params["w"])


def test_vectors_of_another_dtype():
    _, unravel = ravel_pytree([fnp.ones(2), fnp.ones(1)])
    assert unravel(fnp.ones(3, "float64"))[0].dtype == np.float64
    vector, unravel = ravel_pytree([fnp.ones(2, "float16"), fnp.ones(1, "float64")])
    assert vector.dtype == np.float64 and unravel(vector)[0].dtype == np.float16
    with pytest.raises(DtypeError, match="takes a vector of dtype float64"):
        unravel(fnp.ones(3, "float32"))
    with pytest.raises(ShapeError, match="a vector of 3 elements"):
        unravel(fnp.ones(4, "float64"))


def test_nothing_at_all():
    vector, unravel = ravel_pytree({"a": None})
    assert vector.shape == (0,) and unravel(vector) == {"a": None}


def test_under_transformations():
    params = {"w": fnp.ones((2, 2)), "b": fnp.ones(2)}

    def loss(vector):
        return (unravel(vector)["w"] @ unravel(vector)["b"]).sum()
    vector, unravel = ravel_pytree(params)
    np.testing.assert_array_equal(ft.jit(ft.grad(loss))(vector), [2, 2, 1, 1, 1, 1])
    np.testing.assert_array_equal(ft.vmap(lambda v: ravel_pytree(unravel(v))[0])(vector[None]),
                                  vector[None])
