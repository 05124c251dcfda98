"""The matrix as one HTML page with no external asset: a table of coloured cells, and the findings.

In: `Matrix`. Out: text. A cell of the table is a small picture (SVG) with one bar for each
dtype; pointing at it tells the reasons, a click goes to the findings. Imports `matrix`.
"""
from __future__ import annotations

from html import escape
from itertools import groupby

from functrans.testing.conformance.checks import COLUMNS
from functrans.testing.conformance.dtypes import DTYPES
from functrans.testing.conformance.matrix import ABSENT, EMPTY, FAILED, PASSED, Matrix

COLOURS = {PASSED: "#3f9a5f", FAILED: "#d3412f", ABSENT: "#c9ccd1", EMPTY: "#f2f3f5"}
MEANING = {PASSED: "passed", FAILED: "failed", ABSENT: "not offered", EMPTY: "nothing to ask"}
WIDTH, HEIGHT, GAP = 7, 12, 1

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, "Segoe UI", sans-serif; margin: 2rem auto; max-width: 1400px;
       padding: 0 1rem; color: #1d2126; background: #fff; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.version { color: #5b636d; margin: 0 0 1.2rem; }
.totals { display: flex; gap: 2rem; align-items: center; flex-wrap: wrap; margin-bottom: 1.4rem; }
.totals strong { font-size: 1.25rem; } .totals svg { max-width: 100%; }
.legend span { margin-right: 1.1rem; white-space: nowrap; }
.legend i { display: inline-block; width: 11px; height: 11px; margin-right: .4em;
            border-radius: 2px; }
table.matrix { border-collapse: collapse; font-size: 12.5px; }
.matrix th { font-weight: 600; text-align: left; padding: 5px; background: #fff;
             position: sticky; top: 0; border-bottom: 2px solid #1d2126; z-index: 1; }
.matrix td { padding: 2px 5px; border-bottom: 1px solid #eceef0; line-height: 1; }
.matrix td.name { font-family: ui-monospace, Menlo, Consolas, monospace; white-space: nowrap;
                  line-height: 1.5; }
.matrix tr.family th { padding-top: 16px; border-bottom: 1px solid #9aa1a9; position: static;
                       font-size: 13.5px; }
.matrix tr:hover td { background: #fafbe9; }
.matrix th:first-child, .matrix td.name { position: sticky; left: 0; background: #fff; }
.matrix th:first-child { z-index: 2; } .matrix tr.family th:first-child { position: static; }
.matrix tr:hover td.name { background: #fafbe9; }
.matrix tr.family span { display: inline-block; position: sticky; left: 5px; }
@media (max-width: 1370px) { .frame { overflow: auto; max-height: 94vh; } }
@media (max-width: 700px) { .matrix td.name { white-space: normal; min-width: 10.5em;
                                              overflow-wrap: anywhere; line-height: 1.25; } }
svg { display: block; }
ul.findings { list-style: none; padding: 0; font-size: 12.5px; }
.findings li { padding: 4px 6px; border-bottom: 1px solid #eceef0; overflow-wrap: anywhere; }
.findings li { scroll-margin-top: 3rem; } .findings li:target { background: #fff2c2; }
.findings b { font-family: ui-monospace, Menlo, Consolas, monospace; }
.findings .where { color: #5b636d; }
"""


def html(matrix: Matrix) -> str:
    """The page."""
    title = f"Conformance of {matrix.library}"
    return "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", "</head>", "<body>",
        f"<h1>{escape(title)}</h1>", f'<p class="version">{escape(matrix.version)}'
        f"{', a sample of the cells' if matrix.quick else ''}</p>",
        _totals(matrix), *_table(matrix), *_findings(matrix), "</body>", "</html>", ""])


def _totals(matrix: Matrix) -> str:
    """The total, as a bar and as numbers, and what the colours mean."""
    counts = {state: matrix.count(state) for state in (PASSED, FAILED, ABSENT)}
    whole, start, bars = max(sum(counts.values()), 1), 0.0, []
    for state, count in counts.items():
        width = 360 * count / whole
        bars.append(f'<rect x="{start:.2f}" width="{width:.2f}" height="16" '
                    f'fill="{COLOURS[state]}"><title>{count} {MEANING[state]}</title></rect>')
        start += width
    legend = "".join(f'<span><i style="background:{colour}"></i>{MEANING[state]}: '
                     f"{matrix.count(state)}</span>" for state, colour in COLOURS.items())
    return (f'<div class="totals"><strong>{matrix.last_line()}</strong>'
            f'<svg width="360" height="16" role="img" aria-label="{matrix.last_line()}">'
            f'{"".join(bars)}</svg><div class="legend">{legend}</div></div>'
            "<p>Each bar is a dtype, in the order "
            f"{', '.join(DTYPES)}; those that an operation does not have, or that were not asked, "
            "are left out. Point at "
            "one to read why it is as it is; a click on a red one goes to the findings.</p>")


def _table(matrix: Matrix):
    states = _by_place(matrix)
    yield '<div class="frame"><table class="matrix">'
    yield f"<thead><tr><th>operation</th>{''.join(f'<th>{name}</th>' for name in COLUMNS)}</tr>"
    yield "</thead><tbody>"
    for family, operations in groupby(matrix.operations, lambda operation: operation.family):
        yield (f'<tr class="family"><th colspan="{len(COLUMNS) + 1}">'
               f"<span>{family}</span></th></tr>")
        for operation in operations:
            cells = (_picture(operation.name, column, states.get((operation.name, column), ()))
                     for column in COLUMNS)
            yield (f'<tr><td class="name">{escape(operation.name)}</td>'
                   f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    yield "</tbody></table></div>"


def _by_place(matrix: Matrix) -> dict:
    """(operation, column) -> [(dtype, cell)]."""
    found: dict = {}
    for (name, dtype, column), cell in matrix.cells.items():
        found.setdefault((name, column), []).append((dtype, cell))
    return found


def _picture(name: str, column: str, cells: list) -> str:
    """A bar for each dtype; none where there is nothing to ask of any."""
    if all(cell.state == EMPTY for _, cell in cells):
        return ""
    width = len(cells) * (WIDTH + GAP) - GAP
    bars = "".join(
        f'<rect x="{number * (WIDTH + GAP)}" width="{WIDTH}" height="{HEIGHT}" rx="1" '
        f'fill="{COLOURS[cell.state]}">{_told(name, column, dtype, cell)}</rect>'
        for number, (dtype, cell) in enumerate(cells))
    picture = f'<svg width="{width}" height="{HEIGHT}">{bars}</svg>'
    if any(cell.state == FAILED for _, cell in cells):
        return f'<a href="#{_anchor(name, column)}">{picture}</a>'
    return picture


def _told(name: str, column: str, dtype: str, cell) -> str:
    """What pointing at a bar says; of bars without a story only where it adds something."""
    if cell.state == EMPTY:
        return ""
    reason = f": {cell.reason}" if cell.reason else ""
    return f"<title>{escape(f'{name}, {column}, {dtype} {MEANING[cell.state]}{reason}')}</title>"


def _anchor(name: str, column: str) -> str:
    return escape("".join(letter if letter.isalnum() else "-" for letter in f"{name}-{column}"))


def _findings(matrix: Matrix):
    yield f"<h2>Findings ({len(matrix.failures)} cells)</h2>"
    yield '<ul class="findings">'
    seen = set()
    for (name, column), cells in _by_place(matrix).items():
        reasons: dict = {}
        for dtype, cell in cells:
            if cell.state == FAILED:
                reasons.setdefault(cell.reason, []).append(dtype)
        for reason, dtypes in reasons.items():
            anchor = _anchor(name, column)
            identity = "" if anchor in seen else f' id="{anchor}"'
            seen.add(anchor)
            yield (f"<li{identity}><b>{escape(name)}</b> <span class=\"where\">{column}, "
                   f"{', '.join(dtypes)}</span><br>{escape(reason)}</li>")
    yield "</ul>"
