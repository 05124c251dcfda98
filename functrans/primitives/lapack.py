"""What the primitives of linear algebra share: rules for batches, and how LAPACK is called.

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps

import numpy as np

from functrans.ir import library
from functrans.ir.library import INTEGER, Block, LibraryProgram, Routine
from functrans.ir.primitive import Call
from functrans.ir.rewrite import without_locations
from functrans.ir.type import is_complex
from functrans.primitives.basic import broadcast, with_batch_axis
from functrans.primitives.elementwise import (
    convert,
    eq,
    select,
)
from functrans.trace import bind, trace


def info_block() -> Block:
    """Where a routine says whether it failed."""
    return Block("info", (), INTEGER)


def call_routine(routine: Routine, results: tuple, *operands, batch: tuple):
    """The result blocks of a routine that begins with these operands."""
    return bind(library.routines_p, *operands, calls=(routine,), results=results, batch=batch)


def nan_where_failed(info, x):
    """NaN for the matrices (or vectors) whose routine reported a failure; info: one for each."""
    good = broadcast(eq(info, np.int64(0)), x.shape, range(info.ndim))
    return select(good, x, x.dtype.type(np.nan))


def batch_matrices(primitive: Callable):
    """The batch rule: a mapped axis is one more batch axis."""
    def rule(size, args, batched, params):
        operands = [with_batch_axis(size, *pair) for pair in zip(args, batched)]
        out = bind(primitive(), *operands, **params)
        return out, (True,) * len(out) if primitive().multiple else True
    return rule


def by_library(function: Callable, call: type = LibraryProgram):
    """The kernel rule of a primitive that `function` computes with calls of the library."""
    @lru_cache(maxsize=1024)
    def program(types: tuple, params: tuple):
        traced, captured = trace(lambda *args: function(*args, **dict(params)), types,
                                 function.__name__.strip("_"))
        assert not captured
        return call(without_locations(traced))

    @wraps(function)
    def kernel(types, params):
        if any(0 in kind.shape for kind in types):
            return None                     # LAPACK refuses some sizes of zero; NumPy does not
        return program(tuple(kind.strong() for kind in types), tuple(sorted(params.items())))
    return kernel


def in_double(function: Callable):
    """Single precision computed in double, as NumPy does.

    So that compiled code and NumPy choose the same vectors of those that are determined but for
    their signs.
    """
    @wraps(function)
    def wide(a, **params):
        single = a.dtype.name in ("float32", "complex64")
        results = function(convert(a, _wide(a.dtype)), **params)
        return [convert(x, _narrow(x.dtype)) for x in results] if single else results
    return wide


def _wide(dtype: np.dtype) -> np.dtype:
    return np.result_type(dtype, np.float64)


def _narrow(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.complex64 if is_complex(dtype) else np.float32)


def by_primitives(function: Callable):
    """The kernel rule of a primitive that `function` computes with other primitives."""
    return by_library(function, Call)


def one_by_one(function: Callable, core: tuple):
    """`function` of NumPy, but with NaN for those matrices of a batch on which it fails.

    core: how many of the last axes of each operand are the matrix (or vector).
    """
    def evaluate(*arrays):
        try:
            return function(*arrays)
        except np.linalg.LinAlgError:
            return _separately(function, arrays, core)
    return evaluate


def _separately(function: Callable, arrays, core: tuple):
    batch = arrays[0].shape[:arrays[0].ndim - core[0]]
    results = []
    for index in np.ndindex(*batch):
        part = [array[index] for array in arrays]
        try:
            results.append(function(*part))
        except np.linalg.LinAlgError:
            results.append(None)
    shown = next((out for out in results if out is not None), None)
    if shown is None:
        shown = function(*[_harmless(array[(0,) * len(batch)]) for array in arrays])
    if isinstance(shown, tuple):
        return tuple(_stacked([None if out is None else out[k] for out in results],
                              np.asarray(part), batch) for k, part in enumerate(shown))
    return _stacked(results, np.asarray(shown), batch)


def _harmless(array: np.ndarray) -> np.ndarray:
    """An operand of the same shape on which nothing fails."""
    return np.eye(*array.shape, dtype=array.dtype) if array.ndim == 2 else np.ones_like(array)


def _stacked(results: list, like: np.ndarray, batch: tuple) -> np.ndarray:
    failed = np.full(like.shape, np.nan, like.dtype)
    rows = [failed if out is None else out for out in results]
    return np.array(rows, like.dtype).reshape(batch + like.shape)
