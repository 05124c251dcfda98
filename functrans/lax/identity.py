"""The identity that keeps computations in their places. Imports `tree`, `numpy.promotion`.
"""
from __future__ import annotations

from functrans import tree
from functrans.numpy.promotion import as_arraylike


def optimization_barrier(operand):
    """The pytree as it is: nothing here moves computations that it could hold back.

    >>> from functrans import lax
    >>> lax.optimization_barrier((1.0, 2.0))[1]
    Array(2., dtype=float32, weak_type=True)
    """
    return tree.map(as_arraylike, operand)
