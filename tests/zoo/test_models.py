"""The models that are made of others: what they compute, and that they learn."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import nn, random
from functrans.zoo import (autoencoder, dense, embedding, fcn5, lstm, lstm_dssm, lstm_lm, mlp,
                           seq_classifier)

KEY = random.key(0)


def _close(ours, expected, tolerance=1e-12):
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def _descend(loss, params, steps: int, rate: float):
    """Plain gradient descent on a function of the parameters; all losses."""
    step = ft.jit(ft.value_and_grad(loss))
    losses = []
    for _ in range(steps):
        value, gradient = step(params)
        params = ft.tree.map(lambda p, g: p - rate * g, params, gradient)
        losses.append(float(value))
    return params, losses


# ---- embedding ----

def test_embedding_looks_up_and_gathers_gradients():
    params = embedding.init(KEY, 6, 3, dtype="float64")
    weight, ids = np.asarray(params["weight"]), np.array([[4, 0], [4, 5]])
    _close(embedding.apply(params, ids), weight[ids])
    gradient = ft.grad(lambda p: embedding.apply(p, ids).sum())(params)["weight"]
    _close(gradient.sum(1), 3.0 * np.array([1, 0, 0, 0, 2, 1]))
    assert abs(float((embedding.init(KEY, 4000, 16)["weight"] ** 2).sum(1).mean()) - 1) < .02
    with pytest.raises(TypeError, match="ids must be integers"):
        embedding.apply(params, np.zeros(3))


def test_bag_is_the_product_with_counts():
    params = embedding.init(KEY, 6, 3, dtype="float64")
    ids = np.array([[4, 4, -1], [-1, -1, -1], [0, 1, 5]])
    counts = np.array([[(row == k).sum() for k in range(6)] for row in ids])
    _close(embedding.bag(params, ids), counts @ np.asarray(params["weight"]))
    gradient = ft.grad(lambda p: (embedding.bag(p, ids) ** 2).sum())(params)["weight"]
    _close(gradient, 2 * counts.T @ (counts @ np.asarray(params["weight"])))
    with pytest.raises(ValueError, match="must have an axis to sum over"):
        embedding.bag(params, 3)


# ---- the language model ----

@pytest.mark.parametrize("tied", [False, True])
def test_language_model_is_embedding_lstm_and_softmax(tied):
    options = {"projection": 4} if tied else {}
    params = lstm_lm.init(KEY, 9, 4, 6, 2, tied=tied, dtype="float64", **options)
    params["output"]["bias"] = fnp.arange(9.0, dtype="float64")
    tokens = np.random.default_rng(0).integers(0, 9, (5, 3))
    logits, state = lstm_lm.apply(params, tokens)
    outputs, last = lstm.apply(params["lstm"], np.asarray(params["embedding"]["weight"])[tokens])
    weight = params["embedding"]["weight"].T if tied else params["output"]["weight"]
    _close(logits, outputs @ weight + params["output"]["bias"])
    _close(state.c, last.c)
    assert ("weight" in params["output"]) is not tied


def test_language_model_loss_counts_true_steps_only():
    params = lstm_lm.init(KEY, 9, 4, 6, dtype="float64")
    tokens = np.random.default_rng(0).integers(0, 9, (6, 2))
    targets = np.random.default_rng(1).integers(0, 9, (5, 2))
    targets[2:, 0] = -7                                     # beyond the end, whatever is there
    value, _ = lstm_lm.loss(params, tokens[:-1], targets, lengths=[2, 5])
    logits, _ = lstm_lm.apply(params, tokens[:-1])
    scores = np.asarray(nn.log_softmax(logits))
    each = [scores[t, lane, targets[t, lane]] for lane, n in ((0, 2), (1, 5)) for t in range(n)]
    _close(value, -np.mean(each))
    turned, _ = lstm_lm.loss(params, tokens[:-1].T, targets.T, lengths=[2, 5], batch_first=True)
    _close(turned, value)
    whole, _ = lstm_lm.loss(params, tokens[:-1], tokens[1:])
    _close(whole, -np.mean([scores[t, k, tokens[t + 1, k]] for t in range(5) for k in range(2)]))


def test_language_model_learns_a_cycle_and_says_it():
    params = lstm_lm.init(KEY, 5, 8, 16)
    tokens = (np.arange(9)[:, None] + np.arange(4)) % 5
    params, losses = _descend(lambda p: lstm_lm.loss(p, tokens[:-1], tokens[1:])[0], params, 150,
                              1.0)
    assert losses[0] > 1.4 and losses[-1] < .05
    sample = ft.jit(lstm_lm.sample, static_argnames=("steps", "temperature"))
    said = sample(params, random.key(1), tokens[:3], steps=10, temperature=0)
    assert np.array_equal(np.asarray(said), (3 + np.arange(10)[:, None] + np.arange(4)) % 5)


def test_samples_follow_the_probabilities():
    params = lstm_lm.init(KEY, 3, 2, 2)
    params = ft.tree.map(fnp.zeros_like, params)
    params["output"]["bias"] = fnp.log(fnp.array([.2, .3, .5]))
    said = np.asarray(lstm_lm.sample(params, random.key(1), np.zeros((1, 40), int), 100))
    _close(np.bincount(said.ravel()) / said.size, [.2, .3, .5], .03)


def test_dropout_of_the_language_model():
    params = lstm_lm.init(KEY, 9, 4, 6)
    tokens = np.zeros((4, 2), int)
    plain, _ = lstm_lm.apply(params, tokens)
    first, _ = lstm_lm.apply(params, tokens, dropout=.5, key=random.key(1))
    again, _ = lstm_lm.apply(params, tokens, dropout=.5, key=random.key(1))
    other, _ = lstm_lm.apply(params, tokens, dropout=.5, key=random.key(2))
    _close(first, again)
    assert np.abs(np.asarray(first - plain)).max() > .01 < np.abs(np.asarray(first - other)).max()


def test_language_models_that_cannot_be():
    with pytest.raises(ValueError, match=r"outputs \(6\) must be as many as the features \(4\)"):
        lstm_lm.init(KEY, 9, 4, 6, tied=True)
    with pytest.raises(ValueError, match="sees what it is to predict"):
        lstm_lm.init(KEY, 9, 4, 6, bidirectional=True)
    with pytest.raises(ValueError, match="dropout=0.5 needs key="):
        lstm_lm.apply(lstm_lm.init(KEY, 9, 4, 6), np.zeros((2, 2), int), dropout=.5)


# ---- the classifier ----

@pytest.mark.parametrize("pool", seq_classifier.POOLS)
def test_classes_do_not_depend_on_padding(pool):
    params = seq_classifier.init(KEY, 9, 4, 6, 3, 2, dtype="float64")
    tokens = np.random.default_rng(0).integers(0, 9, (7, 2))
    scores = seq_classifier.apply(params, tokens, np.array([3, 7]), pool=pool)
    for lane, length in enumerate((3, 7)):
        alone = seq_classifier.apply(params, tokens[:length, lane:lane + 1], pool=pool)
        _close(scores[lane], alone[0])
    turned = seq_classifier.apply(params, tokens.T, np.array([3, 7]), pool=pool, batch_first=True)
    _close(turned, scores)


def test_tokens_of_several_numbers_are_sums_of_vectors():
    params = seq_classifier.init(KEY, 9, 4, 6, 3, dtype="float64")
    tokens = np.random.default_rng(0).integers(0, 9, (7, 2))
    pairs = np.stack([tokens, np.full_like(tokens, -1)], -1)        # -1 counts nothing
    _close(seq_classifier.apply(params, pairs, np.array([3, 7])),
           seq_classifier.apply(params, tokens, np.array([3, 7])))
    doubled = {"weight": params["embedding"]["weight"] * 2}
    _close(seq_classifier.apply(params, np.stack([tokens, tokens], -1)),
           seq_classifier.apply({**params, "embedding": doubled}, tokens))


def test_classifier_learns_the_first_token():
    generator = np.random.default_rng(0)
    tokens, lengths = generator.integers(0, 3, (8, 32)), generator.integers(1, 9, 32)
    params = seq_classifier.init(KEY, 3, 8, 12, 3)

    def loss(params):
        scores = seq_classifier.apply(params, tokens, lengths)
        return nn.softmax_cross_entropy_with_integer_labels(scores, tokens[0]).mean()
    _, losses = _descend(loss, params, 120, 1.0)
    assert losses[-1] < .1 < 1 < losses[0]


def test_classifier_options_that_cannot_be():
    params = seq_classifier.init(KEY, 9, 4, 6, 3)
    with pytest.raises(ValueError, match="pool must be one of last, mean"):
        seq_classifier.apply(params, np.zeros((2, 2), int), pool="max")
    with pytest.raises(ValueError, match="needs key="):
        seq_classifier.apply(params, np.zeros((2, 2), int), dropout=.5)
    assert seq_classifier.apply(params, np.zeros((2, 2), int), dropout=.5,
                                key=KEY).shape == (2, 3)


# ---- query and document ----

def test_dssm_scores_are_cosines_of_last_outputs():
    params = lstm_dssm.init(KEY, 20, 4, 6, dtype="float64")
    generator = np.random.default_rng(0)
    queries, documents = generator.integers(-1, 20, (5, 2, 3)), generator.integers(
        -1, 20, (7, 2, 4, 3))
    query_lengths, document_lengths = np.array([5, 2]), generator.integers(1, 8, (2, 4))
    scores = lstm_dssm.apply(params, queries, documents, query_lengths, document_lengths)
    for lane in range(2):
        q = lstm_dssm.encode(params, queries[:query_lengths[lane], lane:lane + 1])[0]
        for k in range(4):
            steps = document_lengths[lane, k]
            d = lstm_dssm.encode(params, documents[:steps, lane, k:k + 1])[0]
            _close(scores[lane, k], (q * d).sum() / fnp.sqrt((q * q).sum() * (d * d).sum()))


def test_dssm_loss_is_the_smoothed_softmax():
    scores = np.random.default_rng(0).uniform(-1, 1, (3, 5))
    heights = np.exp(7.0 * scores)
    _close(lstm_dssm.loss(scores, gamma=7.0), -np.log(heights[:, 0] / heights.sum(1)).mean())
    with pytest.raises(ValueError, match="at least one unclicked"):
        lstm_dssm.loss(scores[:, :1])


def test_dssm_candidates_are_the_own_and_others():
    chosen = np.asarray(lstm_dssm.candidates(KEY, 6, 400))
    assert (chosen[:, 0] == np.arange(6)).all()
    assert all(set(row[1:]) == set(range(6)) - {k} for k, row in enumerate(chosen))
    with pytest.raises(ValueError, match="no other documents"):
        lstm_dssm.candidates(KEY, 1, 4)


def test_dssm_learns_pairs():
    generator = np.random.default_rng(0)
    queries, documents = generator.integers(0, 40, (2, 4, 12, 3))
    params = lstm_dssm.init(KEY, 40, 16, 16)
    params, losses = _descend(
        lambda p: lstm_dssm.batch_loss(p, KEY, queries, documents, unclicked=40), params, 80, .5)
    assert losses[-1] < .3 < 3 < losses[0]
    ranked = ft.vmap(lambda q: nn.cosine_similarity(q, lstm_dssm.encode(params, documents)))(
        lstm_dssm.encode(params, queries))
    assert (np.asarray(ranked).argmax(1) == np.arange(12)).mean() > .9


# ---- autoencoder, fcn5, dense ----

def test_autoencoder_goes_through_the_code():
    params = autoencoder.init(KEY, (5, 4, 2), tied=True, dtype="float64")
    x = np.random.default_rng(0).normal(size=(3, 5))
    first, second = (np.asarray(layer["weight"]) for layer in params["encoder"])
    code = np.tanh(x @ first) @ second
    _close(autoencoder.encode(params, x), code)
    _close(autoencoder.apply(params, x), np.tanh(code @ second.T) @ first.T)
    _close(autoencoder.apply(params, x, output_activation=nn.sigmoid),
           nn.sigmoid(autoencoder.decode(params, code)))
    assert all("weight" not in layer for layer in params["decoder"])


def test_autoencoder_finds_a_line():
    t = np.linspace(-1, 1, 50, dtype="float32")[:, None]
    x = np.concatenate([t, -t, 2 * t], 1)
    params = autoencoder.init(KEY, (3, 8, 1))
    _, losses = _descend(lambda p: ((autoencoder.apply(p, x) - x) ** 2).mean(), params, 300, .1)
    assert losses[-1] < .02 * losses[0]


def test_fcn5_is_the_network_of_the_benchmarks():
    shapes = [(layer["weight"].shape, layer["bias"].shape[0])
              for layer in ft.eval_shape(fcn5.init, KEY)]
    assert shapes == [((784, 2048), 2048), ((2048, 4096), 4096), ((4096, 1024), 1024),
                      ((1024, 10), 10)]
    params = fcn5.init(KEY, (6, 5, 4, 3))
    x, labels = np.random.default_rng(0).normal(size=(7, 6)).astype("float32"), np.arange(7) % 3
    logits = fcn5.apply(params, x)
    _close(logits, mlp.apply(params, x, nn.sigmoid))
    scores = np.asarray(nn.log_softmax(logits))
    _close(fcn5.loss(params, x, labels), -scores[np.arange(7), labels].mean(), 1e-6)


def test_dense():
    params = dense.init(KEY, 3, 2)
    x = np.ones((4, 3), np.float32)
    _close(dense.apply(params, x), x @ np.asarray(params["weight"]) + np.asarray(params["bias"]))
