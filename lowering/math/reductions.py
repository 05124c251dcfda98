"""Steps of reductions, `acc = sum_step(acc, x[i])`, that let LLVM vectorise the loop.

It must be free to keep several partial results. For sums and products the instruction itself
gives that leave; a maximum that hands on NaN is associative as it is.
"""
from __future__ import annotations

from .registry import function, version
from .values import Value, on_device
from .vocabulary import complex_product, make_complex, where

_REORDER = ("reassoc", "contract", "nsz")


def _step(x, y, floating, integral, compute):
    if not isinstance(x, Value):
        return compute(x, y)
    if x.dtype.kind == "f":
        return x.same(getattr(x.builder, floating)(x.ir, x.operand(y), flags=_REORDER))
    return x.same(getattr(x.builder, integral)(x.ir, x.operand(y)))


@function("fiu")
def sum_step(acc, x):
    """acc + x, in whatever order the loop goes."""
    return _step(acc, x, "fadd", "add", lambda a, b: a + b)


@function("fiu")
def prod_step(acc, x):
    """acc * x, in whatever order the loop goes."""
    return _step(acc, x, "fmul", "mul", lambda a, b: a * b)


@version(sum_step, "c")
def _sum_step_complex(acc, x):
    return make_complex(sum_step(acc.real, x.real), sum_step(acc.imag, x.imag))


@version(prod_step, "c")
def _prod_step_complex(acc, x):
    return complex_product(acc, x)


def _extreme_step(acc, x, floating, compute):
    if isinstance(acc, Value) and acc.dtype.kind == "f" and not on_device(acc.builder):
        return acc.intrinsic(floating, x, flags=("nsz",))
    return compute(acc, x)


@function("fiub")
def max_step(acc, x):
    """The larger one, NaN if either is NaN."""
    return _extreme_step(acc, x, "llvm.maximum",
                         lambda a, b: where((a >= b) | (a != a), a, b))


@function("fiub")
def min_step(acc, x):
    """The smaller one, NaN if either is NaN."""
    return _extreme_step(acc, x, "llvm.minimum",
                         lambda a, b: where((a <= b) | (a != a), a, b))
