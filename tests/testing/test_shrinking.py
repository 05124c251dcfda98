"""How failing Programs are taken apart: to single primitives, with careful verdicts."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.array import as_array
from functrans.primitives import elementwise
from functrans.testing.conformance.rules import all_primitives, replaced
from functrans.testing.mutation import FAULTS
from functrans.testing.mutation.hunting import failure, shrunk
from functrans.testing.mutation.pieces import Piece, pieces
from functrans.testing.mutation.programs import DEFAULT, chain
from functrans.testing.mutation.smaller import smallest
from functrans.testing.mutation.verdicts import CHECKS, lacking
from functrans.testing.mutation.views import views
from functrans.trace import trace_at

BY_NAME = {fault.name: fault for fault in FAULTS}


def one(name: str, dtype: str = "float64"):
    return chain([name], dtype, DEFAULT, "plain", lambda n: 0)


def piece_of(function, *arrays, direction=None) -> Piece:
    program, captured = trace_at(lambda *xs: (function(*xs),), list(map(as_array, arrays)))
    assert not captured
    moves = tuple(np.ones_like(array) for array in arrays) if direction is None else direction
    return Piece(program, (list(arrays), [array + 0.5 for array in arrays]), moves)


# ---- where a rule is wrong ----

@pytest.mark.parametrize("fault, operation, dtype, primitive", [
    ("sub.transpose.sign", "lu", "complex128", "sub"),              # in the rule of another
    ("triangular_solve.jvp.missing0", "cholesky", "float64", "triangular_solve"),   # second order
    ("eigh.jvp.sign", "eigvalsh", "float64", "eigh"),               # of symmetric matrices alone
    ("slice.transpose.ahead", "slice", "float64", "slice"),         # with parameters that are cut
    ("transpose.batch.lanes", "matmul", "complex128", "transpose"),         # in a batch rule
    ("reduce_sum.batch.lanes", "logsumexp", "float64", "reduce_sum"),
    ("cos.evaluate.percent", "sin", "float64", "cos"),
    ("scan.linearize.sign", "scan", "float64", "scan")])
def test_a_failure_is_shrunk_to_the_primitive(fault, operation, dtype, primitive):
    program = one(operation, dtype)
    with BY_NAME[fault].planted():
        found = shrunk(program, *failure(program), 1)
        assert failure(found.program) is not None
    assert found.program.top == [primitive] and found.small, found
    assert failure(found.program) is None, "it is right without the fault"


def test_axes_are_cut_and_parameters_with_them():
    piece = piece_of(lambda x: fnp.transpose(fnp.reshape(x, (6, 2))), np.arange(12.0).reshape(3, 4))
    small = smallest(piece, lambda other: failure(other) is None and other.elements() > 1)
    assert small.top == ["reshape", "transpose"] and small.elements() == 2


def test_values_are_rounded():
    piece = piece_of(fnp.multiply, np.array([0.123456]), np.array([2.71828]))
    small = smallest(piece, lambda other: other.lanes[0][0][0] < other.lanes[0][1][0])
    assert [float(value[0]) for value in small.lanes[0]] == [1.0, 3.0]


# ---- careful verdicts ----

@pytest.mark.parametrize("operation, dtype", [
    ("while_loop", "complex128"), ("eigvalsh", "complex128"), ("stop_gradient", "float64"),
    ("svdvals", "complex128"), ("custom_vjp", "float64"), ("sort", "float64"), ("take", "float64"),
    ("fft", "complex128")])
def test_no_piece_of_a_right_program_is_called_wrong(operation, dtype):
    for view in views(one(operation, dtype).probe()):
        for piece in _as_far_as_offered(view):
            assert lacking(piece, CHECKS) is None, piece


def _as_far_as_offered(view):
    try:
        yield from pieces(view, 1)
    except ft.errors.CustomRuleError:         # reverse mode alone
        return


@pytest.mark.parametrize("function, values", [
    (fnp.multiply, (1e200, 1e200)), (fnp.multiply, (np.nan, 1.0)), (fnp.multiply, (1e7, 2.0))])
def test_no_verdict_on_numbers_that_are_not_tame(function, values):
    piece = piece_of(function, *(np.full(2, value) for value in values))
    with BY_NAME["mul.jvp.missing0"].planted():
        assert lacking(piece, CHECKS) is None
        assert lacking(piece_of(function, np.ones(2), np.ones(2)), CHECKS) is not None


def test_no_verdict_where_a_transpose_is_not_finite():
    """A cotangent of what is 0 / 0, and stands for 0."""
    ratio = piece_of(elementwise.guarded_div, np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    ratio.lanes[1][:] = np.array([0.0, 3.0]), np.array([0.0, 2.0])
    assert lacking(ratio, CHECKS) is None


def test_an_odd_loop_is_not_a_linear_one():
    """Where both lanes have the same values."""
    def sines(count, x):
        return lax.while_loop(lambda state: state[0] < 2,
                              lambda state: (state[0] + 1, fnp.sin(state[1])), (count, x))[1:]
    values = [np.asarray(0), np.array([0.8, -1.8])]
    program, _ = trace_at(sines, list(map(as_array, values)))
    loop = Piece(program, (values, values), (np.zeros(()), np.ones(2)))
    assert loop.top == ["while"] and lacking(loop, CHECKS) is None


def test_no_verdict_at_a_kink():
    """Where both operands are equal, each share of the derivative is right."""
    apart = (-np.ones(2), np.ones(2))
    with BY_NAME["max.jvp.missing1"].planted():
        equal = piece_of(fnp.maximum, np.ones(2), np.ones(2), direction=apart)
        assert lacking(equal, ["tangent"]) is None
        larger = piece_of(fnp.maximum, np.zeros(2), np.ones(2), direction=apart)
        assert lacking(larger, ["tangent"]) is not None


def test_an_error_counts_only_if_the_whole_program_raises_it():
    def crash(*args):
        raise KeyError("planted")
    with replaced(all_primitives()["sin"], "jvp", crash):
        assert lacking(piece_of(fnp.sin, np.ones(1)), CHECKS) is None
        assert lacking(piece_of(fnp.sin, np.ones(1)), CHECKS, "KeyError")[0] == "tangent"
    assert lacking(piece_of(fnp.linalg.eigvals, np.eye(2) + 1), CHECKS) is None
