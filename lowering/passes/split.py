"""Whether the outermost loop of a kernel can be cut into parts that run at the same time.

In: `Nest`. Out: its axis, and what the kernel takes. Imports `nest`, `loops`.
"""
from __future__ import annotations

import math

from lowering.loops import Axis, Cumulate, Load, Map, Reduce, Store
from lowering.nest import Loop, Nest

BYTES_PER_NS = 10.0         # of one core, rough
COST_PER_NS = 8.0           # units of `Map.cost`, likewise


def outermost(nest: Nest) -> Axis | None:
    """The axis of the one loop around everything, if its iterations do not depend on each other."""
    if not nest.body or not isinstance(nest.body[-1], Loop) \
            or any(isinstance(item, Loop) or isinstance(item.statement, Store)
                   for item in nest.body[:-1]):
        return None
    axis = nest.body[-1].axis
    if axis.backward is not None or axis is not nest.axes[0]:
        return None
    return axis if all(_is_apart(step.statement, axis) for step, _ in _steps(nest.body, 1)) \
        else None


def _is_apart(statement, axis: Axis) -> bool:
    """Whether a statement touches nothing that another iteration of the axis touches."""
    if isinstance(statement, Reduce):
        return axis not in statement.over
    if isinstance(statement, Cumulate):
        return statement.along is not axis
    if isinstance(statement, Store):
        return not statement.place.dynamic and not statement.combine \
            and axis in statement.place.coefficients
    return True


def work(nest: Nest) -> float:
    """What a kernel takes on one core, in ns: a rough estimate."""
    moved = computed = 0.0
    for step, points in _steps(nest.body, 1):
        statement = step.statement
        if isinstance(statement, (Load, Store)):
            here = math.prod(axis.extent for axis in statement.place.coefficients)
            moved += min(here, points) * statement.place.view.dtype.itemsize
        elif isinstance(statement, Map):
            computed += points * statement.cost
        elif isinstance(statement, (Reduce, Cumulate)):
            computed += points
    return max(moved / BYTES_PER_NS, computed / COST_PER_NS)


def _steps(body: list, points: float):
    """All steps, each with how often it runs."""
    for item in body:
        if isinstance(item, Loop):
            yield from _steps(item.body, points * item.axis.extent)
        else:
            yield item, points
