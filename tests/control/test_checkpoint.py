"""checkpoint: the derivative is the same, and what is stored and computed again is counted."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.ir.check import check
from functrans.ir.program import inner_programs
from lowering.pipeline import optimize

TARGETS = ("reference", "cpu")
POLICIES = ft.checkpoint_policies
X = np.linspace(-1.0, 1.0, 4)
W = np.random.default_rng(0).normal(size=(4, 4)) / 2


def count(program, name: str) -> int:
    """How many equations of a primitive a Program has, inner ones included."""
    own = sum(equation.primitive.name == name for equation in program.equations)
    return own + sum(count(inner, name) for equation in program.equations
                     for inner in inner_programs(equation))


def optimized(function, *args):
    """The Program that is compiled for a function; well formed after each pass."""
    return optimize(check(ft.jit(function).lower(*args).program), watch=lambda *_: None)


def residuals(function, *args) -> list:
    """Shapes of what the linear part of a function reads, the arguments themselves left out."""
    from functrans.api.grad import _Point
    point = _Point(function, args, "test")
    _, linear = point.linearize()
    given = {id(leaf) for leaf in point.leaves}
    return [value.shape for value in linear.residuals if id(value) not in given and value.shape]


def chain(x):
    return fnp.tanh(3 * fnp.tanh(2 * fnp.tanh(x)))


def layer(w, x):
    return fnp.tanh(fnp.tanh(x @ w) @ w)


def loss(function):
    return lambda *args: (function(*args) ** 2).sum()


# ---- values ----

def unlike_policy(primitive, *types, **params):
    return primitive.name == "tanh"


ALL_POLICIES = {
    "default": None, "everything": POLICIES.everything_saveable,
    "nothing": POLICIES.nothing_saveable, "dots": POLICIES.dots_saveable,
    "dots_no_batch": POLICIES.dots_with_no_batch_dims_saveable,
    "named": POLICIES.save_only_these_names("hidden"),
    "but_named": POLICIES.save_any_names_but_these("hidden"),
    "except": POLICIES.save_anything_except_these_names("hidden"),
    "both": POLICIES.save_from_both_policies(POLICIES.dots_saveable, unlike_policy),
    "own": unlike_policy,
}


def named_layer(w, x):
    return fnp.tanh(ft.checkpoint_name(fnp.tanh(x @ w), "hidden") @ w)


TRANSFORMS = {
    "grad": lambda f: lambda w, x: ft.grad(loss(f), (0, 1))(w, x),
    "vmap_grad": lambda f: lambda w, x: ft.vmap(ft.grad(loss(f), (0, 1)), (None, 0))(w, x),
    "grad_vmap": lambda f: lambda w, x: ft.grad(loss(ft.vmap(f, (None, 0))), (0, 1))(w, x),
    "hessian": lambda f: lambda w, x: ft.hessian(loss(f), 1)(w, x[0]),
    "grad_grad": lambda f: lambda w, x: ft.grad(
        lambda w: ft.grad(loss(f), 1)(w, x).sum())(w),
    "jvp": lambda f: lambda w, x: ft.jvp(f, (w, x), (w, x)),
    "grad_jvp": lambda f: lambda w, x: ft.grad(
        lambda w: ft.jvp(f, (w, x), (w, x))[1].sum())(w),
    "scan": lambda f: lambda w, x: ft.grad(
        lambda w: (lax.scan(lambda c, y: (f(w, c + y), c), x[0], x)[1] ** 2).sum())(w),
    "while": lambda f: lambda w, x: ft.grad(
        lambda w: (lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, f(w, s[1])),
                                  (0, x))[1] ** 2).sum())(w),
    "nested": lambda f: lambda w, x: ft.grad(
        loss(ft.checkpoint(lambda w, x: f(w, ft.checkpoint(f)(w, x)))), (0, 1))(w, x),
    "jit_inside": lambda f: lambda w, x: ft.grad(loss(ft.jit(f)), (0, 1))(w, x),
}


@pytest.mark.parametrize("how", sorted(TRANSFORMS))
def test_derivatives_are_those_of_the_function(how):
    args = (fnp.array(W), fnp.array(np.stack([X, X + 1])))
    expected = ft.tree.leaves(TRANSFORMS[how](named_layer)(*args))
    checkpointed = TRANSFORMS[how](ft.checkpoint(named_layer))
    for function in (checkpointed, ft.jit(checkpointed),
                     ft.jit(checkpointed, device="reference")):
        for got, value in zip(ft.tree.leaves(function(*args)), expected, strict=True):
            np.testing.assert_allclose(np.asarray(got), np.asarray(value), rtol=1e-10,
                                       atol=1e-13)


@pytest.mark.parametrize("policy", sorted(ALL_POLICIES))
def test_policies_do_not_change_values(policy):
    args = (fnp.array(W), fnp.array(X))
    expected = ft.grad(loss(named_layer))(*args)
    function = ft.grad(loss(ft.checkpoint(named_layer, policy=ALL_POLICIES[policy])))
    for run in (function, ft.jit(function)):
        np.testing.assert_allclose(np.asarray(run(*args)), np.asarray(expected), rtol=1e-12)


# ---- what is stored ----

def test_nothing_but_the_inputs_is_stored():
    assert len(residuals(chain, fnp.array(X))) >= 3
    assert residuals(ft.checkpoint(chain), fnp.array(X)) == []
    assert len(residuals(ft.checkpoint(chain, policy=POLICIES.everything_saveable),
                         fnp.array(X))) == len(residuals(chain, fnp.array(X)))


def test_policies_say_what_is_stored():
    w, x = fnp.array(W), fnp.array(np.stack([X] * 3))

    def stored(policy):
        return residuals(ft.checkpoint(named_layer, policy=policy), w, x)
    assert stored(POLICIES.dots_saveable) == [(3, 4)] * 2
    assert stored(POLICIES.dots_with_no_batch_dims_saveable) == [(3, 4)] * 2
    assert stored(POLICIES.save_only_these_names("hidden")) == [(3, 4)]
    assert stored(POLICIES.save_only_these_names("other")) == []
    assert stored(POLICIES.save_any_names_but_these("hidden")) == []
    assert stored(POLICIES.save_any_names_but_these("other")) == [(3, 4)]

    def batched(w, x):
        return fnp.sin(ft.vmap(named_layer)(fnp.stack([w, w]), fnp.stack([x, x])))
    kept = residuals(ft.checkpoint(batched, policy=POLICIES.dots_saveable), w, x)
    assert kept == [(2, 3, 4)] * 2
    assert not residuals(
        ft.checkpoint(batched, policy=POLICIES.dots_with_no_batch_dims_saveable), w, x)


def test_names_inside_jit_and_scan_are_found():
    policy = POLICIES.save_only_these_names("hidden")
    w, x = fnp.array(W), fnp.array(X)
    assert residuals(ft.checkpoint(ft.jit(named_layer), policy=policy), w, x) == [(4,)]

    def scanned(w, x):
        return lax.scan(lambda c, _: (fnp.sin(ft.checkpoint_name(fnp.tanh(c @ w), "hidden")), None),
                        x, None, length=5)[0]
    assert residuals(ft.checkpoint(scanned), w, x) == []
    assert residuals(ft.checkpoint(scanned, policy=policy), w, x) == [(5, 4)]


def test_what_is_saved_in_a_scan_is_not_computed_again():
    def scanned(w, x):
        return lax.scan(lambda c, _: (named_layer(w, c), None), x, None, length=5)[0]
    args = (W, X)
    expected = ft.grad(loss(scanned), (0, 1))(*args)
    products = {}
    for name, policy in ALL_POLICIES.items():
        f = ft.value_and_grad(loss(ft.checkpoint(scanned, policy=policy)), (0, 1))
        products[name] = count(optimized(f, *args), "dot_general")
        for got, value in zip(ft.jit(f)(*args)[1], expected):
            np.testing.assert_allclose(np.asarray(got), np.asarray(value), rtol=1e-10)
    # two forward and four backward, and those that are computed again
    assert products["everything"] == products["dots"] == 6
    assert products["nothing"] == products["default"] == 8
    assert products["named"] == 7


def test_a_checkpointed_body_stores_its_carry_only():
    def run(f):
        def scanned(x):
            return lax.scan(lambda c, _: (f(c), None), x, None, length=6)[0]
        return residuals(scanned, fnp.array(X))
    assert len(run(chain)) > 1
    assert run(ft.checkpoint(chain)) == [(6, 4)]


# ---- what is computed again ----

def test_the_backward_pass_computes_again():
    def program(f):
        return ft.make_ir(ft.grad(lambda x: f(x).sum()))(X)
    assert count(program(chain), "tanh") == 3
    assert count(program(ft.checkpoint(chain)), "tanh") == 6


@pytest.mark.parametrize("options, evaluations", (
    ({}, 6), ({"prevent_cse": False}, 3), ({"policy": POLICIES.everything_saveable}, 3),
    ({"policy": unlike_policy}, 3)))
def test_merging_equal_equations_does_not_undo_it(options, evaluations):
    f = ft.checkpoint(chain, **options)
    function = ft.value_and_grad(lambda x: f(x).sum())
    assert count(optimized(function, X), "tanh") == evaluations
    np.testing.assert_allclose(np.asarray(ft.jit(function)(X)[1]),
                               np.asarray(ft.grad(lambda x: chain(x).sum())(X)), rtol=1e-12)


def test_recomputation_in_loops_and_nested():
    def scanned(f):
        return lambda x: lax.scan(lambda c, _: (f(c), None), x, None, length=6)[0].sum()
    assert count(optimized(ft.value_and_grad(scanned(ft.checkpoint(chain))), X), "tanh") == 6
    assert count(optimized(ft.value_and_grad(scanned(chain)), X), "tanh") == 3
    nested = ft.checkpoint(lambda x: ft.checkpoint(chain)(x) * 2)
    assert count(optimized(ft.value_and_grad(lambda x: nested(x).sum()), X), "tanh") == 6
    twice = ft.checkpoint(lambda x: ft.checkpoint(chain)(ft.checkpoint(chain)(x)))
    program = optimized(ft.value_and_grad(lambda x: twice(x).sum()), X)
    assert count(program, "tanh") == 15                  # 6 forward, 3 for the middle, 6 again


def test_memory_is_saved():
    size, layers = 32, 8
    weights = [np.random.default_rng(k).normal(size=(size, size)) / 6 for k in range(layers)]
    x = np.ones((size, size))

    def network(wrap):
        def function(weights, x):
            for w in weights:
                x = wrap(lambda w, x: fnp.tanh(layer(w, x) @ w))(w, x)
            return (x * x).sum()
        return ft.jit(ft.value_and_grad(function)).lower(weights, x)._executable()
    plain, saving = network(lambda f: f), network(ft.checkpoint)
    assert saving.plan.arena < 0.5 * plain.plan.arena
    assert network(partial(ft.checkpoint, prevent_cse=False)).plan.arena > 0.9 * plain.plan.arena


# ---- effects ----

def test_effects_happen_once():
    log, numbers = [], iter(range(9))

    def function(x):
        ft.debug.callback(lambda x: log.append(float(x[0])), x)
        scale = ft.io_callback(lambda: np.float64(next(numbers) + 2),
                               ft.ShapeDtypeStruct((), "float64"))
        return fnp.sin(scale * fnp.sin(x)).sum()
    expected = np.cos(2 * np.sin(X)) * 2 * np.cos(X)
    np.testing.assert_allclose(np.asarray(ft.jit(ft.grad(ft.checkpoint(function)))(X)), expected)
    assert log == [-1.0]
    assert next(numbers) == 1


# ---- the function ----

def test_decorator_static_arguments_and_keywords():
    @partial(ft.checkpoint, static_argnums=(1,))
    def power(x, kind, *, scale):
        assert kind == "square"
        return scale * x * x
    assert ft.grad(power)(3.0, "square", scale=2.0) == 12
    assert ft.jit(ft.grad(lambda x: power(x, "square", scale=2.0)))(3.0) == 12
    assert power(3.0, "square", scale=2.0) == 18

    @ft.checkpoint(policy=POLICIES.dots_saveable)
    def tree_function(p):
        return {"out": p["a"] * p["b"]}
    assert ft.grad(lambda p: tree_function(p)["out"])({"a": 2.0, "b": 3.0}) == {"a": 3, "b": 2}
    assert ft.remat is ft.checkpoint


def test_python_control_flow_and_closures():
    @ft.checkpoint
    def branch(x):
        return fnp.sin(x) if x > 0 else x
    assert ft.grad(branch)(0.0) == 1

    def outer(y):
        return ft.grad(lambda x: ft.checkpoint(lambda x: fnp.sin(x) * y)(x))(1.0)
    assert float(ft.grad(outer)(3.0)) == pytest.approx(np.cos(1.0))
    assert float(ft.grad(lambda y: ft.checkpoint(lambda x: fnp.sin(x) * y)(1.0))(3.0)) \
        == pytest.approx(np.sin(1.0))


def test_errors():
    with pytest.raises(TypeError, match="policy"):
        ft.checkpoint(chain, policy="dots")
    with pytest.raises(TypeError, match="takes a function"):
        ft.checkpoint(3)
    with pytest.raises(TypeError, match="must be a string"):
        ft.checkpoint_name(1.0, 3)
    with pytest.raises(TypeError, match="text"):
        ft.grad(lambda x: ft.checkpoint(lambda x, text: x)(x, "text"))(1.0)


def test_what_is_named_is_not_computed_again():
    policy = POLICIES.save_only_these_names("hidden")
    f = ft.checkpoint(
        lambda x: fnp.tanh(3 * ft.checkpoint_name(fnp.tanh(2 * fnp.tanh(x)), "hidden")),
        policy=policy)
    program = optimized(ft.value_and_grad(lambda x: f(x).sum()), X)
    assert count(program, "tanh") == 3 + 2         # the first and the last, of which 1 - tanh^2
