"""What there is to ask of dtypes, by the names that JAX has in `jax.dtypes`.

Imports `numpy.information`, `numpy.promotion`.
"""
from __future__ import annotations

import numpy as np

from functrans.extras import as_dtype
from functrans.numpy.information import finfo, issubdtype, result_type
from functrans.numpy.promotion import canonical_dtype

__all__ = ["canonicalize_dtype", "extended", "finfo", "iinfo", "issubdtype", "prng_key",
           "result_type", "scalar_type_of"]

iinfo = np.iinfo


class extended(np.generic):
    """The kind of dtypes beyond NumPy's. There are none: no dtype is a subdtype of it."""


class prng_key(extended):
    """The kind of dtypes of keys. Keys are arrays of uint32, so no dtype is a subdtype of it."""


def canonicalize_dtype(dtype, allow_extended_dtype: bool = False) -> np.dtype:
    """A dtype as arrays have it. Nothing is narrowed, so it is the dtype itself.

    Raises TypeError for dtypes that arrays cannot have. allow_extended_dtype: of no effect.

    >>> from functrans import dtypes
    >>> dtypes.canonicalize_dtype("float64")
    dtype('float64')
    """
    return canonical_dtype(as_dtype(dtype))


def scalar_type_of(x) -> type:
    """The Python type of a scalar like `x`: bool, int, float or complex.

    >>> from functrans import dtypes, numpy as fnp
    >>> dtypes.scalar_type_of(fnp.ones(2))
    <class 'float'>
    """
    dtype = result_type(x)
    kinds = ((np.bool_, bool), (np.integer, int), (np.floating, float))
    return next((python for kind, python in kinds if issubdtype(dtype, kind)), complex)


def __getattr__(name: str):
    """`bfloat16`, which needs a package, and `float0`, the dtype of tangents of integers."""
    if name == "bfloat16":
        from functrans.numpy import bfloat16
        return bfloat16
    if name == "float0":
        from functrans.api.grad import float0
        return float0
    raise AttributeError(f"module 'functrans.dtypes' has no attribute {name!r}")
