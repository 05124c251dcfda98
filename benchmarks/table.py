"""The table, as Markdown.

In: `Line`s. Out: text, and the same text in docs/performance.md.
"""
from __future__ import annotations

import math
from pathlib import Path

from benchmarks.harness import OURS, Line
from benchmarks.libraries import LIBRARIES

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
START, END = "<!-- table: python -m benchmarks --write -->", "<!-- end of the table -->"


def text(lines: list[Line], limits: tuple | None, head: list[str],
         libraries: tuple = LIBRARIES) -> str:
    """Head, table, and the geometric mean of the ratios."""
    titles = ("row", *libraries, "best peer / ours", "floor", "ours / floor")
    rows = [cells(line, limits, libraries) for line in lines]
    widths = [max(len(cell) for cell in column) for column in zip(titles, *rows)]
    table = [_join(titles, widths), "|" + "|".join("-" * (w + 2) for w in widths) + "|",
             *(_join(row, widths) for row in rows)]
    return "\n".join([*head, "", *table, "", *_summary(lines)])


def _join(row, widths) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"


def cells(line: Line, limits: tuple | None, libraries: tuple = LIBRARIES) -> list[str]:
    """One row of the table."""
    ours, ratio = line.seconds(OURS), line.ratio()
    floor = floor_seconds(line.row, limits)
    return [line.row.name, *(duration(line.seconds(name)) for name in libraries),
            "-" if ratio is None else f"{ratio:.2f}",
            duration(floor), f"{ours / floor:.1f}" if ours and floor else "-"]


def floor_seconds(row, limits: tuple | None) -> float | None:
    """What the machine needs at least: flops over peak, or bytes over bandwidth."""
    if limits is None or not (row.flops or row.bytes):
        return None
    peak, bandwidth = limits
    return max(row.flops / peak, row.bytes / bandwidth)


def duration(seconds: float | None) -> str:
    """Three digits and a unit."""
    if seconds is None:
        return "-"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.3g} {unit}"


def _summary(lines: list[Line]):
    ratios = [line.ratio() for line in lines if line.ratio()]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        below = sum(ratio < 1 for ratio in ratios)
        yield (f"Geometric mean of the ratios: {mean:.2f}. Rows below 1.0: {below} "
               f"of {len(ratios)}.")
    for line in lines:
        for name, problem in line.problems.items():
            yield f"\n{line.row.name}, {name}: {problem.strip().splitlines()[-1]}"


def write(content: str):
    """Puts the table into docs/performance.md, between its marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}\n\n{content}\n\n{END}{after}")
