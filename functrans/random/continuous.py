"""Continuous distributions that are a function of uniform numbers.

All but the bits is differentiable: with respect to `minval`, `lower` and their like, and to what
samples are scaled with. In: keys, shapes, parameters. Out: floats. Imports `random.keys`, `numpy`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_complex, is_float
from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.promotion import (
    as_operand,
    broadcast_shapes,
    broadcasts_to,
    canonical_dtype,
    cast,
    materialize,
)
from functrans.primitives import functions
from functrans.primitives.elementwise import complex_, convert, shift_right_logical, stop_gradient
from functrans.random.keys import check_shape, joined, part, random_bits, split

# Digits behind the leading one of each float dtype, which NumPy does not know for bfloat16.
_MANTISSA = {"bfloat16": 7, "float16": 10, "float32": 23, "float64": 52}


def float_dtype(dtype, name: str) -> np.dtype:
    """A float dtype as users say it; None is the default one."""
    dtype = canonical_dtype(dtype)
    if not is_float(dtype):
        raise ArgumentError(f"{name}: dtype must be a float dtype, got {dtype.name}")
    return dtype


def check_fits(name: str, shape: tuple, **parameters):
    """Raises unless parameters broadcast to `shape`, without making it larger."""
    for label, value in parameters.items():
        if not broadcasts_to(np.shape(value), shape):
            raise ShapeError(f"{name}: {label} of shape {np.shape(value)} does not broadcast to "
                             f"shape {shape}")


def _limits(dtype) -> tuple[float, float]:
    """(the smallest normal number, the spacing at 1) of a float dtype."""
    if dtype.name == "bfloat16":
        return 2.0 ** -126, 2.0 ** -7
    info = np.finfo(dtype)
    return float(info.tiny), float(info.eps)


def spacing(dtype):
    """The distance of the numbers that `unit` gives."""
    return dtype.type(2.0 ** -_MANTISSA[dtype.name])


def unit(key, shape: tuple, dtype, name: str):
    """Uniform numbers in [0, 1): multiples of the spacing of the dtype below 2."""
    return unit_of(random_bits(key, shape, _bits_dtype(dtype), name), dtype)


def _bits_dtype(dtype) -> np.dtype:
    width = 8 if _MANTISSA[dtype.name] < 8 else 8 * dtype.itemsize
    return np.dtype(f"uint{width}")


def unit_of(words, dtype):
    """Bits as a number in [0, 1)."""
    digits, width = _MANTISSA[dtype.name], 8 * words.dtype.itemsize
    kept = shift_right_logical(words, words.dtype.type(width - digits))
    return convert(kept, dtype) * spacing(dtype)


def unit_of_keys(keys: tuple, dtype, number=None):
    """The number in [0, 1) that each of many keys gives, the first or that of a `number`."""
    number = np.uint32(0) if number is None else number
    return unit_of(joined(part(keys, number), _bits_dtype(dtype)), dtype)


def normal_of(unit, dtype):
    """The normal number that a number in [0, 1) stands for."""
    below_one = dtype.type(1 - _limits(dtype)[1] / 2)
    u = ufuncs.maximum(-below_one, unit * (dtype.type(1) + below_one) - below_one)
    return functions.erf_inv(u) * dtype.type(np.sqrt(2))


def positive_unit(key, shape: tuple, dtype, name: str):
    """As `unit`, with half the smallest number for 0, so that the logarithm is finite."""
    floats = unit(key, shape, dtype, name)
    return ufuncs.maximum(floats, dtype.type(2.0 ** -(_MANTISSA[dtype.name] + 1)))


def uniform(key, shape=(), dtype=None, minval=0.0, maxval=1.0):
    """Uniform numbers in [minval, maxval).

    key: one key. shape: of the result. dtype: a float dtype, the default one if None.
    minval, maxval: numbers, or arrays that broadcast to `shape`; differentiable.
    Raises ValueError for other dtypes.

    >>> import functrans as ft
    >>> ft.random.uniform(ft.random.key(0), (3,))
    Array([0.947667  , 0.9785799 , 0.33229148], dtype=float32)
    """
    dtype, shape = float_dtype(dtype, "uniform"), check_shape(shape, "uniform")
    check_fits("uniform", shape, minval=minval, maxval=maxval)
    return _between(key, shape, dtype, minval, maxval, "uniform")


def _between(key, shape: tuple, dtype, low, high, name: str):
    floats = unit(key, shape, dtype, name)
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return floats
    low, high = (cast(as_operand(x, name), dtype) for x in (low, high))
    # Rounding may lead below the interval, so the result is held above.
    return ufuncs.maximum(low, floats * (high - low) + low)


def normal(key, shape=(), dtype=None):
    """Normal numbers of mean 0 and standard deviation 1.

    key: one key. shape: of the result. dtype: a float dtype, the default one if None; or a
    complex one, for which real and imaginary part have variance 1/2 each.

    By the inverse of the distribution function: sqrt(2) * erf_inv(u), u in (-1, 1).

    >>> import functrans as ft
    >>> ft.random.normal(ft.random.key(0), (3,))
    Array([ 1.622642  ,  2.0252647 , -0.43359435], dtype=float32)
    """
    dtype, shape = canonical_dtype(dtype), check_shape(shape, "normal")
    if is_complex(dtype):
        return _complex_normal(key, shape, dtype)
    dtype = float_dtype(dtype, "normal")
    return normal_of(unit(key, shape, dtype, "normal"), dtype)


def _complex_normal(key, shape: tuple, dtype):
    real = np.dtype(f"float{4 * dtype.itemsize}")
    parts = [normal(part, shape, real) for part in split(key)]
    return complex_(*parts) / dtype.type(np.sqrt(2))


def truncated_normal(key, lower, upper, shape=None, dtype=None):
    """Standard normal numbers, given that they lie between `lower` and `upper`.

    key: one key. lower, upper: numbers or arrays; differentiable. shape: of the result, to which
    they broadcast; by default their common shape. dtype: a float dtype.

    >>> import functrans as ft
    >>> ft.random.truncated_normal(ft.random.key(0), -2.0, 2.0, (3,))
    Array([ 1.4559588 ,  1.7147485 , -0.41267526], dtype=float32)
    """
    dtype = float_dtype(dtype, "truncated_normal")
    lower, upper = (materialize(cast(as_operand(x, "truncated_normal"), dtype))
                    for x in (lower, upper))
    shape = parameter_shape("truncated_normal", shape, lower=lower, upper=upper)
    root = dtype.type(np.sqrt(2))
    low, high = functions.erf(lower / root), functions.erf(upper / root)
    x = functions.erf_inv(_between(key, shape, dtype, low, high, "truncated_normal")) * root
    inside = (ufuncs.nextafter(stop_gradient(lower), dtype.type(np.inf)),
              ufuncs.nextafter(stop_gradient(upper), dtype.type(-np.inf)))
    return ufuncs.clip(x, *inside)


def parameter_shape(name: str, shape, **parameters) -> tuple:
    """The shape of samples: as given, if the parameters fit it, or else their common shape."""
    if shape is None:
        return broadcast_shapes(*(np.shape(value) for value in parameters.values()))
    shape = check_shape(shape, name)
    check_fits(name, shape, **parameters)
    return shape


def exponential(key, shape=(), dtype=None):
    """Exponential numbers of rate 1: density exp(-x), x >= 0.

    >>> import functrans as ft
    >>> ft.random.exponential(ft.random.key(0), (3,))
    Array([2.950128  , 3.8434246 , 0.40390354], dtype=float32)
    """
    dtype, shape = float_dtype(dtype, "exponential"), check_shape(shape, "exponential")
    return -ufuncs.log1p(-unit(key, shape, dtype, "exponential"))


def gumbel(key, shape=(), dtype=None, mode: str | None = None):
    """Gumbel numbers: density exp(-(x + exp(-x))).

    key: one key. shape: of the result. dtype: a float dtype, the default one if None. mode: "low"
    (the default) makes them of one uniform number, the largest of which in float32 is about 17;
    "high" of two; "highest" of 64 bits in float32, and as "high" in other dtypes.
    Raises ValueError for other modes.

    >>> import functrans as ft
    >>> ft.random.gumbel(ft.random.key(0), (3,))
    Array([ 2.9233725 ,  3.8326178 , -0.09689324], dtype=float32)
    """
    dtype, shape = float_dtype(dtype, "gumbel"), check_shape(shape, "gumbel")
    if mode not in (None, *_GUMBELS):
        raise ArgumentError(f"gumbel: mode must be one of {', '.join(map(repr, _GUMBELS))}, got "
                            f"{mode!r}")
    return _GUMBELS[mode or "low"](key, shape, dtype)


def _gumbel(key, shape: tuple, dtype):
    u = _between(key, shape, dtype, _limits(dtype)[0], 1.0, "gumbel")
    return -ufuncs.log(-ufuncs.log(u))


def _fine_gumbel(key, shape: tuple, dtype):
    """Of 1 - u, where the digits of a small u go on in a second number."""
    high, low = unit(key, (2, *shape), dtype, "gumbel")
    tiny, eps = map(dtype.type, _limits(dtype))
    fine = where(high >= dtype.type(0.5), high, high + eps * low + tiny)
    return -ufuncs.log(-ufuncs.log1p(-fine))


def _finest_gumbel(key, shape: tuple, dtype):
    """Of 1 - u, where u has 64 bits: whichever of the two is small is rounded only then."""
    if dtype != np.float32:
        return _fine_gumbel(key, shape, dtype)
    high, low = (convert(words, np.uint64) for words in random_bits(
        key, (2, *shape), np.dtype(np.uint32), "gumbel"))
    whole = ufuncs.maximum(high * np.uint64(2 ** 32) + low, np.uint64(1))
    small = whole < np.uint64(2 ** 63)
    u = convert(where(small, whole, ~whole + np.uint64(1)), dtype) * dtype.type(2.0 ** -64)
    return -ufuncs.log(-where(small, ufuncs.log1p(-u), ufuncs.log(u)))


_GUMBELS = {"low": _gumbel, "high": _fine_gumbel, "highest": _finest_gumbel}


def laplace(key, shape=(), dtype=None):
    """Laplace numbers: density exp(-abs(x)) / 2.

    >>> import functrans as ft
    >>> ft.random.laplace(ft.random.key(0), (3,))
    Array([-2.2569816 , -3.1502788 ,  0.40859547], dtype=float32)
    """
    dtype, shape = float_dtype(dtype, "laplace"), check_shape(shape, "laplace")
    u = _between(key, shape, dtype, -1.0 + _limits(dtype)[1] / 2, 1.0, "laplace")
    return ufuncs.sign(u) * ufuncs.log1p(-ufuncs.abs(u))


def logistic(key, shape=(), dtype=None):
    """Logistic numbers: density exp(-x) / (1 + exp(-x))**2.

    >>> import functrans as ft
    >>> ft.random.logistic(ft.random.key(0), (3,))
    Array([ 2.896376 ,  3.8217716, -0.6978392], dtype=float32)
    """
    dtype, shape = float_dtype(dtype, "logistic"), check_shape(shape, "logistic")
    u = _between(key, shape, dtype, _limits(dtype)[0], 1.0, "logistic")
    return ufuncs.log(u) - ufuncs.log1p(-u)


def cauchy(key, shape=(), dtype=None):
    """Cauchy numbers: density 1 / (pi * (1 + x**2)); they have no mean.

    >>> import functrans as ft
    >>> ft.random.cauchy(ft.random.key(0), (3,)).shape
    (3,)
    """
    dtype, shape = float_dtype(dtype, "cauchy"), check_shape(shape, "cauchy")
    u = _between(key, shape, dtype, _limits(dtype)[1], 1.0, "cauchy")
    return ufuncs.tan(dtype.type(np.pi) * (u - dtype.type(0.5)))
