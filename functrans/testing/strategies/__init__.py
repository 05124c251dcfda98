"""Strategies for hypothesis: arguments, pytrees, programs, stacks of transformations.

Large things are drawn as a seed and a few parameters, not element by element: an example takes half
a millisecond, and shrinks to small shapes, plain values and short programs. Needs the extra
`testing` (hypothesis). Imports functrans's public functions.

>>> from functrans.testing import strategies as fst
>>> from hypothesis import find
>>> find(fst.arrays(fst.shapes(min_dims=1, min_side=2), "float32"), lambda x: True)
Array([1., 1.], dtype=float32)
"""
from __future__ import annotations

from functrans.testing.strategies.arrays import (
    DTYPES,
    arrays,
    axes,
    broadcastable_shapes,
    dtypes,
    keys,
    ragged_lengths,
    shapes,
)
from functrans.testing.strategies.control import ControlProgram, programs
from functrans.testing.strategies.pytrees import pytrees
from functrans.testing.strategies.stacks import Stack, stacks
from functrans.testing.strategies.straight import StraightProgram, straight_programs

__all__ = [
    "DTYPES", "ControlProgram", "Stack", "StraightProgram", "arrays", "axes",
    "broadcastable_shapes", "dtypes", "keys", "programs", "pytrees", "ragged_lengths", "shapes",
    "stacks", "straight_programs",
]
