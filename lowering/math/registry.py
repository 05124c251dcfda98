"""From function bodies to functions that kernels call.

`@function("f")` makes a function of float32 and float64 from a body. Called from Python it runs
the body on NumPy scalars (or arrays). Met in a kernel, the body is run once more, on `Value`s,
which emits its code right there: no call is left to inline, and no types are inferred inside.

Who compiles functions by numba may call them too: `for_numba` tells it how, when it first asks.
"""
from __future__ import annotations

import functools

import numpy as np

from .values import ComplexValue, Value

FUNCTIONS: dict[str, object] = {}    # by name: all that kernels may call

_KINDS = {"f": (np.float32, np.float64), "c": (np.complex64, np.complex128), "b": (np.bool_,),
          "i": (np.int8, np.int16, np.int32, np.int64),
          "u": (np.uint8, np.uint16, np.uint32, np.uint64)}


def _same(dtype):
    return dtype


def function(kinds: str, returns=_same, only=None, literals=0):
    """Make a function of a body. All arguments are of one dtype.

    The last ones, as many as `literals`, are integers that stand in the kernel's text instead;
    the body gets them as Python integers.
    `kinds` are the kinds of dtypes it takes: "f" float32 and float64, "c" complex64 and
    complex128, "i" and "u" integers, "b" bool; or it takes `only` one dtype. `returns` gives the
    dtype of the result, or a tuple of them, from that of the arguments.
    """
    def decorate(body):
        call = Function(body, literals)
        version(call, kinds, returns, only)(body)
        FUNCTIONS[body.__name__] = call
        return call
    return decorate


class Function:
    """What `function` makes. `versions`: for each dtype the body, and how the result's follows."""

    def __init__(self, body, literals: int):
        functools.update_wrapper(self, body)
        self.versions: dict = {}
        self.literals = literals

    def __call__(self, *args):
        return _apply(self, args)

    @property
    def _numba_type_(self):
        """numba asks for this where it meets the function in a user's."""
        from .for_numba import type_of
        return type_of(self)

    def __repr__(self):
        return f"<{self.__name__} of kernels>"


def version(of, kinds: str, returns=_same, only=None):
    """Make a body what the function `of` does for further dtypes."""
    def decorate(body):
        for dtype in (only,) if only else map(np.dtype, sum((_KINDS[k] for k in kinds), ())):
            of.versions[dtype] = body, returns
        return body
    return decorate


def _apply(call, args):
    """Run the body for these arguments: compute, or emit."""
    if isinstance(args[0], (Value, ComplexValue)):
        return call.versions[args[0].dtype][0](*args)
    numbers = len(args) - call.literals
    args = [arg if isinstance(arg, (np.generic, np.ndarray)) else np.asarray(arg)[()]
            for arg in args[:numbers]] + list(map(int, args[numbers:]))
    if args[0].dtype not in call.versions:
        raise TypeError(f"{call.__name__} does not take {args[0].dtype}")
    with np.errstate(all="ignore"):
        return call.versions[args[0].dtype][0](*args)
