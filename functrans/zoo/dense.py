"""The last layer of a model: an affine map, without an activation.

Parameters are a dict with "weight" (inputs, outputs) and "bias" (outputs,), as a layer of
`zoo.mlp` has. Imports `nn`.
"""
from __future__ import annotations

from functrans import numpy as fnp
from functrans.nn import initializers


def init(key, inputs: int, outputs: int, dtype=None) -> dict:
    """First parameters: Glorot's uniform weights, no bias.

    >>> import functrans as ft
    >>> ft.zoo.dense.init(ft.random.key(0), 3, 2)["weight"].shape
    (3, 2)
    """
    return {"weight": initializers.glorot_uniform()(key, (inputs, outputs), dtype),
            "bias": fnp.zeros(outputs, dtype)}


def apply(params: dict, x):
    """x @ weight + bias: of (..., inputs), an array (..., outputs).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.zoo.dense.apply({"weight": fnp.ones((3, 2)), "bias": fnp.ones(2)}, fnp.ones(3))
    Array([4., 4.], dtype=float32)
    """
    return x @ params["weight"] + params["bias"]
