"""LSTMs: forward, training step, and a language model of two layers."""
from __future__ import annotations

import numpy as np

from benchmarks.data import integers, normal, tensors
from benchmarks.row import row


def lstm_weights(inputs: int, hidden: int, seed: int = 0) -> dict:
    """Weights of one layer; the gates stand side by side: input, forget, cell, output."""
    scale = hidden ** -0.5
    return {"wx": normal(inputs, 4 * hidden, seed=seed, scale=scale),
            "wh": normal(hidden, 4 * hidden, seed=seed + 1, scale=scale),
            "b": np.zeros(4 * hidden, np.float32)}


def cell(lib, weights, state, x):
    """One step: (h, c) and x to the next (h, c)."""
    h, c = state
    gates = x @ weights["wx"] + h @ weights["wh"] + weights["b"]
    i, f, g, o = lib.numpy.split(gates, 4, axis=-1)
    c = lib.nn.sigmoid(f) * c + lib.nn.sigmoid(i) * lib.numpy.tanh(g)
    return lib.nn.sigmoid(o) * lib.numpy.tanh(c), c


def lstm(lib, weights, xs):
    """All hidden states, (T, B, H), for inputs of shape (T, B, E)."""
    hidden = weights["wh"].shape[0]
    zeros = lib.numpy.zeros((xs.shape[1], hidden), xs.dtype)

    def body(state, x):
        state = cell(lib, weights, state, x)
        return state, state[0]
    return lib.lax.scan(body, (zeros, zeros), xs)[1]


def flops(steps: int, batch: int, inputs: int, hidden: int) -> float:
    """Products of a forward run."""
    return 2 * steps * batch * 4 * hidden * (inputs + hidden)


def torch_lstm(torch, weights: list):
    """PyTorch's layer (oneDNN's, where it is built in) with the same weights."""
    inputs, hidden = weights[0]["wx"].shape[0], weights[0]["wh"].shape[0]
    layer = torch.nn.LSTM(inputs, hidden, len(weights))
    with torch.no_grad():
        for k, each in enumerate(weights):
            for name, value in (("weight_ih", each["wx"].T), ("weight_hh", each["wh"].T),
                                ("bias_ih", each["b"]), ("bias_hh", 0 * each["b"])):
                getattr(layer, f"{name}_l{k}").copy_(torch.tensor(value))
    return layer


def _rows_of_size(steps: int, batch: int, hidden: int):
    size = f"T={steps} B={batch} H={hidden}"
    inputs = normal(steps, batch, hidden, seed=9)
    count = flops(steps, batch, hidden, hidden)

    @row(f"LSTM forward {size}", flops=count)
    def forward(lib):
        weights, xs = lib.arrays(lstm_weights(hidden, hidden), inputs)
        return lib.jit(lambda weights, xs: lstm(lib, weights, xs)), (weights, xs)

    @forward.torch
    def _(torch):
        layer = torch_lstm(torch, [lstm_weights(hidden, hidden)])
        xs, = tensors(inputs)

        def run():
            with torch.no_grad():
                return layer(xs)[0]
        return run, ()

    @row(f"LSTM value and gradient {size}", flops=3 * count, tolerance=1e-3)
    def gradient(lib):
        def loss(weights, xs):
            return (lstm(lib, weights, xs) ** 2).mean()
        return (lib.jit(lib.value_and_grad(loss, (0, 1))),
                lib.arrays(lstm_weights(hidden, hidden), inputs))

    @gradient.torch
    def _(torch):
        layer = torch_lstm(torch, [lstm_weights(hidden, hidden)])
        xs, = tensors(inputs, grad=True)

        def run():
            value = (layer(xs)[0] ** 2).mean()
            wx, wh, b, _, x = torch.autograd.grad(value, [*layer.parameters(), xs])
            return value, b, wh.T, wx.T, x
        return run, ()


_rows_of_size(64, 32, 64)
_rows_of_size(32, 64, 256)

VOCABULARY, EMBEDDING, STEPS, BATCH = 10_000, 256, 32, 64


def language_model():
    """Weights: an embedding, two layers, a matrix to the logits of all words."""
    return {"embedding": normal(VOCABULARY, EMBEDDING, scale=0.1),
            "layers": [lstm_weights(EMBEDDING, EMBEDDING, seed=10 * k) for k in (1, 2)],
            "out": normal(EMBEDDING, VOCABULARY, seed=5, scale=EMBEDDING ** -0.5)}


def words():
    return integers(VOCABULARY, STEPS, BATCH), integers(VOCABULARY, STEPS, BATCH, seed=1)


def language_loss(lib, weights, words, following):
    """Mean cross-entropy of the following words."""
    x = weights["embedding"][words]
    for layer in weights["layers"]:
        x = lstm(lib, layer, x)
    logits = (x @ weights["out"]).reshape(-1, VOCABULARY)
    chosen = lib.numpy.take_along_axis(logits, following.reshape(-1, 1), 1)[:, 0]
    return (lib.nn.logsumexp(logits, -1) - chosen).mean()


@row("language model 10,000 words, 2 x LSTM 256, T=32 B=64", tolerance=1e-3,
     flops=3 * (2 * flops(STEPS, BATCH, EMBEDDING, EMBEDDING)
                + 2 * STEPS * BATCH * EMBEDDING * VOCABULARY))
def language(lib):
    def loss(weights, words, following):
        return language_loss(lib, weights, words, following)
    return lib.jit(lib.value_and_grad(loss)), lib.arrays(language_model(), *words())


@language.torch
def _(torch):
    weights = language_model()
    layer = torch_lstm(torch, weights["layers"])
    embedding, out = tensors(weights["embedding"], weights["out"], grad=True)
    given, following = tensors(*words())

    def run():
        x = layer(torch.nn.functional.embedding(given, embedding))[0]
        logits = (x @ out).reshape(-1, VOCABULARY)
        value = torch.nn.functional.cross_entropy(logits, following.reshape(-1))
        slopes = torch.autograd.grad(value, [embedding, *layer.parameters(), out])
        embedding_slope, *layers, out_slope = slopes
        return value, embedding_slope, *_as_ours(layers), out_slope
    return run, ()


def _as_ours(slopes: list) -> list:
    """Gradients of PyTorch's layers in the order and layout of ours: b, wh, wx for each."""
    ours = []
    for k in range(0, len(slopes), 4):
        wx, wh, b, _ = slopes[k:k + 4]
        ours += [b, wh.T, wx.T]
    return ours
