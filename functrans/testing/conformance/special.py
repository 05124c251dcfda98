"""The questions about special values: kinks, NaN and infinities.

Imports NumPy only.
"""
from __future__ import annotations

import numpy as np

from functrans.testing.conformance import differences
from functrans.testing.conformance.compare import compare, compare_values
from functrans.testing.conformance.dtypes import (epsilon, is_complex, is_float, is_inexact,
                                                  precision, widened)
from functrans.testing.conformance.probe import NoQuestion, Probe, Wrong, expected

EDGES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0)


def check_kinks(probe: Probe):
    """At kinks a slope is one of those between the slopes of both sides, in both modes."""
    if not probe.operation.kinks or not is_inexact(probe.dtype):
        raise NoQuestion
    if is_complex(probe.dtype) and any(map(np.iscomplexobj, probe.expected(probe.arrays))):
        raise NoQuestion                       # a branch point: no slope is more right than another
    for point in probe.operation.kinks:
        arrays = [np.asarray(value, probe.dtype) for value in _fitted(probe, point)]
        _check_kink(probe, arrays, point)


def _fitted(probe: Probe, point) -> list:
    """Values of a point with as many axes as the first case's operands have."""
    return [np.asarray(value).reshape((1,) * (len(operand.dims) - np.ndim(value))
                                      + np.shape(value)) if np.ndim(value) else value
            for value, operand in zip(point, probe.case.operands)]


def _check_kink(probe: Probe, arrays, point):
    function = probe.smooth(arrays)
    exact = probe.exact(arrays)
    wide = [widened(array) for array in arrays]
    outputs = expected(probe.case, arrays)
    for number in range(sum(array.size for array in arrays)):
        unit = np.zeros(sum(array.size for array in arrays))
        unit[number] = 1
        direction = _unit(unit, arrays)
        sides = [differences.one_sided(exact, wide, list(map(widened, direction)), sign)
                 for sign in (1, -1)]
        low, high = np.fmin(*sides), np.fmax(*sides)
        if is_complex(probe.dtype) or np.isnan(low).all():
            low, high = (np.full_like(low, bound) for bound in (-np.inf, np.inf))
        if "jvp" in probe.library.offers:
            pushed = probe.returned(probe.library.jvp(function, probe.given(arrays),
                                                      probe.given(direction)))
            _check_slopes(differences.to_real(pushed), low, high, probe,
                          f"forward mode at {point}, operand element {number}")
    if "vjp" in probe.library.offers and len(outputs) == 1 and outputs[0].size == 1:
        _check_pulled(probe, arrays, function, exact, wide, outputs, point)


def _check_pulled(probe: Probe, arrays, function, exact, wide, outputs, point):
    one = np.ones(outputs[0].shape, precision(outputs[0].dtype, probe.dtype))
    pulled = differences.to_real(probe.returned(
        probe.library.vjp(function, probe.given(arrays), probe.given([one]))))
    if is_complex(probe.dtype):
        low, high = (np.full(pulled.shape, bound) for bound in (-np.inf, np.inf))
    else:
        units = [_unit(row, arrays) for row in np.eye(len(pulled))]
        sides = [[differences.one_sided(exact, wide, list(map(widened, unit)), sign)[0]
                  for unit in units] for sign in (1, -1)]
        low, high = np.fmin(*sides), np.fmax(*sides)
    _check_slopes(pulled, low, high, probe, f"reverse mode at {point}")


def _unit(vector: np.ndarray, like) -> list[np.ndarray]:
    out, start = [], 0
    for array in like:
        out.append(vector[start:start + array.size].reshape(array.shape).astype(array.dtype))
        start += array.size
    return out


def _check_slopes(got, low, high, probe: Probe, what: str):
    margin = 1e-3 + 16 * epsilon(probe.dtype)
    with np.errstate(all="ignore"):
        inside = (got >= low - margin) & (got <= high + margin)
    if not inside.all():
        place = int(np.argmin(inside))
        between = f"{low[place]:.6g}" if low[place] == high[place] else \
            f"between {low[place]:.6g} and {high[place]:.6g}"
        raise Wrong(f"{what}: the slope is {got[place]:.6g}, expected {between}")


def check_edges(probe: Probe):
    """NaN, infinities and zeros give what they give NumPy; derivatives there have a limit."""
    if not is_float(probe.dtype) or not (probe.operation.edges or probe.operation.limits):
        raise NoQuestion
    if probe.operation.edges:
        arrays = _edge_operands(probe)
        right = probe.expected(arrays)
        given = probe.given(arrays)
        compare(probe.returned(probe.function(*given)), right, probe, "value")
        if "jit" in probe.library.offers:
            got = probe.returned(probe.library.jit(probe.function)(*given))
            compare(got, right, probe, "compiled value")
    for point, slopes in probe.operation.limits:
        if "vjp" in probe.library.offers:
            _check_limit(probe, point, slopes)


def _edge_operands(probe: Probe) -> list[np.ndarray]:
    """All pairs of special values for elements; else one of them among usual values."""
    count = sum(is_inexact(array.dtype) for array in probe.arrays)
    if probe.operation.elementwise and count:
        grids = np.meshgrid(*[np.array(EDGES)] * count, indexing="ij")
        values = iter(grid.ravel().astype(probe.dtype) for grid in grids)
        size = len(EDGES) ** count
        return [next(values) if is_inexact(array.dtype) else np.resize(array.ravel(), size)
                for array in probe.arrays]
    arrays = [array.copy() for array in probe.arrays]
    first = arrays[0]
    flat = first.reshape(-1)
    flat[0] = np.nan
    flat[-1] = np.inf
    return arrays


def _check_limit(probe: Probe, point, slopes):
    arrays = [np.asarray(value, probe.dtype) for value in _fitted(probe, point)]
    outputs = expected(probe.case, arrays)
    ones = [np.ones(part.shape, precision(part.dtype, probe.dtype)) for part in outputs]
    got = probe.returned(probe.library.vjp(probe.smooth(arrays), probe.given(arrays),
                                           probe.given(ones)))
    for number, (part, slope) in enumerate(zip(got, slopes)):
        if slope is not None:
            right = np.asarray(slope, np.float64).reshape(part.shape)
            compare_values(part, right, probe, f"gradient at {point}, operand {number}", 0.0)


