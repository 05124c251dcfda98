"""A compiled Program whose steps are timed, one by one, while it runs as it always does.

After each step of the plan, in loops too, the runner calls back into Python, which reads a clock.
What such a call takes by itself is measured in the same run, and taken off.

In: a Program. Out: `Profiled`. Imports `pipeline`, `costs`, `targets.cpu`.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from functrans.ir.program import Program
from functrans.ir.show import show_location
from lowering.costs import Cost, cost
from lowering.library import LibraryCalls
from lowering.native.cache import LIMIT, disk_cache
from lowering.pipeline import make_plan, optimize
from lowering.plan import Choose, Copy, Host, Launch, Plan, Product, Region, Repeat, Zero
from lowering.targets.cpu import CpuExecutable

_EMPTY = 8          # clocks with nothing between them, to see what one takes

_KINDS = {Launch: "kernel", Product: "product", Copy: "copy", Zero: "zero", Host: "python",
          LibraryCalls: "library", Repeat: "loop", Choose: "branch"}


@dataclass(eq=False, slots=True)
class TimedStep:
    """A step of a plan: what it is, what one run of it takes, and how long that took.

    lines: the user's, as `file:line`. calls: how often it ran in the last run of the Program.
    spent: ns of all calls with their clocks, for each run of the Program.
    """
    kind: str
    name: str
    lines: list
    cost: Cost
    calls: int = 0
    spent: list = field(default_factory=list)
    text: str = ""

    def seconds(self, overhead: float) -> float:
        """The median of all runs but the first, without what a clock takes (ns)."""
        return max(0.0, median(self.spent[1:]) - overhead * self.calls) / 1e9


class _Clock:
    """The times since the last tick, by step."""

    def __init__(self):
        self.last = 0
        self.spent: list[int] = []
        self.calls: list[int] = []

    def tick(self) -> Callable:
        """A function that adds the time since the last tick to a slot of its own."""
        slot = len(self.spent)
        self.spent.append(0)
        self.calls.append(0)

        def tick():
            self.spent[slot] += time.perf_counter_ns() - self.last
            self.calls[slot] += 1
            self.last = time.perf_counter_ns()
            return ()
        return tick

    def start(self):
        self.spent[:] = [0] * len(self.spent)
        self.calls[:] = [0] * len(self.calls)
        self.last = time.perf_counter_ns()


class Profiled:
    """A Program to be timed: `run(arrays)` as often as wanted, then look at `steps`.

    runs: the seconds of each run without clocks.
    """

    def __init__(self, program: Program, cache_folder=None, cache_limit: int | None = None,
                 threads: int | None = None, compiler: str = "direct"):
        cache = disk_cache(str(cache_folder), cache_limit or LIMIT) if cache_folder else None
        optimized = optimize(program)
        self.plain = CpuExecutable(optimized, make_plan(optimized), cache, threads, compiler)
        self.clock = _Clock()
        self.steps: list[TimedStep] = []
        self.runs: list[float] = []
        self._names: dict[str, str] = {}
        plan = make_plan(optimized)
        ticks = [_host(self.clock.tick()) for _ in range(1 + _EMPTY)]     # the first: to get there
        self.overhead = float("inf")                 # ns that a clock takes: the least seen
        instrumented = self._with_clocks(plan)
        self.timed = CpuExecutable(
            optimized, replace(instrumented, steps=[*ticks, *instrumented.steps]), cache, threads,
            compiler)

    def _with_clocks(self, plan: Plan) -> Plan:
        steps: list = []
        for step in plan.steps:
            steps.append(self._inside(step))
            self.steps.append(self._described(step))
            steps.append(_host(self.clock.tick()))           # slots are in the order of steps
        return replace(plan, steps=steps)

    def _inside(self, step):
        """A step whose regions have clocks as well."""
        def timed(region: Region) -> Region:
            return replace(region, plan=self._with_clocks(region.plan))

        changes = {name: timed(getattr(step, name)) for name in ("test", "body")
                   if getattr(step, name, None) is not None}
        if getattr(step, "branches", ()):
            changes["branches"] = [timed(region) for region in step.branches]
        return replace(step, **changes) if changes else step

    def _described(self, step) -> TimedStep:
        kind = _KINDS.get(type(step), type(step).__name__.lower())
        name, text = kind, ""
        if isinstance(step, Launch):
            text = step.kernel.text
            name = self._names.setdefault(text, f"kernel_{len(self._names)}")
        elif isinstance(step, Product):
            batch = "x".join(map(str, step.left.batch_shape))
            name = (f"{batch + ' times ' if batch else ''}{step.left.rows}x{step.left.columns} @ "
                    f"{step.left.columns}x{step.right.rows}")
        elif isinstance(step, LibraryCalls):
            name = ", ".join(call.name for call, _ in step.calls)
        elif isinstance(step, Host):
            name = getattr(step.function, "__name__", "python")
        return TimedStep(kind, name, _lines(step), cost(step), text=text)

    def run(self, arrays: Sequence):
        """One run without clocks, and one with."""
        start = time.perf_counter()
        outs = self.plain.run(arrays)
        self.runs.append(time.perf_counter() - start)
        self.clock.start()
        self.timed.run(arrays)
        spent, calls = self.clock.spent, self.clock.calls
        self.overhead = min(self.overhead, *(time_spent / count for time_spent, count
                                             in zip(spent[1:], calls[1:]) if count))
        for step, *measured in zip(self.steps, spent[1 + _EMPTY:], calls[1 + _EMPTY:],
                                   strict=True):
            step.spent.append(measured[0])
            step.calls = measured[1]
        return outs


def _host(tick: Callable) -> Host:
    return Host(tick, [], [])


def _lines(step) -> list:
    if isinstance(step, Launch):
        locations = step.kernel.locations
    else:
        locations = [getattr(step, "location", None)]
    return list(dict.fromkeys(show_location(place) for place in locations if place))
