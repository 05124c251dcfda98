"""Linear algebra against NumPy and SciPy: values, derivatives, batches, failures, all compiled."""
from __future__ import annotations

import doctest
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import DtypeError, NotDifferentiableError, ShapeError
from functrans.primitives import linalg

la = fnp.linalg
DTYPES = ("float32", "float64", "complex64", "complex128")


def draw(seed: int, shape, dtype="float64") -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.normal(size=shape)
    return values.astype(dtype)


def hermitian(a: np.ndarray) -> np.ndarray:
    return a + np.swapaxes(a.conj(), -1, -2)


def definite(a: np.ndarray) -> np.ndarray:
    return a @ np.swapaxes(a.conj(), -1, -2) + np.eye(a.shape[-1], dtype=a.dtype)


def assert_close(got, expected, factor=300.0):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape and got.dtype == expected.dtype
    if expected.dtype.kind in "fc":
        tolerance = factor * np.finfo(expected.dtype).eps
        scale = max(1.0, np.max(np.abs(expected), initial=0, where=np.isfinite(expected)))
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)
    else:
        np.testing.assert_array_equal(got, expected)


def assert_tree_close(got, expected, factor=300.0):
    for a, b in zip(ft.tree.leaves(got), expected, strict=True):
        assert_close(a, b, factor)


# ---- values ----

# name -> (function of ours, of NumPy, what is made of a square matrix)
SQUARE = {
    "inv": (la.inv, np.linalg.inv, None),
    "det": (la.det, np.linalg.det, None),
    "slogdet": (la.slogdet, np.linalg.slogdet, None),
    "cholesky": (la.cholesky, np.linalg.cholesky, definite),
    "cholesky_upper": (lambda a: la.cholesky(a, upper=True),
                       lambda a: np.swapaxes(np.linalg.cholesky(a).conj(), -1, -2), definite),
    "eigh": (la.eigh, np.linalg.eigh, hermitian),
    "eigh_lower": (lambda a: la.eigh(a, "L"), lambda a: np.linalg.eigh(a, "L"), None),
    "eigvalsh_upper": (lambda a: la.eigvalsh(a, "U"), lambda a: np.linalg.eigvalsh(a, "U"), None),
    "power": (lambda a: la.matrix_power(a, 5), lambda a: np.linalg.matrix_power(a, 5), None),
    "power_of_inverse": (lambda a: la.matrix_power(a, -2),
                         lambda a: np.linalg.matrix_power(a, -2), None),
    "power_zero": (lambda a: la.matrix_power(a, 0), lambda a: np.linalg.matrix_power(a, 0), None),
    "cond_1": (lambda a: la.cond(a, 1), lambda a: np.linalg.cond(a, 1), None),
    "hermitian_values": (lambda a: la.svd(a, compute_uv=False, hermitian=True),
                         lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True), hermitian),
    "trace": (la.trace, np.linalg.trace, None),
    "diagonal": (la.diagonal, np.linalg.diagonal, None),
}
ANY = {
    "svdvals": (la.svdvals, np.linalg.svdvals),
    "svd": (la.svd, np.linalg.svd),
    "svd_thin": (lambda a: la.svd(a, False), lambda a: np.linalg.svd(a, False)),
    "qr": (la.qr, np.linalg.qr),
    "qr_complete": (lambda a: la.qr(a, "complete"), lambda a: np.linalg.qr(a, "complete")),
    "qr_r": (lambda a: la.qr(a, "r"), lambda a: np.linalg.qr(a, "r")),
    "qr_raw": (lambda a: la.qr(a, "raw"), lambda a: np.linalg.qr(a, "raw")),
    "pinv": (la.pinv, np.linalg.pinv),
    "matrix_rank": (la.matrix_rank, np.linalg.matrix_rank),
    "cond": (la.cond, np.linalg.cond),
    "matrix_norm": (la.matrix_norm, np.linalg.matrix_norm),
    "matrix_transpose": (la.matrix_transpose, np.linalg.matrix_transpose),
}


def compare(function, reference, a, factor=300.0):
    """Un-jitted, and of two dtypes jitted; NumPy computes single precision in double."""
    wide = a.astype(np.result_type(a.dtype, np.float64))
    expected = reference(wide)
    expected = expected if isinstance(expected, tuple) else (expected,)
    narrow = [narrowed(np.asarray(part), a.dtype) for part in expected]
    assert_tree_close(function(a), narrow, factor)
    if a.dtype.name in ("float32", "complex128"):
        assert_tree_close(ft.jit(function)(a), narrow, factor)


def narrowed(part: np.ndarray, dtype) -> np.ndarray:
    if part.dtype.kind not in "fc":
        return part
    real = np.empty(0, dtype).real.dtype
    return part.astype(real if part.dtype.kind == "f" else np.result_type(real, np.complex64))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(SQUARE))
def test_square_matrices(name, dtype):
    function, reference, prepare = SQUARE[name]
    for shape in ((4, 4), (2, 3, 3), (1, 1)):
        a = draw(5, shape, dtype) + np.eye(shape[-1], dtype=dtype)
        compare(function, reference, prepare(a) if prepare else a, 3000.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ANY))
def test_rectangular_matrices(name, dtype):
    for shape in ((4, 4), (2, 3, 5), (2, 1, 4, 2)):
        compare(*ANY[name], draw(7, shape, dtype), 1000.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvalues_of_general_matrices(dtype):
    a = draw(3, (2, 4, 4), dtype)
    for compiled in (la.eig, ft.jit(la.eig)):
        values, vectors = compiled(a)
        assert values.dtype == vectors.dtype == np.result_type(dtype, np.complex64)
        assert_close(a @ np.asarray(vectors), np.asarray(vectors) * np.asarray(values)[:, None])
        assert_close(np.linalg.norm(vectors, axis=-2), np.ones((2, 4), values.real.dtype))
    compare(la.eigvals, lambda x: np.linalg.eigvals(x).astype(complex), a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("a, b", [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3, 1)),
                                  ((2, 1, 3, 3), (4, 3, 2))])
def test_solve(a, b, dtype):
    a, b = draw(1, a, dtype), draw(2, b, dtype)
    expected = np.linalg.solve(a, b)
    assert_close(la.solve(a, b), expected, 1000)
    assert_close(ft.jit(la.solve)(a, b), expected, 1000)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", ["N", "T", "C", 1])
@pytest.mark.parametrize("unit", [False, True])
def test_solve_triangular(lower, trans, unit):
    scipy = pytest.importorskip("scipy.linalg")
    for dtype, shape in (("float64", (3,)), ("complex128", (3, 2))):
        a, b = draw(1, (3, 3), dtype) + 2 * np.eye(3), draw(2, shape, dtype)
        expected = scipy.solve_triangular(a, b, lower=lower, trans=trans, unit_diagonal=unit)

        def function(a, b):
            return la.solve_triangular(a, b, lower=lower, trans=trans, unit_diagonal=unit)
        assert_close(function(a, b), expected)
        assert_close(ft.jit(function)(a, b), expected)


ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_norms_of_matrices(order, dtype):
    a = draw(4, (2, 3, 4), dtype)
    for axis, keepdims in (((1, 2), False), ((0, -1), True), ((2, 0), False)):
        expected = np.linalg.norm(a, order, axis, keepdims)
        assert_close(la.norm(a, order, axis, keepdims), expected)
        compiled = ft.jit(la.norm, static_argnums=(1, 2, 3))
        assert_close(compiled(a, order, axis, keepdims), expected)
    if order is not None:
        assert_close(la.matrix_norm(a, ord=order), np.linalg.matrix_norm(a, ord=order))
    zero = np.zeros((2, 3))
    assert np.isfinite(ft.grad(lambda x: la.norm(x, order))(zero)).all()


@pytest.mark.filterwarnings("ignore:divide by zero")             # NumPy's own
@pytest.mark.parametrize("order", [None, 2, 1, 0, 3, 0.5, -1, -2.5, np.inf, -np.inf])
def test_norms_of_vectors(order):
    x = draw(4, (3, 4))
    x[0, 1] = 0
    for axis in (0, -1):
        for keepdims in (False, True):
            assert_close(la.norm(x, order, axis, keepdims),
                         np.linalg.norm(x, order, axis, keepdims))
    if order is not None:
        assert_close(la.vector_norm(x, ord=order), np.linalg.vector_norm(x, ord=order))
        assert_close(la.vector_norm(x, ord=order, axis=(0, 1), keepdims=True),
                     np.linalg.vector_norm(x, ord=order, axis=(0, 1), keepdims=True))
    if order in (None, 2, 1, 3):
        assert np.isfinite(ft.grad(lambda x: la.norm(x, order))(np.zeros(3))).all()
    assert np.isnan(la.norm(np.array([1.0, np.nan]), order)) or order == 0


def test_norm_of_all_elements():
    x = draw(4, (2, 3, 4))
    assert_close(la.norm(x), np.linalg.norm(x))
    assert_close(la.norm(x, keepdims=True), np.linalg.norm(x, keepdims=True))
    np.testing.assert_array_equal(ft.grad(la.norm)(np.zeros((2, 2))), np.zeros((2, 2)))


def test_least_squares():
    a, b = draw(1, (5, 3)), draw(2, (5, 2))
    for args in ((a, b), (a, b[:, 0]), (a.T, b[:3])):
        x, residuals, rank, values = np.linalg.lstsq(*args)
        expected = x, residuals, np.int64(rank), values
        assert_tree_close(la.lstsq(*args), expected, 3000)
        assert_tree_close(ft.jit(la.lstsq)(*args), expected, 3000)
    low = a.copy()
    low[:, 2] = low[:, 0]
    x, residuals, rank, values = la.lstsq(low, b)
    expected = np.linalg.lstsq(low, b)
    assert_close(x, expected[0], 3000)
    assert residuals.shape == (0,) and rank == 2
    assert ft.jit(la.lstsq)(low, b)[1].shape == (2,)


def test_pseudoinverse_of_low_rank():
    a = draw(1, (4, 2)) @ draw(2, (2, 3))
    assert_close(la.pinv(a), np.linalg.pinv(a), 3000)
    assert_close(la.pinv(a, rcond=0.5), np.linalg.pinv(a, rcond=0.5), 3000)
    ratio = np.array([0.0, 0.9])
    assert_close(la.pinv(np.stack([a, a]) + np.eye(4, 3), rtol=ratio),
                 np.linalg.pinv(np.stack([a, a]) + np.eye(4, 3), rtol=ratio), 3000)
    assert la.pinv(np.zeros((0, 3))).shape == (3, 0)


def test_ranks():
    a = draw(1, (4, 2)) @ draw(2, (2, 3))
    assert la.matrix_rank(a) == 2 and la.matrix_rank(np.zeros((2, 3, 4))).tolist() == [0, 0]
    assert la.matrix_rank(np.ones(3)) == 1 and la.matrix_rank(np.zeros(3)) == 0
    assert la.matrix_rank(np.diag([1.0, 0.1, 1e-4]), tol=0.01) == 2
    assert la.matrix_rank(np.diag([1.0, 0.1, 1e-4]), rtol=0.5) == 1
    assert la.matrix_rank(np.diag([1.0, -1.0, 0.0]), hermitian=True) == 2


def test_tensor_systems():
    a, b = draw(1, (2, 3, 6)), draw(2, (2, 3))
    assert_close(la.tensorsolve(a, b), np.linalg.tensorsolve(a, b), 3000)
    moved = np.moveaxis(a, 2, 0)
    assert_close(la.tensorsolve(moved, b, axes=(0,)), np.linalg.tensorsolve(moved, b, axes=(0,)),
                 3000)
    assert_close(la.tensorinv(a), np.linalg.tensorinv(a), 3000)
    assert_close(la.tensorinv(draw(3, (6, 2, 3)), ind=1),
                 np.linalg.tensorinv(draw(3, (6, 2, 3)), ind=1), 3000)


@given(st.lists(st.integers(1, 6), min_size=3, max_size=6), st.booleans(), st.booleans())
def test_chains_of_products(sizes, row, column):
    factors = [draw(k, pair) for k, pair in enumerate(zip(sizes, sizes[1:]))]
    factors[0] = factors[0][0] if row else factors[0]
    factors[-1] = factors[-1][:, 0] if column and len(factors) > 1 else factors[-1]
    if factors[-1].ndim == 1 and len(factors) == 1:
        return
    assert_close(la.multi_dot(factors), np.linalg.multi_dot(factors))


def test_multi_dot_multiplies_in_the_cheap_order():
    program = ft.make_ir(lambda *xs: la.multi_dot(xs))(
        np.ones((2, 50)), np.ones((50, 50)), np.ones((50, 1)), np.ones((1, 50)))
    shapes = [eq.outputs[0].type.shape for eq in program.equations
              if eq.primitive.name == "dot_general"]
    assert (50, 50) not in shapes


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_exponential(scale, dtype):
    scipy = pytest.importorskip("scipy.linalg")
    a = draw(1, (2, 4, 4), dtype) * np.dtype(dtype).type(scale)
    a = a - np.swapaxes(a.conj(), -1, -2) if scale > 10 else a       # or it would be huge
    expected = scipy.expm(a.astype(np.result_type(dtype, np.float64))).astype(dtype)
    assert_close(la.expm(a), expected, 3000)
    assert_close(ft.jit(la.expm)(a), expected, 3000)
    assert_close(ft.vmap(la.expm)(a), expected, 3000)


def test_derivative_of_the_exponential():
    scipy = pytest.importorskip("scipy.linalg")
    a, step = draw(1, (4, 4)) * 3, draw(2, (4, 4))
    expected = scipy.expm_frechet(a, step, compute_expm=False)
    assert_close(ft.jvp(la.expm, (a,), (step,))[1], expected, 3000)
    gradient = ft.jit(ft.grad(lambda x: (la.expm(x) * step).sum()))(a)
    assert_close(gradient, scipy.expm_frechet(a.T, step, compute_expm=False), 3000)


def test_empty_matrices():
    assert la.det(np.zeros((2, 0, 0))).tolist() == [1.0, 1.0]
    assert la.inv(np.zeros((0, 0))).shape == (0, 0)
    assert ft.jit(la.solve)(np.zeros((0, 0)), np.zeros((0, 2))).shape == (0, 2)
    u, s, vh = ft.jit(la.svd)(np.zeros((0, 3)))
    assert (u.shape, s.shape) == ((0, 0), (0,))
    np.testing.assert_array_equal(vh, np.eye(3))
    assert la.cholesky(np.zeros((3, 0, 0))).shape == (3, 0, 0)
    assert la.qr(np.zeros((3, 0))).Q.shape == (3, 0)
    assert la.eigvalsh(np.zeros((0, 2, 2))).shape == (0, 2)


def test_integers_and_lists():
    assert la.inv([[2, 0], [0, 4]]).dtype == "float32"
    assert la.norm([3, 4]) == 5
    assert la.matrix_power(np.array([[1, 1], [1, 0]]), 10).tolist() == [[89, 55], [55, 34]]
    assert la.det(np.array([[1, 2], [3, 4]])) == pytest.approx(-2)


# ---- what NumPy's protocols and methods make of it ----

def test_numpy_functions_on_tracers():
    a = draw(1, (3, 3))
    assert_close(ft.jit(lambda x: np.linalg.inv(x) @ np.linalg.eigh(x + x.T)[1])(a),
                 np.linalg.inv(a) @ np.linalg.eigh(a + a.T)[1], 3000)


# ---- failures ----

BAD = np.stack([np.eye(3), np.diag([1.0, 0.0, 1.0]), np.diag([1.0, -1.0, 1.0])])


@pytest.mark.parametrize("call", [
    lambda: la.inv(BAD), lambda: la.solve(BAD[1], np.ones(3)), lambda: la.cholesky(BAD),
    lambda: la.cholesky(np.full((2, 2), np.nan)), lambda: la.eigh(np.full((2, 2), np.nan)),
    lambda: la.svd(np.full((2, 2), np.nan)), lambda: la.eigvals(np.full((2, 2), np.nan)),
    lambda: la.inv(np.ones((2, 3))), lambda: la.det(np.ones(3)), lambda: la.eig(1.0),
    lambda: la.tensorinv(np.ones((2, 3))), lambda: la.lstsq(np.ones((2, 2, 2)), np.ones(2)),
    lambda: la.multi_dot([np.ones((2, 2)), np.ones((2, 2, 2))]),
    lambda: la.matrix_power(np.ones((2, 3)), 2),
    lambda: la.tensorsolve(np.ones((2, 3)), np.ones(2)),
])
def test_failures_raise_as_numpy_does(call):
    with pytest.raises(np.linalg.LinAlgError):
        call()


@pytest.mark.parametrize("function, failed", [
    (la.inv, [1]), (lambda a: la.solve(a, np.ones((3, 1))), [1]), (la.cholesky, [1, 2])])
def test_under_jit_a_failure_gives_nan_for_its_matrix_alone(function, failed):
    for target in ("cpu", "reference"):
        out = np.asarray(ft.jit(function, device=target)(BAD))
        assert [k for k in range(3) if np.isnan(out[k]).all()] == failed
        assert np.isfinite(np.delete(out, failed, 0)).all()
    assert np.isnan(ft.vmap(function)(BAD)[failed[0]]).all()


@pytest.mark.parametrize("function", [la.eigh, la.svd, la.eig, la.eigvalsh, la.svdvals])
def test_nan_in_one_matrix_leaves_the_others(function):
    bad = np.stack([np.eye(3), np.full((3, 3), np.nan)])
    for out in ft.tree.leaves(ft.jit(function)(bad)):
        assert np.isnan(out[1]).all() and np.isfinite(out[0]).all()


@pytest.mark.parametrize("call, error, message", [
    (lambda: la.solve(np.eye(2), np.ones(3)), ShapeError, "b must have 2 rows"),
    (lambda: la.solve(np.ones((2, 2, 2)), np.ones((3, 2, 1))), ShapeError, "leading axes"),
    (lambda: la.inv(np.eye(2, dtype="float16")), DtypeError, "not of float16"),
    (lambda: la.norm(np.ones((2, 2)), "nope"), ValueError, "'nope'"),
    (lambda: la.norm(np.ones(2), "fro"), ValueError, "no norm of vectors"),
    (lambda: la.norm(np.ones((2, 2, 2)), 2), ValueError, "axis must be"),
    (lambda: la.qr(np.eye(2), "other"), ValueError, "mode must be"),
    (lambda: la.eigh(np.eye(2), "X"), ValueError, "UPLO"),
    (lambda: la.matrix_power(np.eye(2), 1.5), TypeError, "n must be an int"),
    (lambda: la.multi_dot([np.eye(2)]), ValueError, "at least two"),
    (lambda: la.outer(np.eye(2), np.ones(2)), ValueError, "vectors"),
    (lambda: la.cross(np.ones(2), np.ones(2)), ValueError, "three elements"),
    (lambda: la.pinv(np.eye(2), rcond=1.0, rtol=1.0), ValueError, "not both"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("function", [
    la.eigvals, lambda a: la.eig(a)[1], lambda a: la.qr(a[:, :1], "complete").Q,
    lambda a: la.svd(a[:, :1])[0], lambda a: la.qr(a, "raw")[0]])
def test_what_has_no_derivative_says_so(function):
    with pytest.raises(NotDifferentiableError, match="derivative"):
        ft.grad(lambda a: fnp.abs(function(a)).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]))


# ---- derivatives of what does not depend on a choice ----

def smooth(vectors, values):
    """A function of eigenvectors, whatever their phases."""
    weights = np.arange(1.0, 4.0)
    return fnp.real((vectors * weights) @ fnp.conj(vectors).mT * fnp.exp(0.1 * values)[..., None])


INVARIANT = {
    "eigh": lambda a: smooth(*la.eigh(a)[::-1]),
    "svd": lambda a: smooth(*la.svd(a)[:2]) + smooth(la.svd(a).Vh.mT, la.svdvals(a)),
    "qr": lambda a: fnp.real(la.qr(a).Q * 2 + la.qr(a).R),
    "cholesky": lambda a: fnp.abs(la.cholesky(a @ fnp.conj(a).mT + 2 * np.eye(3))),
    "solve": lambda a: fnp.abs(la.solve(a, a @ a.mT + np.eye(3))),
    "det": lambda a: fnp.abs(la.det(a)),
    "slogdet": lambda a: fnp.real(la.slogdet(a)[0]) + la.slogdet(a)[1],
    "pinv": lambda a: fnp.real(la.pinv(a[:, :2]) * 3),
    "lstsq": lambda a: fnp.real(la.lstsq(a[:, :2], a[:, 2])[0]),
    "expm": lambda a: fnp.real(la.expm(0.3 * a)),
    "power": lambda a: fnp.real(la.matrix_power(a, -3)),
    "nuclear": lambda a: la.norm(a, "nuc"),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", sorted(INVARIANT))
def test_derivatives(name, dtype):
    """Forward against differences, reverse and the second order against forward; compiled."""
    function = INVARIANT[name]
    a = draw(11, (3, 3), dtype) + np.eye(3)
    step, other = draw(12, (3, 3), dtype), draw(13, (3, 3), dtype)

    slope = ft.jvp(function, (a,), (step,))[1]
    h = 1e-6
    rise = np.asarray(function(a + h * step)) - np.asarray(function(a - h * step))
    np.testing.assert_allclose(slope, rise / (2 * h), rtol=2e-6, atol=2e-6)

    def total(x):
        return (function(x) ** 2).sum()

    def along(x):
        return ft.jvp(total, (x,), (step,))[1]
    gradient = np.asarray(ft.grad(total)(a))
    assert np.sum(gradient * step).real == pytest.approx(float(along(a)), rel=1e-8)
    curved = float(ft.jvp(along, (a,), (other,))[1])
    twice = np.asarray(ft.grad(along)(a))
    assert np.sum(twice * other).real == pytest.approx(curved, rel=1e-6)
    if dtype == "float64":
        np.testing.assert_allclose(ft.jit(ft.grad(along))(a), twice, rtol=1e-7, atol=1e-7)
    else:
        lanes = np.stack([a, a + 0.1 * step])
        got = np.asarray(ft.jit(ft.vmap(ft.grad(total)))(lanes))
        np.testing.assert_allclose(got[0], gradient, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(got[1], ft.grad(total)(lanes[1]), rtol=1e-7, atol=1e-7)


def test_equal_eigenvalues():
    """What does not depend on the choice of vectors has its gradient where values are equal."""
    a = np.diag([2.0, 2.0, 5.0])

    def log(x):
        values, vectors = la.eigh(x)
        return vectors * fnp.log(values) @ vectors.T
    step = hermitian(draw(1, (3, 3)))
    got = np.asarray(ft.jvp(log, (a,), (step,))[1])
    h = 1e-6
    expected = (np.asarray(log(a + h * step)) - np.asarray(log(a - h * step))) / (2 * h)
    inside = np.ix_([0, 1], [0, 1])
    np.testing.assert_allclose(np.trace(got[inside]), np.trace(expected[inside]), rtol=1e-5)
    np.testing.assert_allclose(got[2], expected[2], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ft.grad(lambda x: la.eigvalsh(x).sum())(np.eye(3)), np.eye(3),
                               atol=1e-12)
    assert np.isfinite(ft.grad(lambda x: la.svd(x)[0].sum())(np.eye(3))).all()


def test_gradients_of_symmetric_functions_are_symmetric():
    a = definite(draw(1, (3, 3)))
    for function in (lambda x: la.cholesky(x).sum(), lambda x: la.eigh(x)[1][0].sum()):
        gradient = np.asarray(ft.grad(function)(a))
        np.testing.assert_allclose(gradient, gradient.T, atol=1e-12)
    lower = ft.grad(lambda x: la.cholesky(x, symmetrize_input=False).sum())(a)
    np.testing.assert_array_equal(np.triu(lower, 1), np.zeros((3, 3)))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_determinants_of_singular_matrices_have_gradients(n):
    a = draw(1, (n, n))
    a[:, -1] = a[:, 0]
    cofactors = np.array([[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))
                           for j in range(n)] for i in range(n)])
    np.testing.assert_allclose(ft.grad(la.det)(a), cofactors, atol=1e-10)
    np.testing.assert_allclose(ft.jit(ft.grad(la.det))(a), cofactors, atol=1e-10)
    np.testing.assert_array_equal(ft.grad(la.det)(np.zeros((n, n))), np.zeros((n, n)))


def test_triangular_gradient_stays_in_the_triangle():
    a, b = draw(1, (3, 3)) + 3 * np.eye(3), draw(2, (3,))
    gradient = ft.grad(lambda a: la.solve_triangular(a, b, lower=True).sum())(a)
    np.testing.assert_array_equal(np.triu(gradient, 1), np.zeros((3, 3)))


def test_examples_in_docstrings():
    for module in pkgutil.iter_modules(la.__path__):
        assert not doctest.testmod(import_module(f"{la.__name__}.{module.name}")).failed
    assert not doctest.testmod(fnp.fft).failed


def test_every_public_function_has_an_example():
    for space in (la, fnp.fft):
        names = [name for name in space.__all__ if name not in ("LinAlgError", "matmul")]
        assert not [name for name in names if ">>>" not in (getattr(space, name).__doc__ or "")]


def test_the_documents_example():
    text = (Path(__file__).parents[2] / "docs" / "linalg.md").read_text()
    scope: dict = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(code, scope)
    assert scope["gradient"].shape == (2, 2)


# ---- compiled code ----

def test_the_factors_are_shared():
    """A system and its gradient factor the matrix once."""
    from lowering.library import LibraryCalls
    from lowering.native import lapack
    from lowering.targets.cpu import compile_for_cpu
    if not lapack.available():
        pytest.skip("NumPy has no library to call here")

    def loss(a, b):
        return (la.solve(a, b) ** 2).sum()
    lowered = ft.jit(ft.grad(loss, (0, 1))).lower(draw(1, (3, 3)), draw(2, (3,)))
    plan = compile_for_cpu(lowered.program, ()).plan
    names = [call.name for step in plan.steps if isinstance(step, LibraryCalls)
             for call, _ in step.calls]
    assert sorted(names) == ["getrf", "getrs", "getrs"]


def test_without_a_library(monkeypatch):
    """The host computes, by NumPy, where there is no library to call."""
    from lowering.native import blas
    monkeypatch.setattr(blas, "library", lambda: None)
    a = draw(1, (2, 3, 3))
    assert_tree_close(ft.jit(lambda x: la.svd(x))(a), np.linalg.svd(a))
    assert_close(ft.jit(lambda x: la.solve(x, x))(a), np.linalg.solve(a, a))
    assert np.isnan(ft.jit(lambda x: la.cholesky(x))(-a @ a.mT)).all()


def test_a_library_with_narrow_integers(monkeypatch):
    """Libraries with 32-bit integers, such as scipy-openblas32 brings along."""
    pytest.importorskip("scipy_openblas32")
    from lowering.native import blas
    monkeypatch.setattr(blas, "_numpy_libraries", lambda: ())
    library = blas.library.__wrapped__()
    assert library.integer is np.int32
    monkeypatch.setattr(blas, "library", lambda: library)
    a, b = draw(1, (3, 4, 4)), draw(2, (3, 4, 2))
    assert_close(ft.jit(lambda a, b: la.solve(a, b))(a, b), np.linalg.solve(a, b), 1000)
    assert_close(ft.jit(lambda a: la.det(a))(a), np.linalg.det(a), 1000)
    assert_tree_close(ft.jit(lambda a: la.svd(a))(a), np.linalg.svd(a), 1000)
    lu, pivots, order = ft.jit(lambda a: linalg.lu(a))(a)
    np.testing.assert_array_equal(order, linalg.lu(fnp.asarray(a))[2])
    np.testing.assert_array_equal(pivots, linalg.lu(fnp.asarray(a))[1])


def test_inside_a_loop():
    a = draw(1, (3, 3)) + 3 * np.eye(3)

    def newton(a):
        """The inverse square root, step by step."""
        return ft.lax.fori_loop(0, 8, lambda k, x: 0.5 * (x + la.solve(x, np.eye(3)) @ a), a)
    root = np.asarray(ft.jit(newton)(a))
    np.testing.assert_allclose(root @ root, a, rtol=1e-6, atol=1e-6)
    gradient = ft.jit(ft.grad(lambda a: newton(a).sum()))(a)
    h = 1e-6
    differences = (newton(a + h * np.eye(3)).sum() - newton(a - h * np.eye(3)).sum()) / (2 * h)
    assert np.trace(gradient) == pytest.approx(float(differences), rel=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_compiled_derivatives_of_svd_know_equal_numbers(seed):
    """A gap of a singular value to itself is zero, even where products are fused with sums."""
    a, da = np.random.default_rng(seed).normal(size=(2, 2, 2))

    def squares(a):
        u, s, vh = la.svd(a)
        return u * u, s, vh * vh
    for found, wanted in zip(ft.tree.leaves(ft.jvp(ft.jit(squares, device="cpu"), (a,), (da,))),
                             ft.tree.leaves(ft.jvp(squares, (a,), (da,))), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11)
