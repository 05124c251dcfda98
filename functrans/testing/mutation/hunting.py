"""Draws random Programs until one is wrong, and shrinks it.

In: a seed. Out: `Found`, or nothing. Imports `programs`, `properties`; `views`, `pieces`,
`verdicts` and `smaller`, by which a failing Program is taken apart.
"""
from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from functrans.testing.conformance.probe import NoQuestion
from functrans.testing.conformance.table import all_operations
from functrans.testing.mutation.programs import (DEFAULT, DTYPES, SEEDS, Drawn, Unfit, alphabet,
                                                 chain, stream)
from functrans.testing.mutation.pieces import Piece, names_in, pieces
from functrans.testing.mutation.properties import PROPERTIES, SELDOM
from functrans.testing.mutation.smaller import smallest
from functrans.testing.mutation.verdicts import CHECKS, lacking
from functrans.testing.mutation.views import View, views


MOST_PRIMITIVES, MOST_ELEMENTS = 3, 4         # of what counts as small
DEEPEST = 5                                   # rules in rules that are looked into
TRIED = 4                                     # wrong pieces that are made small, if none is


@dataclass(frozen=True)
class Found:
    """A Program that is wrong: which property it lacks, why, its size, and how many were drawn."""
    program: Drawn | Piece
    lacks: str
    reason: str
    primitives: int
    elements: int
    drawn: int

    @property
    def small(self) -> bool:
        """At most 3 primitives, and 4 elements in the largest input."""
        return self.primitives <= MOST_PRIMITIVES and self.elements <= MOST_ELEMENTS


def failure(program: Drawn | Piece, names: Iterable[str] | None = None) -> tuple | None:
    """(property, reason) of the first of some properties that a Program lacks; None if it has all
    of them."""
    if isinstance(program, Piece):
        return lacking(program.fresh(), names or CHECKS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names or PROPERTIES:
            try:
                PROPERTIES[name](program.probe())
            except NoQuestion:
                continue
            except Exception as error:
                return name, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return None


def hunt(seed: int, examples: int = 2000) -> Found | None:
    """The first wrong Program among at most so many random ones, made small; None if all are right.

    seed: of the choices; equal seeds draw equal Programs.
    """
    for number, program in enumerate(islice(stream(seed), examples)):
        lacks = failure(program, _tried_for(program))
        if lacks:
            return shrunk(program, *lacks, number + 1)
    return None


def _tried_for(program: Drawn) -> list[str]:
    """One Program in three is tried for all properties, the others for those that are fast."""
    every = zlib.crc32(program.operation.name.encode()) % 3 == 0
    return [name for name in PROPERTIES if every or name not in SELDOM]


# ---- shrinking ----

def shrunk(program: Drawn, name: str, reason: str, drawn: int) -> Found:
    """A smaller Program that is wrong too, with what it lacks: the smallest piece that fails by
    itself, or, where none is small, such a piece of a simpler Program, or that Program.

    name, reason: what it lacks. drawn: how many were.
    """
    found = _bare(program, reason)
    if not any(_is_small(piece) for piece, *_ in found):
        simple = _simpler(program, name)
        found += _bare(simple, reason)
        found.append((simple, *failure(simple, [name])))
    best, lacks, why = min(found, key=lambda each: each[0].size)
    return Found(best, lacks, why, best.primitives(), best.elements(), drawn)


def _is_small(program: Drawn | Piece) -> bool:
    return program.primitives() <= MOST_PRIMITIVES and program.elements() <= MOST_ELEMENTS


def _bare(program: Drawn, reason: str) -> list[tuple]:
    """Pieces that are wrong by themselves, made small, each with what it lacks; those of fewest
    equations, up to the first small one."""
    crash = "" if reason.startswith("Wrong") else reason.partition(":")[0]
    for count in range(1, MOST_PRIMITIVES + 1):
        found = []
        for piece, _ in _wrong(views(program.probe()), count, crash):
            found.append(_made_small(_deepest(piece, crash), crash))
            if _is_small(found[-1][0]) or len(found) == TRIED:
                break
        if found:
            return found
    return []


def _wrong(seen: Iterable[View], count: int, crash: str) -> Iterator[tuple]:
    """(piece of so many equations that is wrong, (property, reason))"""
    for view in seen:
        try:
            for piece in pieces(view, count):
                lacks = lacking(piece, CHECKS, crash)
                if lacks:
                    yield piece, lacks
        except Exception:                    # such as a derivative that is not offered
            continue


def _deepest(piece: Piece, crash: str) -> Piece:
    """What in turn is wrong in what the rules of a wrong piece made: another primitive."""
    seen = piece.names
    for _ in range(DEEPEST):
        below = (part for part, _ in _wrong(piece.views(), 1, crash) if not part.names & seen)
        found = next(below, None)
        if found is None:
            break
        piece, seen = found, seen | found.names
    return piece


def _made_small(piece: Piece, crash: str) -> tuple:
    name = lacking(piece, CHECKS, crash)[0]
    small = smallest(piece, lambda other: lacking(other, [name], crash) is not None)
    return small, *lacking(small, [name], crash)


def _simpler(program: Drawn, name: str) -> Drawn:
    """The simplest operation that shares a primitive with a Program and lacks the same property,
    alone and on few elements; or, where none does, the Program with steps and elements left out."""
    small = next((other for other in _alone(program) if failure(other, [name])), None)
    if small is not None:
        return small
    while True:
        smaller = next((other for other in _less(program) if failure(other, [name])), None)
        if smaller is None:
            return program
        program = smaller


def _alone(program: Drawn) -> Iterator[Drawn]:
    """Operations by themselves, from simple to complicated, each on one element and on more."""
    used = set(_primitives_of(program))
    for name in sorted(set().union(*map(alphabet, DTYPES)), key=_rank):
        for dtype in dict.fromkeys((program.dtype, *DTYPES)):
            if name in alphabet(dtype) and used & _primitives_named(name, dtype):
                yield from _sizes_of(name, dtype)


def _rank(name: str) -> int:
    places = [alphabet(dtype).index(name) for dtype in DTYPES if name in alphabet(dtype)]
    return min(places)


def _sizes_of(name: str, dtype: str) -> Iterator[Drawn]:
    """All cases of an operation, with sizes that grow; several values where they choose a way."""
    operation = all_operations()[name]
    for size in (1, 2, 4):
        sizes = {letter: min(size, most) for letter, most in DEFAULT.items()}
        for number, case in enumerate(operation.cases):
            choosing = any(operand.dtype for operand in case.operands)
            for seed in range(4 if choosing and size < 4 else 1):
                try:
                    made = chain([name], dtype, sizes, "plain", _choices(number, seed))
                except Unfit:
                    continue
                if made.elements():
                    yield made


def _choices(case: int, seed: int):
    """The choices for one operation alone: its case, all operands fresh, the seed of values."""
    return lambda n: seed if n == SEEDS else min(n, case)


_known: dict = {}


def _primitives_named(name: str, dtype: str) -> set:
    """The primitives of an operation, those within its inner Programs included."""
    if (name, dtype) not in _known:
        _known[name, dtype] = set().union(
            *(_primitives_of(made) for made in islice(_sizes_of(name, dtype), 9)))
    return _known[name, dtype]


def _primitives_of(drawn: Drawn) -> set:
    return set(names_in(drawn.program()))


def _less(program: Drawn) -> Iterator[Drawn]:
    """The Program without one of its steps, plainly called, with shorter axes."""
    names = [step.name for step in program.steps]
    sizes = {letter: size for letter, size in program.sizes if letter in DEFAULT}
    tried = [(names[:k] + names[k + 1:], sizes, program.wrap) for k in range(len(names))
             if len(names) > 1]
    tried += [(names, sizes, "plain")] if program.wrap != "plain" else []
    tried += [(names, {**sizes, letter: size - 1}, program.wrap)
              for letter, size in sizes.items() if size > 1]
    for steps, shorter, wrap in tried:
        for linked in (0, 1):
            try:
                yield chain(steps, program.dtype, shorter, wrap,
                            lambda n, linked=linked: min(n, linked))
            except Unfit:
                continue
