"""Shapes, sorting, products and matrices of `lax`, by NumPy and by JAX."""
from __future__ import annotations

import numpy as np
import pytest
from lax_oracle import follows_all, normal, same

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.testing import check_grads

X = normal(2, 3)
TALL = normal(2, 1, 3)

CALLS = {
    "broadcast": (X, (4, 1)), "broadcast_in_dim": (X, (2, 5, 3), (0, 2)),
    "broadcast_to_rank": (X, 4), "reshape": (X, (3, 2)), "transpose": (X, (1, 0)),
    "squeeze": (TALL, (1,)), "expand_dims": (X, (0, 3)), "collapse": (TALL, 1), "rev": (X, (0, 1)),
    "tile": (X, (2, 3)), "slice": (X, (0, 1), (2, 3), (1, 2)), "split": (X, (1, 2), 1),
    "unstack": (X, 1), "top_k": (X, 2), "cumsum": (X, 1), "cumprod": (X,), "cummax": (X, 1, True),
    "cummin": (X,), "cumlogsumexp": (X, 1, True), "argmax": (X, 1, "int32"),
    "argmin": (X, 0, "int64"), "reduce_sum": (X, (1,)), "reduce_prod": (X, (0, 1)),
    "reduce_max": (X, (0,)), "reduce_min": (X, ()), "reduce_and": (X > 0, (1,)),
    "reduce_or": (X > 0, (1,)), "reduce_xor": (np.array([[5, 3], [9, 1]]), (0,)),
    "full": ((2,), 3.5, "int32"), "full_like": (X, 2), "iota": ("float32", 4),
    "broadcasted_iota": ("int32", (2, 3), 1), "broadcast_shapes": ((2, 1), (3,)),
    "dot": (X, normal(3, seed=1)), "batch_matmul": (TALL, normal(2, 3, 4)),
    "padtype_to_pads": ((5, 6), (2, 4), (2, 3), "SAME")}


@pytest.mark.parametrize("name", CALLS)
def test_calls_give_what_jax_gives(jax, name):
    same(getattr(lax, name)(*CALLS[name]), getattr(jax.lax, name)(*CALLS[name]))


def test_several_arrays(jax):
    for axis in (0, 1):
        same(lax.concatenate([X, X + 1], axis), jax.lax.concatenate([X, X + 1], axis))
        same(lax.stack([X, X + 1], axis), np.stack([X, X + 1], axis))
    same(lax.reshape(X, (6,), dimensions=(1, 0)), X.T.reshape(6))
    assert lax.empty((2, 3), np.int32).dtype == np.int32


@pytest.mark.parametrize("config", [
    [(1, 2, 0), (0, 0, 2)], [(-1, 0, 1), (2, -1, 0)], [(0, -2, 0), (-1, -1, 1)]], ids=str)
def test_padding(jax, config):
    same(lax.pad(X, 7.0, config), jax.lax.pad(X, np.float64(7), config))
    follows_all(lambda x: lax.pad(x, 7.0, config), X)
    value = fnp.asarray(2.0, fnp.float64)
    check_grads(lambda v: lax.pad(X, v, config), (value,), order=1)


@pytest.mark.parametrize("call, message", [
    (lambda: lax.concatenate([X, X > 0], 0), "one dtype"),
    (lambda: lax.pad(X, np.int32(0), [(0, 0, 0)] * 2), "padding_value must be of the operand's"),
    (lambda: lax.pad(X, 0.0, [(0, 0, 0)]), "an entry for each axis"),
    (lambda: lax.split(X, (1, 1), 1), "must add up to 3"),
    (lambda: lax.squeeze(X, (0,)), "not all of size 1"),
    (lambda: lax.transpose(X, (0, 0)), "comes twice"),
    (lambda: lax.transpose(X, (0,)), "must have 2 entries"),
    (lambda: lax.slice(X, (0, 0), (2, 4)), "outside of an axis"),
    (lambda: lax.broadcast_in_dim(X, (2, 3), (0, 2)), "are not axes of shape"),
    (lambda: lax.broadcast_in_dim(X, (3, 3), (0, 1)), "cannot broadcast"),
    (lambda: lax.top_k(X, 4), "must be between 0 and 3"),
    (lambda: lax.sort([X, X[0]]), "one shape"),
    (lambda: lax.sort([X, X], num_keys=3), "num_keys=3"),
    (lambda: lax.dot(X, X), "vectors and matrices that fit"),
    (lambda: lax.dot(X, np.arange(3)), "one dtype"),
    (lambda: lax.dot_general(X, X, (((0,), ()), ((), ()))), "in pairs"),
    (lambda: lax.dot_general(X, X, (((0,), (0,)), ((0,), (0,)))), "both summed over"),
    (lambda: lax.dot_general(X[None], TALL, (((2,), (2,)), ((0,), (0,)))), "differ in size"),
    (lambda: lax.pad(X, 0.0, [(-3, 0, 0), (0, 0, 0)]), "widths"),
    (lambda: lax.linalg.triangular_solve(np.eye(2), np.ones((2, 3))), "do not fit"),
    (lambda: lax.linalg.symmetric_product(X, X), "of the shape of A A"),
    (lambda: lax.batch_matmul(X, TALL), "equal numbers of batch axes"),
    (lambda: lax.linalg.cholesky(X), "square matrices"),
    (lambda: lax.collapse(X, 1, 1), "there are no axes"),
], ids=lambda x: x if isinstance(x, str) else "")
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


# ---- sorting ----

def test_sorting(jax):
    keys, values = np.array([[3, 1, 3, 1], [2, 2, 0, 2]]), normal(2, 4)
    for dimension in (0, 1, -1):
        same(lax.sort(keys, dimension), np.sort(keys, dimension))
        for count in (1, 2):
            same(lax.sort((keys, values), dimension, num_keys=count),
                 jax.lax.sort((keys, values), dimension, num_keys=count))
    same(lax.sort_key_val(keys, values), jax.lax.sort_key_val(keys, values))
    follows_all(lambda x: lax.sort_key_val(x, x * x)[1], values)


def test_top_k_counts_nan_and_keeps_order(jax):
    x = np.array([1.0, 3, np.nan, 3, -np.inf, 3])
    for k in (0, 1, 3, 6):
        same(lax.top_k(x, k), jax.lax.top_k(x, k))
    same(lax.top_k(normal(4, 3), 2, axis=0), jax.lax.top_k(normal(4, 3), 2, axis=0))
    follows_all(lambda x: lax.top_k(x, 2)[0], normal(5))


# ---- products ----

@pytest.mark.parametrize("numbers", [
    (((2,), (1,)), ((0,), (0,))), (((1, 2), (2, 1)), ((), ())), (((), ()), ((0,), (0,)))], ids=str)
def test_dot_general(jax, numbers):
    x, y = normal(2, 3, 4), normal(2, 4, 3, seed=1)
    same(lax.dot_general(x, y, numbers), jax.lax.dot_general(x, y, numbers))
    follows_all(lambda x, y: lax.dot_general(x, y, numbers), x, y)


def test_preferred_dtypes():
    x = np.full((2, 200), 100, np.int8)
    out = lax.dot_general(x, x, (((1,), (1,)), ((), ())), preferred_element_type=np.int32)
    same(out, np.full((2, 2), 2000000, np.int32))
    assert lax.dot(X, X.T, preferred_element_type=np.float32).dtype == np.float32


@pytest.mark.parametrize("precision", [None, "highest", lax.Precision.HIGHEST])
def test_precision_changes_nothing(precision):
    same(lax.dot(X, X.T, precision=precision), X @ X.T)


@pytest.mark.parametrize("kind, lengths", [
    ("FFT", (3,)), ("ifft", (2, 3)), ("RFFT", (3,)), ("RFFT", (2, 3)), ("IRFFT", (4,)),
    ("IRFFT", (2, 5)), ("FFT", ())])
def test_fourier_transforms(jax, kind, lengths):
    x = X if kind == "RFFT" else X + 1j * normal(2, 3, seed=9)
    same(lax.fft(x, kind, lengths), jax.lax.fft(x, getattr(jax.lax.FftType, kind.upper()), lengths))
    same(lax.fft(x, lax.FftType[kind.upper()], lengths), lax.fft(x, kind, lengths))


@pytest.mark.parametrize("arguments, message", [
    ((X, "FFT", (3,)), "takes complex"), ((X + 0j, "RFFT", (3,)), "takes real"),
    ((X, "RFFT", (4,)), r"last axes have sizes \(4,\)"), ((X, "DCT", (3,)), "must be one of FFT")],
    ids=lambda x: x if isinstance(x, str) else "")
def test_fourier_transforms_that_do_not_fit(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        lax.fft(*arguments)


# ---- matrices ----

A = normal(2, 4, 4)
POSITIVE = A @ A.transpose(0, 2, 1) + np.eye(4)


def test_factors(jax):
    same(lax.linalg.cholesky(POSITIVE), np.linalg.cholesky(POSITIVE))
    same(lax.linalg.cholesky(A + 9 * np.eye(4)), jax.lax.linalg.cholesky(A + 9 * np.eye(4)), 1e-9)
    vectors, values = lax.linalg.eigh(A)
    symmetric = (A + A.transpose(0, 2, 1)) / 2
    same(symmetric @ vectors, vectors * values[:, None, :], 1e-10)
    upper = lax.linalg.eigh(np.triu(symmetric), lower=False, symmetrize_input=False)
    same(upper[1], values, 1e-10)
    same(lax.linalg.eigh(A, subset_by_index=(1, 3))[1], values[:, 1:3])
    for full in (True, False):
        u, s, vh = lax.linalg.svd(A[:, :3], full_matrices=full)
        assert vh.shape == (2, 4 if full else 3, 4)
        same(u * s[:, None, :] @ vh[:, :3], A[:, :3], 1e-10)
        q, r = lax.linalg.qr(A[:, :, :3], full_matrices=full)
        assert q.shape == (2, 4, 4 if full else 3)
        same(q @ r, A[:, :, :3], 1e-10)
    same(lax.linalg.svd(A, compute_uv=False), np.linalg.svd(A, compute_uv=False), 1e-10)
    kept = lax.linalg.svd(A, full_matrices=False, subset_by_index=(0, 2))
    assert [x.shape for x in kept] == [(2, 4, 2), (2, 2), (2, 2, 4)]
    for one, other in zip(lax.linalg.lu(A), jax.lax.linalg.lu(A)):
        same(one, other, 1e-10)
    values, vectors = lax.linalg.eig(A, compute_left_eigenvectors=False)
    same(A @ vectors, vectors * values[:, None, :], 1e-10)
    same(lax.linalg.symmetric_product(A, POSITIVE, alpha=2.0, beta=3.0),
         2 * A @ A.transpose(0, 2, 1) + 3 * POSITIVE, 1e-10)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_triangular_systems(jax, left, lower, turned):
    a = A + 1j * normal(2, 4, 4, seed=5) + 4 * np.eye(4)
    b = normal(2, 4, 3) + 0j if left else normal(2, 3, 4) + 0j
    options = dict(left_side=left, lower=lower, transpose_a=turned[0], conjugate_a=turned[1],
                   unit_diagonal=left)
    same(lax.linalg.triangular_solve(a, b, **options),
         jax.lax.linalg.triangular_solve(a, b, **options), 1e-10)


def test_derivatives_of_matrices():
    a, b = A[0] + 4 * np.eye(4), normal(3, 4)
    check_grads(lambda a, b: lax.linalg.triangular_solve(a, b, transpose_a=True), (a, b), order=1)
    check_grads(lax.linalg.cholesky, (POSITIVE[0],), order=1)
    same(ft.vmap(lax.linalg.cholesky)(POSITIVE), lax.linalg.cholesky(POSITIVE))
