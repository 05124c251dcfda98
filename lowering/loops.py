"""What a kernel computes, as statements on loop axes; all that emitters build and targets read.

A statement gives one value for each point of its `axes`. Which loops there are, in which order,
and where values are kept between them, is worked out from that by `nest.py`.

In: nothing. Out: the classes. Imports `views` only.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lowering.views import View


@dataclass(eq=False, slots=True)
class Axis:
    """A loop of a kernel. `backward`: it runs from the end (a reversed running result)."""
    extent: int
    backward: bool | None = None       # None: it does not matter
    name: str = ""

    def __repr__(self):
        return self.name or f"axis({self.extent})"


@dataclass(eq=False, slots=True)
class Statement:
    """Base: what is computed at each point of `axes`, from `inputs`.

    dtype: of the value. axes: the loops it runs in. location: the user's line, for comments.
    """
    inputs: list = field(default_factory=list)
    dtype: np.dtype | None = None
    axes: frozenset = frozenset()
    location: object = None

    @property
    def result_axes(self) -> frozenset:
        """The axes on which the value depends once the statement is done."""
        return self.axes


@dataclass(eq=False, slots=True)
class Constant(Statement):
    value: object = None


@dataclass(eq=False, slots=True)
class Index(Statement):
    """`start + step * axis`, as a number of dtype."""
    axis: Axis | None = None
    start: int = 0
    step: int = 1


@dataclass(eq=False, slots=True)
class Place:
    """Where in a view: a linear index over axes, and indices known at run time.

    coefficients: stride of each axis. dynamic: (number of the statement input that holds the
    index, stride, size of the dimension, mode, window) for each index known at run time.
    guards: (axis, start, step, low, gap, size): the position `start + step * axis - low` must
    lie on a multiple of `gap` within `size` elements.
    """
    view: View
    offset: int
    coefficients: dict
    dynamic: list = field(default_factory=list)
    guards: list = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Load(Statement):
    """Reads an element. `otherwise`: the value where a guard fails."""
    place: Place | None = None
    otherwise: object = None


@dataclass(eq=False, slots=True)
class Map(Statement):
    """A Python expression of the inputs."""
    expr: str = ""
    cost: int = 1
    outputs: int = 1


@dataclass(eq=False, slots=True)
class Pick(Statement):
    """One of the results of a Map with several."""
    number: int = 0


@dataclass(eq=False, slots=True)
class Reduce(Statement):
    """Combines the input over `over`, which are among `axes`."""
    over: frozenset = frozenset()
    init: object = None
    combine: str = ""

    @property
    def result_axes(self) -> frozenset:
        return self.axes - self.over


@dataclass(eq=False, slots=True)
class Cumulate(Statement):
    """A running result along `along`."""
    along: Axis | None = None
    init: object = None
    combine: str = ""


@dataclass(eq=False, slots=True)
class Store(Statement):
    """Writes the first input. `combine`: with what is there, instead of over it."""
    place: Place | None = None
    combine: str = ""


# What is done with each element by itself.
BY_ELEMENT = (Constant, Index, Load, Map, Pick, Store)


@dataclass(eq=False, slots=True)
class Kernel:
    """Statements in an order in which they can be computed, and the axes they run on."""
    statements: list
    axes: list
    name: str = ""
