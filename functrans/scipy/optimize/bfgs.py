"""BFGS: an approximation of the inverse Hessian as a matrix.

J. Nocedal and S. Wright, "Numerical Optimization", 2nd edition (2006), section 6.1. In: moves and
changes of the gradient. Out: a `Method`. Imports `numpy`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from functrans.numpy.choosing import where
from functrans.numpy.products import outer
from functrans.numpy.ranges import eye


class Method(NamedTuple):
    """How a quasi-Newton method keeps what it knows of the inverse Hessian H.

    begin(x, maxcor): the memory at first. times(memory, v): H @ v. learn(memory, s, y, steps): the
    memory after a move s that changed the gradient by y. inverse(memory): H, if it is there.
    """
    begin: Callable
    times: Callable
    learn: Callable
    inverse: Callable


def _learn(h, s, y, steps):
    """Equation 6.17, multiplied out; H is scaled by equation 6.20 before the first time.

    Nothing is learned of a move along which the function is not convex.
    """
    curvature = s @ y
    useful = curvature > 0
    safe = where(useful, curvature, 1)
    square = y @ y
    h = where(steps == 0, h * (safe / where(square > 0, square, 1)), h)
    hy = h @ y
    cross = outer(hy, s)
    new = h - (cross + cross.T) / safe + (1 + y @ hy / safe) / safe * outer(s, s)
    return where(useful, new, h)


METHOD = Method(begin=lambda x, maxcor: eye(x.size, dtype=x.dtype),
                times=lambda h, v: h @ v, learn=_learn, inverse=lambda h: h)
