"""closure_convert: what a function closes over becomes arguments."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import StructureError


def solve(residual, start, *values):
    """A root by Newton's method, with the derivative of the implicit function."""
    @ft.custom_vjp
    def root(start, *values):
        x = start
        for _ in range(20):
            x = x - residual(x, *values) / ft.grad(residual)(x, *values)
        return x

    def backward(kept, ct):
        x, values = kept
        _, pull = ft.vjp(lambda *values: residual(x, *values), *values)
        return (fnp.zeros_like(x), *pull(-ct / ft.grad(residual)(x, *values)))

    root.defvjp(lambda start, *values: ((x := root(start, *values)), (x, values)), backward)
    return root(start, *values)


def test_gradients_with_respect_to_what_a_function_closes_over():
    def cube_root(a):
        residual, values = ft.closure_convert(lambda x: x ** 3 - a, 1.0)
        return solve(residual, 1.0, *values)
    for function in (cube_root, ft.jit(cube_root)):
        np.testing.assert_allclose(function(8.0), 2, rtol=1e-6)
        np.testing.assert_allclose(ft.grad(function)(8.0), 1 / 12, rtol=1e-6)
    np.testing.assert_allclose(ft.vmap(ft.grad(cube_root))(fnp.array([1.0, 8.0])), [1 / 3, 1 / 12],
                               rtol=1e-6)


def test_constants_and_integers_stay():
    def outer(scale, count):
        converted, values = ft.closure_convert(
            lambda tree: scale * tree["x"] * count + fnp.ones(3), {"x": fnp.ones(3)})
        assert len(values) == 1 and values[0].dtype == np.float32
        return converted({"x": fnp.arange(3.0)}, *values).sum()
    assert ft.grad(outer)(2.0, 3) == 9
    assert ft.jit(ft.grad(outer))(2.0, 3) == 9


def test_nothing_closed_over_and_other_structures():
    converted, values = ft.closure_convert(lambda x, y: (x, y), 1.0, (2.0, 3.0))
    assert values == [] and converted(1.0, (2.0, 4.0))[1][1] == 4
    with pytest.raises(StructureError, match="was converted for arguments of the structure"):
        converted(1.0, 2.0)


def test_evaluation_at_once():
    @ft.jit
    def f(x):
        with ft.ensure_compile_time_eval():
            factor = 2 if fnp.arange(4).sum() > 5 else 3
        return x * factor
    assert f(1.0) == 2 and ft.vmap(f)(fnp.ones(2)).shape == (2,)


def test_caches_are_cleared():
    @ft.jit
    def f(x):
        return x + 1
    f(1.0)
    assert f._cache_size() == 1
    ft.clear_caches()
    assert f._cache_size() == 0 and f(1.0) == 2
