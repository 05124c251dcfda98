"""Rows: products of arrays, and sums of them."""
from __future__ import annotations

from numpy_rows.base import row
from numpy_rows.draw import call

_PAIRS = [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((3,), (3, 2)), ((2, 2, 3), (3, 2)),
          ((2, 2, 3), (2, 3, 1)), ((2, 3), (5, 3, 2)), ((1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)),
          ((2, 0), (0, 3)), ((2, 3), (2, 3)), ((), (3,)), ((2, 1, 2, 3), (4, 3, 1)), ((3,), (4,)),
          ((5, 2, 3), (3,)), ((3,), (2, 3, 2))]


def _pair(d, pairs=_PAIRS, kind="any"):
    left, right = d.choice(pairs[:3] if d.typical else pairs)
    dtype = d.dtype(kind)
    return call(d.array(dtype, left), d.array(d.choice([dtype, d.dtype(kind)]), right))


row("dot", _pair)
row("matmul", _pair)
row("inner", lambda d: _pair(d, [((3,), (3,)), ((2, 3), (4, 3)), ((), (2,)), ((3,), (2, 2, 3)),
                                 ((2, 3), (2,))]))
row("vdot", lambda d: _pair(d, [((3,), (3,)), ((2, 3), (3, 2)), ((), ()), ((3,), (2,))]))
row("outer", lambda d: _pair(d, [((3,), (2,)), ((2, 3), (2,)), ((), (3,))]))
row("kron", lambda d: _pair(d, [((3,), (2,)), ((2, 3), (2, 2)), ((2,), (2, 3)), ((), (3,)),
                                ((2, 1, 2), (3,))]))
row("cross", lambda d: _pair(d, [((3,), (3,)), ((2, 3), (2, 3)), ((3,), (4, 3)), ((4,), (3,)),
                                 ((2, 1, 3), (2, 3))], "number"))
row("cross", lambda d: call(d.array("number", (3, 2)), d.array("number", (2, 3)), 0, 1,
                            d.choice([0, -1])))
row("tensordot", lambda d: call(d.array("any", (2, 3, 4)), d.array("any", (3, 4, 2)),
                                d.choice([([1, 2], [0, 1]), (0, 2), ([0], [-1]), 0, ((1,), (0,)),
                                          (1, 1), 1, 4, ([0, 1], [0])])))
row("tensordot", lambda d: call(d.array("any", (2, 3)), d.array("any", (2, 3)), 2))
row("vecdot", lambda d: _pair(d, [((2, 3), (2, 3)), ((3,), (4, 3)), ((2, 1, 3), (5, 3)),
                                  ((2,), (3,))], "number"))
row("matvec", lambda d: _pair(d, [((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (5, 3)),
                                  ((2, 3), (2,))], "number"))
row("vecmat", lambda d: _pair(d, [((2,), (2, 3)), ((4, 2), (2, 3)), ((2,), (5, 2, 3))], "number"))
row("trace", lambda d: call(d.array("number"), d.integer(-1, 2)))
row("trace", lambda d: call(d.array("number", (2, 3, 2)), 0, *d.choice([(1, 2), (0, 2), (-1, 0),
                                                                        (0, 0)])))

_EINSUMS = [("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 2)), ("ii->i", (3, 3)),
            ("ii", (3, 3)), ("i,i", (3,), (3,)), ("i,j->ij", (2,), (3,)), ("ij->ji", (2, 3)),
            ("ij->", (2, 3)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
            ("bij,bj->bi", (2, 3, 2), (2, 2)),
            ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("iij->j", (2, 2, 3)), ("...i->...", (2, 3)),
            ("ij,ij->", (2, 3), (2, 3)), ("i->ii", (3,)), ("ij,kj->", (2, 3), (4, 3)),
            ("ij,jk->ik", (2, 3), (2, 2)), ("ij", (2, 3, 4)), ("ij,j->i", (2, 1), (3,)),
            ("a,ab,abc->abc", (2,), (2, 3), (2, 3, 2)), (" i j -> j i ", (2, 3)),
            ("i,->i", (3,), ()),
            ("ijk,jil->kl", (2, 3, 2), (3, 2, 2)), ("ij->k", (2, 3)), ("ji", (2, 3))]


def _einsum(d):
    text, *shapes = d.choice(_EINSUMS)
    dtype = d.dtype("any")
    return call(text, *(d.array(dtype, shape) for shape in shapes))


row("einsum", _einsum, ulp=256)
row("einsum", lambda d: call(d.array("number", (2, 3)), [0, 1], d.array("number", (3, 2)), [1, 2],
                             *d.choice([([0, 2],), ()])), ulp=256)
