"""The laws of every row and random compositions on the target, under the simulator.

A row is tried as a jitted function of the device, so that what each law transforms runs as kernels
there: batches, derivatives forwards and backwards, second ones. A sample is tried; all of it with
FUNCTRANS_TEST_PROFILE=thorough.
"""
from __future__ import annotations


import pytest
import test_compose
from compiled_laws import THOROUGH, hold, tried
from hypothesis import settings
from on_cuda import shuffled_blocks

import functrans as ft
from lowering.cuda import driver

EXAMPLES = 60 if THOROUGH else 8       # of random compositions


@pytest.fixture(autouse=True)
def shuffled():
    """Blocks run in another order in each launch; an error that nobody has read is one here."""
    with shuffled_blocks():
        yield
    driver.synchronize()


@pytest.mark.parametrize("law, row, case, dtype", tried(share=5))
def test_laws_on_the_device(law, row, case, dtype):
    before = ft.transfers()
    hold(law, row, case, dtype, "cuda")
    assert ft.transfers() > before               # operands and results are there


@settings(max_examples=EXAMPLES)
@test_compose.given(test_compose.straight_programs(), test_compose.stacks(),
                    test_compose.st.integers(0, 1000))
def test_random_stacks_on_the_device(program, stack, seed):
    xs, y = test_compose.arguments(seed)
    function = stack(program)
    test_compose.assert_same(ft.jit(function, device="cuda")(xs[0], y),
                             test_compose.evaluated(function, xs[0], y))
