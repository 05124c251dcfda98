"""Which loops are one: not those that an equation runs over side by side."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp


@pytest.mark.parametrize("rows", [3, 4])
@pytest.mark.parametrize("columns", [3, 4, 5])
def test_an_outer_sum_of_two_computed_matrices(rows, columns):
    """Its two leading axes may be equally long, and are different axes all the same."""
    rng = np.random.default_rng(0)
    a, b = (fnp.array(rng.normal(size=(n, 2))) for n in (rows, columns))

    def function(a, b):
        return fnp.tanh(((0.5 * b)[None] + (a * a)[:, None]).sum(axis=1))
    expected = np.tanh((0.5 * np.asarray(b)[None] + np.asarray(a)[:, None] ** 2).sum(axis=1))
    np.testing.assert_allclose(ft.jit(function, device="cpu")(a, b), expected, rtol=1e-12)


def test_pairs_of_lanes_and_rows():
    rng = np.random.default_rng(1)
    x, m, w = (fnp.array(rng.normal(size=shape)) for shape in ((3, 2), (3, 2), (2,)))

    def function(x, m, w):
        return fnp.tanh(ft.vmap(lambda row: 0.5 * row + x * w)(m).sum(0))
    lanes = ft.vmap(function, (0, None, None))
    np.testing.assert_allclose(ft.jit(lanes, device="cpu")(x, m, w),
                               ft.jit(lanes, device="reference")(x, m, w), rtol=1e-12)
