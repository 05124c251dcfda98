"""Loops of the plan as loops of phases.

    for k0 in range(n0):
        phase_0(c0, x1 + k0 * n2, c0_next, ...)
        cuda.cg.this_grid().sync()
        c0, c0_next = c0_next, c0

In: `Repeat`, places in memory. Out: lines. Imports `cuda.phase_writer`, `plan`, `views`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from lowering.cuda.phase_writer import Apart, Outermost, Place
from lowering.kernel_text import Parameter
from lowering.plan import Repeat
from lowering.views import Buffer, View


class Loop:
    """A loop of the plan as a loop of the kernel."""

    def __init__(self, writer, step: Repeat, depth: int, scope: Outermost):
        self.writer, self.step, self.depth, self.scope = writer, step, depth, scope
        self.index = writer.name("k")
        self.current = [scope.buffer(pair[0].root(), "c") for pair in step.carries]
        self.next = [scope.buffer(pair[-1].root(), f"{place.text}_next")
                     for pair, place in zip(step.carries, self.current)]
        self.exchanged = [(place.base, following.base) for place, following
                          in zip(self.current, self.next) if place != following]

    def views(self, views: Sequence, prefix: str = "x") -> list[Place]:
        return [self.scope.view(view, prefix) for view in views]

    def write(self):
        step, writer, scope = self.step, self.writer, self.scope
        for place, view in zip(self.current, step.starts):
            writer.copy(scope.view(view), place, view, self.depth)
        if step.test is None:
            self._counted()
        else:
            self._tested()
        for place, view in zip(self.current, step.results):
            writer.copy(place, scope.view(view, "y"), view, self.depth)

    def _counted(self):
        step, count = self.step, self._count()
        slices, rows = self.views(step.slices), self.views(step.rows, "y")
        inputs = [*self.views(step.constants), *self.current, *self._at(slices, step.slices)]
        self._for(count, inputs, [*self.next, *self._at(rows, step.rows)])

    def _for(self, count: str, inputs: list, outputs: list):
        order = f"range({count} - 1, -1, -1)" if self.step.reverse else f"range({count})"
        self._until_same(lambda: self._iteration(f"for {self.index} in {order}:", inputs, outputs))

    def _count(self) -> str:
        if isinstance(self.step.count, int):
            return self.writer.number(self.step.count)
        place, count = self.scope.view(self.step.count), self.writer.name("count")
        self.writer.use({place.base}, set(), self.depth)
        self.writer.line(self.depth, f"{count} = {place.first()}")
        return count

    def _at(self, places: list, views: list) -> list[Place]:
        """The elements of stacked views that a step reads or writes."""
        sizes = [self.writer.number(view.size // max(view.shape[0], 1)) for view in views]
        return [place.behind(self.index if size == "1" else
                             "0" if size == "0" else f"{self.index} * {size}")
                for place, size in zip(places, sizes)]

    def _tested(self):
        step = self.step
        if step.elements:
            raise Apart                            # the host keeps stacks
        if step.steps is not None:
            self.writer.line(self.depth, f"{self.index} = 0")
        self._while("while True:", step.steps is not None, self.next)
        if step.steps is not None:
            self._tell_steps(self.scope.view(step.steps, "y"))

    def _while(self, head: str, counted: bool, outputs: list):
        step, writer, inner = self.step, self.writer, self.depth + 1
        flag = self.scope.buffer(step.flag.root(), "flag")
        tests = [*self.views(step.test_constants), *self.current]
        inputs = [*self.views(step.constants), *self.current]

        def iteration():
            writer.line(self.depth, head)
            writer.steps(step.test, inner, tests, [flag])
            writer.use({flag.base}, set(), inner)
            writer.line(inner, f"if not {flag.first()}:")
            writer.line(inner + 1, "break")
            left = set(writer.read), set(writer.written)
            self._iteration("", inputs, outputs)
            if counted:
                writer.line(inner, f"{self.index} += 1")
            return left
        read, written = self._until_same(iteration)
        writer.read |= read
        writer.written |= written

    def _tell_steps(self, place: Place):
        self.writer.use(set(), {place.base}, self.depth)
        self.writer.line(self.depth, "if cuda.blockIdx.x + cuda.threadIdx.x == 0:")
        self.writer.line(self.depth + 1, f"{place.first()} = {self.index}")

    def _iteration(self, head: str, inputs: list, outputs: list):
        """The body, behind a line; then what was written is what the next one reads."""
        writer, inner = self.writer, self.depth + 1
        if head:
            writer.line(self.depth, head)
        count = len(writer.lines)
        writer.steps(self.step.body, inner, inputs, outputs)
        for one, other in self.exchanged:
            writer.line(inner, f"{one}, {other} = {other}, {one}")
        if len(writer.lines) == count:
            writer.line(inner, "pass")

    def _until_same(self, iteration: Callable):
        """Writes an iteration so that it has the barriers that it needs behind another one.

        What an iteration has used since its last barrier is what the next one starts with; with
        that the next one may have other barriers, until nothing is new.
        """
        writer = self.writer
        writer.barrier(self.depth)
        start = set(), set()
        while True:
            place = writer.place()
            writer.read, writer.written = map(set, start)
            result = iteration()
            renamed = dict([*self.exchanged, *((b, a) for a, b in self.exchanged)])
            found = [{renamed.get(name, name) for name in used}
                     for used in (writer.read, writer.written)]
            if found[0] <= start[0] and found[1] <= start[1]:
                writer.read, writer.written = map(set, start)
                return result
            start = start[0] | found[0], start[1] | found[1]
            writer.back_to(place)


class Lanes(Loop):
    """A loop whose iterations are apart from each other: each is done by one block."""

    def _for(self, count: str, inputs: list, outputs: list):
        head = f"for {self.index} in range(cuda.blockIdx.x, {count}, cuda.gridDim.x):"
        self._until_same(lambda: self._iteration(head, inputs, outputs))


class _Stretch(Loop):
    """`limit` steps of a loop, whose carries are in its results before and after. chunks: memory
    of one array for each step, one after the other."""

    def __init__(self, writer, step: Repeat, scope: Outermost, chunks: list[Buffer]):
        super().__init__(writer, step, 1, scope)
        self.chunks = chunks
        writer.parameters["limit"] = Parameter("limit", "limit")

    def write(self):
        for place, view in zip(self.current, self.step.results):
            self.writer.copy(self.scope.view(view, "y"), place, view, 1)
        self.steps()
        for place, view in zip(self.current, self.step.results):
            self.writer.copy(place, self.scope.view(view, "y"), view, 1)

    def each(self) -> list[Place]:
        """The arrays of a step in all chunks."""
        views = [View(chunk, 0, (1, chunk.size), (chunk.size, 1)) for chunk in self.chunks]
        return self._at([self.scope.buffer(chunk, "rows") for chunk in self.chunks], views)


class StretchUntil(_Stretch):
    """Steps of a loop until something holds, which leaves their number in `taken`."""

    def __init__(self, writer, step: Repeat, scope: Outermost, chunks: list, taken: Buffer):
        super().__init__(writer, step, scope, chunks)
        self.taken = taken

    def steps(self):
        self.writer.line(1, f"{self.index} = 0")
        self._while(f"while {self.index} < limit:", True, [*self.next, *self.each()])
        self._tell_steps(self.scope.buffer(self.taken, "taken"))


class StretchOfKnown(_Stretch):
    """Steps of a loop whose slices and rows are arrays that the host keeps."""

    def steps(self):
        each, slices = self.each(), len(self.step.slices)
        inputs = [*self.views(self.step.constants), *self.current, *each[:slices]]
        self._for("limit", inputs, [*self.next, *each[slices:]])
