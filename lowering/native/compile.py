"""Kernels from text to machine code, by numba.

A kernel takes raw pointers and 64-bit integers and returns nothing. It is compiled without the
wrappers that would let Python call it: the runner does. Each text is compiled once in a process
and, by the cache on disk, once on a machine.

In: text and parameter types. Out: addresses. Imports `source`, `native.cache`, numba.
"""
from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from threading import RLock

import numpy as np
from numba import types
from numba.core import compiler
from numba.core.compiler import Flags
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.np.numpy_support import from_dtype

import lowering.math  # noqa: F401  (registers the functions that kernels call)
from lowering.source import as_function, digest, module_text


@dataclass(slots=True)
class Compiled:
    """A kernel in memory. `library` keeps the code alive."""
    address: int
    library: object
    text: str


@dataclass(slots=True)
class Record:
    """One compilation, for reports: what, how long, and whether the disk had it."""
    name: str
    seconds: float
    cached: bool


_compiled: dict[tuple, Compiled] = {}
_lock = RLock()
records: list[Record] = []


def pointer_type(dtype: np.dtype):
    """The numba type of a pointer to elements of dtype; half precision is stored as bits,
    booleans as bytes."""
    if dtype.name in ("float16", "bfloat16"):
        return types.CPointer(types.uint16)
    if dtype.kind == "b":
        return types.CPointer(types.uint8)
    return types.CPointer(from_dtype(dtype))


def signature(parameters) -> tuple:
    """The numba types of a kernel's parameters."""
    kinds = {"integer": types.int64, "code": types.int64, "error": types.CPointer(types.int64),
             "constants": types.CPointer(types.float64)}
    return tuple(kinds.get(p.kind) or pointer_type(p.dtype) for p in parameters)


def compile_kernel(text: str, argument_types: tuple, disk=None) -> Compiled:
    """The machine code of a kernel."""
    key = (text, argument_types)
    found = _compiled.get(key)
    if found is None:
        with _lock, global_compiler_lock:
            found = _compiled.get(key)
            if found is None:
                found = _compiled[key] = _make(text, argument_types, disk)
    return found


def _make(text: str, argument_types: tuple, disk) -> Compiled:
    start = time.perf_counter()
    module = module_text(text)
    name = "kernel_" + digest(module + repr(argument_types))
    found = disk.load(name) if disk else None
    loaded = found is not None
    if not loaded:
        found = _compile(module, name, argument_types)
        if disk:
            disk.save(name, *found, module)
    library, symbol = found
    address = library.get_pointer_to_function(symbol)
    records.append(Record(name, time.perf_counter() - start, loaded))
    return Compiled(address, library, module)


def _flags() -> Flags:
    flags = Flags()
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    flags.noalias = True
    flags.nrt = False
    flags.fastmath = {"contract"}
    return flags


@cache
def _refresh():
    """Numba registers its builtins when it is asked to; once is enough."""
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def _compile(module: str, name: str, argument_types: tuple) -> tuple:
    """(library, name of the function in it)."""
    _refresh()
    function = as_function(module, f"<functrans {name}>")
    result = compiler.compile_extra(cpu_target.typing_context, cpu_target.target_context,
                                    function, argument_types, types.void, _flags(), {})
    return result.library, result.fndesc.llvm_func_name
