"""L-BFGS: the inverse Hessian by the last moves, and what they changed of the gradient.

J. Nocedal and S. Wright, "Numerical Optimization", 2nd edition (2006), algorithm 7.4. Out: a
`Method`. Imports `lax`, `numpy`.
"""
from __future__ import annotations

from typing import NamedTuple

from functrans.array import ArrayBase
from functrans.lax.loops import scan
from functrans.numpy.choosing import where
from functrans.numpy.creation import ones, zeros
from functrans.numpy.joining import concatenate
from functrans.scipy.optimize.bfgs import Method


class _History(NamedTuple):
    """moves, changes: (maxcor, n), the last one last. weights: (maxcor,), 1 / (s @ y), 0 where
    nothing is kept yet. scale: the inverse Hessian before the first of them."""
    moves: ArrayBase
    changes: ArrayBase
    weights: ArrayBase
    scale: ArrayBase


def _begin(x, maxcor: int) -> _History:
    none = zeros((int(maxcor), x.size), x.dtype)
    return _History(none, none, zeros(int(maxcor), x.dtype), ones((), x.dtype))


def _times(history: _History, v):
    """Two passes over the history, backwards and forwards; weights of 0 change nothing."""
    def backwards(v, pair):
        s, y, weight = pair
        share = weight * (s @ v)
        return v - share * y, share

    def forwards(v, pair):
        s, y, weight, share = pair
        return v + s * (share - weight * (y @ v)), None
    pairs = (history.moves, history.changes, history.weights)
    v, shares = scan(backwards, v, pairs, reverse=True)
    return scan(forwards, history.scale * v, (*pairs, shares))[0]


def _learn(history: _History, s, y, steps) -> _History:
    """The history with one more move; none along which the function is not convex."""
    curvature = s @ y
    useful = curvature > 0
    safe = where(useful, curvature, 1)
    square = y @ y

    def pushed(rows, new):
        return where(useful, concatenate([rows[1:], new[None]]), rows)
    scale = where(useful, safe / where(square > 0, square, 1), history.scale)
    return _History(pushed(history.moves, s), pushed(history.changes, y),
                    pushed(history.weights, 1 / safe), scale)


METHOD = Method(begin=_begin, times=_times, learn=_learn, inverse=lambda history: None)
