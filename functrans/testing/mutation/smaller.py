"""Smaller pieces of Programs: shorter axes, rounder values.

In: a `Piece`, and whether another one fails too. Out: the smallest found. Where an axis is cut, the
numbers among the equations' parameters that may speak of it are changed with it; what does not fit
together then is not traced, and so is no piece. Imports `pieces`, `shrink`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from functrans.ir.program import Program, inner_programs
from functrans.ir.type import ArrayType, is_inexact
from functrans.testing.mutation.pieces import Piece
from functrans.testing.shrink import simpler
from functrans.trace import run, trace


def smallest(piece: Piece, fails: Callable) -> Piece:
    """The smallest piece like this one for which `fails(piece)` holds."""
    for candidates in (_shorter, _rounder):
        while True:
            found = next(filter(fails, candidates(piece)), None)
            if found is None:
                break
            piece = found
    return piece


# ---- axes ----

def _shorter(piece: Piece) -> Iterator[Piece]:
    """With axes cut, the boldest cuts first; where Programs are carried within, none fits."""
    if any(map(inner_programs, piece.program.equations)):
        return
    numbers = list(_numbers_in(_params(piece.program)))
    for axes, length, left in _cuts(piece):
        for changed in _renumbered(numbers, {axis for _, axis in axes}, length, left):
            made = _rebuilt(piece, axes, left, changed)
            if made is not None:
                yield made


def _cuts(piece: Piece) -> Iterator[tuple]:
    """(axes, their length, what is left): axes of one length together, then one by one."""
    axes = [(k, axis, length) for k, value in enumerate(piece.lanes[0])
            for axis, length in enumerate(value.shape) if length > 1]
    for length in sorted({length for *_, length in axes}, reverse=True):
        same = {(k, axis) for k, axis, other in axes if other == length}
        for left in sorted({1, 2, length - 1} - {length}):
            yield same, length, left
            if len(same) > 1:
                yield from (({one}, length, left) for one in sorted(same))


def _renumbered(numbers: list[tuple], axes: set, length: int, left: int) -> Iterator[list[int]]:
    """Parameters as they are; all changed with the cut; some of those that stand for its axes."""
    same = [number for number, _ in numbers]
    yield same
    some = [place for place, (_, index) in enumerate(numbers) if index in axes][:MOST]
    for change in CHANGES:
        changed = [change(number, length, left) for number in same]
        for places in (range(len(same)), *_subsets(some)):
            tried = [changed[k] if k in places else number for k, number in enumerate(same)]
            if tried != same:
                yield tried


def _subsets(places: Sequence[int]) -> Iterator[tuple]:
    for count in range(len(places), 0, -1):
        yield from combinations(places, count)


def _as_size(number: int, length: int, left: int) -> int:
    """In proportion: sizes of a reshaped array, too."""
    return number * left // length if number * left % length == 0 else number


def _as_bound(number: int, length: int, left: int) -> int:
    return left if left < number <= length else number


def _as_place(number: int, length: int, left: int) -> int:
    """Counted from the other end."""
    return max(number - (length - left), 0)


CHANGES = (_as_size, _as_bound, _as_place)
MOST = 6                         # parameters of which all subsets are tried


def _rebuilt(piece: Piece, axes: set, left: int, numbers: Sequence[int]) -> Piece | None:
    """None if the equations do not take what is left."""
    lanes = tuple(_cut(lane, axes, left) for lane in piece.lanes)
    direction = piece.direction and tuple(_cut(piece.direction, axes, left))
    types = [ArrayType(value.shape, value.dtype, var.type.weak)
             for value, var in zip(lanes[0], piece.program.inputs)]
    try:
        changed = _with_numbers(piece.program, numbers)
        program, captured = trace(lambda *values: run(changed, values), types)
    except Exception:                    # whatever the rules have against it
        return None
    return None if captured else Piece(program, lanes, direction)


def _cut(values: Sequence[np.ndarray], axes: set, left: int) -> list[np.ndarray]:
    """Shorter arrays; whole numbers, which may be indices into them, not too large."""
    def part(k, value):
        return value[tuple(slice(left if (k, axis) in axes else None)
                           for axis in range(value.ndim))]
    return [np.minimum(cut, left - 1) if cut.dtype.kind in "iu" else cut
            for cut in (part(k, value) for k, value in enumerate(values))]


# ---- parameters ----

def _params(program: Program) -> tuple:
    return tuple(tuple(equation.params.values()) for equation in program.equations)


def _numbers_in(value, index: int | None = None) -> Iterator[tuple]:
    """(number, its place in the tuple that it is in): of shapes and the like, an axis."""
    if type(value) is tuple:
        for place, part in enumerate(value):
            yield from _numbers_in(part, place)
    elif type(value) is int:
        yield value, index


def _filled(value, numbers: Iterator[int]):
    """The value with other numbers, in order."""
    if type(value) is tuple:
        return tuple([_filled(part, numbers) for part in value])
    return next(numbers) if type(value) is int else value


def _with_numbers(program: Program, numbers: Iterable[int]) -> Program:
    every = _filled(_params(program), iter(numbers))
    return program.replace(equations=[
        equation.replace(params=dict(zip(equation.params, values)))
        for equation, values in zip(program.equations, every)])


# ---- values ----

def _rounder(piece: Piece) -> Iterator[Piece]:
    """With rounder numbers at the point, or in the direction in which it moves."""
    point, other = piece.lanes
    for k, value in enumerate(point):
        for simple in simpler(value) if is_inexact(value.dtype) else ():
            yield replace(piece, lanes=(_with(point, k, simple), other))
    for k, value in enumerate(piece.direction or ()):
        for simple in simpler(value):
            yield replace(piece, direction=tuple(_with(piece.direction, k, simple)))


def _with(values: Sequence, place: int, value) -> list:
    return [*values[:place], value, *values[place + 1:]]
