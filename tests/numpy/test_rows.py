"""Each function of functrans.numpy against NumPy, its derivatives, its batches, its kernels."""
from __future__ import annotations

import os

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from numpy_rows import ROWS, Draw, laws

import functrans as ft

THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"
SAMPLES = 8 if THOROUGH else 2


def each(rows=ROWS):
    return [pytest.param(row, id=f"{row.name}-{k}") for k, row in enumerate(rows)]


@pytest.fixture(autouse=True)
def _numpy_dtypes():
    """NumPy's defaults, so that dtypes can be compared."""
    with ft.config.override(default_float="float64"):
        yield


@pytest.mark.parametrize("row", each())
@given(data=st.data())
def test_values_dtypes_and_errors_are_numpys(row, data):
    draw = Draw(lambda n: data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, 99)))
    call = row.arguments(draw)
    note(f"{row.name}: {call}")
    expected = laws.theirs(row, call)
    if isinstance(expected, Exception):
        with pytest.raises(laws.error_class(expected)):
            laws.ours(row, call)
        return
    with laws.silent():
        laws.assert_close(laws.ours(row, call), expected, row.ulp, row.dtype)


@pytest.mark.parametrize("row", each([row for row in ROWS if row.grad]))
def test_derivatives(row):
    for call, in laws.typical_calls(row, SAMPLES):
        laws.check_jvp(row, call)
        laws.check_vjp(row, call)


@pytest.mark.parametrize("row", each([row for row in ROWS if row.batched]))
def test_a_batch_is_a_loop(row):
    for lanes in laws.typical_calls(row, SAMPLES, values=2):
        laws.check_vmap(row, lanes)


@pytest.mark.parametrize("row", each([row for row in ROWS if row.jit]))
def test_compiled_is_evaluated(row):
    for call, in laws.typical_calls(row, SAMPLES if THOROUGH else 1):
        laws.check_jit(row, call)
