"""Activations: functions of one number, applied to each element.

Each takes an array of any shape (integers become floats) and gives one of the same shape and
dtype. At a kink the derivative is that of the flat side: `relu` has 0 at 0, as in JAX and PyTorch.

Imports `numpy`, `primitives`.
"""
from __future__ import annotations

import math

from functrans.errors import ShapeError
from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.splitting import split
from functrans.numpy.promotion import as_arraylike, canonical_axis, promote_inexact
from functrans.primitives import functions

# Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks" (NeurIPS 2017):
# the fixed point of mean 0 and variance 1.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848, 1.0507009873554804934


def _floats(x, name: str):
    """An operand as an array of floats."""
    return promote_inexact(as_arraylike(x, name))[0]


def identity(x):
    """x as it is: the activation of a layer that has none.

    >>> import functrans as ft
    >>> ft.nn.identity(2.0)
    Array(2., dtype=float32, weak_type=True)
    """
    return as_arraylike(x, "identity")


def relu(x):
    """max(x, 0), with derivative 0 at 0; NaN stays NaN.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.relu(fnp.array([-1.0, 2.0]))
    Array([0., 2.], dtype=float32)
    """
    x = as_arraylike(x, "relu")
    return where(x <= 0, 0, x)


def relu6(x):
    """x limited to the interval from 0 to 6, with derivative 0 at both ends.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.relu6(fnp.array([-1.0, 2.0, 7.0]))
    Array([0., 2., 6.], dtype=float32)
    """
    x = as_arraylike(x, "relu6")
    return where(x <= 0, 0, where(x >= 6, 6, x))


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow.

    >>> import functrans as ft
    >>> ft.nn.sigmoid(0.0)
    Array(0.5, dtype=float32, weak_type=True)
    """
    return functions.logistic(_floats(x, "sigmoid"))


def log_sigmoid(x):
    """log(sigmoid(x)), accurate where the sigmoid is close to 0.

    >>> import functrans as ft
    >>> ft.nn.log_sigmoid(-100.0)
    Array(-100., dtype=float32)
    """
    return -softplus(-_floats(x, "log_sigmoid"))


def tanh(x):
    """The hyperbolic tangent.

    >>> import functrans as ft
    >>> ft.nn.tanh(0.0)
    Array(0., dtype=float32)
    """
    return ufuncs.tanh(x)


def softplus(x):
    """log(1 + exp(x)), without overflow.

    >>> import functrans as ft
    >>> ft.nn.softplus(100.0)
    Array(100., dtype=float32)
    """
    return ufuncs.logaddexp(_floats(x, "softplus"), 0.0)


def softsign(x):
    """x / (1 + abs(x)).

    >>> import functrans as ft
    >>> ft.nn.softsign(-1.0)
    Array(-0.5, dtype=float32, weak_type=True)
    """
    x = _floats(x, "softsign")
    return x / (1 + ufuncs.abs(x))


soft_sign = softsign


def squareplus(x, b=4):
    """(x + sqrt(x**2 + b)) / 2: close to softplus, without exponentials.

    b: how round the corner is; 0 gives relu.

    Barron, "Squareplus: a softplus-like algebraic rectifier" (arXiv 2112.11687).

    >>> import functrans as ft
    >>> ft.nn.squareplus(0.0)
    Array(1., dtype=float32, weak_type=True)
    """
    x = _floats(x, "squareplus")
    return 0.5 * (x + ufuncs.sqrt(ufuncs.square(x) + b))


def sparse_plus(x):
    """0 up to x = -1, x from 1 on, (x + 1)**2 / 4 between: softplus with flat ends.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.sparse_plus(fnp.array([-2.0, 0.0, 3.0]))
    Array([0.  , 0.25, 3.  ], dtype=float32)
    """
    x = _floats(x, "sparse_plus")
    return where(x <= -1, 0, where(x >= 1, x, ufuncs.square(x + 1) / 4))


def sparse_sigmoid(x):
    """0 up to x = -1, 1 from 1 on, a straight line between: the slope of `sparse_plus`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.sparse_sigmoid(fnp.array([-2.0, 0.0, 3.0]))
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    return 0.5 * ufuncs.clip(_floats(x, "sparse_sigmoid") + 1, 0, 2)


def _negative_exponential(x, alpha, scale=1.0):
    """alpha * (exp(x / scale) - 1) for x <= 0; anything finite elsewhere."""
    return alpha * ufuncs.expm1(where(x > 0, 0, x) / scale)


def elu(x, alpha=1.0):
    """x for positive x, alpha * (exp(x) - 1) else.

    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential
    linear units" (ICLR 2016).

    >>> import functrans as ft
    >>> ft.nn.elu(3.0)
    Array(3., dtype=float32)
    """
    x = _floats(x, "elu")
    return where(x > 0, x, _negative_exponential(x, alpha))


def selu(x):
    """The scaled elu that keeps mean 0 and variance 1 through layers.

    Klambauer et al., "Self-normalizing neural networks" (NeurIPS 2017).

    >>> import functrans as ft
    >>> ft.nn.selu(1.0)
    Array(1.050701, dtype=float32)
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def celu(x, alpha=1.0):
    """x for positive x, alpha * (exp(x / alpha) - 1) else: its slope is continuous for any alpha.

    Barron, "Continuously differentiable exponential linear units" (arXiv 1704.07483).

    >>> import functrans as ft
    >>> ft.nn.celu(3.0)
    Array(3., dtype=float32)
    """
    x = _floats(x, "celu")
    return where(x > 0, x, _negative_exponential(x, alpha, alpha))


def leaky_relu(x, negative_slope=0.01):
    """x for x >= 0, negative_slope * x else.

    >>> import functrans as ft
    >>> ft.nn.leaky_relu(-1.0)
    Array(-0.01, dtype=float32)
    """
    x = _floats(x, "leaky_relu")
    return where(x >= 0, x, negative_slope * x)


def gelu(x, approximate: bool = True):
    """x times the normal distribution function of x.

    approximate: by a tanh (default, as in JAX), or by erf, exactly.

    Hendrycks, Gimpel, "Gaussian error linear units" (arXiv 1606.08415).

    >>> import functrans as ft
    >>> ft.nn.gelu(1.0, approximate=False)
    Array(0.8413447, dtype=float32, weak_type=True)
    """
    x = _floats(x, "gelu")
    if not approximate:
        return 0.5 * x * (1 + functions.erf(x * math.sqrt(0.5)))
    return 0.5 * x * (1 + ufuncs.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


def silu(x):
    """x * sigmoid(x), also called swish.

    Ramachandran, Zoph, Le, "Searching for activation functions" (arXiv 1710.05941).

    >>> import functrans as ft
    >>> ft.nn.silu(0.0)
    Array(0., dtype=float32, weak_type=True)
    """
    x = _floats(x, "silu")
    return x * sigmoid(x)


swish = silu


def mish(x):
    """x * tanh(softplus(x)).

    Misra, "Mish: a self regularized non-monotonic activation function" (arXiv 1908.08681).

    >>> import functrans as ft
    >>> ft.nn.mish(0.0)
    Array(0., dtype=float32)
    """
    x = _floats(x, "mish")
    return x * ufuncs.tanh(softplus(x))


def hard_tanh(x):
    """x limited to the interval from -1 to 1, with derivative 0 at both ends.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.hard_tanh(fnp.array([-2.0, 0.5]))
    Array([-1. ,  0.5], dtype=float32)
    """
    x = as_arraylike(x, "hard_tanh")
    return where(x <= -1, -1, where(x >= 1, 1, x))


def hard_sigmoid(x):
    """relu6(x + 3) / 6: a sigmoid of three straight lines.

    >>> import functrans as ft
    >>> ft.nn.hard_sigmoid(0.0)
    Array(0.5, dtype=float32)
    """
    return relu6(_floats(x, "hard_sigmoid") + 3) / 6


def hard_silu(x):
    """x * hard_sigmoid(x).

    Howard et al., "Searching for MobileNetV3" (ICCV 2019).

    >>> import functrans as ft
    >>> ft.nn.hard_silu(3.0)
    Array(3., dtype=float32)
    """
    x = _floats(x, "hard_silu")
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def glu(x, axis: int = -1):
    """The gated linear unit: the first half along `axis` times the sigmoid of the second.

    Raises ValueError if the axis has an odd size.

    Dauphin, Fan, Auli, Grangier, "Language modeling with gated convolutional networks"
    (ICML 2017).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.glu(fnp.array([3.0, 0.0]))
    Array([1.5], dtype=float32)
    """
    x = _floats(x, "glu")
    axis = canonical_axis(axis, x.ndim)
    if x.shape[axis] % 2:
        raise ShapeError(f"glu halves axis {axis}, which has the odd size {x.shape[axis]}")
    value, gate = split(x, 2, axis)
    return value * sigmoid(gate)
