"""The device of numba's CUDA simulator: kernels run in plain Python, on memory of the host.

What kernels may say is what numba's simulator knows; the order of things is decided here. Threads
of a block that never wait for each other run one after the other, in one Python thread, which is
many times faster; blocks run in an order that may be shuffled, so that a kernel that relies on it
is found out; and a pointer knows where its memory ends.

In: functions, sizes. Out: a backend with the methods of `hardware.Hardware`. Imports
`lowering.errors`; numba's simulator by the name that `driver` gives.
"""
from __future__ import annotations

import contextvars
import random
import threading
from collections.abc import Callable, Sequence

import numpy as np

NAME = "numba's CUDA simulator"
_WAITING = {"syncthreads", "syncthreads_and", "syncthreads_or", "syncthreads_count", "syncwarp",
            "this_grid", "shfl_sync", "shfl_up_sync", "shfl_down_sync", "shfl_xor_sync",
            "ballot_sync"}
WARP, FULL_WARP = 32, 0xFFFFFFFF


class Pointer:
    """The elements of a block of memory from some byte on; indexing is checked, as memcheck does.
    """

    __slots__ = ("elements", "start")

    def __init__(self, elements: np.ndarray, start: int):
        self.elements = elements
        self.start = start

    def _place(self, index) -> int:
        place = self.start + int(index)
        if not 0 <= place < self.elements.size:
            raise IndexError(f"a kernel reached for element {int(index)} of memory that has "
                             f"{self.elements.size - self.start} from there on, "
                             f"{self.start} before")
        return place

    def __getitem__(self, index):
        return self.elements[self._place(index)]

    def __setitem__(self, index, value):
        self.elements[self._place(index)] = value


class Simulator:
    """The one simulated device. `order`: of blocks: a random.Random that shuffles, or None."""

    name = NAME
    capability = (9, 0)

    def __init__(self, part: Callable, total: int = 2 ** 32):
        self._kernel_part = part("simulator.kernel")
        self._api_part = part("simulator.kernelapi")
        self.total = total
        self.used = 0
        self.order: random.Random | None = None
        self._lock = threading.Lock()

    # ---- memory ----

    def allocate(self, nbytes: int):
        """A block, or None where memory is full. It is filled with what nobody expects."""
        if self.used + nbytes > self.total:
            return None
        self.used += nbytes
        raw = np.full(nbytes + 64, 0xA5, np.uint8)
        start = -raw.ctypes.data % 64
        return raw[start:start + nbytes]

    def free(self, block: np.ndarray):
        self.used -= block.size

    def memory_info(self) -> tuple[int, int]:
        """(free, total) in bytes."""
        return self.total - self.used, self.total

    def address(self, block: np.ndarray) -> int:
        """The number that other libraries know the memory by."""
        return block.ctypes.data

    def foreign_block(self, address: int, nbytes: int):
        """The block for memory at an address that another library owns."""
        import ctypes
        if not nbytes:
            return np.empty(0, np.uint8)
        return np.frombuffer((ctypes.c_uint8 * nbytes).from_address(address), np.uint8)

    def pointer(self, block: np.ndarray, offset: int, dtype: np.dtype) -> Pointer:
        """The elements of a block from a byte on; those before are within reach, too."""
        item = dtype.itemsize
        skipped = offset % item
        whole = (block.size - skipped) // item * item
        return Pointer(block[skipped:skipped + whole].view(dtype), offset // item)

    def write(self, block, offset: int, data: np.ndarray):
        """Host to device; `data` is contiguous."""
        block[offset:offset + data.nbytes] = data.reshape(-1).view(np.uint8)

    def read(self, block, offset: int, data: np.ndarray):
        """Device to host, into `data`; waits for all that was launched."""
        data.reshape(-1).view(np.uint8)[:] = block[offset:offset + data.nbytes]

    def copy(self, target, target_offset: int, source, source_offset: int, nbytes: int):
        """Device to device."""
        target[target_offset:target_offset + nbytes] = source[source_offset:source_offset + nbytes]

    def zero(self, block, offset: int, nbytes: int):
        """Fills with zero bytes."""
        block[offset:offset + nbytes] = 0

    def synchronize(self):
        """There is nothing to wait for."""

    def is_idle(self) -> bool:
        """Whether all that was launched is done: it always is."""
        return True

    def wait_for(self, stream: int):
        """There is nothing to wait for."""

    stream = 0

    # ---- kernels ----

    def load(self, kernel) -> tuple:
        """What `launch` is given for a kernel: its function, and the ways in which it waits."""
        function = getattr(kernel.function, "py_func", kernel.function)
        names = _names(function, {})
        return function, bool(names & _WAITING), "this_grid" in names

    def launch(self, loaded: tuple, grid: tuple, block: tuple, arguments: Sequence, shared: int):
        """Runs a kernel to its end."""
        function, waits, cooperative = loaded
        grid, block = _three(grid), _three(block)
        module = _grid_module(self._api_part)(grid, block, shared)
        blocks = [module.new_block(place) for place in np.ndindex(*grid)]
        if self.order is not None:
            self.order.shuffle(blocks)
        groups = [blocks] if cooperative else [[one] for one in blocks]
        run = _run_together if waits else _run_in_turn
        with self._lock, np.errstate(all="ignore"), \
                self._kernel_part._push_kernel_context(module), \
                self._api_part.swapped_cuda_module(function, module):
            for group in groups:
                run(module, group, lambda: function(*arguments))


def _run_in_turn(module, blocks: Sequence, body: Callable):
    for block in blocks:
        for number in range(module.threads):
            module.enter(block, number)
            body()


def _run_together(module, blocks: Sequence, body: Callable):
    """One Python thread for each thread of the blocks; they take turns at barriers."""
    failures: list[BaseException] = []
    module.grid_barrier = Barrier(len(blocks) * module.threads)

    def lane(block, number):
        module.enter(block, number)
        try:
            body()
        except BaseException as error:
            failures.append(error)
        finally:
            for barrier in (block.barrier, block.warps[number // WARP], module.grid_barrier):
                barrier.leave(failed=bool(failures))

    threads = [threading.Thread(target=contextvars.copy_context().run,
                                args=(lane, block, number), daemon=True)
               for block in blocks for number in range(module.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise next((error for error in failures if not isinstance(error, Abandoned)), failures[0])


class Abandoned(RuntimeError):
    """Another thread failed while this one waited for it."""


class Barrier:
    """Where threads wait until all that still run are there."""

    def __init__(self, count: int):
        self._running = count
        self._round = 0
        self._failed = False
        self._changed = threading.Condition()
        self._votes: dict = {}
        self._result: dict = {}

    def wait(self, number: int, vote=0) -> dict:
        """Waits; returns what all threads voted, by their numbers."""
        with self._changed:
            own = self._round
            self._votes[number] = vote
            self._open()
            self._changed.wait_for(lambda: self._round != own or self._failed)
            if self._failed:
                raise Abandoned("another thread failed")
            return self._result

    def leave(self, failed: bool):
        """A thread has come to its end; the others wait for it no longer."""
        with self._changed:
            self._running -= 1
            self._failed |= failed
            self._open()
            self._changed.notify_all()

    def _open(self):
        if self._votes and len(self._votes) >= self._running:
            self._result, self._votes = self._votes, {}
            self._round += 1
            self._changed.notify_all()


class _Block:
    """What the threads of a block share."""

    __slots__ = ("place", "number", "shared", "barrier", "warps")

    def __init__(self, place, number: int, shared, threads: int):
        self.place = place
        self.number = number
        self.shared = shared
        self.barrier = Barrier(threads)
        self.warps = [Barrier(min(WARP, threads - first)) for first in range(0, threads, WARP)]


_modules: dict = {}


def _grid_module(api):
    """numba's stand-in for `cuda` within kernels, made to ask which thread it is that asks."""
    found = _modules.get(api)
    if found is not None:
        return found

    class Grid(api.FakeCUDAModule):

        def __init__(self, grid, block, shared):
            super().__init__(grid, block, shared)
            self.threads = block[0] * block[1] * block[2]
            self.grid_barrier = None
            self._shared_bytes = shared
            self._places = [api.Dim3(x, y, z) for z in range(block[2]) for y in range(block[1])
                            for x in range(block[0])]
            self._here = threading.local()
            self._count = 0

        def new_block(self, place):
            self._count += 1
            return _Block(api.Dim3(*place), self._count - 1,
                          api.FakeCUDAShared(self._shared_bytes), self.threads)

        def enter(self, block, number):
            here = self._here
            here.block, here.number, here.thread = block, number, self._places[number]

        threadIdx = property(lambda self: self._here.thread)
        blockIdx = property(lambda self: self._here.block.place)
        laneid = property(lambda self: self._here.number % WARP)
        shared = property(lambda self: self._here.block.shared)
        cg = property(lambda self: _Cooperative(self))

        def _vote(self, value=0):
            return self._here.block.barrier.wait(self._here.number, value).values()

        def syncthreads(self):
            self._vote()

        def syncthreads_count(self, value):
            return sum(map(bool, self._vote(value)))

        def syncthreads_and(self, value):
            return int(all(self._vote(value)))

        def syncthreads_or(self, value):
            return int(any(self._vote(value)))

        def _warp(self, value=0):
            here = self._here
            return here.block.warps[here.number // WARP].wait(here.number % WARP, value)

        def syncwarp(self, mask=FULL_WARP):
            self._warp()

        def _from_lane(self, value, lane):
            return self._warp(value).get(lane, value)

        def shfl_sync(self, mask, value, lane):
            return self._from_lane(value, lane % WARP)

        def shfl_up_sync(self, mask, value, distance):
            return self._from_lane(value, self.laneid - distance)

        def shfl_down_sync(self, mask, value, distance):
            return self._from_lane(value, self.laneid + distance)

        def shfl_xor_sync(self, mask, value, lanes):
            return self._from_lane(value, self.laneid ^ lanes)

        def ballot_sync(self, mask, value):
            return sum(1 << lane for lane, vote in self._warp(value).items() if vote)

    _modules[api] = Grid
    return Grid


class _Cooperative:
    """`cuda.cg` within kernels."""

    def __init__(self, module):
        self._module = module

    def this_grid(self):
        return self

    def sync(self):
        module, here = self._module, self._module._here
        module.grid_barrier.wait(here.block.number * module.threads + here.number)
        return 0


def _three(size) -> tuple:
    size = (size,) if isinstance(size, int) else tuple(size)
    return (*size, *(1,) * (3 - len(size)))


def _names(function, seen: dict) -> set:
    """The names in the code of a function, and of those of its module that it calls."""
    function = getattr(function, "py_func", function)
    code = getattr(function, "__code__", None)
    if code is None or code in seen:
        return set()
    seen[code] = True
    every = set(code.co_names)
    for name in code.co_names:
        every |= _names(function.__globals__.get(name), seen)
    return every
