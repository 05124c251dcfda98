"""Memory of donated inputs, as memory of outputs.

An output can lie where an input did if all that reads the input has run before the output is
written; or if both happen in one kernel, each element is read and written by the same thread, and
is read first. At run time the memory must be nobody else's.

In: a Plan, arrays. Out: which output takes which input's place. Imports `plan`, `loops`,
`cuda.parts`, `cuda.vectors`, `cuda.memory`.
"""
from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from lowering.cuda.emit import CudaText
from lowering.cuda.memory import DeviceArray, Memory
from lowering.cuda.parts import Part
from lowering.cuda.vectors import one_by_one
from lowering.loops import Cumulate, Load, Reduce, Store
from lowering.plan import Copy, Launch, Plan
from lowering.views import Buffer


# ---- which outputs can ----

def donations(plan: Plan, donated: Sequence[int]) -> dict[int, int]:
    """The output that takes the memory of an input: number of the output -> of the input."""
    spans = _spans(plan)
    found: dict[int, int] = {}
    for output in sorted((buffer for buffer in spans if buffer.role == "output"),
                         key=lambda buffer: buffer.index):
        free = [buffer for buffer in spans if buffer.role == "input" and buffer.index in donated
                and buffer.index not in found.values()]
        taken = next((buffer for buffer in free if _fits(plan, buffer, output, spans)), None)
        if taken is not None:
            found[output.index] = taken.index
    return found


def _spans(plan: Plan) -> dict[Buffer, list[int]]:
    """The first and the last step that mention each buffer."""
    found: dict = {}
    for number, step in enumerate(plan.steps):
        for buffer in (*step.reads, *step.writes):
            found.setdefault(buffer.root(), [number, number])[1] = number
    return found


def _fits(plan: Plan, source: Buffer, target: Buffer, spans: dict) -> bool:
    if source.dtype != target.dtype or source.size != target.size:
        return False
    last, first = spans[source][1], spans[target][0]
    if last != first:
        return last < first
    step = plan.steps[first]
    if isinstance(step, Copy):
        return step.source.is_contiguous() and step.source.size == source.size \
            and step.target.size == target.size
    return isinstance(step, Launch) and isinstance(step.kernel, CudaText) and any(
        (a.root(), b.root()) == (source, target) for a, b in step.kernel.in_place)


# ---- within a kernel ----

def in_place(part: Part, text: CudaText) -> tuple:
    """Pairs of buffers, read and written, that may be one in a kernel of a part."""
    statements = part.kernel.statements
    if any(isinstance(s, (Reduce, Cumulate)) for s in statements) or part.owners is not None:
        return ()
    stores = [s.place for s in statements if isinstance(s, Store) and not s.combine]
    loads = [s.place for s in statements if isinstance(s, Load)]
    pairs = dict.fromkeys((load.view.buffer, store.view.buffer) for load in loads
                          for store in stores if load.view.dtype == store.view.dtype)
    return tuple(pair for pair in pairs
                 if _is_elementwise(pair, part, loads, stores) and _reads_first(pair, text))


def _is_elementwise(pair: tuple, part: Part, loads: list, stores: list) -> bool:
    """Whether each point reads one element, which no other point reads, and writes that one."""
    read, written = pair
    places = [place for place in (*loads, *stores) if place.view.buffer in (read, written)]
    first = places[0]
    return (sum(place.view.buffer is written for place in stores) == 1
            and not any(place.view.buffer is written for place in loads)
            and all(_same_element(place, first) for place in places)
            and set(first.coefficients) == set(part.grid)
            and part.points == first.view.buffer.size)


def _same_element(place, other) -> bool:
    return place.offset == other.offset == 0 and place.coefficients == other.coefficients \
        and not place.guards and not place.dynamic


def _reads_first(pair: tuple, text: CudaText) -> bool:
    """Whether a kernel mentions what it reads before what it writes."""
    read, written = ([p.name for p in text.parameters if p.kind == "pointer"
                      and p.value.buffer is buffer] for buffer in pair)
    if len(read) != 1 or len(written) != 1:
        return False
    lines = one_by_one(text.text.partition("):\n")[2]).split("\n")
    reads, writes = ([number for number, line in enumerate(lines)
                      if re.search(rf"\b{name}\b", line)] for name, in (read, written))
    return bool(reads and writes) and max(reads) <= min(writes)


# ---- at run time ----

def _holders(values: Sequence, place: int) -> int:
    return sys.getrefcount(values[place])


_IN_A_LIST = _holders([object()], 0)


def _holders_of_memory(array: DeviceArray) -> int:
    return sys.getrefcount(array.memory)


def free_to_take(arrays: Sequence, places: Sequence[int]) -> tuple:
    """Those of the places at which memory is the caller's alone, who gives it up.

    An array of the device is held by the list, and by the `Array` that was donated; one of the
    host is copied, and the copy is ours.
    """
    return tuple(place for place in places if _is_free(arrays, place))


def _is_free(arrays: Sequence, place: int) -> bool:
    if not isinstance(arrays[place], DeviceArray):
        return True
    return type(arrays[place].memory) is Memory and not arrays[place].offset \
        and _holders(arrays, place) <= _IN_A_LIST + 1 \
        and _holders_of_memory(arrays[place]) <= _IN_AN_ARRAY


_IN_AN_ARRAY = _holders_of_memory(DeviceArray(object(), (), None))
