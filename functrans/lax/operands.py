"""Operands of `lax` functions: of one dtype and one shape, as they are given.

Nothing is promoted, but for Python's numbers (and what was computed from them alone), which take
the dtype of what they meet. Scalars go with every shape.

In: what users pass. Out: arrays, tracers and literals that primitives take. Imports `array`,
`errors`, `numpy.promotion`, `lax.common`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from functrans.array import Array, ArrayBase
from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.ir.type import ArrayType
from functrans.lax.common import gives_way, strongest
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_all, broadcast_one,
                                       canonical_axis, cast, scalar_dtype)
from functrans.primitives.elementwise import convert
from functrans.trace import bind


def kind_of(x) -> ArrayType:
    """The type of an operand: an array, or a number of Python's or NumPy's."""
    if isinstance(x, ArrayBase):
        return x.type
    if isinstance(x, np.generic):
        return ArrayType((), x.dtype)
    dtype = scalar_dtype(x)
    return ArrayType((), dtype, dtype.kind != "b")


def of_one_dtype(name: str, *operands) -> list:
    """Operands in the one dtype that they have; numbers become literals of it.

    Raises TypeError, with the types and the remedy, if there are several.
    """
    operands = [as_operand(x, f"lax.{name}") for x in operands]
    kinds = [kind_of(x) for x in operands]
    dtype = strongest(kinds).dtype
    if any(kind.dtype != dtype and not gives_way(kind, ArrayType((), dtype)) for kind in kinds):
        raise DtypeError(
            f"lax.{name} takes operands of one dtype, got {', '.join(map(str, kinds))}: nothing "
            f"is promoted here. Convert with lax.convert_element_type(x, {dtype.name!r}), or use "
            "the function of functrans.numpy, which promotes")
    return [cast(x, dtype) for x in operands]


def of_one_shape(name: str, operands: Sequence) -> list:
    """Operands of one shape. Scalars go with every shape, axes of size one with every size."""
    shapes = [np.shape(x) for x in operands]
    full = [shape for shape in shapes if shape]
    if any(len(shape) != len(full[0]) for shape in full) or not _meet(full):
        kinds = ", ".join(str(kind_of(x)) for x in operands)
        raise ShapeError(
            f"lax.{name} takes operands of one shape, or scalars, got {kinds}. Use "
            "lax.broadcast_in_dim, or the function of functrans.numpy, which broadcasts")
    return broadcast_all(list(operands))


def _meet(shapes: Sequence[tuple]) -> bool:
    return all(len({size for size in column if size != 1}) < 2 for column in zip(*shapes))


def alike(name: str, *operands) -> list:
    """Operands of one dtype and one shape; at least the first of them is an array."""
    if _are_plain(operands):
        return list(operands)
    return of_one_shape(name, of_one_dtype(name, *operands))


def _are_plain(operands: tuple) -> bool:
    """Whether operands are plain arrays of one dtype and one shape, as most are."""
    first = operands[0]
    return type(first) is Array and all(
        type(x) is Array and x.dtype == first.dtype and x.shape == first.shape
        for x in operands[1:])


def arrays_alike(name: str, *operands) -> list:
    """As `alike`; all are arrays."""
    operands = alike(name, *operands)
    shape = next(x.shape for x in operands if isinstance(x, ArrayBase))
    return [broadcast_one(as_arraylike(x), shape) for x in operands]


def one(x, name: str) -> ArrayBase:
    """The one operand of a function."""
    return as_arraylike(x, f"lax.{name}")


def in_dtype(x, like: ArrayBase, name: str, what: str):
    """A scalar in the dtype of an array, where it has it or gives way."""
    x = as_operand(x, f"lax.{name}")
    kind = kind_of(x)
    if kind.dtype != like.dtype and not gives_way(kind, like.type):
        raise DtypeError(f"lax.{name}: {what} must be of the operand's dtype {like.dtype.name}, "
                         f"got {kind}")
    return cast(x, like.dtype)


def axes_of(dimensions, ndim: int, name: str) -> tuple:
    """Dimensions as users give them, counted from the front, in their order.

    Raises AxisError (an IndexError and a ValueError) for those outside, ValueError for doubles.
    """
    axes = tuple(canonical_axis(axis, ndim) for axis in np.atleast_1d(dimensions).tolist()) \
        if np.size(dimensions) else ()
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"lax.{name}: a dimension comes twice in {tuple(dimensions)}")
    return axes


def sizes_of(values, count: int, name: str, what: str) -> tuple:
    """A tuple of `count` ints; ones, for None."""
    if values is None:
        return (1,) * count
    values = tuple(int(value) for value in values)
    if len(values) != count:
        raise ShapeError(f"lax.{name}: {what} must have {count} entries, got {values}")
    return values


# ---- functions from primitives ----

def documented(function: Callable, name: str, doc: str, call: str, result: str,
               modules: str = "lax") -> Callable:
    """The function under a name, with its documentation and a first example."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (f"{doc}\n\n    >>> from functrans import {modules}\n"
                        f"    >>> lax.{call}\n    {result}\n    ")
    function.__module__ = "functrans.lax"
    return function


@lru_cache(maxsize=1024)
def _accept(primitive, dtype, count: int):
    """Raises unless a primitive takes `count` operands of a dtype: evaluation does not ask."""
    primitive.infer(*(ArrayType((), dtype),) * count)


def apply(primitive, *operands):
    """An elementwise primitive on operands that are alike."""
    _accept(primitive, operands[0].dtype, len(operands))
    return bind(primitive, *operands)


def checked(primitive, *operands, **params) -> tuple:
    """Operands whose shapes and dtypes a primitive takes: evaluation asks for neither."""
    primitive.infer(*map(kind_of, operands), **params)
    return operands


def unary(name: str, primitive, doc: str, call: str, result: str) -> Callable:
    """A function of one operand that is a primitive."""
    def function(x):
        return apply(primitive, one(x, name))
    return documented(function, name, doc, call, result)


def unary_to_accuracy(name: str, primitive, doc: str, call: str, result: str) -> Callable:
    """As `unary`, with the keyword `accuracy`, which asks for no other result."""
    def function(x, *, accuracy=None):
        return apply(primitive, one(x, name))
    return documented(function, name, doc, call, result)


def binary(name: str, primitive, doc: str, call: str, result: str) -> Callable:
    """A function of two operands that is a primitive."""
    def function(x, y):
        return apply(primitive, *alike(name, x, y))
    return documented(function, name, doc, call, result)


def preferred(x, dtype):
    """`x` in a dtype that was asked for, or as it is."""
    return x if dtype is None else convert(x, dtype)
