"""Windows whose place is known at run time: read, written, added to.

A start that would put the window outside is clamped, as in XLA.
Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import DtypeError, ShapeError
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive, Sum
from functrans.ir.type import ArrayType, is_integer
from functrans.primitives.basic import broadcast, is_linear, same_dtype, with_batch_axis, zeros
from functrans.primitives.define import linear_jvp
from functrans.primitives.elementwise import add, maximum, minimum
from functrans.primitives.index import gather, scatter, scatter_add_p, scatter_set_p
from functrans.primitives.shape import iota
from functrans.trace import bind


def _check(operand, sizes, starts, name: str):
    if len(starts) != operand.ndim or len(sizes) != operand.ndim:
        raise ShapeError(f"{name}: {operand} needs {operand.ndim} starts and sizes, got "
                         f"{len(starts)} and {len(sizes)}")
    for size, whole in zip(sizes, operand.shape):
        if not 0 <= size <= whole:
            raise ShapeError(f"{name}: a window of shape {tuple(sizes)} does not fit into "
                             f"{operand}")
    for start in starts:
        if start.ndim or not is_integer(start.dtype):
            raise DtypeError(f"{name}: starts must be integer scalars, got {start}")


def _infer_slice(operand, *starts, sizes):
    _check(operand, sizes, starts, "dynamic_slice")
    return ArrayType(sizes, operand.dtype)


def _infer_update(operand, update, *starts):
    same_dtype((operand, update), "dynamic_update_slice")
    _check(operand, update.shape, starts, "dynamic_update_slice")
    return operand.strong()


def _window(shape, sizes, starts) -> tuple:
    places = [int(np.clip(int(start), 0, whole - size))
              for start, whole, size in zip(starts, shape, sizes)]
    return tuple(slice(place, place + size) for place, size in zip(places, sizes))


def _evaluate_slice(x, *starts, sizes):
    return x[_window(x.shape, sizes, starts)]


def _evaluate_update(x, update, *starts):
    out = np.array(x)
    out[_window(x.shape, update.shape, starts)] = update
    return out


def _transpose_slice(ct, inputs, params):
    operand, *starts = inputs
    if operand.sum is not None:
        return (Sum(bind(dynamic_add_p, operand.sum, ct, *starts)), *(None for _ in starts))
    return (bind(dynamic_update_p, zeros(operand.type), ct, *starts),
            *(None for _ in starts))


def _transpose_update(ct, inputs, params):
    operand, update, *starts = inputs
    shape = update.shape
    kept = None
    if is_linear(operand):
        kept = bind(dynamic_update_p, ct, zeros(ArrayType(shape, ct.dtype)), *starts)
    back = bind(dynamic_slice_p, ct, *starts, sizes=shape) if is_linear(update) else None
    return (kept, back, *(None for _ in starts))


def _evaluate_add(x, update, *starts):
    out = np.array(x)
    out[_window(x.shape, update.shape, starts)] += update
    return out


def _transpose_add(ct, inputs, params):
    operand, update, *starts = inputs
    back = bind(dynamic_slice_p, ct, *starts, sizes=update.shape) if is_linear(update) else None
    return (ct if is_linear(operand) else None, back, *(None for _ in starts))


def _places(size, starts, batched, whole, sizes):
    """Index arrays (lanes, *sizes) for windows that start elsewhere in each lane."""
    shape = (size, *sizes)
    places = []
    for axis, (start, flag) in enumerate(zip(starts, batched)):
        last = start.dtype.type(max(whole[axis] - sizes[axis], 0))
        start = minimum(maximum(start, start.dtype.type(0)), last)
        start = broadcast(start, shape, (0,) if flag else ())
        places.append(add(start, iota(start.dtype, shape, axis + 1)))
    return places


def _batch_slice(size, args, batched, params):
    operand, *starts = args
    sizes = params["sizes"]
    if not any(batched[1:]):
        zero = np.int64(0)
        return bind(dynamic_slice_p, operand, zero, *starts, sizes=(size, *sizes)), True
    whole = operand.shape[1:] if batched[0] else operand.shape
    places = _places(size, starts, batched[1:], whole, sizes)
    return gather(operand, places, int(batched[0]), "promise"), True


def _batch_update(primitive, scattered):
    """The rule of a primitive that writes windows; lanes with windows of their own scatter."""
    def rule(size, args, batched, params):
        operand, update, *starts = args
        operand = with_batch_axis(size, operand, batched[0])
        update = with_batch_axis(size, update, batched[1])
        if not any(batched[2:]):
            return bind(primitive(), operand, update, np.int64(0), *starts), True
        places = _places(size, starts, batched[2:], operand.shape[1:], update.shape[1:])
        return scatter(scattered, operand, update, places, 1, "promise", unique=True), True
    return rule


dynamic_slice_p = Primitive(
    name="dynamic_slice", infer=_infer_slice, evaluate=_evaluate_slice,
    jvp=linear_jvp(lambda: dynamic_slice_p, [0]), transpose=_transpose_slice,
    batch=_batch_slice, kernel=lambda types, params: kernels.DynamicSlice(params["sizes"]))

dynamic_update_p = Primitive(
    name="dynamic_update_slice", infer=_infer_update, evaluate=_evaluate_update,
    jvp=linear_jvp(lambda: dynamic_update_p, [0, 1]), transpose=_transpose_update,
    batch=_batch_update(lambda: dynamic_update_p, scatter_set_p),
    kernel=lambda types, params: kernels.DynamicUpdate())

dynamic_add_p = Primitive(
    name="dynamic_add_slice", infer=_infer_update, evaluate=_evaluate_add,
    jvp=linear_jvp(lambda: dynamic_add_p, [0, 1]), transpose=_transpose_add,
    batch=_batch_update(lambda: dynamic_add_p, scatter_add_p),
    kernel=lambda types, params: kernels.DynamicUpdate("({acc} + {0})"))


def dynamic_slice(x, starts, sizes):
    """The window of shape `sizes` of `x` at `starts`, integer scalars known at run time."""
    return bind(dynamic_slice_p, x, *starts, sizes=tuple(sizes)) if x.ndim else x


def dynamic_update_slice(x, update, starts):
    """`x` with the window at `starts` replaced by `update`."""
    return bind(dynamic_update_p, x, update, *starts) if x.ndim else update
