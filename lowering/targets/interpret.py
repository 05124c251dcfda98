"""The kernels under plain Python: to step through them, and to see what each line does.

The text of the whole Program is written to a file and imported; so a debugger stops in it, and
tracebacks show its lines. Values are those of compiled code, to rounding.

In: a Program. Out: `InterpretedExecutable`. Imports `pipeline`, `listing`, `source`.
"""
from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from functrans.ir.program import Program
from lowering.errors import IndexOutOfBounds
from lowering.listing import Listing, make_listing
from lowering.pipeline import make_plan, optimize
from lowering.plainly import IndexOutside
from lowering.source import FOLDER, load, save


def interpret(program: Program, folder=None, path=None) -> InterpretedExecutable:
    """A Program to be run by Python. path: a file with a copy of its text, edited by hand."""
    optimized = optimize(program)
    listing = make_listing(optimized, make_plan(optimized))
    if path is None:
        name = re.sub(r"\W", "_", program.name or "program")
        folder = Path(folder or tempfile.gettempdir()) / FOLDER
        path = save(listing.text, folder, name)
    return InterpretedExecutable(optimized, listing, path)


class InterpretedExecutable:
    """A Program as a Python module. `path`: its file; `module`: what was imported."""

    records = ()                # of kernels that were compiled: there are none

    def __init__(self, program: Program, listing: Listing, path):
        self.program = program
        self.path = Path(path)
        self.module = load(path)
        self._listing = listing

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs for arrays of the Program's input types."""
        try:
            return self.module.run(*arrays, hosts=self._listing.hosts)
        except IndexOutside as error:
            location, size = self._listing.checks[error.code]
            raise IndexOutOfBounds(error.index, size, location) from None

    def source(self) -> str:
        """The text that runs."""
        return self.path.read_text()
