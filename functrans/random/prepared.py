"""What distributions with parameters do first: to a common dtype, and a shape that fits.

Imports `random.continuous`, `numpy.promotion`.
"""
from __future__ import annotations

import numpy as np

from functrans.numpy.promotion import as_operand, cast, materialize
from functrans.random.continuous import float_dtype, parameter_shape


def prepared(name: str, shape, dtype, **parameters) -> tuple:
    """(shape, dtype, the parameters in that dtype)."""
    dtype = float_dtype(dtype, name)
    values = {label: materialize(cast(as_operand(x, name), dtype))
              for label, x in parameters.items()}
    return parameter_shape(name, shape, **values), dtype, *values.values()


def wide_dtype(dtype) -> np.dtype:
    """The dtype in which numbers are rejected: half precision is too coarse for that."""
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype
