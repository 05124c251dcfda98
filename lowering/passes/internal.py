"""Equations that passes make: relabelings, copies and joins, as primitives of their own.

In: operands. Out: equations. Imports `functrans.ir` only.
"""
from __future__ import annotations

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.program import Equation, Var
from functrans.ir.type import ArrayType


def apply(primitive: Primitive, inputs: tuple, params: dict, location=None) -> Equation:
    """An equation with a new variable for its result."""
    kind = primitive.infer(*(atom.type for atom in inputs), **params)
    return Equation(primitive, inputs, params, (Var(kind),), location)


def reapplied(equation: Equation, inputs: tuple, params: dict) -> Equation:
    """The primitive of an equation on other operands, with other params."""
    return apply(equation.primitive, inputs, params, equation.location)


# The texts of addition: of two values, and of a value to a running sum.
ADD = "({0} + {1})"
SUM = "sum_step({acc}, {0})"

COPY = Primitive(
    name="copy", infer=lambda x: x, evaluate=np.array,
    kernel=lambda types, params: kernels.Elementwise("{0}", 0))

TRANSPOSE = Primitive(
    name="transpose",
    infer=lambda x, *, perm: ArrayType(tuple(x.shape[k] for k in perm), x.dtype),
    evaluate=lambda x, *, perm: np.transpose(x, perm),
    kernel=lambda types, params: kernels.Transpose(params["perm"]))

BROADCAST = Primitive(
    name="broadcast", infer=lambda x, *, shape: ArrayType(shape, x.dtype),
    evaluate=lambda x, *, shape: np.broadcast_to(x, shape),
    kernel=lambda types, params: kernels.Broadcast(()))


def _joined(*types: ArrayType, axis: int) -> ArrayType:
    shape = list(types[0].shape)
    shape[axis] = sum(kind.shape[axis] for kind in types)
    return ArrayType(tuple(shape), types[0].dtype)


CONCATENATE = Primitive(
    name="concatenate", infer=_joined, evaluate=lambda *xs, axis: np.concatenate(xs, axis),
    kernel=lambda types, params: kernels.Concatenate(params["axis"]))

RESHAPE = Primitive(
    name="reshape", infer=lambda x, *, shape: ArrayType(shape, x.dtype),
    evaluate=lambda x, *, shape: np.reshape(x, shape),
    kernel=lambda types, params: kernels.Reshape())


def _sliced(x: ArrayType, *, start: tuple, step: tuple, shape: tuple) -> ArrayType:
    return ArrayType(shape, x.dtype)


def _evaluate_slice(x, *, start, step, shape):
    index = np.ix_(*(a + b * np.arange(n) for a, b, n in zip(start, step, shape)))
    return x[index] if shape else x


SLICE = Primitive(
    name="slice", infer=_sliced, evaluate=_evaluate_slice,
    kernel=lambda types, params: kernels.Slice(params["start"], params["step"]))


def _scanned(*types: ArrayType, body, length: int, reverse: bool, constants: int, carries: int):
    return (*body.output_types[:carries],
            *(kind.with_shape((length, *kind.shape)) for kind in body.output_types[carries:]))


SCAN = Primitive(
    name="scan", infer=_scanned, evaluate=None, multiple=True,
    kernel=lambda types, params: kernels.Scan(params["body"], params["length"],
                                              params["constants"], params["carries"],
                                              params["reverse"]))
