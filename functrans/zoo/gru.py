"""The gated recurrent unit: stacked, in both directions.

    params = gru.init(ft.random.key(0), inputs=8, hidden=16)
    outputs, h = gru.apply(params, x)                    # x: (time, batch, 8)

    r, z = sigmoid(affine maps of x(t) and h(t-1))
    n    = tanh(affine map of x(t) + r * affine map of h(t-1))
    h(t) = (1 - z) * n + z * h(t-1)

Parameters are a tuple with a dict for each layer, that has "forward" and perhaps "backward": dicts
of "input_weight" (inputs, 3 * hidden), "recurrent_weight" (hidden, 3 * hidden), "bias" and
"recurrent_bias" (3 * hidden,), whose sections are r, z, n. The reset gate acts on the finished
map of h(t-1), so that there is one recurrent product a step, and its bias is one of its own.

Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (EMNLP 2014), in
the form whose reset gate comes after the product.

Imports `numpy`, `zoo.recurrent`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import numpy as fnp
from functrans.nn.activations import sigmoid
from functrans.zoo import recurrent
from functrans.zoo.recurrent import Cell, plus


def init(key, inputs: int, hidden: int, layers: int = 1, *, bidirectional: bool = False,
         bias: bool = True, initializer: Callable | None = None, dtype=None) -> tuple:
    """First parameters; see the module for their structure, `lstm.init` for the arguments.

    >>> import functrans as ft
    >>> params = ft.zoo.gru.init(ft.random.key(0), inputs=3, hidden=4, layers=2)
    >>> params[1]["forward"]["input_weight"].shape
    (4, 12)
    """
    def make(key, size):
        cell = recurrent.init_weights(key, size, hidden, 3 * hidden, initializer, dtype)
        names = ("bias", "recurrent_bias") if bias else ()
        return {**cell, **{name: fnp.zeros(3 * hidden, dtype) for name in names}}
    return recurrent.init_layers("gru", key, inputs, hidden, layers, bidirectional, make)


def apply(params: Sequence, x, state=None, *, lengths=None, batch_first: bool = False,
          dropout: float = 0.0, key=None) -> tuple:
    """The outputs of all steps, and the last state: an array (layers * directions, batch, hidden).

    See `lstm.apply` for the arguments.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.gru.init(ft.random.key(0), inputs=3, hidden=4)
    >>> outputs, h = ft.zoo.gru.apply(params, fnp.ones((7, 2, 3)))
    >>> outputs.shape, h.shape
    ((7, 2, 4), (1, 2, 4))
    """
    state = None if state is None else (state,)
    outputs, last = recurrent.run(CELL, params, x, state, lengths, batch_first, dropout, key)
    return outputs, last[0]


def step(params: Sequence, x, state=None) -> tuple:
    """One step: the output, and the state after it. See `lstm.step`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.gru.init(ft.random.key(0), inputs=3, hidden=4)
    >>> output, h = ft.zoo.gru.step(params, fnp.ones((2, 3)))
    >>> output.shape, h.shape
    ((2, 4), (1, 2, 4))
    """
    output, after = recurrent.run_step(CELL, params, x, None if state is None else (state,))
    return output, after[0]


def _stepper(params: dict) -> Callable:
    bias, recurrent_bias = params.get("bias"), params.get("recurrent_bias")

    def step(affine, state):
        h, = state
        x_r, x_z, x_n = fnp.split(plus(affine, bias), 3, -1)
        h_r, h_z, h_n = fnp.split(plus(h @ params["recurrent_weight"], recurrent_bias), 3, -1)
        z = sigmoid(x_z + h_z)
        n = fnp.tanh(x_n + sigmoid(x_r + h_r) * h_n)
        return (n + z * (h - n),)
    return step


CELL = Cell("gru", 3, ("h",), _stepper)
