"""Looking for a wrong derivative, and saying where it is.

In: a Subject, a mode. Out: a `Fault`: which entry of which argument and of which result, and what
was expected. Imports `judge`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from functrans.testing.judge import Judge, Options, directions, weights
from functrans.testing.subject import Subject
from functrans.testing.verdict import Mismatch


@dataclass(frozen=True)
class Fault:
    """A wrong derivative: found by `test` (of a Judge) along a direction, of weighted results."""
    judge: Judge
    test: Callable
    direction: list
    weights: np.ndarray
    mismatch: Mismatch

    @property
    def subject(self) -> Subject:
        return self.judge.subject

    def again(self, **changes) -> Fault | None:
        """The fault with another direction or other weights, if it is still there."""
        moved = replace(self, **changes)
        mismatch = self.test(moved.direction, moved.weights)
        return None if mismatch is None else replace(moved, mismatch=mismatch)


def find_fault(subject: Subject, mode: str, options: Options) -> Fault | None:
    """The first wrong derivative of a subject; None if all are right."""
    if not subject.inputs.size or not subject.outputs.size:
        return None
    judge = Judge(subject, mode, options)
    drawn = weights(subject, options.seed)
    for direction in directions(subject, options.seed):
        for test in (judge.wide, judge.narrow):
            mismatch = test(direction, drawn)
            if mismatch is not None:
                return Fault(judge, test, direction, drawn, mismatch)
    return None


# ---- where it is ----

def located(fault: Fault) -> Fault:
    """The fault along one axis alone, and of one result, as far as it shows there."""
    subject = fault.subject
    fault = _bisected(fault, subject.inputs.pack(fault.direction), lambda vector: dict(
        direction=subject.inputs.unpack(vector)))
    if fault.judge.mode == "rev":
        fault = _bisected(fault, fault.weights, lambda vector: dict(weights=vector))
    return _with_unit_steps(fault)


def _bisected(fault: Fault, vector: np.ndarray, change: Callable) -> Fault:
    """The fault with as few entries of a vector as possible, by halves."""
    places = np.flatnonzero(vector)
    while len(places) > 1:
        for half in np.array_split(places, 2):
            alone = np.zeros_like(vector)
            alone[half] = vector[half]
            found = fault.again(**change(alone))
            if found is not None:
                fault, places = found, half
                break
        else:
            return fault
    return fault


def _with_unit_steps(fault: Fault) -> Fault:
    """Expected and got as a partial derivative, if one entry is left."""
    vector = fault.subject.inputs.pack(fault.direction)
    places = np.flatnonzero(vector)
    if len(places) != 1:
        return fault
    factor = float(vector[places[0]])
    if fault.judge.mode == "rev" and np.count_nonzero(fault.weights) == 1:
        factor *= float(fault.weights[np.flatnonzero(fault.weights)[0]])
    m = fault.mismatch
    bounds = sorted(bound / factor for bound in m.expected)
    return replace(fault, mismatch=replace(
        m, expected=tuple(bounds), got=m.got / factor, error=m.error / abs(factor)))
