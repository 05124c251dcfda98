"""Families that recurrences give: Bessel functions of whole orders, spherical harmonics.

Computed in double precision. Imports `api`, `lax`, `numpy`.
"""
from __future__ import annotations

import math
import operator

import numpy as np

from functrans.api.custom_jvp import custom_jvp
from functrans.array import Array
from functrans.errors import ConcretizationError, DtypeError, UnsupportedError
from functrans.lax.elementwise import complex as complex_
from functrans.lax.loops import fori_loop, scan
from functrans.numpy.choosing import where
from functrans.numpy.joining import concatenate, stack
from functrans.numpy.promotion import as_arraylike, broadcast_all
from functrans.numpy.ranges import arange
from functrans.numpy.ufuncs import abs, cos, isnan, maximum, sin, sqrt
from functrans.primitives.elementwise import convert
from functrans.primitives.matrices import complex_dtype
from functrans.scipy.special.common import in_double, natural, reals


# ---- Bessel functions ----

def bessel_jn(z, *, v: int, n_iter: int = 50):
    """The Bessel functions of the first kind J_0 .. J_v of real z: (v + 1, *z.shape).

    n_iter: of no effect; how far the recurrence must go follows from v.
    F. Olver, Mathematics of Computation 18 (1964): downwards from where they vanish; upwards from
    H. Hankel's asymptotic series where z is larger than v and 25.

    >>> import functrans as ft
    >>> ft.scipy.special.bessel_jn(1.0, v=1)
    Array([0.7651977 , 0.44005057], dtype=float32)
    """
    z, = reals("bessel_jn", z)
    v = natural("bessel_jn", "v", v)
    return in_double(lambda z: _orders(v, z), z)


def _orders_up_to(v, z):
    """J_0 .. J_v of float64 z."""
    limit = max(v, 25)
    size = abs(z)
    low, high = (size > 1e-6) & (size <= limit), (size > limit) & (size < np.inf)
    down = _downwards(v, limit, where(low, size, 1.0))
    up = _upwards(v, where(high, size, 2.0 * limit))
    order = np.arange(v + 1.0).reshape(-1, *(1,) * z.ndim)
    factorials = np.array([1 / math.factorial(k) if k < 170 else 0.0 for k in range(v + 1)])
    half = where(size <= 1e-6, size, 0.0) / 2
    tiny = half ** order * factorials.reshape(order.shape) * (1 - half * half / (order + 1))
    value = where(low, down, where(high, up, where(size == np.inf, 0.0, tiny)))
    sign = where((z < 0) & (order % 2 == 1), -1.0, 1.0)
    return where(isnan(z), np.nan, sign * value)


_orders = custom_jvp(_orders_up_to, nondiff_argnums=(0,))


@_orders.defjvp
def _orders_rule(v, primals, tangents):
    """2 J_k' = J_(k-1) - J_(k+1)."""
    (z,), (dz,) = primals, tangents
    more = _orders(v + 1, z)
    before = concatenate([-more[1:2], more[:v]], 0)
    return more[:v + 1], (before - more[1:]) / 2 * dz


_LARGE = 1e100


def _downwards(v: int, limit: int, z):
    """From an order so high that they vanish; divided by J_0 + 2 J_2 + 2 J_4 + ... = 1."""
    first = limit + 50 + 10 * math.ceil(limit ** (1 / 3))

    def step(state, k):
        above, here, total, count = state
        below = 2 * k / z * here - above
        large = abs(below) > _LARGE
        shrink = where(large, np.float64(1 / _LARGE), np.float64(1))
        here, below = here * shrink, below * shrink
        share = where(k == 1, below, where(k % 2 == 1, 2 * below, 0.0))
        total, count = total * shrink + share, count + large
        return (here, below, total, count), (below, count)
    start = (z * 0, z * 0 + 1e-30, z * 0, z * 0)
    (_, _, total, count), (values, counts) = scan(step, start, arange(float(first), 0, -1,
                                                                      dtype="float64"))
    values, counts = values[::-1][:v + 1], counts[::-1][:v + 1]
    return values / total * _LARGE ** (counts - count)


def _upwards(v: int, z):
    below, here = _hankel(0, z), _hankel(1, z)
    found = [below, here]
    if v > 1:
        def step(state, k):
            below, here = state
            above = 2 * k / z * here - below
            return (here, above), above
        _, more = scan(step, (below, here), arange(1.0, v, dtype="float64"))
        return concatenate([stack(found), more], 0)
    return stack(found[:v + 1])


def _hankel(order: int, z):
    """J_0 and J_1 of large z; M. Abramowitz and I. Stegun, equation 9.2.5."""
    p, q, term = z * 0 + 1, z * 0, z * 0 + 1
    for k in range(1, 26):
        term = term * (4 * order ** 2 - (2 * k - 1) ** 2) / (8 * k * z)
        sign = (-1) ** (k // 2)
        p, q = (p, q + sign * term) if k % 2 else (p + sign * term, q)
    c, s = cos(z), sin(z)
    turned = (c + s, s - c) if order == 0 else (s - c, -(c + s))
    return (p * turned[0] - q * turned[1]) / sqrt(math.pi * z)


# ---- spherical harmonics ----

def sph_harm_y(n, m, theta, phi, diff_n: int | None = None, n_max: int | None = None):
    """The spherical harmonics of degree n and order m, complex, with the sign of Condon and
    Shortley; 0 for abs(m) > n.

    n, m: integers. theta: the angle from the pole; phi: around it; radians. n_max: the largest
    degree, an int, which is needed where n is not known while tracing.
    Differentiable in the angles. Raises TypeError for n and m of floats, NotImplementedError for
    `diff_n` other than 0: derivatives come from `grad` and `jvp`.

    >>> import functrans as ft
    >>> ft.scipy.special.sph_harm_y(1, 0, 0.0, 0.0)
    Array(0.48860252+0.j, dtype=complex64)
    """
    if diff_n:
        raise UnsupportedError("special.sph_harm_y: diff_n is not available; differentiate by grad "
                               "or jvp")
    n, m = (_whole(x, name) for x, name in ((n, "n"), (m, "m")))
    most = _most(n) if n_max is None else operator.index(n_max)
    theta, phi = reals("sph_harm_y", theta, phi)
    dtype = complex_dtype(theta.dtype)
    n, m, theta, phi = broadcast_all([convert(x, np.float64) for x in (n, m, theta, phi)])
    size = abs(m)
    value = _legendre(n, size, theta, most)
    value = where((m < 0) & (size % 2 == 1), -value, value)
    return convert(complex_(value * cos(m * phi), value * sin(m * phi)), dtype)


def _whole(x, name: str):
    x = as_arraylike(x, name)
    if x.dtype.kind not in "bui":
        raise DtypeError(f"special.sph_harm_y: {name} must be an integer, got {x.type}")
    return x


def _most(n) -> int:
    if not isinstance(n, Array):
        raise ConcretizationError("special.sph_harm_y: the largest degree is not known while "
                                  "tracing; pass n_max, an int")
    return int(np.asarray(n).max(initial=0))


def _legendre(n, m, theta, most: int):
    """Legendre functions with the factors of spherical harmonics: along the diagonal n = m up to
    m, and from there with m fixed."""
    x, y = cos(theta), sin(theta)

    def step(k, state):
        before, here, found = state
        found = where(n == k, here, found)
        k = convert(k, np.float64)
        diagonal = -math.sqrt(0.5) * sqrt((2 * k + 3) / (k + 1)) * y * here
        next_one = (k + 1) ** 2 - m * m
        grow = sqrt((4 * (k + 1) ** 2 - 1) / where(next_one > 0, next_one, 1.0))
        back = sqrt(maximum(k * k - m * m, 0.0) / abs(4 * k * k - 1))
        along = grow * (x * here - back * before)
        on_diagonal = k < m
        return where(on_diagonal, 0.0, here), where(on_diagonal, diagonal, along), found
    zero = theta * 0
    _, _, found = fori_loop(0, most + 1, step, (zero, zero + math.sqrt(0.25 / math.pi), zero))
    return where(m > n, 0.0, found)
