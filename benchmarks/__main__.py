"""The command `python -m benchmarks`: see the package's docstring."""
from __future__ import annotations

import argparse
import sys

from benchmarks import machine


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(
        "functrans, JAX and PyTorch side by side: seconds of each row, and the ratio of the "
        "best peer's to ours (above 1, ours is faster)"))
    parser.add_argument("rows", nargs="*", help="words; rows whose name or family has one")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--cores", type=int, help="how many cores to use, all by default")
    parser.add_argument("--list", action="store_true", help="prints the rows and ends")
    parser.add_argument("--write", action="store_true",
                        help="puts the table into docs/performance.md")
    return parser.parse_args()


def main():
    options = arguments()
    machine.clean_environment()
    machine.use_cores(options.cores)
    import benchmarks.families  # noqa: F401  (registers the rows)
    from benchmarks import table
    from benchmarks.harness import Harness, Settings
    from benchmarks.row import ROWS
    rows = [row for row in ROWS.values() if _wanted(row, options.rows)]
    if options.list:
        print("\n".join(f"{row.family}: {row.name}" for row in rows))
        return
    settings = Settings(3, 0.03, 1) if options.quick else Settings()
    lines = []
    with Harness(settings) as harness:
        limits = harness.worker("functrans").ask("limits")
        for row in rows:
            line = harness.measure(row)
            lines.append(line)
            _progress(table.cells(line, limits), line)
    head = [f"- {text}" for text in machine.description()] + [(
        f"- peak {limits[0] / 1e9:.0f} GFLOP/s (NumPy's product of 2048 x 2048), copying "
        f"{limits[1] / 1e9:.1f} GB/s; {settings.rounds} rounds of {settings.seconds} s, "
        f"{settings.processes} fresh processes")]
    content = table.text(lines, limits, head)
    print("\n" + content)
    if options.write:
        table.write(content)


def _wanted(row, words: list) -> bool:
    return not words or any(word in row.name or word == row.family for word in words)


def _progress(cells: list, line):
    print("  ".join(cell.rjust(12) for cell in cells[1:]) + "   " + cells[0], flush=True)
    for name, problem in line.problems.items():
        print(f"    {name}: {problem.strip()}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
