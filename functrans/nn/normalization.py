"""Functions of a whole axis: softmax and its kin, standardizing, one-hot codes; and dropout.

Imports `numpy`, `random`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.config import default_float
from functrans.errors import ArgumentError, DtypeError
from functrans.ir.type import is_integer
from functrans.numpy import reductions, ufuncs
from functrans.numpy.choosing import where as choose
from functrans.numpy.creation import ones_like
from functrans.numpy.promotion import (as_arraylike, broadcast_one, canonical_axis,
                                       canonical_dtype, promote_inexact)
from functrans.numpy.reductions import logsumexp
from functrans.primitives.elementwise import convert, eq, stop_gradient
from functrans.primitives.shape import expand_dims, iota
from functrans.random import bernoulli

__all__ = ["dropout", "log1mexp", "log_softmax", "logmeanexp", "logsumexp", "one_hot", "softmax",
           "standardize"]


def _shifted(x, axis, where, name: str):
    """x minus its largest element that counts; exponentials of it do not overflow."""
    x, = promote_inexact(as_arraylike(x, name))
    high = reductions.max(x, axis, keepdims=True, where=where, initial=-np.inf)
    return x - stop_gradient(high)


def softmax(x, axis=-1, where=None):
    """exp(x) / sum(exp(x)) along `axis`: positive numbers with the sum 1.

    x: an array of logits. axis: an int or a tuple of ints. where: which elements count (all by
    default); the others get 0.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.softmax(fnp.array([1.0, 1.0, 1.0, 1.0]))
    Array([0.25, 0.25, 0.25, 0.25], dtype=float32)
    """
    terms = ufuncs.exp(_shifted(x, axis, where, "softmax"))
    if where is not None:
        terms = choose(where, terms, 0)
    return terms / reductions.sum(terms, axis, keepdims=True)


def log_softmax(x, axis=-1, where=None):
    """log(softmax(x)), accurate where the softmax is close to 0.

    x, axis, where: as for `softmax`; elements that do not count get -inf.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.log_softmax(fnp.array([0.0, 0.0]))
    Array([-0.6931472, -0.6931472], dtype=float32)
    """
    shifted = _shifted(x, axis, where, "log_softmax")
    total = reductions.sum(ufuncs.exp(shifted), axis, keepdims=True, where=where)
    result = shifted - ufuncs.log(total)
    return result if where is None else choose(where, result, -np.inf)


def logmeanexp(x, axis=None, where=None, keepdims: bool = False):
    """log(mean(exp(x))) over axes, without overflow.

    x: an array. axis: an int, a tuple of ints, or None for all axes. where: which elements count.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.logmeanexp(fnp.array([3.0, 3.0]))
    Array(3., dtype=float32)
    """
    x, = promote_inexact(as_arraylike(x, "logmeanexp"))
    number = reductions.sum(ones_like(x), axis, keepdims=keepdims, where=where)
    return logsumexp(x, axis, keepdims=keepdims, where=where) - ufuncs.log(number)


def log1mexp(x):
    """log(1 - exp(-x)) for positive x, accurate for small and for large ones.

    Maechler, "Accurately computing log(1 - exp(-|a|))" (2012).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.log1mexp(fnp.array([1e-20, 100.0]))
    Array([-4.60517e+01, -3.78351e-44], dtype=float32)
    """
    x, = promote_inexact(as_arraylike(x, "log1mexp"))
    small = x < math.log(2)
    near = ufuncs.log(-ufuncs.expm1(-choose(small, x, 1)))
    return choose(small, near, ufuncs.log1p(-ufuncs.exp(-choose(small, 1, x))))


def standardize(x, axis=-1, mean=None, variance=None, epsilon=1e-5, where=None):
    """(x - mean) / sqrt(variance + epsilon): mean 0 and variance 1 along `axis`.

    mean, variance: those of `x` along `axis` by default; others must broadcast to `x`. where:
    which elements count for them (all by default).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.standardize(fnp.array([1.0, 3.0]), epsilon=0.0)
    Array([-1.,  1.], dtype=float32)
    """
    x, = promote_inexact(as_arraylike(x, "standardize"))
    if mean is None:
        mean = reductions.mean(x, axis, keepdims=True, where=where)
    if variance is None:
        variance = reductions.mean(ufuncs.square(x - mean), axis, keepdims=True, where=where)
    return (x - mean) / ufuncs.sqrt(variance + epsilon)


def one_hot(x, num_classes: int, dtype=None, axis: int = -1):
    """1 at the place that an integer names, 0 at all others; all 0 for an integer outside.

    x: an integer array. num_classes: the size of the new axis. dtype: of the result, the default
    float if None. axis: where the new axis is.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.one_hot(fnp.array([0, 2]), 3)
    Array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    x = as_arraylike(x, "one_hot")
    if not is_integer(x.dtype):
        raise DtypeError(f"one_hot takes integers, got {x.type}")
    dtype = default_float() if dtype is None else canonical_dtype(dtype)
    return convert(is_class(x, num_classes, axis), dtype)


def is_class(x, count: int, axis: int):
    """Whether each of `count` classes, along a new axis, is the one that `x` names."""
    axis = canonical_axis(axis, x.ndim + 1)
    shape = (*x.shape[:axis], count, *x.shape[axis:])
    named = broadcast_one(expand_dims(convert(x, np.int64), (axis,)), shape)
    return eq(named, iota(np.int64, shape, axis))


def dropout(key, x, rate, *, training: bool = True, broadcast_axes=()):
    """x with elements set to 0 at random, the others divided by the probability to stay.

    key: one key, a new one for each call. x: an array. rate: the probability to become 0, below 1.
    training: False gives x as it is. broadcast_axes: axes along which all elements share a fate.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting"
    (JMLR 2014).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.dropout(ft.random.key(0), fnp.ones(4), 0.5)
    Array([0., 0., 2., 2.], dtype=float32)
    """
    x, = promote_inexact(as_arraylike(x, "dropout"))
    if not training:
        return x
    if isinstance(rate, (int, float)):
        if not 0 <= rate < 1:
            raise ArgumentError(f"dropout: rate must be at least 0 and below 1, got {rate}")
        rate = float(rate)
    shape = tuple(1 if axis in broadcast_axes or axis - x.ndim in broadcast_axes else size
                  for axis, size in enumerate(x.shape))
    stays = bernoulli(key, 1 - rate, shape)
    return choose(stays, x / (1 - rate), 0)
