"""`python -m functrans.testing mutation`: plants faults, hunts them, and counts.

Imports `faults`, `hunting`.
"""
from __future__ import annotations

import time
from pathlib import Path

from functrans.testing.mutation.faults import FAULTS, Fault
from functrans.testing.mutation.hunting import Found, failure, hunt

SEED = 1                       # of the Programs on which faults are tried


def add_arguments(parser):
    """The options of the command."""
    parser.add_argument("--only", action="append", metavar="TEXT",
                        help="faults with this text in their name; may be given several times")
    parser.add_argument("--examples", type=int, default=2000, metavar="N",
                        help="random Programs for each fault, at most (default: 2000)")
    parser.add_argument("--runs", type=int, default=20, metavar="N",
                        help="runs with all rules in order, each with its own seed (default: 20)")
    parser.add_argument("--programs", type=int, default=150, metavar="N",
                        help="random Programs in each of those runs (default: 150)")
    parser.add_argument("--output", type=Path, metavar="FILE",
                        help="where to write the result as a page of Markdown")


def main(options) -> int:
    """Prints a line for each fault and run; the last ones count. 0 if enough are found, else 1."""
    chosen = [fault for fault in FAULTS
              if not options.only or any(text in fault.name for text in options.only)]
    start = time.perf_counter()
    results = {fault: _tried(fault, options.examples) for fault in chosen}
    alarms = [seed for seed in range(options.runs) if _alarm(seed, options.programs)]
    lines = summary(results, alarms, options)
    print("\n".join(lines), flush=True)
    if options.output is not None:
        options.output.write_text(page(results, lines), encoding="utf-8")
    print(f"{time.perf_counter() - start:.0f} s")
    killed = sum(found is not None for found in results.values())
    return 0 if killed >= 0.99 * len(results) and not alarms else 1


def _tried(fault: Fault, examples: int) -> Found | None:
    with fault.planted():
        found = hunt(SEED, examples)
    if found is not None and failure(found.program):
        print(f"{found.program!r} is WRONG WITHOUT A FAULT: {found.reason}", flush=True)
        return None
    print(f"{fault.name}: " + ("NOT FOUND" if found is None else
                               f"{found.program!r}: {found.property}: {found.reason}"), flush=True)
    return found


def _alarm(seed: int, programs: int) -> bool:
    found = hunt(seed, programs)
    print(f"seed {seed}: " + (f"{programs} Programs, all right" if found is None else
                              f"FALSE ALARM {found}"), flush=True)
    return found is not None


def summary(results: dict, alarms: list, options) -> list[str]:
    """What was found, how small, and false alarms."""
    found = [each for each in results.values() if each is not None]
    return [f"found {len(found)} of {len(results)} faults",
            f"shrunk to at most 3 primitives and 4 elements: {sum(e.small for e in found)} of "
            f"{len(found)}",
            f"false alarms without a fault: {len(alarms)} in {options.runs} runs of "
            f"{options.programs} Programs"]


# ---- the page ----

HEAD = """# Planted faults

How good are the tests? One rule of one primitive is replaced by a wrong one, a hundred times, over
all families: a sign, a factor of 2 or of 1.01, a missing term, operands or residuals taken for each
other, a wrong direction or order, lanes or mapped axes mixed up. Each time random Programs (chains
of up to four of the [conformance kit's](conformance.md) operations, within calls, choices and
loops) are tried for their properties: values are NumPy's, forward mode is the limit of differences,
reverse mode is its adjoint, second derivatives in all orders of modes, mapping equals a loop,
kernels equal op-by-op code. A Program that lacks one is shrunk: to the simplest operation that
shares a primitive with it and fails alone, on as few elements as will do.

    python -m functrans.testing mutation --output docs/mutation.md

runs it all and writes this page (minutes on one core); `--only sin` tries a part. The faults stand
in `functrans/testing/mutation/faults.py`. Elements are those of the largest input; primitives are
the equations of the Program.

"""


def page(results: dict, lines: list[str]) -> str:
    """The result as Markdown."""
    rows = ["| fault | shrunk to | property | primitives | elements | Programs drawn |",
            "|---|---|---|---|---|---|"]
    for fault, found in results.items():
        rows.append(f"| `{fault.name}` | not found | | | | |" if found is None else
                    f"| `{fault.name}` | `{found.program!r}` | {found.property} | "
                    f"{found.primitives} | {found.elements} | {found.drawn} |")
    return HEAD + "\n".join([*(f"- {line}" for line in lines), "", *rows, ""])
