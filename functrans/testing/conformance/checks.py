"""The questions that a cell of the matrix asks, one function for each column.

In: a `Probe`, an operation of a library with a dtype. Each check returns if the answer is right,
raises `Wrong` with what was got and what was expected, or `NoQuestion` where there is nothing to
ask; whatever else is raised counts as a crash. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.testing.conformance import differences
from functrans.testing.conformance.compare import compare, compare_values
from functrans.testing.conformance.dtypes import is_complex, is_inexact, precision, widened
from functrans.testing.conformance.namespace import NotOffered
from functrans.testing.conformance.probe import (LANES, NoQuestion, Probe, Wrong, has_derivative,
                                                 jacobian)
from functrans.testing.conformance.special import check_edges, check_kinks


def check_eval(probe: Probe):
    """Values, shapes and precision are NumPy's."""
    got = probe.returned(probe.function(*probe.given(probe.arrays)))
    compare(got, probe.expected(probe.arrays), probe, "value")


def check_jit(probe: Probe):
    """Compiled code gives the same; so does the compiled gradient."""
    got = _compiled(probe, probe.function, probe.arrays)
    compare(got, probe.expected(probe.arrays), probe, "value")
    if "vjp" in probe.library.offers and has_derivative(probe):
        _check_jitted_gradient(probe)


def _compiled(probe: Probe, function: Callable, arrays: Sequence) -> list[np.ndarray]:
    """Results of compiled code, which does all that it can by itself."""
    jitted, given = probe.library.jit(function), probe.given(arrays)
    got = probe.returned(jitted(*given))
    left = probe.library.compiled_only_in_part(jitted, given)
    if left:
        raise Wrong(f"compiled code goes back to Python for {left}")
    return got


def _check_jitted_gradient(probe: Probe):
    count = len(probe.places)
    cotangents = probe.directions(probe.results_like(), 1)
    function = probe.smooth()

    def gradient(*values):
        return tuple(probe.library.vjp(function, values[:count], values[count:]))
    got = _compiled(probe, gradient, [*probe.points(), *cotangents])
    _compare_gradient(probe, got, probe.arrays, cotangents, "compiled gradient")


def check_vmap(probe: Probe):
    """Mapping over each axis, of each operand and of all, equals a loop."""
    if not probe.case.operands:
        raise NoQuestion
    lanes = probe.lanes()
    for axes in _mapped_axes(probe.arrays):
        stacked = [lanes[0][k] if axis is None else np.stack([lane[k] for lane in lanes], axis)
                   for k, axis in enumerate(axes)]
        got = probe.returned(probe.library.vmap(probe.function, axes)(*probe.given(stacked)))
        for number in range(LANES):
            arrays = [lanes[0 if axis is None else number][k] for k, axis in enumerate(axes)]
            part = [_lane(value, number) for value in got]
            compare(part, probe.expected(arrays), probe, f"in_axes={axes}, lane {number}")
    if "vjp" in probe.library.offers and has_derivative(probe):
        _check_mapped_gradient(probe, lanes)


def _lane(value: np.ndarray, number: int) -> np.ndarray:
    if value.ndim == 0 or value.shape[0] != LANES:
        raise Wrong(f"a result of shape {value.shape} has no mapped axis in front")
    return value[number]


def _mapped_axes(arrays: Sequence[np.ndarray]):
    """Each axis of each operand alone; all operands at once, over the first and the last."""
    count = len(arrays)
    for place, array in enumerate(arrays):
        for axis in range(array.ndim + 1):
            yield tuple(axis if k == place else None for k in range(count))
    if count > 1:
        yield (0,) * count
        yield tuple(array.ndim for array in arrays)


def _check_mapped_gradient(probe: Probe, lanes: list):
    """Gradients for all lanes, where the differentiated operands are mapped."""
    count = len(probe.places)
    cotangents = [probe.directions(probe.results_like(lane), 7 + k)
                  for k, lane in enumerate(lanes)]

    def gradient(*values):
        every, rest = values[:len(probe.arrays)], values[len(probe.arrays):]

        function = probe.partial(probe.function, probe.library.names, every)
        return tuple(probe.library.vjp(function, [every[k] for k in probe.places], rest))[:count]

    stacked = [np.stack(parts) for parts in zip(*lanes)]
    stacked += [np.stack(parts) for parts in zip(*cotangents)]
    got = probe.returned(probe.library.vmap(gradient, (0,) * len(stacked))(*probe.given(stacked)))
    for number, lane in enumerate(lanes):
        _compare_gradient(probe, [_lane(value, number) for value in got], lane,
                          cotangents[number], f"mapped gradient, lane {number}")


def pushed_forward(probe: Probe) -> tuple:
    """(points, a direction, forward mode's derivative along it)."""
    if not probe.operation.forward:
        raise NoQuestion
    points, tangents = probe.points(), probe.directions(probe.points(), 2)
    return points, tangents, probe.returned(
        probe.library.jvp(probe.smooth(), probe.given(points), probe.given(tangents)))


def check_jvp(probe: Probe):
    """The derivative along a direction is the limit of differences."""
    _, tangents, got = pushed_forward(probe)
    matrix, error = jacobian(probe, probe.arrays)
    flat = differences.to_real(tangents)
    wanted = differences.from_real(matrix @ flat, probe.results_like())
    compare(got, wanted, probe, "tangent", error @ np.abs(flat))


def check_vjp(probe: Probe):
    """Each element of the gradient is the limit of differences."""
    cotangents = probe.directions(probe.results_like(), 3)
    got = probe.returned(probe.library.vjp(probe.smooth(), probe.given(probe.points()),
                                           probe.given(cotangents)))
    _compare_gradient(probe, got, probe.arrays, cotangents, "gradient")


def _compare_gradient(probe: Probe, got, arrays, cotangents, what: str):
    matrix, error = jacobian(probe, arrays)
    paired = _paired(probe, cotangents)
    points = [arrays[place] for place in probe.places]
    wanted = differences.from_real(matrix.T @ paired, points)
    if probe.library.pairing == "bilinear":
        wanted = [np.conj(part) for part in wanted]
    _compare_operands(probe, got, wanted, what, error.T @ np.abs(paired))


def _compare_operands(probe: Probe, got, wanted, what: str, error):
    """Gradients have the dtype of operands, whatever that of results is."""
    for number, part in enumerate(got):
        if is_inexact(part.dtype) and precision(part.dtype, probe.dtype) != part.dtype:
            raise Wrong(f"{what}: dtype {part.dtype} for an operand of {probe.dtype}")
        where = f"{what}, operand {probe.places[number]}" if len(wanted) > 1 else what
        if part.shape != wanted[number].shape:
            raise Wrong(f"{where}: shape {part.shape}, expected {wanted[number].shape}")
        compare_values(part, wanted[number], probe, where, error)


def _paired(probe: Probe, cotangents) -> np.ndarray:
    """Cotangents as the real vector whose product with a real tangent vector is meant."""
    if probe.library.pairing == "bilinear":
        return differences.conjugated(cotangents)
    return differences.to_real(cotangents)


def check_adjoint(probe: Probe):
    """Forward and reverse mode are adjoint to each other: the dot-product test."""
    if not probe.operation.forward:
        raise NoQuestion
    points = probe.points()
    tangents, cotangents = probe.directions(points, 4), probe.directions(probe.results_like(), 5)
    function, given = probe.smooth(), probe.given(points)
    pushed = probe.returned(probe.library.jvp(function, given, probe.given(tangents)))
    pulled = probe.returned(probe.library.vjp(function, given, probe.given(cotangents)))
    for part in (*pushed, *pulled):
        if not np.all(np.isfinite(part)):
            raise Wrong("a derivative is not finite")
    left, scale = _product(probe, pushed, cotangents)
    right, other = _product(probe, pulled, tangents)
    bound = probe.tolerance()(max(scale, other))
    if not abs(left - right) <= bound:
        raise Wrong(f"<ct, jvp(t)> = {left:.9g}, <vjp(ct), t> = {right:.9g}")


def _product(probe: Probe, first, second) -> tuple[float, float]:
    first, second = (list(map(widened, part)) for part in (first, second))
    flat = _paired(probe, first)
    other = differences.to_real(second)
    return float(flat @ other), float(np.abs(flat) @ np.abs(other))


def check_second(probe: Probe):
    """Second derivatives, forward over forward and in all other orders, equal differences."""
    if not probe.operation.second:
        raise NoQuestion
    points, direction = probe.points(), probe.directions(probe.points(), 6)
    cotangents = probe.directions(probe.results_like(), 8)
    wanted, error = differences.second_derivative_along(
        probe.exact(), list(map(widened, points)), list(map(widened, direction)))
    paired = differences.conjugated(cotangents) if probe.library.pairing == "bilinear" \
        else differences.to_real(cotangents)
    value, bound = float(paired @ wanted), float(np.abs(paired) @ error)
    size = float(np.abs(paired) @ np.abs(wanted))
    asked = 0
    for name, got in _second_orders(probe, points, direction, cotangents):
        asked += 1
        tolerance = probe.tolerance(bound)(size) * 4
        if not abs(got - value) <= tolerance:
            raise Wrong(f"{name}: {got:.9g}, expected {value:.9g}")
    if not asked:
        raise NotOffered("neither forward nor reverse mode")


def _second_orders(probe: Probe, points, direction, cotangents):
    """(order of modes, <ct, second derivative along the direction twice>)."""
    library, function, given = probe.library, probe.smooth(), probe.given(points)
    along, back = probe.given(direction), probe.given(cotangents)

    def forward(*xs):
        return tuple(library.jvp(function, xs, along))

    def reverse(*xs):
        return tuple(library.vjp(function, xs, back))

    def total(values, others):
        return _product(probe, probe.returned(values), others)[0]

    both = "jvp" in library.offers and probe.operation.forward
    if both:
        yield "forward over forward", total(library.jvp(forward, given, along), cotangents)
    if is_complex(probe.dtype) or "vjp" not in library.offers:
        return
    yield "reverse over reverse", total(library.vjp(reverse, given, along), direction)
    if both:
        yield "forward over reverse", total(library.jvp(reverse, given, along), direction)
        yield "reverse over forward", total(library.vjp(forward, given, back), direction)


def check_empty(probe: Probe):
    """Arrays without elements: shapes, values of reductions over nothing, gradients."""
    if not probe.operation.empty:
        raise NoQuestion
    sizes = dict.fromkeys(probe.operation.empty, 0)
    empty = Probe(probe.library, probe.operation, probe.case, probe.dtype.name, sizes)
    if not any(set(operand.dims) & set(sizes) for operand in probe.case.operands):
        raise NoQuestion
    check_eval(empty)
    if has_derivative(empty) and "vjp" in probe.library.offers:
        check_vjp(empty)


def check_scalar(probe: Probe):
    """0-d arrays: values and both derivatives."""
    if not probe.operation.elementwise:
        raise NoQuestion
    case = probe.case.without_axes()
    scalar = Probe(probe.library, probe.operation, case, probe.dtype.name)
    check_eval(scalar)
    if has_derivative(scalar):
        for name, check in (("jvp", check_jvp), ("vjp", check_vjp)):
            if name in probe.library.offers:
                check(scalar)


# Column: the check, what of a library it needs, and whether every case is asked or the first.
COLUMNS = {
    "eval": (check_eval, ()), "jit": (check_jit, ("jit",)), "vmap": (check_vmap, ("vmap",)),
    "jvp": (check_jvp, ("jvp",)), "vjp": (check_vjp, ("vjp",)),
    "adjoint": (check_adjoint, ("jvp", "vjp")), "second": (check_second, ()),
    "kinks": (check_kinks, ()), "nan, inf": (check_edges, ()), "empty": (check_empty, ()),
    "0-d": (check_scalar, ())}
