"""Where NumPy's array object keeps its fields, found by looking at a few arrays.

So that native code reads addresses from the arrays themselves, which costs nothing in Python.
Imports NumPy only.
"""
from __future__ import annotations

import ctypes

import numpy as np

_WORD = ctypes.sizeof(ctypes.c_void_p)
_END = 16 * _WORD            # no field of interest lies beyond
CONTIGUOUS = 1               # the flag of arrays that are contiguous, row by row


def _find(kind, value_of) -> int:
    """The first place at which each of some arrays has the value that `value_of` gives."""
    arrays = [np.empty(2), np.empty((2, 2)), np.empty((2, 2)).T, np.empty(4)[::2]]
    step = ctypes.sizeof(kind)
    for offset in range(0, _END, step):
        if all(kind.from_address(id(a) + offset).value == value_of(a) for a in arrays):
            return offset
    raise RuntimeError("cannot find the fields of NumPy's array object")


TYPE_OFFSET = _find(ctypes.c_void_p, lambda array: id(np.ndarray))
DATA_OFFSET = _find(ctypes.c_void_p, lambda array: array.ctypes.data)
FLAGS_OFFSET = _find(ctypes.c_int, lambda array: array.flags.num)
