"""Kernels in parts on several threads: the same bits for any number of threads."""
from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from lowering.native import pool

needs_pool = pytest.mark.skipif(pool.pool_of(2) is None, reason="no semaphores here")


def softmax(x):
    e = fnp.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def halvings(x):
    """How often each number can be halved until it is small: lanes of different lengths."""
    def count(x):
        return lax.while_loop(lambda state: abs(state[0]) > 1e-3,
                              lambda state: (state[0] / 2, state[1] + 1), (x, 0))[1]
    return ft.vmap(count)(x.ravel())


FUNCTIONS = {
    "lanes": halvings,
    "elementwise": lambda x: fnp.tanh(x) * fnp.exp(x) + 1,
    "rows": softmax,
    "transposed": lambda x: fnp.tanh(x.T) * 2,
    "running": lambda x: fnp.cumsum(fnp.exp(x), axis=1),
    "row sums": lambda x: fnp.sin(x).sum(axis=1),
    "broadcast": lambda x: fnp.exp(x) + x[0] * x[:, :1],
    "two results": lambda x: (fnp.sin(x), fnp.cos(x).argmax(axis=1)),
}


def cuts(function, x, threads: int = 2) -> list[bool]:
    """For each kernel, whether it is cut."""
    with ft.config.override(target="cpu", threads=threads):
        plan = ft.jit(function).lower(x).compile().executable.plan
    return [pool.cut_of(step.kernel, pool.pool_of(threads)) is not None
            for step in plan.launches()]


def run(function, x, threads: int, *rest):
    with ft.config.override(target="cpu", threads=threads):
        return ft.tree.map(np.asarray, ft.jit(function)(x, *rest))


@needs_pool
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@pytest.mark.parametrize("shape", [(601, 500), (7, 40_001)])
def test_results_do_not_depend_on_the_number_of_threads(name, shape):
    x = fnp.array(np.random.default_rng(0).normal(size=shape))
    expected = run(FUNCTIONS[name], x, 1)
    for threads in (2, 3):
        for a, b in zip(ft.tree.leaves(run(FUNCTIONS[name], x, threads)),
                        ft.tree.leaves(expected), strict=True):
            np.testing.assert_array_equal(a, b)


@needs_pool
def test_which_kernels_are_cut():
    x = fnp.ones((600, 600))
    for name in ("elementwise", "rows", "transposed", "running"):
        assert cuts(FUNCTIONS[name], x) == [True]
    assert cuts(FUNCTIONS["lanes"], x)[-1]
    assert not cuts(lambda x: lax.scan(lambda s, row: (s + row[0], s), 0.0, x)[1], x)[-1]
    assert cuts(FUNCTIONS["elementwise"], x, threads=1) == [False]
    assert cuts(FUNCTIONS["elementwise"], fnp.ones((6, 6))) == [False]      # too little work
    assert cuts(lambda x: fnp.exp(x).sum(), x) == [False]         # a sum over what is cut
    assert cuts(lambda x: fnp.cumsum(fnp.exp(x), axis=0), x) == [False]
    assert cuts(lambda x: fnp.exp(x) + fnp.arange(600)[:, None], x) == [False]


@needs_pool
def test_several_python_threads_at_once():
    """Who finds the pool in use runs its kernel alone."""
    x = fnp.array(np.random.default_rng(0).normal(size=(400, 500)))
    with ft.config.override(target="cpu", threads=2):
        function = ft.jit(softmax)
        expected = np.asarray(function(x))
        run = function.lower(x).compile()
    with ThreadPoolExecutor(4) as executor:
        for out in executor.map(lambda _: np.asarray(run(x)), range(60)):
            np.testing.assert_array_equal(out, expected)


FORK = """
import os, warnings
import numpy as np
import functrans as ft, functrans.numpy as fnp
warnings.simplefilter("ignore", DeprecationWarning)
x = fnp.ones((600, 600))
f = ft.jit(lambda x: fnp.tanh(x) * fnp.exp(x))
expected = np.asarray(f(x))
child = os.fork()
if child == 0:
    again = np.asarray(f(x))
    other = np.asarray(ft.jit(lambda x: fnp.exp(x) * 3)(x))
    os._exit(0 if (again == expected).all() and other[0, 0] > 8 else 1)
assert os.waitpid(child, 0)[1] == 0
assert (np.asarray(f(x)) == expected).all()
print("fine")
"""


@needs_pool
def test_a_forked_process_has_threads_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True,
                          timeout=120, env={**os.environ, "FUNCTRANS_THREADS": "2"})
    assert done.stdout == "fine\n", done.stderr


def test_a_bad_number_of_threads_is_refused():
    with pytest.raises(ValueError, match="threads = -1: must not be negative"):
        ft.config.update("threads", -1)


def test_small_products_leave_the_threads_of_blas_alone():
    """One thread for the product, then as many as before."""
    from lowering.native import blas
    library = blas.library()
    if library is None or library.thread_functions() is None:
        pytest.skip("no BLAS whose threads can be set")
    ask, change = (ctypes.CFUNCTYPE(*kinds)(address) for kinds, address in
                   zip(((ctypes.c_int,), (None, ctypes.c_int)), library.thread_functions()))
    rng = np.random.default_rng(0)
    x, w = (fnp.array(rng.normal(size=shape)) for shape in ((64, 128), (128, 96)))
    function = ft.jit(lambda x, w: fnp.tanh(x @ w) @ w.T, device="cpu")
    before = ask()
    try:
        for threads in (1, 2):
            change(threads)
            out = function(x, w)
            assert ask() == threads
            np.testing.assert_allclose(out, np.tanh(np.asarray(x) @ w) @ np.asarray(w).T,
                                       rtol=1e-12)
    finally:
        change(before)


# ---- batches of matrix products ----

BATCHES = [(), (1,), (3,), (40,), (2, 3), (8, 8), (4, 1, 5)]
SIZES = [(1, 7, 5), (7, 1, 5), (5, 6, 7), (64, 48, 80)]        # rows, columns, inner


def operands(batch, sizes, dtype="float64") -> tuple:
    rows, columns, inner = sizes
    random = np.random.default_rng(0)
    return tuple(random.normal(size=(*batch, *shape)).astype(dtype)
                 for shape in ((rows, inner), (inner, columns)))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("batch", BATCHES)
def test_batches_of_products(batch, sizes):
    a, b = operands(batch, sizes)
    turned = np.ascontiguousarray(np.swapaxes(b, -1, -2))
    for threads in (1, 3):
        for function, arguments in (
                (lambda a, b: a @ b, (a, b)),
                (lambda a, b: a @ np.swapaxes(b, -1, -2), (a, turned)),
                (lambda a, b: a @ b, (a, b[(0,) * len(batch)]))):
            with ft.config.override(target="cpu", threads=threads):
                found = ft.jit(function)(*arguments)
            np.testing.assert_allclose(found, function(*arguments), rtol=1e-12, atol=1e-12)


def test_batches_whose_dimensions_do_not_follow_each_other():
    a, b = operands((6, 5), (9, 8, 7))
    found = ft.jit(lambda a, b: fnp.swapaxes(a, 0, 1) @ b, device="cpu")(np.swapaxes(a, 0, 1), b)
    np.testing.assert_allclose(found, a @ b, rtol=1e-12, atol=1e-12)


@needs_pool
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_a_batch_of_products_is_shared_by_threads(dtype):
    a, b = operands((8, 8), (64, 48, 80), dtype)
    with ft.config.override(target="cpu", threads=3):
        lowered = ft.jit(lambda a, b: a @ b).lower(a, b)
        split = pool.pool_of(3).split
        assert split in lowered.compile().executable.assembly.code
    results = [run(lambda a, b: a @ b, a, threads, b) for threads in (2, 3, 5)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    np.testing.assert_allclose(results[0], a @ b, rtol=1e-4, atol=1e-4)
