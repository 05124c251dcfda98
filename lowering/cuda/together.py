"""Loops and choices of several kernels as one: its kernels are phases, with a barrier in between.

    for k0 in range(n0):
        phase_0(c0, x1, t0, ...)
        cuda.cg.this_grid().sync()
        phase_1(t0, x2 + k0 * n2, c0_next, ...)
        cuda.cg.this_grid().sync()
        c0, c0_next = c0_next, c0

The blocks of such a kernel must all run at once, as they wait for each other; there are as many as
the device has room for, and each takes its share of each phase. Where one block is enough, its
threads wait for each other, which takes less time. All threads read the flag of a loop and the
index of a choice, so the host is not asked for either. ("Persistent kernels": Diamos et al.,
"Persistent RNNs: Stashing Recurrent Weights On-Chip", ICML 2016; here weights stay where the
caches of the device keep them.)

In: steps of a plan. Out: `TogetherText`, or None where the host has to take the steps. Imports
`cuda.emit`, `cuda.phases`, `listing`, `plan`, `views`.
"""
from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lowering.cuda.emit import THREAD, CudaText, block_size
from lowering.cuda.phases import Phase, phase_of
from lowering.kernel_text import INDENT, Parameter
from lowering.listing import wrapped
from lowering.plan import Choose, Copy, Launch, Region, Repeat, Zero
from lowering.views import Buffer, View

MOST_PHASES = 48           # of a kernel; registers are those of the phase that needs most
MOST_BLOCKS = 1024         # of a phase: more keep a device busy for longer than a launch takes;
                           # but a loop until something holds would have the host wait in each step
MOST_SHARED = 48 * 1024    # bytes of shared memory that a block has without asking for more
MOST_PARAMETERS = 256
BARRIERS = {True: "cuda.syncthreads()", False: "cuda.cg.this_grid().sync()"}
_BARRIER = "barrier()"


@dataclass(slots=True)
class TogetherText(CudaText):
    """A kernel of phases, its text after theirs. step: the step of the plan that it does."""
    step: object = None


class _Apart(Exception):
    """The steps cannot be one kernel."""


def together(step: Repeat | Choose) -> TogetherText | None:
    """The kernel of a loop or a choice, if it can be one and that is worth it."""
    return _kernel(step, lambda writer, scope: writer.step(step, 1, scope))


def stretch(step: Repeat, taken: Buffer, chunks: list[Buffer]) -> TogetherText | None:
    """The kernel of some steps of a loop until something holds, if it can be one: of `limit` steps,
    or as many as there are; it leaves their number in `taken`.

    The carries are taken from the loop's results, and left there. chunks: for each array that the
    loop keeps for each step, memory for one after the other.
    """
    return _kernel(step, lambda writer, scope: _Stretch(writer, step, scope, taken, chunks).write())


def _kernel(step, write: Callable) -> TogetherText | None:
    writer = _Writer()
    try:
        write(writer, _Outermost(writer))
        return writer.kernel(step)
    except _Apart:
        return None


# ---- memory, as it is named in the kernel ----

@dataclass(frozen=True, slots=True)
class _Place:
    """text: a pointer. base: the name of the parameter in whose memory it is."""
    text: str
    base: str

    def behind(self, count: str) -> _Place:
        return self if count == "0" else _Place(f"{self.text} + {count}", self.base)

    def first(self) -> str:
        """The element there."""
        return f"({self.text})[0]" if self.text != self.base else f"{self.text}[0]"


class _Outermost:
    """Where views of the outermost step are: each buffer is a parameter."""

    def __init__(self, writer: _Writer):
        self.writer = writer

    def view(self, view: View, prefix: str = "x") -> _Place:
        return self.buffer(view.buffer.root(), prefix).behind(self.writer.number(view.offset))

    def buffer(self, root: Buffer, prefix: str) -> _Place:
        return self.writer.pointer(root, prefix)


class _Inner(_Outermost):
    """Where views of an inner plan are: operands and results are given, the rest is its own."""

    def __init__(self, writer: _Writer, inputs: list, outputs: list):
        super().__init__(writer)
        self.given = {"input": inputs, "output": outputs}

    def buffer(self, root: Buffer, prefix: str) -> _Place:
        if root.role in self.given:
            return self.given[root.role][root.index]
        kind = "w" if root.role == "constant" else "t" if prefix in "xy" else prefix
        return self.writer.pointer(root, kind)


# ---- steps ----

class _Writer:
    """The lines so far. read, written: the memory that phases since the last barrier have used."""

    def __init__(self):
        self.lines: list = []
        self.phases: dict = {}                      # text -> (name, Phase)
        self.parameters: dict = {}
        self.checks: list = []
        self.fresh: Counter = Counter()
        self.read: set = set()
        self.written: set = set()
        self.needed: list = []                      # phases, as often as they are called

    def line(self, depth: int, text: str):
        self.lines.append(INDENT * depth + text)

    def name(self, prefix: str) -> str:
        self.fresh[prefix] += 1
        return f"{prefix}{self.fresh[prefix] - 1}"

    def place(self) -> tuple:
        """Where the text stands now, for `back_to`."""
        return (len(self.lines), len(self.checks), len(self.needed),
                {name: self.fresh[name] for name in ("k", "choice", "count")})

    def back_to(self, place: tuple):
        """Takes back all that was written since; parameters stay, under their names."""
        lines, checks, needed, names = place
        del self.lines[lines:], self.checks[checks:], self.needed[needed:]
        self.fresh = Counter({**self.fresh, **names})

    # ---- parameters ----

    def pointer(self, buffer: Buffer, prefix: str) -> _Place:
        """A buffer, as a parameter whose name starts with `prefix`, or is that."""
        if not isinstance(buffer.dtype, np.dtype):
            raise _Apart                            # the host keeps stacks
        key = id(buffer)
        if key not in self.parameters:
            name = prefix if prefix.endswith("_next") else self.name(prefix)
            self._parameter(key, Parameter(name, "pointer", buffer.dtype,
                                           View(buffer, 0, (), ())))
        return _Place(self.parameters[key].name, self.parameters[key].name)

    def number(self, value: int) -> str:
        """A size, as a parameter: equal ones share it."""
        if value in (0, 1):
            return str(value)
        key = ("number", value)
        if key not in self.parameters:
            self._parameter(key, Parameter(self.name("n"), "integer", None, value))
        return self.parameters[key].name

    def _parameter(self, key, parameter: Parameter):
        if len(self.parameters) >= MOST_PARAMETERS:
            raise _Apart
        self.parameters[key] = parameter

    def _own(self, parameter: Parameter, first_check: int) -> str:
        """The name of what only one phase is given: scratch memory, numbers, the record."""
        if parameter.kind == "error":
            return self.parameters.setdefault("error", Parameter("error", "error")).name
        value = parameter.value + first_check if parameter.kind == "code" else parameter.value
        key = (parameter.kind, len(self.needed), parameter.name)
        if key not in self.parameters:
            name = self.name({"constants": "numbers"}.get(parameter.kind, parameter.kind))
            self._parameter(key, Parameter(name, parameter.kind, parameter.dtype, value))
        return self.parameters[key].name

    # ---- phases and barriers ----

    def barrier(self, depth: int):
        """Waits for all that was done since the last one."""
        if self.read or self.written:
            self.line(depth, _BARRIER)
            self.read, self.written = set(), set()

    def use(self, read: set, written: set, depth: int):
        """A barrier where one is needed before memory is read or written; notes that it is."""
        if self.written & (read | written) or self.read & written:
            self.barrier(depth)
        self.read |= read
        self.written |= written

    def call(self, kernel, scope: _Outermost, depth: int):
        """A kernel as a phase."""
        phase = phase_of(kernel) if isinstance(kernel, CudaText) else None
        if phase is None:
            raise _Apart
        self.needed.append(phase)
        first = len(self.checks)
        self.checks += phase.checks
        used, arguments = {}, []
        for parameter in phase.parameters:
            arguments.append(self._argument(parameter, scope, first, used))
        self.use(set(used.values()), {used[name] for name in phase.written if name in used}, depth)
        name, _ = self.phases.setdefault(phase.text, (f"phase_{len(self.phases)}", phase))
        for text in wrapped(f"{name}(", arguments, ")", depth):
            self.line(0, text)

    def _argument(self, parameter: Parameter, scope, first_check: int, used: dict) -> str:
        if parameter.kind == "integer":
            return self.number(parameter.value)
        if parameter.kind != "pointer":
            return self._own(parameter, first_check)
        place = scope.view(parameter.value)
        used[parameter.name] = place.base
        return place.text

    # ---- steps ----

    def steps(self, region: Region, depth: int, inputs: list, outputs: list):
        """The steps of an inner plan."""
        scope = _Inner(self, inputs, outputs)
        for step in region.plan.steps:
            self.step(step, depth, scope)

    def step(self, step, depth: int, scope: _Outermost):
        if isinstance(step, Launch):
            if isinstance(step.kernel, TogetherText):
                self.step(step.kernel.step, depth, scope)
            else:
                self.call(step.kernel, scope, depth)
        elif isinstance(step, Copy):
            self.copy(scope.view(step.source), scope.view(step.target, "y"), step.target, depth)
        elif isinstance(step, Zero):
            self.fill(scope.view(step.target, "y"), step.target, depth)
        elif isinstance(step, Choose):
            self.choose(step, depth, scope)
        elif isinstance(step, Repeat):
            _Loop(self, step, depth, scope).write()
        else:
            raise _Apart

    def copy(self, source: _Place, target: _Place, view: View, depth: int):
        self._simple(_COPY, {"x0": source, "y0": target}, view, depth)

    def fill(self, target: _Place, view: View, depth: int):
        self._simple(_ZERO, {"y0": target}, view, depth)

    def _simple(self, text: str, places: dict, view: View, depth: int):
        """A phase of ours, on contiguous memory."""
        if not view.size:
            return
        block = block_size(view.size)
        pointers = [Parameter(name, "pointer", view.dtype, name) for name in places]
        kernel = CudaText(text, [*pointers, Parameter("n", "integer", None, view.size)], [], None,
                          [], (-(-view.size // block),), block)
        self.call(kernel, _Given(places), depth)

    def choose(self, step: Choose, depth: int, scope: _Outermost):
        index = scope.view(step.index)
        operands = [scope.view(view) for view in step.operands]
        results = [scope.view(view, "y") for view in step.results]
        self.use({index.base}, set(), depth)
        choice = self.name("choice")
        self.line(depth, f"{choice} = {index.first()}")
        before, after = (self.read, self.written), (set(), set())
        last = len(step.branches) - 1
        for number, branch in enumerate(step.branches):
            self.line(depth, f"{'elif' if number else 'if'} {choice} < {number + 1}:"
                      if number < last else "else:" if last else "if True:")
            self.read, self.written = map(set, before)
            count = len(self.lines)
            self.steps(branch, depth + 1, operands, results)
            if len(self.lines) == count:
                self.line(depth + 1, "pass")
            after = after[0] | self.read, after[1] | self.written
        self.read, self.written = after

    # ---- the whole ----

    def kernel(self, step) -> TogetherText:
        phases = [phase for _, phase in self.phases.values()]
        block = self._block(phases)
        blocks = max(-(-p.blocks * p.block // block) if not p.shared and not p.exact else p.blocks
                     for p in phases)
        asks = isinstance(step, Repeat) and step.test is not None
        if len(self.needed) > MOST_PHASES or blocks > MOST_BLOCKS and not asks \
                or sum(p.shared for p in phases) > MOST_SHARED:
            raise _Apart
        parameters = list(self.parameters.values())
        lines, locations = [], []
        for name, phase in self.phases.values():
            text = phase.text.replace("def phase(", f"def {name}(").rstrip("\n").split("\n")
            lines += ["@cuda.jit(device=True)", *text, "", ""]
            locations += [None, *phase.locations, None, None]
        head = textwrap.wrap(f"def kernel({', '.join(p.name for p in parameters)}):", 96,
                             subsequent_indent=INDENT * 2)
        barrier = BARRIERS[blocks == 1]
        own = [line.replace(_BARRIER, barrier) for line in self.lines]
        locations += [None] * (len(head) + len(own))
        return TogetherText("\n".join([*lines, *head, *own]) + "\n", parameters, self.checks,
                            None, locations, (blocks,), block, step=step)

    def _block(self, phases: list[Phase]) -> int:
        """The threads of a block that all phases can work with."""
        block = max((p.block for p in phases), default=0)
        if not block or any(p.exact and p.block != block for p in phases):
            raise _Apart
        return block


@dataclass(slots=True)
class _Given(_Outermost):
    """Where the pointers of a phase of ours are, by their names."""
    places: dict

    def view(self, view, prefix: str = "x") -> _Place:
        return self.places[view]


_COPY = (f"def kernel(x0, y0, n):\n    i = {THREAD}\n    if i < n:\n        y0[i] = x0[i]\n")
_ZERO = (f"def kernel(y0, n):\n    i = {THREAD}\n    if i < n:\n        y0[i] = 0\n")


# ---- loops ----

class _Loop:
    """A loop of the plan as a loop of the kernel."""

    def __init__(self, writer: _Writer, step: Repeat, depth: int, scope: _Outermost):
        self.writer, self.step, self.depth, self.scope = writer, step, depth, scope
        self.index = writer.name("k")
        self.current = [scope.buffer(pair[0].root(), "c") for pair in step.carries]
        self.next = [scope.buffer(pair[-1].root(), f"{place.text}_next")
                     for pair, place in zip(step.carries, self.current)]
        self.exchanged = [(place.base, following.base) for place, following
                          in zip(self.current, self.next) if place != following]

    def views(self, views: Sequence, prefix: str = "x") -> list[_Place]:
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
        outputs = [*self.next, *self._at(rows, step.rows)]
        order = f"range({count} - 1, -1, -1)" if step.reverse else f"range({count})"
        self._until_same(lambda: self._iteration(f"for {self.index} in {order}:", inputs, outputs))

    def _count(self) -> str:
        if isinstance(self.step.count, int):
            return self.writer.number(self.step.count)
        place, count = self.scope.view(self.step.count), self.writer.name("count")
        self.writer.use({place.base}, set(), self.depth)
        self.writer.line(self.depth, f"{count} = {place.first()}")
        return count

    def _at(self, places: list, views: list) -> list[_Place]:
        """The elements of stacked views that a step reads or writes."""
        sizes = [self.writer.number(view.size // max(view.shape[0], 1)) for view in views]
        return [place.behind(self.index if size == "1" else
                             "0" if size == "0" else f"{self.index} * {size}")
                for place, size in zip(places, sizes)]

    def _tested(self):
        step = self.step
        if step.elements:
            raise _Apart                            # the host keeps stacks
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

    def _tell_steps(self, place: _Place):
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


class _Stretch(_Loop):
    """Some steps of a loop until something holds."""

    def __init__(self, writer: _Writer, step: Repeat, scope: _Outermost, taken: Buffer,
                 chunks: list[Buffer]):
        super().__init__(writer, step, 1, scope)
        self.taken, self.chunks = taken, chunks

    def write(self):
        step, writer, scope = self.step, self.writer, self.scope
        for place, view in zip(self.current, step.results):
            writer.copy(scope.view(view, "y"), place, view, 1)
        writer.line(1, f"{self.index} = 0")
        views = [View(chunk, 0, (1, buffer.size), (buffer.size, 1))
                 for chunk, buffer in zip(self.chunks, step.elements)]
        rows = self._at([scope.buffer(chunk, "rows") for chunk in self.chunks], views)
        writer.parameters["limit"] = Parameter("limit", "limit")
        self._while(f"while {self.index} < limit:", True, [*self.next, *rows])
        for place, view in zip(self.current, step.results):
            writer.copy(place, scope.view(view, "y"), view, 1)
        self._tell_steps(scope.buffer(self.taken, "taken"))
