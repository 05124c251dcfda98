"""Threads that run parts of a kernel, one pool for the whole process.

A kernel is cut along its outermost loop, so the results are the same for any number of threads.
The threads are Python's (so that they end with the interpreter), but wait and work in machine code,
without its lock. Whoever finds the pool in use runs its kernel alone. A process that was forked
starts threads of its own. Where the system has no semaphores, everything runs on one thread.

In: nothing. Out: what the runner needs to call a kernel in parts. Imports `machine`.
"""
from __future__ import annotations

import ctypes
import os
import threading
from functools import cache

import numpy as np

from lowering.native import machine

MAX_ARGUMENTS = 40          # of a kernel that is cut; those with more run on one thread
MIN_WORK = 150_000.0        # ns of a kernel that is worth the waking of threads

# Words of the pool: whether it is in use, its threads, then a job for each.
WORKERS, JOBS = 1, 8
# Words of a job: two semaphores, the kernel, its arguments.
START, DONE, FUNCTION, ARGUMENTS = 0, 4, 8, 10
JOB_WORDS = ARGUMENTS + MAX_ARGUMENTS + 6
# Words of the record of a cut: the pool, how many arguments, which one is the length of the loop;
# then for each argument by how many bytes it moves with an iteration, and with a part.
POOL, COUNT, EXTENT, MOVES = 0, 1, 2, 3


def available_threads() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:                       # not on this system
        return os.cpu_count() or 1


class Pool:
    """The memory that threads and callers share, and the threads."""

    def __init__(self, threads: int):
        self.wanted = threads - 1
        self.words = np.zeros(JOBS + max(self.wanted, 1) * JOB_WORDS, np.int64)
        self.address = self.words.ctypes.data
        self.split, self._work = _functions()
        os.register_at_fork(after_in_child=self.forget)
        self.start()

    def start(self):
        """Starts the threads, unless they run."""
        if self.words[WORKERS] == 0 and self._make_semaphores():
            for number in range(self.wanted):
                threading.Thread(target=self._work, args=(self._job(number),), daemon=True,
                                 name=f"functrans-{number + 1}").start()
            self.words[WORKERS] = self.wanted

    def forget(self):
        """After a fork: the threads are the parent's."""
        self.words[:JOBS] = 0

    def _job(self, number: int) -> int:
        return self.address + 8 * (JOBS + number * JOB_WORDS)

    def _make_semaphores(self) -> bool:
        init = ctypes.CDLL(None).sem_init
        init.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint]
        return all(init(self._job(number) + 8 * place, 0, 0) == 0
                   for number in range(self.wanted) for place in (START, DONE))


_lock = threading.Lock()
_pools: list[Pool] = []


def the_pool() -> Pool | None:
    """The pool, with its threads started; None where there can be none."""
    with _lock:
        if not _pools and available_threads() > 1 and _has_semaphores():
            _pools.append(Pool(available_threads()))
        if _pools:
            _pools[0].start()
    return _pools[0] if _pools else None


def _has_semaphores() -> bool:
    return os.name == "posix" and not machine.missing(("sem_init", "sem_wait", "sem_post"))


@cache
def _functions() -> tuple:
    from lowering.native.pool_code import write_pool
    split, work = machine.load(machine.assemble(write_pool()), "functrans_split",
                               "functrans_work")
    return split, ctypes.CFUNCTYPE(None, ctypes.c_int64)(work)
