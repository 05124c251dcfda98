"""`python -m functrans.testing conformance`: runs the kit and writes the matrix.

Imports `matrix`, `page`.
"""
from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path

from functrans.testing.conformance.checks import COLUMNS
from functrans.testing.conformance.dtypes import DTYPES
from functrans.testing.conformance.diary import Diary
from functrans.testing.conformance.libraries import LIBRARIES, library
from functrans.testing.conformance.matrix import Matrix, run, text


def add_arguments(parser):
    """The options of the command."""
    parser.add_argument("--library", choices=LIBRARIES, default="functrans",
                        help="whose functions are tried (default: functrans)")
    parser.add_argument("--quick", action="store_true",
                        help="two dtypes of each operation instead of all")
    parser.add_argument("--output", type=Path, metavar="FOLDER",
                        help="where to write matrix.txt, matrix.html and matrix.json")
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help=(
        "likewise; each cell is kept there as it is asked, and is not asked again when a run that "
        "was stopped is begun anew"))
    parser.add_argument("--rules", action="store_true", help=(
        "take away each rule of functrans's primitives in turn: the kit must turn red"))
    parser.add_argument("--publish", nargs="+", type=Path, metavar="FILE", help=(
        "a page with marks, and matrix.json files: writes their tables into the page"))
    parser.add_argument("--only", action="append", metavar="OPERATION",
                        help="one operation; may be given several times")
    parser.add_argument("--column", action="append", choices=COLUMNS, metavar="COLUMN",
                        help=f"one of {', '.join(COLUMNS)}; may be given several times")
    parser.add_argument("--dtype", action="append", choices=DTYPES, metavar="DTYPE",
                        help=f"one of {', '.join(DTYPES)}; may be given several times")


def main(options) -> int:
    """Runs the kit; the last line printed is `passed N of M`. 1 if a cell failed, else 0."""
    if options.publish:
        from functrans.testing.conformance.report import publish
        publish(options.publish[0], options.publish[1:])
        return 0
    if options.rules:
        return _without_rules()
    matrix = _matrix(options)
    for folder in {options.output, options.resume} - {None}:
        write(matrix, folder)
    print(text(matrix), flush=True)
    return 1 if matrix.failures else 0


def _matrix(options) -> Matrix:
    adapter = library(options.library)
    diary = nullcontext() if options.resume is None else Diary(options.resume, adapter.version())
    with diary as kept:
        return run(adapter, options.quick, options.only, _progress,
                   options.column or tuple(COLUMNS), options.dtype or DTYPES,
                   watch=kept and kept.add, known=kept and kept.cells)


def _without_rules() -> int:
    """A line for each rule; the last one is `noticed N of M`."""
    from functrans.testing.conformance.rules import UNREACHED, recorded, rules, without
    found, noticed, asked = recorded()[1], 0, 0
    for primitive, rule in rules():
        if (primitive, rule) in UNREACHED:
            print(f"{primitive}.{rule}: {UNREACHED[primitive, rule]}")
            continue
        asked += 1
        red = without(primitive, rule, found.get((primitive, rule), ()))
        noticed += red is not None
        print(f"{primitive}.{rule}: " + ("NOT NOTICED" if red is None else
                                         f"{', '.join(red[0])}: {red[1].reason}"), flush=True)
    print(f"noticed {noticed} of {asked}")
    return 0 if noticed == asked else 1


def _progress(name: str):
    """The operation in hand, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{name}", end="", file=sys.stderr, flush=True)


def write(matrix: Matrix, folder: Path):
    """The matrix as text, as a page, and as data, for other tools to read."""
    from functrans.testing.conformance.page import html
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "matrix.txt").write_text(text(matrix) + "\n", encoding="utf-8")
    (folder / "matrix.html").write_text(html(matrix), encoding="utf-8")
    (folder / "matrix.json").write_text(json.dumps(as_data(matrix), indent=1), encoding="utf-8")


def as_data(matrix: Matrix) -> dict:
    """The matrix in plain types."""
    cells = [dict(operation=name, dtype=dtype, column=column, state=cell.state, reason=cell.reason)
             for (name, dtype, column), cell in matrix.cells.items() if cell.state]
    return dict(library=matrix.library, version=matrix.version, quick=matrix.quick,
                passed=matrix.passed, asked=matrix.asked, cells=cells)
