"""The fully connected network of deep-learning benchmarks: 784-2048-4096-1024-10, sigmoid.

    params = fcn5.init(ft.random.key(0))
    logits = fcn5.apply(params, x)                       # x: (batch, 784), logits: (batch, 10)

Source: Shi, Wang, Xu, Chu, "Benchmarking state-of-the-art deep learning software tools" (arXiv
1608.07249); the five layers are the input, three hidden ones and the output.

Imports `nn`, `zoo.mlp`.
"""
from __future__ import annotations

from functrans.nn import initializers
from functrans.nn.activations import sigmoid
from functrans.nn.losses import softmax_cross_entropy_with_integer_labels
from functrans.zoo import mlp

SIZES = (784, 2048, 4096, 1024, 10)


def init(key, sizes=SIZES, dtype=None) -> tuple:
    """First parameters: a layer for each pair of sizes, as of `zoo.mlp`, Glorot's weights.

    >>> import functrans as ft
    >>> params = ft.zoo.fcn5.init(ft.random.key(0), (8, 4, 2))
    >>> params[0]["weight"].shape
    (8, 4)
    """
    return mlp.init(key, sizes, weight_init=initializers.glorot_uniform(), dtype=dtype)


def apply(params, x):
    """Scores of the classes: (..., 784) to (..., 10).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.fcn5.init(ft.random.key(0), (8, 4, 2))
    >>> ft.zoo.fcn5.apply(params, fnp.ones((3, 8))).shape
    (3, 2)
    """
    return mlp.apply(params, x, sigmoid)


def loss(params, x, labels):
    """The mean cross entropy of integer labels, in nats.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = ft.zoo.fcn5.init(ft.random.key(0), (8, 4, 2))
    >>> ft.zoo.fcn5.loss(params, fnp.ones((3, 8)), fnp.array([0, 1, 1])).shape
    ()
    """
    return softmax_cross_entropy_with_integer_labels(apply(params, x), labels).mean()
