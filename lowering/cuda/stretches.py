"""Loops that keep an array of each step in a list of the host: launched for many steps at a time.

Of a loop until something holds nobody knows how many arrays there will be. It is launched for 8
steps, then for 16, 32 and 64, with memory for as many arrays, and the host reads once for each
launch how many steps there were: fewer, if the loop has come to its end. Its way back takes the
arrays that were made together in one launch, too.

In: a loop of the plan. Out: `Stretches`, a step of the plan. Imports `cuda.together`, `plan`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lowering.cuda.together import stretch, stretch_of_known
from lowering.plan import Launch, Plan, Region, Repeat
from lowering.views import Buffer, View

FIRST, MOST = 8, 64          # steps of a launch
MEMORY = 1 << 26             # bytes of what they keep, at most
INT64 = np.dtype(np.int64)


@dataclass(eq=False, slots=True)
class Stretches:
    """The steps of a loop, many in each launch of `body`.

    chunks: memory of its own for the arrays that the steps of a launch take and keep, for each of
    the loop's `lists`. taken: of a loop until something holds, how many steps the last launch made.
    """
    loop: Repeat
    body: Region
    chunks: list
    taken: Buffer | None = None

    @property
    def launch(self) -> Launch:
        return self.body.plan.steps[0]

    @property
    def lists(self) -> list[View]:
        """The lists of arrays that it takes and keeps."""
        return [*self.loop.slices, *self.loop.rows]

    @property
    def reads(self) -> list:
        count = [self.loop.count] if isinstance(self.loop.count, View) else []
        return [*self.launch.reads,
                *(view.buffer for view in (*self.loop.starts, *self.loop.slices, *count))]

    @property
    def writes(self) -> list:
        loop = self.loop
        views = (*loop.results, *loop.rows, *((loop.steps,) if loop.steps else ()))
        return [*self.launch.writes, *(view.buffer for view in views)]

    def most(self) -> int:
        """The steps of a launch, at most."""
        each = sum(chunk.dtype.itemsize * chunk.size for chunk in self.chunks)
        return max(min(MOST, MEMORY // max(each, 1)), 1)


def in_stretches(step: Repeat) -> Stretches | None:
    """A loop that takes or keeps lists of arrays and nothing else for each step, if its steps can
    be one kernel."""
    kinds = [_element(view) for view in (*step.slices, *step.rows)]
    if not kinds or any(kind is None for kind in kinds):
        return None
    chunks = [Buffer(kind.dtype, kind.size, "chunk", number) for number, kind in enumerate(kinds)]
    taken = None if step.test is None else Buffer(INT64, 1)
    text = stretch_of_known(step, chunks) if taken is None else stretch(step, chunks, taken)
    if text is None:
        return None
    buffers = [p.value.buffer for p in text.parameters if p.kind == "pointer"]
    own = [buffer for buffer in dict.fromkeys(buffers) if buffer not in chunks]
    plan = Plan([Launch(text, own, own)], (), ())
    return Stretches(step, Region(plan, Buffer(np.dtype(np.int8), 0)), chunks, taken)


def _element(view: View):
    """The type of the arrays in a list of arrays of numbers; None for what is no such list."""
    kind = getattr(view.dtype, "element", None)
    plain = kind is not None and not view.shape and isinstance(kind.dtype, np.dtype)
    return kind if plain else None
