"""Attention: by its formula, and by JAX; derivatives; shapes that do not fit."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.testing import check_grads

B, T, S, N, H = 2, 4, 5, 6, 3


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


Q, K, V = normal(B, T, N, H), normal(B, S, 2, H, seed=1), normal(B, S, 2, H, seed=2)
OPTIONS = {
    "plain": {}, "causal": dict(is_causal=True), "scale": dict(scale=0.3),
    "bias": dict(bias=normal(1, N, T, S, seed=3)),
    "mask": dict(mask=normal(B, 1, T, S, seed=4) > 0, is_causal=True),
    "window": dict(local_window_size=(1, 0)), "symmetric window": dict(local_window_size=1),
    "lengths": dict(query_seq_lengths=np.array([2, 4]), key_value_seq_lengths=np.array([5, 3])),
    "residual": dict(return_residual=True, is_causal=True)}


def test_formula():
    keys, values = np.repeat(K, 3, 2), np.repeat(V, 3, 2)
    weights = np.exp(np.einsum("btnh,bsnh->bnts", Q, keys) / np.sqrt(H))
    weights /= weights.sum(-1, keepdims=True)
    wanted = np.einsum("bnts,bsnh->btnh", weights, values)
    found = ft.nn.dot_product_attention(Q, K, V)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    np.testing.assert_allclose(ft.nn.dot_product_attention(Q[0], K[0], V[0]), wanted[0],
                               rtol=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_as_in_jax(name):
    jax = pytest.importorskip("jax")
    inputs = [np.asarray(x, np.float32) for x in (Q, K, V)]
    options = {key: value.astype(np.float32) if key == "bias" else
               value.astype(np.int32) if "lengths" in key else value
               for key, value in OPTIONS[name].items()}
    found = ft.nn.dot_product_attention(*inputs, **options)
    wanted = jax.nn.dot_product_attention(*inputs, **options)
    for one, other in zip(*((x if isinstance(x, tuple) else (x,)) for x in (found, wanted))):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_transformations():
    def attend(q, k, v):
        return ft.nn.dot_product_attention(q, k, v, is_causal=True)
    check_grads(attend, (Q[:1], K[:1], V[:1]), order=1)
    np.testing.assert_allclose(ft.jit(attend)(Q, K, V), attend(Q, K, V), rtol=1e-12)
    np.testing.assert_allclose(ft.vmap(attend)(Q, K, V), attend(Q, K, V), rtol=1e-12)


def test_half_precision_is_computed_in_float32():
    half = [x.astype(np.float16) for x in (Q, K, V)]
    out = ft.nn.dot_product_attention(*half)
    assert out.dtype == np.float16
    np.testing.assert_allclose(out, ft.nn.dot_product_attention(Q, K, V), atol=4e-3)


@pytest.mark.parametrize("arguments, options, message", [
    ((Q, K, V[:, :4]), {}, "the same for key and value"),
    ((Q, K[..., :2], V[..., :2]), {}, "the same batch and size"),
    ((Q[:, :, :5], K, V), {}, "must divide"),
    ((Q, K, V.astype(np.float32)), {}, "floats of one dtype"),
    ((Q, K, V), dict(mask=np.ones((T, S))), "must be boolean"),
    ((Q, K, V), dict(bias=np.ones((T, T))), "bias .* must broadcast"),
    ((Q, K, V), dict(implementation="cudnn"), "is not available"),
], ids=lambda x: x if isinstance(x, str) else "")
def test_what_does_not_fit_is_said(arguments, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ft.nn.dot_product_attention(*map(fnp.asarray, arguments), **options)
