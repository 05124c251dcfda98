"""Models as pairs of plain functions: `init` makes a pytree of parameters, `apply` uses it.

    params = ft.zoo.mlp.init(ft.random.key(0), (64, 128, 10))
    logits = ft.zoo.mlp.apply(params, x)

Each module is one model; `sequences` and `convert` serve them. Imports `numpy`, `random`, `nn`,
`lax`.
"""
from functrans.zoo import (autoencoder, convert, dense, embedding, fcn5, gru, lstm, lstm_dssm,
                           lstm_lm, mlp, rnn, seq_classifier, sequences)

__all__ = ["autoencoder", "convert", "dense", "embedding", "fcn5", "gru", "lstm", "lstm_dssm",
           "lstm_lm", "mlp", "rnn", "seq_classifier", "sequences"]
