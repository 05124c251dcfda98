"""`ft.profile`: where the time of a compiled function goes, step by step.

In: a function and arguments. Out: `Profile`, rows that print as a table. Imports `jit`, `api.jit`,
`debug.machine`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from functrans.api.calls import check_callable
from functrans.api.jit import Jitted, jit
from functrans.debug.machine import Peaks, peaks
from functrans.debug.table import amount, duration, places, table
from functrans.array import is_elsewhere
from functrans.device import elsewhere
from functrans.errors import ArgumentError
from functrans.jit import profiled, raw_arrays


@dataclass(frozen=True)
class ProfileRow:
    """A step of a compiled function.

    kind: "kernel", "product" (of matrices), "library" (a call of LAPACK), "python" (a callback, or
        what has no kernel), "copy", "zero", "loop" and "branch" (what these cost by themselves).
    name: of the kernel, as in `lower(...).source()`; sizes; routines. lines: the user's.
    calls: how often it ran in one call of the function; seconds: of all of them, the median over
    runs. flops: operations, None where they are not known; bytes: memory that is read or written
    at least; floor: seconds that these take at the peak of the machine.
    """
    kind: str
    name: str
    lines: tuple
    calls: int
    seconds: float
    flops: float | None
    bytes: float
    floor: float
    text: str = ""

    @property
    def bandwidth(self) -> float:
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds else 0.0

    @property
    def flop_rate(self) -> float | None:
        """Operations a second."""
        return None if self.flops is None or not self.seconds else self.flops / self.seconds


class Profile(list):
    """The steps in the order in which they run; printed, with the slowest first.

    seconds: of a call without clocks, the median. peaks: of the machine.
    """

    def __init__(self, rows, name: str, seconds: float, peaks: Peaks):
        super().__init__(rows)
        self.name = name
        self.seconds = seconds
        self.peaks = peaks

    @property
    def floor(self) -> float:
        """Seconds that all steps take at least."""
        return sum(row.floor for row in self)

    def __repr__(self):
        total = sum(row.seconds for row in self) or 1.0
        rows = [(row.kind, row.name, str(row.calls), duration(row.seconds),
                 f"{100 * row.seconds / total:.0f}%", amount(row.bytes, "B"),
                 amount(row.bandwidth, "B/s"), amount(row.flop_rate, "flop/s"),
                 duration(row.floor), places(row.lines))
                for row in sorted(self, key=lambda row: -row.seconds)]
        head = (f"{self.name}: {duration(self.seconds)} a call; its steps {duration(total)}, at "
                f"the peak of this machine {duration(self.floor)}\n({self.peaks})")
        heads = ("kind", "name", "calls", "time", "share", "bytes", "bandwidth", "operations",
                 "floor", "lines")
        return f"{head}\n\n{table(heads, rows, right=range(2, 9), widest=48)}"


def profile(fun: Callable, *args, repeats: int = 20, **kwargs) -> Profile:
    """Times the steps of a function as it is compiled for the CPU: kernels, products, calls.

    fun: a function, jitted or not; it is called with `args` and `kwargs`, `repeats` times with
        clocks and as often without. Effects of it (debug.print) happen each time.
    Returns a list of `ProfileRow`s, with `seconds` of a whole call; it prints as a table, beside
    each time the floor: what its bytes and operations take at the peak of this machine, which is
    measured once. Clocks cost about a microsecond a step; that much is taken off, but steps that
    are as short are not timed well.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> found = ft.profile(lambda x: fnp.sin(x) @ x, fnp.ones((64, 64)))
    >>> [row.kind for row in found], found[1].name, found[1].flops
    (['kernel', 'product'], '64x64 @ 64x64', 524288)
    """
    check_callable(fun, "profile")
    if not hasattr(repeats, "__index__") or repeats < 1:
        raise ArgumentError(f"profile: repeats must be an int of at least 1, got {repeats!r}")
    jitted = fun if isinstance(fun, Jitted) else jit(fun)
    program, leaves = jitted.traced(*args, **kwargs)
    timed = profiled(program)
    arrays = [elsewhere.read(data) if is_elsewhere(data) else data
              for data in raw_arrays(program, leaves)]
    for _ in range(repeats + 1):                       # the first one does not count
        timed.run(arrays)
    limits = peaks()
    rows = [_row(step, timed.overhead, limits) for step in timed.steps]
    return Profile(rows, program.name, median(timed.runs[1:]), limits)


def _row(step, overhead: float, limits: Peaks) -> ProfileRow:
    flops, size = step.cost
    return ProfileRow(
        step.kind, step.name, tuple(step.lines), step.calls, step.seconds(overhead),
        None if flops is None else flops * step.calls, size * step.calls,
        limits.floor(flops, size) * step.calls, step.text)
