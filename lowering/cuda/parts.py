"""From a kernel to the parts that a GPU runs one after the other, each on points of a grid.

A point is an index on all axes of the grid; points are computed apart, in any order. Results that
have another grid are another part. A reduction that would be the same for many points is a part of
its own, whose results the others read from memory.

In: `Kernel`. Out: `Part`s in the order in which they run. Imports `loops`, `nest`, `views`.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from lowering.kernel_text import local_dtype
from lowering.loops import Axis, Cumulate, Kernel, Load, Place, Reduce, Store
from lowering.nest import prepare_axes
from lowering.views import Buffer, row_major, whole

FEW = 16           # a reduction over at most so many elements is rather repeated than stored


@dataclass(slots=True)
class Part:
    """`kernel` for each point of `grid`, axes in the order of memory."""
    kernel: Kernel
    grid: list

    @property
    def points(self) -> int:
        return math.prod(axis.extent for axis in self.grid)


def parts(kernel: Kernel) -> list[Part]:
    """The parts of a kernel."""
    splitter = _Splitter(prepare_axes(kernel))
    splitter.run()
    return splitter.parts


def is_apart(statement, axis: Axis) -> bool:
    """Whether a statement touches nothing that it touches at another index of the axis."""
    if isinstance(statement, Reduce):
        return axis not in statement.over
    if isinstance(statement, Cumulate):
        return statement.along is not axis
    if isinstance(statement, Store):
        return axis in statement.place.coefficients
    return True


@dataclass(eq=False)
class _Splitter:
    kernel: Kernel
    parts: list = field(default_factory=list)
    cut: dict = field(default_factory=dict)       # id of a reduction -> what reads its results

    def run(self):
        stores = [s for s in self.kernel.statements if isinstance(s, Store)]
        groups: dict = {}
        for store in stores:
            groups.setdefault(frozenset(self._grid(self._needed([store]))), []).append(store)
        for group in groups.values():
            self._part(group)

    def _needed(self, stores: list) -> list:
        """What some stores need, in order."""
        live = {id(store) for store in stores}
        found = list(stores)
        for statement in reversed(self._order(stores)):
            if id(statement) in live:
                for value in statement.inputs:
                    if id(value) not in live:
                        live.add(id(value))
                        found.append(value)
        return [s for s in self._order(stores) if id(s) in live]

    def _order(self, stores: list) -> list:
        """All statements, and stores that are new, in an order in which they can be computed."""
        known = {id(s) for s in self.kernel.statements}
        return [*self.kernel.statements, *(s for s in stores if id(s) not in known)]

    def _grid(self, statements: list) -> list[Axis]:
        """The axes on which the statements are apart."""
        return [axis for axis in self.kernel.axes
                if any(axis in s.axes for s in statements)
                and all(is_apart(s, axis) for s in statements)]

    def _part(self, stores: list):
        """Adds the part of some stores of one grid, behind the parts that it reads."""
        grid = self._grid(self._needed(stores))
        changed: dict = {}
        statements = []
        for statement in self._needed(stores):
            if self._is_shared(statement, grid):
                fresh = self._read(statement)
            else:
                fresh = replace(statement, inputs=[changed[id(v)] for v in statement.inputs])
            changed[id(statement)] = fresh
            statements.append(fresh)
        live = _live(statements)
        axes = [axis for axis in self.kernel.axes if any(axis in s.axes for s in live)]
        self.parts.append(Part(Kernel(live, axes, self.kernel.name), grid))

    def _is_shared(self, statement, grid: list) -> bool:
        """Whether a reduction gives the same for many points, and is worth a part of its own."""
        if not isinstance(statement, (Reduce, Cumulate)):
            return False
        repeats = math.prod(axis.extent for axis in grid if axis not in statement.result_axes)
        over = statement.axes.difference(grid)
        return repeats > 1 and math.prod(axis.extent for axis in over) > FEW

    def _read(self, statement) -> Load:
        """Reads a reduction's results, which a part of its own stores in memory."""
        if id(statement) not in self.cut:
            axes = [axis for axis in self.kernel.axes if axis in statement.result_axes]
            shape = tuple(axis.extent for axis in axes)
            view = whole(Buffer(local_dtype(statement.dtype), math.prod(shape)), shape)
            place = Place(view, 0, dict(zip(axes, row_major(shape))))
            store = Store([statement], view.dtype, frozenset(axes), statement.location,
                          place=place)
            self.cut[id(statement)] = place
            self._part([store])
        place = self.cut[id(statement)]
        return Load([], statement.dtype, frozenset(place.coefficients), statement.location,
                    place=place)


def _live(statements: list) -> list:
    """The statements that some store needs."""
    live: set = set()
    for statement in reversed(statements):
        if isinstance(statement, Store) or id(statement) in live:
            live.add(id(statement))
            live.update(id(value) for value in statement.inputs)
    return [s for s in statements if id(s) in live]
