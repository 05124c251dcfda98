"""Clusters: the equations that become one kernel, and the loops that they share.

Each member is computed at each point of its axes, once. Axes are shared between members by
union: where one member reads another, index by index, their loops are the same.

Imports `functrans.ir`, `passes.access`, `loops`.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from functrans.ir.primitive import Cumulate
from functrans.ir.program import Equation
from lowering.loops import Axis

MAX_MEMBERS = 64
MAX_STREAMS = 40


class Axes:
    """Union-find over the axes of all clusters."""

    def __init__(self):
        self._parent: dict[Axis, Axis] = {}

    def find(self, axis: Axis) -> Axis:
        while axis in self._parent:
            axis = self._parent[axis]
        return axis

    def union(self, a: Axis, b: Axis) -> Axis:
        a, b = self.find(a), self.find(b)
        if a is not b:
            self._parent[b] = a
            if b.backward is not None:
                a.backward = b.backward
        return a


@dataclass(eq=False, slots=True)
class Member:
    """An equation in a cluster, and the axis of each dimension of its domain.

    The domain is what its loops run over: the operand's dimensions for a reduction, the
    updates' for a scatter, the result's otherwise. `domain[k]` is None where the size is one.
    """
    equation: Equation
    domain: tuple


@dataclass(eq=False, slots=True)
class Cluster:
    """A kernel in the making. `bit` marks it in sets of steps, which are integers."""
    bit: int
    members: list = field(default_factory=list)
    stores: list = field(default_factory=list)       # (variable, view)
    streams: set = field(default_factory=set)        # variables that it loads or stores
    recomputed: set = field(default_factory=set)     # computed here again, not loaded
    placed: dict = field(default_factory=dict)       # variable -> axes of its dimensions

    def axes(self, find) -> list[Axis]:
        """The axes of all members, in the order in which they are met."""
        found: dict = {}
        for member in self.members:
            for axis in member.domain:
                if axis is not None:
                    found[find(axis)] = None
        return list(found)

    def has_axes(self) -> bool:
        return any(axis is not None for member in self.members for axis in member.domain)


def directions_agree(a: Axis, b: Axis) -> bool:
    """Whether two loops can be one: running results may need opposite directions."""
    return a.backward is None or b.backward is None or a.backward == b.backward


def direction(kernel) -> bool | None:
    return kernel.reverse if isinstance(kernel, Cumulate) else None
