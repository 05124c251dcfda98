"""Kernels as calls of phases in the text of a larger kernel, with barriers where they are needed.

A phase waits for those that have written what it reads or writes, or read what it writes, since the
last barrier; others may run at once.

In: kernels, places in memory. Out: lines, `Parameter`s. Imports `cuda.emit`, `cuda.phases`,
`listing`, `views`.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from lowering.cuda.emit import THREAD, CudaText, block_size
from lowering.cuda.phases import phase_of
from lowering.kernel_text import INDENT, Parameter
from lowering.listing import wrapped
from lowering.views import Buffer, View

MOST_PARAMETERS = 256
BARRIER = "barrier()"                    # stands for that of a block or of the grid
_COPY = f"def kernel(x0, y0, n):\n    i = {THREAD}\n    if i < n:\n        y0[i] = x0[i]\n"
_ZERO = f"def kernel(y0, n):\n    i = {THREAD}\n    if i < n:\n        y0[i] = 0\n"


class Apart(Exception):
    """The steps cannot be one kernel."""


# ---- memory, as it is named in the kernel ----

@dataclass(frozen=True, slots=True)
class Place:
    """text: a pointer. base: the name of the parameter in whose memory it is."""
    text: str
    base: str

    def behind(self, count: str) -> Place:
        return self if count == "0" else Place(f"{self.text} + {count}", self.base)

    def first(self) -> str:
        """The element there."""
        return f"({self.text})[0]" if self.text != self.base else f"{self.text}[0]"


class Outermost:
    """Where views of the outermost step are: each buffer is a parameter."""

    def __init__(self, writer: PhaseWriter):
        self.writer = writer

    def view(self, view: View, prefix: str = "x") -> Place:
        return self.buffer(view.buffer.root(), prefix).behind(self.writer.number(view.offset))

    def buffer(self, root: Buffer, prefix: str) -> Place:
        return self.writer.pointer(root, prefix)


class Inner(Outermost):
    """Where views of an inner plan are: operands and results are given, the rest is its own."""

    def __init__(self, writer: PhaseWriter, inputs: list, outputs: list):
        super().__init__(writer)
        self.given = {"input": inputs, "output": outputs}

    def buffer(self, root: Buffer, prefix: str) -> Place:
        if root.role in self.given:
            return self.given[root.role][root.index]
        if root.role == "constant":
            return self.writer.pointer(root, "w")
        place = self.writer.pointer(root, "t" if prefix in "xy" else prefix)
        self.writer.own.add(place.base)
        return place


@dataclass(slots=True)
class _Given(Outermost):
    """Where the pointers of a phase of ours are, by their names."""
    places: dict

    def view(self, view, prefix: str = "x") -> Place:
        return self.places[view]


# ---- calls ----

class PhaseWriter:
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
        self.own: set = set()                       # names of memory of the inner steps

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

    def pointer(self, buffer: Buffer, prefix: str) -> Place:
        """A buffer, as a parameter whose name starts with `prefix`, or is that."""
        if not isinstance(buffer.dtype, np.dtype):
            raise Apart                            # the host keeps stacks
        key = id(buffer)
        if key not in self.parameters:
            name = prefix if prefix.endswith("_next") else self.name(prefix)
            self._parameter(key, Parameter(name, "pointer", buffer.dtype,
                                           View(buffer, 0, (), ())))
        return Place(self.parameters[key].name, self.parameters[key].name)

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
            raise Apart
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
            if parameter.kind == "scratch":
                self.own.add(name)
        return self.parameters[key].name

    # ---- phases and barriers ----

    def barrier(self, depth: int):
        """Waits for all that was done since the last one."""
        if self.read or self.written:
            self.line(depth, BARRIER)
            self.read, self.written = set(), set()

    def use(self, read: set, written: set, depth: int):
        """A barrier where one is needed before memory is read or written; notes that it is."""
        if self.written & (read | written) or self.read & written:
            self.barrier(depth)
        self.read |= read
        self.written |= written

    def call(self, kernel, scope: Outermost, depth: int):
        """A kernel as a phase."""
        phase = phase_of(kernel) if isinstance(kernel, CudaText) else None
        if phase is None:
            raise Apart
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

    def copy(self, source: Place, target: Place, view: View, depth: int):
        self._simple(_COPY, {"x0": source, "y0": target}, view, depth)

    def fill(self, target: Place, view: View, depth: int):
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
