"""Where the arguments of the rows come from: shapes, dtypes, axes and elements, drawn.

`Draw` asks a source for choices, and makes elements from a seed. The source is hypothesis (many
shapes, shrinkable), or a seed of its own (one typical case, the same in every run). Two draws with
the same choices and other elements are the lanes of a batch.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from cases import Operand
from cases import draw as elements

FLOATS = ("float32", "float64", "float16")
COMPLEX = ("complex64", "complex128")
SIGNED = ("int64", "int32", "int8", "int16")
UNSIGNED = ("uint8", "uint32", "uint16", "uint64")
WIDE = ("int64", "int32", "uint32", "uint64")
KINDS = {
    "float": FLOATS, "complex": COMPLEX, "inexact": FLOATS + COMPLEX,
    "integer": SIGNED + UNSIGNED, "bits": SIGNED + UNSIGNED + ("bool",),
    "real": FLOATS + SIGNED + UNSIGNED, "number": FLOATS + COMPLEX + SIGNED + UNSIGNED,
    "ordered": FLOATS + SIGNED + UNSIGNED + ("bool",),
    "any": FLOATS + COMPLEX + SIGNED + UNSIGNED + ("bool",),
    # What NumPy computes in float64 where it gets integers, as functrans does.
    "floating": FLOATS + WIDE, "inexacting": FLOATS + COMPLEX + WIDE,
    "wide": ("float32", "float64"), "bool": ("bool",), "int64": ("int64",),
    "complex128": ("complex128",), "float64": ("float64",), "float32": ("float32",),
}
TYPICAL = {0: ((),), 1: ((3,),), 2: ((2, 3),), 3: ((2, 3, 2),), 4: ((2, 1, 3, 2),)}
ALL_SHAPES = {
    0: ((),), 1: ((3,), (1,), (0,), (5,)), 2: ((2, 3), (3, 1), (1, 1), (0, 2), (3, 3), (2, 0)),
    3: ((2, 3, 2), (1, 2, 3), (2, 1, 1), (2, 0, 3)), 4: ((2, 1, 3, 2), (1, 1, 2, 2)),
}


@dataclass(frozen=True)
class Call:
    """The arguments of one call. NumPy arrays in them are data, all else is static."""
    args: tuple
    kwargs: dict


def call(*args, **kwargs) -> Call:
    return Call(args, kwargs)


class Draw:
    """Makes arguments. choose(n): a number below n; seed: of the elements; typical: one shape of
    each rank, no edges; dtypes: those to choose from, where a row allows some of them."""

    def __init__(self, choose: Callable[[int], int], seed: int, typical: bool = False,
                 dtypes: Sequence[str] = ()):
        self._choose = choose
        self._rng = np.random.default_rng(seed)
        self.typical = typical
        self._dtypes = dtypes

    # ---- choices ----

    def choice(self, options: Sequence):
        """One of several; the first is the simplest."""
        return options[self._choose(len(options))] if len(options) > 1 else options[0]

    def flag(self) -> bool:
        return self.choice((False, True))

    def integer(self, low: int, high: int) -> int:
        """An int from `low` up to and including `high`."""
        return low + self._choose(high - low + 1)

    def dtype(self, kind: str = "float") -> np.dtype:
        names = KINDS[kind]
        wanted = [name for name in names if name in self._dtypes]
        return np.dtype(self.choice(wanted or names[:1] if self._dtypes else names))

    def shape(self, low: int = 0, high: int = 3, *, empty: bool = True, square: bool = False):
        """A shape of `low` to `high` axes; empty: whether it may have no elements."""
        rank = self.choice([2, 1, 3, 0][:4] if (low, high) == (0, 3) else
                           list(range(low, high + 1)))
        pool = (TYPICAL if self.typical else ALL_SHAPES)[rank]
        shape = self.choice([s for s in pool if empty or 0 not in s])
        return (*shape[:-2], shape[-1], shape[-1]) if square else shape

    def axis(self, x, none: bool = True):
        """None, or an axis, counted from the end or not."""
        rank = np.ndim(x)
        options = ([None] if none or not rank else []) + list(range(-rank, rank))
        return self.choice(options)

    def axes(self, x):
        """As `axis`, or a tuple of axes."""
        rank = np.ndim(x)
        options = [None, *range(-rank, rank)]
        if rank >= 2:
            options += [(0, 1), (-1, 0), (rank - 1,)]
        return self.choice(options if self.typical else options + [()])

    # ---- arrays ----

    def array(self, dtype: str = "float", shape=None, kind: str = "normal", *, edges: bool = False,
              low: int = 0, high: int = 3, empty: bool = True) -> np.ndarray:
        """An array of a drawn shape and dtype. kind: as in `cases.draw`; edges: with infinities,
        NaN, zeros of both signs."""
        shape = self.shape(low, high, empty=empty) if shape is None else shape
        dtype = self.dtype(dtype) if isinstance(dtype, str) else dtype
        x = np.array(elements(self._rng, Operand(shape, kind), dtype))
        if edges and not self.typical and x.size and self.flag():
            _put_edges(self._rng, x)
        return x

    def arrays(self, count: int, dtype: str = "float", kind: str = "normal", **options) -> list:
        """Arrays of one dtype, whose shapes go together."""
        dtype = self.dtype(dtype)
        return [self.array(dtype, shape, kind, **options) for shape in self.shapes(count)]

    def shapes(self, count: int) -> list[tuple]:
        """Shapes that can be broadcast together."""
        full = self.shape()
        if self.typical:
            return [full] * count
        return [self._thinned(full) for _ in range(count)]

    def _thinned(self, shape: tuple) -> tuple:
        how = self.integer(0, 3)
        if how == 0 or not shape:
            return shape
        if how == 1:
            return shape[self.integer(0, len(shape)):]
        place = self.integer(0, len(shape) - 1)
        return tuple(1 if k == place else size for k, size in enumerate(shape))

    def operand(self, dtype: str, shape, kind: str = "normal", edges: bool = False):
        """An array, or a Python scalar of a kind that the array's dtype takes."""
        if self.typical or self.integer(0, 4):
            return self.array(dtype, shape, kind, edges=edges)
        return self.choice([2, 1] + ([1.5] if dtype in ("float", "inexact") else []))

    def integers(self, low: int, high: int, shape=(), dtype: str = "int64") -> np.ndarray:
        """Integers from `low` up to but not including `high`, as data."""
        return self._rng.integers(low, max(high, low + 1), shape).astype(dtype)

    def permutation(self, count: int) -> np.ndarray:
        return self._rng.permutation(count)


def _put_edges(rng, x: np.ndarray):
    """Writes a few special values into x."""
    if x.dtype.kind in "fc":
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0]
    elif x.dtype.kind in "iu":
        info = np.iinfo(x.dtype)
        special = [0, 1, info.max, info.min]
    else:
        return
    for place in rng.integers(0, x.size, 3):
        x.flat[place] = special[rng.integers(len(special))]


def typical(structure: int, values: int = 0, dtypes: Sequence[str] = ("float64", "complex128")):
    """A Draw without hypothesis: `structure` decides shapes and options, `values` the elements."""
    rng = np.random.default_rng(structure)
    return Draw(lambda n: int(rng.integers(n)), 1000 * structure + values, True, dtypes)
