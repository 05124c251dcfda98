"""Routines of LAPACK, from the library that `blas` finds: their addresses and scratch memory.

In: `Routine`s. Out: addresses, sizes. Imports `functrans.ir.library`, `native.blas`.
"""
from __future__ import annotations

import ctypes
import math
from functools import lru_cache

import numpy as np

from functrans.ir.library import Routine, Work
from lowering.native import blas

_PROBE = "potrf"          # where this is, the other routines of LAPACK are too


def available() -> bool:
    """Whether there is a library with LAPACK in it."""
    library = blas.library()
    return library is not None and hasattr(library.handle, library.pattern.format("d" + _PROBE))


def routine_name(call: Routine) -> str:
    """The name with the letter of the dtype in front."""
    return blas.LETTERS[call.dtype.name] + call.name


@lru_cache(maxsize=1024)
def work_sizes(call: Routine) -> tuple[int, ...]:
    """For each `Work` among the arguments the number of elements that the routine asks for.

    By LAPACK's own convention: it is called with the size -1, and answers in the first element.
    """
    if not any(isinstance(argument, Work) for argument in call.arguments):
        return ()
    library = blas.library()
    cells, pointers = [], []
    for argument in call.arguments:
        cell = np.zeros(8, np.int64)
        if isinstance(argument, str):
            cell.view(np.uint8)[0] = ord(argument)
        elif isinstance(argument, int):
            cell.view(library.integer)[0] = argument
        pointers.append(cell)
        if isinstance(argument, Work):
            cells.append((cell, argument.dtype))
            pointers.append(np.array([-1], library.integer))
    letters = sum(isinstance(argument, str) for argument in call.arguments)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (len(pointers) + letters))(
        library.address(routine_name(call)))
    function(*(cell.ctypes.data for cell in pointers), *[1] * letters)
    return tuple(_asked_for(cell, dtype, library.integer) for cell, dtype in cells)


def _asked_for(cell: np.ndarray, dtype: np.dtype, integer: type) -> int:
    """The size in the first element; a float may have been rounded down."""
    if dtype.kind == "i":
        return max(int(cell.view(integer)[0]), 1)
    value = cell.view(dtype)[0].real
    return max(math.ceil(float(np.nextafter(value, np.inf, dtype=value.dtype))), 1)
