"""A row of the table: one piece of work, written once for functrans and JAX, once for PyTorch.

    @row("saxpy 4M", bytes=3 * 4 * 4_000_000)
    def saxpy(lib):
        x, y = normal(4_000_000), normal(4_000_000)
        return lib.jit(lambda x, y: 2.5 * x + y), lib.arrays(x, y)

    @saxpy.torch
    def _(torch):
        x, y = tensors(normal(4_000_000), normal(4_000_000))
        return lambda: torch.add(y, x, alpha=2.5), ()

In: functions. Out: `ROWS`, in the order of the table. Imports the standard library; NumPy when a
row is prepared.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

ROWS: dict[str, Row] = {}

# How a row is measured: again and again in one process, or once in each of several fresh ones.
# "first" starts with an empty cache folder, "second" with one that a process before has filled.
REPEATED, FIRST, SECOND, IMPORT = "repeated", "first", "second", "import"


@dataclass
class Row:
    """One line of the table.

    make: from a library (`functrans` or `jax`, see `libraries`) to (function, arguments); one call
        of the function is what is timed.
    flops, bytes: the least that the work needs; the floor of the table follows from them.
    tolerance: how far the results of two libraries may differ, of the largest element.
    """
    name: str
    make: Callable
    how: str = REPEATED
    flops: float = 0
    bytes: float = 0
    tolerance: float = 1e-4
    peers: dict[str, Callable] = field(default_factory=dict)
    family: str = ""

    def torch(self, make: Callable) -> Callable:
        """Decorates the function that prepares the row for PyTorch."""
        self.peers["torch"] = make
        return make

    def maker(self, library: str) -> Callable | None:
        """What prepares the row for a library, or None where it has no such row."""
        return self.peers.get("torch") if library.startswith("torch") else self.make


def row(name: str, **options) -> Callable:
    """Decorates the function that prepares a row for functrans and JAX."""
    def register(make: Callable) -> Row:
        family = make.__module__.rpartition(".")[2]
        ROWS[name] = Row(name, make, family=family, **options)
        return ROWS[name]
    return register


first_call = partial(row, how=FIRST)
second_process = partial(row, how=SECOND)
