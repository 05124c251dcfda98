"""cond, switch, select: one side is run, in values and in all derivatives."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
import plain_lax
from functrans import lax
from functrans.control.cond import cond_p
from functrans.trace import bind

TARGETS = (None, "reference", "cpu")
X = np.linspace(-1.2, 1.5, 7)


def on(target, function):
    return function if target is None else ft.jit(function, device=target)


def same(got, expected, tolerance=1e-13):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("pred", [True, False, np.bool_(True), 1, 0.0, np.int8(3), fnp.array(0.5)])
def test_predicates(pred, target):
    function = on(target, lambda p, x: lax.cond(p, lambda x: x + 1, lambda x: 2 * x, x))
    same(function(pred, X), fnp.array(X + 1 if pred else 2 * X))


@pytest.mark.parametrize("target", TARGETS)
def test_trees_of_all_dtypes(target):
    value = {"f": X, "i": np.arange(3, dtype=np.int32), "b": np.array([True, False]),
             "c": X * 1j, "h": X.astype(np.float16), "none": None, "scalar": np.uint8(200)}

    def function(p, v):
        return lax.cond(p, lambda v: v, lambda v: {**v, "i": v["i"] * 2, "b": ~v["b"]}, v)
    run = on(target, function)
    for pred in (True, False):
        expected = value if pred else {**value, "i": value["i"] * 2, "b": ~value["b"]}
        same(run(pred, value), ft.tree.map(fnp.array, expected))


def test_the_side_not_taken_is_not_run():
    ran = []

    def side(name):
        def function(x):
            ft.pure_callback(lambda v: ran.append(name) or v, ft.ShapeDtypeStruct((), "float64"), x)
            return x
        return function
    if not hasattr(ft, "pure_callback"):
        pytest.skip("there is no callback to look with")
    for target in TARGETS:
        ran.clear()
        on(target, lambda p, x: lax.cond(p, side("true"), side("false"), x))(True, np.float64(1))
        assert set(ran) <= {"true"}


# A side that is not taken makes NaN or infinity, or loops forever, if it is evaluated.
TRAPS = {
    "log": (lambda x: x > 0, lambda x: fnp.log(x), lambda x: x * x),
    "root": (lambda x: x > 0, lambda x: fnp.sqrt(x), lambda x: -x),
    "power": (lambda x: x > 0, lambda x: x ** 0.3, lambda x: fnp.exp(x)),
    "quotient": (lambda x: x != 0, lambda x: fnp.sin(x) / x, lambda x: fnp.ones_like(x)),
    "norm": (lambda x: x != 0, lambda x: fnp.sqrt(x * x), lambda x: x),
    "overflow": (lambda x: x < 1, lambda x: fnp.exp(x), lambda x: 1 / (x - 1)),
    "endless": (lambda x: x > 0,
                lambda x: lax.while_loop(lambda y: y < 3, lambda y: y * 2, x), lambda x: x * 3),
    "nested": (lambda x: x > 0, lambda x: lax.cond(x > 1, lambda y: fnp.log(y - 1),
                                                   lambda y: fnp.log1p(-y + 1e-9), x),
               lambda x: fnp.log(-x + 1e-9)),
}
MODES = {
    "value": lambda f: lambda x: ft.vmap(f)(x),
    "grad": lambda f: lambda x: ft.vmap(ft.value_and_grad(f))(x),
    "grad_of_sum": lambda f: lambda x: ft.grad(lambda y: ft.vmap(f)(y).sum())(x),
    "jvp": lambda f: lambda x: ft.jvp(ft.vmap(f), (x,), (x + 1,)),
    "second": lambda f: lambda x: ft.vmap(ft.grad(ft.grad(f)))(x),
    "second_of_sum": lambda f: lambda x: ft.hessian(lambda y: ft.vmap(f)(y).sum())(x),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trap", TRAPS)
def test_each_lane_runs_its_own_side(trap, mode, target):
    test, true_fun, false_fun = TRAPS[trap]
    points = np.array([-0.7, 0.0, 0.4, 1.3])
    got = on(target, MODES[mode](lambda x: lax.cond(test(x), true_fun, false_fun, x)))(points)
    lanes = [_lane(mode, test, true_fun, false_fun, x) for x in points]
    expected = plain_lax.stacked(lanes) if mode != "second_of_sum" else fnp.diag(
        plain_lax.stacked(lanes))
    if mode == "jvp":
        expected = tuple(fnp.asarray(part) for part in expected)
    assert all(np.isfinite(leaf).all() for leaf in ft.tree.leaves(got))
    same(got, expected)


def _lane(mode, test, true_fun, false_fun, x):
    """One lane, where Python chooses the side."""
    side = true_fun if test(x) else false_fun
    x = fnp.array(x)
    if mode == "value":
        return side(x)
    if mode == "grad":
        return ft.value_and_grad(side)(x)
    if mode == "jvp":
        return ft.jvp(side, (x,), (x + 1,))
    return ft.grad(side)(x) if mode == "grad_of_sum" else ft.grad(ft.grad(side))(x)


@pytest.mark.parametrize("target", TARGETS)
def test_derivatives_of_a_side_that_is_constant(target):
    def function(p, x):
        return lax.cond(p, lambda x: (x * x).sum(), lambda x: 3.0, x)
    run = on(target, ft.grad(function, 1))
    same(run(True, X), fnp.array(2 * X))
    same(run(False, X), fnp.zeros(7, float))


@pytest.mark.parametrize("target", TARGETS)
def test_closures_over_outer_tracers(target):
    def function(w, x, p):
        def outer(x):
            return lax.cond(p, lambda: fnp.sin(w * x), lambda: lax.cond(
                x.sum() > 0, lambda: w * w * x, lambda: x))
        return (ft.vmap(outer)(x) * w).sum()
    plain = {True: lambda w, x: (fnp.sin(w * x) * w).sum(),
             False: lambda w, x: (fnp.where(x > 0, w * w * x, x) * w).sum()}
    for pred in (True, False):
        got = on(target, ft.value_and_grad(function, (0, 1)))(np.float64(0.8), X, pred)
        same(got, ft.value_and_grad(plain[pred], (0, 1))(np.float64(0.8), X))


@pytest.mark.parametrize("target", TARGETS)
def test_switch_is_clamped_and_differentiable(target):
    branches = [fnp.sin, lambda x: x * x, lambda x: fnp.exp(-x)]
    run = on(target, lambda k, x: ft.value_and_grad(
        lambda y: lax.switch(k, branches, y).sum())(x))
    for index in (-5, 0, 1, 2, 3, 100):
        branch = branches[min(max(index, 0), 2)]
        same(run(index, X), ft.value_and_grad(lambda y: branch(y).sum())(X))   # noqa: B023


@pytest.mark.parametrize("target", TARGETS)
def test_switch_of_many_lanes(target):
    branches = [lambda x, k=k: fnp.tanh(x * k) + k for k in range(5)]
    index = np.array([4, 0, 2, 9, -1, 3, 1])
    run = on(target, ft.vmap(lambda k, x: ft.value_and_grad(
        lambda y: lax.switch(k, branches, y))(x)))
    lanes = [ft.value_and_grad(branches[min(max(k, 0), 4)])(x)
             for k, x in zip(index, fnp.array(X))]
    same(run(index, X), plain_lax.stacked(lanes))


def test_lanes_share_operands_that_are_not_mapped():
    w = np.arange(9.0).reshape(3, 3)
    function = ft.jit(ft.vmap(lambda p, w: lax.cond(p, lambda w: w @ w, lambda w: w.T, w),
                              in_axes=(0, None)))
    got = function(np.array([True, False]), w)
    same(got, fnp.array(np.stack([w @ w, w.T])))


def test_an_index_that_lanes_share_stays_one_choice():
    """Branches are batched then, not run lane by lane."""
    program = ft.make_ir(ft.vmap(lambda p, x: lax.cond(p, fnp.sin, fnp.cos, x), (None, 0)))(True, X)
    assert [equation.primitive.name for equation in program.equations
            if equation.primitive.name in ("cond", "scan")] == ["cond"]


def test_disable_jit_runs_python():
    seen = []

    def function(x):
        return lax.cond(x > 0, lambda x: seen.append(float(x)) or x, lambda x: -x, x)
    with ft.disable_jit():
        same(function(fnp.array(2.0)), fnp.array(2.0))
        same(lax.switch(1, [abs, lambda x: seen.append(float(x)) or x], fnp.array(3.0)),
             fnp.array(3.0))
        ft.vmap(lambda x: lax.cond(x > 0, fnp.sin, fnp.cos, x))(X)
    assert seen == [2.0, 3.0]


def test_weak_results_stay_weak():
    half = fnp.ones(2, "float16")
    assert (lax.cond(True, lambda: 1.0, lambda: 2.0) * half).dtype == np.float16
    assert lax.cond(True, lambda: 1.0, lambda: np.float64(2)).dtype == np.float64
    assert lax.cond(True, lambda: 1, lambda: 2.5).dtype == np.float32
    assert ft.jit(lambda p: lax.cond(p, lambda: 1.0, lambda: 2.0) * half)(True).dtype == "float16"


def test_select():
    x, y = fnp.array(X), fnp.array(-X)
    same(lax.select(x > 0, x, y), fnp.abs(x))
    same(lax.select(True, x, y), x)
    same(lax.select_n(fnp.array([0, 1, 2, 0, 1, 2, 5]), x, y, 2 * x),
         fnp.array([X[0], -X[1], 2 * X[2], X[3], -X[4], 2 * X[5], 2 * X[6]]))
    same(lax.select_n(x > 0, y, x), fnp.abs(x))
    same(lax.select_n(np.int32(0), x), x)
    grad = ft.grad(lambda a, b: lax.select_n(x > 0, a, b).sum(), (0, 1))(x, y)
    same(grad, (fnp.array((X <= 0) * 1.0), fnp.array((X > 0) * 1.0)))


@pytest.mark.parametrize("target", TARGETS)
def test_a_choice_of_one(target):
    """Whatever the index is."""
    branch = ft.jit(fnp.sin).trace(1.0)

    def choose(index, x):
        return bind(cond_p, index, x, branches=(branch,))[0]
    lanes = on(target, ft.vmap(choose))
    same(lanes(fnp.array([-1, 0, 3]), fnp.array([0.5, 1.0, 2.0], "float32")),
         fnp.sin(fnp.array([0.5, 1.0, 2.0], "float32")), 1e-6)
