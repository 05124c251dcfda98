"""Activations, losses, initializers against formulas in NumPy, and against JAX and PyTorch."""
from __future__ import annotations

import math

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import nn
from functrans.nn import initializers

POINTS = np.array([-np.inf, -1e3, -100.0, -7.0, -3.0, -1.5, -0.25, -0.0, 0.0, 1e-3, 0.5, 2.5, 6.5,
                   20.0, 1e3, np.inf, np.nan])
FINITE = POINTS[np.isfinite(POINTS)]


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x > 0, 1, small) / (1 + small)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": sigmoid,
    "log_sigmoid": lambda x: -softplus(-x),
    "tanh": np.tanh,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip(x + 1, 0, 2) / 2,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "celu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554804934 * np.where(
        x > 0, x, 1.6732632423543772848 * np.expm1(np.minimum(x, 0))),
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.01 * x),
    "gelu": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_follow_their_formulas(name):
    got = np.asarray(getattr(nn, name)(FINITE))
    np.testing.assert_allclose(got, FORMULAS[name](FINITE), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", FORMULAS)
def test_slopes_of_activations_are_finite_and_right(name):
    """Far out too, where a careless formula has NaN."""
    function = getattr(nn, name)
    slopes = np.asarray(ft.vmap(ft.grad(function))(FINITE))
    assert np.isfinite(slopes).all()
    step = 1e-6
    smooth = np.abs(np.abs(FINITE) % 1) > 1e-5                       # no kink between
    differences = (FORMULAS[name](FINITE + step) - FORMULAS[name](FINITE - step)) / (2 * step)
    np.testing.assert_allclose(slopes[smooth], differences[smooth], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", FORMULAS)
def test_integers_become_floats_and_narrow_floats_stay(name):
    if name not in ("identity", "relu", "relu6", "hard_tanh"):
        assert getattr(nn, name)(fnp.arange(3)).dtype == np.float32
    for dtype in ("float16", "float32", "float64"):
        assert getattr(nn, name)(fnp.ones(2, dtype)).dtype == dtype


@pytest.mark.parametrize("name, slope", (
    ("relu", 0.0), ("leaky_relu", 1.0), ("elu", 1.0), ("hard_tanh", 1.0), ("softplus", 0.5)))
def test_slopes_at_zero(name, slope):
    assert float(ft.grad(getattr(nn, name))(0.0)) == slope


IN_JAX = {*FORMULAS, "hard_swish", "swish", "soft_sign"} - {"softsign"}


@pytest.mark.parametrize("name", sorted(IN_JAX))
def test_activations_agree_with_jax(name):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        theirs = np.asarray(getattr(jax.nn, name)(jax.numpy.asarray(POINTS)))
    np.testing.assert_allclose(np.asarray(getattr(nn, name)(POINTS)), theirs, rtol=1e-12,
                               atol=1e-15)


def test_gelu_by_erf():
    expected = [x * 0.5 * math.erfc(-x / math.sqrt(2)) for x in FINITE]
    np.testing.assert_allclose(np.asarray(nn.gelu(FINITE, approximate=False)), expected,
                               rtol=1e-12, atol=1e-14)


def test_log1mexp_is_accurate_at_both_ends():
    mpmath = pytest.importorskip("mpmath")
    points = np.array([1e-20, 1e-5, 0.5, 0.7, 30.0, 700.0])
    with mpmath.workdps(400):
        expected = [float(mpmath.log(1 - mpmath.exp(-mpmath.mpf(x)))) for x in points]
    np.testing.assert_allclose(np.asarray(nn.log1mexp(points)), expected, rtol=1e-14)


# ---- functions of an axis ----

ROWS = np.array([[1.0, 2.0, 3.0], [1000.0, 1001.0, 999.0], [-np.inf, 0.0, 1.0]])


@pytest.mark.parametrize("axis", (0, 1, -1, (0, 1)))
def test_softmax_and_its_log(axis):
    rows = np.where(np.isfinite(ROWS), ROWS, -50)
    shifted = np.exp(rows - rows.max(axis, keepdims=True))
    expected = shifted / shifted.sum(axis, keepdims=True)
    np.testing.assert_allclose(np.asarray(nn.softmax(rows, axis)), expected, rtol=1e-12)
    logs = rows - rows.max(axis, keepdims=True) - np.log(shifted.sum(axis, keepdims=True))
    np.testing.assert_allclose(np.asarray(nn.log_softmax(rows, axis)), logs, rtol=1e-12)


def test_impossible_classes_have_no_gradient():
    for function in (nn.softmax, lambda x: fnp.exp(nn.log_softmax(x))):
        slopes = np.asarray(ft.jacrev(function)(ROWS[2]))
        assert np.isfinite(slopes).all() and (slopes[0] == 0).all()
    np.testing.assert_allclose(np.asarray(ft.grad(nn.logsumexp)(ROWS[2])),
                               np.asarray(nn.softmax(ROWS[2])), rtol=1e-12)


def test_masked_softmax_counts_only_what_counts():
    mask = np.array([True, False, True])
    expected = np.zeros(3)
    expected[mask] = np.asarray(nn.softmax(ROWS[0][mask]))
    np.testing.assert_allclose(np.asarray(nn.softmax(ROWS[0], where=mask)), expected)
    logs = np.asarray(nn.log_softmax(ROWS[0], where=mask))
    np.testing.assert_allclose(logs[mask], np.log(expected[mask]))
    assert logs[1] == -np.inf
    assert float(nn.logsumexp(ROWS[0], where=mask)) == pytest.approx(np.log(np.e + np.e ** 3))


def test_logsumexp_with_weights_and_signs():
    weights = np.array([1.0, -2.0, 0.5])
    total = (weights * np.exp(ROWS[0])).sum()
    size, sign = nn.logsumexp(ROWS[0], b=weights, return_sign=True)
    assert float(size) == pytest.approx(np.log(abs(total))) and float(sign) == np.sign(total)
    assert float(nn.logsumexp(np.array([-np.inf, -np.inf]))) == -np.inf
    assert nn.logsumexp(ROWS, axis=1, keepdims=True).shape == (3, 1)


def test_logmeanexp():
    expected = np.log(np.exp(ROWS[0]).mean())
    assert float(nn.logmeanexp(ROWS[0])) == pytest.approx(expected)
    mask = np.array([True, False, True])
    expected = np.log(np.exp(ROWS[0][mask]).mean())
    assert float(nn.logmeanexp(ROWS[0], where=mask)) == pytest.approx(expected)


def test_one_hot_and_standardize():
    np.testing.assert_array_equal(nn.one_hot(np.array([0, 2, 5, -1]), 3),
                                  [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
    assert nn.one_hot(np.array([[0, 1]]), 3, axis=0).shape == (3, 1, 2)
    assert nn.one_hot(1, 3, dtype="int32").tolist() == [0, 1, 0]
    out = np.asarray(nn.standardize(np.arange(12.0).reshape(3, 4), epsilon=0.0))
    np.testing.assert_allclose(out.mean(1), 0, atol=1e-15)
    np.testing.assert_allclose(out.std(1), 1)


def test_dropout_keeps_the_mean_and_scales():
    x = fnp.ones((200, 200))
    out = np.asarray(nn.dropout(ft.random.key(0), x, 0.25))
    assert set(np.unique(out).tolist()) == {0.0, np.float32(1 / 0.75)}
    assert out.mean() == pytest.approx(1, abs=0.01)
    assert nn.dropout(ft.random.key(0), x, 0.25, training=False) is x
    rows = np.asarray(nn.dropout(ft.random.key(0), x, 0.5, broadcast_axes=(-1,)))
    assert (rows == rows[:, :1]).all()


# ---- losses ----

def test_losses_of_numbers():
    a, b = np.array([0.5, 3.0, -2.0]), np.array([1.0, -1.0, -2.0])
    errors = a - b
    for got, expected in (
            (nn.l1_loss(a, b), np.abs(errors)), (nn.l2_loss(a, b), errors ** 2 / 2),
            (nn.mean_squared_error(a, b), (errors ** 2).mean()),
            (nn.huber_loss(a, b), np.where(np.abs(errors) < 1, errors ** 2 / 2,
                                           np.abs(errors) - 0.5)),
            (nn.log_cosh_loss(a, b), np.log(np.cosh(errors))),
            (nn.hinge_loss(a, np.array([1.0, -1.0, -1.0])), [0.5, 4.0, 0.0])):
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12, atol=1e-14)


def test_a_python_number_loses_no_digits():
    loss = nn.l1_loss(fnp.array(np.float64(0.3)), 0.1)
    assert float(loss) == 0.3 - 0.1


def test_cross_entropies_agree_with_each_other():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(5, 4)), rng.integers(0, 4, 5)
    hard = nn.softmax_cross_entropy_with_integer_labels(logits, labels)
    soft = nn.softmax_cross_entropy(logits, np.eye(4)[labels])
    expected = -np.log(np.asarray(nn.softmax(logits)))[np.arange(5), labels]
    np.testing.assert_allclose(np.asarray(hard), expected, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(soft), expected, rtol=1e-12)
    two = np.stack([np.zeros(5), logits[:, 0]], 1)
    binary = nn.sigmoid_binary_cross_entropy(logits[:, 0], labels > 1)
    np.testing.assert_allclose(
        np.asarray(binary),
        np.asarray(nn.softmax_cross_entropy_with_integer_labels(two, (labels > 1).astype(int))),
        rtol=1e-12)


def test_gradient_of_cross_entropy_is_softmax_minus_labels():
    logits, labels = np.array([[2.0, -1.0, 800.0], [0.0, 0.1, 0.2]]), np.array([0, 2])
    got = ft.grad(lambda z: nn.softmax_cross_entropy_with_integer_labels(z, labels).sum())(logits)
    expected = np.asarray(nn.softmax(logits)) - np.eye(3)[labels]
    np.testing.assert_allclose(np.asarray(got), expected, atol=1e-14)


def test_losses_agree_with_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(6, 5)), rng.integers(0, 5, 6)
    functional = torch.nn.functional
    t = torch.tensor
    pairs = (
        (nn.softmax_cross_entropy_with_integer_labels(logits, labels).mean(),
         functional.cross_entropy(t(logits), t(labels))),
        (nn.huber_loss(logits, 0 * logits, 0.7).mean(),
         functional.huber_loss(t(logits), t(0 * logits), delta=0.7)),
        (nn.sigmoid_binary_cross_entropy(logits, logits > 0).mean(),
         functional.binary_cross_entropy_with_logits(t(logits), t(1.0 * (logits > 0)))),
        (nn.kl_divergence(nn.log_softmax(logits), nn.softmax(-logits)).mean(),
         functional.kl_div(t(logits).log_softmax(-1), t(-logits).softmax(-1),
                           reduction="batchmean")),
        (nn.cosine_similarity(logits, logits[::-1].copy()),
         functional.cosine_similarity(t(logits), t(logits[::-1].copy()))),
    )
    for mine, theirs in pairs:
        np.testing.assert_allclose(np.asarray(mine), theirs.numpy(), rtol=1e-10)


# ---- initializers ----

@pytest.mark.parametrize("name, variance", (
    ("glorot_uniform", 2 / (300 + 200)), ("glorot_normal", 2 / (300 + 200)),
    ("he_uniform", 2 / 300), ("he_normal", 2 / 300), ("kaiming_normal", 2 / 300),
    ("lecun_uniform", 1 / 300), ("lecun_normal", 1 / 300), ("xavier_uniform", 2 / 500)))
def test_initializers_have_their_variance(name, variance):
    weights = np.asarray(getattr(initializers, name)()(ft.random.key(3), (300, 200)))
    assert weights.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / weights.size))
    assert weights.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("name", (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal",
    "lecun_uniform", "normal", "truncated_normal", "uniform", "zeros", "ones"))
def test_initializers_agree_with_jax(name):
    jax = pytest.importorskip("jax")
    mine, theirs = getattr(initializers, name), getattr(jax.nn.initializers, name)
    if name not in ("zeros", "ones"):
        mine, theirs = mine(), theirs()
    np.testing.assert_allclose(
        np.asarray(mine(ft.random.key(0), (3, 3, 8, 4), "float32")),
        np.asarray(theirs(jax.random.PRNGKey(0), (3, 3, 8, 4), "float32")), rtol=2e-5, atol=1e-7)


def test_orthogonal_initializers():
    q = np.asarray(initializers.orthogonal(2.0)(ft.random.key(0), (3, 2, 4), "float64"))
    q = q.reshape(6, 4) / 2
    np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-12)
    kernel = np.array(initializers.delta_orthogonal()(ft.random.key(0), (3, 3, 4, 8), "float64"))
    np.testing.assert_allclose(kernel[1, 1] @ kernel[1, 1].T, np.eye(4), atol=1e-12)
    kernel[1, 1] = 0
    assert (kernel == 0).all()


@pytest.mark.parametrize("call, text", (
    (lambda: nn.glu(fnp.zeros(3)), "odd size 3"),
    (lambda: nn.one_hot(fnp.zeros(3), 2), "takes integers"),
    (lambda: nn.l2_loss(fnp.zeros(3), fnp.zeros(2)), "one shape"),
    (lambda: nn.dropout(ft.random.key(0), fnp.zeros(3), 1.0), "below 1"),
    (lambda: nn.softmax_cross_entropy_with_integer_labels(fnp.zeros((2, 3)), fnp.zeros(2)),
     "labels must be integers"),
    (lambda: nn.softmax_cross_entropy_with_integer_labels(fnp.zeros((2, 3)), fnp.arange(3)),
     "without axis 1"),
    (lambda: initializers.glorot_uniform()(ft.random.key(0), (3,)), "at least 2 axes"),
    (lambda: initializers.variance_scaling(1.0, "fan_up", "normal"), "mode must be one of"),
    (lambda: initializers.delta_orthogonal()(ft.random.key(0), (3, 8, 4)), "as many outputs"),
))
def test_misuse_is_refused(call, text):
    with pytest.raises((TypeError, ValueError), match=text):
        call()
