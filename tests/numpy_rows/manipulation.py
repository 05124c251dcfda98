"""Rows: shapes and order of elements."""
from __future__ import annotations

import numpy as np

from numpy_rows.base import row
from numpy_rows.draw import call


def _reshape(d):
    x = d.array("any", d.choice([(2, 6), (3, 4), (12,), (2, 3, 2), (0, 3), (1,), ()]))
    shapes = [-1, (-1,), (x.size,), (3, -1), (1, -1, 2), [2, -1], (5, -1), (-1, -1), (5, 2), 12]
    return call(x, d.choice(shapes), d.choice(["C", "F", "A", "X"]))


row("reshape", _reshape)
row("ravel", lambda d: call(d.array("any"), d.choice(["C", "F"])))
row("transpose", lambda d: call(d.array("any", low=0), d.choice([None, (1, 0), (0, 2, 1),
                                                                (-1, 0), (0, 0), (3, 1)])))
row("permute_dims", lambda d: call(d.array("any", low=2, high=2), d.choice([(1, 0), (0, -1)])))
row("matrix_transpose", lambda d: call(d.array("any")))
row("swapaxes", lambda d: call(d.array("any"), d.integer(-3, 2), d.integer(-2, 2)))
row("moveaxis", lambda d: call(d.array("any"), *d.choice([(0, -1), (-1, 0), ((0, 1), (1, 0)),
                                                          ([0, 1], [-1, -2]), ((0, 0), (0, 1)),
                                                          ((0, 1), 0), (2, 1)])))
row("rollaxis", lambda d: call(d.array("any", low=2), d.integer(-2, 2), d.integer(-1, 3)))
row("expand_dims", lambda d: call(d.array("any"), d.choice([0, -1, 1, (0, -1), (1, 2), (0, 0), 5,
                                                            [0, 2]])))
row("squeeze", lambda d: call(d.array("any"), d.choice([None, 0, -1, 1, (0, -1), (0, 1), ()])))
row("broadcast_to", lambda d: call(d.array("any"), d.choice([(2, 3), (2, 2, 3), 3, (3, 3), (0, 2),
                                                             (), (2, 3, 2), -1])))
row("broadcast_arrays", lambda d: call(*d.arrays(3, "any")))

# ---- joining ----

def _like(d, x, count: int, axis: int):
    """Arrays that fit x along all other axes."""
    dtype = d.choice([x.dtype, d.dtype("any")])
    sizes = [d.choice([1, 2, 0]) for _ in range(count)]
    return [d.array(dtype, tuple(size if k == axis % x.ndim else n for k, n in enumerate(x.shape)))
            for size in sizes]


def _concatenate(d, name="axis"):
    x = d.array("any", low=1)
    axis = d.choice(list(range(-x.ndim, x.ndim)))
    return call([x, *_like(d, x, 2, axis)], **{name: axis})


row("concatenate", _concatenate)
row("concat", _concatenate, reference=np.concatenate)
row("concatenate", lambda d: call([d.array("any"), d.array("any")], d.choice([None, 0, 1])))
row("concatenate", lambda d: call(d.choice([[], [[1], [2.0]], [1, 2], ([1, 2], [True])])))
row("concatenate", lambda d: call(d.array("any", low=2), axis=d.choice([None, 0, -1])))
for _name in ("stack", "vstack", "hstack", "dstack", "column_stack"):
    row(_name, lambda d: call(d.arrays(2, "any") if d.flag() else [x := d.array("any"), x]))
row("stack", lambda d: call([x := d.array("any"), d.array("any", x.shape)],
                            d.choice([0, -1, 1, 2, 9])))
row("append", lambda d: call(d.array("any"), d.array("any"), d.choice([None, 0])))
row("append", lambda d: call(d.array("real", (2, 3)), d.array("real", (1, 3)), d.choice([0, -1])))
row("block", lambda d: call([[d.array("any", (2, 2)), d.array("any", (2, 1))],
                             [d.array("any", (1, 3))]] if d.flag() else
                            [d.array("any", (2,)), d.array("any", ())]))
row("block", lambda d: call(d.choice([[[1], 2], [[1, 2], [3]], [], 3.0, [[[1]], [[2]]], (1, 2)])))
for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    row(_name, lambda d: call(*(d.array("any") for _ in range(d.choice([1, 2])))))

# ---- taking apart ----
for _name in ("split", "array_split"):
    row(_name, lambda d: call(d.array("any", (6, 4)), d.choice([2, 3, 1, 5, 0, (1, 3), [4], [2, 2],
                                                               [5, 2], [-1], (9,), []]),
                              d.choice([0, 1, -1, 2])))
for _name in ("hsplit", "vsplit", "dsplit"):
    row(_name, lambda d: call(d.array("any", d.choice([(2, 4, 6), (4,), (4, 2), ()])),
                              d.choice([2, [1]])))
row("unstack", lambda d: call(d.array("any"), axis=d.choice([0, -1, 1])))

# ---- turning and repeating ----
row("flip", lambda d: call(x := d.array("any"), d.axes(x)))
row("flipud", lambda d: call(d.array("any")))
row("fliplr", lambda d: call(d.array("any")))
row("rot90", lambda d: call(d.array("any", low=1), d.integer(-2, 5),
                            d.choice([(0, 1), (1, 0), (0, 0), (0, 5), (0,), (-1, 0)])))
row("roll", lambda d: call(x := d.array("any"), d.integer(-4, 4), d.axis(x)))
row("roll", lambda d: call(d.array("any", (2, 3)), *d.choice([((1, 2), (0, 1)), (1, (0, 1)),
                                                              ((1, 2), 0), ((1, 2), None),
                                                              ((1, 2), (0,)), ((1, 1), (0, 0))])))
row("roll", lambda d: call(d.array("any", (2, 3)), d.integers(-3, 3), 1))
row("tile", lambda d: call(d.array("any"), d.choice([2, (2,), (1, 2), (2, 1, 3), 0, (), [2, 2]])))
row("repeat", lambda d: call(x := d.array("any", empty=False), d.choice([2, 0, 1, [2], -1]),
                             d.axis(x)))
row("repeat", lambda d: call(d.array("any", (2, 3)), *d.choice([([1, 0, 2], 1), ([2, 1], 0),
                                                                ([1, 2, 3], 0), ([1, 2], -2)])))
row("repeat", lambda d: call(d.array("any", (3,)), d.integers(1, 3, (3,)), total_repeat_length=9),
    reference=lambda x, n, total_repeat_length: np.pad(np.repeat(x, n), (0, 9 - n.sum()), "edge"))
row("delete", lambda d: call(d.array("any", (4, 3)), d.choice([0, -1, 1, [0, 1], [], [0, 0], 9,
                                                              slice(0, 2), [True, False, True],
                                                              [9], slice(None, None, -2)]),
                             d.choice([0, 1, -1, None])), batched=True)
row("insert", lambda d: call(d.array("any", (3, 2)), d.choice([0, 1, -1, 2, 9, [0], [0, 2],
                                                                [1, 1]]),
                             *d.choice([(7, 0), (7, None), ([7, 8], 1), ([7, 8], None),
                                         ([[1, 2]], 0), ([7, 8], 0), (7, 1)])))
row("insert", lambda d: call(x := d.array("any", (3, 2)), d.choice([0, 2, [1]]),
                             d.array(x.dtype, (2,)), 0))
row("insert", lambda d: call(x := d.array("real", (3,)), slice(0, 2), d.array(x.dtype, (2,))))
row("resize", lambda d: call(d.array("any"), d.choice([(2, 3), 4, (0,), (7,), (2, -1)])))
row("trim_zeros", lambda d: call(d.choice([np.array([0, 1, 2, 0]), np.zeros(3), np.ones(2),
                                           np.array([0.0, 1, 0]), np.zeros(0)]),
                                 d.choice(["fb", "f", "b", "FB"])), jit=False, batched=False,
    why="the size of the result depends on values")

# ---- padding ----
_WIDTHS = [1, (1, 2), ((1, 2), (0, 3)), 0, ((0, 0), (2, 1)), ((1,), (2,)), -1, (1, 2, 3), 5]
row("pad", lambda d: call(d.array("any", (2, 3)), d.choice(_WIDTHS),
                          **d.choice([{}, dict(constant_values=2), dict(constant_values=(1, 2)),
                                      dict(constant_values=((1, 2), (3, 4)))])))
row("pad", lambda d: call(d.array("number", d.choice([(2, 3), (3,), (1, 2), ()])),
                          d.choice(_WIDTHS[:6]),
                          d.choice(["edge", "reflect", "symmetric", "wrap", "constant", "other"])))
