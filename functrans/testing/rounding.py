"""An interpreter that makes the errors of rounding, at random: Monte Carlo arithmetic.

In: a relative precision. Out: `Rounding`, which evaluates primitives as `Eval` does, in float64,
and changes each result by up to half a unit in the last place of that precision. How far results
of a computation lie apart then tells how far rounding can carry it. Imports `array`, `trace`
and `layout`.

Source: D. S. Parker, "Monte Carlo Arithmetic: exploiting randomness in floating-point
arithmetic", UCLA CSD-970002 (1997).
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.array import Array
from functrans.ir.primitive import Primitive
from functrans.testing.layout import shaken
from functrans.trace import Eval


class Rounding(Eval):
    """eps: the distance from 1 to the next number. dtype: a narrow one whose range, too, is
    kept to, or None."""

    __slots__ = ("eps", "rng", "dtype")

    def __init__(self, eps: float, seed: int, dtype: str | None = None):
        self.eps = eps
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype

    def _inside(self, outer) -> bool:
        return False

    def bind(self, primitive: Primitive, args: Sequence, params: dict):
        out = super().bind(primitive, args, params)
        if primitive.multiple:
            return tuple([self._rounded(part, args) for part in out])
        return self._rounded(out, args)

    def _rounded(self, value, args: Sequence):
        """What only picks or moves entries of its operands, as a maximum does, is exact: rules may
        ask whether a result equals an operand."""
        if type(value) is not Array or value.dtype.kind not in "fc" or _is_taken_from(args, value):
            return value
        data = value._concrete("rounding")
        with np.errstate(all="ignore"):
            moved = np.asarray(shaken(data, 0.5 * self.eps, self.rng)).astype(data.dtype)
            if self.dtype is not None:
                moved = _within_range(moved, self.dtype)
        return Array(np.asarray(moved), value._weak)


def _is_taken_from(args: Sequence, value: Array) -> bool:
    """Whether all entries of a result are entries of an operand."""
    data = np.ravel(value._concrete("rounding"))
    given = [np.ravel(arg._concrete("rounding")) for arg in args
             if type(arg) is Array and arg.dtype == value.dtype]
    if not any(np.any(part == data[:1]) for part in given):       # the first entry mostly tells
        return False
    return bool(np.isin(data, np.concatenate(given)).all())


_LARGEST = {"float16": (65504.0, 2.0 ** -24), "bfloat16": (3.39e38, 2.0 ** -133),
            "float32": (3.4028235e38, 2.0 ** -149), "complex64": (3.4028235e38, 2.0 ** -149)}


def _within_range(values: np.ndarray, dtype: str) -> np.ndarray:
    """Infinite beyond the largest number, and as coarse as the smallest one near zero."""
    largest, smallest = _LARGEST[dtype]
    if values.dtype.kind == "c":
        real, imag = (_within_range(part, dtype) for part in (values.real, values.imag))
        return real + 1j * imag
    values = np.where(np.abs(values) > largest, np.copysign(np.inf, values), values)
    return np.where(np.abs(values) < 2 ** 12 * smallest, np.rint(values / smallest) * smallest,
                    values)
