"""The multilayer perceptron: affine maps with an activation between them.

    params = mlp.init(ft.random.key(0), (64, 128, 10))
    logits = mlp.apply(params, x)                        # x: (..., 64), logits: (..., 10)

Parameters are a tuple with a dict for each layer: "weight" of shape (inputs, outputs) and "bias"
of shape (outputs,).

Imports `numpy`, `random`, `nn`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import random
from functrans.errors import ArgumentError, ShapeError
from functrans.nn import initializers
from functrans.nn.activations import relu
from functrans.numpy.promotion import as_arraylike

HE_NORMAL = initializers.he_normal()


def init(key, sizes: Sequence[int], *, weight_init: Callable = HE_NORMAL,
         bias_init: Callable = initializers.zeros, dtype=None) -> tuple:
    """First parameters.

    key: from `random.key`. sizes: of the input, of each hidden layer, of the output: at least
    two. weight_init, bias_init: initializers, `(key, shape, dtype) -> array`. dtype: of all
    parameters; the default float by default.
    Returns a tuple of len(sizes) - 1 dicts: "weight", (sizes[k], sizes[k + 1]), and "bias",
    (sizes[k + 1],).
    Raises ValueError for fewer than two sizes.

    He, Zhang, Ren, Sun, "Delving deep into rectifiers" (ICCV 2015), for the weights.

    >>> import functrans as ft
    >>> params = ft.zoo.mlp.init(ft.random.key(0), (3, 5, 2))
    >>> ft.tree.map(lambda p: p.shape, params)
    ({'bias': (5,), 'weight': (3, 5)}, {'bias': (2,), 'weight': (5, 2)})
    """
    if len(sizes) < 2:
        raise ArgumentError("mlp.init: sizes are those of the input, the hidden layers and the "
                            f"output, at least two; got {sizes!r}")
    keys = random.split(key, (len(sizes) - 1, 2))
    return tuple({"weight": weight_init(weight_key, (inputs, outputs), dtype),
                  "bias": bias_init(bias_key, (outputs,), dtype)}
                 for (weight_key, bias_key), inputs, outputs in zip(keys, sizes, sizes[1:]))


def apply(params: Sequence, x, activation: Callable = relu,
          output_activation: Callable | None = None):
    """The outputs for inputs.

    params: as made by `init`. x: of shape (..., inputs), with any axes in front. activation: after
    each layer but the last. output_activation: after the last; None leaves it linear.
    Returns an array of shape (..., outputs).
    Raises ShapeError (a ValueError) where x does not fit the first layer.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.mlp.init(ft.random.key(0), (3, 5, 2))
    >>> ft.zoo.mlp.apply(params, fnp.ones((7, 3))).shape
    (7, 2)
    """
    x = as_arraylike(x, "mlp.apply")
    _check_input(params, x)
    *hidden, last = params
    for layer in hidden:
        x = activation(x @ layer["weight"] + layer["bias"])
    x = x @ last["weight"] + last["bias"]
    return x if output_activation is None else output_activation(x)


def _check_input(params: Sequence, x):
    inputs = params[0]["weight"].shape[0]
    if not x.ndim or x.shape[-1] != inputs:
        raise ShapeError(f"mlp.apply: x must have shape (..., {inputs}), the number of inputs of "
                         f"params[0]['weight'], got {x.type}")
