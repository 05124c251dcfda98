"""Named axes: the axes that `vmap(axis_name=)` maps over, and what computes across their lanes.

A function for one lane names the axis; vectorization turns the name into the leading axis of what
is mapped. Until then there are five linear primitives, of which two pairs are each other's
adjoints, and the lane's own number:

    psum          sum over all lanes; its own adjoint
    all_gather    the values of all lanes, along a new first axis
    psum_scatter  its adjoint: each lane's own part of the sum
    ppermute      values sent from lane to lane
    all_to_all    lane j's part of lane i becomes lane i's part of lane j

In: values and names. Out: equations. Imports `ir`, `trace`, `primitives`, `transforms.vmap`.
"""
from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from functrans.config import default_int
from functrans.errors import ShapeError, UnboundAxisError
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType
from functrans.primitives.basic import broadcast, reduce_sum, require, type_of_value, zeros
from functrans.primitives.define import linear_jvp
from functrans.primitives.elementwise import mul
from functrans.primitives.shape import concatenate, iota, move_axis, slice_axis
from functrans.trace import bind
from functrans.transforms.vmap import mapped_axis

# ---- which names there are ----

_named: ContextVar[tuple] = ContextVar("functrans_named_axes", default=())


def named_axes() -> tuple:
    """(name, size) of the named axes around, the innermost last."""
    return _named.get()


@contextmanager
def named_axis(name: Hashable, size: int):
    """Within this block, `name` is an axis of `size` lanes; None is no name."""
    with using_axes(named_axes() if name is None else (*named_axes(), (name, size))):
        yield


@contextmanager
def using_axes(axes: tuple):
    """Within this block there are these named axes."""
    token = _named.set(axes)
    try:
        yield
    finally:
        _named.reset(token)


def size_of(name: Hashable, who: str) -> int:
    """The number of lanes of a named axis. Raises UnboundAxisError if there is none."""
    for known, size in reversed(named_axes()):
        if known == name:
            return size
    bound = ", ".join(f"{known!r} of size {size}" for known, size in named_axes()) or "none"
    raise UnboundAxisError(
        f"{who}: no surrounding vmap binds an axis named {name!r}. Bound names: {bound}. Say "
        f"vmap(f, axis_name={name!r})")


def _unbound(*arrays, axis_name, **params):
    return size_of(axis_name, "a computation across lanes")


# ---- primitives ----

def _across(name: str, infer, transpose, own, shift) -> Primitive:
    """A primitive that is linear in its operand.

    own(size, x, batched, params) -> (out, batched): what it is where its axis is mapped.
    shift(x, params) -> out: for another axis, which is in front of x and goes in front of out.
    """
    def batch(size, args, batched, params):
        if params["axis_name"] == mapped_axis():
            return own(size, args[0], batched[0], params)
        return shift(args[0], params), True

    primitive = Primitive(name=name, infer=infer, evaluate=_unbound, transpose=transpose,
                          batch=batch,
                          jvp=linear_jvp(lambda: primitive))
    return primitive


def _sum_own(size, x, batched, params):
    return (reduce_sum(x, (0,)) if batched else _times(x, size)), False


def _times(x, size: int):
    return mul(x, type_of_value(x).dtype.type(size))


def _infer_sum(operand, *, axis_name):
    require("number", operand.dtype, "psum")
    return operand.strong()


psum_p = _across(
    "psum", _infer_sum, transpose=lambda ct, inputs, params: (bind(psum_p, ct, **params),),
    own=_sum_own, shift=lambda x, params: bind(psum_p, x, **params))


def _gather_own(size, x, batched, params):
    return (x if batched else broadcast(x, (size, *x.shape), range(1, x.ndim + 1))), False


all_gather_p = _across(
    "all_gather",
    infer=lambda operand, *, axis_name, size: ArrayType((size, *operand.shape), operand.dtype),
    transpose=lambda ct, inputs, params: (bind(psum_scatter_p, ct, **params),),
    own=_gather_own,
    shift=lambda x, params: move_axis(bind(all_gather_p, x, **params), 1, 0))


def _infer_scatter(operand, *, axis_name, size):
    require("number", operand.dtype, "psum_scatter")
    if operand.shape[:1] != (size,):
        raise ShapeError(f"psum_scatter: {operand} has no part for each of the {size} lanes of "
                         f"{axis_name!r} along its first axis")
    return ArrayType(operand.shape[1:], operand.dtype)


psum_scatter_p = _across(
    "psum_scatter", _infer_scatter,
    transpose=lambda ct, inputs, params: (bind(all_gather_p, ct, **params),),
    own=lambda size, x, batched, params:
        ((reduce_sum(x, (0,)) if batched else _times(x, size)), True),
    shift=lambda x, params: bind(psum_scatter_p, move_axis(x, 0, 1), **params))


def _permute_own(size, x, batched, params):
    if not batched:
        x = broadcast(x, (size, *x.shape), range(1, x.ndim + 1))
    return _moved(x, _sources(size, params["perm"])), True


def _sources(size: int, perm: Sequence) -> list:
    """For each lane the one from which it receives; None if from none."""
    sources = dict((target, source) for source, target in perm)
    return [sources.get(lane) for lane in range(size)]


def _moved(x, sources: list):
    """Slices of x along its first axis in another order; zeros where there is no source."""
    parts, start = [], 0
    while start < len(sources):
        stop, first = start + 1, sources[start]
        while stop < len(sources) and sources[stop] == (
                None if first is None else first + stop - start):
            stop += 1
        kind = ArrayType((stop - start, *x.shape[1:]), x.dtype)
        parts.append(zeros(kind) if first is None
                     else slice_axis(x, 0, first, first + stop - start))
        start = stop
    return parts[0] if len(parts) == 1 else concatenate(parts, 0)


ppermute_p = _across(
    "ppermute", infer=lambda operand, *, axis_name, perm: operand.strong(),
    transpose=lambda ct, inputs, params:
        (bind(ppermute_p, ct, axis_name=params["axis_name"],
              perm=tuple((target, source) for source, target in params["perm"])),),
    own=_permute_own, shift=lambda x, params: bind(ppermute_p, x, **params))


def _infer_all_to_all(operand, *, axis_name, size, split, concat):
    shape = list(operand.shape)
    if shape.pop(split) != size:
        raise ShapeError(f"all_to_all: axis {split} of {operand} has no part for each of the "
                         f"{size} lanes of {axis_name!r}")
    shape.insert(concat, size)
    return ArrayType(tuple(shape), operand.dtype)


def _exchange_own(size, x, batched, params):
    parts = move_axis(x, params["split"] + batched, 0)       # one for each receiving lane
    place = params["concat"] + 1
    if batched:
        return move_axis(parts, 1, place), True
    shape = (*parts.shape[:place], size, *parts.shape[place:])
    return broadcast(parts, shape, [k for k in range(len(shape)) if k != place]), True


def _behind(params: dict) -> dict:
    return {**params, "split": params["split"] + 1, "concat": params["concat"] + 1}


all_to_all_p = _across(
    "all_to_all", _infer_all_to_all,
    transpose=lambda ct, inputs, params:
        (bind(all_to_all_p, ct, **{**params, "split": params["concat"],
                                   "concat": params["split"]}),),
    own=_exchange_own, shift=lambda x, params: bind(all_to_all_p, x, **_behind(params)))


axis_index_p = Primitive(
    name="axis_index", evaluate=_unbound,
    infer=lambda *, axis_name, size, dtype: ArrayType((), dtype),
    batch=lambda size, args, batched, params: (iota(params["dtype"], (size,)), True))


def axis_index(name: Hashable):
    """The number of the lane in hand."""
    return bind(axis_index_p, axis_name=name, size=size_of(name, "axis_index"),
                dtype=np.dtype(default_int()))
