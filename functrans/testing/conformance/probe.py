"""A probe: one case of an operation, with values of one dtype, for a library.

In: an operation and a library's adapter. Out: functions in the library's and in NumPy's terms,
points, directions, tolerances. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from functrans.testing.conformance import differences
from functrans.testing.conformance.dtypes import (dtype_named, epsilon, is_complex, is_inexact,
                                                  precision, widened)
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.operation import Case, Operation
from functrans.testing.conformance.reference import REFERENCE

LANES = 2
HALF, HALF_ULP = 1e-4, 8         # half precision is rounded from a wider one, once an operation


class Wrong(Exception):
    """A result that is not what it should be."""


class NoQuestion(Exception):
    """The operation has nothing to ask in this column."""


def as_tuple(out) -> tuple:
    return tuple(out) if isinstance(out, (tuple, list)) else (out,)


def expected(case: Case, arrays: Sequence[np.ndarray], native: bool = False) -> list[np.ndarray]:
    """NumPy's results, in double precision unless `native`."""
    arrays = arrays if native else map(widened, arrays)
    with np.errstate(all="ignore"):
        return [np.asarray(part) for part in as_tuple(case.function(REFERENCE, *arrays))]


class Probe:
    """One case of an operation, with values of one dtype, for a library."""

    def __init__(self, library: Library, operation: Operation, case: Case, dtype: str,
                 sizes: dict | None = None):
        self.library = library
        self.operation = operation
        self.case = case
        self.dtype = dtype_named(dtype)
        self.sizes = sizes
        self.seed = f"{operation.name} {operation.cases.index(case)}" \
            if case in operation.cases else operation.name
        self.arrays = case.arrays(dtype, self.seed, sizes)

    def lanes(self) -> list[list[np.ndarray]]:
        return [self.case.arrays(self.dtype.name, f"{self.seed} {lane}", self.sizes)
                for lane in range(LANES)]

    def function(self, *arrays) -> tuple:
        """The operation in the library's terms."""
        return as_tuple(self.case.function(self.library.names, *arrays))

    def expected(self, arrays: Sequence) -> list[np.ndarray]:
        """What the results should be."""
        return expected(self.case, arrays, self.operation.native)

    def given(self, arrays: Sequence) -> list:
        return [self.library.array(array) for array in arrays]

    def returned(self, values: Sequence) -> list[np.ndarray]:
        return [np.asarray(self.library.numpy(value)) for value in values]

    # ---- derivatives ----

    @cached_property
    def places(self) -> list[int]:
        """The operands in which a derivative is asked for."""
        if not self.operation.derivative or not is_inexact(self.dtype):
            raise NoQuestion
        found = [place for place, array in enumerate(self.arrays)
                 if is_inexact(array.dtype) and place not in self.operation.fixed]
        if not found:
            raise NoQuestion
        return found

    @cached_property
    def differentiated(self) -> Callable:
        """`function(xp, results)`: those that have a derivative. Where all are whole numbers or
        truths, these as numbers of the operands' dtype, with the derivative zero."""
        name = self.dtype.name
        kept = [is_inexact(part.dtype) for part in expected(self.case, self.arrays)]

        def as_numbers(xp, parts):
            return tuple(xp.astype(part, name) for part in parts)

        def those_kept(xp, parts):
            return tuple(part for part, keep in zip(parts, kept) if keep)
        return those_kept if any(kept) else as_numbers

    def smooth(self, every: Sequence | None = None) -> Callable:
        """In the library's terms."""
        arrays = self.arrays if every is None else every
        return self.places and self.partial(self.function, self.library.names, self.given(arrays))

    def partial(self, function: Callable, xp, every: Sequence) -> Callable:
        """The function of the operands at `places` alone, with the results that matter."""
        places, chosen = self.places, self.differentiated

        def restricted(*some):
            operands = list(every)
            for place, value in zip(places, some):
                operands[place] = value
            return chosen(xp, function(*operands))
        return restricted

    def exact(self, arrays: Sequence | None = None) -> Callable:
        """In NumPy's terms, in double precision."""
        arrays = [widened(array) for array in (self.arrays if arrays is None else arrays)]
        return self.partial(lambda *xs: expected(self.case, xs), REFERENCE, arrays)

    def points(self, arrays: Sequence | None = None) -> list[np.ndarray]:
        arrays = self.arrays if arrays is None else arrays
        return [arrays[place] for place in self.places]

    def directions(self, like: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
        """Multiples of 1/8 below 1: exact in every dtype, and no step leaves the domain."""
        rng = np.random.default_rng(seed)

        def values(shape):
            return rng.integers(1, 8, shape) / 8 * rng.choice([-1, 1], shape)
        return [(values(array.shape) + (1j * values(array.shape) if is_complex(array.dtype) else 0)
                 ).astype(array.dtype) for array in like]

    def results_like(self, arrays: Sequence | None = None) -> list[np.ndarray]:
        """Arrays with the shapes and dtypes of the inexact results."""
        arrays = self.arrays if arrays is None else arrays
        return [part.astype(precision(part.dtype, self.result_dtype))
                for part in self.differentiated(REFERENCE, expected(self.case, arrays))]

    @cached_property
    def result_dtype(self) -> np.dtype:
        """The dtype whose precision results have: that of the operands, but for conversions."""
        name = self.operation.name
        return dtype_named(name.split()[1]) if name.startswith("astype") else self.dtype

    def tolerance(self, error=0.0) -> Callable:
        """atol from the size of what is expected, and the oracle's own error."""
        eps, slack = max(epsilon(self.dtype), epsilon(self.result_dtype)), np.max(error, initial=0)
        ulp = min(self.operation.ulp, HALF_ULP) if eps > HALF else self.operation.ulp

        def of(size: float):
            return 8 * slack + (ulp * eps + 1e-9 * (slack > 0)) * max(size, 1.0)
        return of


_jacobians: dict = {}


def jacobian(probe: Probe, arrays: Sequence[np.ndarray]) -> tuple:
    """Of the reference at a point, and its error; found once for all dtypes and columns."""
    wide = [widened(array) for array in arrays]
    key = (probe.case, tuple(probe.places), tuple((x.dtype, x.shape, x.tobytes()) for x in wide))
    if key not in _jacobians:
        while len(_jacobians) > 64:
            _jacobians.pop(next(iter(_jacobians)))
        _jacobians[key] = differences.jacobian(probe.exact(arrays), probe.points(wide))
    return _jacobians[key]


def has_derivative(probe: Probe) -> bool:
    try:
        return bool(probe.places)
    except NoQuestion:
        return False
