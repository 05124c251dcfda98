"""Losses: how far predictions are from targets.

Losses of numbers have the shape of their arguments; those of vectors (cross entropies, cosines,
divergences) lose the axis of the vectors. So one number remains for each example, and
`.mean()` makes the loss of a batch: `nn.softmax_cross_entropy(logits, labels).mean()`.

Imports `numpy`, `nn.activations`, `nn.normalization`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.errors import DtypeError, ShapeError
from functrans.ir.type import is_integer
from functrans.nn.activations import log_sigmoid, relu, softplus
from functrans.nn.normalization import is_class, log_softmax, logsumexp
from functrans.numpy import reductions, ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.promotion import (as_arraylike, as_operand, canonical_axis, materialize,
                                       promote_inexact)
from functrans.primitives.elementwise import convert


def _pair(first, second, name: str) -> tuple:
    """Two arguments as floats of one dtype, broadcast against each other by what follows."""
    operands = promote_inexact(as_operand(first, name), as_operand(second, name))
    return tuple(materialize(x) for x in operands)


def _errors(predictions, targets, name: str):
    predictions, targets = _pair(predictions, targets, name)
    if predictions.shape != targets.shape:
        raise ShapeError(f"{name}: predictions and targets must have one shape, got "
                         f"{predictions.type} and {targets.type}")
    return predictions - targets


def l1_loss(predictions, targets):
    """abs(predictions - targets), for each element.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.l1_loss(fnp.array([1.0, 4.0]), fnp.array([3.0, 4.0]))
    Array([2., 0.], dtype=float32)
    """
    return ufuncs.abs(_errors(predictions, targets, "l1_loss"))


def l2_loss(predictions, targets):
    """(predictions - targets)**2 / 2, for each element: its gradient is the error.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.l2_loss(fnp.array([1.0, 4.0]), fnp.array([3.0, 4.0]))
    Array([2., 0.], dtype=float32)
    """
    return 0.5 * ufuncs.square(_errors(predictions, targets, "l2_loss"))


def mean_squared_error(predictions, targets):
    """The mean of (predictions - targets)**2 over all elements, one number.

    Raises ValueError unless both have one shape.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.mean_squared_error(fnp.array([1.0, 4.0]), fnp.array([3.0, 4.0]))
    Array(2., dtype=float32)
    """
    return reductions.mean(ufuncs.square(_errors(predictions, targets, "mean_squared_error")))


def huber_loss(predictions, targets, delta=1.0):
    """error**2 / 2 up to an error of `delta`, and a straight line beyond, for each element.

    Huber, "Robust estimation of a location parameter" (1964).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.huber_loss(fnp.array([0.5, 3.0]), fnp.zeros(2))
    Array([0.125, 2.5  ], dtype=float32)
    """
    size = ufuncs.abs(_errors(predictions, targets, "huber_loss"))
    near = ufuncs.minimum(size, delta)
    return 0.5 * near * near + delta * (size - near)


def log_cosh_loss(predictions, targets):
    """log(cosh(error)), for each element: about error**2 / 2 near 0, a straight line far away.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.log_cosh_loss(fnp.array([100.0]), fnp.zeros(1))
    Array([99.306854], dtype=float32)
    """
    error = _errors(predictions, targets, "log_cosh_loss")
    return error + softplus(-2 * error) - math.log(2)


def hinge_loss(scores, labels):
    """max(0, 1 - scores * labels), for each element; labels are -1 or 1.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.hinge_loss(fnp.array([0.5, 2.0]), fnp.array([-1.0, 1.0]))
    Array([1.5, 0. ], dtype=float32)
    """
    scores, labels = _pair(scores, labels, "hinge_loss")
    return relu(1 - scores * labels)


# ---- cross entropies ----

def softmax_cross_entropy(logits, labels, axis: int = -1):
    """-sum(labels * log_softmax(logits)) along `axis`; labels are probabilities.

    logits, labels: arrays of one shape. The result has no `axis`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.softmax_cross_entropy(fnp.zeros(2), fnp.array([0.5, 0.5]))
    Array(0.6931472, dtype=float32)
    """
    logits, labels = _pair(logits, labels, "softmax_cross_entropy")
    if logits.shape[canonical_axis(axis, logits.ndim)] != \
            labels.shape[canonical_axis(axis, labels.ndim)]:
        raise ShapeError("softmax_cross_entropy: logits and labels must have one number for each "
                         f"class, got {logits.type} and {labels.type}")
    scores = log_softmax(logits, axis)
    impossible = (labels == 0) & (scores == -np.inf)         # counts 0, not 0 * infinity
    return -reductions.sum(where(impossible, 0, labels * scores), axis)


def softmax_cross_entropy_with_integer_labels(logits, labels, axis: int = -1):
    """-log_softmax(logits) at the class that `labels` names, along `axis`.

    logits: an array of floats. labels: integers, of the shape of `logits` without `axis`. A label
    that names no class gives NaN, as there is no log-probability to return.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.softmax_cross_entropy_with_integer_labels(fnp.zeros((2, 4)), fnp.array([0, 3]))
    Array([1.3862944, 1.3862944], dtype=float32)
    """
    name = "softmax_cross_entropy_with_integer_labels"
    logits, = promote_inexact(as_arraylike(logits, name))
    labels = as_arraylike(labels, name)
    axis = canonical_axis(axis, logits.ndim)
    if not is_integer(labels.dtype):
        raise DtypeError(f"{name}: labels must be integers, got {labels.type}")
    if labels.shape != logits.shape[:axis] + logits.shape[axis + 1:]:
        raise ShapeError(f"{name}: labels must have the shape of the logits without axis {axis}, "
                         f"got {labels.type} for {logits.type}")
    count = logits.shape[axis]
    chosen = reductions.sum(where(is_class(labels, count, axis), logits, 0), axis)
    labels = convert(labels, np.int64)
    named = (labels >= 0) & (labels < count)
    return where(named, logsumexp(logits, axis) - chosen, np.nan)


def sigmoid_binary_cross_entropy(logits, labels):
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(sigmoid(-logits)), for each element.

    labels: probabilities, or 0 and 1.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.sigmoid_binary_cross_entropy(fnp.zeros(1), fnp.ones(1))
    Array([0.6931472], dtype=float32)
    """
    logits, labels = _pair(logits, labels, "sigmoid_binary_cross_entropy")
    return -labels * log_sigmoid(logits) - (1 - labels) * log_sigmoid(-logits)


def kl_divergence(log_predictions, targets, axis: int = -1):
    """sum(targets * (log(targets) - log_predictions)) along `axis`.

    log_predictions: log-probabilities. targets: probabilities; 0 counts 0.

    Kullback, Leibler, "On information and sufficiency" (1951).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> p = fnp.array([0.5, 0.5])
    >>> ft.nn.kl_divergence(fnp.log(p), p)
    Array(0., dtype=float32)
    """
    log_predictions, targets = _pair(log_predictions, targets, "kl_divergence")
    some = targets > 0
    excess = ufuncs.log(where(some, targets, 1)) - log_predictions
    return reductions.sum(where(some, targets * excess, 0), axis)


# ---- angles ----

def cosine_similarity(predictions, targets, axis: int = -1, epsilon=0.0):
    """The cosine of the angle between vectors along `axis`; 0 where one is 0, gradient too.

    epsilon: a length below which vectors are not scaled up to 1.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.cosine_similarity(fnp.array([1.0, 0.0]), fnp.array([2.0, 2.0]))
    Array(0.70710677, dtype=float32)
    """
    predictions, targets = _pair(predictions, targets, "cosine_similarity")
    units = [_unit(x, axis, epsilon) for x in (predictions, targets)]
    return reductions.sum(units[0] * units[1], axis)


def _unit(x, axis: int, epsilon):
    """x divided by its length, or by epsilon if that is longer; 0 for 0."""
    square = reductions.sum(x * x, axis, keepdims=True)
    some = square > 0
    length = ufuncs.sqrt(where(some, square, 1))
    return where(some, x / ufuncs.maximum(length, epsilon), 0)


def cosine_distance(predictions, targets, axis: int = -1, epsilon=0.0):
    """1 - cosine_similarity(predictions, targets).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.nn.cosine_distance(fnp.array([1.0, 0.0]), fnp.array([3.0, 0.0]))
    Array(0., dtype=float32)
    """
    return 1 - cosine_similarity(predictions, targets, axis, epsilon)
