"""How the driver's interface is called, by a driver that keeps "device" memory on the host.

It shows that the calls have the right arguments, not that a GPU does what they ask for.
"""
from __future__ import annotations

import ctypes
import threading
from types import SimpleNamespace

import numpy as np
import pytest

bindings = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings are not installed")

from lowering.cuda.hardware import Hardware  # noqa: E402
from lowering.cuda.memory import Pool  # noqa: E402
from lowering.errors import DeviceFailure, NotRecordable, OutOfDeviceMemory  # noqa: E402

OK = bindings.CUresult.CUDA_SUCCESS
FULL = bindings.CUresult.CUDA_ERROR_OUT_OF_MEMORY
SIDE = 88                    # the stream that is captured
CAPTURED = {"cuLaunchKernel", "cuLaunchCooperativeKernel", "cuMemcpyDtoDAsync", "cuMemsetD8Async"}
ALLOWED = {"cuStreamEndCapture", "cuCtxSetCurrent", "cuGetErrorString", "cuFuncSetAttribute"}


class Driver:
    """The functions that `Hardware` calls, on memory of the host; `calls` is what was called."""

    CUresult, CUdevice_attribute = bindings.CUresult, bindings.CUdevice_attribute
    CUevent_flags = bindings.CUevent_flags
    CUstream_flags, CUstreamCaptureMode = bindings.CUstream_flags, bindings.CUstreamCaptureMode
    CUfunction_attribute, CUstream = bindings.CUfunction_attribute, bindings.CUstream

    def __init__(self):
        self.calls, self.blocks, self.busy, self.free = [], {}, False, 2 ** 20
        self.captured = None         # what was launched on the stream that is captured
        self.graphs, self.launched = {}, None
        self.no_locked_memory = False

    def __getattr__(self, name):
        function = getattr(self, f"_{name}")

        def called(*arguments):
            self.calls.append((name, arguments))
            if self.captured is None or name in CAPTURED | ALLOWED:
                return self._captured_or_done(name, function, arguments)
            self.captured = "invalid"        # as the driver does with what is not allowed
            return (bindings.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, None)
        return called

    def _captured_or_done(self, name, function, arguments):
        if name in CAPTURED and SIDE in arguments:
            if not isinstance(self.captured, list):
                return (bindings.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, None)
            self.captured.append((function, arguments, self._values(name, arguments)))
            return (OK,)
        return function(*arguments)

    def _values(self, name, arguments):
        """The parameters of a kernel are copied when it is captured."""
        return self._parameters(arguments) if "Launch" in name else None

    def _cuStreamBeginCapture(self, stream, mode):
        assert stream == SIDE and "THREAD_LOCAL" in mode.name and self.captured is None
        self.captured = []
        return (OK,)

    def _cuStreamEndCapture(self, stream):
        captured, self.captured = self.captured, None
        if not isinstance(captured, list):
            return (bindings.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, None)
        self.graphs[f"graph {len(self.graphs)}"] = captured
        return OK, f"graph {len(self.graphs) - 1}"

    def _cuGraphInstantiate(self, graph, flags):
        return OK, f"ready {graph}"

    def _cuGraphLaunch(self, graph, stream):
        assert stream == 77
        for function, arguments, values in self.graphs[graph.removeprefix("ready ")]:
            if values is None:
                function(*(77 if argument == SIDE else argument for argument in arguments))
            else:
                self.launched = arguments[0], arguments[1:8], values
        return (OK,)

    def _cuStreamCreate(self, flags):
        return OK, 77 if flags == 0 else SIDE

    def named(self, name):
        return [arguments for called, arguments in self.calls if called == name]

    def _nothing(self, *arguments):
        return (OK,)
    _cuGraphDestroy = _cuGraphExecDestroy = _nothing
    _cuEventRecord = _cuEventSynchronize = _nothing
    _cuInit = _cuCtxSetCurrent = _cuFuncSetAttribute = _cuStreamSynchronize = _nothing

    def _cuDeviceGet(self, number):
        return OK, f"device {number}"

    def _cuDevicePrimaryCtxRetain(self, device):
        return OK, "context"

    def _cuDeviceGetName(self, length, device):
        return OK, b"A device".ljust(length, b"\0")

    def _cuDeviceGetAttribute(self, attribute, device):
        values = {"MAJOR": 9, "MULTIPROCESSOR_COUNT": 4}
        return OK, next((n for name, n in values.items() if attribute.name.endswith(name)), 0)

    def _cuOccupancyMaxActiveBlocksPerMultiprocessor(self, function, block, shared):
        return OK, 2 if block <= 256 else 0

    def _cuMemGetInfo(self):
        return OK, self.free, 2 ** 20

    def _cuMemAlloc(self, size):
        if size > self.free:
            return FULL, 0
        self.free -= size
        block = ctypes.create_string_buffer(size)
        self.blocks[ctypes.addressof(block)] = block
        return OK, ctypes.addressof(block)

    def _cuMemHostAlloc(self, size, flags):
        if self.no_locked_memory:
            return FULL, 0
        block = ctypes.create_string_buffer(size)
        self.blocks[ctypes.addressof(block)] = block
        return OK, ctypes.addressof(block)

    def _cuEventCreate(self, flags):
        return OK, f"event {len(self.calls)}"

    def _cuMemFree(self, address):
        self.free += ctypes.sizeof(self.blocks.pop(address))
        return (OK,)

    def _cuMemcpyHtoDAsync(self, target, source, size, stream):
        assert stream == 77
        ctypes.memmove(target, source, size)
        return (OK,)
    _cuMemcpyDtoHAsync = _cuMemcpyDtoDAsync = _cuMemcpyHtoDAsync

    def _cuMemsetD8Async(self, target, value, size, stream):
        ctypes.memset(target, value, size)
        return (OK,)

    def _cuStreamQuery(self, stream):
        return (bindings.CUresult.CUDA_ERROR_NOT_READY if self.busy else OK,)

    def _cuModuleLoadData(self, address):
        return OK, ctypes.string_at(address, 4)

    def _cuModuleGetFunction(self, module, name):
        return OK, (module, name)

    def _cuLaunchKernel(self, function, *rest):
        sizes, stream, extra = rest[:7], rest[7], rest[9:]
        assert stream == 77 and not any(extra)
        self.launched = function, sizes, self._parameters((function, *rest))
        return (OK,)

    _cuLaunchCooperativeKernel = _cuLaunchKernel

    def _parameters(self, arguments) -> list:
        table = (ctypes.c_void_p * 4).from_address(arguments[9])
        return [ctypes.c_int64.from_address(place).value for place in table]

    def _cuGetErrorString(self, status):
        return OK, b"something is wrong"


@pytest.fixture
def fake():
    return Driver()


@pytest.fixture
def device(fake):
    return Hardware(driver=fake)


def test_the_device_says_what_it_is(device):
    assert (device.name, device.capability, device.stream) == ("A device", (9, 0), 77)
    assert device.memory_info() == (2 ** 20, 2 ** 20)


def test_copies(device):
    data = np.arange(12.0)
    block, other, out = device.allocate(200), device.allocate(200), np.empty(6)
    device.write(block, 8, data)
    device.copy(other, 16, block, 8, data.nbytes)
    device.zero(other, 16, 8)
    device.read(other, 16, out)
    np.testing.assert_array_equal(out, [0, 1, 2, 3, 4, 5])
    device.write(block, 0, np.empty(0))
    assert device.pointer(block, 24, None) == block + 24


@pytest.mark.parametrize("locked", [True, False])
def test_large_copies_pass_through_locked_memory_if_there_is_any(device, fake, locked):
    fake.no_locked_memory, fake.free = not locked, 2 ** 30
    data = np.random.default_rng(0).normal(size=10 ** 6)
    block, out = device.allocate(data.nbytes + 8), np.empty_like(data)
    device.write(block, 8, data)
    device.read(block, 8, out)
    np.testing.assert_array_equal(out, data)
    assert len(fake.named("cuMemcpyHtoDAsync")) == len(fake.named("cuMemcpyDtoHAsync"))
    assert (len(fake.named("cuMemcpyHtoDAsync")) > 1) == locked
    assert len(fake.named("cuMemHostAlloc")) == (4 if locked else 1)


def test_memory_that_is_full_is_no_failure_but_a_message(device, fake):
    assert device.allocate(2 ** 21) is None
    pool = Pool(device)
    kept = pool.take(2 ** 19, "results of f")
    again = pool.take(2 ** 19, "others")
    del again
    pool.take(2 ** 18)                           # what is kept is given back for it
    assert fake.named("cuMemFree")
    with pytest.raises(OutOfDeviceMemory, match="512.0 KiB by results of f"):
        pool.take(2 ** 20)
    assert kept.nbytes == 2 ** 19


def test_launches_pass_eight_bytes_for_each_argument(device, fake):
    cubin = SimpleNamespace(image=b"code", name="kernel_x")
    loaded = device.load(SimpleNamespace(cubin=lambda capability: cubin, waits_for_grid=False))
    assert fake.named("cuModuleGetFunction") == [(b"code", b"kernel_x")]
    block = device.allocate(64)
    device.launch(loaded, (3, 2), 128, [block, -5, np.int64(7), 0.25], 0)
    function, sizes, values = fake.launched
    assert function == (b"code", b"kernel_x") and sizes == (3, 2, 1, 128, 1, 1, 0)
    assert values == [block, -5, 7, int(np.float64(0.25).view(np.int64))]
    device.launch(loaded, 1, 32, [2 ** 63 + 8, 0, 0, 0], 100_000)
    assert fake.launched[2][0] == -2 ** 63 + 8      # the same bits
    (_, attribute, size), = fake.named("cuFuncSetAttribute")
    assert "DYNAMIC_SHARED" in attribute.name and size == 100_000


def test_blocks_that_wait_for_each_other_are_as_many_as_there_is_room_for(device, fake):
    cubin = SimpleNamespace(image=b"code", name="kernel_x")
    loaded = device.load(SimpleNamespace(cubin=lambda capability: cubin, waits_for_grid=True))
    for grid, expected in ((5, 5), (100, 8), (100, 8), ((3, 7), 8)):
        device.launch(loaded, grid, 256, [0] * 4, 0)
        assert fake.launched[1] == (expected, 1, 1, 256, 1, 1, 0)
    assert len(fake.named("cuLaunchCooperativeKernel")) == 4 and not fake.named("cuLaunchKernel")
    assert len(fake.named("cuOccupancyMaxActiveBlocksPerMultiprocessor")) == 1
    with pytest.raises(DeviceFailure, match="no room for a block of 512 threads"):
        device.launch(loaded, 1, 512, [0] * 4, 0)


def test_waiting(device, fake):
    fake.busy = True
    assert not device.is_idle()
    fake.busy = False
    assert device.is_idle()
    device.synchronize()
    device.wait_for(5)
    assert [int(stream) for stream, in fake.named("cuStreamSynchronize")][-2:] == [77, 5]


def recorded(device):
    """A graph of a copy, a fill and a launch, and what they are about."""
    cubin = SimpleNamespace(image=b"code", name="kernel_x")
    loaded = device.load(SimpleNamespace(cubin=lambda capability: cubin, waits_for_grid=False))
    block, other = device.allocate(64), device.allocate(64)
    device.start_recording()
    device.copy(other, 0, block, 0, 64)
    device.zero(other, 0, 8)
    device.launch(loaded, 2, 32, [block, -5, 7, 0.25], 0)
    return device.stop_recording(), block, other


def test_what_is_recorded_is_done_when_it_is_replayed(device, fake):
    fake.launched = None
    graph, block, other = recorded(device)
    assert fake.launched is None and len(fake.named("cuGraphDestroy")) == 1
    for first in (1.0, 2.0):
        device.write(block, 0, np.full(8, first))
        before = len(fake.calls)
        device.replay(graph)
        assert [name for name, _ in fake.calls[before:]] == ["cuGraphLaunch"]
        out = np.empty(8)
        device.read(other, 0, out)
        assert out.tolist() == [0.0, *[first] * 7]
        function, sizes, values = fake.launched
        assert sizes == (2, 1, 1, 32, 1, 1, 0)
        assert values == [block, -5, 7, int(np.float64(0.25).view(np.int64))]
    device.drop(graph)
    assert fake.named("cuGraphExecDestroy") == [(graph,)]


@pytest.mark.parametrize("forbidden", [
    lambda device, block: device.allocate(8), lambda device, block: device.free(block),
    lambda device, block: device.synchronize(), lambda device, block: device.is_idle(),
    lambda device, block: device.wait_for(5),
    lambda device, block: device.read(block, 0, np.empty(1)),
    lambda device, block: device.write(block, 0, np.empty(1))])
def test_what_waits_is_refused_before_the_driver_is_asked(device, fake, forbidden):
    block = device.allocate(64)
    device.start_recording()
    before = len(fake.calls)
    with pytest.raises(NotRecordable, match="in between"):
        forbidden(device, block)
    assert len(fake.calls) == before
    assert device.stop_recording(keep=False) is None
    device.zero(block, 0, 8)                     # and all is as before
    device.synchronize()
    assert recorded(device)[0]


def test_a_recording_that_the_driver_spoils_is_a_failure(device, fake):
    device.start_recording()
    fake.cuMemAlloc(8)                           # by someone else, in this thread
    with pytest.raises(DeviceFailure, match="cuMemsetD8Async failed"):
        device.zero(0, 0, 8)
    assert device.stop_recording(keep=False) is None
    device.start_recording()
    fake.cuMemAlloc(8)
    with pytest.raises(DeviceFailure, match="cuStreamEndCapture failed"):
        device.stop_recording()
    assert not fake.named("cuGraphLaunch") and recorded(device)[0]


def test_other_threads_go_on_while_one_records(device, fake):
    block, failures = device.allocate(64), []
    fake.captured = None

    def work():
        try:
            device.zero(block, 0, 8)
        except Exception as error:
            failures.append(error)
    device.start_recording()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    graph = device.stop_recording()
    assert not failures and fake.graphs[graph.removeprefix("ready ")] == []
    assert fake.named("cuMemsetD8Async")[-1][-1] == 77


def test_failures_have_the_drivers_words(device, fake):
    fake._cuMemsetD8Async = lambda *arguments: (bindings.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,)
    with pytest.raises(DeviceFailure, match="cuMemsetD8Async failed: something is wrong"):
        device.zero(device.allocate(8), 0, 8)


def test_the_calls_have_as_many_arguments_as_the_drivers_functions(device, fake):
    """As the documentation of each function says."""
    test_copies(device)
    test_launches_pass_eight_bytes_for_each_argument(device, fake)
    test_waiting(device, fake)
    test_what_is_recorded_is_done_when_it_is_replayed(device, fake)
    before = list(fake.calls)
    fake.calls.clear()
    test_large_copies_pass_through_locked_memory_if_there_is_any(device, fake, True)
    before += fake.calls
    fake.calls.clear()
    test_blocks_that_wait_for_each_other_are_as_many_as_there_is_room_for(device, fake)
    fake.calls[:0] = before
    names = {name for name, _ in fake.calls} - {"cuGetErrorString"}
    assert len(names) > 12
    for name, arguments in fake.calls:
        head = getattr(bindings, name).__doc__.strip().partition("\n")[0]
        inside = head.partition("(")[2].rpartition(")")[0]
        expected = len(inside.split(",")) if inside else 0
        assert len(arguments) == expected, f"{name}{arguments} is called, but is {head}"
