"""Shapes, dtypes, axes, arrays, lengths, keys.

In: bounds. Out: strategies. Imports functrans's public functions.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import functrans as ft
from functrans.errors import ArgumentError
from functrans.testing.strategies.base import st, strategy

#: The names of dtypes by kind.
DTYPES = {
    "float": ("float32", "float64", "float16", "bfloat16"),
    "complex": ("complex64", "complex128"),
    "int": ("int32", "int64", "int8", "int16"),
    "uint": ("uint32", "uint64", "uint8", "uint16"),
    "bool": ("bool",),
}


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4):
    """Tuples of sizes; they shrink to few dimensions and short sides.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.shapes(min_dims=2), lambda shape: 3 in shape)
    (0, 3)
    """
    return st.lists(st.integers(min_side, max_side), min_size=min_dims,
                    max_size=max_dims).map(tuple)


@st.composite
def broadcastable_shapes(draw, count: int = 2, max_dims: int = 3, min_side: int = 0,
                         max_side: int = 4):
    """`count` shapes that broadcast together: sides are 1, or equal; leading ones may lack.

    >>> import numpy as np
    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> pair = find(fst.broadcastable_shapes(), lambda pair: pair[0] != pair[1])
    >>> np.broadcast_shapes(*pair) in pair
    True
    """
    whole = draw(shapes(0, max_dims, min_side, max_side))
    found = []
    for _ in range(count):
        skipped = draw(st.integers(0, len(whole)))
        ones = draw(st.tuples(*[st.booleans() for _ in whole[skipped:]]))
        found.append(tuple(1 if one else side for one, side in zip(ones, whole[skipped:])))
    return tuple(found)


def dtypes(kinds: Sequence[str] = ("float",)):
    """Names of dtypes of some kinds: "float", "complex", "int", "uint", "bool".

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.dtypes(("float", "complex")), lambda name: True)
    'float32'
    """
    unknown = [kind for kind in kinds if kind not in DTYPES]
    if unknown:
        raise ArgumentError(f"dtypes: {unknown[0]!r} is no kind; there are {', '.join(DTYPES)}")
    return st.sampled_from([name for kind in kinds for name in DTYPES[kind]])


def axes(ndim: int, min_count: int = 0, max_count: int | None = None):
    """Axes of an array of `ndim` dimensions: None (all), one number, or a tuple of distinct ones.

    They are negative at times. min_count, max_count: of those in a tuple.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.axes(3), lambda axis: isinstance(axis, tuple) and len(axis) == 2)
    (0, 1)
    """
    if not ndim:
        return st.sampled_from([None, ()] if not min_count else [None])
    most = ndim if max_count is None else min(max_count, ndim)
    several = st.lists(st.integers(0, ndim - 1), min_size=min_count, max_size=most, unique=True)
    signs = st.lists(st.booleans(), min_size=ndim, max_size=ndim)
    tuples = st.tuples(several, signs).map(lambda pair: tuple(
        axis - ndim if flip else axis for axis, flip in zip(*pair)))
    return st.one_of(st.none(), st.integers(0, ndim - 1), st.integers(-ndim, -1), tuples)


_STYLES = ("ones", "whole", "uniform", "wide")


@st.composite
def arrays(draw, shape=None, dtype="float32", low: float = -2.0, high: float = 2.0,
           edges: bool = False):
    """Arrays, drawn as a seed and a style: ones, small whole numbers, uniform, of many magnitudes.

    shape: a tuple, or a strategy of them (`shapes()`); dtype: a name, or a strategy of them.
    low, high: the values lie between them, at least roughly for integers. edges: some entries are
    0, -0, infinite, NaN, subnormal, the smallest and the largest numbers.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.arrays((2,), "float64", low=0.5), lambda x: (x != 1).all()).dtype.name
    'float64'
    """
    shape = draw(strategy(shapes() if shape is None else shape))
    name = draw(strategy(dtype))
    style, seed = draw(st.sampled_from(_STYLES)), draw(st.integers(0, 2 ** 16))
    rng = np.random.default_rng(seed)
    values = _values(rng, style, shape, name, low, high)
    if edges and draw(st.booleans()):
        values = _with_edges(rng, values, name)
    return ft.numpy.array(values)


def _numpy_dtype(name: str) -> np.dtype:
    return np.dtype(ft.numpy.bfloat16 if name == "bfloat16" else name)


def _values(rng, style: str, shape: tuple, name: str, low: float, high: float) -> np.ndarray:
    dtype = _numpy_dtype(name)
    if dtype.kind == "b":
        return np.ones(shape, bool) if style == "ones" else rng.random(shape) < 0.5
    if dtype.kind == "u":
        low = max(low, 0)
    values = _reals(rng, style, shape, low, high)
    if dtype.kind == "c" and style != "ones":
        values = values + 1j * _reals(rng, style, shape, low, high)
    return np.asarray(np.rint(values) if dtype.kind in "iu" else values).astype(dtype)


def _reals(rng, style: str, shape: tuple, low: float, high: float) -> np.ndarray:
    if style == "ones":
        return np.full(shape, float(np.clip(1.0, low, high)))
    if style == "whole":
        return np.clip(np.rint(rng.uniform(low, high, shape)), low, high)
    values = rng.uniform(low, high, shape)
    if style == "wide":                            # towards the bound that is nearest to zero
        near = float(np.clip(0.0, low, high))
        values = near + (values - near) * 10.0 ** rng.uniform(-4, 0, shape)
    return values


def _with_edges(rng, values: np.ndarray, name: str) -> np.ndarray:
    """About a third of the entries replaced by edges of the dtype."""
    edges = _edges(name)
    chosen = edges[rng.integers(0, len(edges), values.shape)]
    return np.where(rng.random(values.shape) < 0.3, chosen, values).astype(values.dtype)


def _edges(name: str) -> np.ndarray:
    dtype = _numpy_dtype(name)
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        return np.array([0, 1, bounds.min, bounds.max], dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    info = ft.numpy.finfo(dtype)
    largest, tiny = float(info.max), float(info.tiny)
    with np.errstate(all="ignore"):
        return np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, largest, -largest, tiny,
                         tiny / 4]).astype(dtype)


def ragged_lengths(count: int = 4, longest: int = 6, shortest: int = 0):
    """The lengths of `count` sequences of a batch: a tuple of ints.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.ragged_lengths(3), lambda lengths: len(set(lengths)) == 3)
    (0, 1, 2)
    """
    return st.tuples(*[st.integers(shortest, longest) for _ in range(count)])


def keys():
    """Keys of `ft.random`.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.keys(), lambda key: True).shape
    (2,)
    """
    return st.integers(0, 2 ** 31 - 1).map(lambda seed: ft.random.key(seed))
