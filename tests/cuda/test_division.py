"""Quotient and rest of indices, as numba compiles it: on the CPU."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from numba.core.registry import cpu_target

from lowering.cuda import division
from lowering.cuda.division import SMALL, divided

for context in (cpu_target.typing_context, cpu_target.target_context):
    context.refresh()                                   # its own functions come first
division.install(cpu_target.typing_context, cpu_target.target_context)


@njit("UniTuple(int64, 2)(int64, int64)")
def compiled(number, size):
    return divided(number, size)


@given(st.integers(0, SMALL - 1), st.integers(1, SMALL - 1))
def test_quotient_and_rest_are_those_of_python(number, size):
    assert compiled(number, size) == divmod(number, size) == divided(number, size)


@pytest.mark.parametrize("number, size", [(-1, 2), (SMALL, 2), (1, 0), (1, SMALL)])
def test_other_numbers_are_found_out_in_python(number, size):
    with pytest.raises(ValueError, match=rf"{number} divided by {size}"):
        divided(number, size)
