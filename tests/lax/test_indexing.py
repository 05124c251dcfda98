"""`gather` and `scatter` by dimension numbers: by JAX, on drawn dimensions too; derivatives."""
from __future__ import annotations

import numpy as np
import pytest
from lax_oracle import follows_all, normal, same

import functrans as ft
from functrans import lax

X = normal(4, 5, 6)
# (dimension numbers, indices, slice sizes)
GATHERS = {
    "rows": (((1, 2), (0,), (0,)), [[2], [0], [2]], (1, 5, 6)),
    "points": (((), (0, 1, 2), (0, 1, 2)), [[[2, 0, 1], [1, 4, 5]]], (1, 1, 1)),
    "windows": (((0, 2), (1,), (2, 0)), [[1, 2], [3, 0], [2, 1]], (2, 1, 3)),
    "whole axes around": (((0, 2), (1,), (1,)), [[1], [3]], (4, 1, 6)),
    "no index": (((0, 1, 2), (), ()), np.zeros((3, 0), int), (2, 5, 6)),
    "batches": (((1,), (1,), (1,), (0,), (0,)), [[1], [0], [2], [4]], (1, 1, 6)),
}


def numbers(module, name):
    given = GATHERS[name][0]
    return module.GatherDimensionNumbers(*given)


def scattering(module, name):
    offsets, own, index_map, *batching = GATHERS[name][0]
    return module.ScatterDimensionNumbers(offsets, own, index_map, *batching)


@pytest.mark.parametrize("mode", [None, "clip", "fill", "promise_in_bounds"])
@pytest.mark.parametrize("name", GATHERS)
def test_gather(jax, name, mode):
    _, indices, sizes = GATHERS[name]
    outside = 0 if mode == "promise_in_bounds" else 9 * (np.arange(len(indices)) % 3 - 1)
    indices = np.asarray(indices) + np.reshape(outside, (-1,) + (1,) * (np.ndim(indices) - 1)
                                               if np.ndim(outside) else ())
    found = lax.gather(X, indices, numbers(lax, name), sizes, mode=mode)
    same(found, jax.lax.gather(X, indices, numbers(jax.lax, name), sizes, mode=mode))


@pytest.mark.parametrize("kind", ["scatter_add", "scatter_sub", "scatter_mul", "scatter_min",
                                  "scatter_max"])
@pytest.mark.parametrize("name", GATHERS)
def test_scatter(jax, name, kind):
    _, indices, sizes = GATHERS[name]
    indices = np.asarray(indices) + 3
    updates = normal(*lax.gather(X, indices, numbers(lax, name), sizes).shape, seed=4)
    for mode in (None, "clip"):
        found = getattr(lax, kind)(X, indices, updates, scattering(lax, name), mode=mode)
        wanted = getattr(jax.lax, kind)(X, indices, updates, scattering(jax.lax, name), mode=mode)
        same(found, wanted, 1e-11)


@pytest.mark.parametrize("name", ["points", "whole axes around", "batches"])
def test_windows_that_are_replaced(jax, name):
    _, indices, sizes = GATHERS[name]                       # they do not overlap
    indices = np.asarray(indices)
    updates = normal(*lax.gather(X, indices, numbers(lax, name), sizes).shape, seed=4)
    same(lax.scatter(X, indices, updates, scattering(lax, name), unique_indices=True),
         jax.lax.scatter(X, indices, updates, scattering(jax.lax, name)))


@pytest.mark.parametrize("name", ["rows", "windows", "batches"])
def test_transformations(name):
    _, indices, sizes = GATHERS[name]
    indices = np.asarray(indices)
    follows_all(lambda x: lax.gather(x, indices, numbers(lax, name), sizes, mode="clip"), X)
    shape = lax.gather(X, indices, numbers(lax, name), sizes).shape
    follows_all(lambda x, u: lax.scatter_add(x, indices, u, scattering(lax, name)), X,
                normal(*shape))
    lanes = np.stack([indices, indices[::-1]])
    same(ft.vmap(lambda k: lax.gather(X, k, numbers(lax, name), sizes))(lanes),
         np.stack([lax.gather(X, k, numbers(lax, name), sizes) for k in lanes]))


def test_what_is_read_outside():
    rows = numbers(lax, "rows")
    for dtype, value in ((np.float64, np.nan), (np.int16, -2 ** 15), (np.uint8, 255),
                         (bool, True)):
        found = lax.gather(np.zeros((4, 5, 6), dtype), np.array([[7]]), rows, (1, 5, 6),
                           mode="fill")
        np.testing.assert_array_equal(found, np.full((1, 5, 6), value, dtype))
    assert (lax.gather(X, np.array([[7]]), rows, (1, 5, 6), mode="fill",
                       fill_value=2.0) == 2).all()


@pytest.mark.parametrize("indices, sizes, options, message", [
    ([[0.5]], (1, 5, 6), {}, "takes integers"),
    ([[1]], (2, 5, 6), {}, "must be 1 there"),
    ([[1]], (1, 5, 7), {}, "do not fit into"),
    ([[1, 2]], (1, 5, 6), {}, "speak of"),
    ([[1]], (1, 5), {}, "slice_sizes must have 3"),
    ([[1]], (1, 5, 6), dict(mode="wrap"), "mode must be one of"),
    ([[1]], (1, 5, 6), dict(mode="fill", fill_value=np.float32(1)), "fill_value must be"),
], ids=str)
def test_what_does_not_fit_is_said(indices, sizes, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        lax.gather(X, np.array(indices), numbers(lax, "rows"), sizes, **options)
    with pytest.raises(ValueError, match="have windows for places"):
        lax.scatter(X, np.array([[1]]), X[:2], scattering(lax, "rows"))
