"""Making arrays: from data, of one value, of ranges and grids.

Imports `array`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans import tree
from functrans.array import Array, ArrayBase, as_array
from functrans.config import default_float
from functrans.errors import ArgumentError, DtypeError, FunctransError, ShapeError
from functrans.ir.type import ArrayType, is_bool, is_complex, is_inexact
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_one, canonical_dtype,
                                       cast, materialize, promote_inexact, promote_types,
                                       result_type_of)
from functrans.primitives import basic
from functrans.primitives.elementwise import convert, ge, select
from functrans.primitives.shape import concatenate, expand_dims, iota, reshape
from functrans.trace import Tracer

newaxis = None
pi, e, euler_gamma = math.pi, math.e, 0.5772156649015328606
inf, nan = math.inf, math.nan


def array(object, dtype=None, copy: bool = True, order: str = "K", ndmin: int = 0):
    """An array from numbers, nested sequences, or other arrays.

    Python floats become the default float dtype (float32 unless configured), Python ints int64;
    NumPy arrays keep their dtype. Nothing is narrowed unless `dtype` says so.
    Raises ValueError for ragged nesting.

    >>> import functrans.numpy as fnp
    >>> fnp.array([[1, 2], [3, 4]])
    Array([[1, 2],
           [3, 4]], dtype=int64)
    """
    x = _from_object(object, exact=dtype is not None)
    if dtype is not None:
        x = convert(x, canonical_dtype(dtype))
    elif isinstance(x, Array) and x.weak_type:
        x = convert(x, x.dtype)
    return reshape(x, (1,) * (ndmin - x.ndim) + x.shape) if x.ndim < ndmin else x


def _from_object(object, exact: bool = False):
    """An array. exact: of Python numbers, all digits, for a dtype that the user names."""
    if isinstance(object, (ArrayBase, np.ndarray, np.generic)):
        return as_array(object)
    if isinstance(object, (bool, int, float, complex)):
        return _exactly(object) if exact else as_array(object)
    if isinstance(object, (list, tuple)):
        return _from_sequence(object, exact)
    if hasattr(object, "__array__") or hasattr(object, "__array_interface__"):
        return as_array(np.asarray(object))
    if hasattr(object, "__dlpack__"):
        return from_dlpack(object)
    if hasattr(object, "__len__") and hasattr(object, "__getitem__"):
        return _from_sequence(list(object), exact)
    raise TypeError(f"cannot make an array of {object!r} of type {type(object).__name__}")


def _exactly(numbers) -> Array:
    """Python and NumPy numbers in the dtypes that NumPy gives them, which are the widest."""
    try:
        return as_array(np.array(numbers, order="C"))
    except TypeError:
        raise OverflowError(f"Python integer in {numbers!r} is out of bounds for int64 and "
                            "uint64") from None


def _from_sequence(items, exact: bool = False):
    """Numbers go through NumPy; where there are tracers, they are stacked."""
    leaves = tree.leaves(items)
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        from functrans.numpy.manipulation import stack
        return stack([_from_object(item, exact) for item in items])
    dtype = _sequence_dtype(leaves)
    plain = tree.map(lambda leaf: np.asarray(leaf) if type(leaf) is Array else leaf, items)
    try:
        return _exactly(plain) if exact else Array(np.array(plain, dtype=dtype, order="C"))
    except ValueError as error:
        raise ValueError(f"cannot make an array of nested sequences: {error}") from None


def _sequence_dtype(leaves) -> np.dtype:
    if not leaves:
        return default_float()
    for leaf in leaves:
        if not isinstance(leaf, (ArrayBase, np.ndarray, np.generic, bool, int, float, complex)):
            raise TypeError(f"cannot make an array of {leaf!r} of type {type(leaf).__name__}")
    kinds = {(type(leaf) if isinstance(leaf, (bool, int, float, complex))
              and not isinstance(leaf, np.generic) else leaf.dtype) for leaf in leaves}
    representatives = [np.dtype(kind).type(0) if isinstance(kind, np.dtype) else kind(0)
                       for kind in kinds]
    dtype, _ = result_type_of(*representatives)
    return _integers_fit(dtype, leaves)


def _integers_fit(dtype, leaves):
    """uint64 for integers that int64 cannot hold, as in NumPy."""
    if dtype == np.int64 and any(isinstance(leaf, int) and leaf > np.iinfo(np.int64).max
                                 for leaf in leaves):
        return np.dtype(np.uint64)
    return dtype


def asarray(a, dtype=None, order: str = "K", *, copy: bool | None = None, device=None):
    """An array from numbers, nested sequences, or other arrays; see `array`.

    >>> import functrans.numpy as fnp
    >>> fnp.asarray(2.0)
    Array(2., dtype=float32)
    """
    if device is not None:
        check_device(device)
    if copy is False and not isinstance(a, ArrayBase):
        raise ValueError("asarray(copy=False): only arrays of this library can be shared, "
                         f"a {type(a).__name__} must be copied")
    return array(a, dtype)


def asarray_chkfinite(a, dtype=None, order: str = "K"):
    """As `asarray`; raises ValueError if there is a known NaN or infinity.

    >>> import functrans.numpy as fnp
    >>> fnp.asarray_chkfinite([1.0, 2.0])
    Array([1., 2.], dtype=float32)
    """
    a = asarray(a, dtype)
    if isinstance(a, Array) and is_inexact(a.dtype) and not np.isfinite(np.asarray(a)).all():
        raise ValueError("array must not contain infs or NaNs")
    return a


def asanyarray(a, dtype=None, order: str = "K", *, copy: bool | None = None, device=None):
    """The same as `asarray`: there are no subclasses.

    >>> import functrans.numpy as fnp
    >>> fnp.asanyarray([1, 2])
    Array([1, 2], dtype=int64)
    """
    return asarray(a, dtype, order, copy=copy, device=device)


def ascontiguousarray(a, dtype=None):
    """As `asarray`, with at least one axis.

    >>> import functrans.numpy as fnp
    >>> fnp.ascontiguousarray(1.0)
    Array([1.], dtype=float32)
    """
    return array(a, dtype, ndmin=1)


def asfortranarray(a, dtype=None):
    """As `asarray`, with at least one axis: the order in memory is not the user's to choose.

    >>> import functrans.numpy as fnp
    >>> fnp.asfortranarray([1, 2])
    Array([1, 2], dtype=int64)
    """
    return array(a, dtype, ndmin=1)


def require(a, dtype=None, requirements=None):
    """As `asarray`: all arrays are contiguous and aligned, none is writeable.

    >>> import functrans.numpy as fnp
    >>> fnp.require([1, 2], requirements="C")
    Array([1, 2], dtype=int64)
    """
    wanted = [str(item).upper() for item in (requirements or ())]
    if "W" in wanted or "WRITEABLE" in wanted:
        raise ValueError("require: arrays are immutable, so none is writeable")
    return asarray(a, dtype)


def check_device(device):
    if str(device) not in ("cpu", "cpu:0"):
        raise ValueError(f"unknown device {device!r}; there is 'cpu'")


def from_dlpack(x, /, *, device=None, copy: bool | None = None):
    """An array from any object with `__dlpack__` (PyTorch, CuPy, JAX ...); its data is copied.

    >>> import numpy as np, functrans.numpy as fnp
    >>> fnp.from_dlpack(np.ones(2, np.float32))
    Array([1., 1.], dtype=float32)
    """
    return x if isinstance(x, ArrayBase) else as_array(np.from_dlpack(x))


# ---- one value ----

def _shape(shape) -> tuple:
    """A shape as users say it: an int or a sequence of ints."""
    try:
        dims = shape if isinstance(shape, (tuple, list)) else \
            (shape,) if hasattr(shape, "__index__") and not getattr(shape, "shape", ()) \
            else tuple(shape)
        sizes = tuple(size.__index__() for size in dims)
    except (AttributeError, TypeError) as error:
        if isinstance(error, FunctransError):
            raise                                       # a traced size
        raise ArgumentError(f"a shape is an int or a tuple of ints, got {shape!r}") from None
    if any(size < 0 for size in sizes):
        raise ArgumentError(f"negative dimensions are not allowed: {shape!r}")
    return sizes


def full(shape, fill_value, dtype=None, order: str = "C", *, device=None):
    """An array of one value; its dtype is that of the value unless given.

    >>> import functrans.numpy as fnp
    >>> fnp.full((2,), 7)
    Array([7, 7], dtype=int64)
    """
    if device is not None:
        check_device(device)
    value = as_operand(fill_value, "full")
    if dtype is None:
        dtype, _ = result_type_of(value)
    value = cast(value, canonical_dtype(dtype))
    if isinstance(value, ArrayBase):
        return broadcast_one(convert(value, value.dtype), _shape(shape))
    return basic.full(ArrayType(_shape(shape), value.dtype), value)


def zeros(shape, dtype=None, order: str = "C", *, device=None):
    """An array of zeros, of the default float dtype unless given.

    >>> import functrans.numpy as fnp
    >>> fnp.zeros(2)
    Array([0., 0.], dtype=float32)
    """
    return full(shape, 0, canonical_dtype(dtype), device=device)


def ones(shape, dtype=None, order: str = "C", *, device=None):
    """An array of ones, of the default float dtype unless given.

    >>> import functrans.numpy as fnp
    >>> fnp.ones(2)
    Array([1., 1.], dtype=float32)
    """
    return full(shape, 1, canonical_dtype(dtype), device=device)


def empty(shape, dtype=None, order: str = "C", *, device=None):
    """An array of zeros: memory that nobody has written cannot be seen here.

    >>> import functrans.numpy as fnp
    >>> fnp.empty(1).shape
    (1,)
    """
    return zeros(shape, dtype, device=device)


def full_like(a, fill_value, dtype=None, order: str = "K", subok: bool = True, shape=None, *,
              device=None):
    """An array of one value, with the shape and dtype of `a` unless given.

    >>> import functrans.numpy as fnp
    >>> fnp.full_like(fnp.zeros(2), 3)
    Array([3., 3.], dtype=float32)
    """
    a = as_arraylike(a, "full_like")
    return full(a.shape if shape is None else shape, fill_value,
                a.dtype if dtype is None else dtype, device=device)


def zeros_like(a, dtype=None, order: str = "K", subok: bool = True, shape=None, *,
               device=None):
    """Zeros with the shape and dtype of `a` unless given.

    >>> import functrans.numpy as fnp
    >>> fnp.zeros_like(fnp.ones(2))
    Array([0., 0.], dtype=float32)
    """
    return full_like(a, 0, dtype, shape=shape, device=device)


def ones_like(a, dtype=None, order: str = "K", subok: bool = True, shape=None, *,
              device=None):
    """Ones with the shape and dtype of `a` unless given.

    >>> import functrans.numpy as fnp
    >>> fnp.ones_like(fnp.zeros(2))
    Array([1., 1.], dtype=float32)
    """
    return full_like(a, 1, dtype, shape=shape, device=device)


def empty_like(prototype, dtype=None, order: str = "K", subok: bool = True, shape=None, *,
               device=None):
    """Zeros with the shape and dtype of `a` unless given; see `empty`.

    >>> import functrans.numpy as fnp
    >>> fnp.empty_like(fnp.ones(2)).shape
    (2,)
    """
    return zeros_like(prototype, dtype, shape=shape, device=device)


# ---- ranges ----

def arange(start, stop=None, step=None, dtype=None, *, device=None):
    """Numbers from `start` (default 0) up to but not including `stop`, `step` apart.

    Start, stop and step are Python numbers or concrete arrays: they decide the shape.

    >>> import functrans.numpy as fnp
    >>> fnp.arange(3)
    Array([0, 1, 2], dtype=int64)
    """
    if device is not None:
        check_device(device)
    start, stop, step = (_concrete_number(value, "arange") for value in (start, stop, step))
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if step == 0:
        raise ValueError("arange: step must not be zero")
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
    num = num.__index__()
    if num < 0:
        raise ValueError(f"linspace: the number of samples must not be negative, got {num}")
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
        check_device(device)
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
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
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


def copy(a, order: str = "K", subok: bool = False):
    """`a` itself: arrays are immutable.

    >>> import functrans.numpy as fnp
    >>> fnp.copy(fnp.ones(1))
    Array([1.], dtype=float32)
    """
    return as_arraylike(a, "copy")


def astype(x, dtype, /, *, copy: bool = True, device=None):
    """`x` with its elements converted to `dtype`.

    Raises TypeError for complex numbers that are to become real: take `real(x)` first. (The method
    `x.astype`, as NumPy's, drops the imaginary part.)

    >>> import functrans.numpy as fnp
    >>> fnp.astype(fnp.array([1.7]), "int32")
    Array([1], dtype=int32)
    """
    if device is not None:
        check_device(device)
    x, dtype = as_arraylike(x, "astype"), canonical_dtype(dtype)
    if is_complex(x.dtype) and not is_complex(dtype) and not is_bool(dtype):
        raise DtypeError(f"astype: {x.type} cannot become {dtype.name}; its real part can: "
                         f"real(x).astype({dtype.name!r})")
    return convert(x, dtype)

