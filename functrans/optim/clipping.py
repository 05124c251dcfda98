"""Limits on gradients, and the norm of a tree.

Imports `numpy`, `optim.base`.
"""
from __future__ import annotations

import functools
import operator

import numpy as np

from functrans import tree
from functrans.array import Array
from functrans.numpy import reductions, ufuncs
from functrans.numpy.linalg.norms import safe_sqrt
from functrans.numpy.promotion import as_arraylike
from functrans.optim.base import (
    GradientTransformation,
    map_leaves,
    number,
    real_dtype,
    stateless,
    sum_dtype,
)
from functrans.primitives.elementwise import convert


def squared_size(x):
    """abs(x)**2, real."""
    return ufuncs.square(x.real) + ufuncs.square(x.imag) if x.dtype.kind == "c" \
        else ufuncs.square(x)


def _sum_of_squares(leaf):
    leaf = as_arraylike(leaf, "global_norm")
    wide = convert(leaf, sum_dtype(leaf.dtype))
    return reductions.sum(squared_size(wide))


def global_norm(updates):
    """The Euclidean norm of all leaves together, as one vector; 0 for a tree without leaves.

    Its gradient at 0 is 0.

    Leaves narrower than float32 are squared and summed in float32.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.global_norm({"a": fnp.array([3.0]), "b": fnp.array([0.0, 4.0])})
    Array(5., dtype=float32)
    """
    squares = [_sum_of_squares(leaf) for leaf in tree.leaves(updates)]
    if not squares:
        return Array(np.zeros((), np.float32))
    return safe_sqrt(functools.reduce(operator.add, squares))


def clip(max_delta) -> GradientTransformation:
    """Limits each element to the interval from -max_delta to max_delta.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.clip(1.0).update(fnp.array([-3.0, 0.5]), ())[0]
    Array([-1. ,  0.5], dtype=float32)
    """
    def limit(update):
        most = number(max_delta, update.dtype)
        return ufuncs.clip(update, -most, most)
    return stateless(lambda updates, params: map_leaves(limit, updates))


def clip_by_global_norm(max_norm) -> GradientTransformation:
    """Scales all updates down by one factor so that their `global_norm` is at most `max_norm`.

    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks"
    (ICML 2013).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.clip_by_global_norm(1.0).update(fnp.array([3.0, 4.0]), ())[0]
    Array([0.6, 0.8], dtype=float32)
    """
    def limit(updates, params):
        norm = global_norm(updates)
        most = number(max_norm, norm.dtype)
        factor = most / ufuncs.maximum(norm, most)
        return map_leaves(lambda update: scaled(update, factor), updates)
    return stateless(limit)


def scaled(update, factor):
    """update * factor, computed in float32 at least, in the dtype of `update`."""
    wide = convert(update, sum_dtype(update.dtype))
    return convert(wide * number(factor, wide.dtype), update.dtype)


def clip_by_block_rms(threshold) -> GradientTransformation:
    """Scales each leaf down so that the root of the mean of its squares is at most `threshold`.

    Shazeer, Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (ICML 2018).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.optim.clip_by_block_rms(1.0).update(fnp.array([2.0, 2.0]), ())[0]
    Array([1., 1.], dtype=float32)
    """
    def limit(update):
        rms = ufuncs.sqrt(_sum_of_squares(update) / max(update.size, 1))
        most = number(threshold, real_dtype(rms.dtype))
        return scaled(update, most / ufuncs.maximum(rms, most))
    return stateless(lambda updates, params: map_leaves(limit, updates))
