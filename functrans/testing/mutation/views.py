"""A failing Program seen in all ways in which its rules are asked: itself, its derivatives, mapped.

In: a `Probe`. Out: `View`, functions whose traces hold the equations that rules are called on and
those that rules have made. A rule that is wrong may be met in a derivative alone, or in the
derivative of one. Imports `conformance`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import functrans as ft
from functrans.ir.type import is_inexact
from functrans.testing.conformance.probe import Probe, has_derivative

SIZE = 1 / 8                     # of steps, relative to a probe's directions


@dataclass(frozen=True)
class View:
    """function: from arrays to a tuple of arrays of functrans. lanes: two lists of arguments, as
    NumPy's arrays. directions: how they move, of the shapes of the arguments."""
    function: Callable
    lanes: tuple
    directions: tuple

    def mapped(self) -> View:
        """All arguments mapped over both lanes; its other lane has them in the other order."""
        lanes = tuple([np.stack(pair) for pair in zip(first, second)]
                      for first, second in (self.lanes, self.lanes[::-1]))
        return View(lambda *values: tuple(ft.vmap(self.function)(*values)), lanes,
                    tuple(np.stack([part, -part]) for part in self.directions))

    def pushed(self) -> View:
        """With its derivative along the direction in which the arguments move; the tangents are
        arguments, too."""
        count, moves = len(self.lanes[0]), self.directions
        places = [k for k, move in enumerate(moves) if np.any(move)]

        def function(*values):
            return _pushed(self.function, values[:count], places, values[count:])
        lanes = tuple([*lane, *(moves[k] / part for k in places)]
                      for part, lane in enumerate(self.lanes, 1))
        return View(function, lanes, (*moves, *(moves[k] / 4 for k in places)))


def _pushed(function: Callable, operands: Sequence, places: Sequence, tangents: Sequence) -> tuple:
    """(results, tangents of those that have one), of the operands at `places`."""
    def restricted(*some):
        every = list(operands)
        for place, value in zip(places, some):
            every[place] = value
        return tuple(function(*every))
    outs, pushed = ft.jvp(restricted, tuple(operands[k] for k in places), tuple(tangents))
    return (*outs, *(part for part, out in zip(pushed, outs) if is_inexact(out.dtype)))


def views(probe: Probe) -> Iterator[View]:
    """The Program, its derivatives, and those mapped and differentiated; simple ones first."""
    plain = View(probe.function, tuple(probe.lanes()), _directions(probe))
    yield plain
    yield plain.mapped()
    if has_derivative(probe):
        reverse = _reverse(plain, probe)
        yield from (plain.pushed(), reverse, reverse.pushed(), reverse.mapped())


def _directions(probe: Probe) -> tuple:
    """Of operands in which no derivative is asked for: none."""
    moving = probe.places if has_derivative(probe) else []
    return tuple(SIZE * move if k in moving else np.zeros(array.shape) for k, (array, move)
                 in enumerate(zip(probe.arrays, probe.directions(probe.arrays, 2))))


def _reverse(plain: View, probe: Probe) -> View:
    """The gradient, with cotangents as arguments, too."""
    first, second, moves = (probe.directions(probe.results_like(), 5 + k) for k in range(3))
    lanes = tuple([*lane, *more] for lane, more in zip(plain.lanes, (first, second)))
    return View(gradient(probe), lanes, (*plain.directions, *(SIZE * move for move in moves)))


def gradient(probe: Probe) -> Callable:
    """`gradient(*operands, *cotangents)` with respect to the operands that have one."""
    count = len(probe.arrays)

    def function(*values):
        every, cotangents = values[:count], values[count:]
        restricted = probe.partial(probe.function, probe.library.names, every)
        return tuple(probe.library.vjp(restricted, [every[k] for k in probe.places], cotangents))
    return function
