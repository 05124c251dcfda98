"""Runs rows: starts the processes, lets them take turns, compares their results.

In: rows and settings. Out: `Line`s of the table. Imports NumPy when results are compared.
"""
from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from statistics import median

from benchmarks import libraries, worker
from benchmarks.row import FIRST, IMPORT, REPEATED, SECOND, Row

OURS = "functrans"
TURN_LIMIT = 900        # seconds for one answer; then the process is given up


@dataclass
class Settings:
    """How long and how often to measure."""
    rounds: int = 9
    seconds: float = 0.1            # of a turn
    processes: int = 3              # fresh processes for each library, where a row needs them


@dataclass
class Line:
    """The times of a row: for each library, the seconds of each round."""
    row: Row
    times: dict[str, list[float]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def seconds(self, library: str) -> float | None:
        """The median over the rounds."""
        return median(self.times[library]) if self.times.get(library) else None

    def ratio(self) -> float | None:
        """Best peer over ours: round by round, then the median. Above 1, ours is faster."""
        peers = [name for name in self.times if name != OURS]
        if OURS not in self.times or not peers:
            return None
        best = min(peers, key=self.seconds)
        return median(a / b for a, b in zip(self.times[best], self.times[OURS]))


class Worker:
    """The process of a library, seen from here."""

    def __init__(self, library: str):
        context = multiprocessing.get_context("spawn")
        self.library = library
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=worker.serve, args=(library, theirs), daemon=True)
        self.process.start()

    def ask(self, *message):
        """The answer to a message. Raises RuntimeError with the text of an error there."""
        self.pipe.send(message)
        if not self.pipe.poll(TURN_LIMIT):
            raise RuntimeError(f"{self.library} did not answer {message[0]} in {TURN_LIMIT} s")
        status, answer = self.pipe.recv()
        if status == "error":
            raise RuntimeError(answer)
        return answer

    def stop(self):
        self.pipe.send(None)
        self.process.join(5)


class Harness:
    """Measures rows, one after the other."""

    def __init__(self, settings: Settings, names: list[str] | None = None):
        self.settings = settings
        self.names = libraries.installed() if names is None else names
        self.workers: dict[str, Worker] = {}
        self.folder = tempfile.TemporaryDirectory()     # an empty cache, for a fair start
        os.environ["FUNCTRANS_CACHE_DIR"] = self.folder.name

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for each in self.workers.values():
            each.stop()
        self.folder.cleanup()

    def worker(self, library: str) -> Worker:
        if library not in self.workers:
            self.workers[library] = Worker(library)
        return self.workers[library]

    def measure(self, row: Row) -> Line:
        line = Line(row)
        names = [name for name in self.names if row.maker(name)]
        measure = self._repeated if row.how == REPEATED else self._fresh
        measure(line, names)
        return line

    # ---- the same call again and again ----

    def _repeated(self, line: Line, names: list):
        results = {}
        for name in names:
            try:
                results[name] = self.worker(name).ask("prepare", line.row.name)
            except (RuntimeError, EOFError) as error:
                line.problems[name] = str(error)
        compare(results, line)
        ready = list(results)
        for name in ready:                              # a turn to warm up
            self.worker(name).ask("turn", self.settings.seconds / 4)
        for number in range(self.settings.rounds):
            for name in ready[number % len(ready):] + ready[:number % len(ready)]:
                seconds = self.worker(name).ask("turn", self.settings.seconds)
                line.times.setdefault(name, []).append(seconds)

    # ---- once in a fresh process ----

    def _fresh(self, line: Line, names: list):
        with tempfile.TemporaryDirectory() as folder:
            if line.row.how == SECOND:
                for name in names:
                    self._in_process(line, name, folder)        # fills the caches
            for number in range(self.settings.processes):
                for name in names:
                    cache = folder if line.row.how == SECOND else f"{folder}/{number}"
                    self._record(line, name, cache)

    def _record(self, line: Line, name: str, folder: str):
        seconds = self._in_process(line, name, folder)
        if seconds is None:
            return
        imported, called = seconds
        total = {IMPORT: imported, FIRST: called, SECOND: imported + called}[line.row.how]
        line.times.setdefault(name, []).append(total)

    def _in_process(self, line: Line, name: str, folder: str):
        command = [sys.executable, "-m", "benchmarks.fresh", line.row.name, name]
        done = subprocess.run(command, env=_environment(line.row, folder), text=True,
                              capture_output=True)
        if done.returncode:
            line.problems[name] = done.stderr[-2000:]
            return None
        return json.loads(done.stdout.splitlines()[-1])


def _environment(row: Row, folder: str) -> dict:
    """The variables of a fresh process: caches of both libraries, where a row has warm ones."""
    caches = {"FUNCTRANS_CACHE_DIR": folder}
    if row.how == SECOND:
        caches |= {"JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
                   "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                   "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    return {**os.environ, **caches}


def compare(results: dict, line: Line):
    """Notes where a library's results differ from the first one's, beyond the tolerance."""
    first = next(iter(results), None)
    for name in list(results)[1:]:
        difference = _difference(results[first], results[name])
        if not difference <= line.row.tolerance:
            line.problems[name] = f"results differ from those of {first} by {difference:.3g}"


def _difference(ours: list, theirs: list) -> float:
    """The largest difference, of the largest element of each result."""
    import numpy as np
    if [shape for shape, _ in ours] != [shape for shape, _ in theirs]:
        return float("inf")
    return max((np.max(np.abs(a - b), initial=0) / max(np.max(np.abs(a), initial=0), 1e-30)
                for (_, a), (_, b) in zip(ours, theirs)), default=0.0)
