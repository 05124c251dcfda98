"""Permutations, and draws from an array.

In: keys, arrays. Out: their elements in another order. Imports `random.keys`, `random.discrete`,
`numpy`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.array import ArrayBase
from functrans.config import default_int
from functrans.errors import ArgumentError
from functrans.ir.type import is_integer
from functrans.numpy import reductions, ufuncs
from functrans.numpy.indexing import take
from functrans.numpy.promotion import as_arraylike, canonical_axis, promote_inexact
from functrans.numpy.searching import searchsorted, top_k
from functrans.primitives.elementwise import convert
from functrans.primitives.shape import iota, reshape, slice_axis
from functrans.primitives.sort import sort
from functrans.random.continuous import gumbel, uniform
from functrans.random.discrete import randint
from functrans.random.keys import check_shape, random_bits, split


def permutation(key, x, axis: int = 0, independent: bool = False):
    """The elements of an array, or the integers below a number, in random order.

    key: one key. x: an array, shuffled along `axis`; or an int n, for a permutation of
    0 ... n-1. independent: whether each vector along the axis is shuffled by itself, instead of
    all alike. Raises TypeError for a number that is not an integer.

    >>> import functrans as ft
    >>> ft.random.permutation(ft.random.key(0), 5)
    Array([0, 1, 4, 3, 2], dtype=int64)
    """
    size = _population(x)
    if size is not None:
        return _shuffled(key, iota(default_int(), (size,)), canonical_axis(axis, 1))
    x = as_arraylike(x, "permutation")
    axis = canonical_axis(axis, x.ndim)
    if independent or x.ndim == 1:
        return _shuffled(key, x, axis)
    order = _shuffled(key, iota(default_int(), (x.shape[axis],)), 0)
    return take(x, order, axis, mode="promise_in_bounds")


def _population(x) -> int | None:
    """The number that stands for 0 ... n-1, or None if `x` is an array to draw from."""
    if np.ndim(x) if not isinstance(x, ArrayBase) else x.ndim:
        return None
    if not hasattr(x, "__index__") or isinstance(x, ArrayBase) and not is_integer(x.dtype):
        raise ArgumentError(f"expected an array of at least one axis, or an int, got {x!r}")
    return x.__index__()


def _shuffled(key, x, axis: int):
    """`x` sorted by random words, so often that ties between them are of no account."""
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))
    for _ in range(rounds):
        key, word_key = split(key)
        words = random_bits(word_key, x.shape, np.dtype(np.uint32), "permutation")
        _, x = sort((words, x), axis)
    return x


def choice(key, a, shape=(), replace: bool = True, p=None, axis: int = 0,
           mode: str | None = None):
    """A random sample of an array, or of the integers below a number.

    key: one key. a: an array, of which slices along `axis` are drawn; or an int n for 0 ... n-1.
    shape: how many, as a shape in the place of `axis`. replace: whether the same may be drawn
    again. p: the probability of each, a vector; all alike by default. mode: that of `gumbel`, by
    which is drawn without replacement where p is given.
    Raises ValueError if there are fewer to choose from than are drawn without replacement.

    >>> import functrans as ft
    >>> ft.random.choice(ft.random.key(0), 10, (3,), replace=False).shape
    (3,)
    """
    shape = check_shape(shape, "choice")
    size = _population(a)
    if size is None:
        a = as_arraylike(a, "choice")
        axis = canonical_axis(axis, a.ndim)
    count, draws = size if size is not None else a.shape[axis], math.prod(shape)
    if draws and count <= 0:
        raise ArgumentError("choice: there is nothing to choose from")
    if not replace and draws > count:
        raise ArgumentError(f"choice: cannot draw {draws} of {count} without replacement")
    if not replace and p is None:
        drawn = slice_axis(permutation(key, count if size is not None else a, axis),
                           axis if size is None else 0, 0, draws)
    else:
        drawn = _drawn(key, shape, count, replace, p, mode)
        drawn = drawn if size is not None else take(a, drawn, axis, mode="promise_in_bounds")
    whole = shape if size is not None else a.shape[:axis] + shape + a.shape[axis + 1:]
    return reshape(drawn, whole)


def _drawn(key, shape: tuple, count: int, replace: bool, p, mode):
    """Indices of what is drawn."""
    if p is None:
        return randint(key, shape, 0, count)
    p, = promote_inexact(as_arraylike(p, "choice"))
    if p.shape != (count,):
        raise ArgumentError(f"choice: p must have shape ({count},), one probability for each, got "
                            f"shape {p.shape}")
    if replace:
        cumulated = reductions.cumsum(p)
        heights = cumulated[-1] * (1 - uniform(key, shape, p.dtype))
        return convert(searchsorted(cumulated, heights), default_int())
    scores = gumbel(key, (count,), p.dtype, mode) + ufuncs.log(p)
    return convert(top_k(scores, math.prod(shape))[1], default_int())
