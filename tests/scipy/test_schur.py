"""Schur's form, square roots and Sylvester's equation: by what they must be, and against SciPy."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
from functrans.errors import NotDifferentiableError, ShapeError
from functrans.testing import check_grads

reference = pytest.importorskip("scipy.linalg")
la = ft.scipy.linalg


def draw(seed: int, shape, dtype: str = "float64") -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if dtype == "complex128" else values


CYCLE = np.roll(np.eye(4), 1, 0)                    # steps without other shifts would not end
MATRICES = {
    "one": np.array([[-2.0]]), "real": draw(0, (6, 6)), "complex": draw(1, (5, 5), "complex128"),
    "cycle": CYCLE, "zero": np.zeros((3, 3)), "defective": np.eye(4) + np.eye(4, k=1),
    "nilpotent": np.eye(4, k=1), "small": 1e-200 * draw(2, (4, 4)),
    "large": 1e200 * draw(3, (4, 4)), "many": draw(6, (30, 30)),
    "graded": np.diag(10.0 ** -np.arange(0, 12, 3)) @ draw(4, (4, 4)),
    "empty": np.zeros((0, 0)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_schur(name):
    a = MATRICES[name]
    n, scale = len(a), abs(a).max(initial=0) or 1
    t, z = map(np.asarray, la.schur(a, output="complex"))
    assert t.dtype == z.dtype == "complex128"
    np.testing.assert_array_equal(np.tril(t, -1), 0)
    np.testing.assert_allclose(z.conj().T @ z, np.eye(n), atol=1e-13)
    np.testing.assert_allclose(z @ (t / scale) @ z.conj().T, a / scale, atol=1e-13)


def test_schur_of_many():
    """None fails: real and complex ones, those with small diagonals, and with equal eigenvalues."""
    a = draw(0, (400, 5, 5))
    a[100:200] = np.triu(a[100:200], 1) + 1e-8 * a[100:200]
    a[200:300] = np.round(a[200:300])
    a = a + 1j * np.where(np.arange(400) < 50, 1, 0)[:, None, None] * draw(1, (400, 5, 5))
    t, z = map(np.asarray, la.schur(a, "complex"))
    np.testing.assert_allclose(z @ t @ np.swapaxes(z, -1, -2).conj(), a, atol=1e-13)


def test_schur_of_batches_and_other_dtypes():
    a = draw(0, (2, 3, 4, 4))
    t, z = map(np.asarray, la.schur(a, "complex"))
    np.testing.assert_allclose(z @ t @ np.swapaxes(z, -1, -2).conj(), a, atol=1e-13)
    single = la.schur(a[0, 0].astype("complex64"))[0]
    assert single.dtype == "complex64"
    np.testing.assert_allclose(np.poly(np.diag(single)), np.poly(np.diag(t[0, 0])), atol=1e-4)
    unknown = la.schur(np.array([[1.0, np.nan], [0.0, 1.0]]), "complex")[0]
    assert np.isnan(np.asarray(unknown)[np.triu_indices(2)]).all()
    with pytest.raises(NotDifferentiableError, match="sqrtm"):
        ft.grad(lambda a: la.schur(a, "complex")[0].real.sum())(a[0, 0])


# ---- square roots ----

POSITIVE = draw(5, (4, 4)) @ draw(5, (4, 4)).T + np.eye(4)


@pytest.mark.parametrize("a", [
    draw(0, (6, 6)), draw(1, (5, 5), "complex128"), POSITIVE, np.diag([4.0, -9.0, 1.0]),
    np.array([[1.0, 1.0], [0.0, 1.0]]), -np.eye(3) + np.eye(3, k=1) * 0.5, np.zeros((2, 2)),
    np.zeros((0, 0))], ids=["real", "complex", "positive", "negative", "defective", "both", "zero",
                            "empty"])
def test_sqrtm(a):
    root = np.asarray(la.sqrtm(a))
    assert root.dtype == "complex128"
    np.testing.assert_allclose(root @ root, a, atol=1e-11)
    if a.size:
        assert (np.linalg.eigvals(root).real > -1e-7).all()           # the principal one
    np.testing.assert_allclose(ft.jit(lambda a: la.sqrtm(a).real)(a.real), la.sqrtm(a.real).real,
                               atol=1e-11)


def test_derivatives_of_sqrtm():
    check_grads(lambda a: la.sqrtm(a).real, (POSITIVE,), order=1)
    lanes = np.stack([POSITIVE, 2 * POSITIVE])
    got = ft.vmap(ft.grad(lambda a: la.sqrtm(a).real.sum()))(lanes)
    np.testing.assert_allclose(got[1], got[0] / np.sqrt(2), rtol=1e-9)


# ---- Sylvester's equation ----

@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_solve_sylvester(dtype):
    a, b, q = (draw(k, shape, dtype) for k, shape in enumerate([(2, 5, 5), (3, 3), (5, 3)]))
    for method in ("schur", "eigen"):
        got = np.asarray(la.solve_sylvester(a, b, q, method=method))
        assert got.dtype == dtype
        for k in range(2):
            np.testing.assert_allclose(got[k], reference.solve_sylvester(a[k], b, q), rtol=1e-8)
    if dtype == "float64":
        np.testing.assert_allclose(ft.jit(la.solve_sylvester)(a, b, q), got, rtol=1e-9)
        check_grads(la.solve_sylvester, (a[0], b, q), order=1)
    else:
        check_grads(lambda q: la.solve_sylvester(a[0], b, q * (1 + 2j)).imag, (q.real,), order=1)


@pytest.mark.parametrize("call, error, message", [
    (lambda: la.schur(np.eye(2)), NotImplementedError, "output='complex'"),
    (lambda: la.schur(np.eye(2), "upper"), ValueError, "output must be"),
    (lambda: la.sqrtm(np.ones((2, 3))), np.linalg.LinAlgError, "square"),
    (lambda: la.solve_sylvester(np.eye(2), np.eye(3), np.eye(2)), ShapeError, r"q \(m, n\)"),
    (lambda: la.solve_sylvester(np.eye(2), np.eye(2), np.eye(2), method="lu"), ValueError,
     "method must be"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
