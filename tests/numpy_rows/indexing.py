"""Rows: reading by index, choosing, diagonals, sorting, searching."""
from __future__ import annotations

import numpy as np

from numpy_rows.base import row
from numpy_rows.draw import call

INDICES = [
    0, -1, 1, 5, slice(None), slice(1, None), slice(None, None, -1), slice(2, 0, -2), slice(9, 1),
    None, Ellipsis, (), (0,), (0, 1), (Ellipsis, 0), (None, 0), (slice(None), None, 1),
    (Ellipsis, Ellipsis), (0, 0, 0, 0), [0, 1], [[0], [1]], [], ([0, 1], 0), ([0, 1], [1, 2]),
    (slice(None), [0, 1]), ([0], slice(None), [1, 0]), (None, [0, 1], None), True, False, [True],
    (0, slice(None), [0, 1]), (slice(None), 0, [0]), "x", 1.0, [1.5], (np.int32(1), Ellipsis),
    ([0, 1], [0, 1, 1]), (slice(None, None, 2), slice(None, None, -1)), ([-1, 0], Ellipsis),
    ([0, 9],), np.bool_(True), (True, 0), ([0, 1], None, [0, 1]),
]


def _getitem(x, index):
    return x[index]


row("getitem", lambda d: call(d.array("any"), d.choice(INDICES)), _getitem,
    function=lambda x, index: _fnp().asarray(x)[index])
row("getitem", lambda d: call(x := d.array("any", low=1, empty=False),
                              d.integers(-x.shape[0], x.shape[0], d.shape(0, 2))), _getitem,
    function=lambda x, index: _fnp().asarray(x)[index])
row("getitem", lambda d: call(x := d.array("any"), d.array("bool", x.shape)), _getitem,
    function=lambda x, index: _fnp().asarray(x)[index], jit=False, batched=False,
    why="the size of the result depends on values")


def _fnp():
    import functrans.numpy
    return functrans.numpy


def _places(d, x, axis):
    size = x.size if axis is None else x.shape[axis]
    return d.integers(-size, size, d.shape(0, 2, empty=False))


def _take(d):
    x = d.array("any", low=1, empty=False)
    axis = d.axis(x)
    return call(x, _places(d, x, axis), axis)


row("take", _take)
row("take", lambda d: call(x := d.array("any", low=1, empty=False), d.integers(-9, 9, (4,)),
                           d.axis(x), mode=d.choice(["clip", "wrap", "raise"])),
    reference=lambda x, i, axis, mode: np.take(x, i, axis, mode=mode))


def _take_along(d):
    x = d.array("any", low=1, empty=False)
    axis = d.choice(list(range(-x.ndim, x.ndim)))
    shape = tuple(d.choice([2, 1]) if k == axis % x.ndim else n for k, n in enumerate(x.shape))
    return call(x, d.integers(-x.shape[axis], x.shape[axis], shape), axis)


row("take_along_axis", _take_along)
row("take_along_axis", lambda d: call(d.array("any", (2, 3)), d.integers(0, 6, (4,)), None))
row("where", lambda d: call(*(d.array(kind, shape, edges=True) for kind, shape in
                              zip(("any", "any", "any"), d.shapes(3)))))
row("where", lambda d: call(d.array("bool"), d.choice([1, 2.0]), d.choice([0, 1.5])))
row("where", lambda d: call(d.array("any", low=1)), jit=False, batched=False,
    why="the size of the result depends on values")
row("diagonal", lambda d: call(d.array("any"), d.integer(-2, 3), *d.choice([(), (1, 0), (0, 2),
                                                                            (0, 0), (-1, -2)])))
row("diag", lambda d: call(d.array("any"), d.integer(-2, 3)))
row("diagflat", lambda d: call(d.array("any"), d.integer(-2, 2)))
row("choose", lambda d: call(d.integers(0, 3, (2, 3)), [d.array("any", s) for s in
                                                        ((2, 3), (3,), ())],
                             mode=d.choice(["raise", "wrap", "clip"])))
row("choose", lambda d: call(d.integers(-2, 5, (2, 3)), [d.array("real", (2, 3)) for _ in "ab"],
                             mode=d.choice(["wrap", "clip", "raise"])))

# ---- sorting ----
for _kind, _dtype in (("distinct", "ordered"), ("normal", "any")):
    row("sort", lambda d, k=_kind, t=_dtype: call(x := d.array(t, kind=k, edges=k == "normal"),
                                                  d.axis(x)))
row("argsort", lambda d: call(x := d.array("any"), d.axis(x), stable=True))
row("lexsort", lambda d: call([d.array("int64", (2, 4)), d.array("ordered", (2, 4))],
                              d.choice([-1, 0, 1])))
row("sort_complex", lambda d: call(d.array("number", low=1)))
row("partition", lambda d: call(d.array("ordered", (4, 3), "distinct"), d.integer(-3, 3),
                                d.choice([0, -1, None])),
    reference=lambda x, kth, axis: np.sort(np.partition(x, kth, axis), axis))
row("argpartition", lambda d: call(d.array("ordered", (4,), "distinct"), d.integer(0, 3)),
    reference=lambda x, kth: np.argsort(x))
row("searchsorted", lambda d: call(np.sort(d.array("real", low=1, high=1)), d.array("real"),
                                   d.choice(["left", "right"])))
row("searchsorted", lambda d: call([1, 3, 5], d.choice([2, 3.0, [1, 9]]), d.choice(["left", "up"])))
row("nonzero", lambda d: call(d.array("any")), jit=False, batched=False,
    why="the size of the result depends on values")
row("flatnonzero", lambda d: call(d.array("any")), jit=False, batched=False,
    why="the size of the result depends on values")
row("argwhere", lambda d: call(d.array("any")), jit=False, batched=False,
    why="the size of the result depends on values")


def _padded_nonzero(x, size, fill_value=0):
    return tuple(np.concatenate([places, np.full(size, fill_value)])[:size]
                 for places in np.nonzero(x))


row("nonzero", lambda d: call(d.array("any", low=1), size=d.integer(0, 5),
                              fill_value=d.choice([0, -1])), _padded_nonzero)
row("flatnonzero", lambda d: call(d.array("any", low=1, high=1), size=4),
    reference=lambda x, size: _padded_nonzero(x, size)[0])
row("argwhere", lambda d: call(d.array("any", low=2, high=2), size=4),
    reference=lambda x, size: np.stack(_padded_nonzero(x, size), -1))


def _top_k(x, k, mode="largest"):
    order = np.argsort(x, axis=-1)
    order = order[..., ::-1] if mode == "largest" else order
    return np.take_along_axis(x, order[..., :k], -1), order[..., :k]


row("top_k", lambda d: call(d.array("real", (2, 4), "distinct"), d.integer(0, 4),
                            mode=d.choice(["largest", "smallest"])), _top_k)

# ---- choosing, diagonals ----
row("select", lambda d: call([d.array("bool", (2, 3)), d.array("bool", (3,))],
                             [d.array("number", (2, 3)), d.array("number", (3,))],
                             d.choice([0, 1.5])))
row("select", lambda d: call(*d.choice([([], []), ([[True]], []), ([[1]], [[2]]),
                                        ([[True, False]], [3])])))
row("piecewise", lambda d: call(x := d.array("float"), [np.asarray(x < 0), np.asarray(x > 1)],
                                d.choice([[1, 2], [np.negative, abs, 3], [np.square], [1, 2, 3]])))
row("piecewise", lambda d: call(x := d.array("integer", low=1, high=1, empty=False), [x > 0],
                                [2, lambda x: x * x]))
row("fill_diagonal", lambda d: call(d.array("number", d.choice([(3, 3), (2, 3), (5, 2), (2, 2, 2),
                                                                (3,), (2, 3, 2), (0, 2)])),
                                    d.array("int64", d.choice([(), (2,), (3,)])),
                                    wrap=d.flag(), inplace=False),
    reference=lambda a, val, wrap, inplace: (b := np.array(a), np.fill_diagonal(b, val, wrap))[0])
row("diag_indices", lambda d: call(d.integer(0, 3), d.integer(1, 3)))
row("diag_indices_from", lambda d: call(d.array("any",
                                               d.choice([(3, 3), (2, 2, 2), (2, 3), (3,)]))))
for _name in ("tril_indices", "triu_indices"):
    row(_name, lambda d: call(d.integer(0, 3), d.integer(-2, 2), d.choice([None, 2, 4])))
    row(f"{_name}_from", lambda d: call(d.array("any"), d.integer(-2, 2)))
row("mask_indices", lambda d: call(3, d.choice([np.triu, np.tril]), d.integer(-1, 1)), jit=False,
    why="NumPy's functions of masks are called with values")
