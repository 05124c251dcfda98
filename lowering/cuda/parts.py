"""From a kernel to the parts that a GPU runs one after the other, each on points of a grid.

A point is an index on all axes of the grid; points are computed apart, in any order. Results that
have another grid are another part. Reductions become parts of their own, whose results the others
read from memory, if they would be the same for many points, or if they are long and few: those
are taken in pieces, so that there is work for the whole GPU.

In: `Kernel`. Out: `Part`s in the order in which they run. Imports `loops`, `nest`,
`views`, `cuda.runs`.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from lowering.cuda.runs import in_pieces as split_runs
from lowering.kernel_text import local_dtype
from lowering.loops import Axis, Cumulate, Kernel, Load, Place, Reduce, Statement, Store
from lowering.nest import prepare_axes
from lowering.views import Buffer, row_major, whole

FEW = 16           # a reduction over at most so many elements is rather repeated than stored
LONG = 1 << 14     # a reduction over so many elements is taken in pieces ...
FEW_RESULTS = 64   # ... if there are at most so many
PIECE = 1 << 12    # elements of a piece, at least
MOST_PIECES = 512
TALL = 512         # a column is taken in pieces if it has so many elements ...
THREADS = 1 << 16  # ... and if columns and pieces together are no more threads than these
COLUMN_PIECE = 64  # elements of a piece of a column, at least
MANY_UPDATES = 64  # so many updates of a scatter have several owners ...
OWNERS = (1021, 509, 251, 127, 61, 31)     # ... as many as one of these primes


@dataclass(slots=True)
class Part:
    """`kernel` for each point of `grid`, axes in the order of memory.

    pieces: the axis of the grid, if there is one, that says which piece of the loops is summed.
    owners: the axis of the grid, if there is one, that says which of the updates are written: those
    to the same place have one owner, who writes them in their order.
    """
    kernel: Kernel
    grid: list
    pieces: Axis | None = None
    owners: Axis | None = None

    @property
    def points(self) -> int:
        return math.prod(axis.extent for axis in self.grid)


def parts(kernel: Kernel, in_pieces: bool = True) -> list[Part]:
    """The parts of a kernel. in_pieces: whether long reductions are taken in pieces."""
    found: list[Part] = []
    for each in split_runs(prepare_axes(kernel)):
        splitter = _Splitter(prepare_axes(each), in_pieces, found)
        splitter.run()
    return [_with_owners(part) for part in found]


def _with_owners(part: Part) -> Part:
    """A part whose updates, if it has many, are shared by several threads for each point."""
    updates = math.prod(axis.extent for axis in part.kernel.axes if axis not in part.grid)
    counts = [n for n in OWNERS if n * part.points <= THREADS]
    stores = [s for s in part.kernel.statements if isinstance(s, Store)]
    if updates < MANY_UPDATES or not counts or not all(s.place.dynamic for s in stores):
        return part
    owners = Axis(counts[0])
    kernel = Kernel(part.kernel.statements, [owners, *part.kernel.axes], part.kernel.name)
    return Part(kernel, [owners, *part.grid], owners=owners)


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
    in_pieces: bool
    parts: list
    stored: dict = field(default_factory=dict)    # id of a reduction -> what reads its results

    def run(self):
        statements = self._replaced(self.kernel.statements, _is_long) if self.in_pieces \
            else self.kernel.statements
        groups: dict = {}
        for store in statements:
            if isinstance(store, Store):
                grid = frozenset(self._grid(_needed([store], statements)))
                groups.setdefault(grid, []).append(store)
        for stores in groups.values():
            self._part(_needed(stores, statements))

    def _axes(self, statements: list) -> list[Axis]:
        """The axes of statements, in the order of memory; those of pieces are the first."""
        used = frozenset().union(*(s.axes for s in statements))
        known = [axis for axis in self.kernel.axes if axis in used]
        return [*used.difference(known), *known]

    def _grid(self, statements: list) -> list[Axis]:
        """The axes on which the statements are apart."""
        return [axis for axis in self._axes(statements)
                if all(is_apart(s, axis) for s in statements)]

    def _part(self, statements: list, pieces: Axis | None = None):
        """Adds a part, behind the parts that it reads."""
        changed = None
        while changed is not statements:
            statements = changed or statements
            grid = self._grid(statements)
            changed = self._replaced(statements, partial(_is_shared, grid=grid) if pieces is None
                                     else partial(_is_apart_from, total=statements[-2], grid=grid))
        kernel = Kernel(statements, self._axes(statements), self.kernel.name)
        self.parts.append(Part(kernel, grid, pieces))

    def _replaced(self, statements: list, is_cut: Callable) -> list:
        """The statements with others in place of reductions that become parts of their own."""
        changed: dict = {}
        result: list = []
        some = False
        for statement in statements:
            inputs = [changed[id(value)] for value in statement.inputs]
            same = all(a is b for a, b in zip(inputs, statement.inputs, strict=True))
            fresh = statement if same else replace(statement, inputs=inputs)
            if is_cut(statement):
                some = True
                *before, fresh = self._stored(fresh, _needed([fresh], [*result, fresh]))
                result += before
            changed[id(statement)] = fresh
            result.append(fresh)
        return _live(result) if some else statements

    def _stored(self, reduction: Statement, needed: list) -> list:
        """The statements that read a reduction's results, which a part of its own stores."""
        known = self.stored.get(id(reduction))
        if known is None:
            known = self.stored[id(reduction)] = reduction, self._store(reduction, needed)
        return known[1]

    def _store(self, reduction: Statement, needed: list) -> list:
        axes = [axis for axis in self.kernel.axes if axis in reduction.result_axes]
        pieces = Axis(_pieces(reduction)) if self.in_pieces and _is_long(reduction) else None
        place = _new_place(reduction, [*([pieces] if pieces else []), *axes])
        store = Store([reduction], place.view.dtype, frozenset(place.coefficients),
                      reduction.location, place=place)
        self._part([*needed, store], pieces)
        load = Load([], reduction.dtype, store.axes, reduction.location, place=place)
        if pieces is None:
            return [load]
        return [load, replace(reduction, inputs=[load], axes=store.axes,
                              over=frozenset([pieces]))]


def _new_place(statement: Statement, axes: list) -> Place:
    """Memory for a value at each index of some axes; numbers have the dtype they are computed in.
    """
    shape = tuple(axis.extent for axis in axes)
    view = whole(Buffer(local_dtype(statement.dtype), math.prod(shape)), shape)
    return Place(view, 0, dict(zip(axes, row_major(shape))))


def _length(statement) -> int:
    return math.prod(axis.extent for axis in statement.over)


def _results(statement) -> int:
    return math.prod(axis.extent for axis in statement.result_axes)


def _is_long(statement) -> bool:
    """Whether a reduction would leave most of a GPU idle: of much to little, or of few columns."""
    return isinstance(statement, Reduce) and _pieces(statement) > 1


def _pieces(statement) -> int:
    """The number of pieces in which a reduction is taken."""
    length, results = _length(statement), _results(statement)
    if results <= FEW_RESULTS:
        return min(-(-length // PIECE), MOST_PIECES) if length >= LONG else 1
    if length < TALL or not _is_of_columns(statement):
        return 1
    return min(length // COLUMN_PIECE, THREADS // results)


def _is_of_columns(statement) -> bool:
    """Whether what is reduced lies apart in memory, and neighbours belong to other results."""
    loads, seen = [], set()
    waiting = list(statement.inputs)
    while waiting:
        value = waiting.pop()
        if id(value) not in seen:
            seen.add(id(value))
            waiting += value.inputs
            if isinstance(value, Load):
                loads.append(value.place.coefficients)
    return any(abs(strides.get(axis, 0)) == 1 for strides in loads
               for axis in statement.result_axes) \
        and not any(abs(strides.get(axis, 0)) == 1 for strides in loads
                    for axis in statement.over)


def _is_shared(statement, grid: list) -> bool:
    """Whether a reduction gives the same for many points, and is worth a part of its own."""
    if not isinstance(statement, (Reduce, Cumulate)):
        return False
    repeats = math.prod(axis.extent for axis in grid if axis not in statement.result_axes)
    over = statement.axes.difference(grid)
    return repeats > 1 and math.prod(axis.extent for axis in over) > FEW


def _is_apart_from(statement, total, grid: list) -> bool:
    """Whether a reduction is another than the `total` that is taken in pieces, and whole in each
    of them."""
    return isinstance(statement, (Reduce, Cumulate)) and statement is not total \
        and statement.result_axes.issubset(grid)


def _needed(wanted: list, statements: list) -> list:
    """Those of the statements that some of them need, in order."""
    live = {id(statement) for statement in wanted}
    for statement in reversed(statements):
        if id(statement) in live:
            live.update(id(value) for value in statement.inputs)
    return [s for s in statements if id(s) in live]


def _live(statements: list) -> list:
    """The statements that some store needs."""
    return _needed([s for s in statements if isinstance(s, Store)], statements)
