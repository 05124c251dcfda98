"""Changes of dtype, `to_int32(x)` and so on, and `make_complex(x, y)`.

Floats to integers are truncated; what does not fit becomes the nearest integer that does, and
NaN becomes 0 (C leaves both undefined). Of complex numbers real dtypes take the real part.
"""
from __future__ import annotations

import numpy as np
from llvmlite import ir

from . import vocabulary
from .registry import function
from .values import BOOL, Value, llvm_type, on_device
from .vocabulary import resize, where

_REAL = "fiub"


def _float_to_integer(x, dtype):
    if isinstance(x, Value) and not on_device(x.builder):
        kinds = [llvm_type(dtype), x.ir.type]
        name = "llvm.fptosi.sat" if dtype.kind == "i" else "llvm.fptoui.sat"
        saturate = x.builder.module.declare_intrinsic(
            name, kinds, ir.FunctionType(kinds[0], kinds[1:]))
        return Value(x.builder, x.builder.call(saturate, [x.ir]), dtype)
    info = np.iinfo(dtype)
    # The float of the largest 64-bit integer is one more than it.
    fits = (x >= float(info.min)) & (x < float(info.max))
    result = _truncated(where(fits, x, 0.0), dtype)
    result = where(x >= float(info.max), info.max, result)
    return where(x < float(info.min), info.min, result)


def _truncated(x, dtype):
    """A float that fits, as an integer."""
    if not isinstance(x, Value):
        return x.astype(dtype)
    convert_ = x.builder.fptosi if dtype.kind == "i" else x.builder.fptoui
    return Value(x.builder, convert_(x.ir, llvm_type(dtype)), dtype)


def _to_float(x, dtype):
    if not isinstance(x, Value):
        return x.astype(dtype)
    target = llvm_type(dtype)
    if x.dtype.kind == "f":
        same = x.dtype == dtype
        operation = x.builder.fpext if x.dtype.itemsize < dtype.itemsize else x.builder.fptrunc
        return x if same else Value(x.builder, operation(x.ir, target), dtype)
    operation = x.builder.sitofp if x.dtype.kind == "i" else x.builder.uitofp
    return Value(x.builder, operation(x.ir, target), dtype)


def convert(x, dtype):
    """x as `dtype`."""
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        is_complex = x.dtype.kind == "c"
        real = _to_float(x.real if is_complex else x, part)
        imag = _to_float(x.imag, part) if is_complex else where(real == 0, 0.0, 0.0, like=real)
        return vocabulary.make_complex(real, imag)
    if dtype == BOOL:
        return (x.real != 0) | (x.imag != 0) if x.dtype.kind == "c" else x != 0
    if x.dtype.kind == "c":
        x = x.real
    if dtype.kind == "f":
        return _to_float(x, dtype)
    return _float_to_integer(x, dtype) if x.dtype.kind == "f" else resize(x, dtype)


def _conversion(name):
    dtype = np.dtype(name)

    def body(x):
        return convert(x, dtype)

    body.__name__ = body.__qualname__ = f"to_{name}"
    body.__doc__ = f"x as {name}."
    return function(_REAL + "c", returns=lambda _: dtype)(body)


to_bool, to_float32, to_float64, to_complex64, to_complex128 = map(
    _conversion, ("bool", "float32", "float64", "complex64", "complex128"))
to_int8, to_int16, to_int32, to_int64 = map(_conversion, ("int8", "int16", "int32", "int64"))
to_uint8, to_uint16, to_uint32, to_uint64 = map(
    _conversion, ("uint8", "uint16", "uint32", "uint64"))


@function("f", returns=lambda dtype: np.result_type(dtype, np.complex64))
def make_complex(x, y):
    """x + iy, exactly, infinities and signed zeros included."""
    return vocabulary.make_complex(x, y)
