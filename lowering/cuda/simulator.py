"""The device of numba's CUDA simulator: kernels run in plain Python, on memory of the host.

What kernels may say is what numba's simulator knows, and shuffles, which it does not; the order of
things is decided here. Threads of a block that never wait for each other run one after the other,
in one Python thread, which is many times faster; blocks run in an order that may be shuffled, so
that a kernel that relies on it is found out; and a pointer knows where its memory ends.

In: functions, sizes. Out: a backend with the methods of `hardware.Hardware`. Imports
`lowering.errors`; numba's simulator by the name that `driver` gives.
"""
from __future__ import annotations

import inspect
import math
import random
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from lowering.cuda.device_functions import GRID_BARRIER, names_in, plain
from lowering.cuda.simulated_threads import (SHUFFLES, STEPPED, WARP, Barrier, Turns,
                                             as_generator, run_in_turn, run_steps, run_together)
from lowering.errors import NotRecordable

NAME = "numba's CUDA simulator"
_WAITING = {"syncthreads", "syncthreads_and", "syncthreads_or", "syncthreads_count", "syncwarp",
            GRID_BARRIER, "ballot_sync", *SHUFFLES}
FULL_WARP = 0xFFFFFFFF


class Pointer:
    """The elements of a block of memory from some byte on; indexing is checked, as memcheck does.
    """

    __slots__ = ("elements", "start")

    def __init__(self, elements: np.ndarray, start: int):
        self.elements = elements
        self.start = start

    def __add__(self, count) -> Pointer:
        return Pointer(self.elements, self.start + int(count))

    def _place(self, index) -> int:
        place = self.start + int(index)
        if not 0 <= place < self.elements.size:
            raise IndexError(f"a kernel reached for element {int(index)} of memory that has "
                             f"{self.elements.size - self.start} from there on, "
                             f"{self.start} before")
        return place

    def address(self) -> int:
        """Where in the memory of the host it points to."""
        return self.elements.__array_interface__["data"][0] + self.start * self.elements.itemsize

    def __getitem__(self, index):
        return self.elements[self._place(index)]

    def __setitem__(self, index, value):
        self.elements[self._place(index)] = value


class Simulator:
    """The one simulated device. `order`: of blocks: a random.Random that shuffles, or None.
    `resident`: how many blocks that wait for each other run at once."""

    name = NAME
    capability = (9, 0)

    def __init__(self, part: Callable, total: int = 2 ** 32):
        self._kernel_part = part("simulator.kernel")
        self._api_part = part("simulator.kernelapi")
        self.total = total
        self.used = 0
        self.order: random.Random | None = None
        self.resident = 3
        self._lock = threading.Lock()
        self._here = threading.local()       # .steps: what this thread records

    # ---- memory ----

    def allocate(self, nbytes: int):
        """A block, or None where memory is full. It is filled with what nobody expects."""
        self._not_recording("memory is taken of the device")
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
        self._not_recording("the host writes")
        block[offset:offset + data.nbytes] = data.reshape(-1).view(np.uint8)

    def read(self, block, offset: int, data: np.ndarray):
        """Device to host, into `data`; waits for all that was launched."""
        self._not_recording("the host reads")
        data.reshape(-1).view(np.uint8)[:] = block[offset:offset + data.nbytes]

    def copy(self, target, target_offset: int, source, source_offset: int, nbytes: int):
        """Device to device."""
        if self._is_recording():
            self._here.steps.append(partial(self.copy, target, target_offset, source,
                                            source_offset, nbytes))
            return
        target[target_offset:target_offset + nbytes] = source[source_offset:source_offset + nbytes]

    def zero(self, block, offset: int, nbytes: int):
        """Fills with zero bytes."""
        if self._is_recording():
            self._here.steps.append(partial(self.zero, block, offset, nbytes))
            return
        block[offset:offset + nbytes] = 0

    def synchronize(self):
        """There is nothing to wait for."""
        self._not_recording("the host waits")

    def is_idle(self) -> bool:
        """Whether all that was launched is done: it always is."""
        return True

    def wait_for(self, stream: int):
        """There is nothing to wait for."""

    stream = 0

    # ---- recording ----

    def _is_recording(self) -> bool:
        return getattr(self._here, "steps", None) is not None

    def _not_recording(self, what: str):
        if self._is_recording():
            raise NotRecordable(f"{what} in between")

    def start_recording(self):
        """From now on, what this thread launches is written down."""
        self._here.steps = []

    def stop_recording(self, keep: bool = True) -> list:
        """What was launched since."""
        steps, self._here.steps = self._here.steps, None
        return steps

    def replay(self, steps: list):
        """Runs what was recorded."""
        for step in steps:
            step()

    def drop(self, steps: list):
        """Forgets what was recorded."""
        steps.clear()

    def enqueue(self, launch: Callable):
        """Has a library launch something."""
        if self._is_recording():
            self._here.steps.append(partial(launch, self.stream))
        else:
            launch(self.stream)

    # ---- kernels ----

    def load(self, kernel) -> tuple:
        """What `launch` is given for a kernel: its function, and the ways in which it waits."""
        function = plain(kernel.function)
        names = names_in(function, {})
        if names & _WAITING and names & _WAITING <= STEPPED:
            function = as_generator(function) or function
        return function, bool(names & _WAITING), kernel.waits_for_grid

    def launch(self, loaded: tuple, grid: tuple, block: tuple, arguments: Sequence, shared: int):
        """Runs a kernel to its end."""
        if self._is_recording():
            self._here.steps.append(partial(self.launch, loaded, grid, block, arguments, shared))
            return
        function, waits, cooperative = loaded
        grid, block = _three(grid), _three(block)
        if cooperative:
            grid = _three(min(math.prod(grid), self.resident))
        module = _grid_module(self._api_part)(grid, block, shared)
        blocks = [module.new_block(place) for place in np.ndindex(*grid)]
        module.shuffle = self.order.shuffle if self.order is not None else lambda blocks: None
        module.shuffle(blocks)
        groups = [blocks] if cooperative else [[one] for one in blocks]
        run = run_steps if inspect.isgeneratorfunction(function) \
            else run_together if waits else run_in_turn
        with self._lock, np.errstate(all="ignore"), \
                self._kernel_part._push_kernel_context(module), \
                self._api_part.swapped_cuda_module(function, module):
            for group in groups:
                run(module, group, lambda: function(*arguments))


class _Block:
    """What the threads of a block share."""

    __slots__ = ("place", "number", "shared", "barrier", "warps")

    def __init__(self, place, number: int, shared):
        self.place = place
        self.number = number
        self.shared = shared

    def meet(self, turns: Turns, threads: int):
        """Makes the places where its threads wait for each other."""
        self.barrier = Barrier(turns, threads)
        self.warps = [Barrier(turns, min(WARP, threads - first))
                      for first in range(0, threads, WARP)]


class _Grid:
    """What a kernel asks `cuda`: which thread it is that asks, and the others of its block."""

    def __init__(self, api, block: tuple, shared: int):
        self.threads = block[0] * block[1] * block[2]
        self.grid_barrier = None
        self._dim3 = api.Dim3
        self._make_shared = partial(api.FakeCUDAShared, shared)
        self._places = [api.Dim3(x, y, z) for z in range(block[2]) for y in range(block[1])
                        for x in range(block[0])]
        self._here = threading.local()
        self._count = 0

    def new_block(self, place):
        self._count += 1
        return _Block(self._dim3(*place), self._count - 1, _Shared(self._make_shared))

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


class _Warps:
    """What the threads of a warp say to each other."""

    def _warp(self, value=0):
        here = self._here
        return here.block.warps[here.number // WARP].wait(here.number % WARP, value)

    def syncwarp(self, mask=FULL_WARP):
        self._warp()

    def ballot_sync(self, mask, value):
        return sum(1 << lane for lane, vote in self._warp(value).items() if vote)


def _shuffle(source: Callable) -> Callable:
    def shuffle(self, mask, value, argument):
        return self._warp(value).get(source(self.laneid, argument), value)
    return shuffle


for _name, _source in SHUFFLES.items():
    setattr(_Warps, _name, _shuffle(_source))


@cache
def _grid_module(api):
    """numba's stand-in for `cuda` within kernels, made to ask which thread it is that asks."""
    class Grid(_Grid, _Warps, api.FakeCUDAModule):

        def __init__(self, grid, block, shared):
            api.FakeCUDAModule.__init__(self, grid, block, shared)
            _Grid.__init__(self, api, block, shared)
    return Grid


class _Shared:
    """Shared memory of a block: the same array for all its threads, one for each line."""

    def __init__(self, make: Callable):
        self._make = make                    # numba's, which would take our line for the kernel's
        self._dynamic = make()
        self._arrays: dict = {}

    def array(self, shape, dtype):
        frame = sys._getframe(1)
        place = frame.f_code, frame.f_lineno
        found = self._arrays.get(place)
        if found is None:
            source = self._dynamic if shape == 0 else self._make()
            dtype = np.dtype(dtype) if isinstance(dtype, type) else dtype
            found = self._arrays[place] = source.array(shape, dtype)
            if shape != 0:
                found.view(np.uint8).fill(0xA5)             # what nobody expects
        return found


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
