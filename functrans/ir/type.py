"""Types of values: shape, dtype, and whether the dtype is only a suggestion.

In: shapes and NumPy dtypes. Out: `ArrayType`. Imports NumPy only.
"""
from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

SHORT_NAMES = {
    "bool": "bool", "float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64",
    "complex64": "c64", "complex128": "c128",
    **{f"int{n}": f"i{n}" for n in (8, 16, 32, 64)},
    **{f"uint{n}": f"u{n}" for n in (8, 16, 32, 64)},
}

# Kinds by which rules ask about a dtype. bfloat16 is registered with NumPy by the optional
# package ml_dtypes with kind "V", so it is asked for by name.
_INTEGER, _FLOAT, _COMPLEX = "iu", "f", "c"


@lru_cache(maxsize=1024)
def name_of(dtype) -> str:
    """`dtype.name`, which NumPy puts together anew each time."""
    return dtype.name


def is_bool(dtype) -> bool:
    return dtype.kind == "b"


def is_integer(dtype) -> bool:
    return dtype.kind in _INTEGER


def is_float(dtype) -> bool:
    return dtype.kind in _FLOAT or dtype.name == "bfloat16"


def is_complex(dtype) -> bool:
    return dtype.kind in _COMPLEX


def is_inexact(dtype) -> bool:
    """True for the dtypes that have a tangent: real and complex floating point."""
    if dtype.kind == "stack":
        return is_inexact(dtype.element.dtype)
    return dtype.kind in "fc" or dtype.name == "bfloat16"


class StackDtype:
    """The dtype of stacks: an element is a sequence, as long as a loop has run, of arrays.

    Only loops of unknown length make and read them; see control/unwind.py. Two are equal if
    their elements have one type.
    """

    __slots__ = ("element",)
    kind, itemsize, weak = "stack", 32, False

    def __init__(self, element: ArrayType):
        self.element = element

    @property
    def name(self) -> str:
        return f"stack<{self.element}>"

    def __eq__(self, other):
        return isinstance(other, StackDtype) and self.element.matches(other.element)

    def __hash__(self):
        return hash((StackDtype, self.element.shape, self.element.dtype))

    def __repr__(self):
        return self.name


class ArrayType:
    """Shape and dtype of a value; `weak` marks a dtype that came from a Python scalar.

    Weak types give way in promotion: `2.0 * x` has the dtype of `x`. Instances are interned,
    so equal types are usually the same object.
    """

    __slots__ = ("dtype", "shape", "weak", "_hash", "__weakref__")
    _interned: dict = {}
    _INTERN_LIMIT = 100_000

    def __new__(cls, shape, dtype, weak=False):
        key = (shape, dtype, weak)
        found = cls._interned.get(key)
        if found is not None:
            return found
        if not isinstance(dtype, StackDtype):
            dtype = np.dtype(dtype)
        return cls._build(tuple(int(n) for n in shape), dtype, bool(weak))

    @classmethod
    def _build(cls, shape, dtype, weak):
        key = (shape, dtype, weak)
        self = object.__new__(cls)
        for name, value in (("shape", shape), ("dtype", dtype), ("weak", weak),
                            ("_hash", hash(key))):
            object.__setattr__(self, name, value)
        if len(cls._interned) > cls._INTERN_LIMIT:
            cls._interned.clear()
        return cls._interned.setdefault(key, self)

    def __setattr__(self, name, value):
        raise AttributeError(f"ArrayType is immutable; cannot set {name!r}")

    def __reduce__(self):
        return ArrayType, (self.shape, self.dtype, self.weak)

    def __hash__(self):
        return self._hash

    def __eq__(self, other):
        if self is other:
            return True
        return (isinstance(other, ArrayType) and self.shape == other.shape
                and self.dtype == other.dtype and self.weak == other.weak)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def strong(self) -> ArrayType:
        return ArrayType(self.shape, self.dtype) if self.weak else self

    def with_shape(self, shape) -> ArrayType:
        return ArrayType(tuple(shape), self.dtype, self.weak)

    def with_dtype(self, dtype) -> ArrayType:
        return ArrayType(self.shape, np.dtype(dtype))

    def matches(self, other) -> bool:
        """Same shape and dtype, whatever the weakness."""
        return self is other or (self.shape == other.shape and self.dtype == other.dtype)

    def __repr__(self):
        name = SHORT_NAMES.get(self.dtype.name, self.dtype.name)
        return f"{name}{'*' if self.weak else ''}[{','.join(map(str, self.shape))}]"


def storage_dtype(dtype) -> np.dtype:
    """The NumPy dtype of arrays of a dtype: stacks are objects."""
    return dtype if isinstance(dtype, np.dtype) else np.dtype(object)


def tangent_type(type: ArrayType) -> ArrayType | None:
    """The type of a tangent of a value: its own if it is inexact, none otherwise."""
    return type.strong() if is_inexact(type.dtype) else None
