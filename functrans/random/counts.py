"""Counts: Poisson, binomial and multinomial numbers.

Small means by multiplying uniform numbers or adding geometric ones until a bound is passed; large
ones by transformed rejection (Hoermann, "The transformed rejection method for generating Poisson
random variables", Insurance: Mathematics and Economics 12, 1993, algorithm PTRS; and "The
generation of binomial random variates", Journal of Statistical Computation and Simulation 46, 1993,
algorithm BTRS). Each element goes on until it is done, by itself; all but the uniform numbers is
computed in float64, so that large means are drawn as well as small ones.

In: keys, parameters, shapes. Out: integers, or floats that are whole. Imports `control.iterate`,
`control.scan`, `random.continuous`, `numpy`.
"""
from __future__ import annotations

import numpy as np

import functrans.numpy as fnp
from functrans.control.iterate import Method, iterate
from functrans.control.scan import Steps
from functrans.errors import ShapeError
from functrans.numpy.promotion import (as_arraylike, broadcast_one, broadcasts_to,
                                       promote_inexact)
from functrans.primitives.elementwise import convert
from functrans.random.continuous import float_dtype, parameter_shape, unit_of_keys
from functrans.random.discrete import integer_dtype
from functrans.random.keys import check_shape, key_and_counters, part, split
from functrans.random.prepared import wide_dtype
from functrans.trace import trace_closed

_FIRST, _SECOND, _THIRD = (np.uint32(number) for number in range(3))
_WIDE = np.dtype(np.float64)
_LARGE_MEAN = 10.0

# The continued fraction of what Stirling's formula leaves (Abramowitz and Stegun 6.1.48).
_STIRLING = (1 / 12, 1 / 30, 53 / 210, 195 / 371, 22999 / 22737, 29944523 / 19733142,
             109535241009 / 48264275462)


def _stirling_rest(z):
    """log((z - 1)!) less (z - 1/2) log(z) - z + log(2 pi) / 2, for z >= 1."""
    rest = _STIRLING[-1] / z
    for coefficient in _STIRLING[-2::-1]:
        rest = coefficient / (z + rest)
    return rest


def _uniform(key: tuple, dtype, number):
    """The number in [0, 1) of each element under a key that all elements have."""
    return convert(unit_of_keys(key, dtype, number), _WIDE)


def _candidate(state, number, dtype):
    """(the next key, u in [-1/2, 1/2), its distance from the ends, v in [0, 1))."""
    key = state[1:3]
    u, v = (_uniform(part(key, place), dtype, number) for place in (_SECOND, _THIRD))
    return part(key, _FIRST), u - 0.5, 0.5 - fnp.abs(u - 0.5), v


# ---- Poisson ----

def _start_product(operands):
    """State: (goes on, key, count, product of uniform numbers)."""
    *key, _, rate = operands
    return [(rate > 0) & (rate < _LARGE_MEAN), *key, fnp.zeros_like(rate), fnp.ones_like(rate)]


def _step_product(operands, state):
    *_, number, rate = operands
    _, *key, count, product = state
    product = product * _uniform(part(key, _SECOND), np.dtype(np.float32), number)
    below = product <= fnp.exp(-rate)
    return [~below, *part(key, _FIRST), fnp.where(below, count, count + 1), product]


def _start_rejection(operands):
    """State: (goes on, key, count)."""
    *key, _, rate = operands
    return [(rate >= _LARGE_MEAN) & (rate < np.inf), *key, fnp.zeros_like(rate)]


def _step_rejection(operands, state):
    *_, number, rate = operands
    key, u, ends, v = _candidate(state, number, np.dtype(np.float32))
    b = 0.931 + 2.53 * fnp.sqrt(rate)
    a = -0.059 + 0.02483 * b
    count = fnp.floor((2 * a / ends + b) * u + rate + 0.43)
    squeezed = (ends >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
    outside = (count < 0) | (ends < 0.013) & (v > ends)
    height = fnp.log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (ends * ends) + b))
    fits = (ends > 0) & (height <= _log_poisson(count, rate))
    return [~(squeezed | ~outside & fits), *key, count]


def _log_poisson(count, rate):
    """The logarithm of rate**count exp(-rate) / count!."""
    z = count + 1
    deviance = count * fnp.log1p((z - rate) / rate) - (z - rate)
    return -deviance - 0.5 * fnp.log(2 * np.pi * z) - _stirling_rest(z)


def _last_count(place: int):
    return lambda operands, state: state[place]


_BY_PRODUCT = Method("poisson_by_product", _start_product, _step_product, _last_count(3),
                     (None,) * 4)
_BY_REJECTION = Method("poisson_by_rejection", _start_rejection, _step_rejection, _last_count(3),
                       (None,) * 4)


def poisson(key, lam, shape=None, dtype=None):
    """Poisson numbers: k with probability lam**k exp(-lam) / k!.

    key: one key. lam: rates, numbers or an array, not negative. shape: of the result, to which lam
    broadcasts; by default its own. dtype: an integer dtype, the default one if None.
    -1 where a rate is negative or NaN; the largest integer where the rate or the number is larger.
    Raises TypeError for other dtypes.

    Source: Knuth, The Art of Computer Programming 2, section 3.4.1, for rates below 10; Hoermann
    (1993), algorithm PTRS, for others.

    >>> import functrans as ft
    >>> ft.random.poisson(ft.random.key(0), 4.0, (3,)).shape
    (3,)
    """
    dtype = integer_dtype(dtype, "poisson")
    lam = as_arraylike(lam, "poisson")
    shape = parameter_shape("poisson", shape, lam=lam)
    rate = broadcast_one(convert(lam, _WIDE), shape)
    operands = *key_and_counters(key, shape, "poisson"), rate
    count = fnp.where(rate < _LARGE_MEAN, iterate(_BY_PRODUCT, *operands),
                      iterate(_BY_REJECTION, *operands))
    count = fnp.where(rate == np.inf, np.inf, fnp.where(rate >= 0, count, -1.0))
    return _to_integer(count, dtype)


def _to_integer(count, dtype):
    """Whole floats as integers, the largest one for what is larger; -1 where there is none."""
    most = np.iinfo(dtype).max
    below = np.nextafter(float(most) + 1, 0) if float(most) > most else float(most)
    return fnp.where(count > below, dtype.type(most), convert(fnp.minimum(count, below), dtype))


# ---- binomial ----

def _start_waiting(operands):
    """State: (goes on, key, how many waiting times, their sum)."""
    *key, _, n, q = operands
    mean = n * convert(q, _WIDE)
    return [(n >= 0) & (mean <= _LARGE_MEAN), *key, fnp.zeros_like(n), fnp.zeros_like(n)]


def _step_waiting(operands, state):
    """One more waiting time for a success: they are geometric."""
    *_, number, n, q = operands
    _, *key, count, total = state
    u = _uniform(part(key, _FIRST), q.dtype, number)
    total = total + fnp.ceil(fnp.log(u) / fnp.log1p(-convert(q, _WIDE)))
    more = total <= n
    return [more, *part(key, _SECOND), fnp.where(more, count + 1, count), total]


def _start_binomial(operands):
    """State: (goes on, key, count)."""
    *key, _, n, q = operands
    mean = n * convert(q, _WIDE)
    return [(mean > _LARGE_MEAN) & (n < np.inf), *key, fnp.zeros_like(n)]


def _step_binomial(operands, state):
    *_, number, n, q = operands
    key, u, ends, v = _candidate(state, number, q.dtype)
    p = convert(q, _WIDE)
    deviation = fnp.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    count = fnp.floor((2 * a / ends + b) * u + n * p + 0.5)
    squeezed = (ends >= 0.07) & (v <= 0.92 - 4.2 / b)
    inside = (ends > 0) & (count >= 0) & (count <= n)
    height = fnp.log(v * (2.83 + 5.1 / b) * deviation / (a / (ends * ends) + b))
    fits = height <= _log_binomial(count, n, p)
    return [~(inside & (squeezed | fits)), *key, count]


def _log_binomial(count, n, p):
    """The logarithm of the probability of a count over that of the likeliest one."""
    odds, mode = p / (1 - p), fnp.floor((n + 1) * p)
    missing, left = n - count + 1, n - mode + 1
    return ((mode + 0.5) * fnp.log((mode + 1) / (odds * left))
            + (n + 1) * fnp.log1p((count - mode) / missing)
            + (count + 0.5) * fnp.log(odds * missing / (count + 1))
            + _stirling_rest(mode + 1) + _stirling_rest(left)
            - _stirling_rest(count + 1) - _stirling_rest(missing))


_BY_WAITING = Method("binomial_by_waiting", _start_waiting, _step_waiting, _last_count(3),
                     (None,) * 5)
_BINOMIAL = Method("binomial_by_rejection", _start_binomial, _step_binomial, _last_count(3),
                   (None,) * 5)


def binomial(key, n, p, shape=None, dtype=None):
    """Binomial numbers: how many of n trials of probability p succeed.

    key: one key. n: numbers or an array, not negative; rounded down. p: numbers or an array, in
    [0, 1]. shape: of the result, to which they broadcast; by default their common shape. dtype: a
    float dtype, the default one if None. NaN where n or p is none of these; infinite where n is.

    Source: for means up to 10 the waiting times (Devroye, Non-Uniform Random Variate Generation,
    1986, section X.4.3), beyond Hoermann (1993), algorithm BTRS. A p above 1/2 counts the failures.

    >>> import functrans as ft
    >>> ft.random.binomial(ft.random.key(0), 10, 0.5, (3,)).shape
    (3,)
    """
    dtype = float_dtype(dtype, "binomial")
    n, (p,) = as_arraylike(n, "binomial"), promote_inexact(as_arraylike(p, "binomial"))
    shape = parameter_shape("binomial", shape, n=n, p=p)
    return convert(_binomial(key, n, p, shape), dtype)


def _binomial(key, n, p, shape: tuple):
    """As float64."""
    n = fnp.floor(broadcast_one(convert(n, _WIDE), shape))
    p = broadcast_one(convert(p, wide_dtype(p.dtype)), shape)
    rare = p < 0.5
    q = fnp.where(rare, p, 1 - p)
    valid = (n >= 0) & (q >= 0)
    operands = *key_and_counters(key, shape, "binomial"), fnp.where(valid, n, -1.0), q
    few = n * convert(q, _WIDE) <= _LARGE_MEAN
    count = fnp.where(few, iterate(_BY_WAITING, *operands), iterate(_BINOMIAL, *operands))
    count = fnp.where(rare, count, n - count)
    return fnp.where(valid, fnp.where(n == np.inf, np.inf, count), np.nan)


def multinomial(key, n, p, *, shape=None, dtype=None, unroll: int | bool = 1):
    """How many of n trials have each outcome; p: the probabilities of the outcomes.

    key: one key. n: numbers or an array, not negative, which broadcasts to the batch. p: an array
    (..., k) of probabilities with sum 1 along the last axis. shape: of the result, (batch.., k),
    to which p broadcasts; by default its own. dtype: a float dtype, the default one if None.
    unroll: for JAX's sake; it changes nothing. Raises ValueError for shapes that do not fit.

    One outcome after the other is a binomial number of the trials that are left.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> counts = ft.random.multinomial(ft.random.key(0), 10, fnp.array([0.2, 0.3, 0.5]))
    >>> counts.shape, float(counts.sum())
    ((3,), 10.0)
    """
    dtype = float_dtype(dtype, "multinomial")
    n, (p,) = as_arraylike(n, "multinomial"), promote_inexact(as_arraylike(p, "multinomial"))
    shape = p.shape if shape is None else check_shape(shape, "multinomial")
    if not p.ndim or not broadcasts_to(p.shape, shape) or not broadcasts_to(n.shape, shape[:-1]):
        raise ShapeError(f"multinomial: n of shape {n.shape} and p of shape {p.shape}, outcomes "
                         f"along its last axis, do not broadcast to the result's shape {shape}")
    p = fnp.moveaxis(broadcast_one(p, shape), -1, 0)
    trials = broadcast_one(convert(n, _WIDE), shape[:-1])
    return convert(fnp.moveaxis(_one_after_the_other(key, trials, p), 0, -1), dtype)


def _one_after_the_other(key, trials, p):
    """Counts of outcomes along the first axis, given p along it."""
    left = fnp.flip(fnp.cumsum(fnp.flip(p, 0), 0), 0)
    share = fnp.clip(p / fnp.where(left == 0, p.dtype.type(1), left), 0, 1)
    keys = split(key, p.shape[0])

    def step(left, share, key):
        count = _binomial(key, left, share, left.shape)
        return [left - count, count]

    kinds = [trials.type.strong(), *(x.type.with_shape(x.shape[1:]) for x in (share, keys))]
    body = trace_closed(step, kinds, "multinomial")
    return Steps(p.shape[0]).bind(body, [], [trials], [share, keys], False)[1]
