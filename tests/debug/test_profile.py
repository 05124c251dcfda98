"""`ft.profile`: the steps, what they take, and how often they run. Times are not compared."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.debug.machine import peaks

HERE = Path(__file__).name


def rows_of(fun, *args, **kwargs):
    found = ft.profile(fun, *args, repeats=2, **kwargs)
    assert found.seconds > 0 and all(row.seconds >= 0 for row in found)
    assert repr(found).count("\n") == len(found) + 4
    return found


@pytest.mark.parametrize("dtype, size", [("float32", 4), ("float64", 8)])
def test_a_fused_kernel_counts_its_operations_and_bytes(dtype, size):
    row, = rows_of(lambda x, y: x * y + 2 * x - y, fnp.ones((30, 40), dtype), fnp.ones(40, dtype))
    assert (row.kind, row.name, row.calls) == ("kernel", "kernel_0", 1)
    assert row.flops == 4 * 1200
    assert row.bytes == size * (1200 + 40 + 1200)
    assert row.lines[0].startswith(f"{HERE}:") and "def kernel(" in row.text
    assert row.floor >= row.bytes / peaks().bandwidth(row.bytes) > 0


def test_elementary_functions_count_as_ten():
    row, = rows_of(lambda x: fnp.tanh(x), fnp.ones(100))
    assert row.flops == 1000 and row.bytes == 800


def test_products():
    row, = rows_of(fnp.matmul, fnp.ones((3, 20, 30)), fnp.ones((3, 30, 40)))
    assert (row.kind, row.name) == ("product", "3 times 20x30 @ 30x40")
    assert row.flops == 2 * 3 * 20 * 30 * 40
    assert row.bytes == 4 * 3 * (20 * 30 + 30 * 40 + 20 * 40)
    assert row.lines and row.flop_rate == row.flops / row.seconds


def test_steps_of_loops_count_each_time():
    def f(w, xs):
        return lax.scan(lambda c, x: (fnp.tanh(w @ c + x), None), fnp.zeros(50), xs)[0]
    found = rows_of(f, fnp.ones((50, 50)), fnp.ones((7, 50)))
    product, = [row for row in found if row.kind == "product"]
    assert product.calls == 7 and product.flops == 7 * 2 * 50 * 50
    assert any(row.kind == "loop" for row in found)


def test_library_calls_and_python():
    a = fnp.eye(30) * 2
    found = rows_of(lambda a: fnp.linalg.cholesky(a), a)
    assert any("potrf" in row.name and row.lines for row in found)
    calls = []

    def f(x):
        ft.debug.callback(calls.append, x)
        return x * 2
    assert "python" in [row.kind for row in rows_of(f, 1.0)]
    assert len(calls) == 2 * 3


def test_jitted_functions_derivatives_and_static_arguments():
    x = fnp.ones(20)
    step = ft.jit(lambda x, n: (x ** n).sum(), static_argnums=1)
    assert rows_of(step, x, 3)[0].kind == "kernel"
    assert rows_of(ft.grad(lambda x: (x ** 3).sum()), x).name
    weights = fnp.ones((20, 20))
    assert rows_of(lambda x: weights @ x, x)[0].kind == "product"


def test_the_function_gives_what_it_gives_otherwise():
    kept = []

    def f(x):
        y = lax.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * 1.5), (0, x))[1]
        ft.debug.callback(kept.append, y)
        return y
    ft.profile(f, fnp.ones(3), repeats=1)
    np.testing.assert_allclose(kept, np.full((4, 3), 1.5 ** 5), rtol=1e-6)


def test_mistakes():
    with pytest.raises(ft.errors.ArgumentError, match="takes a function"):
        ft.profile(3)
    with pytest.raises(ft.errors.ArgumentError, match="repeats"):
        ft.profile(fnp.sin, 1.0, repeats=0)
