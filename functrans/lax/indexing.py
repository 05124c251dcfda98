"""`gather` and `scatter` by dimension numbers: windows of an array at run-time places.

Every kind of indexing is a case of these two. They become the primitives of `primitives.index`,
which take an array of indices for each indexed dimension; dimensions that a window covers as a
whole are left to it.

Imports `lax.operands`, `lax.indexing_dimensions`, `numpy`, `primitives`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.errors import DtypeError
from functrans.ir.type import ArrayType, is_bool, is_inexact, is_integer
from functrans.lax.indexing_dimensions import (GatherDimensionNumbers, GatherScatterMode, Windows,
                                               gather_windows, scatter_windows)
from functrans.lax.operands import documented, in_dtype, of_one_dtype, one, sizes_of
from functrans.primitives import elementwise as basic
from functrans.primitives import index as primitives
from functrans.primitives import shape as prim
from functrans.primitives.basic import broadcast, full


def gather(operand, start_indices, dimension_numbers: GatherDimensionNumbers,
           slice_sizes: Sequence[int], *, unique_indices: bool = False,
           indices_are_sorted: bool = False, mode=None, fill_value=None):
    """Windows of `operand` at places that are known at run time.

    start_indices: integers (places.., k): where windows begin, along the k dimensions
        `dimension_numbers.start_index_map`. slice_sizes: of a window, for each dimension.
    dimension_numbers: a `GatherDimensionNumbers`.
    mode: what is read of a window that is not inside: "clip" (default), the nearest window that
        is; "fill", `fill_value` (NaN, or the lowest integer, unless given);
        "promise_in_bounds": there is none.
    unique_indices, indices_are_sorted: promises that nothing here makes use of.
    Raises TypeError for indices that are no integers, ValueError for sizes that do not fit.

    >>> from functrans import lax, numpy as fnp
    >>> rows = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,),
    ...                                   start_index_map=(0,))
    >>> lax.gather(fnp.arange(6).reshape(3, 2), fnp.array([[2], [0]]), rows, (1, 2))
    Array([[4, 5],
           [0, 1]], dtype=int64)
    """
    operand, starts = one(operand, "gather"), _integers(start_indices, "gather")
    sizes = sizes_of(slice_sizes, operand.ndim, "gather", "slice_sizes")
    windows = gather_windows(dimension_numbers, operand.shape, starts.shape, sizes)
    mode = GatherScatterMode.from_any("clip" if mode is None else mode)
    places, inside = _places(windows, starts, mode)
    out = primitives.gather(_indexed_first(operand, windows), places, 0, "promise")
    if mode is GatherScatterMode.FILL_OR_DROP:
        fill = _fill_value(operand, fill_value)
        out = basic.select(broadcast(inside, out.shape, range(inside.ndim)), out, fill)
    return prim.transpose(out, np.argsort(windows.out_places).tolist())


def _integers(indices, name: str):
    indices = one(indices, name)
    if not is_integer(indices.dtype) or not indices.ndim:
        raise DtypeError(f"lax.{name} takes integers (places.., k) as indices, got {indices.type}")
    return basic.convert(indices, np.int64)


def _fill_value(operand, value):
    """What is read outside: NaN, the lowest signed, the highest unsigned integer, True."""
    if value is not None:
        return in_dtype(value, operand, "gather", "fill_value")
    dtype = operand.dtype
    if is_inexact(dtype) or is_bool(dtype):
        return dtype.type(np.nan if is_inexact(dtype) else True)
    info = np.iinfo(dtype)
    return dtype.type(info.max if dtype.kind == "u" else info.min)


def _places(windows: Windows, starts, mode) -> tuple[list, object]:
    """(an array of indices for each indexed dimension, whether the window lies inside)

    The arrays have dimensions (places.., window..): those of the window that are indexed with it,
    `windows.partial`.
    """
    spots = starts.shape[:-1]
    inside = full(ArrayType(spots, np.bool_), True)
    shape = spots + tuple(windows.sizes[d] for d in windows.partial)
    places = []
    for d in windows.indexed:
        start = _start(windows, starts, d)
        zero, last = np.int64(0), np.int64(windows.shape[d] - windows.sizes[d])
        inside = basic.and_(inside, basic.and_(basic.ge(start, zero), basic.le(start, last)))
        if mode is not GatherScatterMode.PROMISE_IN_BOUNDS:
            start = basic.minimum(basic.maximum(start, zero), last)
        place = broadcast(start, shape, range(len(spots)))
        if d in windows.partial:
            axis = len(spots) + windows.partial.index(d)
            place = basic.add(place, prim.iota(np.int64, shape, axis))
        places.append(place)
    return places or [full(ArrayType(shape, np.int64), 0)], inside


def _start(windows: Windows, starts, d: int):
    """Where windows begin along a dimension: as given, each in its own batch, or at 0."""
    spots = starts.shape[:-1]
    if d in windows.index_map:
        k = windows.index_map.index(d)
        column = prim.slice_axis(starts, starts.ndim - 1, k, k + 1)
        return prim.reshape(column, spots)
    if d in windows.batching:
        return prim.iota(np.int64, spots, windows.batching[d])
    return full(ArrayType(spots, np.int64), 0)


def _indexed_first(operand, windows: Windows):
    """The operand with its indexed dimensions first; with one of size 1, if there is none."""
    operand = prim.transpose(operand, (*windows.indexed, *windows.whole))
    return operand if windows.indexed else prim.expand_dims(operand, (0,))


def _back(out, windows: Windows):
    if not windows.indexed:
        out = prim.reshape(out, out.shape[1:])
    return prim.transpose(out, np.argsort((*windows.indexed, *windows.whole)).tolist())


# ---- scatter ----

def _scatter(primitive, name: str, operand, indices, updates, numbers, unique: bool, mode):
    operand, updates = of_one_dtype(name, one(operand, name), one(updates, name))
    starts = _integers(indices, name)
    windows = scatter_windows(numbers, operand.shape, starts.shape, updates.shape, name)
    mode = GatherScatterMode.from_any(mode)
    places, inside = _places(windows, starts, mode)
    if mode is GatherScatterMode.FILL_OR_DROP:
        mask = broadcast(inside, places[0].shape, range(inside.ndim))
        places = [basic.select(mask, place, np.int64(-1)) for place in places]
    how = "drop" if mode is GatherScatterMode.FILL_OR_DROP else "promise"
    updates = prim.transpose(updates, windows.out_places)
    out = primitives.scatter(primitive, _indexed_first(operand, windows), updates, places, 0, how,
                             unique)
    return _back(out, windows)


def _scattering(name: str, primitive, doc: str, result: str) -> Callable:
    def function(operand, scatter_indices, updates, dimension_numbers, *,
                 indices_are_sorted: bool = False, unique_indices: bool = False, mode=None):
        return _scatter(primitive, name, operand, scatter_indices, updates, dimension_numbers,
                        bool(unique_indices), mode)
    text = (f"{doc}\n\n"
            "    scatter_indices: integers (places.., k): where windows begin, along the k\n"
            "        dimensions `dimension_numbers.scatter_dims_to_operand_dims`.\n"
            "    updates: the windows, in the dtype of `operand`; dimension_numbers: a\n"
            "        `ScatterDimensionNumbers`. unique_indices: a promise that none overlap.\n"
            "    mode: of a window that is not inside: 'drop' (default) writes nothing, 'clip' to\n"
            "        the nearest that is; 'promise_in_bounds': there is none.")
    call = (f"{name}(fnp.array([1.0, 2.0, 3.0]), fnp.array([[1]]), fnp.array([4.0]),\n"
            f"    ...     lax.ScatterDimensionNumbers((), (0,), (0,)))")
    return documented(function, name, text, call, result, "lax, numpy as fnp")


scatter = _scattering("scatter", primitives.scatter_set_p,
                      "`operand` with windows replaced by `updates`; the last one stays.",
                      "Array([1., 4., 3.], dtype=float32)")
scatter_add = _scattering("scatter_add", primitives.scatter_add_p,
                          "`operand` with `updates` added to windows.",
                          "Array([1., 6., 3.], dtype=float32)")
scatter_mul = _scattering("scatter_mul", primitives.scatter_mul_p,
                          "`operand` with windows multiplied by `updates`.",
                          "Array([1., 8., 3.], dtype=float32)")
scatter_min = _scattering("scatter_min", primitives.scatter_min_p,
                          "`operand` with the smaller of windows and `updates`.",
                          "Array([1., 2., 3.], dtype=float32)")
scatter_max = _scattering("scatter_max", primitives.scatter_max_p,
                          "`operand` with the larger of windows and `updates`.",
                          "Array([1., 4., 3.], dtype=float32)")


def scatter_sub(operand, scatter_indices, updates, dimension_numbers, *,
                indices_are_sorted: bool = False, unique_indices: bool = False, mode=None):
    """`operand` with `updates` subtracted from windows; see `scatter_add`.

    >>> from functrans import lax, numpy as fnp
    >>> lax.scatter_sub(fnp.ones(2), fnp.array([[1]]), fnp.array([4.0]),
    ...                 lax.ScatterDimensionNumbers((), (0,), (0,)))
    Array([ 1., -3.], dtype=float32)
    """
    return scatter_add(operand, scatter_indices, basic.neg(one(updates, "scatter_sub")),
                       dimension_numbers, unique_indices=unique_indices, mode=mode)
