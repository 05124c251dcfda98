"""Polynomials as vectors of coefficients, the highest power first.

In: coefficients. Out: coefficients, values. Imports `numpy.calculus`, `numpy.manipulation`.
"""
from __future__ import annotations

import numpy as np

from functrans.array import Array
from functrans.errors import ArgumentError
from functrans.ir.type import is_complex, is_inexact
from functrans.numpy.calculus import convolve
from functrans.numpy.creation import zeros
from functrans.numpy.ranges import arange
from functrans.numpy.joining import atleast_1d, concatenate
from functrans.numpy.repeating import trim_zeros
from functrans.numpy.promotion import (as_arraylike, as_operand, cast, materialize, promote,
                                       promote_inexact, promote_types)
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.basic import full
from functrans.primitives.elementwise import convert


def _coefficients(p, name: str):
    p = atleast_1d(as_arraylike(p, name))
    if p.ndim != 1:
        raise ArgumentError(f"{name}: coefficients must be a vector, got shape {p.shape}")
    return p


def polyval(p, x, *, unroll: int = 16):
    """The value at `x` of the polynomial with coefficients `p`, by Horner's rule.

    unroll: JAX's, of no effect.

    >>> import functrans.numpy as fnp
    >>> fnp.polyval(fnp.array([3.0, 0.0, 1.0]), 5.0)
    Array(76., dtype=float32)
    """
    p = as_arraylike(p, "polyval")
    p, x = promote(p, as_operand(x, "polyval"))
    x = materialize(x)
    value = full(x.type.strong(), 0)
    for k in range(p.shape[0]):
        value = value * x + p[k]
    return value


def _padded(p, size: int):
    return prim.pad(p, (size - p.size,), (0,))


def _both(a1, a2, name: str) -> tuple:
    """Both as vectors of one size and dtype."""
    a1, a2 = promote(_coefficients(a1, name), _coefficients(a2, name))
    size = max(a1.size, a2.size)
    return _padded(a1, size), _padded(a2, size)


def polyadd(a1, a2):
    """The sum of two polynomials.

    >>> import functrans.numpy as fnp
    >>> fnp.polyadd(fnp.array([1, 2]), fnp.array([9, 5, 4]))
    Array([9, 6, 6], dtype=int64)
    """
    a1, a2 = _both(a1, a2, "polyadd")
    return a1 + a2


def polysub(a1, a2):
    """The difference of two polynomials.

    >>> import functrans.numpy as fnp
    >>> fnp.polysub(fnp.array([2, 10, -2]), fnp.array([3, 10, -4]))
    Array([-1,  0,  2], dtype=int64)
    """
    a1, a2 = _both(a1, a2, "polysub")
    return a1 - a2


def polymul(a1, a2):
    """The product of two polynomials; leading zeros that are known are dropped.

    >>> import functrans.numpy as fnp
    >>> fnp.polymul(fnp.array([1, 2]), fnp.array([1, 3]))
    Array([1, 5, 6], dtype=int64)
    """
    return convolve(*(_trimmed(_coefficients(a, "polymul")) for a in (a1, a2)))


def _trimmed(p):
    """Without known leading zeros; one coefficient stays."""
    if not isinstance(p, Array):
        return p
    trimmed = trim_zeros(p, "f")
    return trimmed if trimmed.size else p[:1] * 0


def polydiv(u, v) -> tuple:
    """(quotient, remainder) of two polynomials.

    >>> import functrans.numpy as fnp
    >>> fnp.polydiv(fnp.array([3.0, 5.0, 2.0]), fnp.array([2.0, 1.0]))
    (Array([1.5 , 1.75], dtype=float32), Array([0.25], dtype=float32))
    """
    u, v = (materialize(p) for p in promote_inexact(_coefficients(u, "polydiv"),
                                                    _coefficients(v, "polydiv")))
    if not v.size:
        raise ArgumentError("polydiv: the divisor has no coefficients")
    count = max(u.size - v.size + 1, 1)
    rest, quotient = u, []
    for k in range(u.size - v.size + 1):
        factor = rest[k] / v[0]
        quotient.append(factor)
        low, high = k, u.size - k - v.size
        rest = rest - prim.pad(factor * v, (low,), (high,))
    quotient = concatenate([q[None] for q in quotient], 0) if quotient else zeros(count, u.dtype)
    return quotient, _remainder(rest, u.size - len(quotient) if u.size >= v.size else u.size)


def _remainder(rest, size: int):
    """The last coefficients; leading ones that are known to be about zero are dropped."""
    if not isinstance(rest, Array):
        return rest[rest.size - size:] if size else rest[-1:] * 0
    values = np.asarray(rest)
    start = 0
    while start < values.size - 1 and np.allclose(values[start], 0, rtol=1e-14):
        start += 1
    return rest[start:]


def polyder(p, m: int = 1):
    """The m-th derivative of a polynomial.

    >>> import functrans.numpy as fnp
    >>> fnp.polyder(fnp.array([1, 1, 1, 1]))
    Array([3, 2, 1], dtype=int64)
    """
    if m != int(m) or m < 0:
        raise ArgumentError(f"polyder: order of derivative must be positive, got {m!r}")
    p = as_arraylike(p, "polyder")
    for _ in range(int(m)):
        powers = arange(p.size - 1, 0, -1) if p.size > 1 else zeros(0, np.int64)
        p = p[:-1] * powers
    return p


def polyint(p, m: int = 1, k=None):
    """The m-th antiderivative of a polynomial.

    k: the constants of integration: a number or m of them; 0 by default.

    >>> import functrans.numpy as fnp
    >>> fnp.polyint(fnp.array([6.0, 4.0]))
    Array([3., 4., 0.], dtype=float32)
    """
    if m != int(m) or m < 0:
        raise ArgumentError(f"polyint: order of integral must be positive, got {m!r}")
    constants = _constants(0 if k is None else k, int(m))
    p = as_arraylike(p, "polyint")
    if not constants:
        return p
    p, *constants = promote_inexact(p, *constants)
    for constant in constants:
        powers = arange(p.size, 0, -1, dtype=p.dtype) if p.size else zeros(0, p.dtype)
        constant = prim.reshape(materialize(constant), (1,))
        p = concatenate([p / powers, constant], 0)
    return p


def _constants(k, m: int) -> list:
    """The m constants of integration, from one or several."""
    if not isinstance(k, (list, tuple)):
        k = as_operand(k, "polyint")
        k = [k] * m if not getattr(k, "ndim", 0) else list(k)
    k = list(k) * m if len(k) == 1 else list(k)
    if len(k) < m:
        raise ArgumentError("polyint: k must be a scalar or a rank-1 array of length 1 or >m")
    return k[:m]


def poly(seq_of_zeros):
    """The coefficients of the polynomial with these zeros (or eigenvalues, for a matrix).

    >>> import functrans.numpy as fnp
    >>> fnp.poly(fnp.array([1.0, -1.0]))
    Array([ 1.,  0., -1.], dtype=float32)
    """
    roots = atleast_1d(as_arraylike(seq_of_zeros, "poly"))
    if roots.ndim == 2 and roots.shape[0] == roots.shape[1] and roots.shape[0]:
        return _characteristic(roots)
    elif roots.ndim != 1:
        raise ArgumentError("poly: input must be 1d or non-empty square 2d array.")
    roots = materialize(promote_inexact(roots)[0])
    if not roots.size:
        return full(roots.type.with_shape(()), 1)
    coefficients = full(roots.type.with_shape((1,)), 1)
    for k in range(roots.size):
        factor = concatenate([full(coefficients.type.with_shape((1,)), 1), -roots[k][None]], 0)
        coefficients = convolve(coefficients, factor)
    return coefficients


def _characteristic(matrix):
    """The characteristic polynomial; real for a real matrix, whose eigenvalues come in pairs."""
    from functrans.numpy import linalg
    coefficients = poly(linalg.eigvals(matrix))
    return coefficients if is_complex(matrix.dtype) else basic.real(coefficients)


def vander(x, N: int | None = None, increasing: bool = False):
    """The matrix of powers of a vector: column k is x to the power N - 1 - k (k, if increasing).

    >>> import functrans.numpy as fnp
    >>> fnp.vander(fnp.array([1, 2, 3]), 2)
    Array([[1, 1],
           [2, 1],
           [3, 1]], dtype=int64)
    """
    x = as_arraylike(x, "vander")
    if x.ndim != 1:
        raise ArgumentError("vander: x must be a one-dimensional array or sequence.")
    if not is_inexact(x.dtype):
        x = convert(x, promote_types(x.dtype, np.dtype(np.int64)))
    count = x.size if N is None else N
    if count < 0:
        raise ArgumentError(f"vander: N must not be negative, got {N}")
    columns = [basic_power(x, k) for k in range(count)]
    if not columns:
        return zeros((x.size, 0), x.dtype)
    columns = columns if increasing else columns[::-1]
    return concatenate([prim.expand_dims(column, (1,)) for column in columns], 1)


def basic_power(x, exponent: int):
    """x to the power of an int that is not negative."""
    from functrans.primitives.functions import integer_pow
    return full(x.type.strong(), 1) if exponent == 0 else integer_pow(x, exponent)


def roots(p):
    """The zeros of a polynomial, as eigenvalues of its companion matrix.

    Known zeros at the ends of `p` are dropped first. Under jit, `p` must have a leading
    coefficient that is not zero.

    >>> import functrans.numpy as fnp
    >>> fnp.roots(fnp.array([1.0, 0.0, -1.0])).shape
    (2,)
    """
    from functrans.numpy import linalg
    from functrans.numpy.ranges import eye
    p = _coefficients(p, "roots")
    zeros_at_end = 0
    if isinstance(p, Array):
        places = np.flatnonzero(np.asarray(p))
        if not places.size:
            return zeros(0, p.dtype)
        zeros_at_end = p.size - 1 - int(places[-1])
        p = p[int(places[0]):int(places[-1]) + 1]
    p = materialize(promote_inexact(p)[0])
    size = p.size - 1
    if size < 1:
        return zeros(zeros_at_end, p.dtype)
    companion = concatenate([(-p[1:] / p[0])[None], eye(size, dtype=p.dtype)[:-1]], 0)
    found = linalg.eigvals(companion)
    return concatenate([found, zeros(zeros_at_end, found.dtype)], 0) if zeros_at_end else found


def polyfit(x, y, deg: int, rcond=None, full: bool = False, w=None, cov=False):
    """The polynomial of a degree that fits points best, by least squares.

    x: coordinates (n,); y: values (n,) or (n, k) for k fits; w: the weight of each residual.
    full: also (residuals, rank, singular values, rcond); cov: also the covariance matrix of the
    coefficients ("unscaled": not scaled by the residuals).

    >>> import functrans.numpy as fnp
    >>> fnp.polyfit(fnp.array([0.0, 1.0, 2.0]), fnp.array([1.0, 3.0, 5.0]), 1).round(3)
    Array([2., 1.], dtype=float32)
    """
    from functrans.numpy import linalg
    x, y = (materialize(part) for part in promote_inexact(as_arraylike(x), as_arraylike(y)))
    _check_points(x, y, deg)
    rcond = x.size * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    matrix, values = vander(x, deg + 1), y
    if w is not None:
        w = cast(as_arraylike(w), x.dtype)
        if w.shape != x.shape:
            raise ArgumentError(f"polyfit: w of shape {w.shape} for {x.size} points")
        matrix, values = matrix * w[:, None], values * (w[:, None] if y.ndim == 2 else w)
    scale = _column_norms(matrix)
    found, residuals, rank, singular = linalg.lstsq(matrix / scale, values, rcond)
    found = found / (scale[:, None] if y.ndim == 2 else scale)
    if full:
        return found, residuals, rank, singular, rcond
    return (found, _fit_covariance(matrix, scale, residuals, x, y, deg, cov)) if cov else found


def _column_norms(matrix):
    from functrans.numpy.functions import sqrt
    from functrans.numpy.reductions import sum
    return sqrt(sum(matrix * matrix, 0))


def _check_points(x, y, deg: int):
    if deg < 0:
        raise ArgumentError("polyfit: expected deg >= 0")
    if x.ndim != 1:
        raise ArgumentError(f"polyfit: x must be a vector, got shape {x.shape}")
    if not x.size:
        raise ArgumentError("polyfit: expected non-empty vector for x")
    if y.ndim not in (1, 2):
        raise ArgumentError(f"polyfit: y must have one or two axes, got shape {y.shape}")
    if x.shape[0] != y.shape[0]:
        raise ArgumentError(f"polyfit: x and y differ in length: {x.shape[0]} and {y.shape[0]}")


def _fit_covariance(matrix, scale, residuals, x, y, deg: int, cov):
    from functrans.numpy import linalg
    scaled = matrix / scale
    base = linalg.inv(scaled.T @ scaled) / (scale[:, None] * scale[None, :])
    if cov == "unscaled":
        return base
    if x.size <= deg + 1:
        raise ArgumentError("polyfit: the number of data points must exceed order to scale the "
                            "covariance matrix")
    factor = residuals / (x.size - (deg + 1))
    return base[:, :, None] * factor if y.ndim == 2 else base * factor
