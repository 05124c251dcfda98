"""Timing of calls, in the process that makes them.

In: functions. Out: seconds. Imports the standard library only.
"""
from __future__ import annotations

import gc
import time
from collections.abc import Callable

BATCHES = 5         # a turn is this many batches of calls, the quickest of which counts


def batch_seconds(call: Callable, arguments: tuple, wait: Callable, count: int) -> float:
    """Seconds for `count` calls, after which the last result has been waited for."""
    start = time.perf_counter()
    for _ in range(count):
        out = call(*arguments)
    wait(out)
    return time.perf_counter() - start


def turn(call: Callable, arguments: tuple, wait: Callable, seconds: float) -> float:
    """Seconds of one call, from a turn of about `seconds`."""
    one = batch_seconds(call, arguments, wait, 1)
    count = max(1, int(seconds / BATCHES / max(one, 1e-7)))
    batches = max(1, min(BATCHES, int(seconds / max(one, 1e-7))))
    enabled = gc.isenabled()
    gc.disable()
    try:
        return min(batch_seconds(call, arguments, wait, count) for _ in range(batches)) / count
    finally:
        if enabled:
            gc.enable()
