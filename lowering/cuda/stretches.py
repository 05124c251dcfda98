"""Loops that keep an array of each step until something holds: launched for many steps at a time.

How many arrays there will be is not known before, so the host keeps a list of them. It launches 8
steps, then 16, 32 and 64, with memory for as many arrays, and reads once for each launch how many
steps there were: fewer, if the loop has come to its end.

In: a loop of the plan. Out: `Stretches`, a step of the plan. Imports `cuda.together`, `plan`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lowering.cuda.together import stretch
from lowering.kernel_text import KernelText
from lowering.plan import Launch, Plan, Region, Repeat
from lowering.views import Buffer

FIRST, MOST = 8, 64          # steps of a launch
MEMORY = 1 << 26             # bytes of what they keep, at most
INT64 = np.dtype(np.int64)


@dataclass(eq=False, slots=True)
class Stretches:
    """The steps of a loop, many in each launch of `body`. taken: how many the last one has made.
    chunks: memory of its own for what the steps of a launch keep."""
    loop: Repeat
    body: Region
    taken: Buffer
    chunks: list

    @property
    def launch(self) -> Launch:
        return self.body.plan.steps[0]

    @property
    def reads(self) -> list:
        return [*self.launch.reads, *(view.buffer for view in self.loop.starts)]

    @property
    def writes(self) -> list:
        loop = self.loop
        views = (*loop.results, *loop.rows, *((loop.steps,) if loop.steps else ()))
        return [*self.launch.writes, *(view.buffer for view in views)]

    def most(self) -> int:
        """The steps of a launch, at most."""
        each = sum(chunk.dtype.itemsize * buffer.size
                   for chunk, buffer in zip(self.chunks, self.loop.elements))
        return max(min(MOST, MEMORY // max(each, 1)), 1)


def in_stretches(step: Repeat) -> Stretches | None:
    """A loop that keeps arrays until something holds, if its steps can be one kernel."""
    if any(not isinstance(buffer.dtype, np.dtype) for buffer in step.elements):
        return None
    taken = Buffer(INT64, 1)
    chunks = [Buffer(buffer.dtype, buffer.size, "chunk", number)
              for number, buffer in enumerate(step.elements)]
    text = stretch(step, taken, chunks)
    if text is None:
        return None
    plan = Plan([_launch(text)], (), ())
    return Stretches(step, Region(plan, Buffer(np.dtype(np.int8), 0)), taken, chunks)


def _launch(text: KernelText) -> Launch:
    buffers = list(dict.fromkeys(p.value.buffer for p in text.parameters if p.kind == "pointer"))
    return Launch(text, buffers, buffers)
