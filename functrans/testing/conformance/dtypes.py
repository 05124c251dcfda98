"""The dtypes of the kit, by name: which there are, of which kind, how precise.

bfloat16 is ml_dtypes', as everywhere in functrans: NumPy computes with it, and knows neither its
name nor its kind, so both are asked for here. Imports `ir`; ml_dtypes when bfloat16 is asked for.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import MissingExtraError
from functrans.extras import as_dtype
from functrans.ir.type import is_complex, is_float, is_inexact
from functrans.testing.conformance.namespace import NotOffered
from functrans.testing.layout import eps_of

__all__ = ["COMPLEX", "DTYPES", "FLOATS", "INEXACT", "INTEGERS", "MATRICES", "NUMBERS", "REAL",
           "WIDE", "dtype_named", "epsilon", "is_complex", "is_float", "is_inexact", "precision",
           "widened"]

FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("int8", "int32", "int64", "uint8")
DTYPES = (*FLOATS, *COMPLEX, *INTEGERS, "bool")
REAL, INEXACT, NUMBERS = FLOATS + INTEGERS, FLOATS + COMPLEX, FLOATS + COMPLEX + INTEGERS
WIDE = ("float32", "float64")                  # where half precision has no meaning or no library
MATRICES = WIDE + COMPLEX


def dtype_named(name: str) -> np.dtype:
    """NumPy's dtype. Raises NotOffered for bfloat16 where ml_dtypes is not installed."""
    try:
        return as_dtype(name)
    except MissingExtraError as error:
        raise NotOffered(str(error)) from None


def epsilon(dtype: np.dtype) -> float:
    """The distance from 1 to the next number; 0 for integers and truths, which are exact."""
    return eps_of([dtype.name]) if is_inexact(dtype) else 0.0


def widened(array: np.ndarray) -> np.ndarray:
    """In double precision, if it has a precision."""
    if not is_inexact(array.dtype):
        return array
    return array.astype(np.complex128 if is_complex(array.dtype) else np.float64)


def precision(dtype: np.dtype, like: np.dtype) -> np.dtype:
    """The dtype of this kind with the precision of another."""
    if not is_inexact(like):
        return dtype
    real = np.empty(0, like).real.dtype
    return np.result_type(real, np.complex64) if is_complex(dtype) else real
