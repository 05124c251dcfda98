"""The simple recurrent network of Elman: stacked, in both directions.

    params = rnn.init(ft.random.key(0), inputs=8, hidden=16)
    outputs, h = rnn.apply(params, x)                    # x: (time, batch, 8)

    h(t) = tanh(affine map of x(t) and h(t-1))

Parameters are a tuple with a dict for each layer, that has "forward" and perhaps "backward": dicts
of "input_weight" (inputs, hidden), "recurrent_weight" (hidden, hidden) and "bias" (hidden,).

Source: Elman, "Finding structure in time" (Cognitive Science, 1990).

Imports `numpy`, `zoo.recurrent`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import numpy as fnp
from functrans.zoo import recurrent
from functrans.zoo.recurrent import Cell, plus, total_bias


def init(key, inputs: int, hidden: int, layers: int = 1, *, bidirectional: bool = False,
         bias: bool = True, initializer: Callable | None = None, dtype=None) -> tuple:
    """First parameters; see the module for their structure, `lstm.init` for the arguments.

    >>> import functrans as ft
    >>> params = ft.zoo.rnn.init(ft.random.key(0), inputs=3, hidden=4)
    >>> params[0]["forward"]["input_weight"].shape
    (3, 4)
    """
    def make(key, size):
        cell = recurrent.init_weights(key, size, hidden, hidden, initializer, dtype)
        return {**cell, "bias": fnp.zeros(hidden, dtype)} if bias else cell
    return recurrent.init_layers("rnn", key, inputs, hidden, layers, bidirectional, make)


def apply(params: Sequence, x, state=None, *, activation: Callable = fnp.tanh, lengths=None,
          batch_first: bool = False, dropout: float = 0.0, key=None) -> tuple:
    """The outputs of all steps, and the last state: an array (layers * directions, batch, hidden).

    activation: a function of arrays, `nn.relu` for example. See `lstm.apply` for the others.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.rnn.init(ft.random.key(0), inputs=3, hidden=4)
    >>> outputs, h = ft.zoo.rnn.apply(params, fnp.ones((7, 2, 3)))
    >>> outputs.shape, h.shape
    ((7, 2, 4), (1, 2, 4))
    """
    state = None if state is None else (state,)
    outputs, last = recurrent.run(_cell(activation), params, x, state, lengths, batch_first,
                                  dropout, key)
    return outputs, last[0]


def step(params: Sequence, x, state=None, *, activation: Callable = fnp.tanh) -> tuple:
    """One step: the output, and the state after it. See `lstm.step`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.rnn.init(ft.random.key(0), inputs=3, hidden=4)
    >>> output, h = ft.zoo.rnn.step(params, fnp.ones((2, 3)))
    >>> output.shape, h.shape
    ((2, 4), (1, 2, 4))
    """
    state = None if state is None else (state,)
    output, after = recurrent.run_step(_cell(activation), params, x, state)
    return output, after[0]


def _cell(activation: Callable) -> Cell:
    def stepper(params: dict) -> Callable:
        bias = total_bias(params)

        def step(affine, state):
            return (activation(plus(affine + state[0] @ params["recurrent_weight"], bias)),)
        return step
    return Cell("rnn", 1, ("h",), stepper)
