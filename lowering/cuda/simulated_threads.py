"""The threads of simulated blocks: in which order they run, and how they wait for each other.

Threads that never wait run one after the other. Those that wait at `cuda.syncthreads()` and at
shuffles alone run as generators, each to where it waits, then the next. Others are Python threads
that take turns. Blocks that wait for each other run at once, in another order after each barrier.

In: what stands for `cuda` in a kernel, blocks, kernels. Imports `cuda.device_functions`.
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

from lowering.cuda.device_functions import GRID_BARRIER, called, names_in

WARP = 32


def run_in_turn(module, blocks: Sequence, body: Callable):
    for block in blocks:
        for number in range(module.threads):
            module.enter(block, number)
            body()


def run_steps(module, blocks: Sequence, body: Callable):
    """Threads that are generators: each runs to where it waits, then the next. Blocks that wait
    for the grid go on when all do."""
    crews = [_Crew(module, block, body) for block in blocks]
    while crews:
        module.shuffle(crews)
        waiting = [crew for crew in crews if crew.run()]
        if waiting and len(waiting) < len(crews):
            raise RuntimeError("some blocks wait for the grid, and others have come to their ends")
        crews = waiting


SHUFFLES = {"shfl_sync": lambda lane, number: number % WARP,
            "shfl_up_sync": lambda lane, distance: lane - distance,
            "shfl_down_sync": lambda lane, distance: lane + distance,
            "shfl_xor_sync": lambda lane, mask: lane ^ mask}
STEPPED = {"syncthreads", GRID_BARRIER, *SHUFFLES}     # what a generator can wait at
_BLOCK, _GRID = None, ()                               # what it yields there


class _Crew:
    """The threads of a block, warp by warp."""

    def __init__(self, module, block, body: Callable):
        self.warps = [_Warp(module, block, range(first, min(first + WARP, module.threads)), body)
                      for first in range(0, module.threads, WARP)]

    def run(self) -> bool:
        """Runs until all that are left wait for the grid; False if none is."""
        places: set = set()
        while self.warps and places != {_GRID}:
            self.warps = [warp for warp in self.warps if warp.run()]
            places = set().union(*(warp.places for warp in self.warps))
            if len(places) > 1:
                raise RuntimeError("some threads wait for the grid, and others for the block")
        return bool(self.warps)


class _Warp:
    """The threads of a warp as generators. One that waits for the block or the grid yields that,
    one that shuffles (how, its value, the argument), and is sent the value of another. places:
    where those that are left wait."""

    def __init__(self, module, block, numbers: range, body: Callable):
        self.module, self.block = module, block
        self.count = len(numbers)
        self.lanes = {number: body() for number in numbers}

    def run(self) -> bool:
        """Runs until all that are left wait for others than each other; False if none is."""
        asked = self._advance({})
        while any(asked.values()):
            if len(asked) < self.count or not all(asked.values()):
                raise RuntimeError("some threads of a warp shuffle, and others do not")
            asked = self._advance(_shuffled(asked))
        self.places = set(asked.values())
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


_BARRIERS = {"cuda.syncthreads()": _BLOCK, "cuda.cg.this_grid().sync()": _GRID}


class _Waits(ast.NodeTransformer):
    """Barriers and shuffles become a `yield`, calls of functions that wait a `yield from`; `count`
    is how many there were. functions: device functions that are called -> whether they wait."""

    def __init__(self, functions: dict):
        self.functions = functions
        self.count = 0

    def visit_Expr(self, node):
        text = ast.unparse(node)
        if text in _BARRIERS:
            self.count += 1
            place = ast.Tuple([], ast.Load()) if _BARRIERS[text] == _GRID else ast.Constant(_BLOCK)
            return ast.copy_location(ast.Expr(ast.Yield(place)), node)
        self.generic_visit(node)
        if self.functions.get(text.partition("(")[0]):
            self.count += 1
            node.value = ast.YieldFrom(node.value)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = ast.unparse(node.func).removeprefix("cuda.")
        if name in self.functions:
            node.func = ast.Name(_stepped_name(name), ast.Load())
        if name not in SHUFFLES:
            return node
        self.count += 1
        return ast.Yield(ast.Tuple([ast.Constant(name), *node.args[1:]], ast.Load()))


def _stepped_name(name: str) -> str:
    """What a function that is run in steps is called in its module: no name that Python has."""
    return f"{name} in steps"


def as_generator(function: Callable) -> Callable | None:
    """A kernel that yields where it waits, with the same lines and globals; many times faster.

    None where that cannot be had: without its text, or where it waits within an expression.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    definition, = tree.body
    functions = {name: bool(names_in(each, {}) & STEPPED)
                 for name, each in called(function).items()}
    waits = _Waits(functions)
    definition = waits.visit(definition)
    if not waits.count or function.__closure__ or _still_waits(definition, functions) \
            or not _prepare(function, functions):
        return None
    definition.decorator_list = []
    ast.increment_lineno(tree, first - 1)
    scope: dict = {}
    exec(compile(ast.fix_missing_locations(tree), function.__code__.co_filename, "exec"), scope)
    made = scope[definition.name]
    return types.FunctionType(made.__code__, function.__globals__, made.__name__,
                              function.__defaults__)


def _prepare(function: Callable, functions: dict) -> bool:
    """Puts what a kernel calls into its module, as it is called; whether all of it could be."""
    for name, each in called(function).items():
        stepped = as_generator(each) if functions[name] else each
        if stepped is None:
            return False
        function.__globals__[_stepped_name(name)] = stepped
    return True


def _still_waits(definition: ast.FunctionDef, functions: dict) -> bool:
    """Whether there are waits left: in other places than statements."""
    whole = {node.value.value.func for node in ast.walk(definition)
             if isinstance(node, ast.Expr) and isinstance(node.value, ast.YieldFrom)}
    waiting = {_stepped_name(name) for name, waits in functions.items() if waits}
    return any(isinstance(node, ast.Attribute) and node.attr in STEPPED
               or isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
               and node.func.id in waiting and node.func not in whole
               for node in ast.walk(definition))


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
