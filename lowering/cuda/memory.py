"""Memory of a device: blocks from a pool, who holds them, and arrays that lie in them.

A freed block is kept for the next request of its size: all work goes down one stream, so what was
launched before has read the block before what is launched next writes to it. Of several the one of
the lowest address is taken, so that in a loop addresses come back soon (see `graphs.py`).

In: a backend (`hardware` or `simulator`), sizes in bytes. Out: `Memory`, `DeviceArray`. Imports
NumPy and `lowering.errors`.
"""
from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict, deque
from threading import RLock

import numpy as np

from lowering.errors import OutOfDeviceMemory


class Memory:
    """A block of device memory. It goes back to its pool when nobody refers to it."""

    __slots__ = ("pool", "block", "nbytes", "size", "owner", "__weakref__")

    def __init__(self, pool, block, nbytes: int, size: int, owner):
        self.pool = pool
        self.block = block              # what the backend knows it by
        self.nbytes = nbytes
        self.size = size                # what was taken for it
        self.owner = owner

    def pointer(self, offset: int, dtype):
        """What a kernel is passed for elements of `dtype` from the byte `offset` on."""
        return self.pool.backend.pointer(self.block, offset, dtype)

    def __del__(self):
        # This may run at any time, in any thread: nothing but an append, which is atomic.
        self.pool.returned.append((self.block, self.size, self.owner))


class ForeignMemory:
    """Memory that another library owns: `keeper` keeps it alive."""

    __slots__ = ("backend", "block", "nbytes", "keeper")

    def __init__(self, backend, block, nbytes: int, keeper):
        self.backend = backend
        self.block = block
        self.nbytes = nbytes
        self.keeper = keeper

    def pointer(self, offset: int, dtype):
        """As `Memory.pointer`."""
        return self.backend.pointer(self.block, offset, dtype)


class Pool:
    """Blocks of one device. `live`, `peak`: bytes in use now, and at most since `reset_peak`."""

    def __init__(self, backend):
        self.backend = backend
        self.returned: deque = deque()
        self._free: dict[int, list] = defaultdict(list)      # heaps of (address, block)
        self._held: Counter = Counter()
        self._live = self._peak = self._kept = 0
        self._lock = RLock()
        self.when_short: list = []          # called before memory is said to have run out

    def take(self, nbytes: int, owner: str = "arrays") -> Memory:
        """A block of at least `nbytes`; `owner` is named when memory runs out."""
        size = _rounded(nbytes)
        with self._lock:
            self._settle()
            block = self._block(size, nbytes, owner)
            self._live += size
            self._peak = max(self._peak, self._live)
            self._held[owner] += size
        return Memory(self, block, nbytes, size, owner)

    def _block(self, size: int, nbytes: int, owner: str):
        kept = self._free.get(size)
        if kept:
            self._kept -= size
            return heapq.heappop(kept)[1]
        block = self.backend.allocate(size)
        if block is None:
            for give_up in self.when_short:
                give_up()
            self._settle()
            self._release()
            block = self.backend.allocate(size)
        if block is None:
            raise self._out_of_memory(nbytes, owner)
        return block

    def _settle(self):
        """Takes back the blocks that nobody refers to any more."""
        while self.returned:
            block, size, owner = self.returned.popleft()
            heapq.heappush(self._free[size], (self.backend.address(block), block))
            self._kept += size
            self._live -= size
            self._held[owner] -= size

    def _release(self):
        self.backend.synchronize()
        for blocks in self._free.values():
            for _, block in blocks:
                self.backend.free(block)
        self._free.clear()
        self._kept = 0

    def release(self):
        """Gives the blocks that are kept for later back to the device."""
        with self._lock:
            self._settle()
            self._release()

    def _out_of_memory(self, nbytes: int, owner: str) -> OutOfDeviceMemory:
        free, total = self.backend.memory_info()
        held = ", ".join(f"{_bytes(size)} by {name}" for name, size in self._held.most_common(6)
                         if size)
        return OutOfDeviceMemory(
            f"the device is out of memory: {_bytes(nbytes)} were asked for, for {owner}; "
            f"{_bytes(free)} of {_bytes(total)} are free; {_bytes(self._live)} are held here"
            f"{': ' + held if held else ''}. Use smaller batches, donate arguments that are not "
            "needed afterwards, checkpoint, or drop references to arrays")

    @property
    def live(self) -> int:
        with self._lock:
            self._settle()
            return self._live

    @property
    def peak(self) -> int:
        return self._peak

    @property
    def kept(self) -> int:
        """Bytes of freed blocks that are kept for later."""
        with self._lock:
            self._settle()
            return self._kept

    def held(self) -> dict[str, int]:
        """Bytes in use, by who asked for them."""
        with self._lock:
            self._settle()
            return {name: size for name, size in self._held.items() if size}

    def reset_peak(self):
        """Starts to look for the peak anew."""
        with self._lock:
            self._settle()
            self._peak = self._live


def _rounded(nbytes: int) -> int:
    """The size class of a request: eight for each power of two, so that few bytes are wasted."""
    if nbytes <= 512:
        return 512
    step = max(512, 1 << (nbytes - 1).bit_length() - 4)
    return -(-nbytes // step) * step


def _bytes(count: float) -> str:
    """`3.2 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


class DeviceArray:
    """A contiguous array, row by row, in the memory of a device, from byte `offset` of it on.

    It has what a NumPy array says of itself, and no elements: `driver.to_host` copies them.
    reports: of the runs that it depends on; see `reports.py`.
    """

    __slots__ = ("memory", "shape", "dtype", "offset", "reports", "__weakref__")
    __array_ufunc__ = None
    on_device = True

    def __init__(self, memory, shape: tuple, dtype: np.dtype, offset: int = 0):
        self.memory = memory
        self.shape = shape
        self.dtype = dtype
        self.offset = offset
        self.reports: tuple = ()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def pointer(self, element: int = 0):
        """What a kernel is passed for the elements from `element` on."""
        return self.memory.pointer(self.offset + element * self.dtype.itemsize, self.dtype)

    def reshape(self, shape: tuple) -> DeviceArray:
        """The same elements in the same memory, in another shape."""
        out = DeviceArray(self.memory, shape, self.dtype, self.offset)
        out.reports = self.reports
        return out

    def __array__(self, dtype=None, copy=None):
        raise TypeError("the elements of a device array are not in the memory of the host; "
                        "copy them with device_get, or np.asarray of the array around it")

    def __repr__(self):
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype.name})"


def row_strides(shape: tuple, itemsize: int) -> tuple:
    """The strides in bytes of an array that lies row by row."""
    strides = []
    for size in reversed(shape):
        strides.append(itemsize)
        itemsize *= size
    return tuple(reversed(strides))
