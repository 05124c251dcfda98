"""What neural networks are made of: activations, attention, losses, initializers, dropout.

Plain functions of arrays; every transformation applies to them. `nn.initializers` has the
functions that make weights from a key. Imports `numpy`, `random`.
"""
from functrans.nn import initializers
from functrans.nn.activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    identity,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh,
)
from functrans.nn.attention import dot_product_attention
from functrans.nn.losses import (
    cosine_distance,
    cosine_similarity,
    hinge_loss,
    huber_loss,
    kl_divergence,
    l1_loss,
    l2_loss,
    log_cosh_loss,
    mean_squared_error,
    sigmoid_binary_cross_entropy,
    softmax_cross_entropy,
    softmax_cross_entropy_with_integer_labels,
)
from functrans.nn.normalization import (
    dropout,
    log1mexp,
    log_softmax,
    logmeanexp,
    logsumexp,
    one_hot,
    softmax,
    standardize,
)

__all__ = [
    "celu", "cosine_distance", "cosine_similarity", "dot_product_attention", "dropout", "elu",
    "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "hinge_loss",
    "huber_loss", "identity", "initializers", "kl_divergence", "l1_loss", "l2_loss", "leaky_relu",
    "log1mexp", "log_cosh_loss", "log_sigmoid", "log_softmax", "logmeanexp", "logsumexp",
    "mean_squared_error", "mish", "one_hot", "relu", "relu6", "selu", "sigmoid",
    "sigmoid_binary_cross_entropy", "silu", "soft_sign", "softmax", "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "squareplus", "standardize", "swish", "tanh",
]
