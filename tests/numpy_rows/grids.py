"""Rows: grids, ranges written as slices, flat indices, and functions that write."""
from __future__ import annotations

import numpy as np

import functrans.numpy as fnp
from numpy_rows.base import row
from numpy_rows.draw import call


def _subscript(name: str):
    return dict(reference=lambda key: getattr(np, name)[key],
                function=lambda key: getattr(fnp, name)[key])


_GRIDS = [np.s_[0:3], np.s_[0:2, 1:4], np.s_[0:1:3j], np.s_[0:1:0.5, 0:2], np.s_[-1:1:5j, 0:3:2]]
row("mgrid", lambda d: call(d.choice(_GRIDS)), **_subscript("mgrid"))
row("ogrid", lambda d: call(d.choice(_GRIDS)), **_subscript("ogrid"))
row("r_", lambda d: call((d.choice([np.s_[0:3], np.s_[0:1:3j], 5, 1.5]), d.array("any", (2,)),
                          d.choice([np.s_[2:8:2], np.s_[3:0:-1]]))), **_subscript("r_"))
row("r_", lambda d: call((d.choice(["0", "-1", "0,2", "0,2,0", "1,2", "1,3,1", "x"]),
                          d.array("any", (2,)), d.array("any", (2,)))), **_subscript("r_"))
row("c_", lambda d: call((d.array("any", (3,)), d.array("any", d.choice([(3,), (3, 2)])))),
    **_subscript("c_"))
row("s_", lambda d: call(d.choice([np.s_[0:3], (1, 2)])), **_subscript("s_"))
row("index_exp", lambda d: call(d.choice([np.s_[0:3], (1, 2)])), **_subscript("index_exp"))
row("ix_", lambda d: call(*(d.integers(0, 3, (d.integer(0, 3),)) for _ in range(d.integer(1, 3)))))
row("ix_", lambda d: call(d.choice([[True, False], [0, 1], [[0]], []]), [1, 2]))

_MODES = ["raise", "wrap", "clip", ("wrap", "clip"), "no"]
row("ravel_multi_index", lambda d: call((d.integers(0, 3, (2,)), d.integers(0, 4, (2,))), (3, 4),
                                        order=d.choice(["C", "F"])))
row("ravel_multi_index", lambda d: call((d.integers(-5, 8, (3,)), d.integers(-5, 8)), (3, 4),
                                        d.choice(_MODES)))
row("ravel_multi_index", lambda d: call(d.choice([([1], [2], [3]), ([1.5], [2]), (1, 2)]), (3, 4)))
row("unravel_index", lambda d: call(d.integers(0, 24, d.shape(0, 2)), (2, 3, 4),
                                    d.choice(["C", "F"])))
row("unravel_index", lambda d: call(d.choice([[7], 99, -1, [1.5], []]), d.choice([(2, 4), 8])))


# ---- writing: NumPy's functions on a copy ----

def _written(name: str):
    def reference(a, *args, inplace):
        changed = np.array(a)
        getattr(np, name)(changed, *args)
        return changed
    return reference


row("put", lambda d: call(x := d.array("any", low=1, empty=False),
                          d.integers(-x.size, x.size, d.shape(0, 1)),
                          d.array("int64", d.choice([(), (2,), (5,)])).astype(x.dtype),
                          inplace=False), _written("put"))
row("put", lambda d: call(d.array("real", (2, 3)), d.integers(-9, 9, (3,)), 5,
                          d.choice(["clip", "wrap", "raise"]), inplace=False), _written("put"))


def _along(d):
    x = d.array("any", d.choice([(2, 3), (3, 2, 2)]))
    axis = d.choice(list(range(-x.ndim, x.ndim)))
    shape = tuple(1 if k == axis % x.ndim else n for k, n in enumerate(x.shape))
    return call(x, d.integers(-x.shape[axis], x.shape[axis], shape), d.array(x.dtype, shape), axis,
                inplace=False)


row("put_along_axis", _along, _written("put_along_axis"))
row("place", lambda d: call(x := d.array("any"), d.array("bool", x.shape),
                            d.array(x.dtype, d.choice([(2,), (5,), (1,)])), inplace=False),
    _written("place"))
row("putmask", lambda d: call(x := d.array("any"), d.array("bool", x.shape),
                              d.array(x.dtype, d.choice([(2,), (5,), ()])), inplace=False),
    _written("putmask"))
row("copyto", lambda d: call(d.array("number", (2, 3)), d.array("number", d.choice([(3,), (2, 3),
                                                                                 (2,), ()])),
                             inplace=False), _written("copyto"))
row("copyto", lambda d: call(d.array("float", (2, 3)), 1, "same_kind", d.array("bool", (3,)),
                             inplace=False), _written("copyto"))

# ---- by a condition ----
_SIZE = "the size of the result depends on values"
row("compress", lambda d: call(d.choice([[True, False, True], [0, 1], [], [1, 1, 1, 1, 1, 1, 1]]),
                               x := d.array("any", low=1, empty=False), d.axis(x)))
row("compress", lambda d: call(d.array("bool", (3,)), d.array("any", (3, 2)), 0, size=2),
    reference=lambda c, a, axis, size: np.concatenate(
        [np.compress(c, a, axis), np.zeros((2, 2), a.dtype)])[:2])
row("extract", lambda d: call(x := d.array("bool"), d.array("any", x.shape)), jit=False,
    batched=False, why=_SIZE)
row("extract", lambda d: call(d.array("bool", (2, 3)), d.array("any", (2, 3)), size=4),
    reference=lambda c, a, size: np.concatenate([np.extract(c, a), np.zeros(4, a.dtype)])[:4])
