"""What a Program launches, recorded once as a graph and replayed by one call of the host.

A graph holds the addresses of what kernels read and write. Memory from the pool comes back at the
same addresses when a function is called in a loop, so a graph is recorded when addresses are met
for the second time. What is called with others is launched kernel by kernel.

Temporary memory of graphs is kept, and shared by all of them: work goes down one stream, and what
is temporary in one is done with when the next begins. Where memory runs out, graphs are given up.

In: functions that launch. Out: the same, replayed. Imports `cuda.driver`, `lowering.errors`.
"""
from __future__ import annotations

import threading
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from weakref import WeakSet

from lowering.cuda import driver
from lowering.errors import DeviceFailure, NotRecordable

MOST = 16               # graphs of one Program
REMEMBERED = 256        # addresses that were met once
ALIGNMENT = 4096        # sizes of temporary memory are rounded, so that more graphs share it

_lock = threading.RLock()
_here = threading.local()            # .take(nbytes): gives temporary memory in this thread
_temporary: dict = {}                # (number, size) -> memory that graphs share
_all: WeakSet = WeakSet()            # of Replayed


class Replayed:
    """A function that launches kernels, and does nothing else: `main(*pointers, error, hosts)`."""

    def __init__(self, function: Callable):
        update_wrapper(self, function)
        self.function = function
        self.graphs: OrderedDict = OrderedDict()     # addresses -> _Graph, those used last behind
        self.met: Counter = Counter()                # addresses, once each
        self.sizes: list | None = None               # of temporary memory, once that is known
        self.works = True                            # until recording fails, or does not pay
        self.recorded = self.replays = 0
        _all.add(self)

    def __call__(self, *arguments):
        *pointers, error, _ = arguments
        address = driver.backend().address
        key = tuple([address(pointer.memory.block) + pointer.offset for pointer in pointers])
        with _lock:
            graph = self._graph(key, arguments)
            if graph is not None:
                self.replays += 1
                graph.replay(error)
        if graph is None:
            self._launch(arguments)

    def _launch(self, arguments: Sequence):
        """Kernel by kernel."""
        if self.sizes is not None:
            self.function(*arguments)
            return
        sizes: list = []
        with _taking(lambda nbytes: sizes.append(nbytes) or driver.empty_bytes(nbytes)):
            self.function(*arguments)
        self.sizes = sizes

    def _graph(self, key: tuple, arguments: Sequence) -> _Graph | None:
        """The graph for these addresses, if there is one or is to be one."""
        found = self.graphs.get(key)
        if found is not None:
            self.graphs.move_to_end(key)
            return found
        if not self.works or not self._was_met(key) or self.sizes is None:
            return None
        try:
            graph = _Graph(self.function, arguments, self.sizes)
        except (NotRecordable, DeviceFailure) as error:
            self.works = False
            warnings.warn(f"{self.__module__} could not be recorded as a graph, so its kernels are "
                          f"launched one by one: right, but slower ({error})", stacklevel=2)
            return None
        self.graphs[key] = graph
        self.recorded += 1
        if len(self.graphs) > MOST:
            self.graphs.popitem(last=False)[1].drop()
            self.works = self.replays > 2 * self.recorded       # else addresses come back too late
        return graph

    def _was_met(self, key: tuple) -> bool:
        if self.met.pop(key, 0):
            return True
        if len(self.met) >= REMEMBERED:
            self.met.clear()
        self.met[key] = 1
        return False

    def forget(self):
        """Gives up all graphs; they are recorded anew when they are needed."""
        for graph in self.graphs.values():
            graph.drop()
        self.graphs.clear()


class _Graph:
    """Launches at fixed addresses. What kernels report goes to a record of its own."""

    def __init__(self, function: Callable, arguments: Sequence, sizes: Sequence[int]):
        *pointers, error, hosts = arguments
        self.memory = [_shared(number, size) for number, size in enumerate(sizes)]
        self.record = None if error is None else type(error)(
            driver.empty_bytes(error.memory.nbytes, "graphs"), 0, error.dtype)
        with driver.recording() as recording, _taking(self._taker()):
            if error is not None:
                driver.zero(self.record.memory, 0, error.memory.nbytes)
            function(*pointers, self.record, hosts)
        self.recorded = recording.graph

    def _taker(self) -> Callable:
        """What gives the blocks of temporary memory, one after the other."""
        blocks = iter(self.memory)

        def take(nbytes: int):
            block = next(blocks, None)
            if block is None or block.nbytes < nbytes:
                raise NotRecordable("temporary memory is of another size each time")
            return block
        return take

    def replay(self, error):
        """Launches all of it; what kernels report is copied to where this call wants it."""
        driver.replay(self.recorded)
        if error is not None:
            driver.copy(error.memory, error.offset, self.record.memory, 0, error.memory.nbytes)

    def drop(self):
        """Gives it up; what of it is running runs to its end."""
        driver.drop(self.recorded)


# ---- temporary memory ----

def temporary(nbytes: int):
    """Memory that a run needs for itself."""
    take = getattr(_here, "take", None)
    return driver.empty_bytes(nbytes) if take is None else take(nbytes)


@contextmanager
def _taking(take: Callable):
    """Within this block, in this thread, temporary memory comes from `take`."""
    _here.take = take
    try:
        yield
    finally:
        _here.take = None


def _shared(number: int, nbytes: int):
    """The memory that graphs have for their temporary memory of a number and a size."""
    size = -(-nbytes // ALIGNMENT) * ALIGNMENT
    if (number, size) not in _temporary:
        _temporary[number, size] = driver.empty_bytes(size, "graphs")
    return _temporary[number, size]


def give_up():
    """Forgets all graphs, and frees their memory; not while another thread uses them."""
    if _lock.acquire(blocking=False):
        try:
            for replayed in list(_all):
                replayed.forget()
            _temporary.clear()
        finally:
            _lock.release()


driver.when_memory_is_short(give_up)
