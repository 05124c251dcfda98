"""Long running results in pieces: a sum along an axis that many threads take part in.

An axis is split in two, the number of a piece and the place in it. One kernel combines each piece,
a second one the pieces up to each, and the last one runs through every piece by itself, and adds
what comes before it. That needs `combine` to be associative.

In: `Kernel`. Out: `Kernel`s, in the order in which they run. Imports `loops`, `views`.
"""
from __future__ import annotations

import math
from dataclasses import replace

from lowering.kernel_text import local_dtype
from lowering.loops import (Axis, Constant, Cumulate, Index, Kernel, Load, Map, Place, Reduce,
                            Store)
from lowering.views import Buffer, row_major, whole

LONG = 1 << 12         # an axis of so many elements is split
FEW = 1 << 10          # if there are at most so many running results
LEAST, MOST = 8, 1 << 10    # pieces
PIECE = 4              # elements of a piece, at least
ASSOCIATIVE = ("({acc} + {0})", "({acc} * {0})", "({acc} & {0})", "({acc} | {0})",
               "maximum({acc}, {0})", "minimum({acc}, {0})")


def in_pieces(kernel: Kernel) -> list[Kernel]:
    """The kernel, after those that it needs for running results in pieces."""
    axis = next(filter(None, (_axis(s, kernel) for s in kernel.statements)), None)
    if axis is None:
        return [kernel]
    return _Runs(kernel, axis).kernels()


def _axis(statement, kernel: Kernel) -> Axis | None:
    """The axis of a running result, if it is to be split and can be."""
    if not isinstance(statement, Cumulate) or statement.along.extent < LONG:
        return None
    axis = statement.along
    others = math.prod(other.extent for other in statement.axes if other is not axis)
    fits = others <= FEW and _pieces(axis.extent) > 1 \
        and all(_can_split(s, axis) for s in kernel.statements)
    return axis if fits else None


def _can_split(statement, axis: Axis) -> bool:
    if isinstance(statement, Cumulate) and statement.along is axis:
        return len(statement.inputs) == 1 and statement.combine in ASSOCIATIVE
    if isinstance(statement, (Load, Store)):
        return not any(guard[0] is axis for guard in statement.place.guards)
    return not (isinstance(statement, Index) and statement.axis is axis)


def _pieces(size: int) -> int:
    """A divisor of the size, so that all pieces are of one length; 1 if there is none that fits."""
    return next((n for n in range(min(MOST, size // PIECE), LEAST - 1, -1) if size % n == 0), 1)


class _Runs:
    """The statements of a kernel while an axis of it is split."""

    def __init__(self, kernel: Kernel, axis: Axis):
        self.kernel, self.axis = kernel, axis
        pieces = _pieces(axis.extent)
        self.piece = Axis(pieces, axis.backward)
        self.place = Axis(axis.extent // pieces, axis.backward)
        self.axes = [new for old in kernel.axes
                     for new in ((self.piece, self.place) if old is axis else (old,))]
        self.before: list[Kernel] = []

    def kernels(self) -> list[Kernel]:
        changed: dict = {}
        result: list = []
        for statement in self.kernel.statements:
            fresh = self._split(statement, [changed[id(value)] for value in statement.inputs])
            result.append(fresh)
            if isinstance(fresh, Cumulate) and fresh.along is self.place:
                result += self._continued(fresh, result)
            changed[id(statement)] = result[-1]
        return [*self.before, Kernel(result, self.axes, self.kernel.name)]

    def _split(self, statement, inputs: list):
        """A statement on two axes in place of the one."""
        fields = {"inputs": inputs}
        if self.axis in statement.axes:
            fields["axes"] = self._both(statement.axes)
        if isinstance(statement, Reduce):
            fields["over"] = self._both(statement.over)
        if isinstance(statement, Cumulate) and statement.along is self.axis:
            fields["along"] = self.place
        if isinstance(statement, (Load, Store)):
            strides = dict(statement.place.coefficients)
            if self.axis in strides:
                stride = strides.pop(self.axis)
                strides |= {self.piece: stride * self.place.extent, self.place: stride}
            fields["place"] = replace(statement.place, coefficients=strides)
        return replace(statement, **fields)

    def _both(self, axes: frozenset) -> frozenset:
        return axes - {self.axis} | {self.piece, self.place} if self.axis in axes else axes

    def _continued(self, run: Cumulate, statements: list) -> list:
        """A running result within pieces, with what comes before each piece."""
        axes = [axis for axis in self.axes if axis in run.axes and axis is not self.place]
        totals = _total(run, self.place)
        ends = self._kernel([*statements[:-1], totals], totals, axes)
        loaded = Load([], run.dtype, frozenset(axes), run.location, place=ends)
        sums = Cumulate([loaded], run.dtype, loaded.axes, run.location, along=self.piece,
                        init=run.init, combine=run.combine)
        place = self._kernel([loaded, sums], sums, axes)
        start = Constant([], run.dtype, value=run.init)
        before = Load([start], run.dtype, loaded.axes, run.location, place=self._before(place),
                      otherwise=0)
        whole_run = Map([before, run], run.dtype, run.axes, run.location,
                        expr=run.combine.replace("{0}", "{1}").replace("{acc}", "{0}"))
        return [start, before, whole_run]

    def _kernel(self, statements: list, value, axes: list) -> Place:
        """Adds a kernel that stores a value; where it does."""
        shape = tuple(axis.extent for axis in axes)
        view = whole(Buffer(local_dtype(value.dtype), math.prod(shape)), shape)
        place = Place(view, 0, dict(zip(axes, row_major(shape))))
        store = Store([value], view.dtype, frozenset(axes), value.location, place=place)
        self.before.append(Kernel(_needed([*statements, store]), self.axes))
        return place

    def _before(self, place: Place) -> Place:
        """Where the results of the piece before lie."""
        strides = dict(place.coefficients)
        stride = strides.pop(self.piece)
        low = -1 if self.piece.backward else 1
        guard = (self.piece, 0, 1, low, 1, self.piece.extent, stride)
        return Place(place.view, 0, strides, guards=[guard])


def _total(run: Cumulate, place: Axis) -> Reduce:
    """All of a running result along an axis, combined."""
    return Reduce(run.inputs, run.dtype, run.axes, run.location, over=frozenset([place]),
                  init=run.init, combine=run.combine)


def _needed(statements: list) -> list:
    """Those that the last one needs, in order."""
    live = {id(statements[-1])}
    for statement in reversed(statements):
        if id(statement) in live:
            live.update(id(value) for value in statement.inputs)
    return [s for s in statements if id(s) in live]
