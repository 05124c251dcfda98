"""Operations that move elements, without computing: shapes, axes, windows, indices, order."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial

from functrans.testing.conformance.dtypes import DTYPES, INEXACT, NUMBERS, REAL
from functrans.testing.conformance.operation import Table


def add_to(table: Table):
    """Adds the operations of this file."""
    for family in (_axes, _joints, _parts, _indices, _windows, _order):
        family(table, partial(_moving, table))


def _moving(table: Table, name: str, *cases, empty="m", dtypes=DTYPES, **options):
    table.add(name, *cases, dtypes=dtypes, empty=empty, **options)


def _axes(table: Table, moving: Callable):
    """Other shapes, other axes, windows at fixed places."""
    moving("broadcast_to", "n", lambda xp, x: xp.broadcast_to(x, (2, *x.shape)),
           "ms", lambda xp, x: xp.broadcast_to(x[:, None], (x.shape[0], 2, x.shape[1])),
           ".", lambda xp, x: xp.broadcast_to(x, (2, 2)), empty="n")
    moving("broadcasting", "mn n", lambda xp, x, y: xp.where(x == x, y, x),
           "mn .", lambda xp, x, y: xp.where(x == x, y, x), dtypes=NUMBERS)
    moving("reshape", "mn", lambda xp, x: xp.reshape(x, (x.shape[1], 1, x.shape[0])),
           ".", lambda xp, x: xp.reshape(x, (1, 1)))
    moving("ravel", "mn", lambda xp, x: xp.ravel(x))
    moving("transpose", "mnk", lambda xp, x: xp.transpose(x, (2, 0, 1)),
           "mn", lambda xp, x: xp.transpose(x, (1, 0)))
    moving("moveaxis", "mnk", lambda xp, x: xp.moveaxis(x, 0, 2))
    moving("flip", "mn", lambda xp, x: xp.flip(x, 1), "mn", lambda xp, x: xp.flip(x, (0, 1)))
    moving("slice", "kn", lambda xp, x: x[1:3, ::2], "mn", lambda xp, x: x[:, 1:],
           empty="")
    moving("slice, step -1", "kn", lambda xp, x: x[::-2, 1], empty="")
    moving("pad", "mn", lambda xp, x: xp.pad(x, ((1, 0), (0, 2)), constant_values=1), empty="m")
    moving("pad (edge)", "mn", lambda xp, x: xp.pad(x, ((1, 0), (0, 2)), mode="edge"), empty="")


def _joints(table: Table, moving: Callable):
    """Several arrays as one, one as several, repetition."""
    moving("concatenate", "ms mn", lambda xp, x, y: xp.concatenate([x, y], 1),
           "mn n", lambda xp, x, y: xp.concatenate([x, y[None], x], 0))
    moving("stack", "mn mn", lambda xp, x, y: xp.stack([x, y], 1),
           "mn mn", lambda xp, x, y: xp.stack([y, x], 0))
    moving("split", "mk", lambda xp, x: tuple(xp.split(x, 2, 1)))
    moving("tile", "mn", lambda xp, x: xp.tile(x, (2, 1)))
    moving("repeat", "mn", lambda xp, x: xp.repeat(x, 2, 1))
    moving("roll", "mn", lambda xp, x: xp.roll(x, 1, 1))


def _parts(table: Table, moving: Callable):
    """What depends on places, triangles, diagonals."""
    moving("arange", "n", lambda xp, x: x * xp.astype(xp.arange(x.shape[0]), str(x.dtype)),
           dtypes=NUMBERS, empty="n")
    moving("tril", "mn", lambda xp, x: xp.tril(x), "mn", lambda xp, x: xp.triu(x, 1),
           dtypes=NUMBERS)
    moving("diagonal", "nn", lambda xp, x: xp.diagonal(x), empty="n", dtypes=NUMBERS)
    moving("diag", "n", lambda xp, x: xp.diag(x), empty="", dtypes=NUMBERS)


def _indices(table: Table, moving: Callable):
    """Reading and writing at indices that are data."""
    moving("take", "kn p:index:k", lambda xp, x, i: xp.take(x, i, 0),
           "mk p:index:k", lambda xp, x, i: xp.take(x, i, 1), empty="p")
    moving("x[i, j]", "kn p:index:k p:index:n", lambda xp, x, i, j: x[i, j],
           "kn p:index:k", lambda xp, x, i: x[:, 1][i], empty="p")
    moving("take_along_axis", "mk mp:index:k", lambda xp, x, i: xp.take_along_axis(x, i, 1))
    for name, dtypes in (("add", NUMBERS), ("multiply", INEXACT)):
        _written(table, name, "kn pn p:index:k", dtypes, ulp=64)
    table.add("x[i] = y", "kn n .:index:k", lambda xp, x, y, i: xp.set_at(x, i, y),
              dtypes=DTYPES)
    for name in ("minimum", "maximum"):
        _written(table, name, "kn:distinct pn:distinct p:index:k", REAL)
    table.add("take (outside gives a constant)", "k p:index:9",
              lambda xp, x, i: xp.take_or(x, i, 2), dtypes=NUMBERS, empty="p")


def _written(table: Table, name: str, operands: str, dtypes, **options):
    """`name.at`: elements combined with others at indices, which may be equal."""
    table.add(f"{name}.at", operands, lambda xp, x, y, i: getattr(xp, f"{name}_at")(x, i, y),
              dtypes=dtypes, empty="p", **options)


def _windows(table: Table, moving: Callable):
    """At places that are data."""
    table.add("dynamic_slice", "kn .:index:4 .:index:3",
              lambda xp, x, i, j: xp.dynamic_slice(x, (i, j), (2, 2)), dtypes=DTYPES)
    table.add("dynamic_update_slice", "kn ps .:index:4 .:index:3",
              lambda xp, x, y, i, j: xp.dynamic_update_slice(x, y, (i, j)), dtypes=DTYPES)


def _order(table: Table, moving: Callable):
    """Sorting and searching."""
    moving("sort", "mn:distinct", lambda xp, x: xp.sort(x, 1),
           "mn:distinct", lambda xp, x: xp.sort(x, 0), dtypes=(*REAL, "bool"), edges=True)
    moving("argsort", "mn:distinct", lambda xp, x: xp.argsort(x, 1), dtypes=REAL,
           second=False)
    moving("searchsorted", "n:distinct m:distinct",
           lambda xp, x, y: xp.searchsorted(xp.sort(x, 0), y), dtypes=REAL, second=False,
           empty="m")
