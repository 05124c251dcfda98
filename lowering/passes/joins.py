"""Sums of padded parts that do not overlap: the parts, one after the other.

The adjoint of splitting an array is such a sum. In: an equation and the definitions before it.
Out: one that concatenates, or None. Imports `functrans.ir`, `passes.internal`.
"""
from __future__ import annotations

from dataclasses import dataclass

from functrans.ir.primitive import Elementwise, Pad
from functrans.ir.program import Equation, Literal
from lowering.passes.internal import ADD, CONCATENATE


@dataclass(frozen=True, slots=True)
class Parts:
    """A value that is zero but for parts along an axis: (start, stop, atom), in order."""
    axis: int
    size: int
    parts: tuple

    def joined(self, other: Parts) -> Parts | None:
        """The sum, where the parts do not overlap."""
        if (self.axis, self.size) != (other.axis, other.size):
            return None
        parts = sorted((*self.parts, *other.parts), key=lambda part: part[0])
        if any(before[1] > after[0] for before, after in zip(parts, parts[1:])):
            return None
        return Parts(self.axis, self.size, tuple(parts))

    def is_whole(self) -> bool:
        """Whether the parts leave no gap."""
        ends = [0, *(stop for _, stop, _ in self.parts)]
        starts = [*(start for start, _, _ in self.parts), self.size]
        return ends == starts


class Joins:
    """Finds such sums while a Program is walked; remembers what each value is made of."""

    def __init__(self):
        self._parts: dict = {}

    def rewritten(self, equation: Equation, kernel) -> Equation | None:
        """The equation as a concatenation, if it completes one."""
        if isinstance(kernel, Pad):
            parts = _padded(equation, kernel)
        elif isinstance(kernel, Elementwise) and kernel.expr == ADD:
            parts = self._sum(*equation.inputs)
        else:
            return None
        if parts is None:
            return None
        self._parts[equation.outputs[0]] = parts
        if len(parts.parts) < 2 or not parts.is_whole():
            return None
        return Equation(CONCATENATE, tuple(atom for *_, atom in parts.parts),
                        {"axis": parts.axis}, equation.outputs, equation.location)

    def _sum(self, left, right) -> Parts | None:
        a, b = self._parts.get(left), self._parts.get(right)
        return a.joined(b) if a is not None and b is not None else None


def _padded(equation: Equation, kernel: Pad) -> Parts | None:
    """A value laid into zeros along one axis."""
    operand, value = equation.inputs
    padded = [k for k, widths in enumerate(zip(kernel.low, kernel.high)) if any(widths)]
    if type(value) is not Literal or value.value != 0 or any(kernel.interior) \
            or len(padded) != 1 or min(*kernel.low, *kernel.high) < 0:
        return None
    axis = padded[0]
    low, size = kernel.low[axis], operand.type.shape[axis]
    return Parts(axis, equation.outputs[0].type.shape[axis], ((low, low + size, operand),))
