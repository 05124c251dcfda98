"""Loops over few numbers on a GPU: one thread runs them, or one for each lane of a batch.

A scan without carries is a batch of lanes, each with loops of its own: a thread takes one.

In: a loop equation, views. Out: `CudaText`, or None as `scalar.loop_kernel`. Imports `scalar`,
`cuda.emit`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.ir.primitive import Scan
from lowering.cuda.emit import THREAD, CudaText, block_size
from lowering.scalar import LoopWriter, loop_kernel


def cuda_loop_kernel(equation, inputs: Sequence, outputs: Sequence) -> CudaText | None:
    """The kernel of a scan or while equation, whose operands and results lie in memory."""
    kernel = equation.kernel
    lanes = isinstance(kernel, Scan) and not kernel.carries and kernel.length > 0
    text = loop_kernel(equation, inputs, outputs, _LaneWriter if lanes else LoopWriter)
    if text is None:
        return None
    block = block_size(kernel.length) if lanes else 1
    blocks = -(-kernel.length // block) if lanes else 1
    return CudaText(text.text, text.parameters, text.checks, None, text.locations, (blocks,), block)


class _LaneWriter(LoopWriter):
    """The outermost loop is over lanes, in whatever order."""

    def open_outermost(self, kernel: Scan) -> str:
        index = self.numbers.name("k")
        self.line(1, f"{index} = {THREAD}")
        self.line(1, f"if {index} < {self.numbers.integer('n', kernel.length)}:")
        return index
