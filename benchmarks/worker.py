"""The process of one library: it prepares rows and times them, a turn at a time.

In: messages from `harness` through a pipe. Out: answers. Imports a library when it starts.
"""
from __future__ import annotations

import os
import traceback
from importlib import import_module

SAMPLE = 4096        # elements of each result that are compared


def serve(library: str, pipe):
    """Answers messages (name of a method, arguments) until None arrives."""
    worker = None
    while (message := pipe.recv()) is not None:
        try:
            worker = worker or _Worker(library)
            name, *arguments = message
            pipe.send(("ok", getattr(worker, name)(*arguments)))
        except Exception:
            pipe.send(("error", traceback.format_exc(limit=-4)))


class _Worker:

    def __init__(self, library: str):
        import benchmarks.families  # noqa: F401  (registers the rows)
        for module in os.environ.get("FUNCTRANS_BENCH_ROWS", "").split():
            import_module(module)                       # registers more of them
        from benchmarks.libraries import load
        self.library = load(library)
        self.row = None

    def version(self) -> str:
        return self.library.version

    def prepare(self, name: str):
        """Prepares a row and calls it once. Returns samples of its results."""
        from benchmarks.row import ROWS
        self.row = None
        make = ROWS[name].maker(self.library.name)
        self.row = make(getattr(self.library, "module", self.library))
        if hasattr(self.library, "compile"):
            self.row = self.library.compile(self.row[0]), self.row[1]
        call, arguments = self.row
        return [_sample(leaf) for leaf in self.library.leaves(call(*arguments))]

    def turn(self, seconds: float) -> float:
        from benchmarks.measure import turn
        return turn(*self.row, self.library.wait, seconds)

    def call(self, module: str, name: str):
        """What a function gives in this process."""
        return getattr(import_module(module), name)()

    def limits(self) -> tuple[float, float]:
        from benchmarks.machine import limits
        return limits()


def _sample(leaf):
    """Shape, and up to SAMPLE elements at equal distances."""
    import numpy as np
    leaf = np.asarray(leaf)
    flat = leaf.reshape(-1)
    return leaf.shape, flat[::max(1, flat.size // SAMPLE)][:SAMPLE].astype(np.float64)
