"""Calls back into Python: in order, once each, under every transformation and in every loop."""
from __future__ import annotations

import traceback

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TARGETS = ("reference", "cpu", "interpret")


@pytest.fixture
def log():
    return []


def recorder(log, tag):
    """A callback that writes down what it was called with."""
    def record(*args):
        log.append((tag, *(np.asarray(arg).tolist() for arg in args)))
    return record


def straight(log):
    def function(x):
        ft.debug.callback(recorder(log, "a"), x)
        y = x * x
        ft.debug.callback(recorder(log, "b"), y)
        return y
    return function


def looping(log):
    """Callbacks in scan, while and cond; one of them depends on nothing in the loop."""
    def body(c, i):
        ft.debug.callback(recorder(log, "scan"), i, c)
        return c * 1.5, i

    def step(w):
        ft.debug.callback(recorder(log, "while"), w)
        return w + 1

    def high(w):
        ft.debug.callback(recorder(log, "high"), w)
        return w * w

    def function(x):
        shared = fnp.sin(x) * 0 + 7

        def invariant(c, _):
            ft.debug.callback(recorder(log, "invariant"), shared)
            return c, None
        c, ys = lax.scan(body, x, np.arange(3.0))
        ft.debug.callback(recorder(log, "after"), ys)
        c, _ = lax.scan(invariant, c, None, length=2)
        w = lax.while_loop(lambda s: s < 5, step, c)
        return lax.cond(w > 5.2, high, lambda w: w * 2, w)
    return function


LOOPING = [("scan", 0, 1), ("scan", 1, 1.5), ("scan", 2, 2.25), ("after", [0, 1, 2]),
           ("invariant", 7), ("invariant", 7), ("while", 3.375), ("while", 4.375),
           ("high", 5.375)]

ONE_POINT = {
    "plain": lambda f: f, "jit": lambda f: ft.jit(f), "grad": lambda f: ft.grad(f),
    "grad_of_jit": lambda f: ft.grad(ft.jit(f)), "jit_of_grad": lambda f: ft.jit(ft.grad(f)),
    "second": lambda f: ft.jit(ft.grad(ft.grad(f))), "grad_grad": lambda f: ft.grad(ft.grad(f)),
    "jvp": lambda f: lambda x: ft.jvp(f, (x,), (x,)),
    "linearize": lambda f: lambda x: ft.linearize(f, x)[1](x),
    "checkpoint": lambda f: ft.jit(ft.grad(ft.checkpoint(f))),
    "checkpoint_eager": lambda f: ft.grad(ft.checkpoint(f)),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("how", sorted(ONE_POINT))
def test_once_each_and_in_order(log, how, target):
    with ft.config.override(target=target):
        ONE_POINT[how](straight(log))(np.float64(3.0))
        assert log == [("a", 3), ("b", 9)]
        log.clear()
        ONE_POINT[how](looping(log))(np.float64(1.0))
        assert log == LOOPING


LANES = {
    "vmap": lambda f: ft.vmap(f), "jit": lambda f: ft.jit(ft.vmap(f)),
    "vmap_of_grad": lambda f: ft.vmap(ft.grad(f)),
    "grad_of_vmap": lambda f: ft.jit(ft.grad(lambda xs: ft.vmap(f)(xs).sum())),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("how", sorted(LANES))
def test_lane_after_lane(log, how, target):
    with ft.config.override(target=target):
        LANES[how](straight(log))(np.array([1.0, 2.0]))
        assert log == [("a", 1), ("a", 2), ("b", 1), ("b", 4)]
        log.clear()
        LANES[how](looping(log))(np.array([1.0, 4.0]))
        assert [entry for entry in log if entry[0] in ("while", "high")] == [
            ("while", 3.375), ("while", 4.375), ("high", 5.375), ("high", 13.5)]
        assert [entry[1] for entry in log if entry[0] == "scan"] == [0, 0, 1, 1, 2, 2]


def test_what_no_lane_owns_is_called_once(log):
    def lane(x, y):
        ft.debug.callback(recorder(log, "mapped"), x)
        ft.debug.callback(recorder(log, "shared"), y)
        return x
    ft.vmap(lane, in_axes=(0, None))(np.array([1.0, 2.0]), 5.0)
    assert log == [("mapped", 1), ("mapped", 2), ("shared", 5)]


def test_python_control_flow_sees_effects_in_order(log):
    def function(x):
        ft.debug.callback(recorder(log, "first"), x)
        y = ft.jit(lambda x: straight(log)(x))(x)
        if y > 2:
            ft.debug.callback(recorder(log, "branch"), y)
        log.append("python")
        return y
    for how in ("plain", "grad", "grad_grad", "jvp"):
        log.clear()
        ONE_POINT[how](function)(np.float64(3.0))
        assert log == [("first", 3), ("a", 3), ("b", 9), ("branch", 9), "python"]


def test_effects_before_an_error_have_happened(log):
    def function(x):
        ft.debug.callback(recorder(log, "before"), x)
        raise ValueError("mine")
    with pytest.raises(ValueError, match="mine"):
        ft.grad(function)(1.0)
    assert log == [("before", 1)]


def test_equal_effects_are_not_merged_and_unused_ones_stay(log):
    @ft.jit
    def function(x):
        for _ in range(2):
            lax.scan(lambda c, _: (ft.debug.callback(recorder(log, "x"), c) or c, None), x, None,
                     length=2)
        ft.io_callback(lambda: log.append("io") or np.int64(1), ft.ShapeDtypeStruct((), "int64"))
        return x
    function(1.0)
    assert log == [("x", 1)] * 4 + ["io"]


# ---- results ----

@pytest.mark.parametrize("target", TARGETS)
def test_pure_callback_gives_values(target):
    def function(x, y):
        total, parts = ft.pure_callback(
            lambda x, y, scale: (np.sum(x) * scale, {"sum": x + y}),
            (ft.ShapeDtypeStruct((), "float64"), {"sum": y}), x, y, scale=2)
        return total * parts["sum"]
    x, y = np.arange(3.0), np.ones(3)
    out = ft.jit(function, device=target)(x, y)
    np.testing.assert_array_equal(np.asarray(out), 6 * (x + y))
    np.testing.assert_array_equal(np.asarray(function(x, y)), 6 * (x + y))


@pytest.mark.parametrize("target", TARGETS)
def test_io_callback_counts(target):
    counter = iter(range(10))

    def body(total, _):
        number = ft.io_callback(lambda: np.int64(next(counter)), ft.ShapeDtypeStruct((), "int64"),
                                ordered=True)
        return total + number, number
    total, numbers = ft.jit(lambda: lax.scan(body, 0, None, length=4), device=target)()
    assert int(total) == 6
    assert np.asarray(numbers).tolist() == [0, 1, 2, 3]


def test_empty_arrays_and_scalars():
    kind = ft.ShapeDtypeStruct((0, 3), "float32")
    assert ft.jit(lambda x: ft.pure_callback(lambda x: x, kind, x))(np.zeros((0, 3), "f4")
                                                                    ).shape == (0, 3)
    assert ft.jit(lambda x: ft.pure_callback(lambda x: 2, x, x))(1.0) == 2


def test_a_callback_may_call_compiled_functions_and_keep_or_change_its_arguments():
    kept = []

    @ft.jit
    def inner(x):
        return fnp.sin(x) * 2

    @ft.jit
    def outer(x):
        def callback(x):
            kept.append(x)
            result = inner(x)
            x[0] = 100
            return np.asarray(result)
        return ft.pure_callback(callback, x, x) + x
    x = np.arange(3.0)
    np.testing.assert_allclose(np.asarray(outer(x)), 2 * np.sin(x) + x)
    outer(np.ones(3))
    np.testing.assert_array_equal(kept[0], [100, 1, 2])


VMAP_SHAPES = {"sequential": ((4,), (4,)), "sequential_unrolled": ((4,), (4,)),
               "expand_dims": ((2, 4), (1, 4)), "broadcast_all": ((2, 4), (2, 4)),
               "legacy_vectorized": ((2, 4), (4,))}


@pytest.mark.parametrize("method", sorted(VMAP_SHAPES))
def test_vmap_methods(method):
    shapes = []

    def callback(x, y):
        shapes.append((x.shape, y.shape))
        return x * y

    def lane(x, y):
        return ft.pure_callback(callback, x, x, y, vmap_method=method)
    x, y = np.arange(8.0).reshape(2, 4), np.arange(4.0)
    for function in (ft.vmap(lane, (0, None)), ft.jit(ft.vmap(lane, (0, None)))):
        shapes.clear()
        np.testing.assert_array_equal(np.asarray(function(x, y)), x * y)
        assert shapes == [VMAP_SHAPES[method]] * (2 if "sequential" in method else 1)


def test_nested_vmap_methods(log):
    def lane(x, y):
        return ft.pure_callback(lambda x, y: log.append((x.shape, y.shape)) or x + y, x, x, y,
                                vmap_method="expand_dims")
    x, y = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    out = ft.vmap(ft.vmap(lane), (0, None))(x, y)
    np.testing.assert_array_equal(np.asarray(out), x + y)
    assert log == [((2, 3), (1, 3))]


def test_vmap_needs_a_method():
    with pytest.raises(NotImplementedError, match="vmap_method=.*broadcast_all"):
        ft.vmap(lambda x: ft.pure_callback(np.sin, x, x))(np.ones(3))
    with pytest.raises(ValueError, match="vmap_method must be"):
        ft.pure_callback(np.sin, 1.0, 1.0, vmap_method="parallel")


# ---- derivatives ----

def test_callbacks_have_no_derivative_of_their_own(log):
    def pure(x):
        return ft.pure_callback(lambda x: log.append("called") or np.sin(x), x, x)
    for transform in (ft.grad, lambda f: lambda x: ft.jvp(f, (x,), (x,)), ft.jacfwd):
        with pytest.raises(NotImplementedError, match="custom_jvp"):
            transform(pure)(1.0)
    assert not log
    with pytest.raises(NotImplementedError, match="io_callback"):
        ft.grad(lambda x: ft.io_callback(np.sin, x, x))(1.0)
    assert float(ft.grad(lambda x: x * pure(ft.stop_gradient(x)))(1.0)) == pytest.approx(
        np.sin(1.0))
    whole = ft.grad(lambda x: x * ft.pure_callback(
        lambda x: np.int64(x), ft.ShapeDtypeStruct((), "int64"), x))(3.5)
    assert float(whole) == 3


def test_a_custom_rule_gives_a_callback_its_derivative():
    @ft.custom_jvp
    def sine(x):
        return ft.pure_callback(np.sin, x, x, vmap_method="broadcast_all")

    @sine.defjvp
    def rule(primals, tangents):
        x, dx = primals[0], tangents[0]
        return sine(x), ft.pure_callback(np.cos, x, x, vmap_method="broadcast_all") * dx
    x = np.linspace(0.0, 1.0, 3)
    for function in (ft.vmap(ft.grad(sine)), ft.jit(ft.vmap(ft.grad(sine)))):
        np.testing.assert_allclose(np.asarray(function(x)), np.cos(x))


# ---- errors ----

def _failing(x):
    raise KeyError("from the callback")


@pytest.mark.parametrize("target", TARGETS)
def test_exceptions_come_out_with_their_traceback(target):
    def call(x):
        return ft.pure_callback(_failing, x, x)
    functions = {
        "plain": call, "jit": ft.jit(call, device=target),
        "scan": ft.jit(lambda x: lax.scan(lambda c, _: (call(c), None), x, None, length=3)[0],
                       device=target),
        "while": ft.jit(lambda x: lax.while_loop(lambda s: call(s) > 0, lambda s: s, x),
                        device=target),
        "debug": ft.jit(lambda x: ft.debug.callback(_failing, x) or x, device=target)}
    for function in functions.values():
        for _ in range(2):
            with pytest.raises(KeyError, match="from the callback") as caught:
                function(1.0)
            frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
            assert frames[-1] == "_failing"
            assert frames[0] == "test_exceptions_come_out_with_their_traceback"


def test_results_unlike_announced():
    def run(callback, result):
        return ft.jit(lambda x: ft.pure_callback(callback, result, x))(np.float32(1.0))
    scalar = ft.ShapeDtypeStruct((), "float32")
    with pytest.raises(TypeError, match=r"announced as f32\[\].*dtype float64"):
        run(np.float64, scalar)
    with pytest.raises(TypeError, match=r"\['a'\].*shape \(2,\)"):
        run(lambda x: {"a": np.zeros(2, "f4")}, {"a": scalar})
    with pytest.raises(TypeError, match="another structure(.|\n)*announced:(.|\n)*returned:"):
        run(lambda x: (x, x), scalar)


# ---- printing ----

def test_print(capsys):
    @ft.jit
    def function(x, y):
        ft.debug.print("x={} y={y:.2f} {name}", x, y=y, name="static", ordered=True)
        return x
    function(1.5, 2.0)
    ft.grad(lambda x: ft.debug.print("{}", x) or x * x)(np.array(3.0))
    ft.debug.print("plain {{braces}}")
    ft.debug.print("{0[1]} {0.shape} {d[k]}", np.arange(3), d={"k": 7})
    assert capsys.readouterr().out == "x=1.5 y=2.00 static\n3.0\nplain {braces}\n1 (3,) 7\n"


def test_formats_are_checked_when_traced():
    with pytest.raises(ValueError, match="does not use argument 0"):
        ft.jit(lambda x: ft.debug.print(f"{x}", x))(1.0)
    with pytest.raises(ValueError, match="does not use y"):
        ft.debug.print("{}", 1.0, y=2)
    with pytest.raises(IndexError):
        ft.debug.print("{} {}", 1.0)
    with pytest.raises(TypeError, match="format string"):
        ft.debug.print(1.0)
