"""Computing across the lanes of a named axis, with JAX and finite differences as oracles."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TARGETS = ("reference", "cpu")
LANES = 3
X = np.arange(12.0).reshape(LANES, 4) / 7 - 0.5


def programs(lax, np_) -> dict:
    """Functions of one lane's row of four numbers, in either library's words."""
    return {
        "psum": lambda x: np_.sin(x) * lax.psum(np_.cos(x), "i"),
        "psum_of_what_is_shared": lambda x: lax.psum(lax.psum(x, "i") * 2.0, "i") * x,
        "psum_tree": lambda x: lax.psum({"a": x, "b": (x * x,)}, "i"),
        "psum_positions": lambda x: lax.psum(np_.stack([x, x * x]), (0, "i")),
        "pmean": lambda x: x - lax.pmean(x * x, "i"),
        "axis_index": lambda x: x * lax.axis_index("i"),
        "normalized": lambda x: (x - lax.pmean(x, "i")) / np_.sqrt(
            lax.pmean(x ** 2, "i") - lax.pmean(x, "i") ** 2 + 0.1),
        "all_gather": lambda x: np_.tanh(lax.all_gather(x, "i", axis=1)) * x[:, None],
        "all_gather_tiled": lambda x: lax.all_gather(x * x, "i", tiled=True),
        "psum_scatter": lambda x: lax.psum_scatter(np_.outer(x[:3], x), "i"),
        "psum_scatter_tiled": lambda x: lax.psum_scatter(
            np_.outer(x, np_.ones(6)) * np_.arange(6.0), "i", scatter_dimension=1, tiled=True),
        "ppermute": lambda x: lax.ppermute(x * x, "i", [(0, 1), (1, 2), (2, 0)]) * x,
        "pshuffle": lambda x: lax.pshuffle(x * x, "i", [1, 0, 2]) * x,
        "all_to_all": lambda x: lax.all_to_all(np_.outer(x, x[:3]), "i", 1, 0),
        "all_to_all_tiled": lambda x: lax.all_to_all(
            np_.outer(np_.arange(6.0), x), "i", 0, 1, tiled=True),
        "pswapaxes": lambda x: lax.pswapaxes(np_.outer(x, x[:3]), "i", 1),
        "scan": lambda x: lax.scan(
            lambda c, y: (c + lax.psum(np_.sin(y * c), "i"), c), 1.0 + 0 * x[0], x),
        "index_in_scan": lambda x: x * lax.scan(
            lambda c, _: (c + lax.axis_index("i"), None), 0, None, length=3)[0],
        "cond": lambda x: lax.cond(lax.psum(x[0], "i") > 0, lambda x: x * lax.psum(x, "i"),
                                   lambda x: x + lax.psum(x * x, "i"), x),
        "fori": lambda x: lax.fori_loop(0, 3, lambda i, x: np_.sin(x) + lax.pmean(x, "i"), x),
    }


def wrapped(library, function, how: str):
    """A function of all lanes' rows."""
    def square(value):
        return sum((leaf ** 2).sum() for leaf in library.tree.leaves(value))

    mapped = library.vmap(function, axis_name="i")
    return {
        "vmap": mapped,
        "jit_outside": library.jit(mapped),
        "jit_inside": library.vmap(library.jit(function), axis_name="i"),
        "jvp": lambda x: library.jvp(mapped, (x,), (np.cos(x),)),
        "grad_outside": library.grad(lambda x: square(mapped(x))),
        "grad_inside": library.vmap(library.grad(lambda x: square(function(x))), axis_name="i"),
        "jit_grad": library.jit(library.grad(lambda x: square(mapped(x)))),
    }[how]


HOWS = ("vmap", "jit_outside", "jit_inside", "jvp", "grad_outside", "grad_inside", "jit_grad")


def assert_same(got, expected, rtol=1e-10):
    got, expected = ft.tree.leaves(got), list(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-12)


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


@pytest.mark.parametrize("name", sorted(programs(lax, fnp)))
@pytest.mark.parametrize("how", ("vmap", "jvp", "grad_outside"))
def test_agrees_with_jax(jax, name, how):
    ours = wrapped(ft, programs(lax, fnp)[name], how)
    theirs = wrapped(jax, programs(jax.lax, jax.numpy)[name], how)
    with jax.disable_jit():
        expected = jax.tree.leaves(theirs(X))
    assert_same(ours(X), expected)


@pytest.mark.parametrize("name", sorted(programs(lax, fnp)))
def test_the_gradient_inside_is_that_of_the_sum_over_lanes(jax, name):
    inside = wrapped(ft, programs(lax, fnp)[name], "grad_inside")(X)
    assert_same(inside, [wrapped(ft, programs(lax, fnp)[name], "grad_outside")(X)])
    if not name.startswith("all_to_all"):                # JAX fails to transpose that one
        theirs = wrapped(jax, programs(jax.lax, jax.numpy)[name], "grad_inside")
        with jax.disable_jit():
            assert_same(inside, [theirs(X)])


@pytest.mark.parametrize("name", sorted(programs(lax, fnp)))
@pytest.mark.parametrize("how, target", (("jit_grad", "cpu"), ("jit_inside", "cpu"),
                                         ("jit_outside", "reference")))
def test_compiled_equals_evaluated(name, how, target):
    function = programs(lax, fnp)[name]
    plain = {"jit_grad": "grad_outside"}.get(how, "vmap")
    with ft.config.override(target=target):
        assert_same(wrapped(ft, function, how)(X),
                    ft.tree.leaves(wrapped(ft, function, plain)(X)))


# ---- extremes, branches, loops: what JAX has no derivative for, or another one ----

def differences(function, x, direction, step=1e-6):
    plus, minus = (np.asarray(function(x + s * direction)) for s in (step, -step))
    return (plus - minus) / (2 * step)


UNLIKE_JAX = {
    "pmax": lambda x: lax.pmax(x * x, "i") * x,
    "pmin": lambda x: lax.pmin(fnp.sin(x), "i") * x,
    "pbroadcast": lambda x: lax.pbroadcast(x * x, "i", 1) * x,
    "partial_ppermute": lambda x: lax.ppermute(x * x, "i", [(0, 2)]) * x,
    "branch_by_lane": lambda x: lax.cond(x[0] > 0, lambda x: x * lax.psum(x, "i"),
                                         lambda x: x * x, x),
    "switch_by_lane": lambda x: lax.switch(
        lax.axis_index("i"), [lambda x: x, lambda x: x * lax.psum(x * x, "i"), fnp.sin], x),
}


@pytest.mark.parametrize("name", sorted(UNLIKE_JAX))
def test_derivatives_agree_with_differences(name):
    mapped = ft.vmap(UNLIKE_JAX[name], axis_name="i")
    x, direction = fnp.array(X), np.cos(X)
    expected = differences(mapped, X, direction)
    _, pushed = ft.jvp(mapped, (x,), (fnp.array(direction),))
    np.testing.assert_allclose(np.asarray(pushed), expected, rtol=1e-6, atol=1e-8)
    ct = np.sin(3 * X)
    pulled = ft.vjp(ft.jit(mapped), x)[1](fnp.array(ct))[0]
    assert np.sum(np.asarray(pulled) * direction) == pytest.approx(np.sum(ct * expected))


def test_values_of_branches_and_permutations():
    gather = ft.vmap(UNLIKE_JAX["branch_by_lane"], axis_name="i")
    total = X.sum(0)
    expected = np.where(X[:, :1] > 0, X * total, X * X)
    for function in (gather, ft.jit(gather), ft.jit(gather, device="reference")):
        np.testing.assert_allclose(np.asarray(function(X)), expected, rtol=1e-12)
    sent = ft.vmap(UNLIKE_JAX["partial_ppermute"], axis_name="i")(X)
    np.testing.assert_allclose(np.asarray(sent)[2], X[0] ** 2 * X[2])
    assert not np.asarray(sent)[:2].any()


def test_while_loop_that_lanes_run_together(jax):
    def loop(lax):
        return lambda x: lax.while_loop(
            lambda s: s[0] < 2.43, lambda s: (s[0] + 0.3, s[1] + lax.pmean(s[1], "i") * 0.1),
            (x[0], x))
    ours = ft.vmap(loop(lax), axis_name="i")
    expected = jax.tree.leaves(jax.vmap(loop(jax.lax), axis_name="i")(X))
    for function in (ours, ft.jit(ours), ft.jit(ours, device="reference")):
        assert_same(function(X), expected)
    gradient = ft.grad(lambda x: (ours(x)[1] ** 2).sum())(fnp.array(X))
    slope = differences(lambda x: (ours(fnp.array(x))[1] ** 2).sum(), X, np.cos(X))
    assert np.sum(np.asarray(gradient) * np.cos(X)) == pytest.approx(float(slope), rel=1e-6)


def test_loop_residuals_by_lane_with_a_collective_are_refused():
    def scalar(x):
        return lax.while_loop(lambda s: s[0] < 2.43,
                              lambda s: (s[0] + 0.3, s[1] * lax.psum(s[1], "i")), (x[0], x)
                              )[1].sum()
    with pytest.raises(TypeError, match="lanes would not meet"):
        ft.vmap(ft.grad(scalar), axis_name="i")(fnp.array(X))


# ---- several names ----

def test_nested_names():
    x = np.arange(24.0).reshape(2, 3, 4) / 9

    def inner(x):
        return {"psum": lax.psum(x, ("i", "j")), "outer": lax.psum(x, "i"),
                "index": lax.axis_index(("i", "j")), "max": lax.pmax(x, ("j", "i")),
                "gather": lax.all_gather(x, ("i", "j")), "mean": lax.pmean(x, "j"),
                "scatter": lax.psum_scatter(fnp.arange(6.0) * x[0], ("i", "j"))}
    nested = ft.vmap(ft.vmap(inner, axis_name="j"), axis_name="i")
    everywhere = np.ones((2, 3))
    expected = {"psum": np.multiply.outer(everywhere, x.sum((0, 1))),
                "outer": np.stack([x.sum(0)] * 2), "index": np.arange(6).reshape(2, 3),
                "max": np.multiply.outer(everywhere, x.max((0, 1))),
                "gather": np.multiply.outer(everywhere, x.reshape(6, 4)),
                "mean": np.repeat(x.mean(1, keepdims=True), 3, 1),
                "scatter": np.arange(6.0).reshape(2, 3) * x[:, :, 0].sum()}
    for function in (nested, ft.jit(nested)):
        assert_same(function(x), ft.tree.leaves(expected))


def test_an_inner_name_hides_an_outer_one():
    x = np.arange(6.0).reshape(2, 3)
    rows = ft.vmap(lambda row: ft.vmap(lambda v: lax.psum(v, "i"), axis_name="i")(row),
                   axis_name="i")(x)
    np.testing.assert_array_equal(np.asarray(rows), np.repeat(x.sum(1, keepdims=True), 3, 1))


def test_anonymous_vmap_inside_and_outside():
    x = np.arange(12.0).reshape(2, 3, 2)
    inside = ft.vmap(lambda m: ft.vmap(lambda v: lax.psum(v, "i"))(m), axis_name="i")(x)
    np.testing.assert_array_equal(np.asarray(inside), np.stack([x.sum(0)] * 2))
    outside = ft.vmap(lambda m: ft.vmap(lambda v: lax.ppermute(v, "i", [(0, 1), (1, 2)]),
                                        axis_name="i")(m))(x)
    np.testing.assert_array_equal(np.asarray(outside)[:, 1:], x[:, :2])


def test_results_that_all_lanes_share():
    total = ft.vmap(lambda x: lax.psum(x, "i"), axis_name="i", out_axes=None)(X)
    np.testing.assert_allclose(np.asarray(total), X.sum(0))
    assert lax.axis_size is ft.lax.axis_size


def test_static_sizes():
    seen = []

    def lane(x):
        seen.extend([lax.psum(1, "i"), lax.axis_size("i"), lax.psum(2.5, "i")])
        return x
    with pytest.warns(ft.errors.ImpureFunctionWarning, match="appends to 'seen'"):
        ft.vmap(ft.jit(lane), axis_name="i")(X)
    assert seen == [LANES, LANES, 2.5 * LANES]
    counted = ft.vmap(lambda x: lax.psum(x > 0, "i"), axis_name="i")(X)
    np.testing.assert_array_equal(np.asarray(counted)[0], (X > 0).sum(0))


def test_a_jitted_function_is_traced_anew_for_another_axis():
    @ft.jit
    def share(x):
        return x / lax.axis_size("i")
    for lanes in (2, 4):
        out = ft.vmap(share, axis_name="i")(np.ones((lanes, 1)))
        np.testing.assert_allclose(np.asarray(out), np.full((lanes, 1), 1 / lanes))
    with pytest.raises(NameError):
        share(np.ones(1))


# ---- errors ----

@pytest.mark.parametrize("call", (
    lambda x: lax.psum(x, "k"), lambda x: lax.pmax(x, "k"), lambda x: lax.axis_index("k"),
    lambda x: lax.all_gather(x, "k"), lambda x: lax.ppermute(x, "k", [(0, 1)]),
    lambda x: lax.axis_size("k"), lambda x: lax.psum(x, ("i", "k")), lambda x: lax.psum(1, "k")))
def test_a_name_that_is_not_bound(call):
    with pytest.raises(NameError, match=r"'k'.*'i' of size 3"):
        ft.vmap(call, axis_name="i")(X)
    with pytest.raises(NameError, match="none"):
        ft.jit(call)(X)


def test_errors_name_what_was_wrong():
    def run(function):
        return ft.vmap(function, axis_name="i")(X)
    with pytest.raises(ValueError, match="each target"):
        run(lambda x: lax.ppermute(x, "i", [(0, 1), (2, 1)]))
    with pytest.raises(ValueError, match="each source"):
        run(lambda x: lax.ppermute(x, "i", [(0, 1), (7, 2)]))
    with pytest.raises(ValueError, match="perm must name each"):
        run(lambda x: lax.pshuffle(x, "i", [0, 0, 1]))
    with pytest.raises(ValueError, match="must have the size"):
        run(lambda x: lax.psum_scatter(x, "i"))
    with pytest.raises(ValueError, match="3 equal parts"):
        run(lambda x: lax.all_to_all(x, "i", 0, 0, tiled=True))
    with pytest.raises(NotImplementedError, match="axis_index_groups"):
        run(lambda x: lax.psum(x, "i", axis_index_groups=[[0, 1], [2]]))


def test_a_value_across_lanes_has_none_for_one_lane():
    def branch(x):
        return x if lax.axis_index("i") > 0 else -x
    with pytest.raises(ft.errors.ConcretizationError):
        ft.vmap(branch, axis_name="i")(X)
