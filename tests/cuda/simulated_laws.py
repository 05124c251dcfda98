"""The laws of every row and random compositions on the target, under the simulator.

A row is tried as a jitted function of the device, so that what each law transforms runs as kernels
there: values, batches, derivatives forwards and backwards, second ones. A sample is tried; all of
it with FUNCTRANS_TEST_PROFILE=thorough.
"""
from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
import test_compose
import test_laws
from cases import Case, Row
from hypothesis import settings

import functrans as ft
from lowering.cuda import driver

THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"
SHARE = 1 if THOROUGH else 5           # one law in so many is tried
EXAMPLES = 60 if THOROUGH else 8       # of random compositions
LAWS = (test_laws.test_batch_equals_a_loop, test_laws.test_jvp_agrees_with_finite_differences,
        test_laws.test_derivatives_of_narrow_dtypes_agree_with_wide_ones,
        test_laws.test_transpose_is_the_adjoint, test_laws.test_linear_operands_have_an_adjoint,
        test_laws.test_second_derivatives)


@pytest.fixture(autouse=True)
def shuffled():
    """Blocks run in another order in each launch; an error that nobody has read is one here."""
    driver.backend().order = random.Random(7)
    yield
    driver.backend().order = None
    driver.synchronize()


class RowThere(Row):
    """A row whose function is jitted for the device."""

    def function(self, case: Case) -> Callable:
        return ft.jit(super().function(case), device="cuda")


def tried() -> list:
    """A law with what it is tried on, for a share of all, evenly from every row."""
    every = [pytest.param(law, *param.values, id=f"{law.__name__[5:]}-{param.id}")
             for law in LAWS for param in law.pytestmark[0].args[1]]
    every.sort(key=lambda param: param.values[1].name)
    return every[::SHARE]


@pytest.mark.parametrize("law, row, case, dtype", tried())
def test_laws_on_the_device(law, row, case, dtype):
    before = ft.transfers()
    law(RowThere(**vars(row)), case, dtype)
    assert ft.transfers() > before               # operands and results are there


@settings(max_examples=EXAMPLES)
@test_compose.given(test_compose.straight_programs(), test_compose.stacks(),
                    test_compose.st.integers(0, 1000))
def test_random_stacks_on_the_device(program, stack, seed):
    xs, y = test_compose.arguments(seed)
    function = stack(program)
    test_compose.assert_same(ft.jit(function, device="cuda")(xs[0], y),
                             test_compose.evaluated(function, xs[0], y))
