"""Iterative solvers against direct ones; derivatives, batches, pytrees, preconditioners."""
from __future__ import annotations

import doctest

import numpy as np
import pytest

import functrans as ft
from functrans.errors import ShapeError
from functrans.scipy.sparse import linalg as la
from functrans.testing import check_grads

METHODS = {"cg": la.cg, "bicgstab": la.bicgstab, "gmres": la.gmres}


def system(name: str, n: int = 7, dtype: str = "float64") -> tuple:
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, n)), rng.normal(size=n)
    if dtype == "complex128":
        a, b = a + 1j * rng.normal(size=(n, n)), b + 1j * rng.normal(size=n)
    return (a @ a.conj().T + n * np.eye(n) if name == "cg" else a + 2 * n * np.eye(n)), b


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", METHODS)
def test_solutions(name, dtype):
    solve = METHODS[name]
    for n in (1, 7):
        a, b = system(name, n, dtype)
        want = np.linalg.solve(a, b)
        for options in ({}, {"x0": want + 1}, {"M": np.diag(1 / np.diag(a))},
                        {"M": lambda x, a=a: x / np.diag(a)}):
            x, info = solve(a, b, tol=1e-11, **options)
            assert int(info) == 0 and x.dtype == dtype
            np.testing.assert_allclose(x, want, rtol=1e-8)
        x, _ = solve(lambda x, a=a: a @ x, b, tol=1e-11)
        np.testing.assert_allclose(x, want, rtol=1e-8)
        x, info = solve(a, b * 0)
        assert int(info) == 0 and not np.asarray(x).any()


@pytest.mark.parametrize("name", METHODS)
def test_as_scipy_in_single_precision_and_without_success(name):
    reference = pytest.importorskip("scipy.sparse.linalg")
    a, b = system(name, 30)
    x, info = METHODS[name](a.astype("float32"), b.astype("float32"))
    assert x.dtype == "float32" and int(info) == 0
    want, _ = getattr(reference, name)(a, b, rtol=1e-5)
    np.testing.assert_allclose(x, want, rtol=1e-3, atol=1e-4)
    hard, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 30)))
    hard = hard @ np.diag(np.logspace(0, 6, 30)) @ hard.T
    options = {"restart": 2} if name == "gmres" else {}
    assert int(METHODS[name](hard, b, maxiter=3, tol=1e-10, **options)[1]) == 3


def test_restarts():
    a, b = system("gmres", 12)
    for restart in (1, 3, 50):
        x, info = la.gmres(a, b, tol=1e-11, restart=restart)
        assert int(info) == 0
        np.testing.assert_allclose(x, np.linalg.solve(a, b), rtol=1e-8)


@pytest.mark.parametrize("name", METHODS)
def test_pytrees(name):
    a, b = system(name, 6)
    x, _ = METHODS[name](lambda x: split(a @ np.concatenate([x["p"].ravel(), x["q"]])), split(b),
                         tol=1e-12)
    assert x["p"].shape == (2, 2)
    np.testing.assert_allclose(np.concatenate([np.ravel(x["p"]), x["q"]]), np.linalg.solve(a, b),
                               rtol=1e-8)


def split(v) -> dict:
    return {"p": v[:4].reshape(2, 2), "q": v[4:]}


@pytest.mark.parametrize("name", METHODS)
def test_transformations(name):
    a, b = system(name, 4)

    def solve(a, b):
        matrix = (a + a.T) / 2 if name == "cg" else a
        return METHODS[name](matrix, b, tol=1e-13)[0]
    check_grads(solve, (a, b), order=1)
    lanes = np.stack([b, 3 * b, b * 0])
    got = ft.jit(ft.vmap(solve, (None, 0)))(a, lanes)
    matrix = (a + a.T) / 2 if name == "cg" else a
    np.testing.assert_allclose(got, np.linalg.solve(matrix, lanes.T).T, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("call, error, message", [
    (lambda: la.cg(np.eye(2), np.ones(3)), ShapeError, "A is f64"),
    (lambda: la.cg(np.eye(2), np.ones((2, 2))), ShapeError, "pass a function"),
    (lambda: la.cg(np.eye(2), np.ones(2), np.ones(3)), ShapeError, "x0 must be like b"),
    (lambda: la.cg(lambda x: x[:1], np.ones(2)), ShapeError, "A must be like b"),
    (lambda: la.gmres(np.eye(2), np.ones(2), restart=0), ValueError, "restart"),
    (lambda: la.gmres(np.eye(2), np.ones(2), solve_method="x"), ValueError, "solve_method"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    assert not doctest.testmod(la).failed
