"""SciPy's linear algebra against SciPy."""
from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest

import functrans as ft
from functrans.errors import ShapeError
from functrans.testing import check_grads

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


def test_matrices_of_vectors():
    a, b = draw(0, (2, 3), "float64"), draw(1, (1, 2), "float64")
    agree(la.block_diag, reference.block_diag(a, b), a, b)
    agree(lambda: la.block_diag(1.0, [2.0, 3.0]), reference.block_diag(1, [2, 3]))
    agree(la.toeplitz, reference.toeplitz(a[0]), a[0])
    agree(la.toeplitz, reference.toeplitz(a[0], b[0]), a[0], b[0])
    for n in range(1, 8):
        c = draw(n, (n,), "complex128")
        for name in ("circulant", "toeplitz", "hankel", "fiedler"):
            agree(getattr(la, name), getattr(reference, name)(c), c)
        if n > 1:
            for name in ("companion", "fiedler_companion"):
                agree(getattr(la, name), getattr(reference, name)(c), c)
            agree(la.leslie, reference.leslie(c, c[1:]), c, c[1:])
        for m in (1, 4):
            d = draw(m, (m,), "complex128")
            agree(la.hankel, reference.hankel(c, d), c, d)
            for mode in ("full", "same", "valid"):
                agree(lambda c, m=m, mode=mode: la.convolution_matrix(c, m, mode),
                      reference.convolution_matrix(c, m, mode), c)


def test_matrices_of_batches():
    c, r = draw(0, (3, 4), "float64"), draw(1, (2,), "float64")
    for function in (la.circulant, la.companion, la.fiedler, la.toeplitz, la.hankel,
                     lambda c: la.convolution_matrix(c, 3)):
        np.testing.assert_array_equal(function(c), np.stack([function(row) for row in c]))
        np.testing.assert_array_equal(ft.vmap(function)(c), function(c))
    np.testing.assert_array_equal(la.toeplitz(c, r)[1], reference.toeplitz(c[1], r))
    check_grads(lambda c, r: (la.toeplitz(c, r), la.companion(c[0])), (c, r), order=2)


@pytest.mark.parametrize("n", range(1, 8))
def test_matrices_of_a_size(n):
    for name in ("hilbert", "invhilbert", "pascal", "invpascal", "dft"):
        got, want = getattr(la, name)(n), getattr(reference, name)(n)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
    for kind in ("lower", "upper"):
        for name in ("pascal", "invpascal"):
            np.testing.assert_array_equal(getattr(la, name)(n, kind),
                                          getattr(reference, name)(n, kind))
            assert getattr(la, name)(n, kind, False).dtype == "float32"
    np.testing.assert_array_equal(la.invhilbert(n, True), reference.invhilbert(n, True))
    np.testing.assert_allclose(la.helmert(n, True), reference.helmert(n, True), atol=1e-6)
    for scale in ("sqrtn", "n"):
        np.testing.assert_allclose(la.dft(n, scale), reference.dft(n, scale), atol=1e-6)
    np.testing.assert_array_equal(la.hadamard(2 ** n), reference.hadamard(2 ** n))


@pytest.mark.parametrize("dtype", DTYPES)
def test_hessenberg(dtype):
    for n in (1, 3, 5):
        a = draw(n, (2, n, n), dtype)
        h, q = map(np.asarray, la.hessenberg(a, calc_q=True))
        np.testing.assert_allclose(q @ h @ np.swapaxes(q, -1, -2).conj(), a, atol=1e-12)
        np.testing.assert_array_equal(np.tril(h, -2), 0)
        agree(la.hessenberg, h[0], a[0])
        if n > 2:
            np.testing.assert_allclose(h[0], reference.hessenberg(a[0]), atol=1e-12)


def test_eigh_tridiagonal():
    d, e = draw(0, (5,), "float64"), draw(1, (4,), "float64")
    agree(lambda d, e: la.eigh_tridiagonal(d, e, True), reference.eigh_tridiagonal(d, e, True),
          d, e)
    values, vectors = map(np.asarray, la.eigh_tridiagonal(d, e, select="i", select_range=(1, 3)))
    want = reference.eigh_tridiagonal(d, e, select="i", select_range=(1, 3))
    np.testing.assert_allclose(values, want[0])
    np.testing.assert_allclose(abs(vectors), abs(want[1]), rtol=1e-8)
    check_grads(lambda d, e: la.eigh_tridiagonal(d, e, True), (d, e), order=2)


def test_expm():
    a = draw(0, (2, 3, 3), "float64")
    agree(la.expm, reference.expm(a), a)
    agree(lambda a: la.expm(a, upper_triangular=True), reference.expm(np.triu(a)), a)
    large = np.stack([a[0], 1e3 * a[1]])
    got = np.asarray(la.expm(large, max_squarings=2))
    assert np.isfinite(got[0]).all() and np.isnan(got[1]).all()


def test_keywords_of_no_effect():
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    assert la.det(a, True, False) == np.linalg.det(a)
    np.testing.assert_array_equal(la.inv(a, overwrite_a=True), la.inv(a))
    np.testing.assert_array_equal(la.solve(a, a, debug=True), la.solve(a, a))
    np.testing.assert_array_equal(la.solve_triangular(a, a, debug=True), la.solve_triangular(a, a))
    np.testing.assert_array_equal(la.eigh(a, None, True, True, turbo=False, type=1),
                                  la.eigvalsh(a))
    np.testing.assert_array_equal(la.polar(a, method="qdwh", eps=1e-3)[0], la.polar(a)[0])


@pytest.mark.parametrize("call, error, message", [
    (lambda: la.qr(np.eye(2), pivoting=True), NotImplementedError, "pivoting"),
    (lambda: la.qr(np.eye(2), mode="raw"), ValueError, "mode must be"),
    (lambda: la.solve(np.eye(2), np.ones(2), assume_a="odd"), ValueError, "assume_a"),
    (lambda: la.polar(np.eye(2), "up"), ValueError, "side"),
    (lambda: la.eigh(np.eye(2), subset_by_index=[0, 0]), NotImplementedError, "subset_by_index"),
    (lambda: la.eigh(np.eye(2), type=2), NotImplementedError, "type=2"),
    (lambda: la.polar(np.eye(2), method="newton"), ValueError, "method"),
    (lambda: la.eigh_tridiagonal(np.ones(2), np.ones(2)), ShapeError, "n - 1"),
    (lambda: la.eigh_tridiagonal(np.ones(2), np.ones(1), select="v"), NotImplementedError, "lie"),
    (lambda: la.eigh_tridiagonal(np.ones(2), np.ones(1), select="i", select_range=(0, 2)),
     ValueError, "within 0 and 1"),
    (lambda: la.companion(np.ones(1)), ShapeError, "at least 2"),
    (lambda: la.leslie(np.ones(2), np.ones(2)), ShapeError, "n - 1"),
    (lambda: la.fiedler_companion(np.ones((2, 2))), ShapeError, "takes a vector"),
    (lambda: la.convolution_matrix(np.ones(2), 0), ValueError, "n must be positive"),
    (lambda: la.convolution_matrix(np.ones(2), 2, "all"), ValueError, "mode must be"),
    (lambda: la.hadamard(3), ValueError, "power of two"),
    (lambda: la.dft(3, "m"), ValueError, "scale must be"),
    (lambda: la.pascal(3, "left"), ValueError, "kind must be"),
    (lambda: la.pascal(40), ValueError, "exact=False"),
    (lambda: la.block_diag(np.ones((2, 2, 2))), ShapeError, "argument 0"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    for module in pkgutil.iter_modules(la.__path__):
        assert not doctest.testmod(import_module(f"{la.__name__}.{module.name}")).failed
