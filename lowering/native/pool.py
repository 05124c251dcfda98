"""Threads that run pieces of a kernel, one pool for the whole process.

A kernel is cut along its outermost loop, so the results are the same for any number of threads.
The pieces are more than the threads, and lie on a heap: the caller and every thread that is awake
take the next one, until none is left. So a thread that the system does not run now keeps nobody
waiting. The threads are Python's (so that they end with the interpreter), but wait and work in
machine code, without its lock. Whoever finds the pool in use runs its kernel alone. A process that
was forked starts threads of its own. Where the system has no semaphores, everything runs on one
thread.

In: kernels. Out: what the runner needs to call one in pieces. Imports `machine`, `kernel_text`,
`passes.buffers`.
"""
from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lowering.kernel_text import KernelText, Parameter
from lowering.native import machine, own_code
from lowering.passes.buffers import scratch_bytes

MAX_ARGUMENTS = 40          # of a kernel that is cut; those with more run on one thread
MAX_THREADS = 64
MIN_WORK = 60_000.0        # ns of a kernel that is worth the waking of threads

MIN_PIECE = 20_000.0        # ns of a piece that is worth the taking
PIECES = 4                  # for each thread, at most: they even out what threads are slowed by

# Words of the pool: whether it is in use, its threads, the state of the job in hand (how many
# threads work on it, and whether it is closed to others), the next piece, then the job itself: the
# kernel, the record of its cut, the length of its loop; a semaphore for the last one who leaves;
# the kernel's arguments; a semaphore for each thread, to wake it.
WORKERS, STATE, NEXT, FUNCTION, RECORD, LENGTH, DONE, ARGUMENTS = 1, 2, 3, 4, 5, 6, 8, 12
START = ARGUMENTS + MAX_ARGUMENTS + 4
SEMAPHORE_WORDS = 4
CLOSED = 1 << 32
# Words of the record of a cut: the pool, how many arguments, which one is the length of the loop,
# the length of a piece, how BLAS's number of threads is asked for and set, where the pieces call it
# (else 0); then for each argument by how many bytes it moves with an iteration, and from the
# caller's to those of each thread.
POOL, COUNT, EXTENT, PIECE, ASK, SET, MOVES = 0, 1, 2, 3, 4, 5, 6
# Arguments of a batch of products: how many, the routine, the address of the bytes by which each of
# the routine's arguments moves, these arguments.
PRODUCT_HEAD, PRODUCT_ARGUMENTS = 3, 16


def available_threads() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:                       # not on this system
        return os.cpu_count() or 1


class Pool:
    """The memory that threads and callers share, and the threads."""

    def __init__(self, threads: int, cache=None):
        self.parts = threads
        self.wanted = threads - 1
        self.words = np.zeros(START + max(self.wanted, 1) * SEMAPHORE_WORDS, np.int64)
        self.words[STATE] = CLOSED
        self.address = self.words.ctypes.data
        code = functions(cache)
        self.split = code.split
        self._work = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(code.work)
        os.register_at_fork(after_in_child=self.forget)
        self.start()

    def start(self):
        """Starts the threads, unless they run."""
        if self.words[WORKERS] == 0 and self._make_semaphores():
            for number in range(self.wanted):
                threading.Thread(target=self._work, args=(self.address, number + 1), daemon=True,
                                 name=f"functrans-{number + 1}").start()
            self.words[WORKERS] = self.wanted

    def forget(self):
        """After a fork: the threads are the parent's."""
        self.words[:STATE + 1] = 0, 0, CLOSED

    def _make_semaphores(self) -> bool:
        init = ctypes.CDLL(None).sem_init
        init.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint]
        places = [DONE, *(START + number * SEMAPHORE_WORDS for number in range(self.wanted))]
        return all(init(self.address + 8 * place, 0, 0) == 0 for place in places)


_lock = threading.Lock()
_pools: dict[int, Pool] = {}


def pool_of(threads: int | None, cache=None) -> Pool | None:
    """The pool for kernels on so many threads (None: one for each core), its threads started.

    None where there can be none: for one thread, or without semaphores.
    """
    threads = min(threads or available_threads(), MAX_THREADS)
    if threads < 2 or not _has_semaphores():
        return None
    with _lock:
        if threads not in _pools:
            _pools[threads] = Pool(threads, cache)
        _pools[threads].start()
        return _pools[threads]


def is_worth_it(kernel: KernelText) -> bool:
    """Whether a kernel can be cut, and takes long enough for it."""
    return kernel.split is not None and kernel.split.work >= MIN_WORK \
        and len(kernel.parameters) + 2 <= MAX_ARGUMENTS


def cut_of(kernel: KernelText, pool: Pool | None) -> tuple | None:
    """The record by which a kernel is cut into parts; None if it is better run in one."""
    if pool is None or not is_worth_it(kernel):
        return None
    split, count = kernel.split, len(kernel.parameters) + 2
    names = [parameter.name for parameter in kernel.parameters]
    extent = names.index(split.extent)
    length = kernel.parameters[extent].value
    if length < 2 * pool.parts:
        return None
    moves = [number for parameter in kernel.parameters for number in _moves(parameter, split)]
    return _record(pool, count, extent + 2, _piece(pool, length, split.work),
                   (0, 0, 0, 0, *moves))                 # the first two stay where they are


def is_batch_worth_it(pool: Pool | None, size: int, nanoseconds: float) -> bool:
    """Whether a batch of products is cut: there are enough for all threads, and it takes long."""
    return pool is not None and size >= 2 * pool.parts and nanoseconds >= MIN_WORK


def cut_of_batch(pool: Pool, size: int, nanoseconds: float, strides: Sequence,
                 blas_threads: tuple) -> tuple:
    """The record by which a batch of products is cut, while BLAS uses one thread for each."""
    moves = [number for stride in strides for number in (stride, 0)]
    return _record(pool, PRODUCT_HEAD + len(strides), 0, _piece(pool, size, nanoseconds),
                   (*[0] * 2 * PRODUCT_HEAD, *moves), blas_threads)


def _record(pool: Pool, count: int, extent: int, piece: int, moves: tuple,
            blas_threads=(0, 0)) -> tuple:
    return (pool.address, count, extent, piece, *blas_threads, *moves)


def _piece(pool: Pool, length: int, nanoseconds: float) -> int:
    """Iterations of a piece: some pieces for each thread, none of them tiny."""
    pieces = min(max(int(nanoseconds / MIN_PIECE), pool.parts), PIECES * pool.parts)
    piece = -(-length // pieces)
    return -(-piece // 64) * 64 if piece > 1024 else piece      # whole lines of the cache


def _moves(parameter: Parameter, split) -> tuple[int, int]:
    """By how many bytes an argument moves with an iteration, and from thread to thread."""
    if parameter.kind == "pointer":
        return split.strides.get(parameter.name, 0) * parameter.dtype.itemsize, 0
    return 0, scratch_bytes(parameter) if parameter.kind == "scratch" else 0


def _has_semaphores() -> bool:
    return os.name == "posix" and not machine.missing(("sem_init", "sem_wait", "sem_post"))


class Functions(NamedTuple):
    """Addresses of what `pool_code` writes."""
    split: int
    work: int
    alone: int
    products: int


def functions(cache=None) -> Functions:
    """The pool's machine code."""
    symbols = tuple(f"functrans_{name}" for name in Functions._fields)
    return Functions(*own_code.functions("pool", "pool_code.write_pool", symbols, cache,
                                         sources=("machine", "pool", "pool_code")))
