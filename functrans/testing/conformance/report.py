"""The tables of docs/conformance.md, from matrices that were written before.

    python -m functrans.testing conformance --publish docs/conformance.md jax/matrix.json ...

replaces what stands between the page's two marks. In: the data of `command.as_data`. Out: Markdown.
Imports `checks`, for the columns.
"""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from functrans.testing.conformance.checks import COLUMNS
from functrans.testing.conformance.matrix import ABSENT, FAILED, PASSED
from functrans.testing.conformance.table import all_operations

BEGIN, END = "<!-- matrix -->", "<!-- end -->"


def publish(page: Path, matrices: Iterable[Path]):
    """Writes the tables of these matrices into a page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    loaded = [json.loads(path.read_text(encoding="utf-8")) for path in matrices]
    page.write_text(f"{before}{BEGIN}\n{tables(joined(loaded))}\n{END}{after}", encoding="utf-8")


def joined(matrices: Iterable[dict]) -> list[dict]:
    """Matrices of one library, of different columns say, put together; a later cell counts."""
    found: dict = {}
    for matrix in matrices:
        known = found.setdefault(matrix["library"], {**matrix, "cells": {}, "quick": False})
        known["quick"] |= matrix["quick"]
        known["cells"].update({(cell["operation"], cell["dtype"], cell["column"]): cell
                               for cell in matrix["cells"]})
    return [{**matrix, "cells": list(matrix["cells"].values())} for matrix in found.values()]


def tables(matrices: Sequence[dict]) -> str:
    """Totals, totals by column, and a line for each operation."""
    return "\n\n".join(["\n".join(part(matrices)) for part in (_totals, _by_column, _operations)])


def _totals(matrices):
    yield "| library | cells | passed | failed | not offered |"
    yield "|---|---|---|---|---|"
    for matrix in matrices:
        counts = Counter(cell["state"] for cell in matrix["cells"])
        kind = "a sample" if matrix["quick"] else "all"
        yield (f"| {matrix['version']} | {kind} | {counts[PASSED]} | {counts[FAILED]} | "
               f"{counts[ABSENT]} |")


def _by_column(matrices):
    yield f"| passed of asked | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---|' * len(COLUMNS)}"
    for matrix in matrices:
        counts = Counter((cell["column"], cell["state"]) for cell in matrix["cells"])
        yield f"| **{matrix['library']}** | " + " | ".join(
            _share(counts[column, PASSED], counts[column, FAILED]) for column in COLUMNS) + " |"


def _share(passed: int, failed: int) -> str:
    return f"{passed} of {passed + failed}" if passed + failed else "-"


def _operations(matrices):
    """A line for each operation, with a mark for each column: the worst of its dtypes."""
    yield f"| operation | {' | '.join(matrix['library'] for matrix in matrices)} |"
    yield f"|---|{'---|' * len(matrices)}"
    found = [_states(matrix) for matrix in matrices]
    for name in all_operations():
        marks = [f"`{''.join(_mark(states.get((name, column), ())) for column in COLUMNS)}`"
                 for states in found]
        yield f"| {name.replace('|', chr(92) + '|')} | {' | '.join(marks)} |"


def _states(matrix: dict) -> dict:
    """(operation, column) -> the states of its dtypes."""
    states: dict = {}
    for cell in matrix["cells"]:
        states.setdefault((cell["operation"], cell["column"]), set()).add(cell["state"])
    return states


def _mark(states) -> str:
    """X if a dtype fails, + if one passes and none fails, - if none is offered."""
    for state, mark in ((FAILED, "X"), (PASSED, "+"), (ABSENT, "-")):
        if state in states:
            return mark
    return "."
