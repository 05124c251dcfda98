"""The NVIDIA GPU of this machine: memory, copies and launches, through the driver's own interface.

One device, its primary context (the one that other libraries use, too), one stream. That stream
waits for the legacy default stream and is waited for by it, so what other libraries launch there
is in order with what is launched here.

In: sizes, addresses, machine code. Out: a backend with the methods of `simulator.Simulator`.
Imports `staging`, `lowering.errors`; when a device is opened, `cuda.bindings`, which comes with
numba-cuda.
"""
from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lowering.cuda.staging import LEAST, Staging
from lowering.errors import DeviceFailure, NotRecordable

_STATIC_SHARED = 48 * 1024      # bytes of shared memory that a launch has without asking for more


@dataclass(slots=True)
class _Loaded:
    """A kernel on the device. shared: the bytes of shared memory that it may use. resident: for
    sizes of blocks and shared memory, how many blocks run at once."""
    handle: object
    module: object
    waits_for_grid: bool
    shared: int = _STATIC_SHARED
    resident: dict = field(default_factory=dict)


class Hardware:
    """A GPU. Its blocks of memory are addresses."""

    def __init__(self, number: int = 0, driver=None):
        if driver is None:
            from cuda.bindings import driver
        self._driver = driver
        self._here = threading.local()
        self._call("cuInit", 0)
        self._device = self._call("cuDeviceGet", number)
        self._context = self._call("cuDevicePrimaryCtxRetain", self._device)
        self.name = device_name(self._call, self._device)
        self.capability = capability(driver, self._call, self._device)
        self._enter()
        self._stream = self._call("cuStreamCreate", 0)
        self.stream = int(self._stream)
        self._staging: Staging | bool | None = None
        self._side = None                       # the stream that is recorded, once there is one

    def _call(self, name: str, *arguments):
        """A function of the driver: its result, or DeviceFailure."""
        return call(self._driver, name, *arguments)

    def _enter(self):
        """Contexts are current in a thread: in each that comes here, this one becomes so."""
        if not getattr(self._here, "entered", False):
            self._call("cuCtxSetCurrent", self._context)
            self._here.entered = True

    def _enter_to_wait(self, what: str):
        """As `_enter`, for what cannot be part of a recording."""
        if self._is_recording():
            raise NotRecordable(f"{what} in between")
        self._enter()

    def _is_recording(self) -> bool:
        return getattr(self._here, "recording", False)

    def _current(self):
        """The stream for what this thread launches."""
        return self._side if self._is_recording() else self._stream

    # ---- memory ----

    def allocate(self, nbytes: int):
        """A block, or None where memory is full."""
        self._enter_to_wait("memory is taken of the device")
        status, address = self._driver.cuMemAlloc(nbytes)
        if status == self._driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            return None
        _check(self._driver, "cuMemAlloc", status)
        return int(address)

    def free(self, block: int):
        self._enter_to_wait("memory is given back to the device")
        self._call("cuMemFree", block)

    def memory_info(self) -> tuple[int, int]:
        """(free, total) in bytes."""
        self._enter()
        return self._call("cuMemGetInfo")

    def address(self, block: int) -> int:
        """The number that other libraries know the memory by."""
        return block

    def foreign_block(self, address: int, nbytes: int) -> int:
        """The block for memory at an address that another library owns."""
        return address

    def pointer(self, block: int, offset: int, dtype) -> int:
        """What a kernel is passed for the memory from a byte on."""
        return block + offset

    def write(self, block: int, offset: int, data: np.ndarray):
        """Host to device. `data`, which is pageable, has been read when it returns."""
        self._enter_to_wait("the host writes")
        if data.nbytes > LEAST and self._stages():
            self._staging.to_device(block + offset, data.ctypes.data, data.nbytes, self._stream)
        elif data.nbytes:
            self._call("cuMemcpyHtoDAsync", block + offset, data.ctypes.data, data.nbytes,
                       self._stream)

    def read(self, block: int, offset: int, data: np.ndarray):
        """Device to host, into `data`; waits for all that was launched."""
        self._enter_to_wait("the host reads")
        if data.nbytes > LEAST and self._stages():
            self._staging.to_host(data.ctypes.data, block + offset, data.nbytes, self._stream)
            return
        if data.nbytes:
            self._call("cuMemcpyDtoHAsync", data.ctypes.data, block + offset, data.nbytes,
                       self._stream)
        self._call("cuStreamSynchronize", self._stream)

    def _stages(self) -> bool:
        """Whether there is locked memory for large copies; the first asks for it."""
        if self._staging is None:
            flags = self._driver.CUevent_flags.CU_EVENT_DISABLE_TIMING
            try:
                self._staging = Staging(self._call, int(flags))
            except DeviceFailure:               # the system gives none: the driver copies
                self._staging = False
        return bool(self._staging)

    def copy(self, target: int, target_offset: int, source: int, source_offset: int, nbytes: int):
        """Device to device."""
        self._enter()
        if nbytes:
            self._call("cuMemcpyDtoDAsync", target + target_offset, source + source_offset, nbytes,
                       self._current())

    def zero(self, block: int, offset: int, nbytes: int):
        """Fills with zero bytes."""
        self._enter()
        if nbytes:
            self._call("cuMemsetD8Async", block + offset, 0, nbytes, self._current())

    def synchronize(self):
        """Waits for all that was launched."""
        self._enter_to_wait("the host waits")
        self._call("cuStreamSynchronize", self._stream)

    def is_idle(self) -> bool:
        """Whether all that was launched is done."""
        self._enter_to_wait("the host asks whether it is done")
        status, = self._driver.cuStreamQuery(self._stream)
        if status == self._driver.CUresult.CUDA_ERROR_NOT_READY:
            return False
        _check(self._driver, "cuStreamQuery", status)
        return True

    def wait_for(self, stream: int):
        """Waits for what another library launched on its stream."""
        self._enter_to_wait("the host waits")
        self._call("cuStreamSynchronize", self._driver.CUstream(stream))

    # ---- recording ----

    def start_recording(self):
        """From now on, what this thread launches becomes nodes of a graph.

        It is launched on a stream of its own, which waits for no other, so that other threads and
        other libraries can go on. What this thread may not do meanwhile the driver refuses.
        """
        self._enter()
        driver = self._driver
        if self._side is None:
            flags = int(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
            self._side = self._call("cuStreamCreate", flags)
        self._call("cuStreamBeginCapture", self._side,
                   driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        self._here.recording = True

    def stop_recording(self, keep: bool = True):
        """The graph of what was launched since, ready to be replayed; None if it is not kept."""
        self._here.recording = False
        status, graph = self._driver.cuStreamEndCapture(self._side)
        if keep:
            _check(self._driver, "cuStreamEndCapture", status)
        elif status != self._driver.CUresult.CUDA_SUCCESS:
            return None
        try:
            return self._call("cuGraphInstantiate", graph, 0) if keep else None
        finally:
            self._call("cuGraphDestroy", graph)

    def replay(self, graph):
        """Launches all that was recorded, by one call."""
        self._enter()
        self._call("cuGraphLaunch", graph, self._stream)

    def drop(self, graph):
        """Forgets what was recorded. What runs of it is not stopped."""
        self._enter()
        self._call("cuGraphExecDestroy", graph)

    def enqueue(self, launch: Callable):
        """Has a library launch something on the stream in use."""
        self._enter()
        launch(int(self._current()))

    # ---- kernels ----

    def load(self, kernel) -> _Loaded:
        """What `launch` is given for a kernel."""
        self._enter_to_wait("a kernel is loaded")
        code = kernel.cubin(self.capability)
        module = self._call("cuModuleLoadData", np.frombuffer(code.image, np.uint8).ctypes.data)
        handle = self._call("cuModuleGetFunction", module, code.name.encode())
        return _Loaded(handle, module, kernel.waits_for_grid)

    def launch(self, loaded: _Loaded, grid: tuple, block: tuple, arguments: Sequence,
               shared: int):
        """Launches a kernel, and does not wait. All parameters of kernels have eight bytes.

        Blocks that wait for each other are as many as run at once, if the grid is not smaller.
        """
        self._enter()
        if shared > loaded.shared:
            self._allow_shared(loaded, shared)
        if loaded.waits_for_grid:
            grid = min(math.prod(_three(grid)), self._resident(loaded, _three(block), shared))
        values = np.array([_bits(value) for value in arguments], np.int64)
        places = values.ctypes.data + 8 * np.arange(len(values))
        sizes = (*_three(grid), *_three(block), shared, self._current(), places.ctypes.data)
        if loaded.waits_for_grid:
            self._call("cuLaunchCooperativeKernel", loaded.handle, *sizes)
        else:
            self._call("cuLaunchKernel", loaded.handle, *sizes, 0)

    def _resident(self, loaded: _Loaded, block: tuple, shared: int) -> int:
        """How many blocks of a kernel the device has room for at once."""
        found = loaded.resident.get((block, shared))
        if found is None:
            each = self._call("cuOccupancyMaxActiveBlocksPerMultiprocessor", loaded.handle,
                              math.prod(block), shared)
            attribute = self._driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
            count = self._call("cuDeviceGetAttribute", attribute, self._device)
            found = loaded.resident[block, shared] = each * count
        if not found:
            raise DeviceFailure(f"a multiprocessor has no room for a block of {math.prod(block)} "
                                f"threads of this kernel")
        return found

    def _allow_shared(self, loaded: _Loaded, shared: int):
        attribute = self._driver.CUfunction_attribute
        self._call("cuFuncSetAttribute", loaded.handle,
                   attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared)
        loaded.shared = shared


def call(driver, name: str, *arguments):
    """A function of the driver: its result, several as a tuple. Raises DeviceFailure."""
    status, *results = getattr(driver, name)(*arguments)
    _check(driver, name, status)
    return results[0] if len(results) == 1 else tuple(results)


def _check(driver, name: str, status):
    if status == driver.CUresult.CUDA_SUCCESS:
        return
    text = driver.cuGetErrorString(status)[1]
    text = text.decode() if isinstance(text, bytes) else str(text)
    raise DeviceFailure(f"{name} failed: {text} ({getattr(status, 'name', status)})")


def device_name(ask: Callable, device) -> str:
    """The name that a device gives itself."""
    raw = ask("cuDeviceGetName", 128, device)
    return bytes(raw).split(b"\0")[0].decode()


def capability(driver, ask: Callable, device) -> tuple[int, int]:
    """The compute capability of a device: (9, 0) for sm_90."""
    attribute = driver.CUdevice_attribute
    return (ask("cuDeviceGetAttribute",
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
            ask("cuDeviceGetAttribute",
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device))


def _three(size) -> tuple:
    size = (size,) if isinstance(size, int) else tuple(size)
    return (*size, *(1,) * (3 - len(size)))


def _bits(value) -> int:
    """The eight bytes of an argument, as an integer."""
    if isinstance(value, float):
        return int(np.float64(value).view(np.int64))
    value = int(value)
    return value - 2 ** 64 if value >= 2 ** 63 else value
