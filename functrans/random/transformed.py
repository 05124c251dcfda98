"""Continuous distributions that are made of uniform, normal or exponential numbers.

Differentiable with respect to their parameters. In: keys, parameters, shapes. Out: floats. Imports
`random.continuous`, `random.discrete`, `numpy`.
"""
from __future__ import annotations

import functrans.numpy as fnp
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.promotion import (as_operand, broadcasts_to, cast,
                                       materialize)
from functrans.primitives.elementwise import convert
from functrans.random.continuous import (exponential, float_dtype, normal, positive_unit, unit)
from functrans.random.discrete import integer_dtype, rademacher
from functrans.random.keys import check_shape, split
from functrans.random.prepared import prepared


def lognormal(key, sigma=1.0, shape=None, dtype=None):
    """Numbers whose logarithm is normal, of mean 0 and standard deviation `sigma`.

    key: one key. sigma: a number or array. shape: of the result, to which it broadcasts; by
    default its own. dtype: a float dtype, the default one if None.

    >>> import functrans as ft
    >>> ft.random.lognormal(ft.random.key(0), 1.0, (3,)).shape
    (3,)
    """
    shape, dtype, sigma = prepared("lognormal", shape, dtype, sigma=sigma)
    return fnp.exp(normal(key, shape, dtype) * sigma)


def pareto(key, b, shape=None, dtype=None):
    """Pareto numbers: density b / x**(b + 1), x >= 1. See `lognormal` for the arguments.

    >>> import functrans as ft
    >>> ft.random.pareto(ft.random.key(0), 2.0, (3,)).shape
    (3,)
    """
    shape, dtype, b = prepared("pareto", shape, dtype, b=b)
    return fnp.exp(exponential(key, shape, dtype) / b)


def rayleigh(key, scale, shape=None, dtype=None):
    """Rayleigh numbers: density x exp(-x**2 / (2 scale**2)) / scale**2, x >= 0.

    See `lognormal` for the arguments.

    >>> import functrans as ft
    >>> ft.random.rayleigh(ft.random.key(0), 1.0, (3,)).shape
    (3,)
    """
    shape, dtype, scale = prepared("rayleigh", shape, dtype, scale=scale)
    return scale * fnp.sqrt(-2 * fnp.log(positive_unit(key, shape, dtype, "rayleigh")))


def weibull_min(key, scale, concentration, shape=(), dtype=None):
    """Weibull numbers: (x / scale)**concentration is exponential. See `lognormal`.

    >>> import functrans as ft
    >>> ft.random.weibull_min(ft.random.key(0), 1.0, 2.0, (3,)).shape
    (3,)
    """
    shape, dtype, scale, concentration = prepared("weibull_min", shape, dtype, scale=scale,
                                                  concentration=concentration)
    return exponential(key, shape, dtype) ** (1 / concentration) * scale


def maxwell(key, shape=(), dtype=None):
    """Maxwell numbers: the lengths of three-dimensional normal vectors.

    >>> import functrans as ft
    >>> ft.random.maxwell(ft.random.key(0), (3,)).shape
    (3,)
    """
    dtype, shape = float_dtype(dtype, "maxwell"), check_shape(shape, "maxwell")
    return fnp.linalg.norm(normal(key, (*shape, 3), dtype), axis=-1)


def double_sided_maxwell(key, loc, scale, shape=(), dtype=None):
    """loc + scale * x, where x is Maxwell's with a random sign.

    >>> import functrans as ft
    >>> ft.random.double_sided_maxwell(ft.random.key(0), 0.0, 1.0, (3,)).shape
    (3,)
    """
    shape, dtype, loc, scale = prepared("double_sided_maxwell", shape, dtype, loc=loc,
                                        scale=scale)
    sizes, signs = split(key)
    signed = maxwell(sizes, shape, dtype) * rademacher(signs, shape, dtype)
    return signed * scale + loc


def triangular(key, left, mode, right, shape=None, dtype=None):
    """Numbers whose density rises from `left` to `mode`, and falls to `right`, in straight lines.

    >>> import functrans as ft
    >>> ft.random.triangular(ft.random.key(0), 0.0, 1.0, 3.0, (3,)).shape
    (3,)
    """
    shape, dtype, left, mode, right = prepared("triangular", shape, dtype, left=left, mode=mode,
                                               right=right)
    share, u = (mode - left) / (right - left), unit(key, shape, dtype, "triangular")
    rising = left + fnp.sqrt(u * (right - left) * (mode - left))
    falling = right - fnp.sqrt((1 - u) * (right - left) * (right - mode))
    return fnp.where(u < share, rising, falling)


def wald(key, mean, shape=None, dtype=None):
    """Wald's (inverse Gaussian) numbers of this mean, with shape parameter 1.

    Source: Michael, Schucany, Haas, "Generating random variates using transformations with
    multiple roots" (The American Statistician, 1976).

    >>> import functrans as ft
    >>> ft.random.wald(ft.random.key(0), 1.0, (3,)).shape
    (3,)
    """
    shape, dtype, mean = prepared("wald", shape, dtype, mean=mean)
    first, second = split(key)
    y = normal(first, shape, dtype) ** 2
    u = unit(second, shape, dtype, "wald")
    root = mean + mean ** 2 * y / 2 - mean / 2 * fnp.sqrt(4 * mean * y + mean ** 2 * y ** 2)
    return fnp.where(u <= mean / (mean + root), root, mean ** 2 / root)


def multivariate_normal(key, mean, cov, shape=None, dtype=None, method: str = "cholesky"):
    """Normal vectors of this mean (..., n) and covariance (..., n, n).

    shape: of the batch, to which those of mean and covariance broadcast; by default their common
    one. method: by which factor of the covariance normal vectors are multiplied: "cholesky" (it
    must be positive definite), "eigh" or "svd" (it may be singular).
    Raises ValueError for shapes that do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.random.multivariate_normal(ft.random.key(0), fnp.zeros(2), fnp.eye(2), (3,)).shape
    (3, 2)
    """
    dtype = float_dtype(dtype, "multivariate_normal")
    mean, cov = (materialize(cast(as_operand(x, "multivariate_normal"), dtype))
                 for x in (fnp.asarray(mean), fnp.asarray(cov)))
    if mean.ndim < 1 or cov.ndim < 2 or cov.shape[-2:] != (mean.shape[-1],) * 2:
        raise ShapeError("multivariate_normal takes a mean (..., n) and a covariance (..., n, n), "
                         f"got {mean.type} and {cov.type}")
    batch = fnp.broadcast_shapes(mean.shape[:-1], cov.shape[:-2])
    shape = batch if shape is None else check_shape(shape, "multivariate_normal")
    if not broadcasts_to(batch, shape):
        raise ShapeError(f"multivariate_normal: the batch {batch} of mean and covariance does not "
                         f"broadcast to shape {shape}")
    vectors = normal(key, (*shape, mean.shape[-1]), dtype)
    return mean + fnp.einsum("...ij,...j->...i", _factor(cov, method), vectors)


def _factor(cov, method: str):
    if method == "cholesky":
        return fnp.linalg.cholesky(cov)
    if method == "eigh":
        values, vectors = fnp.linalg.eigh(cov)
        return vectors * fnp.sqrt(values)[..., None, :]
    if method == "svd":
        u, s, _ = fnp.linalg.svd(cov)
        return u * fnp.sqrt(s)[..., None, :]
    raise ArgumentError("multivariate_normal: method must be 'cholesky', 'eigh' or 'svd', got "
                        f"{method!r}")


def geometric(key, p, shape=None, dtype=None):
    """How many trials of probability p it takes until the first succeeds: 1, 2, ...

    dtype: an integer dtype, the default one if None. See `lognormal` for the others.

    >>> import functrans as ft
    >>> ft.random.geometric(ft.random.key(0), 0.5, (3,)).shape
    (3,)
    """
    dtype = integer_dtype(dtype, "geometric")
    p = materialize(as_operand(p, "geometric"))
    shape, floats, p = prepared("geometric", shape, p.dtype if p.dtype.kind == "f" else None, p=p)
    u = positive_unit(key, shape, floats, "geometric")
    return convert(fnp.floor(fnp.log(u) / fnp.log1p(-p)) + 1, dtype)
