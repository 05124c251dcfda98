"""`float32`, `int64` ... : names of dtypes that, called, make arrays of them, of traced values too.

They stand for NumPy's scalar types: equal to them, with their hashes, and NumPy takes them as
dtypes. But `float32(x)` is an array of this library, and `x` may be traced, which NumPy's types
cannot take.

Imports NumPy; `numpy.creation`, when one is called.
"""
from __future__ import annotations

import numpy as np


class ScalarType(type):
    """The class of these names. dtype: NumPy's."""

    dtype: np.dtype

    def __call__(cls, x):
        from functrans.numpy import creation
        if isinstance(x, (np.generic, bool, int, float, complex)):
            return creation.scalar(x, cls.dtype)
        return creation.asarray(x, cls.dtype)

    def __eq__(cls, other):
        return cls is other or cls.dtype.type is getattr(other, "type", other)

    def __hash__(cls):
        return hash(cls.dtype.type)

    def __instancecheck__(cls, instance):
        return isinstance(instance, cls.dtype.type)

    def __subclasscheck__(cls, other):
        return other is cls or issubclass(getattr(getattr(other, "dtype", None), "type", other),
                                          cls.dtype.type)

    def __repr__(cls):
        return f"functrans.numpy.{cls.__name__}"

    def __reduce__(cls):
        return scalar_type, (cls.dtype,)


_known: dict = {}                # dtype -> its name


def scalar_type(dtype) -> ScalarType:
    """The name of a dtype.

    >>> import functrans.numpy as fnp
    >>> fnp.float32(1)
    Array(1., dtype=float32)
    """
    dtype = np.dtype(dtype)
    if dtype not in _known:
        _known[dtype] = ScalarType(dtype.name, (), {
            "dtype": dtype, "__module__": "functrans.numpy",
            "__doc__": f"The dtype {dtype.name}; called, an array of it."})
    return _known[dtype]


bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64 = map(scalar_type, (
    np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64))
float16, float32, float64, complex64, complex128 = map(scalar_type, (
    np.float16, np.float32, np.float64, np.complex64, np.complex128))
int_, uint = scalar_type(np.int_), scalar_type(np.uint)
half, single, double, csingle, cdouble = float16, float32, float64, complex64, complex128
