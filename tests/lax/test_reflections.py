"""Elimination, rotations and reflections against LAPACK, by SciPy; derivatives; batches."""
from __future__ import annotations

import doctest

import numpy as np
import pytest

import functrans as ft
from functrans.errors import ShapeError
from functrans.lax import reflections
from functrans.testing import check_grads

la = ft.lax.linalg
DTYPES = ("float64", "complex128")


def draw(seed: int, shape, dtype: str = "float64") -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if dtype == "complex128" else values


def agree(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def both(function):
    return function, ft.jit(function)


# ---- tridiagonal systems ----

@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_tridiagonal_solve(batch, dtype):
    for m, k in ((5, 2), (1, 3)):
        dl, d, du = (draw(seed, (*batch, m), dtype) for seed in range(3))
        d, b = d + 4, draw(3, (*batch, m, k), dtype)
        matrix = d[..., None] * np.eye(m) + du[..., None] * np.eye(m, k=1) \
            + dl[..., None] * np.eye(m, k=-1)
        for solve in both(la.tridiagonal_solve):
            agree(solve(dl, d, du, b), np.linalg.solve(matrix, b))


def test_tridiagonal_solve_is_differentiable():
    args = (draw(0, 4), draw(1, 4) + 4, draw(2, 4), draw(3, (4, 2)))
    check_grads(la.tridiagonal_solve, args, order=2)
    slope = ft.grad(lambda dl: la.tridiagonal_solve(dl, *args[1:]).sum())(args[0])
    assert slope[0] == 0                                     # it does not count
    lanes = ft.vmap(la.tridiagonal_solve, (None, 0, None, None))(
        args[0], np.stack([args[1], args[1] + 1]), *args[2:])
    agree(lanes[1], la.tridiagonal_solve(args[0], args[1] + 1, *args[2:]))


def test_pivots_of_zero():
    dl, d, du, b = np.zeros(2), np.array([0.0, 1.0]), np.zeros(2), np.ones((2, 1))
    assert not np.isfinite(la.tridiagonal_solve(dl, d, du, b)[0, 0])
    assert np.isfinite(la.tridiagonal_solve(dl, d, du, b * 0 + 1e-300, perturb_singular=True)).all()


# ---- rotations ----

def test_cholesky_update():
    for n in (1, 4):
        root, w = np.triu(draw(0, (n, n))) + 2 * np.eye(n), draw(1, n)
        want = np.linalg.cholesky(root.T @ root + np.outer(w, w)).T
        for update in both(la.cholesky_update):
            got = np.asarray(update(root, w))
            agree(got * np.sign(np.diag(got))[:, None], want)
            agree(np.tril(got, -1), 0)
    check_grads(la.cholesky_update, (root, w), order=2)
    roots = np.stack([root, 2 * root])
    agree(la.cholesky_update(roots, np.stack([w, w]))[1], la.cholesky_update(2 * root, w))
    agree(la.cholesky_update(np.zeros((2, 2)), np.array([0.0, 3.0])), [[0, 0], [0, 3]])


# ---- reflections ----

@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_reflections(dtype):
    linalg = pytest.importorskip("scipy.linalg")
    for m, n in ((5, 3), (4, 4), (3, 1)):
        (packed, taus), _ = linalg.qr(draw(0, (m, n), dtype), mode="raw")
        for product in both(la.householder_product):
            q = np.asarray(product(packed, taus))
            agree(q.conj().T @ q, np.eye(n))
        (name,) = linalg.get_lapack_funcs(["ungqr" if dtype == "complex128" else "orgqr"],
                                          (packed,))
        agree(q, name(packed, taus)[0])
        whole = np.concatenate([packed, np.zeros((m, m - n), dtype)], 1)
        q = np.asarray(la.householder_product(whole, taus))
        c = draw(1, (m, 2), dtype)
        agree(la.ormqr(packed, taus, c), q @ c)
        agree(la.ormqr(packed, taus, c, transpose=True), q.conj().T @ c)
        agree(la.ormqr(packed, taus, c.T, left=False), c.T @ q)
        agree(ft.jit(lambda a, t, c: la.ormqr(a, t, c, left=False, transpose=True))(
            packed, taus, c.T), c.T @ q.conj().T)
    batch = np.stack([packed, 2 * packed])
    agree(la.householder_product(batch, np.stack([taus, taus]))[1],
          la.householder_product(2 * packed, taus))
    check_grads(lambda a, t: la.householder_product(a, t), (packed.real, taus.real), order=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_hessenberg(n, dtype):
    linalg = pytest.importorskip("scipy.linalg")
    a = draw(0, (n, n), dtype)
    for reduce in both(la.hessenberg):
        packed, taus = map(np.asarray, reduce(a))
        assert taus.shape == (n - 1,)
        if n > 2:
            agree(np.triu(packed, -1), linalg.hessenberg(a))
        if n > 1:
            routine, = linalg.get_lapack_funcs(["gehrd"], (a,))
            want = routine(a)
            agree(packed, want[0])
            agree(taus, want[1])
    lanes = ft.vmap(la.hessenberg)(np.stack([a, 2 * a]))
    agree(lanes[0][1], la.hessenberg(2 * a)[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_tridiagonal(dtype):
    a = draw(0, (5, 5), dtype)
    a = a + a.conj().T
    packed, d, e, taus = map(np.asarray, la.tridiagonal(np.tril(a)))
    assert d.dtype == e.dtype == "float64"
    q = np.eye(5, dtype=dtype)
    q[1:, 1:] = la.householder_product(packed[1:, :4], taus)
    agree(q @ (np.diag(d) + np.diag(e, 1) + np.diag(e, -1)) @ q.conj().T, a)


def test_small_numbers():
    a = 1e-200 * draw(0, (4, 4))
    packed, taus = map(np.asarray, la.hessenberg(a))
    want, other = map(np.asarray, la.hessenberg(1e200 * a))
    agree(packed[np.triu_indices(4, -1)] * 1e200, want[np.triu_indices(4, -1)])
    agree(taus, other)


def test_triangular_systems_with_nan():
    """An un-jitted one does not raise: it is solved as the compiled one is."""
    a = np.array([[1.0, np.nan], [0.0, 1.0]], "complex128")
    x = np.asarray(la.triangular_solve(a * np.nan, a, left_side=True))
    assert np.isnan(x).all()


def test_single_precision_stays():
    a = draw(0, (4, 4)).astype("float32")
    packed, taus = la.hessenberg(a)
    assert packed.dtype == taus.dtype == la.householder_product(packed, taus).dtype == "float32"
    assert la.tridiagonal_solve(a[0], a[1], a[2], a[:, :1]).dtype == "float32"
    assert la.cholesky_update(a, a[0]).dtype == "float32"


def test_derivatives_of_hessenberg():
    check_grads(lambda a: ft.numpy.triu(la.hessenberg(a)[0], -1), (draw(0, (4, 4)),), order=1)


@pytest.mark.parametrize("call, error, message", [
    (lambda: la.tridiagonal_solve(np.ones(2), np.ones(3), np.ones(3), np.ones((3, 1))), ShapeError,
     "three diagonals"),
    (lambda: la.tridiagonal_solve(*[np.ones(3, int)] * 3, np.ones((3, 1), int)), ShapeError,
     "floating-point"),
    (lambda: la.cholesky_update(np.ones((2, 2)), np.ones(3)), ShapeError, "takes real R"),
    (lambda: la.householder_product(np.ones((3, 2)), np.ones(3)), ShapeError, "k at most m"),
    (lambda: la.householder_product(np.ones((2, 3)), np.ones(2)), ShapeError, "as many rows"),
    (lambda: la.ormqr(np.ones((3, 2)), np.ones(2), np.ones((2, 2))), ShapeError, "does not fit"),
    (lambda: la.hessenberg(np.ones((3, 2))), ShapeError, "square matrices"),
    (lambda: la.tridiagonal(np.ones((2, 2)), lower=False), NotImplementedError, "lower triangle"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    assert not doctest.testmod(reflections).failed
