"""Making arrays from data, and of one value. (Ranges, grids and triangles: `ranges.py`.)

Imports `array`, `numpy.promotion`, `primitives`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans import tree
from functrans.array import Array, ArrayBase, as_array
from functrans.config import default_float
from functrans.device import CPU, elsewhere
from functrans.errors import ArgumentError, DtypeError, FunctransError, NumberRangeError
from functrans.ir.type import ArrayType, is_bool, is_complex, is_inexact
from functrans.numpy.promotion import (as_arraylike, as_described, as_operand,
                                       broadcast_one, canonical_dtype, cast, literal,
                                       result_type_of)
from functrans.primitives import basic
from functrans.primitives.elementwise import convert
from functrans.primitives.shape import reshape
from functrans.trace import Tracer

newaxis = None
pi, e, euler_gamma = math.pi, math.e, 0.5772156649015328606
inf, nan = math.inf, math.nan


def array(object, dtype=None, copy: bool = True, order: str = "K", ndmin: int = 0, *,
          device=None):
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
    if elsewhere.active and not isinstance(object, ArrayBase):
        x = elsewhere.place_new(x)
    if dtype is not None:
        x = convert(x, canonical_dtype(dtype))
    elif isinstance(x, Array) and x.weak_type:
        x = convert(x, x.dtype)
    x = reshape(x, (1,) * (ndmin - x.ndim) + x.shape) if x.ndim < ndmin else x
    return x if device is None else elsewhere.place_new(x, device)


def _from_object(object, exact: bool = False):
    """An array. exact: of Python numbers, all digits, for a dtype that the user names."""
    if isinstance(object, (ArrayBase, np.ndarray, np.generic)):
        return as_array(object)
    if isinstance(object, (bool, int, float, complex)):
        return _exactly(object) if exact else as_array(object)
    if isinstance(object, (list, tuple)):
        return _from_sequence(object, exact)
    if hasattr(object, "__cuda_array_interface__"):
        return elsewhere.adopt(object)
    if hasattr(object, "__array__") or hasattr(object, "__array_interface__"):
        return as_array(np.asarray(object))
    if hasattr(object, "__dlpack__"):
        return from_dlpack(object)
    if hasattr(object, "__len__") and hasattr(object, "__getitem__"):
        return _from_sequence(list(object), exact)
    raise ArgumentError(f"cannot make an array of {object!r} of type {type(object).__name__}")


def _exactly(numbers) -> Array:
    """Python and NumPy numbers in the dtypes that NumPy gives them, which are the widest."""
    try:
        return as_array(np.array(numbers, order="C"))
    except TypeError:
        raise NumberRangeError(f"Python integer in {numbers!r} is out of bounds for int64 and "
                               "uint64") from None


def _from_sequence(items, exact: bool = False):
    """Numbers go through NumPy; where there are tracers, they are stacked."""
    leaves = tree.leaves(items)
    if any(isinstance(leaf, Tracer) for leaf in leaves) or elsewhere.active and any(
            isinstance(leaf, Array) and leaf.device != CPU for leaf in leaves):
        from functrans.numpy.joining import stack
        return stack([_from_object(item, exact) for item in items])
    dtype = _sequence_dtype(leaves)
    plain = tree.map(lambda leaf: np.asarray(leaf) if type(leaf) is Array else leaf, items)
    try:
        return _exactly(plain) if exact else Array(np.array(plain, dtype=dtype, order="C"))
    except ValueError as error:
        raise ArgumentError(f"cannot make an array of nested sequences: {error}") from None


def _sequence_dtype(leaves) -> np.dtype:
    if not leaves:
        return default_float()
    for leaf in leaves:
        if not isinstance(leaf, (ArrayBase, np.ndarray, np.generic, bool, int, float, complex)):
            raise ArgumentError(f"cannot make an array of {leaf!r} of type {type(leaf).__name__}")
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
    if copy is False and not isinstance(a, ArrayBase):
        raise ArgumentError("asarray(copy=False): only arrays of this library can be shared, "
                            f"a {type(a).__name__} must be copied")
    return _placed(array(a, dtype), device)


def scalar(value, dtype) -> Array:
    """A number as an array without axes, whose value Python can ask for, also within a trace."""
    x = Array(np.asarray(literal(value, dtype)))
    return elsewhere.place_new(x) if elsewhere.active else x


def asarray_chkfinite(a, dtype=None, order: str = "K"):
    """As `asarray`; raises ValueError if there is a known NaN or infinity.

    >>> import functrans.numpy as fnp
    >>> fnp.asarray_chkfinite([1.0, 2.0])
    Array([1., 2.], dtype=float32)
    """
    a = asarray(a, dtype)
    if isinstance(a, Array) and is_inexact(a.dtype) and not np.isfinite(np.asarray(a)).all():
        raise ArgumentError("array must not contain infs or NaNs")
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
        raise ArgumentError("require: arrays are immutable, so none is writeable")
    return asarray(a, dtype)


def _placed(x, device):
    """`x`, on a device if one is named, or is the default."""
    return x if device is None and not elsewhere.active else elsewhere.place_new(x, device)


def check_device(device):
    """Raises ArgumentError for what is no device."""
    elsewhere.as_device(device)


def from_dlpack(x, /, *, device=None, copy: bool | None = None):
    """An array from any object with `__dlpack__` (PyTorch, CuPy, JAX ...); its data is copied.

    >>> import numpy as np, functrans.numpy as fnp
    >>> fnp.from_dlpack(np.ones(2, np.float32))
    Array([1., 1.], dtype=float32)
    """
    if not isinstance(x, ArrayBase):
        x = elsewhere.from_dlpack(x) if _is_on_cuda(x) else as_array(np.from_dlpack(x))
    return _placed(x, device)


def _is_on_cuda(x) -> bool:
    """Whether an object's memory is that of a CUDA device (2 in DLPack's numbers)."""
    return hasattr(x, "__dlpack_device__") and int(x.__dlpack_device__()[0]) == 2


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
        return elsewhere.made_on(device, full, shape, fill_value, dtype)
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
    a = as_described(a, "full_like")
    if device is None and elsewhere.active and isinstance(a, Array) and a.device != CPU:
        device = a.device
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
        x = elsewhere.place_new(as_arraylike(x, "astype"), device)
    x, dtype = as_arraylike(x, "astype"), canonical_dtype(dtype)
    if is_complex(x.dtype) and not is_complex(dtype) and not is_bool(dtype):
        raise DtypeError(f"astype: {x.type} cannot become {dtype.name}; its real part can: "
                         f"real(x).astype({dtype.name!r})")
    return convert(x, dtype)
