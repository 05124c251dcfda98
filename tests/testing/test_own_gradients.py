"""The library's own functions, under its own checks: at random, and at points that are special."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, nn
from functrans.scipy import special
from functrans.testing import check_grads, check_jit, gradient_test


def points(*values, dtype="float64"):
    return fnp.array(np.array(values)).astype(getattr(fnp, dtype))


# ---- where second derivatives are easily lost ----

@pytest.mark.parametrize("function, args", [
    (fnp.logaddexp, (points(1.0, -2.0, 0.0), points(1.0, 3.0, 0.0))),
    (fnp.logaddexp2, (points(1.0, -2.0), points(1.0, 3.0))),
    (nn.softplus, (points(-300.0, 0.0, 300.0),)), (nn.log_sigmoid, (points(-30.0, 0.0, 30.0),)),
    (lambda x, y: x ** y, (points(0.5, 1.0, 2.0), points(2.0, 0.0, -1.5))),
    (lambda x: x ** 3, (points(-2.0, 0.0, 1.0),)), (fnp.sinc, (points(0.0, 1.0, 0.5),)),
    (nn.gelu, (points(-3.0, 0.0, 3.0),)), (nn.silu, (points(-3.0, 0.0, 3.0),)),
    (lambda x: x.prod(), (points(0.0, 2.0, 3.0),)), (fnp.cumprod, (points(0.0, 2.0, 3.0),)),
    (special.erfinv, (points(-0.9, 0.1, 0.999),)), (special.gammaln, (points(0.5, 2.0, -1.5),)),
    (lambda x: x.var(), (points(1e3, 1e3 + 1, 1e3 + 2),)),
])
def test_special_points(function, args):
    check_grads(function, args)


# ---- at random ----

@gradient_test("f64[n, m]", "f64[m]", "f64[m]", order=1, examples=8)
def test_layer_norm(x, scale, shift):
    y = x - x.mean(axis=1, keepdims=True)
    return y / fnp.sqrt((y * y).mean(axis=1, keepdims=True) + 0.1) * scale + shift


@gradient_test("float[n, k] in (-8, 8)", order=1, examples=8)
def test_log_softmax(x):
    return nn.log_softmax(x)


@gradient_test("f64[n, n]", "f64[n]", order=1, examples=8)
def test_solve(a, b):
    return fnp.linalg.solve(a + 12 * fnp.eye(len(a)), b)


@gradient_test("f32[n, m]", "f32[m]", order=1, examples=5)
def test_scan(xs, start):
    return lax.scan(lambda c, x: (fnp.tanh(c * x + 0.5), c), start, xs)


@gradient_test("f64[n] in (0.1, 2)", "f64[] in (0.5, 3)", examples=5)
def test_while_loop(x, rate):
    return lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, fnp.sin(s[1]) * rate), (0, x))[1]


@gradient_test("c128[n]", "f64[n]", order=1, examples=8)
def test_spectrum(z, window):
    return fnp.abs(fnp.fft.fft(z * window) + 20)


@pytest.mark.ft_targets("reference", "cpu")
def test_gradients_are_the_same_compiled(ft_target):
    rng = np.random.default_rng(0)
    w, x = points(*rng.normal(size=6)).reshape(3, 2), points(*rng.normal(size=12)).reshape(4, 3)
    check_jit(ft.value_and_grad(lambda w, x: nn.log_softmax(nn.silu(x @ w)).mean()), (w, x))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_narrow_dtypes(dtype):
    rng = np.random.default_rng(0)
    w, x = (points(*rng.normal(size=12), dtype=dtype).reshape(3, 4) for _ in range(2))
    check_grads(lambda w, x: ft.jit(lambda w: nn.gelu(w @ x.T))(w).mean(), (w, x), order=1)
