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
from dataclasses import dataclass, replace

from lowering.cuda.emit import MEMORY, CudaText
from lowering.cuda.phase_loops import Lanes, Loop, StretchOfKnown, StretchUntil
from lowering.cuda.phase_writer import BARRIER, Apart, Inner, Outermost, PhaseWriter
from lowering.cuda.phases import within_block
from lowering.kernel_text import INDENT, Parameter
from lowering.plan import Choose, Copy, Launch, Region, Repeat, Zero
from lowering.views import Buffer, View

MOST_PHASES = 48           # of a kernel; registers are those of the phase that needs most
MOST_BLOCKS = 1024         # of a phase: more keep a device busy for longer than a launch takes;
                           # but a loop until something holds would have the host wait in each step
MOST_SHARED = 48 * 1024    # bytes of shared memory that a block has without asking for more
MOST_LANES = 1024          # blocks of a loop whose iterations are apart
FEW_LANES = 8              # of a loop within another: so many may come one after the other
BARRIERS = {True: "cuda.syncthreads()", False: "cuda.cg.this_grid().sync()"}


@dataclass(slots=True)
class TogetherText(CudaText):
    """A kernel of phases, its text after theirs. step: the step of the plan that it does. lanes:
    of a loop whose iterations are done at once, how many these are."""
    step: object = None
    lanes: int = 0


def together(step: Repeat | Choose) -> TogetherText | None:
    """The kernel of a loop or a choice, if it can be one and that is worth it."""
    found = None
    if isinstance(step, Repeat) and _is_apart(step):
        found = _kernel(step, lambda writer, scope: Lanes(writer, step, 1, scope).write(), _Lanes)
    return found or _kernel(step, lambda writer, scope: writer.step(step, 1, scope))


def _is_apart(step: Repeat) -> bool:
    """Whether the iterations of a loop do not depend on each other, and are more than one."""
    return step.test is None and not step.carries and isinstance(step.count, int) and step.count > 1


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


def _kernel(step, write: Callable, kind: type[_Writer] | None = None) -> TogetherText | None:
    writer = (kind or _Writer)()
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
                if step.kernel.lanes > FEW_LANES:
                    raise Apart             # rather at once, launched by the host, than in turn
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
        self._check(step, blocks)
        return self._whole(step, block, blocks, list(self.parameters.values()),
                           [line.replace(BARRIER, BARRIERS[blocks == 1]) for line in self.lines])

    def _check(self, step, blocks: int):
        """Raises Apart if it would be too much for one kernel."""
        asks = isinstance(step, Repeat) and step.test is not None
        if len(self.needed) > MOST_PHASES or blocks > MOST_BLOCKS and not asks \
                or sum(phase.shared for _, phase in self.phases.values()) > MOST_SHARED:
            raise Apart

    def _whole(self, step, block: int, blocks: int, parameters: list, own: list) -> TogetherText:
        lines, locations = self._phases()
        head = textwrap.wrap(f"def kernel({', '.join(p.name for p in parameters)}):", 96,
                             subsequent_indent=INDENT * 2)
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


class _Lanes(_Writer):
    """The lines of a loop whose iterations are apart: each block has memory of its own for one."""

    def kernel(self, step) -> TogetherText:
        block, work = self._sizes()
        self._check(step, work)
        if work > step.count:
            raise Apart                     # rather in turn, but with all blocks for each
        own = {key: p for key, p in self.parameters.items() if p.name in self.own}
        sizes = {key: p.value if p.kind == "scratch" else p.value.buffer.size
                 for key, p in own.items()}
        each = sum(sizes[key] * p.dtype.itemsize for key, p in own.items())
        blocks = max(min(step.count, MOST_LANES, MEMORY // max(each, 1)), 1)
        start = [f"{INDENT}{p.name} = {p.name} + {_times(self.number(sizes[key]))}"
                 for key, p in own.items()]
        parameters = [_for_all(p, blocks) if key in own else p
                      for key, p in self.parameters.items()]
        lines = [line.replace(BARRIER, BARRIERS[True]) for line in self.lines]
        text = self._whole(step, block, blocks, parameters, [*start, *lines])
        return replace(text, lanes=step.count)

    def _phases(self) -> tuple[list, list]:
        lines, locations = super()._phases()
        return within_block("\n".join(lines)).split("\n"), locations


def _times(size: str) -> str:
    return "cuda.blockIdx.x" if size == "1" else f"cuda.blockIdx.x * {size}"


def _for_all(parameter: Parameter, blocks: int) -> Parameter:
    """Memory of a block as memory for all of them."""
    if parameter.kind == "scratch":
        return replace(parameter, value=parameter.value * blocks)
    buffer = parameter.value.buffer
    return replace(parameter, value=View(Buffer(buffer.dtype, buffer.size * blocks), 0, (), ()))
