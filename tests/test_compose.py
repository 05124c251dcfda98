"""Random programs under random stacks of transformations, on all targets."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.testing import check_grads
from functrans.testing.strategies import stacks, straight_programs

SHAPE = (3, 4)


def scalar_of(function):
    weights = np.linspace(0.5, 1.5, 12).reshape(SHAPE)
    return lambda x, y: (function(x, y) * weights).sum()


# A stack turns the program into a function of a batch of x and of y.
STACKS = {
    "itself": lambda program: lambda xs, y: program(xs[0], y),
    "grad": lambda program: lambda xs, y: ft.grad(scalar_of(program), (0, 1))(xs[0], y),
    "vmap": lambda program: lambda xs, y: ft.vmap(program, (0, None))(xs, y),
    "vmap_grad": lambda program: lambda xs, y:
        ft.vmap(ft.value_and_grad(scalar_of(program), 1), (0, None))(xs, y),
    "grad_vmap": lambda program: lambda xs, y: ft.grad(
        lambda a, b: ft.vmap(scalar_of(program), (0, None))(a, b).sum(), (0, 1))(xs, y),
    "jvp": lambda program: lambda xs, y: ft.jvp(
        lambda a: program(a, y), (xs[0],), (xs[1],)),
    "jvp_grad": lambda program: lambda xs, y: ft.jvp(
        ft.grad(lambda a: scalar_of(program)(a, y)), (xs[0],), (xs[1],)),
    "grad_grad": lambda program: lambda xs, y: ft.grad(
        lambda b: (ft.grad(scalar_of(program))(xs[0], b) * xs[1]).sum())(y),
    "vmap_jvp": lambda program: lambda xs, y: ft.vmap(
        lambda a: ft.jvp(lambda b: program(a, b), (y,), (a,)))(xs),
    "jacobian": lambda program: lambda xs, y: ft.jacrev(
        lambda a: program(a, y).sum(axis=0))(xs[0]),
    "jit_inside": lambda program: lambda xs, y: ft.grad(
        lambda a, b: ft.jit(scalar_of(program))(a, b))(xs[0], y),
    "linearized": lambda program: lambda xs, y: ft.linearize(
        lambda a: program(a, y), xs[0])[1](xs[1]),
}


def arguments(seed: int):
    rng = np.random.default_rng(seed)
    return fnp.array(rng.normal(size=(2, *SHAPE))), fnp.array(rng.normal(size=SHAPE))


def assert_same(got, expected):
    got, expected = ft.tree.leaves(got), ft.tree.leaves(expected)
    for a, b in zip(got, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1, np.max(np.abs(b),
                                                                               initial=0)))


@pytest.mark.parametrize("stack", sorted(STACKS))
@given(straight_programs(), st.integers(0, 1000))
def test_compiled_equals_evaluated(stack, program, seed):
    function = STACKS[stack](program)
    args = arguments(seed)
    expected = function(*args)
    for target in ("reference", "cpu"):
        assert_same(ft.jit(function, device=target)(*args), expected)


def evaluated(function, *args):
    with ft.disable_jit():
        return function(*args)


@given(straight_programs(), stacks(), st.integers(0, 1000))
def test_random_stacks_compile(program, stack, seed):
    xs, y = arguments(seed)
    function = stack(program)
    assert_same(ft.jit(function)(xs[0], y), evaluated(function, xs[0], y))


@given(straight_programs(), st.integers(0, 1000))
def test_gradients_agree_with_differences(program, seed):
    xs, y = arguments(seed)
    check_grads(scalar_of(program), (xs[0], y), order=1)


@given(straight_programs(max_steps=3, smooth=True), stacks(max_depth=2), st.integers(0, 1000))
def test_gradients_of_random_stacks_agree_with_differences(program, stack, seed):
    xs, y = arguments(seed)
    with ft.disable_jit():
        check_grads(stack(program), (xs[0], y), order=1)
