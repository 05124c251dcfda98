"""Models as pairs of plain functions: `init` makes a pytree of parameters, `apply` uses it.

    params = ft.zoo.mlp.init(ft.random.key(0), (64, 128, 10))
    logits = ft.zoo.mlp.apply(params, x)

Each module is one model. `sequences`, `data`, `convert` and `checkpoint` serve them, and `fit`
trains them. Imports `numpy`, `random`, `nn`, `lax`, `optim`.
"""
from functrans.zoo import (autoencoder, checkpoint, convert, data, dense, embedding, fcn5, gru,
                           lstm, lstm_dssm, lstm_lm, mlp, rnn, seq_classifier, sequences)
from functrans.zoo.curves import save_curves
from functrans.zoo.training import Run, fit

__all__ = ["Run", "autoencoder", "checkpoint", "convert", "data", "dense", "embedding", "fcn5",
           "fit", "gru", "lstm", "lstm_dssm", "lstm_lm", "mlp", "rnn", "save_curves",
           "seq_classifier", "sequences"]
