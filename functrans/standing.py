"""Values that stand in for tracers.

A function that closes over tracers, and is called when the trace they belong to is over, reads what
stands in for them. Imports nothing of functrans.
"""
from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

# By identity: (tracer, value).
_stand_ins: ContextVar[dict | None] = ContextVar("functrans_stand_ins", default=None)


class standing_in:
    """Within this block, `values` are used where a function reads `tracers`."""

    __slots__ = ("pairs", "token")

    def __init__(self, tracers: Sequence, values: Sequence):
        self.pairs = {id(tracer): (tracer, value) for tracer, value in zip(tracers, values)
                      if value is not tracer}

    def __enter__(self):
        self.token = _stand_ins.set({**(_stand_ins.get() or {}), **self.pairs})

    def __exit__(self, *exception):
        _stand_ins.reset(self.token)


def stand_in(tracer):
    """What stands in for a tracer; None if nothing does."""
    found = _stand_ins.get()
    pair = found and found.get(id(tracer))
    if not pair:
        return None
    deeper = stand_in(pair[1])
    return pair[1] if deeper is None else deeper
