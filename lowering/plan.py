"""What is executed: steps in order, on buffers. All that targets read, none of it machine code.

Imports `views`, `loops`, `kernel_text`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lowering.kernel_text import KernelText
from lowering.loops import Kernel
from lowering.products import Matrices
from lowering.views import Buffer, View


@dataclass(eq=False, slots=True)
class Launch:
    """Runs a kernel."""
    kernel: KernelText
    reads: list
    writes: list

    @property
    def label(self) -> str:
        return "kernel"


@dataclass(eq=False, slots=True)
class Product:
    """A batch of matrix products: `target = left @ right.T`, row by row.

    epilogue: what is computed of each element instead of storing it: it reads it from `target`.
    prologues: what is computed of each element of `left` and of `right` before it is used; None
    if it is used as it is.
    """
    left: Matrices
    right: Matrices
    target: View
    location: object = None
    epilogue: Kernel | None = None
    prologues: tuple = (None, None)

    @property
    def reads(self) -> list:
        return [self.left.view.buffer, self.right.view.buffer]

    @property
    def writes(self) -> list:
        return [self.target.buffer]


@dataclass(eq=False, slots=True)
class Copy:
    """Copies contiguous memory."""
    source: View
    target: View

    @property
    def reads(self) -> list:
        return [self.source.buffer]

    @property
    def writes(self) -> list:
        return [self.target.buffer]


@dataclass(eq=False, slots=True)
class Zero:
    """Fills contiguous memory with zeros."""
    target: View

    reads = ()

    @property
    def writes(self) -> list:
        return [self.target.buffer]


@dataclass(eq=False, slots=True)
class Host:
    """Calls Python: `function(*arrays) -> arrays`."""
    function: Callable
    inputs: list
    outputs: list
    location: object = None

    @property
    def reads(self) -> list:
        return [view.buffer for view in self.inputs]

    @property
    def writes(self) -> list:
        return [view.buffer for view in self.outputs]


@dataclass(eq=False, slots=True)
class Region:
    """The steps of an inner Program, to be run in place: `plan` on operands given by its step.

    workspace: the buffer of the outer plan in which the inner one's temporary memory lies.
    """
    plan: Plan
    workspace: Buffer


@dataclass(eq=False, slots=True)
class Repeat:
    """A loop: `body` run `count` times (an int, or a view of one), or as long as `test` holds.

    Inputs of the body are constants, carries, slices; its outputs carries, rows. Inputs of the
    test are its constants, then the carries. `steps` receives the number of steps, if it is
    asked for. Slices and rows are views whose first axis is run over, or stacks.
    """
    body: Region
    count: object
    test: Region | None
    test_constants: list
    constants: list
    starts: list
    slices: list
    results: list
    rows: list
    reverse: bool
    carries: list              # for each carry its pair of buffers; (one,) if changed in place
    elements: list             # for each row that is pushed, the buffer of one element
    steps: View | None = None
    flag: Buffer | None = None         # where the test leaves its answer

    @property
    def reads(self) -> list:
        views = (*self.test_constants, *self.constants, *self.starts, *self.slices)
        count = (self.count.buffer,) if isinstance(self.count, View) else ()
        return [*(view.buffer for view in views), *count, *self._own()]

    @property
    def writes(self) -> list:
        views = (*self.results, *self.rows, *((self.steps,) if self.steps else ()))
        return [*(view.buffer for view in views), *self._own()]

    def _own(self) -> list:
        regions = [self.body, *([self.test] if self.test else [])]
        return [*(region.workspace for region in regions),
                *(buffer for pair in self.carries for buffer in pair), *self.elements,
                *([self.flag] if self.flag else [])]


@dataclass(eq=False, slots=True)
class Choose:
    """One of several regions, by an int64 in memory; all have the same operands and results."""
    index: View
    branches: list
    operands: list
    results: list

    @property
    def reads(self) -> list:
        return [self.index.buffer, *(view.buffer for view in self.operands),
                *(branch.workspace for branch in self.branches)]

    @property
    def writes(self) -> list:
        return [view.buffer for view in self.results]


@dataclass(eq=False, slots=True)
class SumStacks:
    """`target = a + b` for stacks, element by element, by `body`."""
    body: Region
    a: View
    b: View
    target: View

    @property
    def reads(self) -> list:
        return [self.a.buffer, self.b.buffer, self.body.workspace]

    @property
    def writes(self) -> list:
        return [self.target.buffer]


@dataclass(eq=False, slots=True)
class Plan:
    """Steps of a Program. `arena` is the size in bytes of its temporary memory."""
    steps: list
    input_types: tuple
    output_types: tuple
    offsets: dict = field(default_factory=dict)      # temporary buffer -> byte in the arena
    arena: int = 0

    def regions(self):
        """The inner plans of its steps."""
        for step in self.steps:
            for name in ("body", "test"):
                region = getattr(step, name, None)
                if region is not None:
                    yield region.plan
            for region in getattr(step, "branches", ()):
                yield region.plan

    def launches(self):
        """All kernel launches, those of inner plans included."""
        for step in self.steps:
            if isinstance(step, Launch):
                yield step
        for plan in self.regions():
            yield from plan.launches()
