"""`sort`: several operands sorted together along an axis, stable.

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ShapeError
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.type import is_complex
from functrans.primitives.basic import with_batch_axis
from functrans.primitives.index import take_along
from functrans.primitives.shape import iota
from functrans.trace import bind


def _infer(*operands, axis, keys):
    first = operands[0]
    if not 0 <= axis < first.ndim or not 1 <= keys <= len(operands):
        raise ShapeError(f"sort: axis {axis}, {keys} keys do not fit {first}")
    if any(kind.shape != first.shape for kind in operands):
        raise ShapeError("sort takes operands of one shape, got "
                         + ", ".join(map(str, operands)))
    return tuple(kind.strong() for kind in operands)


def _order(key):
    """Keys that NumPy's lexsort puts in our order: NaN last, whatever its sign."""
    if key.dtype.name == "bfloat16":             # lexsort does not know its NaN
        key = key.astype(np.float32)
    return (key.real, key.imag) if is_complex(key.dtype) else (key,)


def _evaluate(*operands, axis, keys):
    columns = [column for key in operands[:keys] for column in _order(key)]
    order = np.lexsort(columns[::-1], axis=axis)
    return tuple(np.take_along_axis(x, order, axis) for x in operands)


def _jvp(out, primals, tangents, params):
    """The tangents in the order of the primals."""
    axis = params["axis"]
    index = iota(np.int64, primals[0].shape, axis)
    *_, order = bind(sort_p, *primals, index, **params)
    return tuple(None if dx is None else take_along(dx, order, axis) for dx in tangents)


def _batch(size, args, batched, params):
    operands = [with_batch_axis(size, *pair) for pair in zip(args, batched)]
    outs = bind(sort_p, *operands, axis=params["axis"] + 1, keys=params["keys"])
    return outs, (True,) * len(outs)


sort_p = Primitive(
    name="sort", infer=_infer, evaluate=_evaluate, jvp=_jvp, batch=_batch, multiple=True,
    kernel=lambda types, params: kernels.Sort(params["axis"], params["keys"]))


def sort(operands, axis: int, keys: int = 1):
    """Operands sorted along `axis` by the first `keys` of them; equal keys keep their order."""
    return bind(sort_p, *operands, axis=axis, keys=keys)
