"""What results should be: NumPy's functions, and plain ones for what NumPy does not have.

Functions of statistics are computed from the standard library's, by quadrature or by their series,
to about 1e-13: slow, and independent of every library that is compared. Loops and choices are
Python's. Imports `dtypes`.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from functrans.testing.conformance.dtypes import dtype_named, is_float
from functrans.testing.conformance.namespace import Namespace, NotOffered


def each(function: Callable) -> Callable:
    """A function of Python floats, for arrays."""
    vectorized = np.vectorize(function, otypes=[np.float64])

    def call(*arrays):
        arrays = np.broadcast_arrays(*arrays)
        return vectorized(*arrays) if arrays[0].size else np.zeros(arrays[0].shape)
    return call


# ---- special functions ----

def digamma(x: float) -> float:
    """Recurrence up to where the asymptotic series is exact enough (Abramowitz, Stegun 6.3.18)."""
    total = 0.0
    while x < 12:
        total, x = total - 1 / x, x + 1
    return total + math.log(x) - 1 / (2 * x) - sum(
        b / (2 * k * x ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def zeta(s: float, q: float) -> float:
    """Hurwitz's zeta, by Euler and Maclaurin's sum (Abramowitz, Stegun 23.2)."""
    count = 12
    total = sum((q + k) ** -s for k in range(count))
    x = q + count
    total += x ** (1 - s) / (s - 1) + x ** -s / 2
    factor = s * x ** (-s - 1)
    for k, b in enumerate(_BERNOULLI, 1):
        total += b / math.factorial(2 * k) * factor
        factor *= (s + 2 * k - 1) * (s + 2 * k) / x ** 2
    return total


def polygamma(n: float, x: float) -> float:
    if n == 0:
        return digamma(x)
    return (-1) ** (int(n) + 1) * math.factorial(int(n)) * zeta(n + 1, x)


def gammainc(a: float, x: float) -> float:
    """The power series (Abramowitz, Stegun 6.5.29); x is small here."""
    term = total = 1 / a
    for k in range(1, 80):
        term *= x / (a + k)
        total += term
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def random_gamma_grad(a: float, x: float) -> float:
    """Minus the derivative of gammainc in a over the density, term by term of the series."""
    term = total = 1 / a
    inverse = slope = 1 / a
    slope *= -term
    for k in range(1, 80):
        term *= x / (a + k)
        inverse += 1 / (a + k)
        total += term
        slope -= term * inverse
    return -x * (total * (math.log(x) - digamma(a)) + slope)


def betainc(a: float, b: float, x: float) -> float:
    """The power series (Abramowitz, Stegun 26.5.4), on the side where it converges fast."""
    if x > 0.5:
        return 1 - betainc(b, a, 1 - x)
    term, total = 1.0, 1 / a
    for k in range(1, 120):
        term *= (k - b) * x / k
        total += term / (a + k)
    size = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return total * math.exp(a * math.log(x) - size)


def derivative_of_betainc(a: float, b: float, x: float) -> float:
    """In a, term by term of the series."""
    term, total, slope = 1.0, 1 / a, -1 / a ** 2
    for k in range(1, 400):
        term *= (k - b) * x / k
        total += term / (a + k)
        slope -= term / (a + k) ** 2
    size = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    steep = math.log(x) - digamma(a) + digamma(a + b)
    return math.exp(a * math.log(x) - size) * (slope + total * steep)


def _bessel(x: float, order: int) -> float:
    """exp(-|x|) I(x), by the trapezoidal rule, which is exact for periodic functions."""
    angles = 2 * np.pi * np.arange(64) / 64
    return float(np.mean(np.exp(x * np.cos(angles) - abs(x)) * np.cos(order * angles)))


def log_ndtr(x: float) -> float:
    return math.log(math.erfc(-x / math.sqrt(2)) / 2)


def ndtri(p: float) -> float:
    """The standard library's, with one step of Newton's method on top."""
    x = NormalDist().inv_cdf(p)
    density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return x - (math.erfc(-x / math.sqrt(2)) / 2 - p) / density


def erfinv(y: float) -> float:
    return ndtri((y + 1) / 2) / math.sqrt(2)


def logsumexp(x, axis):
    largest = np.max(x, axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(all="ignore"):
        return np.log(np.sum(np.exp(x - largest), axis=axis)) + np.squeeze(largest, axis)


def softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def astype(x, name: str):
    """Of floats made to floats the wider dtype is kept: what is expected is in double precision."""
    dtype = dtype_named(name)
    kept = is_float(dtype) and is_float(x.dtype)
    return x.astype(np.result_type(dtype, x.dtype) if kept else dtype)


# ---- writing into arrays ----

def _written(function: Callable) -> Callable:
    def write(x, index, y):
        out = np.array(x)
        function(out, index, y)
        return out
    return write


def dynamic_slice(x, starts, sizes):
    return x[_window(x, starts, sizes)]


def dynamic_update_slice(x, update, starts):
    out = np.array(x)
    out[_window(x, starts, update.shape)] = update
    return out


def _window(x, starts, sizes) -> tuple:
    if any(size > n for size, n in zip(sizes, x.shape)):
        raise ValueError(f"a window of shape {sizes} does not fit into {x.shape}")
    starts = [min(max(int(start), 0), n - size)
              for start, n, size in zip(starts, x.shape, sizes)]
    return tuple(slice(start, start + size) for start, size in zip(starts, sizes))


# ---- control flow ----

def scan(step, state, xs, reverse: bool = False):
    rows = []
    for x in reversed(list(xs)) if reverse else xs:
        state, row = step(state, x)
        rows.append(row)
    rows = rows[::-1] if reverse else rows
    if isinstance(rows[0], tuple):
        return state, tuple(map(np.stack, zip(*rows)))
    return state, np.stack(rows)


def while_loop(condition, body, state):
    while condition(state):
        state = body(state)
    return state


def fori_loop(start, stop, body, state):
    for k in range(int(start), int(stop)):
        state = body(k, state)
    return state


def cond(chosen, yes, no, *operands):
    return (yes if chosen else no)(*operands)


def switch(index, branches, *operands):
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def associative_scan(function, x):
    rows = [x[0]]
    for row in x[1:]:
        rows.append(function(rows[-1], row))
    return np.stack(rows)


def solve_triangular(a, b, lower, transposed=False, unit=False):
    a = np.tril(a) if lower else np.triu(a)
    if unit:
        a = a - np.diag(np.diag(a)) + np.eye(len(a))
    return np.linalg.solve(a.T if transposed else a, b)


def lu(x) -> tuple:
    """The factors, with LAPACK's choice of pivots: the largest |Re| + |Im| of a column."""
    upper, count = np.array(x), len(x)
    lower = np.zeros_like(upper)
    for k in range(count):
        pivot = k + int(np.argmax(np.abs(upper[k:, k].real) + np.abs(upper[k:, k].imag)))
        for matrix in (upper, lower):
            matrix[[k, pivot]] = matrix[[pivot, k]]
        lower[k:, k] = upper[k:, k] / upper[k, k]
        upper[k + 1:] -= np.outer(lower[k + 1:, k], upper[k])
    return lower, np.triu(upper)


# ---- integers ----

def count_leading_zeros(x):
    bits = 8 * x.itemsize
    counts = [bits - (int(value) % 2 ** bits).bit_length() for value in x.ravel()]
    return np.array(counts, x.dtype).reshape(x.shape)


def threefry(key: tuple, counter: tuple) -> tuple:
    """Threefry-2x32 with 20 rounds (Salmon et al., Parallel random numbers: as easy as 1, 2, 3,
    2011)."""
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = ((c + k) % 2 ** 32 for c, k in zip(counter, key))
    for group in range(5):
        for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            a = (a + b) % 2 ** 32
            b = (b << turn | b >> 32 - turn) % 2 ** 32 ^ a
        a = (a + keys[(group + 1) % 3]) % 2 ** 32
        b = (b + keys[(group + 2) % 3] + group + 1) % 2 ** 32
    return a, b


def random_bits(seeds):
    """The first 32 bits of the stream of each seed."""
    words = [threefry((0, int(seed)), (0, 0)) for seed in seeds]
    return np.array([a ^ b for a, b in words], np.uint32)


def take_or(x, index, other):
    inside = (index >= 0) & (index < len(x))
    return np.where(inside, x[np.where(inside, index, 0)], x.dtype.type(other))


def identity(x):
    return x


def scattered_sum(x):
    """Lane k gets element k of the sum over lanes."""
    return np.sum(x, 0)


class Reference(Namespace):
    """Names that nothing may lack."""

    def __getattr__(self, name: str):
        try:
            return super().__getattr__(name)
        except NotOffered:
            raise AttributeError(f"the reference has no {name}") from None


REFERENCE = Reference(
    np, np.linalg, np.fft, fft=np.fft.fft,
    erf=each(math.erf), erfc=each(math.erfc), erfinv=each(erfinv),
    erfcx=each(lambda x: math.exp(x * x) * math.erfc(x)), gammaln=each(math.lgamma),
    digamma=each(digamma), polygamma=each(polygamma), zeta=each(zeta), gammainc=each(gammainc),
    random_gamma_grad=each(random_gamma_grad), root_by_steps=np.sqrt,
    gammaincc=each(lambda a, x: 1 - gammainc(a, x)), betainc=each(betainc),
    derivative_of_betainc=each(derivative_of_betainc),
    betaln=each(lambda a, b: math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)),
    i0e=each(lambda x: _bessel(x, 0)), i1e=each(lambda x: _bessel(x, 1)),
    ndtri=each(ndtri), log_ndtr=each(log_ndtr), logsumexp=logsumexp, softmax=softmax,
    expit=lambda x: 1 / (1 + np.exp(-x)), softplus=lambda x: np.logaddexp(x, 0),
    relu=lambda x: np.maximum(x, 0), rsqrt=lambda x: 1 / np.sqrt(x),
    add_at=_written(np.add.at), multiply_at=_written(np.multiply.at),
    minimum_at=_written(np.minimum.at), maximum_at=_written(np.maximum.at),
    set_at=_written(lambda out, index, y: out.__setitem__(index, y)),
    take_or=take_or, lu=lu, lu_solve=np.linalg.solve, complex=lambda x, y: x + 1j * y,
    bitcast=lambda x, name: x.view(name),
    weaken=identity, debug_callback=identity, io_callback=np.square, pure_callback=np.square,
    custom_jvp=np.sin, custom_vjp=np.sin, custom_vmap=np.sin,
    linear_transpose=lambda a, y: a * y, linear_transpose_of_loop=lambda a, y: a * a * y,
    pulled_twice=lambda count, x: 12 * x ** 3,
    psum=lambda x: x - np.sum(x, 0), psum_scatter=scattered_sum,
    axis_index=lambda x: x * np.arange(len(x)),
    all_gather=lambda x: np.stack([row * x[:, :1] for row in x]),
    ppermute=lambda x: np.roll(x, 1, 0), all_to_all=lambda x: x.T,
    custom_linear_solve=lambda a, b: b / a, random_bits=random_bits,
    watched_bits=random_bits,
    dynamic_slice=dynamic_slice, dynamic_update_slice=dynamic_update_slice,
    scan=scan, while_loop=while_loop, fori_loop=fori_loop, cond=cond, switch=switch,
    associative_scan=associative_scan, solve_triangular=solve_triangular,
    stop_gradient=identity, checkpoint=identity, jit=identity,
    astype=astype,
    count_leading_zeros=count_leading_zeros)
