"""What a user's rule reads from around it, so that it can run when its surroundings are gone.

A rule is called by a transformation, perhaps long after the function that it belongs to was
traced. Tracers that it closes over are operands of the equation, then, and their values of the
moment stand in for them; named axes are those of the moment when the function was called.

In: functions. Out: `Closure`. Imports `standing`, `trace`, `control.axes`.
"""
from __future__ import annotations

import functools
import types
from collections.abc import Mapping, Sequence
from contextlib import contextmanager

from functrans.array import ArrayBase
from functrans.control.axes import named_axes, using_axes
from functrans.ir.program import Program, Var
from functrans.standing import standing_in
from functrans.trace import Tracer, is_usable

_LIMIT = 10_000          # objects looked at
_OPAQUE = (str, bytes, int, float, complex, type, types.ModuleType, types.CodeType)


class Closure:
    """The surroundings of some functions: tracers that they close over, and named axes."""

    __slots__ = ("tracers", "axes")

    def __init__(self, *functions):
        self.tracers = tracers_within(functions)
        self.axes = named_axes()

    @contextmanager
    def opened(self, values: Sequence):
        """Within this block, functions read `values` in place of the tracers."""
        with standing_in(self.tracers, values), using_axes(self.axes):
            yield

    def first_of(self, program: Program) -> Program:
        """The Program with inputs for the tracers, which it does not read, before its own."""
        unread = [Var(tracer.type) for tracer in self.tracers]
        return program.replace(inputs=(*unread, *program.inputs), names=None)


def tracers_within(value) -> list[Tracer]:
    """The tracers that can be reached from a value, and used now."""
    waiting, seen, found = [value], {}, []
    while waiting and len(seen) < _LIMIT:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, _OPAQUE):
            continue
        seen[id(value)] = value
        if isinstance(value, Tracer):
            found += [value] if is_usable(value) else []
        elif not isinstance(value, ArrayBase):
            waiting += _parts(value)
    return found


def _parts(value):
    """The objects that an object refers to, as far as they may hold arrays."""
    if isinstance(value, types.FunctionType):
        cells = (cell for cell in value.__closure__ or () if cell != _EMPTY)
        return [*(cell.cell_contents for cell in cells), value.__defaults__, value.__kwdefaults__]
    if isinstance(value, types.MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, (tuple, list, set, frozenset)):
        return list(value)
    if isinstance(value, Mapping):
        return list(value.values())
    return list(getattr(value, "__dict__", {}).values())


_EMPTY = types.CellType()
