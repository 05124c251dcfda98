"""The laws that every primitive obeys, tried on each row of `rows.py`."""
from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from cases import Case, Row
from rows import BY_NAME, ROWS, TESTED_ELSEWHERE, all_primitives

import functrans as ft
from functrans.array import Array
from functrans.errors import NotDifferentiableError
from functrans.ir.type import ArrayType, is_inexact
from functrans.primitives import bitcast
from functrans.primitives.stack import is_stack
from functrans.trace import bind

TARGETS = ("reference", "cpu")


def evaluate(row: Row, case: Case, arrays):
    with np.errstate(all="ignore"):
        return row.evaluate(case, arrays)


def each(rows=ROWS, dtypes=None, otherwise: int = 0):
    """A parameter for each row, case and dtype.

    dtypes: those that are tried; of a row that takes none of them, the first `otherwise`.
    """
    params = []
    for row in rows:
        tried = [dtype for dtype in row.dtypes if dtypes is None or dtype in dtypes] \
            or row.dtypes[:otherwise]
        for number, case in enumerate(row.cases):
            for dtype in tried:
                params.append(pytest.param(row, case, dtype, id=f"{row.name}-{number}-{dtype}"))
    return params


def assert_close(got, expected, row: Row, extra: float = 1.0):
    """Equal, up to the row's units in the last place of the largest value."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    if not is_inexact(expected.dtype):
        np.testing.assert_array_equal(got, expected)
        return
    tolerance = row.ulp * extra * np.finfo(expected.dtype).eps
    scale = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def test_every_primitive_has_a_row():
    assert sorted(all_primitives()) == sorted(BY_NAME)
    assert len(BY_NAME) == len(ROWS)
    for name in TESTED_ELSEWHERE.values():
        assert (Path(__file__).parent / "control" / f"{name}.py").exists()


@pytest.mark.parametrize("row, case, dtype", each())
def test_infer_agrees_with_evaluate(row, case, dtype):
    arrays = case.arrays(dtype)
    for kind, value in zip(row.infer(case, arrays), evaluate(row, case, arrays), strict=True):
        assert is_stack(kind) or kind.matches(ArrayType(value.shape, value.dtype))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("row, case, dtype", each())
def test_jit_equals_evaluate(row, case, dtype, target):
    arrays = case.arrays(dtype)
    compiled = ft.jit(row.function(case), device=target)
    for got, expected in zip(compiled(*arrays), evaluate(row, case, arrays), strict=True):
        assert_close(got, expected, row)


BATCH_DTYPES = ("float32", "int32", "bool")


@pytest.mark.parametrize("row, case, dtype", each(dtypes=BATCH_DTYPES, otherwise=1))
def test_batch_equals_a_loop(row, case, dtype):
    if not case.operands:
        pytest.skip("has no operands to map")
    lanes = [case.arrays(dtype, seed) for seed in range(3)]
    stacked = [np.stack(parts) for parts in zip(*lanes)]
    for mapped in itertools.product((False, True), repeat=len(stacked)):
        if not any(mapped):
            continue
        args = [stacked[k] if flag else lanes[0][k] for k, flag in enumerate(mapped)]
        axes = tuple(0 if flag else None for flag in mapped)
        got = ft.vmap(row.function(case), in_axes=axes)(*args)
        for lane in range(3):
            arrays = [lanes[lane][k] if flag else lanes[0][k] for k, flag in enumerate(mapped)]
            for part, expected in zip(got, evaluate(row, case, arrays), strict=True):
                assert_close(np.asarray(part)[lane], expected, row)


# ---- derivatives ----

def differentiable(case: Case, arrays) -> list[int]:
    return [k for k, array in enumerate(arrays)
            if is_inexact(array.dtype) and k not in case.fixed]


def has_derivative(row: Row, case: Case, arrays) -> bool:
    """Whether there is a derivative to compare: differences drown in narrow results."""
    out = evaluate(row, case, arrays)
    if not differentiable(case, arrays) or not any(is_inexact(part.dtype) for part in out):
        return False
    return row.name != "convert" or np.finfo(out[0].dtype).eps <= np.finfo(arrays[0].dtype).eps


def tangents_for(rng, arrays, places):
    tangents = []
    for k, array in enumerate(arrays):
        value = rng.normal(size=array.shape)
        if array.dtype.kind == "c":
            value = value + 1j * rng.normal(size=array.shape)
        tangents.append(value.astype(array.dtype) if k in places else None)
    return tangents


def restricted(row, case, arrays, places):
    """The function of its differentiable operands alone, with only inexact results."""
    function = row.function(case)

    def partial(*some):
        every = list(arrays)
        for place, value in zip(places, some):
            every[place] = value
        return tuple(part for part in function(*every) if is_inexact(part.dtype))
    return partial


def central_difference(function, points, tangents, step=1e-6):
    """The derivative along `tangents`, from values in float64."""
    def at(t):
        moved = [point + t * tangent for point, tangent in zip(points, tangents)]
        return [np.asarray(part) for part in function(*moved)]
    return [(plus - minus) / (2 * step) for plus, minus in zip(at(step), at(-step))]


DERIVATIVE_DTYPES = ("float64", "complex128")


@pytest.mark.parametrize("row, case, dtype", each(dtypes=DERIVATIVE_DTYPES))
def test_jvp_agrees_with_finite_differences(row, case, dtype):
    arrays = case.arrays(dtype)
    if not has_derivative(row, case, arrays):
        pytest.skip("has no derivative")
    places = differentiable(case, arrays)
    if row.name in ("next_after", "stop_gradient"):
        pytest.skip("is not what it is differentiated as")
    rng = np.random.default_rng(1)
    points = [arrays[k] for k in places]
    tangents = [t for t in tangents_for(rng, arrays, places) if t is not None]
    function = restricted(row, case, arrays, places)
    _, got = ft.jvp(function, tuple(points), tuple(tangents))
    expected = central_difference(function, points, tangents)
    for part, value in zip(got, expected, strict=True):
        np.testing.assert_allclose(np.asarray(part), value, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("row, case, dtype", each(dtypes=("float16", "float32", "complex64")))
def test_derivatives_of_narrow_dtypes_agree_with_wide_ones(row, case, dtype):
    arrays = case.arrays(dtype)
    if not has_derivative(row, case, arrays) or row.name in ("next_after", "convert"):
        pytest.skip("has no derivative to compare")
    places = differentiable(case, arrays)
    wide = [a.astype("complex128" if a.dtype.kind == "c" else "float64")
            if is_inexact(a.dtype) else a for a in arrays]
    tangents = tangents_for(np.random.default_rng(1), arrays, places)
    narrow = _jvp_at(row, case, arrays, places, tangents)
    exact = _jvp_at(row, case, wide, places, tangents)
    eps = np.finfo(dtype).eps
    for got, expected in zip(narrow, exact, strict=True):
        assert np.asarray(got).dtype == (np.asarray(got).dtype if row.name == "convert"
                                         else _narrowed(np.asarray(expected).dtype, dtype))
        scale = np.max(np.abs(expected), initial=1.0)
        np.testing.assert_allclose(got, expected, rtol=64 * row.ulp * eps,
                                   atol=64 * row.ulp * eps * scale)


def _narrowed(wide, dtype):
    real = np.empty(0, dtype).real.dtype
    return real if wide.kind == "f" else np.result_type(real, np.complex64)


def _jvp_at(row, case, arrays, places, tangents):
    function = restricted(row, case, arrays, places)
    points = tuple(arrays[k] for k in places)
    given = tuple(tangents[k].astype(arrays[k].dtype) for k in places)
    return [np.asarray(part) for part in ft.jvp(function, points, given)[1]]


@pytest.mark.parametrize("row, case, dtype", each(dtypes=DERIVATIVE_DTYPES))
def test_transpose_is_the_adjoint(row, case, dtype):
    arrays = case.arrays(dtype)
    if not has_derivative(row, case, arrays):
        pytest.skip("has no derivative")
    places = differentiable(case, arrays)
    rng = np.random.default_rng(2)
    points = [arrays[k] for k in places]
    tangents = [t for t in tangents_for(rng, arrays, places) if t is not None]
    function = restricted(row, case, arrays, places)
    out, pushed = ft.jvp(function, tuple(points), tuple(tangents))
    cotangents = tuple(
        (rng.normal(size=part.shape) + (1j * rng.normal(size=part.shape)
                                        if part.dtype.kind == "c" else 0)).astype(part.dtype)
        for part in out)
    pulled = ft.vjp(function, *points)[1](cotangents)
    left = sum(np.sum(np.asarray(a) * b).real for a, b in zip(pushed, cotangents))
    right = sum(np.sum(np.asarray(a) * b).real for a, b in zip(pulled, tangents))
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("row, case, dtype", each(
    [row for row in ROWS if row.primitive.transpose and not row.primitive.linearize],
    DERIVATIVE_DTYPES))
def test_linear_operands_have_an_adjoint(row, case, dtype):
    """The transpose rule alone, of a primitive that need not be what derivatives are made of."""
    arrays = case.arrays(dtype)
    if not has_derivative(row, case, arrays):
        pytest.skip("has no derivative")
    rng = np.random.default_rng(4)
    tried = 0
    for place in differentiable(case, arrays):
        function = restricted(row, case, arrays, [place])
        out = function(arrays[place])
        direction, = (t for t in tangents_for(rng, arrays, [place]) if t is not None)
        cts = [t for t in tangents_for(rng, out, range(len(out)))]
        try:
            pulled, = ft.linear_transpose(function, arrays[place])(tuple(cts))
        except NotDifferentiableError as error:
            assert f"{row.name} has no transpose rule" not in str(error)
            continue                                        # it is not linear in this operand
        moved = function(arrays[place] + direction)
        left = sum(np.sum((np.asarray(b) - np.asarray(a)) * ct).real
                   for a, b, ct in zip(out, moved, cts))
        right = np.sum(np.asarray(pulled) * direction).real
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)
        tried += 1
    if not tried:
        pytest.skip("is linear in no operand by itself")


def test_bits_stay_when_they_are_read_as_another_dtype():
    """Nothing else computes this: compiled code asks the rule `evaluate`, too."""
    x = np.array([[1.5, -0.0], [np.inf, 3e-40]], np.float32)
    for dtype in ("int32", "uint32", "int16", "uint8"):
        bits = np.asarray(bitcast.bitcast(ft.numpy.array(x), dtype))
        assert bits.tobytes() == x.tobytes() and bits.dtype == dtype
    assert bitcast.bitcast(ft.numpy.array(1.0), "int32") == 0x3F800000


def test_the_next_number_moves_along():
    """Its derivative is that of its first operand, which differences do not see."""
    nextafter = BY_NAME["next_after"].primitive

    def after(x):
        return bind(nextafter, x, Array(np.array([3.0, -3.0])))

    x = Array(np.array([1.0, 2.0]))
    _, tangent = ft.jvp(after, (x,), (Array(np.array([0.5, -2.0])),))
    np.testing.assert_array_equal(tangent, [0.5, -2.0])


@pytest.mark.parametrize("row, case, dtype", each(dtypes=DERIVATIVE_DTYPES))
def test_second_derivatives(row, case, dtype):
    """Forward over forward agrees with differences; reverse over reverse with forward."""
    arrays = case.arrays(dtype)
    if not row.second or not has_derivative(row, case, arrays) or row.name == "stop_gradient":
        pytest.skip("has no second derivative to compare")
    if dtype == "complex128" and not np.iscomplexobj(evaluate(row, case, arrays)[0]):
        pytest.skip("is not holomorphic")
    places = differentiable(case, arrays)
    rng = np.random.default_rng(3)
    points = [arrays[k] for k in places]
    tangents = [t for t in tangents_for(rng, arrays, places) if t is not None]
    function = restricted(row, case, arrays, places)

    def derivative(*at):
        return ft.jvp(function, at, tuple(tangents))[1]

    _, got = ft.jvp(derivative, tuple(points), tuple(tangents))
    expected = central_difference(derivative, points, tangents, 1e-5)
    for part, value in zip(got, expected, strict=True):
        np.testing.assert_allclose(np.asarray(part), value, rtol=1e-4, atol=1e-4)
    if dtype == "float64":
        _reverse_over_reverse(function, points, tangents)


def _reverse_over_reverse(function, points, tangents):
    def scalar(*at):
        return functools.reduce(lambda a, b: a + b,
                                [(part * part.conj()).real.sum() for part in function(*at)])

    def slope(*at):
        grads = ft.grad(scalar, tuple(range(len(points))))(*at)
        return functools.reduce(lambda a, b: a + b,
                                [(g * t).sum() for g, t in zip(grads, tangents)])

    reverse = ft.grad(slope, tuple(range(len(points))))(*points)
    _, forward = ft.jvp(lambda *at: ft.grad(scalar, tuple(range(len(points))))(*at),
                        tuple(points), tuple(tangents))
    for a, b in zip(reverse, forward, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-7, atol=1e-8)


def test_results_are_arrays():
    out = bind(BY_NAME["sin"].primitive, Array(np.ones(2, np.float32)))
    assert isinstance(out, Array)
