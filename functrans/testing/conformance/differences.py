"""Derivatives of a NumPy function in float64, by differences: what libraries are held to.

Central differences at three steps, each half of the one before, extrapolated to step 0
(L. F. Richardson, The approximate arithmetical solution by finite differences, 1911). The last
correction is the estimate of the error. Arrays are taken apart into real numbers: first all real
parts, then all imaginary parts.

Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

STEP = 1 / 64
LEVELS = 3


def to_real(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """All numbers of some arrays, as one real vector."""
    parts = [np.ravel(array.real) for array in arrays]
    parts += [np.ravel(array.imag) for array in arrays if np.iscomplexobj(array)]
    return np.concatenate([*parts, np.zeros(0)]).astype(np.float64)


def from_real(vector: np.ndarray, like: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The inverse of `to_real`, for arrays with the shapes of `like`, in double precision."""
    out, start = [], 0
    for array in like:
        out.append(vector[start:start + array.size].reshape(array.shape))
        start += array.size
    for place, array in enumerate(like):
        if np.iscomplexobj(array):
            out[place] = out[place] + 1j * vector[start:start + array.size].reshape(array.shape)
            start += array.size
    return out


def conjugated(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """`to_real` with the imaginary parts negated: Re(sum a b) is their product with `to_real`."""
    return to_real([np.conj(array) for array in arrays])


def extrapolated(difference: Callable[[float], np.ndarray], step: float = STEP) -> tuple:
    """The limit of `difference(h)` for h to 0, and how far it is likely to be off."""
    row = [difference(step / 2 ** level) for level in range(LEVELS)]
    before = row[-1]
    for order in range(1, LEVELS):
        factor = 4.0 ** order
        before = row[-1]
        row = [(factor * fine - coarse) / (factor - 1) for coarse, fine in zip(row, row[1:])]
    return row[-1], np.abs(row[-1] - before)


def derivative_along(function: Callable, points: Sequence, directions: Sequence) -> tuple:
    """The derivative of a list of arrays along a direction, as a real vector, and its error."""
    def difference(h):
        return (_moved(function, points, directions, h)
                - _moved(function, points, directions, -h)) / (2 * h)
    return extrapolated(difference)


def second_derivative_along(function: Callable, points: Sequence, directions: Sequence) -> tuple:
    """Likewise the second one."""
    middle = _moved(function, points, directions, 0.0)

    def difference(h):
        return (_moved(function, points, directions, h) - 2 * middle
                + _moved(function, points, directions, -h)) / h ** 2
    return extrapolated(difference, 2 * STEP)


def jacobian(function: Callable, points: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """The matrix from `to_real` of the points to `to_real` of the results, and its error."""
    count = len(to_real(points))
    columns = [derivative_along(function, points, from_real(unit, points))
               for unit in np.eye(count)]
    if not columns:
        rows = len(_moved(function, points, points, 0.0))
        return np.zeros((rows, 0)), np.zeros((rows, 0))
    return tuple(np.stack(part, axis=1) for part in zip(*columns))


def one_sided(function: Callable, points: Sequence, directions: Sequence, sign: int) -> np.ndarray:
    """The slope on one side; infinite where it grows without end as the step shrinks."""
    middle = _moved(function, points, directions, 0.0)
    coarse, fine = (sign * (_moved(function, points, directions, sign * h) - middle) / h
                    for h in (1e-4, 1e-7))
    steep = np.abs(fine) > 10 * np.abs(coarse) + 10
    return np.where(steep, np.copysign(np.inf, fine), fine)


def _moved(function, points, directions, h: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return to_real([np.asarray(part) for part in
                        function(*[x + h * d for x, d in zip(points, directions)])])
