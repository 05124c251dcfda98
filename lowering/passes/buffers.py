"""Memory: copies that need not be, lifetimes, and places in one arena.

In: a Plan. Out: the same Plan, with fewer copies and with the offsets of its temporary buffers.
Imports `plan`, `views`.
"""
from __future__ import annotations

from lowering.kernel_text import Parameter
from lowering.plan import Copy, Plan
from lowering.views import Buffer

ALIGNMENT = 64


def assign_memory(plan: Plan) -> Plan:
    """Removes copies of dying buffers, and gives each temporary buffer its place."""
    plan.steps = _without_copies(plan.steps)
    lifetimes = _lifetimes(plan.steps)
    plan.offsets, plan.arena = _place(lifetimes)
    return plan


def rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def scratch_bytes(parameter: Parameter) -> int:
    """What a kernel's parameter for scratch memory takes."""
    return rounded(parameter.value * parameter.dtype.itemsize)


def _without_copies(steps: list) -> list:
    """A copy whose source is read by nobody later: the two become one buffer."""
    last_read = {}
    for number, step in enumerate(steps):
        for buffer in step.reads:
            last_read[buffer] = number
    kept = []
    for number, step in enumerate(steps):
        if isinstance(step, Copy) and _can_unite(step, last_read, number):
            _unite(step.source.buffer, step.target.buffer)
        else:
            kept.append(step)
    return kept


def _can_unite(step: Copy, last_read: dict, number: int) -> bool:
    source, target = step.source.buffer, step.target.buffer
    return (source.role == "temp" and last_read.get(source) == number
            and source.size == target.size and source.dtype == target.dtype
            and step.source.is_contiguous() and step.source.size == source.size)


def _unite(source: Buffer, target: Buffer):
    """Lets `source` be the memory of `target`, wherever it is mentioned."""
    source.role, source.index, source.same_as = target.role, target.index, target


def _lifetimes(steps: list) -> dict[Buffer, list[int]]:
    """First and last step of each temporary buffer."""
    found: dict = {}
    for number, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            buffer = buffer.root()
            if buffer.role == "temp":
                found.setdefault(buffer, [number, number])[1] = number
    return found


def _place(lifetimes: dict) -> tuple[dict, int]:
    """Offsets such that buffers alive at the same time do not overlap; large ones first."""
    placed: list = []
    offsets, end = {}, 0
    order = sorted(lifetimes, key=lambda buffer: -buffer.nbytes)
    for buffer in order:
        first, last = lifetimes[buffer]
        size = rounded(buffer.nbytes)
        busy = sorted((start, stop) for start, stop, a, b in placed if a <= last and first <= b)
        place = 0
        for start, stop in busy:
            if place + size <= start:
                break
            place = max(place, stop)
        offsets[buffer] = place
        placed.append((place, place + size, first, last))
        end = max(end, place + size)
    return offsets, end
