"""What is known of arrays without their values: shapes, sizes, dtypes; and of the namespace.

Imports `array`, `config`, `device`, `numpy.creation`, `numpy.promotion`.
"""
from __future__ import annotations

from functools import cache

import numpy as np

from functrans.array import ArrayBase
from functrans.config import default_float, default_int
from functrans.device import CPU, CUDA, Device, default_place
from functrans.errors import ArgumentError
from functrans.extras import as_dtype, require
from functrans.jit import device_driver
from functrans.ir.type import ArrayType, is_bool, is_complex, is_float, is_integer
from functrans.numpy.creation import check_device
from functrans.numpy.promotion import (as_arraylike, as_described, as_operand,
                                       canonical_axis, canonical_dtype, result_type_of)
from functrans.numpy.promotion import promote_types as _promote_types
from functrans.numpy.scalar_types import scalar_type


def shape(a) -> tuple:
    """The sizes of the axes.

    >>> import functrans.numpy as fnp
    >>> fnp.shape(fnp.ones((2, 3)))
    (2, 3)
    """
    return as_described(a, "shape").shape


def ndim(a) -> int:
    """The number of axes.

    >>> import functrans.numpy as fnp
    >>> fnp.ndim(fnp.ones((2, 3)))
    2
    """
    return as_described(a, "ndim").ndim


def size(a, axis: int | None = None) -> int:
    """The number of elements, or the size of an axis.

    >>> import functrans.numpy as fnp
    >>> fnp.size(fnp.ones((2, 3)))
    6
    """
    a = as_described(a, "size")
    return a.size if axis is None else a.shape[canonical_axis(axis, a.ndim)]


def isscalar(element) -> bool:
    """Whether a value is a number, or an array without axes.

    >>> import functrans.numpy as fnp
    >>> fnp.isscalar(3.0)
    True
    """
    return np.isscalar(element) or getattr(element, "ndim", None) == 0


def result_type(*arrays_and_dtypes) -> np.dtype:
    """The dtype of the result where these meet; Python scalars are weak.

    >>> import functrans.numpy as fnp
    >>> fnp.result_type(fnp.float32, 2.0)
    dtype('float32')
    """
    if not arrays_and_dtypes:
        raise ArgumentError("result_type needs at least one array or dtype")
    operands = []
    for item in arrays_and_dtypes:
        named = isinstance(item, (np.dtype, type, str))
        if isinstance(getattr(item, "type", None), ArrayType):
            item, named = item.dtype, True                  # a ShapeDtypeStruct
        operands.append(canonical_dtype(item).type(0) if named else as_operand(item))
    return result_type_of(*operands)[0]


def issubdtype(arg1, arg2) -> bool:
    """Whether a dtype is another, or one of a kind: `floating`, `integer`, `number` ...

    As `numpy.issubdtype`, but bfloat16 is a `floating` dtype.

    >>> import functrans.numpy as fnp
    >>> fnp.issubdtype(fnp.float32, fnp.floating), fnp.issubdtype("int8", fnp.inexact)
    (True, False)
    """
    if not (isinstance(arg1, type) and issubclass(arg1, np.generic)):
        arg1 = as_dtype(arg1)
    if getattr(arg1, "name", getattr(arg1, "__name__", None)) == "bfloat16" \
            and isinstance(arg2, type) and issubclass(np.floating, arg2):
        return True
    return np.issubdtype(arg1, arg2)


def promote_types(type1, type2) -> np.dtype:
    """The dtype to which two dtypes are converted where they meet.

    >>> import functrans.numpy as fnp
    >>> fnp.promote_types("int32", "float32")
    dtype('float64')
    """
    return _promote_types(canonical_dtype(type1), canonical_dtype(type2))


def can_cast(from_, to, casting: str = "safe") -> bool:
    """Whether values of one dtype can be cast to another by a rule.

    from_: a dtype or an array; casting: "no", "equiv", "safe" (all values are kept), "same_kind" or
    "unsafe". Raises TypeError for Python numbers, whose dtype is not fixed.

    >>> import functrans.numpy as fnp
    >>> fnp.can_cast("int32", "float32")
    False
    """
    if isinstance(from_, (bool, int, float, complex)) and not isinstance(from_, np.generic):
        raise ArgumentError(
            "can_cast takes dtypes and arrays; the dtype of a Python number depends on "
            "what it meets")
    source = from_.dtype if isinstance(from_, (ArrayBase, np.ndarray, np.generic)) else from_
    source, target = canonical_dtype(source), canonical_dtype(to)
    if "bfloat16" not in (source.name, target.name) or casting not in ("safe", "same_kind"):
        return bool(np.can_cast(source, target, casting))
    if casting == "safe":
        return _promote_types(source, target) == target and \
            not (source.kind in "iu" and source.itemsize > 1)
    return _rank(source) <= _rank(target)


def _rank(dtype) -> int:
    """The order of the kinds of dtypes, for casting by "same_kind"."""
    return "buifc".index("f" if dtype.name == "bfloat16" else dtype.kind)


_KINDS = {
    "bool": is_bool, "signed integer": lambda dtype: dtype.kind == "i",
    "unsigned integer": lambda dtype: dtype.kind == "u", "integral": is_integer,
    "real floating": is_float, "complex floating": is_complex,
    "numeric": lambda dtype: not is_bool(dtype),
}


def isdtype(dtype, kind) -> bool:
    """Whether a dtype is of a kind (array API standard).

    kind: a dtype, or "bool", "signed integer", "unsigned integer", "integral", "real floating",
    "complex floating", "numeric"; or a tuple of kinds.

    >>> import functrans.numpy as fnp
    >>> fnp.isdtype(fnp.float32, "real floating")
    True
    """
    if isinstance(dtype, str):
        raise ArgumentError(f"isdtype takes a dtype, not the string {dtype!r}")
    dtype = canonical_dtype(dtype)
    if isinstance(kind, tuple):
        return any([isdtype(dtype, part) for part in kind])
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ArgumentError(f"isdtype: kind must be a dtype or one of {', '.join(_KINDS)}, got "
                                f"{kind!r}")
        return _KINDS[kind](dtype)
    return dtype == canonical_dtype(kind)


def iscomplexobj(x) -> bool:
    """Whether the dtype is complex, whatever the values. x: an array, a number, or a dtype.

    >>> import functrans.numpy as fnp
    >>> fnp.iscomplexobj(fnp.array([1j]))
    True
    """
    if isinstance(x, (np.dtype, type)):
        return is_complex(canonical_dtype(x))
    return is_complex(as_described(x, "iscomplexobj").dtype)


def isrealobj(x) -> bool:
    """Whether the dtype is not complex. x: an array, a number, or a dtype.

    >>> import functrans.numpy as fnp
    >>> fnp.isrealobj(fnp.array([1.0]))
    True
    """
    return not iscomplexobj(x)


def iterable(y) -> bool:
    """Whether a `for` loop can go over it; an array without axes cannot be.

    >>> import functrans.numpy as fnp
    >>> fnp.iterable(fnp.ones(2)), fnp.iterable(1.0)
    (True, False)
    """
    try:
        iter(y)
    except TypeError:
        return False
    return True


def common_type(*arrays):
    """The scalar type of floats (or complex numbers) that holds all arrays; integers are float64.

    >>> import functrans.numpy as fnp
    >>> fnp.common_type(fnp.ones(2), fnp.array([1j])).__name__
    'complex64'
    """
    kind = np.dtype(np.float16)
    for array in arrays:
        dtype = as_arraylike(array, "common_type").dtype
        if is_bool(dtype):
            raise ArgumentError("common_type: can't get common type for non-numeric array")
        kind = _promote_types(kind, np.dtype(np.float64) if is_integer(dtype) else dtype)
    return kind.type


def min_scalar_type(a) -> np.dtype:
    """The smallest dtype that holds a scalar; the dtype of an array with axes.

    >>> import functrans.numpy as fnp
    >>> fnp.min_scalar_type(300)
    dtype('uint16')
    """
    if isinstance(a, ArrayBase):
        return np.min_scalar_type(a._concrete("min_scalar_type")[()]) if not a.ndim else a.dtype
    return np.min_scalar_type(a)


def isfortran(a) -> bool:
    """Whether the memory is in the order of columns: never, here.

    >>> import functrans.numpy as fnp
    >>> fnp.isfortran(fnp.ones((2, 2)))
    False
    """
    as_arraylike(a, "isfortran")
    return False


def shares_memory(a, b, /, max_work=None) -> bool:
    """Whether writing into one array would change the other: never, arrays are immutable.

    >>> import functrans.numpy as fnp
    >>> x = fnp.ones(2)
    >>> fnp.shares_memory(x, x)
    False
    """
    return False


may_share_memory = shares_memory


@cache
def bfloat16() -> type:
    """The scalar type bfloat16. Raises MissingExtraError where ml_dtypes is not installed."""
    return scalar_type(require("ml_dtypes", "bfloat16").bfloat16)


def finfo(dtype):
    """The limits of a dtype of floats or complex numbers: eps, max, min, smallest_normal ...

    dtype: a dtype or an array; bfloat16 too.

    >>> import functrans.numpy as fnp
    >>> float(fnp.finfo(fnp.float32).max) > 1e38
    True
    """
    if isinstance(dtype, (ArrayBase, np.ndarray, np.generic)):
        dtype = dtype.dtype
    dtype = canonical_dtype(dtype)
    if dtype.name == "bfloat16":
        import ml_dtypes
        return ml_dtypes.finfo(dtype)
    return np.finfo(dtype)


# ---- what the namespace says of itself (array API standard) ----

API_VERSION = "2024.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

_STANDARD_DTYPES = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_STANDARD_DTYPES["integral"] = (_STANDARD_DTYPES["signed integer"]
                                + _STANDARD_DTYPES["unsigned integer"])
_STANDARD_DTYPES["numeric"] = sum((_STANDARD_DTYPES[kind] for kind in (
    "integral", "real floating", "complex floating")), ())
_EVERY_DTYPE = _STANDARD_DTYPES["bool"] + _STANDARD_DTYPES["numeric"]


class NamespaceInfo:
    """What `functrans.numpy.__array_namespace_info__()` gives.

    >>> import functrans.numpy as fnp
    >>> fnp.__array_namespace_info__().default_device()
    cpu:0
    """

    def capabilities(self) -> dict:
        """What not every namespace can do; without jit, all of it."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """The device on which arrays are made."""
        return default_place.get() or CPU

    def devices(self) -> list[Device]:
        """The devices on which arrays can be."""
        return [CPU, *([CUDA] if device_driver().available() else [])]

    def default_dtypes(self, *, device=None) -> dict:
        """The dtypes of Python numbers, and of indices."""
        if device is not None:
            check_device(device)
        real = default_float()
        return {"real floating": real, "complex floating": np.result_type(real, np.complex64),
                "integral": default_int(), "indexing": np.dtype(np.int64)}

    def dtypes(self, *, device=None, kind=None) -> dict:
        """The standard's dtypes by name: all, or those of a kind or a tuple of kinds."""
        if device is not None:
            check_device(device)
        return {name: np.dtype(name) for name in _dtype_names(kind)}


def _dtype_names(kind) -> tuple:
    if kind is None:
        return _EVERY_DTYPE
    if isinstance(kind, tuple):
        chosen = {name for part in kind for name in _dtype_names(part)}
        return tuple(name for name in _EVERY_DTYPE if name in chosen)
    if kind not in _STANDARD_DTYPES:
        raise ArgumentError(f"dtypes: kind must be one of {', '.join(_STANDARD_DTYPES)}, got "
                            f"{kind!r}")
    return _STANDARD_DTYPES[kind]


def check_api_version(version: str | None):
    """Raises ValueError for a version of the standard that is not provided."""
    if version is not None and version not in _VERSIONS:
        raise ArgumentError(f"version {version!r} of the array API standard is not provided; there "
                            f"are {', '.join(_VERSIONS)}")
