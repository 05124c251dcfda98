"""The three primitives of which tangents are made: addition, and broadcast with its adjoint sum.

Every other family uses them in its rules. Imports `ir`, `errors`, `trace`.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.errors import DtypeError, ShapeError
from functrans.ir.primitive import Broadcast, Elementwise, Linear, Primitive, Reduce
from functrans.ir.type import ArrayType, is_bool, is_complex, is_float, is_integer
from functrans.primitives.stack import add_stacks, empty_stack, is_stack
from functrans.trace import bind

# ---- what operands must have in common ----

_KINDS = {
    "any": lambda dtype: True,
    "number": lambda dtype: not is_bool(dtype),
    "real": lambda dtype: is_integer(dtype) or is_float(dtype),
    "ordered": lambda dtype: not is_complex(dtype),
    "inexact": lambda dtype: is_float(dtype) or is_complex(dtype),
    "float": is_float,
    "complex": is_complex,
    "integer": is_integer,
    "bits": lambda dtype: is_bool(dtype) or is_integer(dtype),
    "bool": is_bool,
}


_WORDS = {
    "number": "numbers", "real": "real numbers", "ordered": "real numbers or booleans",
    "inexact": "floating-point numbers", "float": "real floating-point numbers",
    "complex": "complex numbers", "integer": "integers", "bits": "integers or booleans",
    "bool": "booleans",
}


def require(kind: str, dtype, name: str):
    """Raises unless `dtype` is one of `kind`, a key of the table above."""
    if not _KINDS[kind](dtype):
        raise DtypeError(f"{name} takes {_WORDS[kind]}, not {dtype.name}")


def same_dtype(types: Sequence[ArrayType], name: str) -> np.dtype:
    """The one dtype of all operands."""
    dtype = types[0].dtype
    for kind in types:
        if kind.dtype != dtype:
            shown = ", ".join(map(str, types))
            raise DtypeError(f"{name} takes operands of one dtype, got {shown}")
    return dtype


def common_shape(types: Sequence[ArrayType], name: str) -> tuple:
    """The one shape of all operands; scalars (literals) go with any."""
    shape = ()
    for kind in types:
        if kind.shape and shape != kind.shape:
            if shape:
                shown = ", ".join(map(str, types))
                raise ShapeError(f"{name} takes operands of one shape, got {shown}")
            shape = kind.shape
    return shape


def type_of_value(value) -> ArrayType:
    """The type of an array, a tracer or a literal, in a rule."""
    return value.type if hasattr(value, "type") else ArrayType((), value.dtype)


def is_linear(value) -> bool:
    """Whether an input of a transpose rule is the one to be solved for."""
    return type(value) is Linear


# ---- add ----

def _infer_add(x, y):
    require("number", same_dtype((x, y), "add"), "add")
    return ArrayType(common_shape((x, y), "add"), x.dtype)


def _jvp_add(out, primals, tangents, params):
    return add_tangents(*tangents)


def _transpose_add(ct, inputs, params):
    return tuple(ct if is_linear(value) else None for value in inputs)


def _batch_add(size, args, batched, params):
    return bind(add_p, *(with_batch_axis(size, *pair) for pair in zip(args, batched))), True


add_p = Primitive(name="add", infer=_infer_add, evaluate=np.add, jvp=_jvp_add,
                  transpose=_transpose_add, batch=_batch_add,
                  kernel=lambda types, params: Elementwise("({0} + {1})"))


def add_tangents(a, b):
    """The sum of two tangents or cotangents, either of which may be a symbolic zero."""
    if a is None:
        return b
    if b is None:
        return a
    return add_stacks(a, b) if is_stack(type_of_value(a)) else bind(add_p, a, b)


# ---- broadcast ----

def _infer_broadcast(operand, *, shape, dims):
    if len(dims) != operand.ndim or any(a >= b for a, b in zip(dims, dims[1:])):
        raise ShapeError(f"broadcast: dims {dims} do not place the axes of {operand}")
    for size, dim in zip(operand.shape, dims):
        if dim >= len(shape) or size not in (1, shape[dim]):
            raise ShapeError(f"cannot broadcast {operand} to shape {tuple(shape)}: "
                             f"its axes go to {dims}")
    return ArrayType(shape, operand.dtype)


def _evaluate_broadcast(x, *, shape, dims):
    x = np.asarray(x)
    spread = [1] * len(shape)
    for size, dim in zip(x.shape, dims):
        spread[dim] = size
    return np.broadcast_to(x.reshape(spread), shape)


def _batch_broadcast(size, args, batched, params):
    shape, dims = params["shape"], params["dims"]
    moved = (0, *(dim + 1 for dim in dims))
    return bind(broadcast_p, *args, shape=(size, *shape), dims=moved), True


def _transpose_broadcast(ct, inputs, params):
    """The adjoint: sum over new axes, and over axes of size one that were repeated."""
    operand, dims = inputs[0], params["dims"]
    stretched = [dim for size, dim in zip(operand.shape, dims) if size != params["shape"][dim]]
    new = [dim for dim in range(ct.ndim) if dim not in dims]
    total = reduce_sum(ct, sorted(new + stretched))
    if stretched:
        kept = [k for k, (size, dim) in enumerate(zip(operand.shape, dims))
                if dim not in stretched]
        total = broadcast(total, operand.shape, kept)
    return (total,)


broadcast_p = Primitive(
    name="broadcast", infer=_infer_broadcast, evaluate=_evaluate_broadcast,
    jvp=lambda out, primals, tangents, params: bind(broadcast_p, *tangents, **params),
    transpose=_transpose_broadcast, batch=_batch_broadcast,
    kernel=lambda types, params: Broadcast(params["dims"]))


def broadcast(x, shape, dims=()):
    """`x` with axis k placed at `dims[k]` of `shape`, repeated along the others."""
    if x.shape == tuple(shape):
        return x
    return bind(broadcast_p, x, shape=tuple(shape), dims=tuple(dims))


def with_batch_axis(size: int, arg, batched: bool):
    """`arg` with a mapped axis in front; a literal stays as it is."""
    if batched or isinstance(arg, np.generic):
        return arg
    shape = (size, *arg.shape)
    return bind(broadcast_p, arg, shape=shape, dims=tuple(range(1, len(shape))))


def full(type: ArrayType, value):
    """An array of one value."""
    return bind(broadcast_p, type.dtype.type(value), shape=type.shape, dims=())


def zeros(type: ArrayType):
    """The zero of a type, as an array."""
    return empty_stack(type) if is_stack(type) else full(type, 0)


def instantiate(tangent, type: ArrayType):
    """A tangent, written out if it is a symbolic zero."""
    return zeros(type) if tangent is None else tangent


# ---- sum, the adjoint of broadcast ----

def kept_shape(shape: tuple, axes: tuple, name: str) -> tuple:
    """A shape without its reduced axes."""
    if any(not 0 <= axis < len(shape) for axis in axes) or len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: axes {axes} are not axes of shape {shape}")
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _infer_sum(operand, *, axes):
    require("number", operand.dtype, "reduce_sum")
    return ArrayType(kept_shape(operand.shape, axes, "reduce_sum"), operand.dtype)


def _evaluate_sum(x, *, axes):
    return np.add.reduce(x, axis=axes, dtype=accumulator(x.dtype)).astype(x.dtype, copy=False)


def accumulator(dtype):
    """Half precision sums are accumulated in float32, as the kernels do."""
    return np.float32 if dtype.itemsize == 2 and is_float(dtype) else dtype


def _transpose_sum(ct, inputs, params):
    shape, axes = inputs[0].shape, params["axes"]
    return (broadcast(ct, shape, [k for k in range(len(shape)) if k not in axes]),)


def batch_axes(params: dict) -> dict:
    """Params whose `axes` are counted behind the mapped axis."""
    return {**params, "axes": tuple(axis + 1 for axis in params["axes"])}


reduce_sum_p = Primitive(
    name="reduce_sum", infer=_infer_sum, evaluate=_evaluate_sum,
    jvp=lambda out, primals, tangents, params: bind(reduce_sum_p, *tangents, **params),
    transpose=_transpose_sum,
    batch=lambda size, args, batched, params:
        (bind(reduce_sum_p, *args, **batch_axes(params)), True),
    kernel=lambda types, params: Reduce(params["axes"], types[0].dtype.type(0),
                                        "sum_step({acc}, {0})"))


def reduce_sum(x, axes):
    """The sum over `axes`."""
    return bind(reduce_sum_p, x, axes=tuple(axes)) if axes else x
