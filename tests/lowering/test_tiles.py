"""Transpositions run tile by tile; so do sizes that are no multiple of a tile."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

SIZES = [(1, 1), (3, 200), (64, 64), (65, 130), (200, 1), (0, 5)]


def kernel_text(function, *args) -> str:
    return ft.jit(function, device="cpu").lower(*args).source()


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("cheap", [False, True])
def test_transposed_operand(shape, cheap):
    def function(x, b, s):
        y = x.T + b
        return (y if cheap else fnp.tanh(y)) * s
    rng = np.random.default_rng(0)
    x, b, s = (fnp.array(rng.normal(size=size)) for size in (shape, shape[:1], (shape[1], 1)))
    y = np.asarray(x).T + np.asarray(b)
    expected = (y if cheap else np.tanh(y)) * np.asarray(s)
    np.testing.assert_allclose(ft.jit(function, device="cpu")(x, b, s), expected, rtol=1e-13)
    if min(shape) > 1:
        assert "i_start" in kernel_text(function, x, b, s)


def test_a_batch_of_transpositions():
    x = fnp.array(np.random.default_rng(0).normal(size=(3, 70, 90)))

    def function(x):
        return x.swapaxes(1, 2) * 2 + 1
    np.testing.assert_array_equal(ft.jit(function, device="cpu")(x),
                                  np.asarray(x).swapaxes(1, 2) * 2 + 1)


def test_loops_in_the_order_of_memory_are_not_tiled():
    x = fnp.ones((70, 90))
    assert "_start" not in kernel_text(lambda x: fnp.tanh(x) + x.sum(axis=0), x)


def test_a_loop_in_a_tile_whose_values_are_written_out_elsewhere():
    x = np.stack([np.eye(3), np.arange(9.0).reshape(3, 3)])
    values, vectors = ft.jit(fnp.linalg.eig, device="cpu")(x)
    np.testing.assert_allclose(x @ np.asarray(vectors),
                               np.asarray(vectors) * np.asarray(values)[:, None], atol=1e-12)
