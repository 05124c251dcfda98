"""Kernels as PTX and as machine code, for a device that need not be there.

A kernel is a Python function with a signature: a pointer `"float32*"`, an integer `"int64"` or a
number `"float64"` for each parameter. Each has eight bytes, so a launch is a table of integers.

In: functions, signatures, compute capabilities. Out: `PtxCode`, `Cubin`, `CubinReport`. Imports
`lowering.errors`; numba-cuda and nvJitLink when something is compiled.
"""
from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from types import SimpleNamespace

from lowering.errors import CompilerMissing, DeviceFailure

GRID_BARRIER = "cudaCGSynchronize"      # what `this_grid().sync()` calls, of NVIDIA's runtime
_OF_LIBRARIES = re.compile(r"^info *: Function properties for '__nv.*\n.*\n", re.MULTILINE)

_lock = RLock()


@dataclass(frozen=True, slots=True)
class PtxCode:
    """PTX of one kernel, and the name that it has in there."""
    text: str
    name: str


@dataclass(frozen=True, slots=True)
class CubinReport:
    """What a kernel takes of a multiprocessor.

    registers: for each thread. shared: bytes of static shared memory for each block. stack: bytes
    of local memory for each thread, with arrays of its own; spill_stores, spill_loads: bytes of
    it that were written and read for want of registers.
    """
    kernel: str
    capability: tuple
    registers: int
    shared: int
    stack: int
    spill_stores: int
    spill_loads: int
    barriers: int
    size: int

    @property
    def spills(self) -> bool:
        """Whether values went to memory for want of registers."""
        return bool(self.spill_stores or self.spill_loads)

    def __str__(self):
        major, minor = self.capability
        return (f"{self.kernel} sm_{major}{minor}: {self.registers} registers, {self.shared} bytes "
                f"of shared memory, {self.stack} of stack, {self.spill_stores} spilled, "
                f"{self.size} bytes of code")


@dataclass(frozen=True, slots=True)
class Cubin:
    """Machine code of one kernel, and what the assembler says of it."""
    image: bytes
    name: str
    report: CubinReport


def numba_signature(cuda, signature: Sequence[str]):
    """`("float32*", "int64")` as numba's types."""
    types = cuda.types
    return types.void(*(types.CPointer(getattr(types, name[:-1])) if name.endswith("*")
                        else getattr(types, name) for name in signature))


def ptx(cuda, function: Callable, signature: Sequence[str], capability: tuple,
        fastmath: bool = False) -> PtxCode:
    """The PTX of a kernel."""
    if cuda.compile_ptx is None:
        raise CompilerMissing("under NUMBA_ENABLE_CUDASIM=1 numba compiles nothing for devices: "
                              "ask in a process without it")
    try:
        with _compiled_for(cuda, tuple(capability)):
            text, _ = cuda.compile_ptx(getattr(function, "py_func", function),
                                       numba_signature(cuda, signature), cc=tuple(capability),
                                       fastmath=fastmath)
    except ImportError as error:
        raise CompilerMissing(str(error)) from error
    entry = re.search(r"\.entry\s+([\w$]+)", text)
    return PtxCode(text, entry.group(1))


@contextmanager
def _compiled_for(cuda, capability: tuple):
    """numba compiles what a kernel calls for the current device; there may be none."""
    module = importlib.import_module(f"{cuda.__name__}.dispatcher")
    with _lock:
        before = module.get_current_device
        module.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
        try:
            yield
        finally:
            module.get_current_device = before


def link(code: PtxCode, kernel: str, capability: tuple) -> Cubin:
    """The machine code of PTX."""
    image, log = _assembled(code, capability)
    return Cubin(image, code.name, _report(log, kernel, tuple(capability), len(image)))


def _assembled(code: PtxCode, capability: tuple) -> tuple[bytes, str]:
    try:
        from cuda.bindings import nvjitlink
    except ImportError as error:
        raise CompilerMissing("nvJitLink is not installed") from error
    major, minor = capability
    options = [f"-arch=sm_{major}{minor}", "-Xptxas=-v", "-verbose", "-O3"]
    handle = nvjitlink.create(len(options), options)
    try:
        data = code.text.encode()
        nvjitlink.add_data(handle, nvjitlink.InputType.PTX, data, len(data), "kernel")
        if GRID_BARRIER in code.text:
            nvjitlink.add_file(handle, nvjitlink.InputType.LIBRARY, _device_runtime())
        nvjitlink.complete(handle)
        image = bytearray(nvjitlink.get_linked_cubin_size(handle))
        nvjitlink.get_linked_cubin(handle, image)
        return bytes(image), _log(nvjitlink.get_info_log_size, nvjitlink.get_info_log, handle)
    except nvjitlink.nvJitLinkError as error:
        log = _log(nvjitlink.get_error_log_size, nvjitlink.get_error_log, handle)
        raise DeviceFailure(f"the assembler refused {code.name}: {error}\n{log}") from error
    finally:
        nvjitlink.destroy(handle)


def _device_runtime() -> str:
    """The library with the barrier of a grid."""
    try:
        from cuda.pathfinder import find_static_lib
        return find_static_lib("cudadevrt")
    except (ImportError, RuntimeError) as error:
        raise CompilerMissing(f"libcudadevrt, which has the barrier of a grid, was not found: it "
                              f"comes with nvidia-cuda-runtime ({error})") from error


def _log(size_of: Callable, read: Callable, handle) -> str:
    log = bytearray(size_of(handle))
    if log:
        read(handle, log)
    return log.rstrip(b"\0").decode(errors="replace")


def _report(log: str, kernel: str, capability: tuple, size: int) -> CubinReport:
    log = _OF_LIBRARIES.sub("", log)

    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found.group(1)) if found else 0
    return CubinReport(kernel, capability, number(r"(\d+) registers"), number(r"(\d+) bytes smem"),
                       number(r"(\d+) bytes stack frame"), number(r"(\d+) bytes spill stores"),
                       number(r"(\d+) bytes spill loads"), number(r"(\d+) barriers"), size)
