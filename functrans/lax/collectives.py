"""Computing across the lanes of a named axis: psum, pmean, pmax, all_gather, ppermute, ...

All take pytrees, and are differentiable forwards and in reverse. Derivatives follow the sum over
lanes: a lane's result depends on the values of all lanes, and its cotangent flows back to all.

Imports `tree`, `control.axes`, `numpy`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence

from functrans import tree
from functrans.array import ArrayBase
from functrans.config import default_int
from functrans.control import axes
from functrans.errors import ArgumentError, ShapeError, UnsupportedError
from functrans.ir.type import is_bool
from functrans.numpy.promotion import as_arraylike, canonical_axis
from functrans.primitives import shape as prim
from functrans.primitives.basic import reduce_sum
from functrans.primitives.elementwise import convert
from functrans.trace import bind


def _names(axis_name) -> tuple:
    """One name or several, as a tuple."""
    return tuple(axis_name) if isinstance(axis_name, (tuple, list)) else (axis_name,)


def _split_axes(axis_name) -> tuple[list, list]:
    """(names, positions): plain ints are axes of the operand."""
    every = _names(axis_name)
    return ([name for name in every if not isinstance(name, int)],
            [name for name in every if isinstance(name, int)])


def _no_groups(axis_index_groups, who: str):
    if axis_index_groups is not None:
        raise UnsupportedError(f"{who}: axis_index_groups is not supported; map over two "
                               "axes with a name each, and compute across one of them")


def axis_size(axis_name) -> int:
    """The number of lanes of a named axis; of several names, their product.

    Raises NameError, with the bound names, for a name that no surrounding vmap binds.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: x / ft.lax.axis_size("i"), axis_name="i")(fnp.ones(2))
    Array([0.5, 0.5], dtype=float32)
    """
    return math.prod(axes.size_of(name, "axis_size") for name in _names(axis_name))


def axis_index(axis_name):
    """The number of the lane in hand along a named axis; of several names, row by row.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.axis_index("i"), axis_name="i")(fnp.ones(3))
    Array([0, 1, 2], dtype=int64)
    """
    index = None
    for name in _names(axis_name):
        own = axes.axis_index(name)
        index = own if index is None else index * axes.size_of(name, "axis_index") + own
    return index


# ---- reductions ----

def psum(x, axis_name, *, axis_index_groups=None):
    """The sum over all lanes of a named axis, for each leaf.

    axis_name: a name, or a tuple of names (and of ints: axes of the leaves themselves). Booleans
    are counted. A Python number gives a Python number: `psum(1, name)` is the number of lanes.
    Raises NameError, with the bound names, for a name that no surrounding vmap binds.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: x / ft.lax.psum(x, "i"), axis_name="i")(fnp.array([1.0, 3.0]))
    Array([0.25, 0.75], dtype=float32)
    """
    _no_groups(axis_index_groups, "psum")
    names, positions = _split_axes(axis_name)
    lanes = math.prod(axes.size_of(name, "psum") for name in names)

    def total(leaf):
        if isinstance(leaf, (int, float, complex)) and not positions:
            return leaf * lanes
        value = _number(leaf, "psum")
        value = reduce_sum(value, _canonical(positions, value))
        for name in names:
            value = bind(axes.psum_p, value, axis_name=name)
        return value
    return tree.map(total, x)


def _number(leaf, who: str) -> ArrayBase:
    value = as_arraylike(leaf, who)
    return convert(value, default_int()) if is_bool(value.dtype) else value


def _canonical(positions: Sequence[int], value) -> list:
    return [canonical_axis(axis, value.ndim) for axis in positions]


def pmean(x, axis_name, *, axis_index_groups=None):
    """The mean over all lanes of a named axis; see `psum`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: x - ft.lax.pmean(x, "i"), axis_name="i")(fnp.array([1.0, 3.0]))
    Array([-1.,  1.], dtype=float32)
    """
    _no_groups(axis_index_groups, "pmean")
    names, positions = _split_axes(axis_name)

    def mean(leaf):
        value = as_arraylike(leaf, "pmean")
        count = axis_size(names) * math.prod(value.shape[k] for k in _canonical(positions, value))
        return psum(value, axis_name) / count
    return tree.map(mean, x)


def pmax(x, axis_name, *, axis_index_groups=None):
    """The maximum over all lanes of a named axis; see `psum`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.pmax(x, "i"), axis_name="i")(fnp.array([1.0, 3.0]))
    Array([3., 3.], dtype=float32)
    """
    from functrans.numpy import max as maximum
    return _extreme(maximum, x, axis_name, axis_index_groups, "pmax")


def pmin(x, axis_name, *, axis_index_groups=None):
    """The minimum over all lanes of a named axis; see `psum`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.pmin(x, "i"), axis_name="i")(fnp.array([1.0, 3.0]))
    Array([1., 1.], dtype=float32)
    """
    from functrans.numpy import min as minimum
    return _extreme(minimum, x, axis_name, axis_index_groups, "pmin")


def _extreme(reduce: Callable, x, axis_name, axis_index_groups, who: str):
    _no_groups(axis_index_groups, who)
    names, positions = _split_axes(axis_name)

    def extreme(leaf):
        value = as_arraylike(leaf, who)
        if positions:
            value = reduce(value, axis=tuple(_canonical(positions, value)))
        for name in names:
            value = reduce(_gathered(value, name, who), axis=0)
        return value
    return tree.map(extreme, x)


# ---- moving values between lanes ----

def _gathered(value, name: Hashable, who: str):
    """The values of all lanes along a new first axis."""
    return bind(axes.all_gather_p, value, axis_name=name, size=axes.size_of(name, who))


def all_gather(x, axis_name, *, axis_index_groups=None, axis: int = 0, tiled: bool = False):
    """The values of all lanes, along a new axis at `axis`; `tiled`: along the axis that is there.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.all_gather(x, "i"), axis_name="i")(fnp.array([1.0, 3.0]))
    Array([[1., 3.],
           [1., 3.]], dtype=float32)
    """
    _no_groups(axis_index_groups, "all_gather")
    names = _names(axis_name)
    lanes = math.prod(axes.size_of(name, "all_gather") for name in names)

    def gather(leaf):
        value = as_arraylike(leaf, "all_gather")
        place = canonical_axis(axis, value.ndim + (not tiled))
        shape = value.shape
        for name in reversed(names):
            value = _gathered(value, name, "all_gather")
        value = prim.move_axis(prim.reshape(value, (lanes, *shape)), 0, place)
        return _merged(value, place) if tiled else value
    return tree.map(gather, x)


def _merged(value, axis: int):
    """Two neighbouring axes as one."""
    shape = value.shape
    return prim.reshape(value, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2:]))


def _in_parts(value, axis: int, count: int, who: str):
    """An axis as two: `count` parts, and what is in each."""
    shape = value.shape
    if shape[axis] % count:
        raise ShapeError(f"{who}: axis {axis} of {value.type} cannot be cut into {count} equal "
                         "parts, one for each lane")
    return prim.reshape(value, (*shape[:axis], count, shape[axis] // count, *shape[axis + 1:]))


def psum_scatter(x, axis_name, *, scatter_dimension: int = 0, axis_index_groups=None,
                 tiled: bool = False):
    """The sum over all lanes, of which each lane gets its own part along `scatter_dimension`.

    That axis has as many elements as there are lanes and goes; `tiled`: it has a multiple, and
    each lane gets an equal part of it.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.psum_scatter(x, "i"), axis_name="i")(fnp.eye(2) + 1)
    Array([3., 3.], dtype=float32)
    """
    _no_groups(axis_index_groups, "psum_scatter")
    names = _names(axis_name)
    sizes = [axes.size_of(name, "psum_scatter") for name in names]

    def scatter(leaf):
        value = _number(leaf, "psum_scatter")
        axis = canonical_axis(scatter_dimension, value.ndim)
        if tiled:
            value = _in_parts(value, axis, math.prod(sizes), "psum_scatter")
        _require_parts(value, axis, math.prod(sizes), "psum_scatter")
        value = prim.move_axis(value, axis, 0)
        value = prim.reshape(value, (*sizes, *value.shape[1:]))
        for name, size in zip(names, sizes):
            value = bind(axes.psum_scatter_p, value, axis_name=name, size=size)
        return value
    return tree.map(scatter, x)


def _require_parts(value, axis: int, lanes: int, who: str):
    if value.shape[axis] != lanes:
        raise ShapeError(f"{who}: axis {axis} of {value.type} must have the size of the named "
                         f"axis, {lanes}; or say tiled=True")


def ppermute(x, axis_name, perm: Sequence[tuple[int, int]]):
    """Values sent from lane to lane; a lane that nobody sends to gets zeros.

    perm: pairs (source, target) of lane numbers, no source and no target twice.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.ppermute(x, "i", [(0, 1), (1, 2)]),
    ...         axis_name="i")(fnp.array([1.0, 2.0, 3.0]))
    Array([0., 1., 2.], dtype=float32)
    """
    name, = _names(axis_name)
    size = axes.size_of(name, "ppermute")
    pairs = tuple((source.__index__(), target.__index__()) for source, target in perm)
    for number, what in enumerate(("source", "target")):
        lanes = [pair[number] for pair in pairs]
        if len(set(lanes)) != len(lanes) or not all(0 <= lane < size for lane in lanes):
            raise ArgumentError(
                f"ppermute: each {what} must be one of the {size} lanes of {name!r}, "
                f"and none twice; got {list(pairs)}")
    return tree.map(lambda leaf: bind(axes.ppermute_p, as_arraylike(leaf, "ppermute"),
                                      axis_name=name, perm=pairs), x)


def pshuffle(x, axis_name, perm: Sequence[int]):
    """`ppermute` by sources: lane i gets the value of lane `perm[i]`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.pshuffle(x, "i", [1, 0]), axis_name="i")(fnp.array([1.0, 2.0]))
    Array([2., 1.], dtype=float32)
    """
    size = axis_size(axis_name)
    if sorted(perm) != list(range(size)):
        raise ArgumentError(f"pshuffle: perm must name each of the {size} lanes once, got {perm!r}")
    return ppermute(x, axis_name, list(zip(perm, range(size))))


def pbroadcast(x, axis_name, source: int):
    """The value of lane `source`, in all lanes.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.pbroadcast(x, "i", 1), axis_name="i")(fnp.array([1.0, 2.0]))
    Array([2., 2.], dtype=float32)
    """
    size = axis_size(axis_name)
    if not 0 <= source.__index__() < size:
        raise ArgumentError(f"pbroadcast: source must be one of the {size} lanes, got {source}")
    return tree.map(lambda leaf: leaf[source], all_gather(x, axis_name))


def all_to_all(x, axis_name, split_axis: int, concat_axis: int, *, axis_index_groups=None,
               tiled: bool = False):
    """Each lane's value is cut along `split_axis` into a part for each lane, and put together
    from the parts that it receives along `concat_axis`.

    Where not `tiled`, `split_axis` has as many elements as there are lanes and goes, and
    `concat_axis` is new.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.all_to_all(x, "i", 0, 0),
    ...         axis_name="i")(fnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array([[1., 3.],
           [2., 4.]], dtype=float32)
    """
    _no_groups(axis_index_groups, "all_to_all")
    name, = _names(axis_name)
    size = axes.size_of(name, "all_to_all")

    def exchange(leaf):
        value = as_arraylike(leaf, "all_to_all")
        split = canonical_axis(split_axis, value.ndim)
        concat = canonical_axis(concat_axis, value.ndim)
        if tiled:
            value = _in_parts(value, split, size, "all_to_all")
        _require_parts(value, split, size, "all_to_all")
        value = bind(axes.all_to_all_p, value, axis_name=name, size=size, split=split,
                     concat=concat)
        return _merged(value, concat) if tiled else value
    return tree.map(exchange, x)


def pswapaxes(x, axis_name, axis: int, *, axis_index_groups=None):
    """The named axis and an axis of x exchanged; they must have one size.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(lambda x: ft.lax.pswapaxes(x, "i", 0),
    ...         axis_name="i")(fnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array([[1., 3.],
           [2., 4.]], dtype=float32)
    """
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)
