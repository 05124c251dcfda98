"""Kernels from text to machine code.

A kernel takes raw pointers and 64-bit integers and returns nothing. It is compiled without the
wrappers that would let Python call it: the runner does. Each text is compiled once in a process
and, by the cache on disk, once on a machine.

In: text and parameter types. Out: addresses. Imports `source`, `machine`; `translate`, or
`numba_target` for what that does not know, when something is compiled.
"""
from __future__ import annotations

import time
from dataclasses import dataclass
from threading import RLock

from functrans.ir.type import name_of
from lowering.errors import KernelFailure
from lowering.native import machine
from lowering.native.cache import Stored
from lowering.records import COMPILED, DISK, Record
from lowering.source import as_function, digest, module_text

@dataclass(slots=True)
class Compiled:
    """A kernel in memory."""
    address: int
    text: str


_compiled: dict[tuple, Compiled] = {}
_lock = RLock()
records: list[Record] = []


def signature(parameters) -> tuple[str, ...]:
    """The types of a kernel's parameters, by name: "int64", "float32*" (a pointer) ..."""
    kinds = {"integer": "int64", "code": "int64", "error": "int64*", "constants": "float64*"}
    return tuple(kinds.get(p.kind) or f"{memory_name(p.dtype)}*" for p in parameters)


def memory_name(dtype) -> str:
    """The name of a dtype in memory; the records of stacks are alike, whatever is in them."""
    return "stack" if dtype.kind == "stack" else name_of(dtype)


def compile_kernel(text: str, types: tuple, disk=None, compiler: str = "direct") -> Compiled:
    """The machine code of a kernel.

    types: as `signature` gives them. disk: a `DiskCache`, or None. compiler: "direct", or
    "numba" for numba alone.
    """
    key = (text, types, compiler)
    found = _compiled.get(key)
    if found is None:
        with _lock:
            found = _compiled.get(key)
            if found is None:
                found = _compiled[key] = _make(text, types, disk, compiler)
    return found


def _make(text: str, types: tuple, disk, compiler: str) -> Compiled:
    start = time.perf_counter()
    module = module_text(text)
    prefix = "kernel_" if compiler == "direct" else "kernel_by_numba_"
    name = prefix + digest(module + repr(types))
    stored, reason = disk.load(name) if disk else (None, "there is no cache folder")
    origin = DISK if stored else COMPILED
    if stored is None:
        make = _compile if compiler == "direct" else _compile_by_numba
        stored = Stored(*make(module, name, types))
        if disk:
            disk.save(name, stored, module)
    address, = machine.load(stored.code, *stored.symbols)
    records.append(Record(name, time.perf_counter() - start, origin, reason, module))
    return Compiled(address, module)


def _compile(module: str, name: str, types: tuple) -> tuple:
    """Object code, and the names of the functions in it that are called from outside."""
    from lowering.native.operations import Unsupported
    from lowering.native.translate import translate
    try:
        return machine.optimize(translate(module, name, types)), (name,)
    except (Unsupported, TypeError, RuntimeError):      # the last: LLVM did not take it
        return _compile_by_numba(module, name, types)


def _compile_by_numba(module: str, name: str, types: tuple) -> tuple:
    from lowering.native.numba_target import compile_function
    function = as_function(module, f"<functrans {name}>")
    function.__qualname__ = name            # numba names the machine code after it
    try:
        code, symbol = compile_function(function, types)
    except Exception as error:
        raise KernelFailure(module, types) from error
    return code, (symbol,)
