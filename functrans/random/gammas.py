"""Gamma numbers, and the distributions that are made of them: beta, Dirichlet, chi-square, t, F.

By rejection (Marsaglia, Tsang, "A simple method for generating gamma variables", ACM Transactions
on Mathematical Software 26, 2000): of a cubed normal number, each element until one is accepted.
Their derivative in `a` is that of the quantile: as `a` changes, the number keeps its place in the
distribution (Figurnov, Mohamed, Mnih, "Implicit reparameterization gradients", NeurIPS 2018).

In: keys, parameters, shapes. Out: floats. Imports `control.iterate`, `random.continuous`, `numpy`.
"""
from __future__ import annotations

import numpy as np

import functrans.numpy as fnp
from functrans.control.iterate import Method, iterate
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.promotion import broadcast_one, broadcasts_to
from functrans.primitives.elementwise import convert
from functrans.primitives.incomplete import gamma_slope
from functrans.random.continuous import (exponential, normal, normal_of, unit_of_keys)
from functrans.random.discrete import rademacher
from functrans.random.keys import check_shape, keys_of_elements, part, split
from functrans.random.prepared import prepared, wide_dtype

_SQUEEZE = 0.0331
_FIRST, _SECOND, _THIRD = (np.uint32(number) for number in range(3))


def _reach(a):
    """(d, c) of the method for this a, or for a + 1 where a is below 1."""
    one, third = a.dtype.type(1), a.dtype.type(1 / 3)
    d = fnp.where(a >= one, a, a + one) - third
    return d, third / fnp.sqrt(d)


def _start(operands):
    """State: (goes on, key, key of the normal number, whether only that is tried again, v**3)."""
    *words, a = operands
    key = part(words, _FIRST)
    again = fnp.zeros_like(a, bool)
    return [(a > 0) & (a < np.inf), *key, *key, again, fnp.ones_like(a)]


def _step(operands, state):
    *_, a = operands
    _, *words, again, _ = state
    key, chain = words[:2], words[2:]
    new, first, uniform = (part(key, number) for number in (_FIRST, _SECOND, _THIRD))
    chain = [fnp.where(again, old, new) for old, new in zip(chain, first)]
    d, c = _reach(a)
    x = normal_of(unit_of_keys(part(chain, _SECOND), a.dtype), a.dtype)
    v = x * c + 1
    again, square, cube = v <= 0, x * x, v * v * v
    rejected = _rejected(unit_of_keys(uniform, a.dtype), square, cube, d)
    key = [fnp.where(again, old, next) for old, next in zip(key, new)]
    return [again | rejected, *key, *part(chain, _FIRST), again, cube]


def _rejected(u, square, cube, d):
    squeezed = u < 1 - u.dtype.type(_SQUEEZE) * square * square
    inside = fnp.log(u) < square * u.dtype.type(0.5) + d * (1 - cube + fnp.log(cube))
    return ~squeezed & ~inside


def _finish(operands, state):
    """gamma(a) as d v**3; for a < 1 times u**(1/a), which makes a of a + 1 (ibid.)."""
    *words, a = operands
    boost = 1 - unit_of_keys(part(words, _SECOND), a.dtype)
    sample = _reach(a)[0] * state[-1] * fnp.where(a >= 1, a.dtype.type(1), boost ** (1 / a))
    return _at_ends(a, sample, 0.0)


def _finish_log(operands, state):
    *words, a = operands
    logarithm = fnp.log1p(-unit_of_keys(part(words, _SECOND), a.dtype))
    harmless = (a >= 1) | (logarithm == 0)
    boost = fnp.where(harmless, a.dtype.type(0), logarithm / a)
    return _at_ends(a, fnp.log(_reach(a)[0]) + fnp.log(state[-1]) + boost, -np.inf)


def _at_ends(a, sample, at_zero: float):
    """The sample, or what becomes of it where a is 0, infinite, negative or NaN."""
    kind = a.dtype.type
    ends = fnp.where(a == 0, kind(at_zero), fnp.where(a == np.inf, kind(np.inf), kind(np.nan)))
    return fnp.where((a > 0) & (a < np.inf), sample, ends)


def _jvp(out, first, second, a, da):
    """0 where the sample is too small to be told from 0."""
    positive = out > 0
    logarithm = fnp.log(fnp.where(positive, out, out.dtype.type(1)))
    return da * out * fnp.where(positive, gamma_slope(a, logarithm), out.dtype.type(0))


def _jvp_log(out, first, second, a, da):
    return da * gamma_slope(a, out)


_GAMMA = Method("gamma", _start, _step, _finish, (None, None, _jvp))
_LOGGAMMA = Method("loggamma", _start, _step, _finish_log, (None, None, _jvp_log))


def _drawn(method: Method, name: str, key, a, shape, dtype):
    shape, dtype, a = prepared(name, shape, dtype, a=a)
    wide = broadcast_one(convert(a, wide_dtype(dtype)), shape)
    return convert(iterate(method, *keys_of_elements(key, shape, name), wide), dtype)


def gamma(key, a, shape=None, dtype=None):
    """Gamma numbers: density x**(a - 1) exp(-x) / gamma(a), x >= 0.

    key: one key. a: numbers or an array, not negative; differentiable. shape: of the result, to
    which it broadcasts; by default its own. dtype: a float dtype, the default one if None.
    It is 0 where a is 0, infinite where a is, NaN for other a; for a far below 1 most numbers are
    too small for the dtype, and `loggamma` is better.

    Source: Marsaglia, Tsang (2000); the derivative: Figurnov, Mohamed, Mnih (2018).

    >>> import functrans as ft
    >>> ft.random.gamma(ft.random.key(0), 2.0, (3,)).shape
    (3,)
    """
    return _drawn(_GAMMA, "gamma", key, a, shape, dtype)


def loggamma(key, a, shape=None, dtype=None):
    """The logarithms of the numbers that `gamma` gives, exact where those are too small.

    The arguments are those of `gamma`.

    >>> import functrans as ft
    >>> bool(ft.random.loggamma(ft.random.key(0), 1e-4) < -1000)
    True
    """
    return _drawn(_LOGGAMMA, "loggamma", key, a, shape, dtype)


# ---- made of them ----

def beta(key, a, b, shape=None, dtype=None):
    """Beta numbers: density x**(a - 1) (1 - x)**(b - 1) / beta(a, b), 0 <= x <= 1.

    key: one key. a, b: positive numbers or arrays; differentiable. shape: of the result, to which
    they broadcast; by default their common shape. dtype: a float dtype, the default one if None.

    The share of one of two gamma numbers in their sum.

    >>> import functrans as ft
    >>> ft.random.beta(ft.random.key(0), 2.0, 3.0, (3,)).shape
    (3,)
    """
    shape, dtype, a, b = prepared("beta", shape, dtype, a=a, b=b)
    first, second = split(key)
    x, y = loggamma(first, a, shape, dtype), loggamma(second, b, shape, dtype)
    most = fnp.maximum(x, y)
    x, y = fnp.exp(x - most), fnp.exp(y - most)
    return x / (x + y)


def dirichlet(key, alpha, shape=None, dtype=None):
    """Vectors of positive numbers with sum 1: density proportional to the product of
    x[k]**(alpha[k] - 1).

    key: one key. alpha: an array (..., n) of positive numbers; differentiable. shape: of the batch,
    to which `alpha.shape[:-1]` broadcasts, and which it is by default. dtype: a float dtype.
    Returns an array of shape (*shape, n). Raises ValueError for a number as alpha.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.random.dirichlet(ft.random.key(0), fnp.ones(3), (2,)).shape
    (2, 3)
    """
    if np.ndim(alpha) < 1:
        raise ArgumentError("dirichlet: alpha must be an array of at least one axis, got a number")
    _, dtype, alpha = prepared("dirichlet", None, dtype, alpha=alpha)
    batch = alpha.shape[:-1]
    shape = batch if shape is None else check_shape(shape, "dirichlet")
    if not broadcasts_to(batch, shape):
        raise ShapeError(f"dirichlet: the batch {batch} of alpha does not broadcast to shape "
                         f"{shape}")
    x = loggamma(key, alpha, (*shape, alpha.shape[-1]), dtype)
    x = fnp.exp(x - fnp.max(x, -1, keepdims=True))
    return x / fnp.sum(x, -1, keepdims=True)


def chisquare(key, df, shape=None, dtype=None):
    """Chi-square numbers of `df` degrees of freedom: density proportional to
    x**(df/2 - 1) exp(-x/2).

    df: positive numbers or an array; differentiable. See `gamma` for the other arguments.

    >>> import functrans as ft
    >>> ft.random.chisquare(ft.random.key(0), 4.0, (3,)).shape
    (3,)
    """
    shape, dtype, df = prepared("chisquare", shape, dtype, df=df)
    return 2 * fnp.exp(loggamma(key, df / 2, shape, dtype))


def t(key, df, shape=None, dtype=None):
    """Student's t numbers of `df` degrees of freedom: density proportional to
    (1 + x**2 / df)**(-(df + 1) / 2).

    df: positive numbers or an array; differentiable. See `gamma` for the other arguments.

    >>> import functrans as ft
    >>> ft.random.t(ft.random.key(0), 4.0, (3,)).shape
    (3,)
    """
    shape, dtype, df = prepared("t", shape, dtype, df=df)
    first, second = split(key)
    half = df / 2
    return normal(first, shape, dtype) * fnp.sqrt(half / gamma(second, half, shape, dtype))


def f(key, dfnum, dfden, shape=None, dtype=None):
    """Fisher's F numbers: the quotient of two chi-square numbers, each over its `df`.

    dfnum, dfden: positive numbers or arrays, the degrees of freedom of numerator and denominator;
    differentiable. shape: of the result, to which they broadcast; by default their common shape.
    dtype: a float dtype, the default one if None.

    >>> import functrans as ft
    >>> ft.random.f(ft.random.key(0), 4.0, 6.0, (3,)).shape
    (3,)
    """
    shape, dtype, dfnum, dfden = prepared("f", shape, dtype, dfnum=dfnum, dfden=dfden)
    below, above = split(key)
    quotient = chisquare(above, dfnum, shape, dtype) / dfnum
    return quotient / (chisquare(below, dfden, shape, dtype) / dfden)


def generalized_normal(key, p, shape=(), dtype=None):
    """Numbers of density proportional to exp(-abs(x)**p).

    key: one key. p: positive numbers or an array; differentiable. shape: of the result, to which
    it broadcasts. dtype: a float dtype, the default one if None.

    >>> import functrans as ft
    >>> ft.random.generalized_normal(ft.random.key(0), 4.0, (3,)).shape
    (3,)
    """
    shape, dtype, p = prepared("generalized_normal", shape, dtype, p=p)
    sizes, signs = split(key)
    size = gamma(sizes, 1 / p, shape, dtype) ** (1 / p)
    return rademacher(signs, shape, dtype) * size


def ball(key, d: int, p=2, shape=(), dtype=None):
    """Points that are uniform in the ball of radius 1 of `d` dimensions, by the norm of order p.

    key: one key. d: an int. p: a positive number; differentiable. shape: of the batch. dtype: a
    float dtype, the default one if None. Returns an array of shape (*shape, d).

    Source: Barthe, Guedon, Mendelson, Naor, "A probabilistic approach to the geometry of the
    l_p^n-ball" (Annals of Probability 33, 2005).

    >>> import functrans as ft
    >>> ft.random.ball(ft.random.key(0), 3, shape=(5,)).shape
    (5, 3)
    """
    d, = check_shape(d, "ball") if hasattr(d, "__index__") else (_no_dimension(d),)
    shape, dtype, p = prepared("ball", shape, dtype, p=p)
    direction, radius = split(key)
    x = generalized_normal(direction, p[..., None] if p.ndim else p, (*shape, d), dtype)
    power = p[..., None] if p.ndim else p
    total = fnp.sum(fnp.abs(x) ** power, -1) + exponential(radius, shape, dtype)
    return x / (total ** (1 / p))[..., None]


def _no_dimension(d):
    raise ArgumentError(f"ball: the number of dimensions d must be an int, got {d!r}")
