"""The sequence classifier: embedding, LSTM, and a class for each sequence.

    params = seq_classifier.init(ft.random.key(0), vocabulary=100, features=32, hidden=64,
                                 classes=10)
    logits = seq_classifier.apply(params, tokens, lengths)     # tokens: (time, batch) integers

A token may have several numbers, such as a word's letter trigrams: (time, batch, numbers).

Parameters are a dict: "embedding", "lstm", "output", as of `zoo.embedding`, `zoo.lstm`,
`zoo.dense`. Imports `random`, `zoo`.
"""
from __future__ import annotations

from functrans import numpy as fnp
from functrans import random
from functrans.errors import ArgumentError
from functrans.nn.normalization import dropout as drop
from functrans.numpy.promotion import as_arraylike
from functrans.zoo import dense, embedding, lstm, sequences

POOLS = ("last", "mean")


def init(key, vocabulary: int, features: int, hidden: int, classes: int, layers: int = 1, *,
         bidirectional: bool = True, dtype=None, **lstm_options) -> dict:
    """First parameters.

    vocabulary: the number of tokens. features: the size of their vectors. hidden, layers: of the
    LSTM. classes: how many. lstm_options: see `lstm.init`.

    >>> import functrans as ft
    >>> params = ft.zoo.seq_classifier.init(ft.random.key(0), vocabulary=9, features=4, hidden=8,
    ...                                     classes=3)
    >>> params["output"]["weight"].shape
    (16, 3)
    """
    embedding_key, lstm_key, output_key = random.split(key, 3)
    outputs = (lstm_options.get("projection") or hidden) * (2 if bidirectional else 1)
    return {"embedding": embedding.init(embedding_key, vocabulary, features, dtype=dtype),
            "lstm": lstm.init(lstm_key, features, hidden, layers, bidirectional=bidirectional,
                              dtype=dtype, **lstm_options),
            "output": dense.init(output_key, outputs, classes, dtype)}


def apply(params: dict, tokens, lengths=None, *, pool: str = "last", batch_first: bool = False,
          dropout: float = 0.0, key=None):
    """Scores of the classes: (batch, classes).

    tokens: integers, (time, batch), or (time, batch, numbers) for tokens that are the sums of
    several vectors, as in `embedding.bag`. lengths: (batch,), all steps by default. pool: what
    stands for a sequence: "last", the last output of each direction, or "mean", the mean of all
    outputs. dropout: on vectors of tokens, between layers and before the last one; needs `key`.
    Raises ValueError for another pool.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.seq_classifier.init(ft.random.key(0), vocabulary=9, features=4, hidden=8,
    ...                                     classes=3)
    >>> ft.zoo.seq_classifier.apply(params, fnp.zeros((7, 2), int), fnp.array([7, 3])).shape
    (2, 3)
    """
    if pool not in POOLS:
        raise ArgumentError(f"seq_classifier.apply: pool must be one of {', '.join(POOLS)}, got "
                            f"{pool!r}")
    if dropout and key is None:
        raise ArgumentError(
            f"seq_classifier.apply: dropout={dropout} needs key=, a new one for each "
            "call")
    first, middle, last = random.split(key, 3) if dropout else (None,) * 3
    tokens = as_arraylike(tokens, "seq_classifier.apply")
    tokens = tokens.swapaxes(0, 1) if batch_first else tokens
    look_up = embedding.apply if tokens.ndim < 3 else embedding.bag
    x = look_up(params["embedding"], tokens)
    x = drop(first, x, dropout) if dropout else x
    outputs, state = lstm.apply(params["lstm"], x, lengths=lengths, dropout=dropout, key=middle)
    x = _top(params["lstm"], state) if pool == "last" else _mean(outputs, lengths)
    x = drop(last, x, dropout) if dropout else x
    return dense.apply(params["output"], x)


def _top(layers, state):
    """The last outputs of the last layer, of both directions side by side."""
    directions = len(layers[-1])
    return fnp.concatenate([state.h[k] for k in range(-directions, 0)], -1)


def _mean(outputs, lengths):
    if lengths is None:
        lengths = fnp.full(outputs.shape[1:-1], outputs.shape[0])
    return sequences.mean(outputs, lengths)
