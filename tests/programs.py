"""Programs whose kernels, steps and memory are known: for golden texts and counts."""
from __future__ import annotations

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.nn import log_softmax, sigmoid


def floats(*shape) -> fnp.ndarray:
    return fnp.array(np.random.default_rng(0).normal(size=shape), dtype="float32")


def saxpy(a, x, y):
    return a * x + y


def softmax(x):
    e = fnp.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def layer_norm(x, scale, shift):
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred * centred).mean(axis=1, keepdims=True)
    return centred / fnp.sqrt(variance + 1e-5) * scale + shift


def gates(z, c):
    """An LSTM's cell, from the sums of its four gates."""
    i, f, g, o = fnp.split(z, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * fnp.tanh(g)
    return sigmoid(o) * fnp.tanh(c), c


def gates_backward(z, c, dh, dc):
    return ft.vjp(gates, z, c)[1]((dh, dc))


def dense(x, w, b):
    return fnp.tanh(x @ w + b)


def cross_entropy(logits, labels):
    return -fnp.take_along_axis(log_softmax(logits), labels[:, None], 1).mean()


def mlp_step(params, x, labels):
    def loss(params):
        y = x
        for w, b in params[:-1]:
            y = dense(y, w, b)
        w, b = params[-1]
        return cross_entropy(y @ w + b, labels)
    value, slopes = ft.value_and_grad(loss)(params)
    return value, ft.tree.map(lambda p, s: p - 0.1 * s, params, slopes)


def lstm_step(params, xs):
    def loss(params):
        def step(state, x):
            h, c = gates(x @ params["x"] + state[0] @ params["h"] + params["b"], state[1])
            return (h, c), h
        start = fnp.zeros((xs.shape[1], params["h"].shape[0]))
        return (lax.scan(step, (start, start), xs)[1] ** 2).mean()
    return ft.value_and_grad(loss)(params)


def adam(p, g, m, v, step):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    size = 0.001 * fnp.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step)
    return p - size * m / (fnp.sqrt(v) + 1e-8), m, v


def pendulum(state, strength):
    def step(state, _):
        position, speed = state[0], state[1]
        return state + 0.01 * fnp.stack([speed, -strength * fnp.sin(position)]), position
    return lax.scan(step, state, None, length=100)[1]


def lanes(counts):
    """A loop of its own length for each lane."""
    def one(n):
        return lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * 0.5 + 1), (0, 0.0))[1]
    return ft.vmap(one)(counts)


def mlp_params():
    return [(floats(8, 16), floats(16)), (floats(16, 16), floats(16)), (floats(16, 4), floats(4))]


def lstm_params():
    return {"x": floats(5, 16), "h": floats(4, 16), "b": floats(16)}


X = floats(3, 5)
# name -> (function, arguments)
PROGRAMS = {
    "saxpy": (saxpy, (floats(), floats(100), floats(100))),
    "softmax": (softmax, (X,)),
    "softmax_gradient": (lambda x, ct: ft.vjp(softmax, x)[1](ct), (X, X)),
    "logsumexp": (lambda x: fnp.log(fnp.exp(x - x.max(1, keepdims=True)).sum(1)) + x.max(1), (X,)),
    "layer_norm": (layer_norm, (X, floats(5), floats(5))),
    "column_sums": (lambda x: (x * x).sum(axis=0), (X,)),
    "nearest": (lambda x, y: ((x[:, None] - y[None]) ** 2).sum(axis=2).argmin(axis=1),
                (X, floats(4, 5))),
    "running_sum": (lambda x: fnp.cumsum(x * 2, axis=1), (X,)),
    "transposed": (lambda x: fnp.tanh(x.T) + 1, (X,)),
    "dense": (dense, (X, floats(5, 4), floats(4))),
    "gates": (gates, (floats(3, 16), floats(3, 4))),
    "gates_backward": (gates_backward, (floats(3, 16), *[floats(3, 4)] * 3)),
    "adam": (adam, (*[floats(7, 3)] * 4, 3.0)),
    "pendulum": (pendulum, (floats(2), 9.81)),
    "lanes": (lanes, (fnp.arange(6),)),
    "mlp_step": (mlp_step, (mlp_params(), floats(6, 8), fnp.array([0, 1, 2, 3, 0, 1]))),
    "lstm_step": (lstm_step, (lstm_params(), floats(7, 3, 5))),
}
