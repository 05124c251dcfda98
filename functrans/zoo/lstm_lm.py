"""The language model: embedding, stacked LSTM, softmax over the next token.

    params = lstm_lm.init(ft.random.key(0), vocabulary=100, features=32, hidden=64)
    logits, state = lstm_lm.apply(params, tokens)        # tokens: (time, batch) integers

Parameters are a dict: "embedding" as of `zoo.embedding`, "lstm" as of `zoo.lstm`, "output" with
"weight" (outputs, vocabulary) and "bias" (vocabulary,). Where the output has no weight, it is that
of the embedding: tied.

Sources: Mikolov et al., "Recurrent neural network based language model" (Interspeech 2010); the
places of dropout: Zaremba, Sutskever, Vinyals, arXiv 1409.2329.

Imports `numpy`, `random`, `nn`, `lax`, `zoo.embedding`, `zoo.lstm`, `zoo.dense`.
"""
from __future__ import annotations

from functrans import lax
from functrans import numpy as fnp
from functrans import random
from functrans.errors import ArgumentError
from functrans.nn.losses import softmax_cross_entropy_with_integer_labels
from functrans.nn.normalization import dropout as drop
from functrans.numpy.promotion import as_arraylike
from functrans.zoo import dense, embedding, lstm, sequences
from functrans.zoo.lstm import State


def init(key, vocabulary: int, features: int, hidden: int, layers: int = 1, *,
         tied: bool = False, dtype=None, **lstm_options) -> dict:
    """First parameters.

    vocabulary: the number of tokens. features: the size of their vectors. hidden, layers: of the
    LSTM. tied: the last layer has the weights of the embedding, so that the LSTM must give as many
    numbers as a vector has: hidden, or `projection`, equal to features. lstm_options: see
    `lstm.init`.
    Raises ValueError for tied weights that do not fit, and for a bidirectional LSTM, which would
    see what it is to predict.

    >>> import functrans as ft
    >>> params = ft.zoo.lstm_lm.init(ft.random.key(0), vocabulary=10, features=4, hidden=8)
    >>> params["output"]["weight"].shape
    (8, 10)
    """
    if lstm_options.get("bidirectional"):
        raise ArgumentError("lstm_lm.init: a bidirectional model sees what it is to predict")
    outputs = lstm_options.get("projection") or hidden
    if tied and outputs != features:
        raise ArgumentError(
            f"lstm_lm.init: with tied weights the LSTM's outputs ({outputs}) must be "
            f"as many as the features ({features}); projection={features} makes them")
    embedding_key, lstm_key, output_key = random.split(key, 3)
    output = dense.init(output_key, outputs, vocabulary, dtype)
    if tied:
        del output["weight"]
    return {"embedding": embedding.init(embedding_key, vocabulary, features, dtype=dtype),
            "lstm": lstm.init(lstm_key, features, hidden, layers, dtype=dtype, **lstm_options),
            "output": output}


def apply(params: dict, tokens, state: State | None = None, *, lengths=None,
          batch_first: bool = False, dropout: float = 0.0, key=None) -> tuple:
    """Scores of what comes next, after each token; and the last state.

    tokens: integers, (time, batch). dropout: on vectors of tokens, between layers and before the
    last one. See `lstm.apply` for the others.
    Returns logits, (time, batch, vocabulary), and the LSTM's `State`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm_lm.init(ft.random.key(0), vocabulary=10, features=4, hidden=8)
    >>> ft.zoo.lstm_lm.apply(params, fnp.zeros((5, 2), int))[0].shape
    (5, 2, 10)
    """
    if dropout and key is None:
        raise ArgumentError(f"lstm_lm.apply: dropout={dropout} needs key=, a new one for each call")
    first, middle, last = random.split(key, 3) if dropout else (None,) * 3
    x = embedding.apply(params["embedding"], tokens)
    x = drop(first, x, dropout) if dropout else x
    x, state = lstm.apply(params["lstm"], x, state, lengths=lengths, batch_first=batch_first,
                          dropout=dropout, key=middle)
    x = drop(last, x, dropout) if dropout else x
    return _logits(params, x), state


def _logits(params: dict, x):
    output = params["output"]
    if "weight" in output:
        return dense.apply(output, x)
    return embedding.attend(params["embedding"], x) + output["bias"]


def loss(params: dict, inputs, targets, state: State | None = None, *, lengths=None,
         **options) -> tuple:
    """The mean cross entropy of the next token, in nats; and the last state.

    inputs, targets: integers, (time, batch), as of `sequences.windows`. state: to go on from, as
    the window before returned it: truncated backpropagation through time. lengths: only the
    steps that sequences have count. options: as of `apply`.
    Divide by log(2) for bits.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm_lm.init(ft.random.key(0), vocabulary=10, features=4, hidden=8)
    >>> tokens = fnp.zeros((5, 2), int)
    >>> value, state = ft.zoo.lstm_lm.loss(params, tokens, tokens)
    >>> value.shape
    ()
    """
    targets = as_arraylike(targets, "lstm_lm.loss")
    logits, state = apply(params, inputs, state, lengths=lengths, **options)
    if lengths is None:
        return softmax_cross_entropy_with_integer_labels(logits, targets).mean(), state
    steps_axis = 1 if options.get("batch_first") else 0
    alive = sequences.mask(lengths, targets.shape[steps_axis])
    alive = alive.T if steps_axis else alive
    each = softmax_cross_entropy_with_integer_labels(logits, fnp.where(alive, targets, 0))
    return fnp.where(alive, each, 0).sum() / alive.sum(), state


def sample(params: dict, key, prompt, steps: int, temperature: float = 1.0):
    """Tokens that the model makes up after a prompt.

    key: one key. prompt: integers, (time, batch), of at least one step. steps: how many tokens to
    make. temperature: divides the scores: below 1 likely tokens become likelier; 0 takes the
    likeliest.
    Returns integers, (steps, batch). It can be jitted with `steps` static.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.lstm_lm.init(ft.random.key(0), vocabulary=10, features=4, hidden=8)
    >>> ft.zoo.lstm_lm.sample(params, ft.random.key(1), fnp.zeros((1, 2), int), 5).shape
    (5, 2)
    """
    logits, state = apply(params, prompt)
    keys = random.split(key, steps)

    def step(carry, key):
        logits, state = carry
        token = _draw(key, logits, temperature)
        x = embedding.apply(params["embedding"], token)
        x, state = lstm.step(params["lstm"], x, state)
        return (_logits(params, x), state), token
    return lax.scan(step, (logits[-1], state), keys)[1]


def _draw(key, logits, temperature):
    if isinstance(temperature, (int, float)) and temperature == 0:
        return logits.argmax(-1)
    return random.categorical(key, logits / temperature)
