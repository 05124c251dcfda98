"""Making arrays of ranges, grids and triangles: arange, linspace, eye, tril, meshgrid ...

Imports `numpy.creation`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.array import as_array
from functrans.config import default_float
from functrans.device import elsewhere
from functrans.errors import ArgumentError, ShapeError
from functrans.ir.type import is_inexact
from functrans.numpy.creation import _shape, nan, zeros
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_one, canonical_dtype,
                                       cast, materialize, promote_inexact, promote_types,
                                       result_type_of)
from functrans.primitives.elementwise import convert, ge, select
from functrans.primitives.shape import concatenate, expand_dims, iota, reshape


def arange(start, stop=None, step=None, dtype=None, *, device=None):
    """Numbers from `start` (default 0) up to but not including `stop`, `step` apart.

    Start, stop and step are Python numbers or concrete arrays: they decide the shape.

    >>> import functrans.numpy as fnp
    >>> fnp.arange(3)
    Array([0, 1, 2], dtype=int64)
    """
    if device is not None:
        return elsewhere.made_on(device, arange, start, stop, step, dtype)
    start, stop, step = (_concrete_number(value, "arange") for value in (start, stop, step))
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if step == 0:
        raise ArgumentError("arange: step must not be zero")
    if dtype is None:
        dtype, _ = result_type_of(start, stop, step)
    dtype = canonical_dtype(dtype)
    size = max(0, math.ceil((stop - start) / step))
    if start == 0 and step == 1:
        return iota(dtype, (size,))
    if dtype.kind in "iu":
        return convert(iota(np.int64, (size,)) * int(step) + int(start), dtype)
    exact = np.arange(size, dtype=np.float64) * step + start
    return as_array(exact.astype(dtype))


def _concrete_number(value, name: str):
    if value is None or isinstance(value, (int, float, complex, np.generic)):
        return value
    return as_arraylike(value, name)._concrete(f"a bound of {name}")[()]


def linspace(start, stop, num: int = 50, endpoint: bool = True, retstep: bool = False,
             dtype=None, axis: int = 0, *, device=None):
    """`num` numbers from `start` to `stop`, evenly spaced.

    start, stop: numbers or arrays; num: a Python int; endpoint: whether `stop` is the last.
    Returns the numbers along `axis`, with the spacing if `retstep`.

    >>> import functrans.numpy as fnp
    >>> fnp.linspace(0, 1, 3)
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    from functrans.numpy.manipulation import moveaxis
    if device is not None:
        return elsewhere.made_on(device, linspace, start, stop, num, endpoint, retstep, dtype,
                                 axis)
    num = num.__index__()
    if num < 0:
        raise ArgumentError(f"linspace: the number of samples must not be negative, got {num}")
    kind, _ = result_type_of(as_operand(start), as_operand(stop))
    inner = kind if is_inexact(kind) else default_float()
    if dtype is not None:
        inner = promote_types(inner, canonical_dtype(dtype))
    start, stop = (materialize(cast(as_operand(value), inner)) for value in (start, stop))
    divisions = num - 1 if endpoint else num
    step = (stop - start) / divisions if divisions > 0 else (stop - start) * nan
    count = iota(inner, (num,))
    if divisions <= 0:
        values = start + 0 * expand_dims(count, range(1, 1 + (start * stop).ndim))
    else:
        place = expand_dims(count, range(1, 1 + (start * stop).ndim)) / divisions
        values = start * (1 - place) + stop * place
        if endpoint:                    # the last is exactly `stop`
            last = expand_dims(iota(np.int64, (num,)), range(1, values.ndim))
            values = _where(last == num - 1, stop, values)
    values = moveaxis(values, 0, axis)
    if dtype is not None:
        dtype = canonical_dtype(dtype)
        if dtype.kind in "iu":
            from functrans.numpy.ufuncs import floor
            values = floor(values)
        values = convert(values, dtype)
    return (values, step) if retstep else values


def _where(condition, x, y):
    from functrans.numpy.choosing import where
    return where(condition, x, y)


def logspace(start, stop, num: int = 50, endpoint: bool = True, base=10.0, dtype=None,
             axis: int = 0):
    """`base` to the powers of `linspace(start, stop)`.

    >>> import functrans.numpy as fnp
    >>> fnp.logspace(0, 2, 3)
    Array([  1.,  10., 100.], dtype=float32)
    """
    from functrans.numpy.ufuncs import power
    powers = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else convert(powers, canonical_dtype(dtype))


def geomspace(start, stop, num: int = 50, endpoint: bool = True, dtype=None, axis: int = 0):
    """`num` numbers from `start` to `stop`, with a constant ratio.

    >>> import functrans.numpy as fnp
    >>> fnp.geomspace(1.0, 4.0, 3)
    Array([1., 2., 4.], dtype=float32)
    """
    from functrans.numpy.manipulation import moveaxis
    from functrans.numpy.ufuncs import exp, log
    start, stop = (materialize(x) for x in
                   promote_inexact(as_operand(start, "geomspace"), as_operand(stop, "geomspace")))
    places = linspace(0.0, 1.0, num, endpoint, dtype=np.dtype(start.real.dtype))
    ratio = log(stop / start)
    places = expand_dims(places, range(1, 1 + ratio.ndim))
    values = start * exp(ratio * places)
    last = expand_dims(iota(np.int64, (num,)), range(1, values.ndim)) == num - 1
    if endpoint and num > 1:                 # the ends are exactly `start` and `stop`
        values = _where(last, stop, values)
    values = moveaxis(values, 0, axis)
    return values if dtype is None else convert(values, canonical_dtype(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype=None, order: str = "C", *, device=None):
    """Ones on the k-th diagonal of an N by M matrix, zeros elsewhere.

    >>> import functrans.numpy as fnp
    >>> fnp.eye(2)
    Array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    if device is not None:
        return elsewhere.made_on(device, eye, N, M, k, dtype)
    shape = _shape((N, N if M is None else M))
    rows, columns = iota(np.int64, shape, 0), iota(np.int64, shape, 1)
    return convert(rows + int(k) == columns, canonical_dtype(dtype))


def identity(n: int, dtype=None):
    """The n by n identity matrix.

    >>> import functrans.numpy as fnp
    >>> fnp.identity(1)
    Array([[1.]], dtype=float32)
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype=None):
    """Ones at and below the k-th diagonal, zeros above.

    >>> import functrans.numpy as fnp
    >>> fnp.tri(2)
    Array([[1., 0.],
           [1., 1.]], dtype=float32)
    """
    return convert(_lower_mask(_shape((N, N if M is None else M)), k), canonical_dtype(dtype))


def _lower_mask(shape: tuple, k: int):
    """Where the column is at most the row plus k, over the last two axes."""
    axis = len(shape) - 2
    return ge(iota(np.int64, shape, axis) + int(k), iota(np.int64, shape, axis + 1))


def _matrix(m, name: str):
    """At least two axes; a vector stands for a matrix of equal rows, as in NumPy."""
    m = as_arraylike(m, name)
    if m.ndim == 0:
        raise ShapeError(f"{name} takes a matrix, got a scalar: {m.type}")
    return broadcast_one(m, (m.size, m.size)) if m.ndim == 1 else m


def tril(m, k: int = 0):
    """The lower triangle of a matrix (of the last two axes), zeros above the k-th diagonal.

    >>> import functrans.numpy as fnp
    >>> fnp.tril(fnp.ones((2, 2)))
    Array([[1., 0.],
           [1., 1.]], dtype=float32)
    """
    m = _matrix(m, "tril")
    return select(_lower_mask(m.shape, k), m, m.dtype.type(0))


def triu(m, k: int = 0):
    """The upper triangle of a matrix (of the last two axes), zeros below the k-th diagonal.

    >>> import functrans.numpy as fnp
    >>> fnp.triu(fnp.ones((2, 2)))
    Array([[1., 1.],
           [0., 1.]], dtype=float32)
    """
    m = _matrix(m, "triu")
    return select(_lower_mask(m.shape, k - 1), m.dtype.type(0), m)


def meshgrid(*xi, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> list:
    """Coordinate matrices from coordinate vectors.

    >>> import functrans.numpy as fnp
    >>> fnp.meshgrid(fnp.arange(2), fnp.arange(3))[0].shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    vectors = [reshape(v, (v.size,)) for v in (as_arraylike(x, "meshgrid") for x in xi)]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) >= 2:
        order[:2] = [1, 0]
    shape = [0] * len(vectors)
    for place, vector in zip(order, vectors):
        shape[place] = vector.size
    grids = []
    for place, vector in zip(order, vectors):
        thin = [1] * len(vectors)
        thin[place] = vector.size
        grid = reshape(vector, thin)
        grids.append(grid if sparse else broadcast_one(grid, tuple(shape)))
    return grids


def indices(dimensions, dtype=None, sparse: bool = False):
    """The index of each element of a grid, along each axis.

    >>> import functrans.numpy as fnp
    >>> fnp.indices((2, 3)).shape
    (2, 2, 3)
    """
    shape = _shape(dimensions)
    dtype = np.dtype(np.int64) if dtype is None else canonical_dtype(dtype)
    if sparse:
        return tuple(reshape(iota(dtype, (size,)), tuple(size if k == axis else 1
                                                         for k in range(len(shape))))
                     for axis, size in enumerate(shape))
    if not shape:
        return zeros((0,), dtype)
    return concatenate([expand_dims(iota(dtype, shape, axis), (0,))
                        for axis in range(len(shape))], 0)


def fromfunction(function, shape, *, dtype=None, **kwargs):
    """An array from a function of the index arrays.

    >>> import functrans.numpy as fnp
    >>> fnp.fromfunction(lambda i, j: i + j, (2, 2))
    Array([[0., 1.],
           [1., 2.]], dtype=float32)
    """
    grids = indices(shape, canonical_dtype(dtype))
    return function(*(grids[k] for k in range(len(_shape(shape)))), **kwargs)
