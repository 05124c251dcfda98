"""Stacks: sequences whose length a loop decides at run time, as values.

A stack without elements stands for zeros of any length. In NumPy, an array of stacks is an array
of objects, each an array `(length, *element shape)`. Imports `ir`, `trace`.
"""
from __future__ import annotations

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, StackDtype, storage_dtype
from functrans.trace import bind


def is_stack(kind: ArrayType) -> bool:
    """Whether a type is one of stacks."""
    return isinstance(kind.dtype, StackDtype)


def no_elements(kind: ArrayType) -> np.ndarray:
    """An array of stacks without elements."""
    element = kind.dtype.element
    out = np.empty(kind.shape, object)
    for place in np.ndindex(*kind.shape):
        out[place] = np.zeros((0, *element.shape), storage_dtype(element.dtype))
    return out


def zero_data(kind: ArrayType) -> np.ndarray:
    """The zero of a type, as NumPy data."""
    return no_elements(kind) if is_stack(kind) else np.zeros(kind.shape, kind.dtype)


empty_stack_p = Primitive(
    name="empty_stack", infer=lambda *, kind: (kind,), multiple=True, inherits_weak=False,
    evaluate=lambda *, kind: (no_elements(kind),),
    kernel=lambda types, params: kernels.EmptyStack())


def _add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum of arrays, or of arrays of stacks (whose elements may be stacks again)."""
    if a.dtype != object:
        return a + b
    out = np.empty(a.shape, object)
    for place in np.ndindex(*a.shape):
        x, y = a[place], b[place]
        out[place] = x if not len(y) else y if not len(x) else _add(x, y)
    return out


stack_add_p = Primitive(
    name="stack_add", infer=lambda a, b: (a,), evaluate=lambda a, b: (_add(a, b),),
    multiple=True, inherits_weak=False,
    jvp=lambda out, primals, tangents, params: (add_stacks(*tangents),),
    transpose=lambda cts, inputs, params:
        tuple(cts[0] if type(value) is kernels.Linear else None for value in inputs),
    batch=lambda size, args, batched, params: (_batched_add(size, args, batched), (True,)),
    kernel=lambda types, params: kernels.AddStacks())


def empty_stack(kind: ArrayType):
    """Stacks without elements: the zero of their type."""
    return bind(empty_stack_p, kind=kind)[0]


def add_stacks(a, b):
    """The sum, element by element; either may be None, a zero."""
    if a is None or b is None:
        return b if a is None else a
    return bind(stack_add_p, a, b)[0]


def _batched_add(size, args, batched):
    from functrans.primitives.basic import with_batch_axis
    return bind(stack_add_p, *(with_batch_axis(size, *pair) for pair in zip(args, batched)))
