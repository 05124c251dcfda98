"""Runs the kit: each operation, dtype and column of a library is one cell.

In: a library, which cells. Out: `Matrix`, whose `text()` ends with `passed N of M`. Imports NumPy.
"""
from __future__ import annotations

import gc
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from functrans.testing.conformance.checks import COLUMNS
from functrans.testing.conformance.dtypes import DTYPES
from functrans.testing.conformance.libraries import library as library_named
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.namespace import NotOffered
from functrans.testing.conformance.operation import Operation
from functrans.testing.conformance.probe import NoQuestion, Probe, Wrong
from functrans.testing.conformance.table import all_operations

PASSED, FAILED, ABSENT, EMPTY = "passed", "failed", "n/a", ""


@dataclass(frozen=True)
class Cell:
    """state: "passed", "failed", "n/a" (not offered) or "" (nothing to ask); why it is so."""
    state: str
    reason: str = ""


@dataclass
class Matrix:
    """The cells of a library, by (operation, dtype, column)."""
    library: str
    version: str
    operations: list
    cells: dict = field(default_factory=dict)
    quick: bool = False

    def count(self, state: str) -> int:
        return sum(cell.state == state for cell in self.cells.values())

    @property
    def passed(self) -> int:
        return self.count(PASSED)

    @property
    def asked(self) -> int:
        """How many cells have an answer: right or wrong."""
        return self.passed + self.count(FAILED)

    @property
    def failures(self) -> dict:
        return {key: cell for key, cell in self.cells.items() if cell.state == FAILED}

    def summary(self, operation: str, column: str) -> Counter:
        """How many dtypes have which state."""
        return Counter(cell.state for (name, _, where), cell in self.cells.items()
                       if name == operation and where == column)

    def last_line(self) -> str:
        return f"passed {self.passed} of {self.asked}"


# ---- running ----

def run_cell(library: Library, operation: Operation, dtype: str, column: str,
             cases: Iterable | None = None) -> Cell:
    """One cell: right if it is for every case; the first reason that it is not."""
    check, needs = COLUMNS[column]
    missing = [name for name in needs if name not in library.offers]
    if missing:
        return Cell(ABSENT, f"{library.name} has no {' and no '.join(missing)}")
    asked = False
    for case in operation.cases if cases is None else cases:
        try:
            _asked(check, library, operation, case, dtype)
            asked = True
        except NoQuestion:
            continue
        except NotOffered as error:
            return Cell(ABSENT, str(error))
        except Wrong as error:
            return Cell(FAILED, str(error))
        except Exception as error:
            return _refusal(library, operation, case, dtype, error) or Cell(
                FAILED, f"{type(error).__name__}: {_first_line(error)}")
    return Cell(PASSED) if asked else Cell(EMPTY)


def _asked(check: Callable, library: Library, operation: Operation, case, dtype: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(Probe(library, operation, case, dtype))


def _refusal(library: Library, operation: Operation, case, dtype: str, error) -> Cell | None:
    """That the library does not take this dtype, be it that only the plain value says so."""
    if library.refuses(error):
        return Cell(ABSENT, f"the dtype is refused: {_first_line(error)}")
    try:
        _asked(COLUMNS["eval"][0], library, operation, case, dtype)
    except Exception as plain:
        if library.refuses(plain):
            return Cell(ABSENT, f"the dtype is refused: {_first_line(plain)}")
    return None


def _first_line(error: Exception, width: int = 240) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else "no message"
    return text if len(text) <= width else text[:width - 3] + "..."


def sample(operation: Operation) -> list[str]:
    """The dtypes that a quick run tries: the widest real one, and another one by its name."""
    widest = next(name for name in ("float64", *reversed(operation.dtypes))
                  if name in operation.dtypes)
    rest = [name for name in operation.dtypes if name != widest]
    chosen = zlib.crc32(operation.name.encode())
    return [widest, rest[chosen % len(rest)]] if rest else [widest]


def run(library: str | Library = "functrans", quick: bool = False,
        only: Iterable[str] | None = None, progress: Callable | None = None,
        columns: Iterable[str] = tuple(COLUMNS), dtypes: Iterable[str] = DTYPES,
        watch: Callable | None = None, known: Mapping | None = None) -> Matrix:
    """All cells of a library.

    library: "functrans", "jax", "torch", "autograd", or an adapter. quick: two dtypes of each
    operation instead of all. only: names of operations, columns: of columns, dtypes: of dtypes.
    progress: called with each operation's name; watch: with (operation, dtype, column) and the
    cell, after each. known: cells that were asked before, by the same, and are not asked again.
    Returns a `Matrix`. Raises MissingExtraError where the library is not installed.

    >>> from functrans.testing.conformance import run
    >>> run("functrans", quick=True, only=["tanh"]).failures
    {}
    """
    adapter = library_named(library) if isinstance(library, str) else library
    table = all_operations()
    chosen = list(table) if only is None else [name for name in table if name in set(only)]
    matrix = Matrix(adapter.name, adapter.version(), [table[name] for name in chosen],
                    quick=quick)
    for operation in matrix.operations:
        if progress is not None:
            progress(operation.name)
        for key in _places(operation, quick, dtypes, columns):
            if known is not None and key in known:
                matrix.cells[key] = known[key]
                continue
            matrix.cells[key] = run_cell(adapter, operation, *key[1:])
            if watch is not None:
                watch(key, matrix.cells[key])
        adapter.reset()
        gc.collect(0)
    return matrix


def _places(operation: Operation, quick: bool, dtypes, columns):
    """(operation, dtype, column) of its cells."""
    offered = sample(operation) if quick else operation.dtypes
    for dtype in sorted(set(offered) & set(dtypes), key=DTYPES.index):
        for column in columns:
            yield operation.name, dtype, column


# ---- text ----

MARKS = {PASSED: "+", FAILED: "X", ABSENT: "-", EMPTY: "."}


def text(matrix: Matrix) -> str:
    """The matrix, a mark for each dtype, then the findings; the last line is the total."""
    width = max(len(operation.name) for operation in matrix.operations)
    lines = [f"{matrix.version}{' (a sample)' if matrix.quick else ''}",
             "+ passed   X failed   - not offered   . nothing to ask; one mark for each dtype", "",
             " ".join(["operation".ljust(width), *(name.ljust(10) for name in COLUMNS)])]
    for operation in matrix.operations:
        cells = [_marks(matrix, operation, column).ljust(10) for column in COLUMNS]
        lines.append(" ".join([operation.name.ljust(width), *cells]).rstrip())
    lines += ["", *findings(matrix), "",
              f"not offered: {matrix.count(ABSENT)}, nothing to ask: {matrix.count(EMPTY)}",
              matrix.last_line()]
    return "\n".join(lines)


def _marks(matrix: Matrix, operation: Operation, column: str) -> str:
    return "".join(MARKS[cell.state] for (name, _, where), cell in matrix.cells.items()
                   if name == operation.name and where == column)


def findings(matrix: Matrix) -> list[str]:
    """One line for each operation, column and reason, with the dtypes that have it."""
    grouped: dict = {}
    for (name, dtype, column), cell in matrix.failures.items():
        grouped.setdefault((name, column), {}).setdefault(cell.reason, []).append(dtype)
    return [f"{name}, {column} ({', '.join(dtypes)}): {reason}"
            for (name, column), reasons in grouped.items() for reason, dtypes in reasons.items()]
