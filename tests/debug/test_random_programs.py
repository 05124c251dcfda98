"""The tools on random programs of nested control flow: they run, and agree with the functions."""
from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import functrans as ft
from functrans.testing.strategies import programs
from functrans.testing.strategies.control import STRUCTURED

cases = st.fixed_dictionaries(dict(
    program=programs(), size=st.sampled_from([2, 3]), seed=st.integers(0, 10_000)))


def scalar(case):
    return lambda *inputs: case["program"].scalar(*inputs, STRUCTURED)


def inputs_of(case):
    return case["program"].arguments(case["seed"], case["size"], 1, ())


@settings(max_examples=12)
@given(cases)
def test_the_ledger_of_a_random_program(case):
    function, inputs = scalar(case), inputs_of(case)
    ledger = ft.explain_grad(function, *inputs)
    value, gradient = ft.value_and_grad(function)(*inputs)
    np.testing.assert_allclose(ledger.value, value, rtol=1e-4, atol=1e-5, equal_nan=True)
    np.testing.assert_allclose(ledger.gradient, gradient, rtol=1e-4, atol=1e-5, equal_nan=True)
    assert repr(ledger) and all(row.flops >= 0 for row in ledger)


@settings(max_examples=6)
@given(cases)
def test_the_page_and_the_profile_of_a_random_program(case):
    function, inputs = ft.grad(scalar(case)), inputs_of(case)
    assert "<details" in ft.visualize(function, *inputs).html
    found = ft.profile(function, *inputs, repeats=1)
    assert repr(found) and all(row.seconds >= 0 and row.bytes >= 0 for row in found)


@settings(max_examples=6)
@given(cases)
def test_switches_change_no_result(case):
    """Limited loops and watched keys, in derivatives of loops in branches and the other way."""
    function, inputs = ft.value_and_grad(scalar(case)), inputs_of(case)
    wanted = function(*inputs)
    with ft.config.override(while_trip_limit=10_000, debug_key_reuse=True):
        for found in (function(*inputs), ft.jit(function)(*inputs)):
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
