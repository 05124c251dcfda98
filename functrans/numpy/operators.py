"""Attaches operators and NumPy's methods to arrays and tracers.

`array.py` and `trace.py` know no promotion; this module, which does, completes their classes.
Importing it is enough. Imports `array`, `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.array import Array, ArrayBase
from functrans.errors import ArgumentError
from functrans.numpy import (choosing, creation, diagonals, indexing, manipulation, products,
                             reductions, repeating, searching, ufuncs)
from functrans.numpy.at import At
from functrans.numpy.promotion import canonical_dtype
from functrans.primitives import elementwise as basic
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert
from functrans.trace import Tracer, bind

_NUMBERS = (bool, int, float, complex, np.generic, np.ndarray, ArrayBase)


def _same_type(x, y) -> bool:
    """Whether both are arrays of one type, which is no bool; plain arrays build no types."""
    if type(x) is Array is type(y):
        a, b = x._data, y._data
        return (a.dtype is b.dtype and a.shape == b.shape and x._weak is y._weak
                and a.dtype.kind != "b")
    return isinstance(y, ArrayBase) and x.type is y.type and x.type.dtype.kind != "b"


def _operator(function: Callable, primitive=None, swapped: bool = False) -> Callable:
    """A binary operator; NotImplemented for what is no number, so that Python asks the other.

    primitive: what to bind at once where both operands have the same type, which is no bool.
    """
    def operate(self, other):
        if primitive is not None and _same_type(self, other):
            return bind(primitive, other, self) if swapped else bind(primitive, self, other)
        if not isinstance(other, _NUMBERS) and not hasattr(other, "__functrans_array__"):
            return NotImplemented
        return function(other, self) if swapped else function(self, other)
    return operate


def _comparison(function: Callable) -> Callable:
    def compare(self, other):
        if not isinstance(other, _NUMBERS):
            return NotImplemented
        return function(self, other)
    return compare


_BINARY = {
    "add": (ufuncs.add, basic.add_p), "sub": (ufuncs.subtract, basic.sub_p),
    "mul": (ufuncs.multiply, basic.mul_p), "truediv": (ufuncs.true_divide, None),
    "floordiv": (ufuncs.floor_divide, None), "mod": (ufuncs.remainder, None),
    "divmod": (ufuncs.divmod, None), "pow": (ufuncs.power, None),
    "matmul": (products.matmul, None), "and": (ufuncs.bitwise_and, None),
    "or": (ufuncs.bitwise_or, None), "xor": (ufuncs.bitwise_xor, None),
    "lshift": (ufuncs.left_shift, None), "rshift": (ufuncs.right_shift, None),
}
_COMPARE = {"eq": ufuncs.equal, "ne": ufuncs.not_equal, "lt": ufuncs.less,
            "le": ufuncs.less_equal, "gt": ufuncs.greater, "ge": ufuncs.greater_equal}
_UNARY = {"neg": ufuncs.negative, "pos": ufuncs.positive, "abs": ufuncs.abs,
          "invert": ufuncs.invert}

# Methods that are the function of the same name.
_METHODS = {
    "sum": reductions.sum, "prod": reductions.prod, "mean": reductions.mean,
    "var": reductions.var, "std": reductions.std, "max": reductions.max, "min": reductions.min,
    "all": reductions.all, "any": reductions.any, "argmax": reductions.argmax,
    "argmin": reductions.argmin, "cumsum": reductions.cumsum, "cumprod": reductions.cumprod,
    "ptp": reductions.ptp, "ravel": manipulation.ravel, "flatten": manipulation.ravel,
    "squeeze": manipulation.squeeze, "swapaxes": manipulation.swapaxes,
    "repeat": repeating.repeat, "dot": products.dot, "trace": products.trace,
    "diagonal": diagonals.diagonal, "take": indexing.take, "choose": choosing.choose,
    "argsort": searching.argsort, "searchsorted": searching.searchsorted,
    "nonzero": searching.nonzero, "clip": ufuncs.clip, "round": ufuncs.round,
    "conj": ufuncs.conjugate, "conjugate": ufuncs.conjugate, "copy": creation.copy,
}


def _reshape(self, *shape, order: str = "C"):
    """The same elements in another shape: `x.reshape(2, 3)` or `x.reshape((2, 3))`."""
    return manipulation.reshape(self, shape[0] if len(shape) == 1 else shape, order)


def _transpose(self, *axes):
    """The axes in another order, reversed by default."""
    if not axes or axes == (None,):
        return manipulation.transpose(self)
    return manipulation.transpose(self, axes[0] if len(axes) == 1 and
                                  hasattr(axes[0], "__len__") else axes)


def _astype(self, dtype, copy: bool = True):
    """The elements converted to `dtype`."""
    return convert(self, canonical_dtype(dtype))


def _view(self, dtype):
    raise ArgumentError("views of memory are not available; use astype, or "
                        "lax.bitcast_convert_type")


def _matrix_transpose(self):
    return manipulation.matrix_transpose(self)


def _augmented(name: str) -> Callable:
    """`x += y` makes a new array and binds the name to it."""
    plain = f"__{name}__"

    def augmented(self, other):
        return getattr(self, plain)(other)
    return augmented


def install():
    """Completes `ArrayBase`."""
    for name, (function, primitive) in _BINARY.items():
        setattr(ArrayBase, f"__{name}__", _operator(function, primitive))
        setattr(ArrayBase, f"__r{name}__", _operator(function, primitive, swapped=True))
    for name, function in _COMPARE.items():
        setattr(ArrayBase, f"__{name}__", _comparison(function))
    for name, function in _UNARY.items():
        setattr(ArrayBase, f"__{name}__", _method(function))
    for name, function in _METHODS.items():
        setattr(ArrayBase, name, _method(function))
    ArrayBase.__getitem__ = lambda self, index: indexing.getitem(self, index)
    ArrayBase.reshape, ArrayBase.transpose = _reshape, _transpose
    ArrayBase.astype, ArrayBase.view = _astype, _view
    ArrayBase.sort = _method(searching.sort)
    ArrayBase.T = property(lambda self: prim.transpose(self, range(self.ndim)[::-1]))
    ArrayBase.mT = property(_matrix_transpose)
    ArrayBase.real = property(ufuncs.real)
    ArrayBase.imag = property(ufuncs.imag)
    ArrayBase.at = property(At)
    ArrayBase.__hash__ = None
    for kind in (Array, Tracer):                 # __eq__ above resets it in no subclass
        kind.__hash__ = None


def _method(function: Callable) -> Callable:
    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)
    method.__name__ = getattr(function, "__name__", "method")
    method.__doc__ = function.__doc__
    return method


install()
