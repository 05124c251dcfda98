"""Products by cuBLAS under the simulator, with a stand-in for the library."""
from __future__ import annotations

import numpy as np
import pytest
from cublas_stand_in import StandIn

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.errors import MissingExtraError
from lowering.cuda import cublas

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(40, 35)), RNG.normal(size=(35, 50))
BATCH = np.stack([A, -A, A[::-1]])


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    """The library, new in each test; products go there."""
    functions = StandIn()
    library = cublas.Library(functions)
    monkeypatch.setattr(cublas, "library", lambda: library)
    with ft.config.override(products="cublas"):
        yield functions


PRODUCTS = {
    "rows by columns": (lambda a, b: a @ b, A, B),
    "columns by rows": (lambda a, b: (b.T @ a.T, a @ b), A, B),
    "rows by rows": (lambda a, b: a @ b.T, A, B.T.copy()),
    "columns by columns": (lambda a, b: a.T @ b, A.T.copy(), B),
    "parts": (lambda a, b: a[3:, 1:34] @ b[1:34, :44], A, B),
    "a batch": (lambda a, b: a @ b, BATCH, np.stack([B, B, 2 * B])),
    "a batch by one": (lambda a, b: a @ b, BATCH, B),
    "a batch of two dimensions": (lambda a, b: fnp.einsum("abij,bajk->abik", a, b),
                                  BATCH[None] * np.ones((2, 1, 1, 1)),
                                  np.stack([np.stack([B, 2 * B])] * 3)),
    "a batch in the middle": (lambda a, b: fnp.einsum("ibj,jk->bik", a, b),
                              BATCH.swapaxes(0, 1).copy(), B),
    "with what follows": (lambda a, b: fnp.tanh(a @ b + b[0]), A, B),
}


TRIED = [*((name, dtype) for name in PRODUCTS for dtype in ("float32", "float16")),
         ("rows by columns", "float64"), ("parts", "bfloat16"), ("a batch", "bfloat16")]


@pytest.mark.parametrize("name, dtype", TRIED)
def test_products(name, dtype, stand_in):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    function, *args = PRODUCTS[name]
    args = [fnp.asarray(arg).astype(dtype) for arg in args]
    got = ft.tree.leaves(ft.jit(function, device="cuda")(*args))
    expected = ft.tree.leaves(ft.jit(function, device="cpu")(*args))
    assert "cublasLtMatmul" in stand_in.calls
    eps = float(fnp.finfo(dtype).eps)
    for part, value in zip(got, expected, strict=True):
        assert part.type == value.type
        part, value = (np.asarray(x).astype("float64") for x in (part, value))
        np.testing.assert_allclose(part, value, rtol=8 * eps, atol=8 * eps * np.abs(value).max())


def test_gradients_loops_and_graphs(stand_in):
    def loss(a, weights):
        def step(x, w):
            return fnp.tanh(x @ w), x.sum()
        x, sums = lax.scan(step, a, weights)
        return (x ** 2).sum() + sums.sum()
    args = RNG.normal(size=(33, 36)), 0.1 * RNG.normal(size=(3, 36, 36))
    slope = ft.jit(ft.grad(loss, (0, 1)), device="cuda")
    there = ft.device_put(args, "cuda")
    expected = ft.jit(ft.grad(loss, (0, 1)), device="cpu")(*args)
    for _ in range(6):
        for part, value in zip(slope(*there), expected, strict=True):
            np.testing.assert_allclose(part, value, rtol=1e-10, atol=1e-12)
    assert stand_in.calls.count("cublasLtMatmul") >= 6 * 3


def test_what_is_asked_once_is_kept(stand_in):
    f = ft.jit(lambda a, b: a @ b, device="cuda")
    for _ in range(3):
        f(A, B)
    assert stand_in.calls.count("cublasLtMatmul") == 3
    assert stand_in.calls.count("cublasLtMatmulAlgoGetHeuristic") == 1


@pytest.mark.parametrize("args", [(A[:5], B), (A.astype("int32"), B.astype("int32")),
                                  (A + 1j, B + 1j), (A[:, :0], B[:0])])
def test_other_products_are_kernels_of_our_own(args, stand_in):
    out = ft.jit(lambda a, b: a @ b, device="cuda")(*args)
    np.testing.assert_allclose(out, args[0] @ args[1], rtol=1e-12, atol=1e-12)
    assert "cublasLtMatmul" not in stand_in.calls


def test_failures_say_how_to_go_on(stand_in, monkeypatch):
    monkeypatch.setattr(stand_in, "_cublasLtMatmul", lambda *arguments: 15, raising=False)
    with pytest.raises(ft.errors.DeviceError, match="status 15; with products='own'"):
        ft.jit(lambda a, b: a @ b, device="cuda")(A, B).block_until_ready()


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    def missing():
        raise cublas.CompilerMissing("products='cublas' needs NVIDIA's cuBLAS; pip install")
    monkeypatch.setattr(cublas, "library", missing)
    with pytest.raises(MissingExtraError, match="pip install"):
        ft.jit(lambda a, b: a @ b, device="cuda")(A, B)
