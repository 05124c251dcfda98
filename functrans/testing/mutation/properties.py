"""What random Programs must have: cheap forms of the kit's checks, in one direction each.

In: a `Probe`. Out: nothing, or `Wrong`. What a compiled or a mapped gradient is compared with is
the gradient one by one, which the adjoint test ties to forward mode, and that to differences.
Imports `conformance`.
"""
from __future__ import annotations

import zlib

import numpy as np

import functrans as ft
from functrans.testing.conformance import differences
from functrans.testing.conformance.checks import (check_adjoint, check_eval, check_second,
                                                  pushed_forward)
from functrans.testing.conformance.compare import compare, compare_values
from functrans.testing.conformance.dtypes import widened
from functrans.testing.conformance.probe import LANES, NoQuestion, Probe, Wrong, has_derivative
from functrans.testing.mutation.views import gradient


def check_tangent(probe: Probe):
    """Forward mode along one direction is the limit of differences."""
    points, tangents, got = pushed_forward(probe)
    wanted, error = differences.derivative_along(
        probe.exact(), list(map(widened, points)), list(map(widened, tangents)))
    compare(got, differences.from_real(wanted, probe.results_like()), probe, "tangent", error)


def check_lanes(probe: Probe):
    """Mapping over some operands, each over one of its axes, equals a loop; so do gradients."""
    if not probe.arrays:
        raise NoQuestion
    lanes, axes = probe.lanes(), _axes(probe)
    stacked = [lanes[0][k] if axis is None else np.stack([lane[k] for lane in lanes], axis)
               for k, axis in enumerate(axes)]
    got = probe.returned(probe.library.vmap(probe.function, axes)(*probe.given(stacked)))
    for number in range(LANES):
        arrays = [lanes[0 if axis is None else number][k] for k, axis in enumerate(axes)]
        compare([_lane(part, number) for part in got], probe.expected(arrays), probe,
                f"in_axes={axes}, lane {number}")
    if has_derivative(probe):
        _check_gradients_of_lanes(probe, lanes)


def _axes(probe: Probe) -> tuple:
    """Which operands are mapped, and over which axis: chosen by the Program's name."""
    rng = np.random.default_rng(zlib.crc32(probe.seed.encode()))
    axes = [int(rng.integers(0, array.ndim + 1)) if rng.random() < 0.6 else None
            for array in probe.arrays]
    if all(axis is None for axis in axes):
        axes[int(rng.integers(len(axes)))] = 0
    return tuple(axes)


def _lane(value: np.ndarray, number: int) -> np.ndarray:
    if value.ndim == 0 or value.shape[0] != LANES:
        raise Wrong(f"a result of shape {value.shape} has no mapped axis in front")
    return value[number]


def _check_gradients_of_lanes(probe: Probe, lanes: list):
    pulled = gradient(probe)
    cotangents = [probe.directions(probe.results_like(lane), 7 + k)
                  for k, lane in enumerate(lanes)]
    every = [[*lane, *cts] for lane, cts in zip(lanes, cotangents)]
    stacked = [np.stack(parts) for parts in zip(*every)]
    got = probe.returned(probe.library.vmap(pulled, (0,) * len(stacked))(*probe.given(stacked)))
    for number, values in enumerate(every):
        alone = probe.returned(pulled(*probe.given(values)))
        for part, right in zip(got, alone, strict=True):
            compare_values(_lane(part, number), widened(right), probe,
                           f"mapped gradient, lane {number}", 0.0)


def check_kernels(probe: Probe):
    """Kernels, run in plain Python so that nothing is compiled, give the same as op by op."""
    with ft.interpret():
        got = probe.returned(probe.library.jit(probe.function)(*probe.given(probe.arrays)))
        compare(got, probe.expected(probe.arrays), probe, "compiled value")
        if not has_derivative(probe):
            return
        pulled = gradient(probe)
        given = probe.given([*probe.arrays, *probe.directions(probe.results_like(), 1)])
        compiled = probe.returned(probe.library.jit(pulled)(*given))
    for part, right in zip(compiled, probe.returned(pulled(*given)), strict=True):
        compare_values(part, widened(right), probe, "compiled gradient", 0.0)


PROPERTIES = {"value": check_eval, "tangent": check_tangent, "adjoint": check_adjoint,
              "lanes": check_lanes, "second": check_second, "kernels": check_kernels}
# Those that take longest: not every Program is tried for them.
SELDOM = ("second", "kernels")
