"""Kernels on a GPU: every row of every primitive, and programs, against the CPU target."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from device_loops import LOOPS, lstm, lstm_args
from programs import PROGRAMS
from test_kernel_text import FUNCTIONS
from test_laws import assert_close, each, evaluate

import functrans as ft
import functrans.numpy as fnp
from functrans.testing.strategies.straight import STEPS
from lowering.cuda import cublas, driver
from lowering.errors import CompilerMissing

sys.path.insert(0, str(Path(__file__).parent))
from shared import assert_same, module, require_gpu  # noqa: E402

require_gpu()
kernels = module("simulated_kernels")


@pytest.mark.parametrize("row, case, dtype", each())
def test_rows_equal_evaluate(row, case, dtype):
    arrays = case.arrays(dtype)
    compiled = ft.jit(row.function(case), device="cuda")
    for got, expected in zip(compiled(*arrays), evaluate(row, case, arrays), strict=True):
        assert_close(got, expected, row)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    assert_same(*PROGRAMS[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_kinds_of_steps(name):
    w = fnp.array(np.random.default_rng(1).normal(size=(4, 4)))
    w = fnp.stack([w, w.T, 0.1 * w]) if name.startswith("batched") else w
    assert_same(FUNCTIONS[name], (w,), ulp=2000)


@pytest.mark.parametrize("name", kernels.COMPOSITIONS)
def test_compositions(name):
    function, args = kernels.COMPOSITIONS[name]
    assert_same(function, args, ulp=2000)


@pytest.mark.parametrize("name", LOOPS)
def test_loops(name):
    function, args = LOOPS[name]
    assert_same(function, args, ulp=2000)


@pytest.mark.parametrize("size", [32, 200])
def test_loops_whose_blocks_wait_for_each_other(size):
    args = lstm_args(8, 3 * size, size)
    assert "this_grid().sync()" in ft.jit(lstm).lower(*args).source("cuda")
    assert_same(ft.grad(lambda xs, *layers: lstm(xs, *layers).sum()), args, ulp=20_000)


@pytest.mark.parametrize("name", kernels.PRODUCTS)
def test_products(name):
    function, *args = kernels.PRODUCTS[name]
    assert_same(function, tuple(args))


TRANSFORMED = {
    "itself": lambda f: f,
    "gradient": lambda f: ft.grad(lambda x, y: f(x, y).sum(), (0, 1)),
    "batch": lambda f: ft.vmap(lambda a: f(a, a)),
    "forwards": lambda f: lambda x, y: ft.jvp(f, (x, y), (y, x)),
    "batch of gradients": lambda f: ft.vmap(ft.grad(lambda a: f(a, a).sum())),
}


@pytest.mark.parametrize("transformation", TRANSFORMED)
@pytest.mark.parametrize("step", STEPS)
def test_steps_under_transformations(step, transformation):
    x, y = np.random.default_rng(8).normal(size=(2, 3, 4))
    function = TRANSFORMED[transformation](STEPS[step])
    args = (np.stack([x, y]),) if transformation.startswith("batch") else (x, y)
    assert_same(function, args, ulp=5000)


@pytest.mark.parametrize("size", [1, 31, 32, 33, 1023, 1025, 65_537, 3_000_001])
def test_sizes_around_blocks(size):
    x = np.sin(np.arange(size, dtype=np.float64))
    assert_same(lambda x: (fnp.tanh(x) * 2, x.sum(), x.max(), fnp.argmin(x)), (x,), ulp=4000)


@pytest.mark.parametrize("shape", [(1, 7), (300, 3), (3, 300), (257, 1000), (5, 70_000)])
def test_rows_and_columns(shape):
    x = np.random.default_rng(9).normal(size=shape)
    assert_same(lambda x: (x.sum(0), x.sum(1), ft.nn.softmax(x), x - x.mean(0)), (x,), ulp=4000)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64"])
@pytest.mark.parametrize("size", [1, 16, 33, 200])
def test_square_products(size, dtype):
    a = np.random.default_rng(10).normal(size=(2, size, size)).astype(dtype)
    assert_same(lambda a: a[0] @ a[1], (a,), ulp=30 * size ** 0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", ["rows by columns", "columns by rows", "rows by rows", "a batch",
                                  "a batch of two dimensions"])
def test_products_by_cublas(name, dtype):
    if driver.simulated():
        pytest.skip("cuBLAS needs a GPU")
    try:
        cublas.find()
    except CompilerMissing as missing:
        pytest.skip(str(missing))
    function, *args = kernels.PRODUCTS[name]
    args = [np.concatenate([arg] * 2, -2).astype(dtype) if k == 0 else arg.astype(dtype)
            for k, arg in enumerate(args)]
    with ft.config.override(products="cublas"):
        assert "matrix_product" in ft.jit(function).lower(*args).source("cuda")
        assert_same(function, tuple(args), ulp=64)
