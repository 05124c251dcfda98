"""Tables of text, and numbers with their units, as the tools print them. Imports nothing."""
from __future__ import annotations

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (),
          widest: int = 60) -> str:
    """Columns under their heads; those whose numbers are in `right` end at one place."""
    rows = [[_cut(cell, widest) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(
        cell.rjust(width) if number in right else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def _cut(text: str, widest: int) -> str:
    return text if len(text) <= widest else text[:widest - 3] + "..."


def amount(value: float | None, unit: str = "") -> str:
    """A number with a prefix, such as `1.2 MB`; a dash for what nobody knows."""
    if value is None:
        return "-"
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}".strip() if value else "0"


def duration(seconds: float) -> str:
    """Seconds, as ms or us."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{1e3 * seconds:.2f} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.1f} us"


def places(lines: Sequence[str], most: int = 2) -> str:
    """Lines of the user's, the first few of them."""
    rest = f" +{len(lines) - most}" if len(lines) > most else ""
    return ", ".join(lines[:most]) + rest
