"""What is executed: steps in order, on buffers. All that targets read, none of it machine code.

Imports `views`, `emit`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lowering.emit import KernelText
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
    """A batch of matrix products: `target = left @ right.T`, row by row."""
    left: Matrices
    right: Matrices
    target: View

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
class Plan:
    """Steps of a Program. `arena` is the size in bytes of its temporary memory."""
    steps: list
    input_types: tuple
    output_types: tuple
    offsets: dict = field(default_factory=dict)      # temporary buffer -> byte in the arena
    arena: int = 0
    scratch: int = 0                                 # bytes for scratch of one kernel at a time

    def buffers(self) -> list[Buffer]:
        """All buffers, in the order in which they are met."""
        found: dict = {}
        for step in self.steps:
            for buffer in (*step.reads, *step.writes):
                found[buffer] = None
        return list(found)
