"""Which loops run in tiles: those of a transposition, whose reads and writes cross each other.

One side of it jumps from row to row, so each cache line is fetched for one element; within a tile
of a few rows and columns it is fetched once. Where much is computed, elements that lie apart are
first brought together, so that the computation can be vectorised.

In: `Nest`. Out: the same, with `tiled` set on the outer of two loops. Imports `nest`, `loops`.
"""
from __future__ import annotations

from lowering.loops import Axis, Constant, Index, Load, Map, Pick, Store
from lowering.nest import Loop, Nest, Step, find_scratch

MUCH = 6                 # the cost of an expression from which on vectorising it matters
_PLAIN = (Constant, Index, Load, Map, Pick, Store)


def mark_tiles(nest: Nest) -> Nest:
    """Marks pairs of loops, one right within the other, that walk across each other's memory."""
    _mark(nest.body)
    find_scratch(nest)
    return nest


def _gathered(outer: Axis, inner: Axis, steps: list) -> list:
    """The inner loop; before it, where it pays, one that reads what lies apart."""
    apart = [step for step in steps if isinstance(step.statement, Load) and not step.inputs
             and _strides(step.statement.place, outer, inner) == (1, True)]
    cost = sum(step.statement.cost for step in steps if isinstance(step.statement, Map))
    if cost < MUCH or not apart:
        return [Loop(inner, steps)]
    return [Loop(inner, apart), Loop(inner, [step for step in steps if step not in apart])]


def _strides(place, outer: Axis, inner: Axis) -> tuple:
    """The stride along one axis, and whether that along the other is larger than one."""
    return (abs(place.coefficients.get(outer, 0)), abs(place.coefficients.get(inner, 0)) > 1)


def _mark(body: list):
    for item in body:
        if isinstance(item, Loop):
            *steps, inner = item.body
            if isinstance(inner, Loop) and _is_crossed(item.axis, inner.axis,
                                                       [*steps, *inner.body]):
                item.body = _gathered(item.axis, inner.axis, [*steps, *inner.body])
                item.tiled = True
            else:
                _mark(item.body)


def _is_crossed(outer: Axis, inner: Axis, steps: list) -> bool:
    """Whether one access runs along `outer` and another along `inner`, of steps that may be done
    in any order."""
    if outer.backward or inner.backward:
        return False
    if not all(isinstance(step, Step) and isinstance(step.statement, _PLAIN) for step in steps):
        return False
    places = [step.statement.place for step in steps
              if isinstance(step.statement, (Load, Store)) and not step.statement.place.dynamic]
    return any(_strides(place, outer, inner) == (1, True) for place in places) \
        and any(_strides(place, inner, outer) == (1, True) for place in places)
