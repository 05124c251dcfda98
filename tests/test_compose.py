"""Random programs under random stacks of transformations, on all targets."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp

SHAPE = (3, 4)


def _matrix_product(x, y):
    return fnp.tanh(x @ y.T) @ x * 0.3


def _rows(x, y):
    e = fnp.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) + y


def _picked(x, y):
    return x[fnp.array([2, 0, 2])] * y


def _updated(x, y):
    return x.at[1, ::2].add(y[0, :2]).at[fnp.array([0, 0])].add(y[:2] * 0.5)


# Each takes two matrices of one shape and gives another of that shape.
STEPS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - 0.5 * y,
    "mul": lambda x, y: x * fnp.sin(y),
    "div": lambda x, y: x / (1.5 + fnp.cos(y)),
    "tanh": lambda x, y: fnp.tanh(x) + y,
    "logistic": lambda x, y: 1 / (1 + fnp.exp(-x)) * y,
    "log": lambda x, y: fnp.log(x * x + 0.5),
    "sqrt": lambda x, y: fnp.sqrt(1 + x * x + y * y),
    "power": lambda x, y: (1.2 + fnp.tanh(x)) ** 2.5 + y ** 3,
    "where": lambda x, y: fnp.where(x > y, x * 2, y - x),
    "maximum": lambda x, y: fnp.maximum(x, y),
    "clip": lambda x, y: fnp.clip(x, -0.7, 0.9) + y,
    "row_sum": lambda x, y: x.sum(axis=1, keepdims=True) * 0.3 + y,
    "column_mean": lambda x, y: x - y.mean(axis=0),
    "total": lambda x, y: x / (2 + (y * y).sum()),
    "softmax": _rows,
    "max_rows": lambda x, y: x - y.max(axis=1)[:, None],
    "product": lambda x, y: fnp.prod(1 + 0.1 * x, axis=0) * y,
    "matmul": _matrix_product,
    "transposed": lambda x, y: (x.T * y.T.sum(axis=0)).T,
    "reshaped": lambda x, y: fnp.sin(x.reshape(2, 6)).reshape(SHAPE) + y.reshape(4, 3).T,
    "flipped": lambda x, y: x[::-1] + y[:, ::-1],
    "shifted": lambda x, y: fnp.concatenate([x[:, 1:], y[:, :1]], axis=1),
    "rolled": lambda x, y: fnp.roll(x, 1, axis=0) * y,
    "padded": lambda x, y: fnp.pad(x[:2, 1:], ((1, 0), (0, 1))) + y,
    "running": lambda x, y: fnp.cumsum(x, axis=1) * 0.4 + y,
    "running_product": lambda x, y: fnp.cumprod(1 + 0.2 * x, axis=0) - y,
    "picked": _picked,
    "updated": _updated,
    "sorted": lambda x, y: fnp.sort(x, axis=1) * y,
    "einsum": lambda x, y: fnp.einsum("ij,kj,kl->il", x, y, x) * 0.2,
    "diagonal": lambda x, y: fnp.diag(fnp.diag(x @ y.T)) @ x * 0.3,
}


@st.composite
def programs(draw):
    """Steps, each with the numbers of the two earlier values that it takes."""
    count = draw(st.integers(1, 6))
    steps = []
    for number in range(count):
        name = draw(st.sampled_from(sorted(STEPS)))
        steps.append((name, draw(st.integers(0, number + 1)), draw(st.integers(0, number + 1))))
    return tuple(steps)


def function_of(steps):
    def function(x, y):
        values = [x, y]
        for name, first, second in steps:
            values.append(STEPS[name](values[first], values[second]))
        return values[-1]
    return function


def scalar_of(steps):
    function = function_of(steps)
    weights = np.linspace(0.5, 1.5, 12).reshape(SHAPE)
    return lambda x, y: (function(x, y) * weights).sum()


# A stack turns the program into a function of a batch of x and of y.
STACKS = {
    "itself": lambda steps: lambda xs, y: function_of(steps)(xs[0], y),
    "grad": lambda steps: lambda xs, y: ft.grad(scalar_of(steps), (0, 1))(xs[0], y),
    "vmap": lambda steps: lambda xs, y: ft.vmap(function_of(steps), (0, None))(xs, y),
    "vmap_grad": lambda steps: lambda xs, y:
        ft.vmap(ft.value_and_grad(scalar_of(steps), 1), (0, None))(xs, y),
    "grad_vmap": lambda steps: lambda xs, y: ft.grad(
        lambda a, b: ft.vmap(scalar_of(steps), (0, None))(a, b).sum(), (0, 1))(xs, y),
    "jvp": lambda steps: lambda xs, y: ft.jvp(
        lambda a: function_of(steps)(a, y), (xs[0],), (xs[1],)),
    "jvp_grad": lambda steps: lambda xs, y: ft.jvp(
        ft.grad(lambda a: scalar_of(steps)(a, y)), (xs[0],), (xs[1],)),
    "grad_grad": lambda steps: lambda xs, y: ft.grad(
        lambda b: (ft.grad(scalar_of(steps))(xs[0], b) * xs[1]).sum())(y),
    "vmap_jvp": lambda steps: lambda xs, y: ft.vmap(
        lambda a: ft.jvp(lambda b: function_of(steps)(a, b), (y,), (a,)))(xs),
    "jacobian": lambda steps: lambda xs, y: ft.jacrev(
        lambda a: function_of(steps)(a, y).sum(axis=0))(xs[0]),
    "jit_inside": lambda steps: lambda xs, y: ft.grad(
        lambda a, b: ft.jit(scalar_of(steps))(a, b))(xs[0], y),
    "linearized": lambda steps: lambda xs, y: ft.linearize(
        lambda a: function_of(steps)(a, y), xs[0])[1](xs[1]),
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
@given(programs(), st.integers(0, 1000))
def test_compiled_equals_evaluated(stack, steps, seed):
    function = STACKS[stack](steps)
    args = arguments(seed)
    expected = function(*args)
    for target in ("reference", "cpu"):
        assert_same(ft.jit(function, device=target)(*args), expected)


@given(programs(), st.integers(0, 1000))
def test_gradient_agrees_with_differences(steps, seed):
    xs, y = arguments(seed)
    direction = xs[1]
    scalar = scalar_of(steps)
    slope = float((np.asarray(ft.grad(scalar)(xs[0], y)) * direction).sum())
    step = 1e-6
    rise = float(scalar(fnp.array(xs[0] + step * direction), fnp.array(y))
                 - scalar(fnp.array(xs[0] - step * direction), fnp.array(y))) / (2 * step)
    if any(name in ("where", "maximum", "clip", "max_rows", "sorted", "softmax")
           for name, *_ in steps):
        return                                     # a kink may lie between
    assert slope == pytest.approx(rise, rel=1e-4, abs=1e-5)
