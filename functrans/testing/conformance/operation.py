"""What the kit asks of a library: operations, their operands, and values to try them on.

An operation is one function `function(xp, *arrays)` that is written with the names of `xp`: of
NumPy's for the values to expect, of a library's namespace for what the library gives. Its operands
are written as words, such as "mn:positive k": a letter for each axis, then the kind of values.
The same letter has the same size everywhere, so any size can be tried, zero too.

Values are multiples of 1/64 of small size, which every dtype holds exactly: so one derivative, in
float64, is right for all. They keep away from kinks and poles; those are listed by themselves.

Imports `dtypes`.
"""
from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from functrans.testing.conformance.dtypes import INEXACT, dtype_named

SIZES = dict(k=4, m=2, n=3, p=2, s=3)
GRID = 64


@dataclass(frozen=True)
class Operand:
    """One letter for each axis; the kind of values; the dtype, if it is not that of the cell."""
    dims: str
    kind: str = "normal"
    dtype: str | None = None

    @classmethod
    def parse(cls, word: str) -> Operand:
        dims, _, kind = word.partition(":")
        dtype = "int64" if kind.startswith(("index", "exactly")) else \
            "bool" if kind == "truth" else None
        return cls(dims.strip("."), kind or "normal", dtype)

    def shape(self, sizes: dict) -> tuple:
        return tuple(sizes[letter] for letter in self.dims)


@dataclass(frozen=True)
class Operation:
    """One row of the matrix.

    name: as NumPy, SciPy or, where they have none, JAX spells it.
    function: `function(xp, *arrays)`, an array or a tuple of arrays.
    operands: words, or for several cases a list of them with a function each.
    elementwise: whether it takes operands of any shape, so that 0-d ones are tried.
    empty: letters of axes that may have no elements.
    fixed: operands in which no derivative is asked for. derivative: whether any is.
    forward: whether forward mode is asked for. second: whether second derivatives are.
    kinks: points, each a tuple of operands, where the slopes of the sides differ.
    edges: whether NaN and infinities are tried. limits: points and the derivatives there.
    native: whether the result depends on the dtype itself, so that NumPy computes it in that.
    ulp: how far results may be from exact ones, in units in the last place of the largest.
    """
    name: str
    cases: tuple
    dtypes: tuple
    elementwise: bool = False
    empty: str = ""
    fixed: tuple = ()
    derivative: bool = True
    forward: bool = True
    second: bool = True
    kinks: tuple = ()
    edges: bool = False
    limits: tuple = ()
    native: bool = False
    ulp: float = 16

    @property
    def family(self) -> str:
        return self.cases[0].function.__module__.rpartition(".")[2]


@dataclass(frozen=True)
class Case:
    """An operation's function with its operands."""
    function: Callable
    operands: tuple

    def arrays(self, dtype: str, seed: str, sizes: dict | None = None) -> list[np.ndarray]:
        """Values of the operands, the same for equal seeds, whatever the dtype."""
        rng = np.random.default_rng(zlib.crc32(seed.encode()))
        sizes = {**SIZES, **(sizes or {})}
        return [draw(rng, operand, number, dtype_named(operand.dtype or dtype), sizes)
                for number, operand in enumerate(self.operands)]

    def without_axes(self) -> Case:
        return Case(self.function, tuple(Operand("", operand.kind, operand.dtype)
                                         for operand in self.operands))


@dataclass
class Table:
    """Operations in order, by name."""
    operations: dict = field(default_factory=dict)

    def add(self, name: str, *cases, dtypes=INEXACT, **options) -> Operation:
        """cases: words and function, one pair after the other."""
        pairs = zip(cases[::2], cases[1::2], strict=True)
        made = tuple(Case(function, tuple(map(Operand.parse, words.split())))
                     for words, function in pairs)
        if name in self.operations:
            raise ValueError(f"there are two operations {name!r}")
        self.operations[name] = Operation(name, made, dtypes, **options)
        return self.operations[name]


# ---- values ----

def draw(rng, operand: Operand, number: int, dtype: np.dtype, sizes: dict) -> np.ndarray:
    """Values for the operand with this number."""
    shape, (kind, _, argument) = operand.shape(sizes), operand.kind.partition(":")
    if kind == "exactly":
        return np.full(shape, int(argument), dtype)
    if kind == "index":
        bound = sizes[argument] if argument.isalpha() else int(argument)
        return rng.integers(0, max(bound, 1), shape).astype(dtype)
    if kind == "truth" or dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool).astype(dtype)
    if kind == "order":
        return rng.integers(0, 4, shape).astype(dtype)
    values = _values(rng, shape, kind, number)
    if dtype.kind in "iu":
        return _integers(rng, shape, kind).astype(dtype) if dtype.kind == "i" \
            else np.abs(_integers(rng, shape, kind)).astype(dtype)
    if dtype.kind == "c" and kind != "real":
        values = values + 1j * _values(rng, shape, "normal", number) / 2
    if kind in ("dominant", "definite", "triangle"):
        values = _matrix(values, kind)
    return values.astype(dtype)


def _values(rng, shape, kind: str, number: int) -> np.ndarray:
    if kind in ("distinct", "few"):
        return _distinct(rng, shape, kind, number)
    low, high, signed = _RANGES.get(kind, _RANGES["normal"])
    values = rng.integers(math.ceil(low * GRID), math.floor(high * GRID) + 1, shape) / GRID
    return values * rng.choice([-1, 1], shape) if signed else values


_RANGES = {
    "normal": (0.15, 2, True), "real": (0.15, 2, True), "unit": (0.1, 0.8, True),
    "positive": (0.4, 2, False), "within": (0.1, 0.9, False), "above_one": (1.3, 3, False),
    "dividend": (3.125, 3.375, True), "divisor": (1.25, 1.4375, True)}


def _distinct(rng, shape, kind: str, number: int) -> np.ndarray:
    """No two alike, those of other operands included; "few": some alike."""
    size = math.prod(shape)
    if kind == "few":
        return rng.integers(-1, 2, shape).astype(float)
    order = rng.permutation(size).reshape(shape) - size // 2
    return order * (3 / 16) + (2 * number + 1) / GRID


def _integers(rng, shape, kind: str) -> np.ndarray:
    if kind == "distinct":
        return rng.permutation(math.prod(shape)).reshape(shape)
    if kind == "few":
        return rng.integers(-1, 2, shape)
    values = rng.integers(1, 4, shape)
    return values if kind in ("positive", "above_one") \
        else values * rng.choice([-1, 1], shape)


def _matrix(values: np.ndarray, kind: str) -> np.ndarray:
    """Matrices far from singular ones: with a large diagonal, positive definite, triangular."""
    size = values.shape[-1]
    if kind == "definite":
        return values @ np.swapaxes(values.conj(), -1, -2) + np.eye(size)
    values = values + 3 * max(size, 1) * np.eye(size)
    return np.tril(values) if kind == "triangle" else values
