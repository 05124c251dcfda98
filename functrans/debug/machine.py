"""What this machine can do at best: bytes and operations a second, measured once in a process.

Imports NumPy, `debug.table`.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from functrans.debug.table import amount

_SIZES = tuple(1 << power for power in (15, 18, 21, 24, 26))       # bytes of what is copied
_ROWS = (64, 192, 512)          # of the matrices that are multiplied; the best rate counts
_SECONDS = 0.03                 # for each figure; the fastest call in them counts


class Peaks(NamedTuple):
    """The most that was measured.

    copies: pairs of a number of bytes and the bytes a second at which as many are read and
    written; small arrays lie in caches. float32, float64: operations a second of matrix products.
    """
    copies: tuple
    float32: float
    float64: float

    def bandwidth(self, size: float) -> float:
        """Bytes a second, for a step that moves `size` bytes."""
        return max(rate for bytes, rate in self.copies if bytes >= min(size, _SIZES[-1]))

    def floor(self, flops: float | None, size: float) -> float:
        """Seconds that operations and bytes take at least."""
        return max(size / self.bandwidth(size), (flops or 0) / self.float32)

    def __str__(self):
        (_, small), *_, (_, large) = self.copies
        return (f"{amount(large, 'B/s')} of memory, {amount(small, 'B/s')} of caches, products at "
                f"{amount(self.float32, 'flop/s')} in float32, "
                f"{amount(self.float64, 'flop/s')} in float64")


@cache
def peaks() -> Peaks:
    """The figures of this machine, measured at the first call in a process (half a second)."""
    return Peaks(tuple((size, _copy_rate(size)) for size in _SIZES), _product_rate("float32"),
                 _product_rate("float64"))


def _copy_rate(size: int) -> float:
    source, target = np.ones(size // 16), np.empty(size // 16)
    repeats = max(1, (1 << 18) // size)

    def copy():
        for _ in range(repeats):
            np.copyto(target, source)
    return repeats * size / _best(copy)


def _product_rate(dtype: str) -> float:
    rates = []
    for rows in _ROWS:
        square, out = np.ones((rows, rows), dtype), np.empty((rows, rows), dtype)
        rates.append(2 * rows ** 3 / _best(partial(np.matmul, square, square, out=out)))
    return max(rates)


def _best(function: Callable) -> float:
    """The seconds of the fastest call."""
    times, end = [], time.perf_counter() + _SECONDS
    function()
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
