"""Promotion and broadcasting, once and for all: operands of one dtype and one shape.

NumPy's rules (NEP 50): Python scalars, and what was computed from them alone, are weak, and
take the dtype of the arrays they meet; where a weak float meets integers, the result has the
default float dtype.

In: what users pass. Out: arrays, tracers and literals that primitives take. Imports `array`,
`config`, `trace`, `primitives`.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

from functrans.array import Array, ArrayBase, as_array, check_dtype, scalar_dtype
from functrans.config import config, default_float, default_int
from functrans.errors import ArgumentError, AxisError, NumberRangeError, ShapeError
from functrans.extras import as_dtype
from functrans.ir.type import ArrayType, is_complex, is_float
from functrans.numpy.scalar_types import ScalarType
from functrans.primitives.basic import broadcast, broadcast_p
from functrans.primitives.elementwise import convert
from functrans.silence import restore, silence
from functrans.trace import bind

# Categories of dtypes, in the order in which weak operands rise.
_BOOL, _INT, _FLOAT, _COMPLEX = range(4)


def _category(dtype) -> int:
    if dtype.kind == "b":
        return _BOOL
    if dtype.kind in "iu":
        return _INT
    return _COMPLEX if dtype.kind == "c" else _FLOAT


def as_operand(x, name: str = "this function"):
    """An operand as an array, tracer, NumPy scalar or Python scalar; sequences become arrays."""
    if type(x) is Array or isinstance(x, (ArrayBase, np.generic, bool, int, float, complex)):
        return x
    if isinstance(x, np.ndarray):
        return as_array(x)
    if isinstance(x, (list, tuple)):
        from functrans.numpy.creation import array
        return array(x)
    if hasattr(x, "__functrans_array__"):
        return x.__functrans_array__()
    if hasattr(x, "__array__"):
        return as_array(np.asarray(x))
    raise ArgumentError(f"{name} takes arrays and numbers, got {x!r} of type {type(x).__name__}")


def as_arraylike(x, name: str = "this function") -> ArrayBase:
    """An operand as an array or tracer."""
    if isinstance(x, ArrayBase):
        return x
    return materialize(as_operand(x, name))


def as_described(x, name: str):
    """An operand of which only the shape and the dtype are asked: what describes an array, such
    as a `ShapeDtypeStruct`, will do."""
    if isinstance(x, ArrayBase) or isinstance(getattr(x, "type", None), ArrayType):
        return x
    return as_arraylike(x, name)


def materialize(x) -> ArrayBase:
    """A scalar as a 0-d array of the current interpreter."""
    if isinstance(x, ArrayBase):
        return x
    if isinstance(x, np.generic):
        return bind(broadcast_p, x, shape=(), dims=())
    return as_array(x)


def _kind(x) -> tuple:
    """(dtype, weak) of an operand."""
    if type(x) is Array:
        return x._data.dtype, x._weak
    if isinstance(x, ArrayBase):
        return x.dtype, x.type.weak
    if isinstance(x, np.generic):
        return check_dtype(x.dtype), False
    dtype = scalar_dtype(x)
    return dtype, dtype.kind != "b"


@lru_cache(maxsize=4096)
def _result(kinds: tuple, floats: str, ints: str) -> tuple:
    """(dtype, weak) of the result of operands of these kinds."""
    strong = [dtype for dtype, weak in kinds if not weak]
    weakest = [dtype for dtype, weak in kinds if weak]
    if not strong:
        return max(weakest, key=lambda dtype: (_category(dtype), dtype.itemsize)), True
    result = strong[0]
    for dtype in strong[1:]:
        result = promote_types(result, dtype)
    rise = max((_category(dtype) for dtype in weakest), default=_BOOL)
    if rise > _category(result):
        result = _risen(result, rise, floats, ints)
    return result, False


def _risen(dtype, category: int, floats: str, ints: str):
    """`dtype` where it meets a weak operand of a higher category."""
    if category == _INT:
        return np.dtype(ints)
    real = dtype if _category(dtype) == _FLOAT else np.dtype(floats)
    return real if category == _FLOAT else np.result_type(real, np.complex64)


@lru_cache(maxsize=1024)
def promote_types(a, b) -> np.dtype:
    """The dtype to which both are converted where they meet, by NumPy's table.

    bfloat16 (which NumPy has no table for) goes with integers and float32 as float16 does;
    with float16 it gives float32.
    """
    if a == b:
        return a
    names = {a.name, b.name}
    if "bfloat16" in names:
        other = b if a.name == "bfloat16" else a
        if other.kind in "biu":
            return a if a.name == "bfloat16" else b
        return np.promote_types(other, np.float32)
    return np.promote_types(a, b)


def result_type_of(*operands) -> tuple:
    """(dtype, weak) of operands that are arrays, tracers or scalars."""
    floats, ints, *_ = config.key
    return _result(tuple([_kind(x) for x in operands]), floats, ints)


def cast(x, dtype):
    """An operand in `dtype`: arrays are converted, scalars become literals."""
    if isinstance(x, ArrayBase):
        return x if x.dtype == dtype else convert(x, dtype)
    if isinstance(x, np.generic) and x.dtype == dtype:
        return x
    return literal(x, dtype)


def literal(value, dtype) -> np.generic:
    """A scalar of a dtype; an integer that does not fit raises OverflowError."""
    if dtype.kind in "iu" and isinstance(value, (float, np.floating)):
        return dtype.type(int(value))
    token = silence()                       # 1e300 is infinite as a float32
    try:
        return dtype.type(value)
    except OverflowError:
        raise NumberRangeError(f"Python integer {value} does not fit {dtype.name}; give the array "
                               "a wider dtype, or write the number as a float") from None
    finally:
        restore(token)


def _are_alike(operands) -> bool:
    """Whether operands are plain arrays of one dtype, none weak: nothing is to be promoted.

    Most eager operations are of this kind, and must cost little more than NumPy's.
    """
    dtype = None
    for x in operands:
        if type(x) is not Array or x._weak:
            return False
        if x._data.dtype is not dtype:
            if dtype is not None:
                return False
            dtype = x._data.dtype
    return True


def promote(*operands) -> list:
    """Operands of one dtype; scalars as literals."""
    if _are_alike(operands):
        return list(operands)
    dtype, weak = result_type_of(*operands)
    return [cast(x, dtype) for x in operands]


def float_dtype(dtype, weak: bool = False) -> np.dtype:
    """The dtype of a function that gives floats: integers and bools become default floats."""
    return dtype if is_float(dtype) or is_complex(dtype) else default_float()


def promote_inexact(*operands) -> list:
    """Operands of one floating or complex dtype; scalars as literals."""
    if _are_alike(operands) and operands[0]._data.dtype.kind in "fc":
        return list(operands)
    dtype, weak = result_type_of(*operands)
    dtype = float_dtype(dtype)
    return [cast(x, dtype) for x in operands]


def broadcast_shapes(*shapes) -> tuple:
    """The common shape, by NumPy's rules. Raises ShapeError (a ValueError) if there is none.

    >>> import functrans.numpy as fnp
    >>> fnp.broadcast_shapes((3,), (2, 1))
    (2, 3)
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(map(str, shapes))
        raise ShapeError(f"shapes {shown} cannot be broadcast together: trailing axes must be "
                         "equal, or 1") from None


def broadcasts_to(given: tuple, shape: tuple) -> bool:
    """Whether an array of shape `given` broadcasts to `shape` without making it larger."""
    return len(given) <= len(shape) and all(
        size in (1, wanted) for size, wanted in zip(given[::-1], shape[::-1]))


def broadcast_one(x, shape: tuple):
    """An array, repeated along new leading axes and axes of size one."""
    if x.shape == shape:
        return x
    return broadcast(x, shape, range(len(shape) - x.ndim, len(shape)))


def broadcast_all(operands: list) -> list:
    """Operands of one shape; scalars that are literals stay as they are."""
    arrays = [x for x in operands if isinstance(x, ArrayBase)]
    if not arrays:
        return [materialize(operands[0]), *operands[1:]]
    shape = arrays[0].shape
    if [x.shape for x in arrays].count(shape) == len(arrays):
        return operands
    shape = broadcast_shapes(*(x.shape for x in arrays))
    return [broadcast_one(x, shape) if isinstance(x, ArrayBase) else x for x in operands]


def apply(primitive, *operands, promotion=promote, name: str = ""):
    """A primitive on operands as users pass them: promoted, then broadcast, then bound."""
    operands = [as_operand(x, name or primitive.name) for x in operands]
    return bind(primitive, *broadcast_all(promotion(*operands)))


def canonical_dtype(dtype) -> np.dtype:
    """A dtype as users name it. Raises TypeError for those that are not supported."""
    if dtype is None:
        return default_float()
    if type(dtype) is ScalarType:
        return dtype.dtype
    return check_dtype(as_dtype(dtype))


def index_dtype() -> np.dtype:
    return default_int()


def canonical_axes(axis, ndim: int) -> tuple:
    """`axis` (None, an int, or a tuple of ints; negative from the end) as sorted axes."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [canonical_axis(k, ndim) for k in given]
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"duplicate value in axis={axis!r}")
    return tuple(sorted(axes))


def canonical_axis(axis, ndim: int) -> int:
    """One axis, negative from the end. Raises AxisError (an IndexError and a ValueError)."""
    try:
        k = axis.__index__()
    except AttributeError:
        raise ArgumentError(f"axis must be an int, got {axis!r}") from None
    if not -ndim <= k < ndim:
        raise AxisError(k, ndim)
    return k % ndim
