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
`cuda.phase_writer`, `cuda.phase_loops`, `plan`, `views`.
"""
from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from lowering.cuda.emit import CudaText
from lowering.cuda.phase_loops import Loop, StretchOfKnown, StretchUntil
from lowering.cuda.phase_writer import BARRIER, Apart, Inner, Outermost, PhaseWriter
from lowering.kernel_text import INDENT
from lowering.plan import Choose, Copy, Launch, Region, Repeat, Zero
from lowering.views import Buffer

MOST_PHASES = 48           # of a kernel; registers are those of the phase that needs most
MOST_BLOCKS = 1024         # of a phase: more keep a device busy for longer than a launch takes;
                           # but a loop until something holds would have the host wait in each step
MOST_SHARED = 48 * 1024    # bytes of shared memory that a block has without asking for more
BARRIERS = {True: "cuda.syncthreads()", False: "cuda.cg.this_grid().sync()"}


@dataclass(slots=True)
class TogetherText(CudaText):
    """A kernel of phases, its text after theirs. step: the step of the plan that it does."""
    step: object = None


def together(step: Repeat | Choose) -> TogetherText | None:
    """The kernel of a loop or a choice, if it can be one and that is worth it."""
    return _kernel(step, lambda writer, scope: writer.step(step, 1, scope))


def stretch(step: Repeat, chunks: list[Buffer], taken: Buffer) -> TogetherText | None:
    """The kernel of some steps of a loop until something holds, if it can be one: of `limit` steps,
    or as many as there are; it leaves their number in `taken`.

    The carries are taken from the loop's results, and left there. chunks: for each array that the
    loop keeps for each step, memory for one after the other.
    """
    return _kernel(step, lambda writer, scope:
                   StretchUntil(writer, step, scope, chunks, taken).write())


def stretch_of_known(step: Repeat, chunks: list[Buffer]) -> TogetherText | None:
    """The kernel of `limit` steps of a loop of known length, if it can be one; `chunks` are those
    of its slices and rows."""
    return _kernel(step, lambda writer, scope: StretchOfKnown(writer, step, scope, chunks).write())


def _kernel(step, write: Callable) -> TogetherText | None:
    writer = _Writer()
    try:
        write(writer, Outermost(writer))
        return writer.kernel(step)
    except Apart:
        return None


# ---- steps ----

class _Writer(PhaseWriter):
    """The lines of the steps so far."""

    def steps(self, region: Region, depth: int, inputs: list, outputs: list):
        """The steps of an inner plan."""
        scope = Inner(self, inputs, outputs)
        for step in region.plan.steps:
            self.step(step, depth, scope)

    def step(self, step, depth: int, scope: Outermost):
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
            Loop(self, step, depth, scope).write()
        else:
            raise Apart

    def choose(self, step: Choose, depth: int, scope: Outermost):
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
        block, blocks = self._sizes()
        asks = isinstance(step, Repeat) and step.test is not None
        if len(self.needed) > MOST_PHASES or blocks > MOST_BLOCKS and not asks \
                or sum(phase.shared for _, phase in self.phases.values()) > MOST_SHARED:
            raise Apart
        parameters = list(self.parameters.values())
        lines, locations = self._phases()
        head = textwrap.wrap(f"def kernel({', '.join(p.name for p in parameters)}):", 96,
                             subsequent_indent=INDENT * 2)
        own = [line.replace(BARRIER, BARRIERS[blocks == 1]) for line in self.lines]
        locations += [None] * (len(head) + len(own))
        return TogetherText("\n".join([*lines, *head, *own]) + "\n", parameters, self.checks,
                            None, locations, (blocks,), block, step=step)

    def _phases(self) -> tuple[list, list]:
        """The lines of all phases, and their locations."""
        lines, locations = [], []
        for name, phase in self.phases.values():
            text = phase.text.replace("def phase(", f"def {name}(").rstrip("\n").split("\n")
            lines += ["@cuda.jit(device=True)", *text, "", ""]
            locations += [None, *phase.locations, None, None]
        return lines, locations

    def _sizes(self) -> tuple[int, int]:
        """The threads of a block that all phases can work with, and how many blocks have work."""
        block = max((phase.block for phase in self.needed), default=0)
        if not block or any(phase.exact and phase.block != block for phase in self.needed):
            raise Apart
        return block, max(
            phase.blocks if phase.shared or phase.exact else -(-phase.blocks * phase.block // block)
            for phase in self.needed)
