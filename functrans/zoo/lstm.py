"""The long short-term memory: stacked, in both directions, with peepholes and projection.

    params = lstm.init(ft.random.key(0), inputs=8, hidden=16, layers=2)
    outputs, (h, c) = lstm.apply(params, x)              # x: (time, batch, 8)

    i, f, o = sigmoid(affine maps of x(t) and h(t-1))    gates; with peepholes c joins in
    g       = tanh(affine map of x(t) and h(t-1))
    c(t)    = f * c(t-1) + i * g
    h(t)    = o * tanh(c(t))

Parameters are a tuple with a dict for each layer, that has "forward" and perhaps "backward": dicts
of "input_weight" (inputs, 4 * hidden), "recurrent_weight" (outputs, 4 * hidden) and "bias"
(4 * hidden,), whose sections are i, f, g, o; and where asked for "peepholes" (3, hidden), for i,
f, o, and "projection" (hidden, outputs). What is there is used: a model needs no other
description.

Sources: Hochreiter, Schmidhuber, "Long short-term memory" (1997); the forget gate: Gers,
Schmidhuber, Cummins, "Learning to forget" (2000); peepholes: Gers, Schraudolph, Schmidhuber,
"Learning precise timing with LSTM recurrent networks" (2002); projection: Sak, Senior,
Beaufays, arXiv 1402.1128.

Imports `numpy`, `zoo.recurrent`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from functrans import numpy as fnp
from functrans import random
from functrans.nn.activations import sigmoid
from functrans.zoo import recurrent
from functrans.zoo.recurrent import Cell, plus, total_bias


class State(NamedTuple):
    """What an LSTM remembers: arrays of shape (layers * directions, ..., size).

    h: the outputs, of size outputs; c: the cells, of size hidden.
    """
    h: object
    c: object


def init(key, inputs: int, hidden: int, layers: int = 1, *, bidirectional: bool = False,
         peepholes: bool = False, projection: int | None = None, bias: bool = True,
         forget_bias: float = 1.0, initializer: Callable | None = None, dtype=None) -> tuple:
    """First parameters; see the module for their structure.

    key: from `random.key`. inputs: features of a step. hidden: cells of a layer. layers: how many,
    one on the other. bidirectional: a second set of cells runs from the end to the start.
    peepholes: gates see the cells. projection: outputs of a layer, if they are not the hidden
    units but a linear map of them. bias: whether there are biases. forget_bias: the first bias of
    the forget gate; the others are 0. initializer: of the weights, uniform within
    1 / sqrt(outputs) by default. dtype: the default float by default.
    Raises ValueError for less than one layer.

    Jozefowicz, Zaremba, Sutskever, "An empirical exploration of recurrent network architectures"
    (ICML 2015), for the forget bias.

    >>> import functrans as ft
    >>> params = ft.zoo.lstm.init(ft.random.key(0), inputs=3, hidden=4)
    >>> ft.tree.map(lambda p: p.shape, params[0]["forward"])
    {'bias': (16,), 'input_weight': (3, 16), 'recurrent_weight': (4, 16)}
    """
    outputs = hidden if projection is None else projection

    def make(key, size):
        key, extra_key = random.split(key)
        cell = recurrent.init_weights(key, size, outputs, 4 * hidden, initializer, dtype)
        if bias:
            first = fnp.zeros(4 * hidden, dtype)
            cell["bias"] = first.at[hidden:2 * hidden].set(forget_bias)
        return {**cell, **_extras(extra_key, hidden, projection, peepholes, initializer, dtype)}
    return recurrent.init_layers("lstm", key, inputs, outputs, layers, bidirectional, make)


def _extras(key, hidden: int, projection, peepholes: bool, initializer, dtype) -> dict:
    initializer = initializer or recurrent.uniform_by_size(hidden)
    extras = {}
    if peepholes:
        extras["peepholes"] = fnp.zeros((3, hidden), dtype)
    if projection is not None:
        extras["projection"] = initializer(key, (hidden, projection), dtype)
    return extras


def apply(params: Sequence, x, state: State | None = None, *, lengths=None,
          batch_first: bool = False, dropout: float = 0.0, key=None) -> tuple:
    """The outputs of all steps, and the last state.

    params: as made by `init`. x: sequences, (time, batch, inputs), or (time, inputs) for one, or
    with more axes in the place of batch. state: to start from, zeros by default.
    lengths: integers of shape (batch,): each sequence ends there. Its state stays what it was,
    its outputs are zero from there on, and what x has there is not looked at. The backward
    direction starts at that end. Lengths are data: new ones neither retrace nor compile.
    batch_first: x and outputs are (batch, time, ...); states and lengths stay as they are.
    dropout: the probability that a number on its way from one layer to the next becomes 0, divided
    out again; needs `key`. Leave it out when the model is not trained.
    Returns outputs, (time, batch, outputs), twice as wide if bidirectional; and the `State` of all
    layers, where forward comes before backward.
    Raises ShapeError (a ValueError) where x, state or lengths do not fit; ValueError for dropout
    without a key.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm.init(ft.random.key(0), inputs=3, hidden=4)
    >>> outputs, (h, c) = ft.zoo.lstm.apply(params, fnp.ones((7, 2, 3)), lengths=fnp.array([7, 5]))
    >>> outputs.shape, h.shape
    ((7, 2, 4), (1, 2, 4))
    """
    outputs, last = recurrent.run(CELL, params, x, state, lengths, batch_first, dropout, key)
    return outputs, State(*last)


def step(params: Sequence, x, state: State | None = None) -> tuple:
    """One step, for sequences that come one element at a time: the output, and the state after it.

    x: (..., inputs). state: as `apply` and `step` return it; zeros by default.
    Raises ValueError for bidirectional parameters.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm.init(ft.random.key(0), inputs=3, hidden=4)
    >>> output, state = ft.zoo.lstm.step(params, fnp.ones((2, 3)))
    >>> output, state = ft.zoo.lstm.step(params, fnp.zeros((2, 3)), state)
    >>> output.shape
    (2, 4)
    """
    output, after = recurrent.run_step(CELL, params, x, state)
    return output, State(*after)


def _stepper(params: dict) -> Callable:
    bias, peepholes = total_bias(params), params.get("peepholes")

    def step(affine, state):
        h, c = state
        gates = plus(affine + h @ params["recurrent_weight"], bias)
        i, f, g, o = fnp.split(gates, 4, -1)
        if peepholes is not None:
            i, f = i + peepholes[0] * c, f + peepholes[1] * c
        c = sigmoid(f) * c + sigmoid(i) * fnp.tanh(g)
        if peepholes is not None:
            o = o + peepholes[2] * c
        h = sigmoid(o) * fnp.tanh(c)
        return (h @ params["projection"] if "projection" in params else h), c
    return step


CELL = Cell("lstm", 4, State._fields, _stepper)
