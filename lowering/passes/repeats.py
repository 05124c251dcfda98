"""Finding the repeats of a Program: N copies of one sequence of equations, one after the other.

In: a Program. Out: `Run`s, not overlapping, in order. Whether the copies are also connected
alike is for `reroll.py` to see. Imports `functrans.ir`.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from functrans.ir.primitive import Slice
from functrans.ir.program import Equation, Literal

MIN_COUNT = 5                # copies
MIN_EQUATIONS = 48           # of a run; fewer are compiled as they are
MAX_PERIOD = 2000            # equations of one copy


@dataclass(frozen=True, slots=True)
class Run:
    """`count` copies of `period` equations, from number `start` on."""
    start: int
    period: int
    count: int

    @property
    def stop(self) -> int:
        return self.start + self.period * self.count


def find_runs(equations, least: int) -> list[Run]:
    """The repeats of at least so many equations, the longest first chosen."""
    if not _may_repeat([_rough_key(equation) for equation in equations], least):
        return []                       # most Programs end here
    names: dict = {}
    numbers = [names.setdefault(_key(equation, number), len(names))
               for number, equation in enumerate(equations)]
    if not _may_repeat(numbers, least):
        return []
    keys = np.array(numbers)
    found: list[Run] = []
    segments = [(0, len(keys))]
    while segments:
        low, high = segments.pop()
        run = _longest(keys, low, high)
        if run is not None and run.period * run.count >= least:
            found.append(run)
            segments += [(low, run.start), (run.stop, high)]
    return sorted(found, key=lambda run: run.start)


def _may_repeat(keys: list, least: int) -> bool:
    """Whether so many equations stand in a row of which each is there often enough."""
    often, row = Counter(keys), 0
    for key in keys:
        row = row + 1 if often[key] >= MIN_COUNT else 0
        if row >= least:
            return True
    return False


def _longest(keys: np.ndarray, low: int, high: int) -> Run | None:
    """The run that covers most; of those that cover the same, the one of the shortest period."""
    best, covered = None, 0
    for period in range(1, min((high - low) // MIN_COUNT, MAX_PERIOD) + 1):
        differ = np.flatnonzero(keys[low:high - period] != keys[low + period:high])
        edges = np.concatenate([[-1], differ, [high - low - period]])
        lengths = np.diff(edges) - 1
        place = int(lengths.argmax())
        length = int(lengths[place])
        count = length // period + 1
        if count >= MIN_COUNT and count * period > covered:
            best = Run(low + int(edges[place]) + 1, period, count)
            covered = count * period
    return best


def _rough_key(equation: Equation) -> tuple:
    """Something that copies have in common, quick to find."""
    types = [var.type for var in equation.outputs]
    return equation.primitive, types[0].shape if types else None, len(equation.inputs)


def _key(equation: Equation, number: int):
    """What two equations must have in common to be copies of one."""
    primitive = equation.primitive
    if equation.effect:
        return number
    params = dict(equation.params)
    step = step_of(equation)
    if step is not None:
        axis, start = step
        for name in ("start", "limit"):
            if name in params:
                params[name] = tuple(value - start if k == axis else value
                                     for k, value in enumerate(params[name]))
    try:
        items = tuple(sorted(params.items()))
        hash(items)
    except TypeError:
        return number
    inputs = tuple((atom.value.tobytes(), atom.type) if type(atom) is Literal else atom.type
                   for atom in equation.inputs)
    return primitive, items, inputs, tuple(var.type for var in equation.outputs)


def step_of(equation: Equation) -> tuple[int, int] | None:
    """(axis, index) of a slice that takes one index along one axis, as `xs[t]` does."""
    kernel = equation.kernel
    if not isinstance(kernel, Slice) or type(equation.inputs[0]) is Literal:
        return None
    operand, out = equation.inputs[0].type.shape, equation.outputs[0].type.shape
    cut = [k for k, (whole, part) in enumerate(zip(operand, out)) if whole != part]
    if len(cut) != 1 or out[cut[0]] != 1:
        return None
    return cut[0], kernel.start[cut[0]]
