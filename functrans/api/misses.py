"""Why calls of jitted functions are traced anew: what differs from the nearest known signature.

In: the signature of a call, those that are known. Out: `CacheMiss` records, kept in `misses`.
Imports `ir`, `config`, `locations`.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from operator import is_not
from typing import NamedTuple
from weakref import WeakKeyDictionary

from functrans.config import KEYED
from functrans.ir.program import Location
from functrans.ir.show import show_location
from functrans.locations import user_location

LOOKED_AT = 16          # signatures, the latest ones, among which the nearest is looked for
TOLD = 3                # differences in one line


class Signature(NamedTuple):
    """What a traced Program is kept under: its fields are compared one by one."""
    tree: object
    types: tuple
    static: tuple | None
    switches: tuple
    axes: tuple


class Difference(NamedTuple):
    """One thing in which a call differs from the nearest known one.

    kind: "shape", "dtype", "weak type", "structure", "static value", "switch" or "named axes".
    """
    argument: str
    kind: str
    now: str
    before: str

    def __str__(self):
        return f"{self.argument} is {self.now}, was {self.before}"


class CacheMiss(NamedTuple):
    """A call that was traced. known: how many signatures there were; kept: whether the Program is
    found again by the next call like it."""
    name: str
    reason: str
    differences: tuple
    known: int
    kept: bool
    location: Location | None

    def __str__(self):
        where = "" if self.location is None else f" at {show_location(self.location)}"
        kinds = ", ".join(dict.fromkeys(each.kind for each in self.differences))
        lasting = "" if self.kept else "; not kept, as it reads values of an outer trace"
        return f"{self.name}: {self.reason}{f' ({kinds})' if kinds else ''}{where}{lasting}"


misses: deque[CacheMiss] = deque(maxlen=10_000)             # the latest ones, in order
_functions_of: WeakKeyDictionary = WeakKeyDictionary()      # code -> how many were jitted


def note_miss(jitted, key: Signature, names: Sequence[str], kept: bool) -> str:
    """Records that a call of a jitted function is traced, and returns why.

    names: of the call's leaves.
    """
    differences, known = (), jitted._cache
    if known:
        before = _nearest(key, known)
        positional = jitted._parameters[0] if jitted._parameters else ()
        differences = tuple(_differences(key, names, before, known[before].names, positional))
        reason = _together(differences)
    else:
        reason = _first_call(jitted._fun) if not jitted._misses else _together(())
    miss = CacheMiss(jitted._name, reason, differences, len(known), kept, user_location())
    misses.append(miss)
    jitted._misses.append(miss)
    return reason


def _first_call(function) -> str:
    """That of a function whose code was jitted before tells of `jit` in a loop."""
    code = getattr(function, "__code__", None)
    if code is None:
        return "the first call"
    count = _functions_of[code] = _functions_of.get(code, 0) + 1
    if count == 1:
        return "the first call"
    return (f"the first call of function object {count} of the same code: where jit stands in a "
            "loop, or in a function that is called again, every call is a first one")


def _together(differences: Sequence) -> str:
    if not differences:                     # not kept, or thrown away by `clear_cache`
        return "the Program of a call like it was not kept"
    more = f" and {len(differences) - TOLD} more" if len(differences) > TOLD else ""
    return "; ".join(map(str, differences[:TOLD])) + more


def _nearest(key: Signature, known: dict) -> Signature:
    """The signature with the fewest differences; the latest of equals."""
    return min(islice(reversed(known), LOOKED_AT), key=lambda other: _distance(key, other))


def _distance(key: Signature, other: Signature) -> tuple:
    return (key.tree != other.tree,
            (key.static != other.static) + (key.switches != other.switches)
            + (key.axes != other.axes) + sum(map(is_not, key.types, other.types)))


# ---- what differs ----

def _differences(key: Signature, names, other: Signature, other_names, positional):
    if key.tree != other.tree:
        yield from _of_structure(key, names, other, other_names)
    else:
        for name, now, before in zip(names, key.types, other.types):
            if now != before:
                yield Difference(name, _kind(now, before), str(now), str(before))
    yield from _of_statics(key.static or (), other.static or (), positional)
    for switch, now, before in zip(KEYED, key.switches, other.switches):
        if now != before:
            yield Difference(f"config.{switch}", "switch", str(now), str(before))
    if key.axes != other.axes:
        yield Difference("the named axes", "named axes", *map(_axes, (key.axes, other.axes)))


def _kind(now, before) -> str:
    """What of a type differs, the most telling first."""
    if now.dtype != before.dtype:
        return "dtype"
    return "shape" if now.shape != before.shape else "weak type"


def _of_structure(key: Signature, names, other: Signature, other_names):
    """Leaves that came or went; the whole structures where their names are the same."""
    new = [name for name in names if name not in other_names]
    gone = [name for name in other_names if name not in names]
    types, before = dict(zip(names, key.types)), dict(zip(other_names, other.types))
    for name in new:
        yield Difference(name, "structure", str(types[name]), "not there")
    for name in gone:
        yield Difference(name, "structure", "not there", str(before[name]))
    if not new and not gone:
        yield Difference("the structure of arguments", "structure",
                         *(_brief(signature.tree) for signature in (key, other)))


def _brief(value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _of_statics(now: tuple, before: tuple, positional: Sequence[str]):
    """now, before: (label, type, value) of the static arguments."""
    values, others = ({label: (kind, value) for label, kind, value in each}
                      for each in (now, before))
    for label in dict.fromkeys((*values, *others)):
        if values.get(label) != others.get(label):
            pair = (_brief(each[label][1]) if label in each else "not given"
                    for each in (values, others))
            yield Difference(f"static {_parameter(label, positional)}", "static value", *pair)


def _parameter(label: int | str, positional: Sequence[str]) -> str:
    if isinstance(label, str):
        return label
    return positional[label] if label < len(positional) else f"argument {label}"


def _axes(axes: tuple) -> str:
    return ", ".join(f"{name}: {size}" for name, size in axes) or "none"
