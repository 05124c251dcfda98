"""Copies between host and device: counted, and watched if someone wants to.

Out: `transfers`, `before_transfer`. Imports the standard library.
"""
from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from threading import RLock

_lock = RLock()


@dataclass
class Transfers:
    """Copies between host and device since the process began: how many, how many bytes."""
    to_device: int = 0
    to_host: int = 0
    bytes_to_device: int = 0
    bytes_to_host: int = 0


transfers = Transfers()

#: Called as `function(direction, bytes)` before each copy between host and device, if there is one.
before_transfer: ContextVar[Callable | None] = ContextVar("before_transfer", default=None)


def count(direction: str, nbytes: int):
    """Counts a copy that is about to be made, and tells who watches."""
    watch = before_transfer.get()
    if watch is not None:
        watch(direction, nbytes)
    with _lock:
        setattr(transfers, direction, getattr(transfers, direction) + 1)
        name = f"bytes_{direction}"
        setattr(transfers, name, getattr(transfers, name) + nbytes)
