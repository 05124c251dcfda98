"""Random programs of nested control flow, against the same programs in plain Python.

A program is run twice, with `functrans.lax` and with `plain_lax`, which unrolls loops and takes
each lane by itself.
"""
from __future__ import annotations

import os

import numpy as np
import plain_lax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.testing.strategies import programs
from functrans.testing.strategies.control import INPUTS
from functrans.testing.strategies.control import STRUCTURED as lax_with_vmap

plain_with_jit = type("Plain", (), {
    **{name: staticmethod(value) for name, value in vars(plain_lax).items() if callable(value)},
    "jit": staticmethod(lambda fun: fun)})

cases = st.fixed_dictionaries(dict(
    program=programs(), size=st.sampled_from([2, 3, 20]), lanes=st.integers(1, 3),
    mapped=st.sets(st.sampled_from(INPUTS), min_size=1).map(sorted),
    argnums=st.sets(st.integers(0, 3), min_size=1).map(sorted).map(tuple),
    seed=st.integers(0, 10_000), target=st.sampled_from(["none", "reference", "cpu", "cpu"])))


def program(case, L):
    """The program as a function of its inputs to a pytree."""
    return lambda *inputs: case["program"](*inputs, L)


def scalar(case, L):
    return lambda *inputs: case["program"].scalar(*inputs, L)


def inputs_of(case, lanes: bool):
    """Random inputs; those that are `mapped` with an axis in front, if `lanes`."""
    return case["program"].arguments(case["seed"], case["size"], case["lanes"],
                                     tuple(case["mapped"]) if lanes else ())


def axes_of(case) -> tuple:
    return tuple(0 if name in case["mapped"] else None for name in INPUTS)


def directions(case, lanes: bool):
    rng = np.random.default_rng(case["seed"] + 1)
    return [fnp.array(rng.normal(size=value.shape)) if k in case["argnums"] else
            np.zeros(value.shape, value.dtype if k < 4 else ft.float0)
            for k, value in enumerate(inputs_of(case, lanes))]


def _slope(case, L, *inputs):
    """The derivative along a direction, from the gradient."""
    grads = ft.grad(scalar(case, L), case["argnums"])(*inputs)
    return sum((g * directions(case, False)[k]).sum() for k, g in zip(case["argnums"], grads))


# What is done with a program: (function of case and implementation, whether inputs have lanes).
MODES = {
    "value": (lambda case, L: program(case, L), False),
    "grad": (lambda case, L: ft.value_and_grad(scalar(case, L), case["argnums"]), False),
    "jvp": (lambda case, L: lambda *inputs: ft.jvp(
        scalar(case, L), tuple(inputs), tuple(directions(case, False))), False),
    "vmap": (lambda case, L: L.vmap(program(case, L), axes_of(case)), True),
    "vmap_grad": (lambda case, L: L.vmap(ft.grad(scalar(case, L), case["argnums"]),
                                         axes_of(case)), True),
    "grad_vmap": (lambda case, L: ft.grad(lambda *inputs: L.vmap(
        scalar(case, L), axes_of(case))(*inputs).sum(), case["argnums"]), True),
    "grad_grad": (lambda case, L: ft.grad(
        lambda *inputs: _slope(case, L, *inputs), case["argnums"]), False),
}


def assert_same(got, expected):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        scale = max(1, np.max(np.abs(b), initial=0)) if b.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * scale)


EXAMPLES = 150 if os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough" else 6


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=EXAMPLES)
@given(cases)
def test_structured_equals_unrolled(mode, case):
    build, lanes = MODES[mode]
    inputs = inputs_of(case, lanes)
    expected = build(case, plain_with_jit)(*inputs)
    function = build(case, lax_with_vmap)
    if case["target"] != "none":
        function = ft.jit(function, device=case["target"])
    assert_same(function(*inputs), expected)
