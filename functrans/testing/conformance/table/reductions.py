"""Operations that combine elements along axes, or one after the other."""
from __future__ import annotations

from functrans.testing.conformance.dtypes import DTYPES, FLOATS, INEXACT, NUMBERS, REAL
from functrans.testing.conformance.operation import Table

def add_to(table: Table):
    """Adds the operations of this file."""
    ordered = (*REAL, "bool")
    bits = ("int32", "bool")
    exact = (*INEXACT, "int32", "int64")
    table.add("sum", "mn", lambda xp, x: xp.sum(x, 1), "mnk", lambda xp, x: xp.sum(x, (0, 2)),
              "mn", lambda xp, x: xp.sum(x), dtypes=NUMBERS, empty="n", edges=True)
    table.add("mean", "mn", lambda xp, x: xp.mean(x, 1), "mn", lambda xp, x: xp.mean(x, 0),
              empty="", edges=True)
    table.add("prod", "mn", lambda xp, x: xp.prod(x, 1), "mn", lambda xp, x: xp.prod(x, 0),
              dtypes=exact, empty="n", edges=True, kinks=(([1.0, 0.0, 2.0],), ([0.0, 0.0, 2.0],)))
    for name in ("max", "min"):
        table.add(name, "mnp:distinct", lambda xp, x, name=name: getattr(xp, name)(x, 1),
                  dtypes=ordered, empty="m", edges=True)
        table.add(f"{name} of all", "mn:distinct",
                  lambda xp, x, name=name: getattr(xp, name)(x), dtypes=ordered, edges=True,
                  kinks=(([1.0, 1.0, -2.0],), ([2.0, 2.0, 2.0],)))
    table.add("all", "mn", lambda xp, x: xp.all(x, 1), dtypes=("bool",), empty="n")
    table.add("any", "mn", lambda xp, x: xp.any(x, 1), dtypes=("bool",), empty="n")
    table.add("bitwise_and.reduce", "mn", lambda xp, x: xp.bitwise_and.reduce(x, 1), dtypes=bits)
    table.add("bitwise_or.reduce", "mn", lambda xp, x: xp.bitwise_or.reduce(x, 1), dtypes=bits)
    for name in ("argmax", "argmin"):
        table.add(name, "mn:distinct", lambda xp, x, name=name: getattr(xp, name)(x, 1),
                  dtypes=REAL, second=False, edges=True, empty="m")
    table.add("var", "mn", lambda xp, x: xp.var(x, 1), dtypes=FLOATS, ulp=64, empty="m")
    table.add("std", "mn", lambda xp, x: xp.std(x, 1), dtypes=FLOATS, ulp=64, empty="m",
              kinks=(([1.0, 1.0, 1.0],),))
    table.add("norm", "n", lambda xp, x: xp.norm(x), dtypes=("float32", "float64"), ulp=64,
              kinks=(([0.0, 0.0],),))
    table.add("cumsum", "mn", lambda xp, x: xp.cumsum(x, 1), "mn", lambda xp, x: xp.cumsum(x, 0),
              dtypes=NUMBERS, empty="m", edges=True)
    table.add("cumprod", "mn", lambda xp, x: xp.cumprod(x, 1), dtypes=exact, empty="m",
              kinks=(([1.0, 0.0, 2.0],),))
    for name in ("maximum", "minimum"):
        table.add(f"{name}.accumulate", "mn:distinct",
                  lambda xp, x, name=name: getattr(xp, name).accumulate(x, 1), dtypes=REAL,
                  empty="m", edges=True)
    table.add("count_nonzero", "mn:few", lambda xp, x: xp.count_nonzero(x, 1), dtypes=DTYPES,
              second=False, empty="n")
    table.add("median", "mn:distinct", lambda xp, x: xp.median(x, 1), dtypes=FLOATS)
