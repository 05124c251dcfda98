"""`bitcast`: the bits of elements, read as another dtype.

A dtype of another size takes, or makes, a last axis: the parts of one element, in the order of this
machine's memory. Imports `ir`, `trace`, `primitives.basic`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import DtypeError, ShapeError
from functrans.extras import as_dtype
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, is_bool
from functrans.primitives.define import no_tangent
from functrans.trace import bind


def _infer(operand, *, dtype):
    if (is_bool(operand.dtype) or is_bool(dtype)) and operand.dtype != dtype:
        raise DtypeError(f"bitcast between {operand} and {dtype.name}: booleans have no bits; "
                         "convert them")
    wide, narrow = operand.dtype.itemsize, dtype.itemsize
    if wide >= narrow:
        return ArrayType(operand.shape + ((wide // narrow,) if wide > narrow else ()), dtype)
    if not operand.shape or operand.shape[-1] != narrow // wide:
        raise ShapeError(f"bitcast of {operand} to {dtype.name} needs a last axis of size "
                         f"{narrow // wide}, the parts of one element")
    return ArrayType(operand.shape[:-1], dtype)


def _evaluate(x, *, dtype):
    shape = _infer(ArrayType(x.shape, x.dtype), dtype=dtype).shape
    return np.ascontiguousarray(x).reshape(-1).view(dtype).reshape(shape)


# No kernel: compiled code asks `evaluate`.
bitcast_p = Primitive(
    name="bitcast", infer=_infer, evaluate=_evaluate, jvp=no_tangent, inherits_weak=False,
    batch=lambda size, args, batched, params: (bind(bitcast_p, *args, **params), True),
    kernel=lambda types, params: None)


def bitcast(x, dtype):
    """The bits of `x` as `dtype`."""
    return bind(bitcast_p, x, dtype=as_dtype(dtype))
