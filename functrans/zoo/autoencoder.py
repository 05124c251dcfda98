"""The autoencoder: an encoder to few numbers and a decoder back, each a multilayer perceptron.

    params = autoencoder.init(ft.random.key(0), (64, 32, 2))
    code = autoencoder.encode(params, x)                 # x: (..., 64), code: (..., 2)
    again = autoencoder.apply(params, x)                 # (..., 64)

Parameters are a dict: "encoder" and "decoder" as of `zoo.mlp`. Where the decoder's layers have no
weights, these are the encoder's, transposed: tied.

Source: Hinton, Salakhutdinov, "Reducing the dimensionality of data with neural networks" (Science,
2006).

Imports `random`, `nn`, `zoo.mlp`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import random
from functrans.nn.activations import tanh
from functrans.zoo import mlp


def init(key, sizes: Sequence[int], *, tied: bool = False, **options) -> dict:
    """First parameters.

    sizes: of the input, of the encoder's hidden layers, of the code; the decoder has them from the
    last to the first. tied: the decoder has the encoder's weights. options: see `mlp.init`.

    >>> import functrans as ft
    >>> params = ft.zoo.autoencoder.init(ft.random.key(0), (8, 4, 2))
    >>> [layer["weight"].shape for layer in params["decoder"]]
    [(2, 4), (4, 8)]
    """
    encoder_key, decoder_key = random.split(key)
    decoder = mlp.init(decoder_key, tuple(sizes)[::-1], **options)
    if tied:
        decoder = tuple({"bias": layer["bias"]} for layer in decoder)
    return {"encoder": mlp.init(encoder_key, sizes, **options), "decoder": decoder}


def encode(params: dict, x, activation: Callable = tanh):
    """The codes of inputs: (..., inputs) to (..., code)."""
    return mlp.apply(params["encoder"], x, activation)


def decode(params: dict, code, activation: Callable = tanh,
           output_activation: Callable | None = None):
    """Inputs again, from codes: (..., code) to (..., inputs)."""
    return mlp.apply(_decoder(params), code, activation, output_activation)


def apply(params: dict, x, activation: Callable = tanh,
          output_activation: Callable | None = None):
    """What the decoder makes of the codes of inputs, of the shape of x.

    activation: between layers. output_activation: after the last one, `nn.sigmoid` for inputs
    between 0 and 1 for example; None leaves it linear.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.autoencoder.init(ft.random.key(0), (8, 4, 2), tied=True)
    >>> ft.zoo.autoencoder.apply(params, fnp.ones((3, 8))).shape
    (3, 8)
    """
    return decode(params, encode(params, x, activation), activation, output_activation)


def _decoder(params: dict) -> Sequence:
    return tuple({"weight": mirror["weight"].T, **layer}
                 for layer, mirror in zip(params["decoder"], params["encoder"][::-1]))
