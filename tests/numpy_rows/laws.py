"""What is tried with a row: the value, the derivatives, a batch, the compiled form."""
from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import tree
from functrans.array import ArrayBase
from functrans.ir.type import is_inexact
from numpy_rows.base import Row
from numpy_rows.draw import Call, typical

ERRORS = (np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, ZeroDivisionError,
          OverflowError, TypeError, ValueError, NotImplementedError)


@contextmanager
def silent():
    """NumPy without its warnings."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def ours(row: Row, call: Call):
    return row.ours(*call.args, **call.kwargs)


def theirs(row: Row, call: Call):
    """NumPy's value, or the error that it raises."""
    with silent():
        try:
            return row.theirs(*call.args, **call.kwargs)
        except ERRORS as error:
            return error


def error_class(error: Exception) -> type:
    """The public class of an error of NumPy's."""
    return next(kind for kind in ERRORS if isinstance(error, kind))


def as_list(value) -> list:
    """Results as a flat list of arrays."""
    return [np.asarray(leaf) for leaf in tree.leaves(_plain(value))]


def _plain(value):
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value


def assert_close(got, expected, ulp: float, dtype: bool = True):
    """Equal; numbers that are rounded, up to `ulp` units of the last place of the largest."""
    got, expected = as_list(got), as_list(expected)
    assert len(got) == len(expected)
    for x, y in zip(got, expected):
        assert x.shape == y.shape
        if dtype:
            assert x.dtype == y.dtype
        _assert_values(x, y, ulp)


def _assert_values(x, y, ulp: float):
    if not is_inexact(y.dtype) or not y.size:
        np.testing.assert_array_equal(x, y)
        return
    narrow = min((a.dtype for a in (x, y) if is_inexact(a.dtype)), key=lambda kind: kind.itemsize)
    tolerance = ulp * float(fnp.finfo(narrow).eps)
    size = np.abs(y.astype(np.complex128))
    scale = np.max(size, initial=0, where=np.isfinite(size))
    with silent():
        np.testing.assert_allclose(x.astype(np.complex128), y.astype(np.complex128),
                                   rtol=tolerance, atol=tolerance * scale)


def typical_calls(row: Row, count: int, values: int = 1) -> list[list[Call]]:
    """`count` calls that NumPy takes, each `values` times with other elements."""
    found = []
    for structure in range(40):
        calls = [row.arguments(typical(structure, k)) for k in range(values)]
        if not any(isinstance(theirs(row, call), Exception) for call in calls):
            found.append(calls)
        if len(found) == count:
            return found
    assert found, f"no typical call of {row.name} is valid"
    return found


# ---- as a function of its arrays ----

class Flat:
    """A row's function of the arrays in a call, all else fixed; gives a list of arrays."""

    def __init__(self, row: Row, call: Call):
        self.row = row
        leaves, self.structure = tree.flatten((call.args, call.kwargs), is_leaf=_is_none)
        self.places = [k for k, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]
        self.leaves = leaves
        self.__name__ = row.name

    @property
    def arrays(self) -> list[np.ndarray]:
        return [self.leaves[k] for k in self.places]

    def __call__(self, *arrays):
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        args, kwargs = tree.unflatten(self.structure, leaves)
        return [leaf for leaf in tree.leaves(_plain(self.row.ours(*args, **kwargs)))
                if isinstance(leaf, (ArrayBase, np.ndarray, np.generic))]


def _is_none(value) -> bool:
    return value is None


def differentiable(function: Flat) -> tuple[list, list]:
    """(which arrays are inexact, a function of them that gives its inexact results)."""
    arrays = function.arrays
    places = [k for k, array in enumerate(arrays) if is_inexact(array.dtype)]

    def partial(*some):
        every = list(arrays)
        for place, value in zip(places, some):
            every[place] = value
        # Differences drown in the rounding of narrow results.
        return [out for out in function(*every) if out.dtype in (np.float64, np.complex128)]
    return [arrays[k] for k in places], partial


def random_like(rng, arrays) -> list:
    made = []
    for array in arrays:
        value = rng.normal(size=array.shape)
        if array.dtype.kind == "c":
            value = value + 1j * rng.normal(size=array.shape)
        made.append(value.astype(array.dtype))
    return made


def check_jvp(row: Row, call: Call) -> bool:
    """The forward derivative against central differences in float64; False if there is none."""
    points, function = differentiable(Flat(row, call))
    if not points or not function(*points):
        return False
    tangents = random_like(np.random.default_rng(0), points)
    values, got = ft.jvp(function, tuple(points), tuple(tangents))
    step = 1e-6
    plus, minus = ([np.asarray(out) for out in function(*[
        point + sign * step * tangent for point, tangent in zip(points, tangents)])]
        for sign in (1, -1))
    for value, part, high, low in zip(values, got, plus, minus, strict=True):
        finite = np.isfinite(np.asarray(value))
        np.testing.assert_allclose(np.asarray(part)[finite], (high - low)[finite] / (2 * step),
                                   rtol=1e-5, atol=1e-5)
    return True


def check_vjp(row: Row, call: Call) -> bool:
    """Reverse is the adjoint of forward; False if there is no derivative."""
    points, function = differentiable(Flat(row, call))
    if not points or not function(*points):
        return False
    rng = np.random.default_rng(1)
    tangents = random_like(rng, points)
    outs, pushed = ft.jvp(function, tuple(points), tuple(tangents))
    cotangents = random_like(rng, outs)
    pulled = ft.vjp(function, *points)[1](cotangents)
    left = sum(np.sum(np.asarray(a) * b).real for a, b in zip(pushed, cotangents))
    right = sum(np.sum(np.asarray(a) * b).real for a, b in zip(pulled, tangents))
    np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)
    return True


def check_vmap(row: Row, calls: list[Call]):
    """A batch against a loop over its lanes, which differ in the elements of all arrays."""
    lanes = [Flat(row, call) for call in calls]
    if not lanes[0].arrays:
        return False
    stacked = [np.stack(parts) for parts in zip(*(lane.arrays for lane in lanes))]
    got = ft.vmap(lanes[0])(*stacked)
    for k, lane in enumerate(lanes):
        assert_close([np.asarray(out)[k] for out in got], lane(*lane.arrays), row.ulp)
    return True


def check_jit(row: Row, call: Call, target: str = "cpu"):
    """The compiled function against the one that is evaluated."""
    function = Flat(row, call)
    compiled = ft.jit(function, device=target)
    assert_close(compiled(*function.arrays), function(*function.arrays), row.ulp)
    return True
