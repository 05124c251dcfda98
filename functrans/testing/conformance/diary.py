"""The cells of a run on disk, each as it is asked: a run that was stopped goes on after the last.

In: a folder, and the version of what is asked. Out: `Diary`. The file has a line of JSON for the
version, then one for each cell; a last line that was cut off does not count. Imports `matrix`.
"""
from __future__ import annotations

import json
from pathlib import Path

from functrans.errors import ArgumentError
from functrans.testing.conformance.matrix import Cell


class Diary:
    """`cells`, by (operation, dtype, column): those that are in the file, and those added.

    folder: where cells.jsonl is, or will be. version: of the library that is asked.
    Raises ArgumentError if the file has the cells of another one.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with Diary(folder, "mine 1.0") as diary:
    ...     diary.add(("sin", "float32", "eval"), Cell("passed"))
    >>> with Diary(folder, "mine 1.0") as diary:
    ...     diary.cells
    {('sin', 'float32', 'eval'): Cell(state='passed', reason='')}
    """

    def __init__(self, folder: str | Path, version: str):
        self.path = Path(folder) / "cells.jsonl"
        self.version = version
        self.cells: dict = {}

    def __enter__(self) -> Diary:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._read() if self.path.exists() else b""
        self._file = self.path.open("r+b" if whole else "wb")
        self._file.truncate(len(whole))
        self._file.seek(len(whole))
        if not whole:
            self._write(self.version)
        return self

    def __exit__(self, *exception):
        self._file.close()

    def add(self, place: tuple, cell: Cell):
        """Writes a cell down."""
        self.cells[place] = cell
        self._write([*place, cell.state, cell.reason])

    def _write(self, line):
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()

    def _read(self) -> bytes:
        """Fills `cells`; returns the lines that are whole."""
        text = self.path.read_bytes()
        whole = text[:text.rfind(b"\n") + 1]
        lines = [json.loads(line) for line in whole.splitlines()]
        if lines and lines[0] != self.version:
            raise ArgumentError(f"{self.path} has the cells of {lines[0]}, and this is "
                                f"{self.version}: give another folder")
        self.cells = {tuple(line[:3]): Cell(*line[3:]) for line in lines[1:]}
        return whole
