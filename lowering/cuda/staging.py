"""Copies of large arrays between host and device, by way of memory that is locked in place.

The device copies from and to locked memory by itself, while the host goes on; for other memory the
driver waits for what was launched before, and copies more slowly. So a large array passes, piece by
piece, through a few blocks of locked memory. A block is used again when an event tells that the
device is done with it.

In: addresses, a function that calls the driver. Out: copies. Imports the standard library.
"""
from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from threading import RLock

LEAST = 1 << 16         # bytes; smaller copies are handed to the driver as they are
PIECE = 1 << 22
BLOCKS = 4


class Staging:
    """Blocks of locked memory. call: a function of the driver by its name, and its arguments."""

    def __init__(self, call: Callable, flags: int):
        self._call = call
        self._free: deque = deque()              # (address, event), in the order of their use
        for _ in range(BLOCKS):
            address = int(call("cuMemHostAlloc", PIECE, 0))
            self._free.append((address, call("cuEventCreate", flags)))
        self._lock = RLock()

    def to_device(self, target: int, source: int, nbytes: int, stream):
        """Host to device. What lies at `source` has been read when it returns."""
        with self._lock:
            for start in range(0, nbytes, PIECE):
                address, event = self._take()
                size = min(PIECE, nbytes - start)
                ctypes.memmove(address, source + start, size)
                self._call("cuMemcpyHtoDAsync", target + start, address, size, stream)
                self._give_back(address, event, stream)

    def to_host(self, target: int, source: int, nbytes: int, stream):
        """Device to host. It is there when it returns; the device copies a piece while the host
        takes over another."""
        arriving: deque = deque()
        with self._lock:
            for start in range(0, nbytes, PIECE):
                if len(arriving) == BLOCKS:
                    self._arrive(*arriving.popleft())
                address, event = self._take()
                size = min(PIECE, nbytes - start)
                self._call("cuMemcpyDtoHAsync", address, source + start, size, stream)
                self._give_back(address, event, stream)
                arriving.append((target + start, address, event, size))
            while arriving:
                self._arrive(*arriving.popleft())

    def _take(self) -> tuple:
        """A block that the device is done with."""
        address, event = self._free[0]
        self._call("cuEventSynchronize", event)
        self._free.popleft()
        return address, event

    def _give_back(self, address: int, event, stream):
        self._call("cuEventRecord", event, stream)
        self._free.append((address, event))

    def _arrive(self, target: int, address: int, event, size: int):
        self._call("cuEventSynchronize", event)
        ctypes.memmove(target, address, size)
