"""Rows: making arrays of one value, of ranges and grids."""
from __future__ import annotations

import numpy as np

from numpy_rows.base import row
from numpy_rows.draw import call


def _dtype(d):
    return d.choice([None, "float32", "int32", "complex64", "bool", "uint8"])


row("array", lambda d: call(d.array("any"), **d.choice([{}, dict(dtype="float32"),
                                                       dict(ndmin=3)])))
row("array", lambda d: call(d.choice([[1, 2], [[1.5], [2]], 3, [], [[]], [True, 2], 2 + 1j,
                                      [np.int32(1), np.float32(2)], [[1], [1, 2]], (1, (2,)),
                                      [2**63], range(3), ((1.0, 2), [3, 4j])])), ulp=1)
row("asarray", lambda d: call(d.array("any")))
row("copy", lambda d: call(d.array("any")))
row("astype", lambda d: call(d.array("real"), d.choice(["float64", "float32", "complex64",
                                                        "int64"])))
for _name in ("zeros", "ones"):
    row(_name, lambda d: call(d.shape(), _dtype(d)))
    row(_name, lambda d: call(d.choice([3, np.int64(2), [2, 3], 0, -1, (2, -1), 1.5, "x"])))
    row(f"{_name}_like", lambda d: call(d.array("any"), _dtype(d),
                                        **d.choice([{}, dict(shape=(4,))])))
row("empty", lambda d: call(d.shape(), _dtype(d)), reference=np.zeros)
row("empty_like", lambda d: call(d.array("any")), reference=np.zeros_like)
row("full", lambda d: call(d.shape(1, 3), d.choice([1.5, 2, True]), _dtype(d)))
row("full", lambda d: call((2, 3), d.array("any", (3,))))
row("full_like", lambda d: call(d.array("number"), d.choice([2, 3]), _dtype(d)))
row("arange", lambda d: call(*d.choice([(3,), (1, 5), (1, 8, 3), (5, 1, -2), (0,), (2.5,), (-3,),
                                        (0, 1, 0.1), (1, 2, -1), (3, 3), (0, 5, 0.5)]),
                             **d.choice([{}, dict(dtype="float32"), dict(dtype="int32")])))
row("linspace", lambda d: call(*d.choice([(0, 1), (2.0, -1), (3, 3)]), d.choice([5, 0, 1, 2]),
                               endpoint=d.flag(), retstep=d.flag(), dtype=d.choice([None, int])))
row("linspace", lambda d: call(x := d.array("floating", (3,)), d.array(x.dtype, (2, 1)), 4,
                               axis=d.choice([0, -1, 1])))
row("logspace", lambda d: call(0, d.choice([1, 2.5]), d.choice([4, 1, 0]), d.flag(),
                               base=d.choice([10.0, 2])))
row("logspace", lambda d: call(d.array("float", (3,), "unit"), d.array("float", (3,), "unit"), 4))
row("geomspace", lambda d: call(*d.choice([(1, 100), (8.0, 0.5), (-1, -8), (1j, 16j)]),
                                d.choice([4, 1, 2, 0]), d.flag()), ulp=256)
row("geomspace", lambda d: call(d.array("float64", (3,), "positive"),
                                d.array("float64", (3,), "positive"), 3, axis=d.choice([0, -1])),
    ulp=256)
row("eye", lambda d: call(d.choice([2, 3, 0]), d.choice([None, 2, 4]), d.choice([0, 1, -1, 5]),
                          _dtype(d)))
row("identity", lambda d: call(d.choice([2, 0, 1]), _dtype(d)))
row("tri", lambda d: call(d.choice([2, 3, 0]), d.choice([None, 4]), d.choice([0, 1, -1, 5])))
for _name in ("tril", "triu"):
    row(_name, lambda d: call(d.array("any", low=0), d.choice([0, 1, -1, 4, -4])))
row("meshgrid", lambda d: call(*(d.array("any", low=0, high=1) for _ in range(d.integer(1, 3))),
                               indexing=d.choice(["xy", "ij"]), sparse=d.flag()))
row("meshgrid", lambda d: call(*d.choice([(), (1.0, [2, 3])]), indexing=d.choice(["xy", "no"])))
row("indices", lambda d: call(d.choice([(2, 3), (2,), (0, 2), (2, 3, 2)]), sparse=d.flag()))
row("indices", lambda d: call((2, 3), d.choice(["float32", "int32"])))
row("fromfunction", lambda d: call(lambda i, j: i + 2 * j, (2, 3), dtype=d.choice([int, float])))
