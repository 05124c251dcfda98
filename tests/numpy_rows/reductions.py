"""Rows: sums, means, extremes, running results, with and without NaN."""
from __future__ import annotations

import numpy as np

from numpy_rows.base import over_axes, row
from numpy_rows.draw import Call, call


def _initial(d):
    return d.choice([{}, dict(initial=2)])


over_axes("sum", "any", where=True, extra=_initial)
over_axes("prod", "any", kind="nonzero", where=True, extra=_initial, ulp=256)
row("sum", lambda d: call(d.array("real"), dtype=d.choice(["float64", "int64", "complex64"])))
over_axes("max min amax amin", "ordered", kind="distinct", where=True, extra=_initial)
over_axes("ptp", "real", kind="distinct")
over_axes("all any", "any", where=True)
over_axes("mean", "inexacting", where=True)
over_axes("var std", "inexacting", where=True, extra=lambda d: d.choice([{}, dict(ddof=1)]),
          ulp=512)
row("var", lambda d: call(d.array("float"), correction=d.choice([0, 1])))
row("mean", lambda d: call(d.array("real"), dtype=d.choice(["float64", "float32"])))
over_axes("count_nonzero", "any")
over_axes("argmax argmin", "ordered", kind="distinct", axes=False)


def _average(d):
    x = d.array("inexacting", kind="normal", empty=False)
    axis = d.axis(x)
    how = d.choice(["none", "like", "vector"])
    options = {} if how == "none" else dict(weights=d.array("float", x.shape, "positive"))
    if how == "vector" and isinstance(axis, int):
        options = dict(weights=d.array("float", (x.shape[axis],), "positive"))
    return Call((x, axis), dict(options, returned=d.flag(), keepdims=d.flag()))


row("average", _average)
row("average", lambda d: call(d.array("float", (2, 3)), d.choice([None, 0, (0, 1), 5]),
                              d.array("float", d.choice([(2, 3), (3,), (2,), (4,)]), "positive")))

row("cumsum", lambda d: call(x := d.array("any"), d.axis(x)))
row("cumprod", lambda d: call(x := d.array("any"), d.axis(x)), ulp=256)
row("cumsum", lambda d: call(d.array("real"), dtype=d.choice(["float64", "int32"])))
for _name in ("cumulative_sum", "cumulative_prod"):
    row(_name, lambda d: call(x := d.array("number", low=1), axis=d.axis(x),
                              include_initial=d.flag()), ulp=256)


def with_nan(d, dtype="inexacting", kind="normal", **options):
    """An array in which some elements are NaN, where it can hold them."""
    x = d.array(dtype, kind=kind, **options)
    if x.dtype.kind in "fc" and x.size:
        x[d.array("bool", x.shape)] = np.nan
    return x


def nan_rows(names: str, dtype="inexacting", kind="normal", axes=True, extra=None, **options):
    def arguments(d):
        x = with_nan(d, dtype, kind)
        keywords = dict(axis=d.axes(x) if axes else d.axis(x), **(extra(d) if extra else {}))
        if d.flag():
            keywords["keepdims"] = True
        return Call((x,), keywords)
    for name in names.split():
        row(name, arguments, **options)


nan_rows("nansum nanprod nanmean", ulp=256)
nan_rows("nanvar nanstd", extra=lambda d: d.choice([{}, dict(ddof=1)]), ulp=512)
nan_rows("nanmax nanmin", "floating", "distinct")
