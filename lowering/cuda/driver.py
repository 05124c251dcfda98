"""The CUDA device of this process: the one module that imports `numba.cuda`.

Under NUMBA_ENABLE_CUDASIM=1 it is numba's simulator, otherwise the first GPU that the driver
shows (CUDA_VISIBLE_DEVICES says which that is). What is behind it, `hardware` or `simulator`, and
the compiler, `machine_code`, can be exchanged without a change elsewhere.

    x = to_device(np.arange(4, dtype=np.float32))
    y = empty((4,), np.dtype(np.float32))
    kernel = Kernel(function, ("float32*", "float32*", "int64"))
    kernel.launch(grid=1, block=32, arguments=(x.pointer(), y.pointer(), 4))
    to_host(y)

A launch does not wait. What kernels have reported is looked at by those who wait: `to_host` and
`wait` for an array and what it depends on, `synchronize` for all.

In: NumPy arrays, functions. Out: `DeviceArray`, `Kernel`. Imports the other modules of this
package; numba-cuda when it is needed.
"""
from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import cache
from threading import RLock
from types import SimpleNamespace

import numpy as np

from lowering.cuda import device_functions, dlpack, machine_code, reports, store
from lowering.cuda.memory import DeviceArray, ForeignMemory, Pool, row_strides
from lowering.cuda.status import how_to_install, probe
from lowering.cuda.transfers import before_transfer, count, transfers  # noqa: F401
from lowering.errors import CompilerMissing, DeviceMissing
from lowering.records import COMPILED, DISK, Record
from lowering.source import digest

_lock = RLock()


def simulated() -> bool:
    """Whether the device is numba's simulator."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


@cache
def numba_cuda():
    """`numba.cuda`. Raises CompilerMissing where numba-cuda is not installed; for the simulator
    numba's own suffices."""
    try:
        if not simulated():
            importlib.import_module("numba_cuda")
        from numba import cuda
    except ImportError as error:
        raise CompilerMissing(f"numba-cuda is not installed ({error}). {how_to_install()}") \
            from error
    return cuda


def _part(name: str):
    """A module of `numba.cuda`."""
    return importlib.import_module(f"{numba_cuda().__name__}.{name}")


_pool: Pool | None = None


def pool() -> Pool:
    """The memory of the device, which is opened when it is first asked for.

    Raises DeviceMissing, which says what is missing.
    """
    global _pool
    if _pool is None:
        with _lock:
            if _pool is None:
                opened = Pool(_open())
                opened.when_short += _when_short
                _pool = opened
    return _pool


_when_short: list = []


def when_memory_is_short(give_up: Callable):
    """Has `give_up()` called before memory is said to have run out."""
    _when_short.append(give_up)
    if _pool is not None:
        _pool.when_short.append(give_up)


def backend():
    """What the device is driven by."""
    return pool().backend


def _open():
    if simulated():
        from lowering.cuda.simulator import Simulator
        return Simulator(_part)
    found = probe()
    if not found.devices:
        raise DeviceMissing("there is no CUDA device here: " + "; ".join(found.missing))
    numba_cuda()
    from lowering.cuda.hardware import Hardware
    return Hardware()


def status():
    """What there is and what is missing. Never raises, and opens nothing."""
    return probe(simulated())


@cache
def available() -> bool:
    """Whether there is a device to run on."""
    return bool(status().devices)


# ---- arrays and copies ----

def empty(shape: Sequence[int], dtype: np.dtype, owner: str = "arrays") -> DeviceArray:
    """An array without contents. owner: who is named when memory runs out."""
    shape = tuple(shape)
    array = DeviceArray(None, shape, dtype)
    array.memory = pool().take(array.nbytes, owner)
    return array


def empty_bytes(nbytes: int, owner: str = "temporary memory"):
    """A block of memory, for what lies in it to be pointed to."""
    return pool().take(nbytes, owner)


def to_device(data: np.ndarray, owner: str = "arrays") -> DeviceArray:
    """A copy of `data` on the device."""
    count("to_device", data.nbytes)
    array = empty(data.shape, data.dtype, owner)
    backend().write(array.memory.block, 0, np.ascontiguousarray(data))
    return array


def from_number(data: np.ndarray) -> DeviceArray:
    """A number on the device: not counted, as it comes along with a launch."""
    array = empty(data.shape, data.dtype, "numbers")
    backend().write(array.memory.block, 0, data)
    return array


def to_host(array: DeviceArray) -> np.ndarray:
    """A copy in the memory of the host, once all that was launched is done."""
    count("to_host", array.nbytes)
    reports.before_host_reads()
    data = np.empty(array.shape, array.dtype)
    backend().read(array.memory.block, array.offset, data)
    reports.raise_failed(array.reports)
    return data


def write(memory, offset: int, data: np.ndarray):
    """Bookkeeping to the device: not counted as a copy of an array."""
    backend().write(memory.block, offset, np.ascontiguousarray(data))


def read(memory, offset: int, data: np.ndarray) -> np.ndarray:
    """Bookkeeping from the device, into `data`, such as the record of an error: not counted."""
    reports.before_host_reads()
    backend().read(memory.block, offset, data)
    return data


def copy(target, target_offset: int, source, source_offset: int, nbytes: int):
    """Bytes from one block to another, on the device."""
    backend().copy(target.block, target_offset, source.block, source_offset, nbytes)


def zero(memory, offset: int, nbytes: int):
    """Fills with zero bytes."""
    backend().zero(memory.block, offset, nbytes)


# ---- waiting, and what is found out then ----

def wait(array: DeviceArray):
    """Waits until an array is computed; raises what went wrong in that, and in nothing else."""
    backend().synchronize()
    reports.raise_failed(array.reports)


def synchronize():
    """Waits for all that was launched; raises what went wrong in it and was not told before."""
    backend().synchronize()
    reports.raise_unread()


def is_idle() -> bool:
    """Whether there is nothing to wait for."""
    return backend().is_idle()


# ---- recording ----

@contextmanager
def recording():
    """Within this block what this thread launches, copies and fills on the device is not done but
    recorded, in the end as `.graph` of what this gives. Raises NotRecordable for all else.
    """
    driven, found = backend(), SimpleNamespace(graph=None)
    driven.start_recording()
    try:
        yield found
    except BaseException:
        driven.stop_recording(keep=False)
        raise
    found.graph = driven.stop_recording()


def replay(graph):
    """Does what was recorded."""
    backend().replay(graph)


def drop(graph):
    """Forgets what was recorded."""
    backend().drop(graph)


def enqueue(launch: Callable):
    """Has a library launch something: `launch(stream)`."""
    backend().enqueue(launch)


def address_of(pointer) -> int:
    """The number that stands for what a pointer points to."""
    return backend().address(pointer.memory.block) + pointer.offset


# ---- kernels ----

def teach(*installers: Callable):
    """Has `install(typing_context, target_context)` of each called, which makes functions known
    that kernels may call."""
    if not simulated():
        target = _part("descriptor").cuda_target
        for context in (target.typing_context, target.target_context):
            context.refresh()                       # its own functions come first
        for install in installers:
            install(target.typing_context, target.target_context)


def device_function(function: Callable) -> Callable:
    """A function that kernels may call."""
    return function if simulated() else numba_cuda().jit(device=True)(function)


class Kernel:
    """A function that is launched. All its parameters have eight bytes.

    function: as numba.cuda takes it; the name `cuda` in its module is `numba.cuda`.
    signature: for each parameter `"float32*"` (what `pointer()` of an array or a block gives),
    `"int64"` or `"float64"`.
    """

    def __init__(self, function: Callable, signature: Sequence[str], fastmath: bool = False):
        self.function = function
        self.signature = tuple(signature)
        self.fastmath = fastmath
        self._loaded = None
        self._texts: dict = {}
        self._cubins: dict = {}
        self._origin = COMPILED, "it is new in this process"

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", "kernel")

    @property
    def waits_for_grid(self) -> bool:
        """Whether its blocks wait for each other: then the device says how many there are at most.
        """
        return device_functions.waits_for_grid(self.function)

    def launch(self, grid, block, arguments: Sequence, shared: int = 0):
        """Launches it: `grid` blocks of `block` threads (ints, or up to three of them).

        shared: bytes of dynamic shared memory for each block.
        """
        if self._loaded is None:
            self.make_ready()
        backend().launch(self._loaded, grid, block, arguments, shared)

    def make_ready(self, text: str = "") -> Record | None:
        """Loads it on the device, compiled if need be. What is to be remembered of that; None if
        it was loaded before."""
        with _lock:
            if self._loaded is not None:
                return None
            start = time.perf_counter()
            self._loaded = backend().load(self)
        seconds = time.perf_counter() - start
        name = f"cuda_kernel_{digest(text + repr(self.signature))}"
        return Record(name, seconds, *self._origin, text)

    def ptx(self, capability: tuple) -> str:
        """The PTX for a compute capability such as (9, 0). Needs no device."""
        return self._ptx(capability).text

    def _ptx(self, capability: tuple) -> machine_code.PtxCode:
        found = self._texts.get(capability)
        if found is None:
            found = self._texts[capability] = machine_code.ptx(
                numba_cuda(), self.function, self.signature, capability, self.fastmath)
        return found

    def cubin(self, capability: tuple) -> machine_code.Cubin:
        """The machine code for a compute capability. Needs no device."""
        found = self._cubins.get(capability)
        if found is None:
            found = self._cubins[capability] = self._kept_cubin(tuple(capability))
        return found

    def _kept_cubin(self, capability: tuple) -> machine_code.Cubin:
        """The machine code from disk, or compiled and kept there."""
        path = store.path_for(self.function, self.signature, capability, self.fastmath)
        found = store.load(path)
        self._origin = (DISK, "") if found else \
            (COMPILED, "it is not on disk" if path else "there is no cache folder")
        if found is None:
            found = machine_code.link(self._ptx(capability), self.name, capability)
            store.save(path, found)
        return found

    def report(self, capability: tuple) -> machine_code.CubinReport:
        """Registers, shared memory and spills for a compute capability. Needs no device."""
        return self.cubin(capability).report


# ---- other libraries ----

def from_interface(owner, interface: dict) -> DeviceArray:
    """The array that `owner.__cuda_array_interface__` describes, in the same memory."""
    dtype, shape = np.dtype(interface["typestr"]), tuple(interface["shape"])
    strides = interface.get("strides")
    if strides is not None and tuple(strides) != row_strides(shape, dtype.itemsize):
        raise ValueError(f"only arrays that lie row by row can be shared; this one has the shape "
                         f"{shape} and the strides {tuple(strides)}: make it contiguous first")
    if interface.get("stream"):
        backend().wait_for(interface["stream"])
    array = DeviceArray(None, shape, dtype)
    block = backend().foreign_block(interface["data"][0], array.nbytes)
    array.memory = ForeignMemory(backend(), block, array.nbytes, owner)
    return array


def interface(array: DeviceArray) -> dict:
    """The `__cuda_array_interface__` of an array."""
    driven = backend()
    stream = {"stream": driven.stream} if driven.stream else {}
    return {"shape": array.shape, "typestr": array.dtype.str, "version": 3, "strides": None,
            "data": (_address(array), False), **stream}


def _address(array: DeviceArray) -> int:
    return backend().address(array.memory.block) + array.offset


def dlpack_device() -> tuple[int, int]:
    """What `__dlpack_device__` answers; the memory of the simulator is that of the host."""
    return (dlpack.CPU if simulated() else dlpack.CUDA), 0


def to_dlpack(array: DeviceArray, stream=None, max_version=None, dl_device=None, copy=None):
    """The capsule that shares an array; `stream`: whose work shall come after ours."""
    if dl_device not in (None, dlpack_device()):
        raise BufferError(f"the array is on the DLPack device {dlpack_device()}; copy it first")
    if copy:
        array = duplicate(array)
    if stream != -1:
        wait(array)
    versioned = max_version is not None and tuple(max_version) >= (1, 0)
    return dlpack.lend(array, _address(array), array.shape, array.dtype, dlpack_device()[0],
                       versioned)


def from_dlpack(owner) -> DeviceArray:
    """The array that an object with `__dlpack__` has on this device, in the same memory."""
    stream = {} if simulated() else {"stream": backend().stream}
    keeper, address, shape, dtype, kind = dlpack.borrow(owner.__dlpack__(**stream))
    if kind != dlpack_device()[0]:
        raise BufferError(f"the memory is on the DLPack device {kind}, not on this one")
    array = DeviceArray(None, shape, dtype)
    block = backend().foreign_block(address, array.nbytes)
    array.memory = ForeignMemory(backend(), block, array.nbytes, keeper)
    return array


def duplicate(array: DeviceArray) -> DeviceArray:
    """A copy on the device."""
    out = empty(array.shape, array.dtype)
    out.reports = array.reports
    copy(out.memory, 0, array.memory, array.offset, array.nbytes)
    return out
