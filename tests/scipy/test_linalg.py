"""SciPy's linear algebra against SciPy."""
from __future__ import annotations

import doctest

import numpy as np
import pytest

import functrans as ft
from functrans.errors import ShapeError

reference = pytest.importorskip("scipy.linalg")
la = ft.scipy.linalg
DTYPES = ("float64", "complex128")


def draw(seed: int, shape, dtype: str) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if dtype == "complex128" else values


def agree(function, expected, *args):
    """Un-jitted; and jitted, if the operands are real."""
    want = expected if isinstance(expected, tuple) else (expected,)
    both = (function,) if any(map(np.iscomplexobj, args)) else (function, ft.jit(function))
    for compiled in both:
        got = compiled(*args)
        for a, b in zip(got if isinstance(got, tuple) else (got,), want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lower", [False, True])
def test_cholesky(dtype, lower):
    a, b = draw(0, (4, 4), dtype), draw(1, (4, 2), dtype)
    a = a @ a.conj().T + np.eye(4)
    agree(lambda a: la.cholesky(a, lower), reference.cholesky(a, lower), a)
    agree(lambda a, b: la.cho_solve(la.cho_factor(a, lower), b), reference.solve(a, b), a, b)
    triangle = np.tril(a) if lower else np.triu(a)
    agree(lambda a, b: la.solve(a, b, lower=lower, assume_a="pos"), reference.solve(a, b),
          triangle, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lu(dtype):
    a, b = draw(0, (4, 4), dtype), draw(1, (4, 2), dtype)
    for x in (a, a[:3], a[:, :3]):
        agree(la.lu, reference.lu(x), x)
        agree(lambda a: la.lu(a, True), reference.lu(x, True), x)
    agree(la.lu_factor, reference.lu_factor(a), a)
    for trans in (0, 1, 2):
        for right in (b, b[:, 0]):
            agree(lambda a, b, trans=trans: la.lu_solve(la.lu_factor(a), b, trans),
                  reference.lu_solve(reference.lu_factor(a), right, trans), a, right)
    lanes = np.stack([a, a.T])
    got = ft.vmap(lambda a: la.lu_solve(la.lu_factor(a), b))(lanes)
    np.testing.assert_allclose(got[1], reference.solve(a.T, b), rtol=1e-9)


def test_lu_solve_is_differentiable():
    a, b = draw(0, (3, 3), "float64"), draw(1, (3,), "float64")
    gradient = ft.grad(lambda a: la.lu_solve(la.lu_factor(a), b).sum())(a)
    np.testing.assert_allclose(gradient, ft.grad(lambda a: la.solve(a, b).sum())(a), rtol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_orthogonal_and_spectral_factors(dtype):
    a, h = draw(0, (4, 4), dtype), draw(1, (4, 4), dtype)
    h = h + h.conj().T
    b = a @ a.conj().T + np.eye(4)
    for side in ("right", "left"):
        for x in (a, a[:3], a[:, :3]):
            agree(lambda a, side=side: la.polar(a, side), reference.polar(x, side), x)
    for mode in ("full", "economic", "r"):
        agree(lambda a, mode=mode: la.qr(a, mode=mode), tuple(reference.qr(a[:, :3], mode=mode)),
              a[:, :3])
    agree(lambda h, b: la.eigvalsh(h, b), reference.eigvalsh(h, b), h, b)
    agree(lambda h: la.eigh(h, lower=False)[0], reference.eigvalsh(h), np.triu(h))
    values, vectors = map(np.asarray, ft.jit(la.eigh)(h, b))
    np.testing.assert_allclose(h @ vectors, b @ vectors * values, atol=1e-9)
    np.testing.assert_allclose(la.svdvals(a), reference.svdvals(a))
    np.testing.assert_allclose(la.svd(a)[1], reference.svd(a)[1])
    agree(la.expm_frechet, reference.expm_frechet(a, h), a, h)


def test_special_matrices():
    a, b = draw(0, (2, 3), "float64"), draw(1, (1, 2), "float64")
    agree(la.block_diag, reference.block_diag(a, b), a, b)
    agree(lambda: la.block_diag(1.0, [2.0, 3.0]), reference.block_diag(1, [2, 3]))
    agree(la.toeplitz, reference.toeplitz(a[0]), a[0])
    agree(la.toeplitz, reference.toeplitz(a[0], b[0]), a[0], b[0])
    np.testing.assert_allclose(la.hilbert(4), reference.hilbert(4), rtol=1e-6)


@pytest.mark.parametrize("call, error, message", [
    (lambda: la.qr(np.eye(2), pivoting=True), NotImplementedError, "pivoting"),
    (lambda: la.qr(np.eye(2), mode="raw"), ValueError, "mode must be"),
    (lambda: la.solve(np.eye(2), np.ones(2), assume_a="odd"), ValueError, "assume_a"),
    (lambda: la.polar(np.eye(2), "up"), ValueError, "side"),
    (lambda: la.eigh(np.eye(2), subset_by_index=[0, 0]), NotImplementedError, "subset_by_index"),
    (lambda: la.block_diag(np.ones((2, 2, 2))), ShapeError, "argument 0"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    assert not doctest.testmod(la).failed
