"""`python -m functrans.testing mutation`: plants faults, hunts them, and counts.

Imports `faults`, `hunting`.
"""
from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from functrans.testing.mutation.faults import FAULTS
from functrans.testing.mutation.hunting import failure, hunt

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
    parser.add_argument("--jobs", type=int, default=1, metavar="N",
                        help="processes that share the work (default: 1)")
    parser.add_argument("--output", type=Path, metavar="FILE",
                        help="where to write the result as a page of Markdown")


@dataclass(frozen=True)
class Outcome:
    """What became of a fault, in plain types: the Program, shrunk, and its size; or nothing."""
    fault: str
    program: str = ""
    lacks: str = ""
    reason: str = ""
    primitives: int = 0
    elements: int = 0
    drawn: int = 0
    small: bool = False
    alone: bool = False            # whether it is the primitive with the fault, by itself

    @property
    def found(self) -> bool:
        return bool(self.program)


def main(options) -> int:
    """Prints a line for each fault and run; the last ones count. 0 if enough are found, else 1."""
    chosen = [fault.name for fault in FAULTS
              if not options.only or any(text in fault.name for text in options.only)]
    start = time.perf_counter()
    outcomes = _each(options.jobs, partial(_tried, examples=options.examples), chosen)
    alarms = sum(_each(options.jobs, partial(_alarm, programs=options.programs),
                       range(options.runs)))
    lines = summary(outcomes, alarms, options)
    print("\n".join(lines), flush=True)
    if options.output is not None:
        options.output.write_text(page(outcomes, lines), encoding="utf-8")
    print(f"{time.perf_counter() - start:.0f} s")
    killed = sum(outcome.found for outcome in outcomes)
    return 0 if killed >= 0.99 * len(outcomes) and not alarms else 1


def _each(jobs: int, function, items) -> list:
    """`function` of each item, in so many processes."""
    if jobs < 2:
        return [function(item) for item in items]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        return list(pool.map(function, items))


def _tried(name: str, examples: int) -> Outcome:
    """Plants a fault and hunts it. A Program that is wrong without it, too, does not count."""
    fault = next(fault for fault in FAULTS if fault.name == name)
    with fault.planted():
        found = hunt(SEED, examples)
    if found is not None and failure(found.program):
        print(f"{name}: {found.program!r} IS WRONG WITHOUT A FAULT: {found.reason}", flush=True)
        return Outcome(name)
    if found is None:
        print(f"{name}: NOT FOUND", flush=True)
        return Outcome(name)
    print(f"{name}: {found.program!r}: {found.lacks}: {found.reason}", flush=True)
    alone = found.primitives == 1 and found.program.top == [fault.primitive]
    return Outcome(name, repr(found.program), found.lacks, found.reason, found.primitives,
                   found.elements, found.drawn, found.small, alone)


def _alarm(seed: int, programs: int) -> bool:
    found = hunt(seed, programs)
    print(f"seed {seed}: " + (f"{programs} Programs, all right" if found is None else
                              f"FALSE ALARM {found}"), flush=True)
    return found is not None


def summary(outcomes: list[Outcome], alarms: int, options) -> list[str]:
    """What was found, how small, and false alarms."""
    found = sum(outcome.found for outcome in outcomes)
    return [f"found {found} of {len(outcomes)} faults",
            "shrunk to at most 3 primitives and 4 elements: "
            f"{sum(outcome.small for outcome in outcomes)} of {found}",
            "of these to the primitive with the fault, by itself: "
            f"{sum(outcome.small and outcome.alone for outcome in outcomes)}",
            f"false alarms without a fault: {alarms} in {options.runs} runs of "
            f"{options.programs} Programs"]


# ---- the page ----

HEAD = """# Planted faults

How good are the tests? One rule of one primitive is replaced by a wrong one, a hundred times, over
all families: a sign, a factor of 2 or of 1.01, a missing term, operands or residuals taken for each
other, a wrong direction or order, lanes or mapped axes mixed up. Each time random Programs (chains
of up to four of the [conformance kit's](conformance.md) operations, within calls, choices and
loops) are tried for their properties: values are NumPy's, forward mode is the limit of differences,
reverse mode is its adjoint, second derivatives in all orders of modes, mapping equals a loop,
kernels equal op-by-op code.

A Program that lacks one is shrunk. Its trace, those of its derivatives (forward, reverse, forward
over reverse) and those mapped over lanes are taken apart into equations, each with the values that
it has there; a piece of one equation, or else of two or three, that lacks a property by itself is
what is looked for, so a rule that is asked in a derivative alone is found where it is asked. Where
a rule of that piece is made of other primitives, these are looked through in turn. Then axes are
cut, parameters with them, and values rounded, as long as it fails. A piece ("bare") is judged by
its own values op by op: derivatives by differences along the direction in which its operands move
in the Program, so that a symmetric matrix stays one, and transposes by the dot-product test. There
is no verdict where numbers are not finite or very large, or at a kink. Where no piece is small, the
simplest operation that shares a primitive with the Program, alone, is tried likewise.

    python -m functrans.testing mutation --output docs/mutation.md

runs it all and writes this page (minutes on one core; `--jobs 2` shares the work among processes);
`--only sin` tries a part. The faults stand in `functrans/testing/mutation/faults.py`. Elements are
those of the largest input; primitives are the equations of the Program.

"""


def page(outcomes: list[Outcome], lines: list[str]) -> str:
    """The result as Markdown."""
    rows = ["| fault | shrunk to | property | primitives | elements | Programs drawn |",
            "|---|---|---|---|---|---|"]
    for outcome in outcomes:
        rows.append(f"| `{outcome.fault}` | `{outcome.program}` | {outcome.lacks} | "
                    f"{outcome.primitives} | {outcome.elements} | {outcome.drawn} |"
                    if outcome.found else f"| `{outcome.fault}` | not found | | | | |")
    return HEAD + "\n".join([*(f"- {line}" for line in lines), "", *rows, ""])
