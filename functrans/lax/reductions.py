"""Reductions and running results of `lax`.

Axes may count from the end. Booleans are not numbers: convert them before a sum. Imports
`lax.monoids`, `lax.operands`, `primitives`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from functrans import tree
from functrans.config import default_int
from functrans.lax.monoids import fold, monoid_of, spread
from functrans.lax.operands import axes_of, documented, one
from functrans.lax.prefix import associative_scan
from functrans.numpy.functions import logaddexp
from functrans.numpy.promotion import canonical_axis, canonical_dtype
from functrans.primitives import basic, cumulative
from functrans.primitives import reduce as primitives
from functrans.primitives import shape as prim
from functrans.primitives.basic import add_p, require
from functrans.primitives.elementwise import and_p, convert, max_p, min_p, mul_p, or_p, xor

# What reduces by a primitive of two operands.
_KNOWN = {add_p: basic.reduce_sum, mul_p: primitives.reduce_prod, max_p: primitives.reduce_max,
          min_p: primitives.reduce_min, and_p: primitives.reduce_and, or_p: primitives.reduce_or}


def reduce(operands, init_values, computation: Callable, dimensions: Sequence[int]):
    """Elements along `dimensions` combined by an associative function of two values.

    operands: an array, or a pytree of arrays of one shape. init_values: scalars of their dtypes, in
    the same structure, with which the combination begins. computation: a function of two such
    values (scalars) that returns one. A sum, product, maximum, minimum, and, or becomes the
    primitive of that name; another is applied by a tree, to neighbours.
    Raises TypeError for structures and dtypes that differ.

    >>> from functrans import lax, numpy as fnp
    >>> lax.reduce(fnp.ones((2, 3)), 0.0, lax.add, (1,))
    Array([3., 3.], dtype=float32)
    """
    monoid = monoid_of(operands, init_values, computation, "reduce")
    first = monoid.arrays[0]
    axes = axes_of(dimensions, first.ndim, "reduce")
    kept = tuple(size for k, size in enumerate(first.shape) if k not in axes)
    starts = spread(monoid.starts, kept)
    if not math.prod(first.shape[axis] for axis in axes):
        return tree.unflatten(monoid.structure, starts)
    if monoid.primitive in _KNOWN:
        total = [_KNOWN[monoid.primitive](first, axes)]
    else:
        rows = [_in_front(x, axes) for x in monoid.arrays]
        total = [prim.reshape(x, kept) for x in fold(monoid.combine, rows, 0)]
    return tree.unflatten(monoid.structure, monoid.combine(starts, total))


def _in_front(x, axes: tuple):
    """`x` with the elements along `axes` as its first axis."""
    rest = [k for k in range(x.ndim) if k not in axes]
    count = math.prod(x.shape[axis] for axis in axes)
    return prim.reshape(prim.transpose(x, (*axes, *rest)), (count, *(x.shape[k] for k in rest)))


def _reduction(name: str, function: Callable, kind: str, doc: str, call: str,
               result: str) -> Callable:
    def reduction(operand, axes):
        operand = one(operand, name)
        require(kind, operand.dtype, f"lax.{name}")
        return function(operand, axes_of(axes, operand.ndim, name))
    return documented(reduction, name, f"{doc} along `axes`, a sequence of ints.", call, result)


def _parity(operand, axes: tuple):
    """The exclusive or of all elements along axes."""
    return reduce(operand, operand.dtype.type(0), xor, axes)



reduce_sum = _reduction("reduce_sum", basic.reduce_sum, "number", "The sum of elements",
                        "reduce_sum([[1, 2], [3, 4]], (0,))", "Array([4, 6], dtype=int64)")
reduce_prod = _reduction("reduce_prod", primitives.reduce_prod, "number", "The product of elements",
                         "reduce_prod([[1, 2], [3, 4]], (0,))", "Array([3, 8], dtype=int64)")
reduce_max = _reduction("reduce_max", primitives.reduce_max, "ordered", "The largest element",
                        "reduce_max([[1, 2], [3, 4]], (0,))", "Array([3, 4], dtype=int64)")
reduce_min = _reduction("reduce_min", primitives.reduce_min, "ordered", "The smallest element",
                        "reduce_min([[1, 2], [3, 4]], (0,))", "Array([1, 2], dtype=int64)")
reduce_and = _reduction("reduce_and", primitives.reduce_and, "bits", "The bits that all have",
                        "reduce_and([True, False], (0,))", "Array(False, dtype=bool)")
reduce_or = _reduction("reduce_or", primitives.reduce_or, "bits", "The bits that any has",
                       "reduce_or([True, False], (0,))", "Array(True, dtype=bool)")
reduce_xor = _reduction("reduce_xor", _parity, "bits", "The bits that an odd number has",
                        "reduce_xor([True, True], (0,))", "Array(False, dtype=bool)")


def argmax(operand, axis: int, index_dtype=None):
    """The index of the first largest element along an axis; NaN counts as the largest.

    index_dtype: of the result, the default int dtype unless given.

    >>> from functrans import lax, numpy as fnp
    >>> lax.argmax(fnp.array([1.0, 3.0]), 0, "int32")
    Array(1, dtype=int32)
    """
    return _place(primitives.argmax, operand, axis, index_dtype, "argmax")


def argmin(operand, axis: int, index_dtype=None):
    """The index of the first smallest element along an axis; NaN counts as the smallest.

    index_dtype: of the result, the default int dtype unless given.

    >>> from functrans import lax, numpy as fnp
    >>> lax.argmin(fnp.array([1.0, 3.0]), 0, "int32")
    Array(0, dtype=int32)
    """
    return _place(primitives.argmin, operand, axis, index_dtype, "argmin")


def _place(function: Callable, operand, axis: int, dtype, name: str):
    operand = one(operand, name)
    require("ordered", operand.dtype, f"lax.{name}")
    dtype = default_int() if dtype is None else canonical_dtype(dtype)
    return convert(function(operand, canonical_axis(axis, operand.ndim)), dtype)


# ---- running results ----

def _running(name: str, function: Callable, kind: str, doc: str, call: str,
             result: str) -> Callable:
    def running(operand, axis: int = 0, reverse: bool = False):
        operand = one(operand, name)
        require(kind, operand.dtype, f"lax.{name}")
        return function(operand, canonical_axis(axis, operand.ndim), bool(reverse))
    return documented(running, name, f"{doc} along an axis; from its end, if `reverse`.", call,
                      result)


def _log_sum_of_exponentials(operand, axis: int, reverse: bool):
    return associative_scan(logaddexp, operand, reverse, axis)


cumsum = _running("cumsum", cumulative.cumsum, "number", "The sums so far",
                  "cumsum([1, 2, 3])", "Array([1, 3, 6], dtype=int64)")
cumprod = _running("cumprod", cumulative.cumprod, "number", "The products so far",
                   "cumprod([1, 2, 3])", "Array([1, 2, 6], dtype=int64)")
cummax = _running("cummax", cumulative.cummax, "ordered", "The largest so far",
                  "cummax([1, 3, 2])", "Array([1, 3, 3], dtype=int64)")
cummin = _running("cummin", cumulative.cummin, "ordered", "The smallest so far",
                  "cummin([2, 1, 3])", "Array([2, 1, 1], dtype=int64)")
cumlogsumexp = _running("cumlogsumexp", _log_sum_of_exponentials, "float",
                        "log(exp(x0) + exp(x1) + ...) so far, without overflow,",
                        "cumlogsumexp([0.0, 0.0])", "Array([0.       , 0.6931472], dtype=float32)")
