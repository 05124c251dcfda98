"""Where a NaN first comes up: the switch `debug_nans`.

Each primitive that is evaluated is looked at; a compiled function whose results hold a NaN is
evaluated again, equation by equation, to find the one that made it.

In: operands and results. Out: NonFiniteError, with the user's line. Imports `config`, `trace`,
`errors`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.array import is_elsewhere, wrap
from functrans.config import config
from functrans.device import elsewhere
from functrans.errors import NonFiniteError
from functrans.ir.program import Program
from functrans.ir.type import is_inexact
from functrans.trace import run, watch_evaluations


def _has_nan(values: Sequence) -> bool:
    every = (elsewhere.read(value) if is_elsewhere(value) else value for value in values)
    return any(isinstance(value, (np.ndarray, np.generic)) and is_inexact(value.dtype)
               and bool(np.isnan(value).any()) for value in every)


def _look(evaluate: Callable, primitive, operands: Sequence, params: dict):
    """Raises if a primitive made a NaN out of operands that hold none."""
    out = evaluate(primitive, operands, params)
    if not config.debug_nans:
        return out
    results = out if primitive.multiple else (out,)
    if _has_nan(results) and not _has_nan(operands):
        shown = ", ".join(_shown(operand) for operand in operands)
        raise NonFiniteError(f"{primitive.name} made a NaN from {shown or 'no operands'}; config."
                             "debug_nans looks for the first one")
    return out


def _shown(operand) -> str:
    """An operand, or the range of its elements."""
    operand = elsewhere.read(operand) if is_elsewhere(operand) else operand
    if not np.size(operand):
        return "nothing"
    if np.size(operand) == 1:
        return str(np.asarray(operand).item())
    if operand.dtype.kind == "c":
        return f"{operand.size} complex numbers"
    return f"{operand.size} numbers from {operand.min()} to {operand.max()}"


def _switch(on: bool):
    """Has primitives watched from the first time on that the switch is on."""
    if on:
        watch_evaluations(_look)


config.listen("debug_nans", _switch)


class WatchedExecutable:
    """An executable whose results are looked at; otherwise it is the one that it holds."""

    def __init__(self, compiled, program: Program):
        self._compiled = compiled
        self._program = program

    def run(self, arrays: Sequence) -> list:
        outs = self._compiled.run(arrays)
        if _has_nan(outs) and not _has_nan(arrays):
            self._find(arrays)
        return outs

    def _find(self, arrays: Sequence):
        """Evaluates the Program equation by equation: the one that makes a NaN raises."""
        run(self._program, [wrap(array, var.type)
                            for array, var in zip(arrays, self._program.inputs)])
        raise NonFiniteError(f"{self._program.name} gave a NaN when compiled, but gives none when "
                             "it is evaluated by NumPy")

    def __getattr__(self, name):
        return getattr(self._compiled, name)
