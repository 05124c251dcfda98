"""Draws random Programs until one is wrong, and shrinks it.

In: a seed. Out: `Found`, or nothing. Imports `programs`, `properties`.
"""
from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from functrans.testing.conformance.libraries import library
from functrans.testing.conformance.probe import NoQuestion, Probe
from functrans.testing.conformance.table import all_operations
from functrans.testing.mutation.programs import (DEFAULT, DTYPES, SEEDS, Drawn, Unfit, alphabet,
                                                 chain, stream)
from functrans.testing.mutation.properties import PROPERTIES, SELDOM


@dataclass(frozen=True)
class Found:
    """A Program that is wrong: which property it lacks, why, its size, and how many were drawn."""
    program: Drawn
    lacks: str
    reason: str
    primitives: int
    elements: int
    drawn: int

    @property
    def small(self) -> bool:
        """At most 3 primitives, and 4 elements in the largest input."""
        return self.primitives <= 3 and self.elements <= 4


def failure(program: Drawn, names: Iterable[str] = tuple(PROPERTIES)) -> tuple[str, str] | None:
    """(property, reason) of the first of some properties that a Program lacks; None if it has all
    of them."""
    adapter = library("functrans")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            try:
                PROPERTIES[name](Probe(adapter, program.operation, program.case, program.dtype,
                            dict(program.sizes)))
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
        lacking = failure(program, _tried_for(program))
        if lacking:
            small = shrunk(program, lacking[0])
            return Found(small, *failure(small), small.primitives(), small.elements(), number + 1)
    return None


def _tried_for(program: Drawn) -> list[str]:
    """One Program in three is tried for all properties, the others for those that are fast."""
    every = zlib.crc32(program.operation.name.encode()) % 3 == 0
    return [name for name in PROPERTIES if every or name not in SELDOM]


# ---- shrinking ----

def shrunk(program: Drawn, name: str) -> Drawn:
    """A smaller Program that lacks the same property: the simplest operation that shares a
    primitive with it, alone and on few elements, or, where none does, the Program with steps and
    elements left out."""
    for small in _alone(program):
        if failure(small, [name]):
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
    return set(_names_in(drawn.program()))


def _names_in(program) -> Iterator[str]:
    from functrans.ir.program import inner_programs
    for equation in program.equations:
        yield equation.primitive.name
        for inner in inner_programs(equation):
            yield from _names_in(inner)


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
