"""Discrete distributions: coins, integers, categories.

In: keys, shapes, probabilities. Out: booleans and integers. Imports `random.keys`,
`random.continuous`, `numpy`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.config import default_int
from functrans.errors import ArgumentError, DtypeError
from functrans.ir.type import is_float, is_integer
from functrans.numpy import reductions, ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.promotion import (as_arraylike, canonical_axis, canonical_dtype,
                                       promote_inexact)
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.searching import top_k
from functrans.primitives.elementwise import convert
from functrans.primitives.shape import expand_dims, reshape
from functrans.random.continuous import check_fits, gumbel, parameter_shape, spacing, unit
from functrans.random.keys import check_shape, random_bits, split


def bernoulli(key, p=0.5, shape=None, mode: str = "low"):
    """True with probability p.

    key: one key. p: a number or float array in [0, 1]. shape: of the result, to which p
    broadcasts; by default the shape of p. mode: "low" compares p with one uniform number, "high"
    with one of twice as many bits, for a small p. Raises TypeError if p is not a float, ValueError
    for other modes.

    >>> import functrans as ft
    >>> ft.random.bernoulli(ft.random.key(0), 0.9, (3,))
    Array([False, False,  True], dtype=bool)
    """
    p = as_arraylike(p, "bernoulli")
    if not is_float(p.dtype):
        raise DtypeError(f"bernoulli: the probability p must be a float, got {p.type}")
    shape = parameter_shape("bernoulli", shape, p=p)
    if mode == "low":
        return unit(key, shape, p.dtype, "bernoulli") < p
    if mode != "high":
        raise ArgumentError(f"bernoulli: mode must be 'low' or 'high', got {mode!r}")
    first, second = unit(key, (2, *shape), p.dtype, "bernoulli")
    return second * spacing(p.dtype) < p - first


def rademacher(key, shape=(), dtype=None):
    """-1 or 1 with equal probability. dtype: a number dtype, the default int if None.

    >>> import functrans as ft
    >>> ft.random.rademacher(ft.random.key(0), (3,), "int32")
    Array([-1, -1,  1], dtype=int32)
    """
    dtype = default_int() if dtype is None else canonical_dtype(dtype)
    heads = bernoulli(key, 0.5, check_shape(shape, "rademacher"))
    return where(heads, dtype.type(1), dtype.type(-1))


# ---- integers ----

def integer_dtype(dtype, name: str) -> np.dtype:
    """An integer dtype, the default one if None; raises DtypeError for others."""
    dtype = default_int() if dtype is None else canonical_dtype(dtype)
    if not is_integer(dtype):
        raise DtypeError(f"{name}: dtype must be an integer dtype, got {dtype.name}")
    return dtype


def randint(key, shape, minval, maxval, dtype=None):
    """Uniform integers in [minval, maxval); minval wherever the interval is empty.

    key: one key. shape: of the result. minval, maxval: integers, or integer arrays that broadcast
    to `shape`. dtype: an integer dtype, the default int if None.

    Twice as many random bits as the dtype has (64 for short ones) are taken modulo the length of
    the interval, so one integer may be more likely than another by (length / 2**bits)**2 at most.

    >>> import functrans as ft
    >>> ft.random.randint(ft.random.key(0), (5,), 0, 10)
    Array([5, 1, 5, 7, 3], dtype=int64)
    """
    dtype = integer_dtype(dtype, "randint")
    shape = check_shape(shape, "randint")
    check_fits("randint", shape, minval=minval, maxval=maxval)
    wide = dtype if dtype.itemsize >= 4 else np.dtype(np.int32)
    info = np.iinfo(dtype)
    low, _ = _bound(minval, wide, info.min, info.max)
    if wide != dtype:                                # here the bound above all integers fits
        high, exceeds = _bound(maxval, wide, info.min, info.max + 1)[0], np.bool_(False)
    else:
        high, exceeds = _bound(maxval, wide, info.min, info.max)
    length = _length(low, high, exceeds)
    offset = _modulo(key, shape, length)
    return convert(low + convert(offset, wide), dtype)


def _bound(value, dtype, least: int, most: int) -> tuple:
    """A bound of the interval in `dtype`, clipped to what it can hold, and whether it was above."""
    if isinstance(value, (int, np.integer)):
        number = int(value)
        return dtype.type(min(max(number, least), most)), np.bool_(number > most)
    value = as_arraylike(value, "randint")
    if not is_integer(value.dtype):
        raise DtypeError(f"randint: bounds must be integers, got {value.type}")
    info = np.iinfo(value.dtype)
    exceeds = value > value.dtype.type(most) if most < info.max else np.bool_(False)
    clipped = ufuncs.clip(value, value.dtype.type(max(least, info.min)),
                          value.dtype.type(min(most, info.max)))
    return convert(clipped, dtype), exceeds


def _length(low, high, exceeds):
    """The number of integers in the interval, unsigned; 0 stands for 2**bits."""
    unsigned = np.dtype(f"u{low.dtype.itemsize}")
    full = exceeds & ufuncs.greater(high, low)
    with np.errstate(over="ignore"):                 # of two scalars: wrapping is meant
        length = convert(as_arraylike(high - low), unsigned)
    length = where(ufuncs.less_equal(high, low), unsigned.type(1), length)
    return where(full, length + unsigned.type(1), length)


def _modulo(key, shape: tuple, length):
    """Random unsigned integers below `length`."""
    unsigned = length.dtype
    upper, lower = (random_bits(part, shape, unsigned, "randint") for part in split(key))
    some = where(length == 0, unsigned.type(1), length)
    half = unsigned.type(2 ** (4 * unsigned.itemsize)) % some
    above = half * half % some                       # 2**bits modulo length
    offset = (upper % some * above + lower % some) % some
    return where(length == 0, lower, offset)


# ---- categories ----

def categorical(key, logits, axis: int = -1, shape=None, replace: bool = True,
                mode: str | None = None):
    """The index of a category, drawn with probability softmax(logits).

    key: one key. logits: an array of unnormalized log-probabilities, categories along `axis`.
    shape: of the result, by default that of `logits` without `axis`, which it must end with.
    replace: whether a category may be drawn again along the axes of `shape` in front of those.
    mode: that of `gumbel`. Raises ValueError if fewer categories than draws without replacement.

    The index of the largest logit after Gumbel noise is added (Gumbel, 1954); without replacement
    those of the largest ones (Kool, van Hoof, Welling, "Stochastic beams and where to find them",
    ICML 2019).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.random.categorical(ft.random.key(0), fnp.log(fnp.array([0.2, 0.8])), shape=(6,))
    Array([1, 1, 1, 1, 0, 0], dtype=int64)
    """
    logits, = promote_inexact(as_arraylike(logits, "categorical"))
    place = canonical_axis(axis, logits.ndim) - logits.ndim
    batch = list(logits.shape)
    count = batch.pop(place)
    shape = tuple(batch) if shape is None else check_shape(shape, "categorical")
    check_fits("categorical", shape, logits=np.empty(batch, bool))
    prefix = shape[:len(shape) - len(batch)]
    if not replace:
        return _without_replacement(key, logits, place, shape, prefix, mode)
    noisy = list(shape)
    noisy.insert(len(shape) + 1 + place, count)
    noise = gumbel(key, noisy, logits.dtype, mode)
    return reductions.argmax(noise + expand_dims(logits, range(len(prefix))), place)


def _without_replacement(key, logits, axis: int, shape: tuple, prefix: tuple, mode):
    """The places of the largest logits with noise, first those with the largest."""
    draws, count = math.prod(prefix), logits.shape[axis]
    if draws > count:
        raise ArgumentError(f"categorical: cannot draw {draws} of {count} categories without "
                            "replacement")
    noisy = moveaxis(logits + gumbel(key, logits.shape, logits.dtype, mode), axis, -1)
    found = moveaxis(top_k(noisy, draws)[1], -1, 0)
    return convert(reshape(found, shape), default_int())
