"""The threads of simulated blocks: in which order they run, and how they wait for each other.

Threads that never wait run one after the other. Those that wait at `cuda.syncthreads()` and at
shuffles alone run as generators, each to where it waits, then the next. Others are Python threads
that take turns.

In: what stands for `cuda` in a kernel, blocks, kernels. Imports NumPy only.
"""
from __future__ import annotations

import ast
import inspect
import textwrap
import threading
import types
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

WARP = 32


def run_in_turn(module, blocks: Sequence, body: Callable):
    for block in blocks:
        for number in range(module.threads):
            module.enter(block, number)
            body()


def run_steps(module, blocks: Sequence, body: Callable):
    """Threads that are generators: each runs to where it waits, then the next, warp by warp."""
    for block in blocks:
        warps = [_Warp(module, block, range(first, min(first + WARP, module.threads)), body)
                 for first in range(0, module.threads, WARP)]
        while warps:
            warps = [warp for warp in warps if warp.run()]


SHUFFLES = {"shfl_sync": lambda lane, number: number % WARP,
            "shfl_up_sync": lambda lane, distance: lane - distance,
            "shfl_down_sync": lambda lane, distance: lane + distance,
            "shfl_xor_sync": lambda lane, mask: lane ^ mask}
STEPPED = {"syncthreads", *SHUFFLES}     # what a generator can wait at


class _Warp:
    """The threads of a warp as generators. One that waits for the block yields None, one that
    shuffles (how, its value, the argument), and is sent the value of another."""

    def __init__(self, module, block, numbers: range, body: Callable):
        self.module, self.block = module, block
        self.count = len(numbers)
        self.lanes = {number: body() for number in numbers}

    def run(self) -> bool:
        """Runs until all that are left wait for the block; False if none is."""
        asked = self._advance({})
        while any(asked.values()):
            if len(asked) < self.count or not all(asked.values()):
                raise RuntimeError("some threads of a warp shuffle, and others do not")
            asked = self._advance(_shuffled(asked))
        return bool(asked)

    def _advance(self, answers: dict) -> dict:
        """Each thread to where it waits next: its number -> what it yields."""
        asked = {}
        for number, lane in self.lanes.items():
            self.module.enter(self.block, number)
            try:
                asked[number] = lane.send(answers.get(number))
            except StopIteration:
                pass
        if len(asked) < len(self.lanes):
            self.lanes = {number: self.lanes[number] for number in asked}
        return asked


def _shuffled(asked: dict) -> dict:
    """What each thread of a warp gets from the others."""
    values = {number % WARP: value for number, (_, value, _) in asked.items()}
    return {number: values.get(SHUFFLES[how](number % WARP, argument), own)
            for number, (how, own, argument) in asked.items()}


class _Waits(ast.NodeTransformer):
    """Each statement `cuda.syncthreads()` and each shuffle becomes a `yield`; `count` is how many
    there were."""

    def __init__(self):
        self.count = 0

    def visit_Expr(self, node):
        if ast.unparse(node) != "cuda.syncthreads()":
            return self.generic_visit(node)
        self.count += 1
        return ast.copy_location(ast.Expr(ast.Yield(ast.Constant(None))), node)

    def visit_Call(self, node):
        self.generic_visit(node)
        name = ast.unparse(node.func).removeprefix("cuda.")
        if name not in SHUFFLES:
            return node
        self.count += 1
        return ast.Yield(ast.Tuple([ast.Constant(name), *node.args[1:]], ast.Load()))


def as_generator(function: Callable) -> Callable | None:
    """A kernel that yields where it waits, with the same lines and globals; many times faster.

    None where that cannot be had: without its text, or where what it calls waits.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    definition, = tree.body
    waits = _Waits()
    definition = waits.visit(definition)
    if not waits.count or _still_waits(definition, function) or function.__closure__:
        return None
    definition.decorator_list = []
    ast.increment_lineno(tree, first - 1)
    scope: dict = {}
    exec(compile(ast.fix_missing_locations(tree), function.__code__.co_filename, "exec"), scope)
    made = scope[definition.name]
    return types.FunctionType(made.__code__, function.__globals__, made.__name__,
                              function.__defaults__)


def _still_waits(definition: ast.FunctionDef, function: Callable) -> bool:
    """Whether there are waits left: in other places than statements, or in what it calls."""
    return any(isinstance(node, ast.Attribute) and node.attr in STEPPED
               for node in ast.walk(definition)) \
        or any(names_in(function.__globals__.get(name), {}) & STEPPED
               for name in function.__code__.co_names)


def run_together(module, blocks: Sequence, body: Callable):
    """A Python thread for each thread of the blocks; one runs until it waits, then the next."""
    turns = module.turns = Turns()
    module.grid_barrier = Barrier(turns, len(blocks) * module.threads)
    for block in blocks:
        block.meet(turns, module.threads)
    turns.run([partial(_lane, module, block, number, body)
               for block in blocks for number in range(module.threads)])


def _lane(module, block, number: int, body: Callable):
    module.enter(block, number)
    try:
        body()
    finally:
        for barrier in (block.barrier, block.warps[number // WARP], module.grid_barrier):
            barrier.leave()


class Abandoned(RuntimeError):
    """Another thread failed while this one waited for it."""


class _Worker(threading.Thread):
    """A Python thread that does one job after the other, each when it is its turn."""

    def __init__(self):
        super().__init__(daemon=True)
        self.go = threading.Lock()
        self.go.acquire()
        self.job: Callable | None = None
        self.start()

    def run(self):
        with np.errstate(all="ignore"):
            while True:
                self.go.acquire()
                self.job()


_idle: list[_Worker] = []            # launches come one at a time, so nobody else takes one


class Turns:
    """Has jobs done, of which one runs at a time; one that pauses hands its turn on."""

    def __init__(self):
        self._ready: deque = deque()
        self._paused: set = set()
        self._left = 0
        self._current: _Worker | None = None
        self._failures: list[BaseException] = []
        self._finished = threading.Lock()

    def run(self, jobs: Sequence):
        """All jobs, to their ends. Raises what the first that failed has raised."""
        workers = [_idle.pop() if _idle else _Worker() for _ in jobs]
        for worker, job in zip(workers, jobs):
            worker.job = partial(self._do, job)
        self._ready.extend(workers)
        self._left = len(workers)
        self._finished.acquire()
        self._next()
        self._finished.acquire()
        _idle.extend(workers)
        if self._failures:
            raise self._failures[0]

    def _do(self, job: Callable):
        if not self._failures:
            try:
                job()
            except Abandoned:
                pass
            except BaseException as error:
                self._fail(error)
        self._left -= 1
        self._next()

    def _next(self):
        """Hands the turn to the next; where all wait for each other, that is a failure."""
        if not self._ready and self._paused:
            self._fail(RuntimeError("threads of a kernel wait for each other without end"))
        if self._ready:
            self._current = self._ready.popleft()
            self._current.go.release()
        elif not self._left:
            self._finished.release()

    def _fail(self, error: BaseException):
        self._failures.append(error)
        self._ready.extend(self._paused)
        self._paused.clear()

    def pause(self) -> None:
        """Waits until `wake` is called for the worker that runs now."""
        worker = self._current
        self._paused.add(worker)
        self._next()
        worker.go.acquire()
        if self._failures:
            raise Abandoned

    def failed(self) -> bool:
        """Whether a job has failed: then all come to their ends."""
        return bool(self._failures)

    def current(self) -> _Worker:
        """The worker that runs now."""
        return self._current

    def wake(self, workers: Sequence):
        """Workers that pause get a turn again."""
        self._paused.difference_update(workers)
        self._ready.extend(workers)


class Barrier:
    """Where threads wait until all that still run are there."""

    def __init__(self, turns: Turns, count: int):
        self._turns = turns
        self._running = count
        self._waiting: list[_Worker] = []
        self._votes: dict = {}
        self._result: dict = {}

    def wait(self, number: int, vote=0) -> dict:
        """Waits; returns what all threads voted, by their numbers."""
        self._votes[number] = vote
        if not self._open():
            self._waiting.append(self._turns.current())
            self._turns.pause()
        return self._result

    def leave(self):
        """A thread has come to its end; the others wait for it no longer."""
        self._running -= 1
        self._open()

    def _open(self) -> bool:
        if not self._votes or len(self._votes) < self._running or self._turns.failed():
            return False
        self._result, self._votes = self._votes, {}
        self._turns.wake(self._waiting)
        self._waiting = []
        return True


def names_in(function, seen: dict) -> set:
    """The names in the code of a function, and of those of its module that it calls."""
    function = getattr(function, "py_func", function)
    code = getattr(function, "__code__", None)
    if code is None or code in seen:
        return set()
    seen[code] = True
    every = set(code.co_names)
    for name in code.co_names:
        every |= names_in(function.__globals__.get(name), seen)
    return every
