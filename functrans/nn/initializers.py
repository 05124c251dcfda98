"""Initializers: functions that make the first weights of a layer from a key.

`zeros` and `ones` are initializers; the others make one: `glorot_uniform()(key, shape, dtype)`. The
`dtype` that a maker takes is that of weights whose dtype is not said when they are drawn.
Weights have the shape (..., inputs, outputs); what comes before counts as a receptive field, as of
a convolution.

Imports `numpy`, `random`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from functrans import random
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy import creation, ranges
from functrans.numpy.manipulation import moveaxis, reshape
from functrans.numpy.promotion import canonical_axis, canonical_dtype

Initializer = Callable

# The standard deviation of a normal distribution that is cut off at -2 and 2.
_TRUNCATED_DEVIATION = 0.87962566103423978


def zeros(key, shape, dtype=None):
    """Zeros; the key is not used.

    >>> import functrans as ft
    >>> ft.nn.initializers.zeros(ft.random.key(0), (2,))
    Array([0., 0.], dtype=float32)
    """
    return creation.zeros(shape, dtype)


def ones(key, shape, dtype=None):
    """Ones; the key is not used.

    >>> import functrans as ft
    >>> ft.nn.initializers.ones(ft.random.key(0), (2,))
    Array([1., 1.], dtype=float32)
    """
    return creation.ones(shape, dtype)


def constant(value, dtype=None) -> Initializer:
    """An initializer that gives one value.

    >>> import functrans as ft
    >>> ft.nn.initializers.constant(0.1)(ft.random.key(0), (2,))
    Array([0.1, 0.1], dtype=float32)
    """
    def initialize(key, shape, dtype=dtype):
        return creation.full(shape, value, canonical_dtype(dtype))
    return initialize


def identity(scale=1.0, dtype=None) -> Initializer:
    """An initializer that gives `scale` on the diagonal of a matrix, 0 elsewhere.

    Le, Jaitly, Hinton, "A simple way to initialize recurrent networks of rectified linear units"
    (arXiv 1504.00941).

    >>> import functrans as ft
    >>> ft.nn.initializers.identity()(ft.random.key(0), (2, 2))
    Array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    def initialize(key, shape, dtype=dtype):
        _require_axes(shape, 2, "identity", exactly=True)
        return scale * ranges.eye(*shape, dtype=canonical_dtype(dtype))
    return initialize


def uniform(scale=1e-2, dtype=None) -> Initializer:
    """An initializer that draws uniformly from [0, scale).

    >>> import functrans as ft
    >>> ft.nn.initializers.uniform(0.1)(ft.random.key(0), (2, 3)).shape
    (2, 3)
    """
    def initialize(key, shape, dtype=dtype):
        return scale * random.uniform(key, shape, dtype)
    return initialize


def normal(stddev=1e-2, dtype=None) -> Initializer:
    """An initializer that draws from the normal distribution of mean 0.

    >>> import functrans as ft
    >>> ft.nn.initializers.normal(0.1)(ft.random.key(0), (2, 3)).shape
    (2, 3)
    """
    def initialize(key, shape, dtype=dtype):
        return stddev * random.normal(key, shape, dtype)
    return initialize


def truncated_normal(stddev=1e-2, dtype=None, lower=-2.0, upper=2.0) -> Initializer:
    """An initializer that draws from a normal distribution, cut off at `lower` and `upper`.

    stddev: of the distribution before it is cut. lower, upper: in units of `stddev`.

    >>> import functrans as ft
    >>> ft.nn.initializers.truncated_normal(0.1)(ft.random.key(0), (2, 3)).shape
    (2, 3)
    """
    def initialize(key, shape, dtype=dtype):
        return stddev * random.truncated_normal(key, lower, upper, shape, dtype)
    return initialize


# ---- a variance that keeps signals at their size ----

def variance_scaling(scale, mode: str, distribution: str, in_axis: int | Sequence[int] = -2,
                     out_axis: int | Sequence[int] = -1, batch_axis: int | Sequence[int] = (),
                     dtype=None) -> Initializer:
    """An initializer of mean 0 and variance scale / n.

    n: for the mode "fan_in" the number of inputs of a unit, for "fan_out" that of its outputs, for
        "fan_avg" the mean of both, for "fan_geo_avg" their geometric mean.
    distribution: "truncated_normal", "normal" or "uniform".
    in_axis, out_axis, batch_axis: the axes of the weights that are inputs, outputs, or count
        neither way; all others are the receptive field.
    dtype: of the weights, where none is said when they are drawn; the default float by default.
    Raises ValueError for other modes and distributions.

    >>> import functrans as ft
    >>> he = ft.nn.initializers.variance_scaling(2.0, "fan_in", "normal")
    >>> he(ft.random.key(0), (784, 10)).shape
    (784, 10)
    """
    if mode not in _FANS:
        raise ArgumentError(f"variance_scaling: mode must be one of {', '.join(_FANS)}, "
                            f"got {mode!r}")
    if distribution not in _DISTRIBUTIONS:
        raise ArgumentError("variance_scaling: distribution must be one of "
                            f"{', '.join(_DISTRIBUTIONS)}, got {distribution!r}")

    def initialize(key, shape, dtype=dtype):
        fan = _FANS[mode](*_fans(shape, in_axis, out_axis, batch_axis))
        return _DISTRIBUTIONS[distribution](key, shape, dtype, math.sqrt(scale / max(fan, 1)))
    return initialize


_FANS = {
    "fan_in": lambda inputs, outputs: inputs,
    "fan_out": lambda inputs, outputs: outputs,
    "fan_avg": lambda inputs, outputs: (inputs + outputs) / 2,
    "fan_geo_avg": lambda inputs, outputs: math.sqrt(inputs * outputs),
}


def _truncated(key, shape, dtype, deviation):
    draws = random.truncated_normal(key, -2.0, 2.0, shape, dtype)
    return draws * (deviation / _TRUNCATED_DEVIATION)


def _symmetric(key, shape, dtype, deviation):
    bound = math.sqrt(3) * deviation
    return random.uniform(key, shape, dtype, -1.0, 1.0) * bound


_DISTRIBUTIONS = {
    "truncated_normal": _truncated,
    "normal": lambda key, shape, dtype, deviation:
        random.normal(key, shape, dtype) * deviation,
    "uniform": _symmetric,
}


def _fans(shape, in_axis, out_axis, batch_axis) -> tuple:
    """How many inputs and outputs a unit has."""
    _require_axes(shape, 2, "variance_scaling")
    inputs, outputs, batch = (_size(shape, axes) for axes in (in_axis, out_axis, batch_axis))
    field = math.prod(shape) / max(inputs * outputs * batch, 1)
    return inputs * field, outputs * field


def _size(shape, axes) -> int:
    axes = (axes,) if isinstance(axes, int) else axes
    return math.prod(shape[canonical_axis(axis, len(shape))] for axis in axes)


def _require_axes(shape, count: int, name: str, exactly: bool = False):
    if len(shape) < count or exactly and len(shape) != count:
        raise ShapeError(f"{name} makes weights of {'' if exactly else 'at least '}{count} axes, "
                         f"inputs and outputs among them, got shape {tuple(shape)}")


def _scaled(name: str, scale, mode: str, distribution: str, source: str):
    def make(in_axis=-2, out_axis=-1, batch_axis=(), dtype=None) -> Initializer:
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)
    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"""An initializer of variance {scale:g} / {mode}, {distribution}.

    in_axis, out_axis, batch_axis, dtype: as for `variance_scaling`.

    {source}.

    >>> import functrans as ft
    >>> ft.nn.initializers.{name}()(ft.random.key(0), (8, 4)).shape
    (8, 4)
    """
    return make


_GLOROT = """Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (AISTATS 2010)"""
_HE = """He, Zhang, Ren, Sun, "Delving deep into rectifiers" (ICCV 2015)"""
_LECUN = """LeCun, Bottou, Orr, Mueller, "Efficient backprop" (1998)"""

glorot_uniform = _scaled("glorot_uniform", 1.0, "fan_avg", "uniform", _GLOROT)
glorot_normal = _scaled("glorot_normal", 1.0, "fan_avg", "truncated_normal", _GLOROT)
he_uniform = _scaled("he_uniform", 2.0, "fan_in", "uniform", _HE)
he_normal = _scaled("he_normal", 2.0, "fan_in", "truncated_normal", _HE)
lecun_uniform = _scaled("lecun_uniform", 1.0, "fan_in", "uniform", _LECUN)
lecun_normal = _scaled("lecun_normal", 1.0, "fan_in", "truncated_normal", _LECUN)
xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


def orthogonal(scale=1.0, column_axis: int = -1, dtype=None) -> Initializer:
    """An initializer that gives a random matrix with orthonormal rows or columns, times `scale`.

    column_axis: the axis of outputs; all others together are the rows.

    Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks" (ICLR 2014).

    >>> import functrans as ft
    >>> ft.nn.initializers.orthogonal()(ft.random.key(0), (8, 4)).shape
    (8, 4)
    """
    def initialize(key, shape, dtype=dtype):
        _require_axes(shape, 2, "orthogonal")
        axis = canonical_axis(column_axis, len(shape))
        rest = tuple(shape[:axis]) + tuple(shape[axis + 1:])
        matrix = random.orthogonal(key, math.prod(rest), dtype=dtype, m=shape[axis])
        return scale * moveaxis(reshape(matrix, (*rest, shape[axis])), -1, axis)
    return initialize


def delta_orthogonal(scale=1.0, column_axis: int = -1, dtype=None) -> Initializer:
    """An initializer of convolutions: an orthogonal matrix at the middle of the window, else 0.

    Shapes have 1 to 3 axes of the window, then inputs, then outputs, at least as many.

    Xiao et al., "Dynamical isometry and a mean field theory of CNNs" (ICML 2018).

    >>> import functrans as ft
    >>> ft.nn.initializers.delta_orthogonal()(ft.random.key(0), (3, 3, 4, 8)).shape
    (3, 3, 4, 8)
    """
    matrix_of = orthogonal(scale, column_axis)

    def initialize(key, shape, dtype=dtype):
        if not 3 <= len(shape) <= 5 or shape[-1] < shape[-2]:
            raise ShapeError("delta_orthogonal makes weights of 1 to 3 axes of a window, inputs, "
                             f"and at least as many outputs, got shape {tuple(shape)}")
        matrix = matrix_of(key, shape[-2:], dtype)
        middle = tuple((size - 1) // 2 for size in shape[:-2])
        return creation.zeros(shape, matrix.dtype).at[middle].set(matrix)
    return initialize
