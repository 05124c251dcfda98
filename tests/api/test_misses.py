"""Why calls are traced anew: `ft.explain_cache_misses` names what was another."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ArgumentError


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def kinds(function) -> list:
    """For each call that was traced: (argument, kind, now, before) of its differences."""
    return [[tuple(each) for each in miss.differences]
            for miss in ft.explain_cache_misses(function)]


def test_equal_calls_are_traced_once():
    f = ft.jit(lambda x: x + 1)
    for _ in range(3):
        f(ones(3))
    assert kinds(f) == [[]]
    assert ft.explain_cache_misses(f)[0].reason == "the first call"


@pytest.mark.parametrize("first, second, difference", [
    (ones(3), ones(4), ("x", "shape", "f32[4]", "f32[3]")),
    (ones(3), ones(3, 1), ("x", "shape", "f32[3,1]", "f32[3]")),
    (ones(3), ones(3, dtype=np.float64), ("x", "dtype", "f64[3]", "f32[3]")),
    (2.0, np.float32(2), ("x", "weak type", "f32[]", "f32*[]")),
    ({"a": 1.0}, {"a": 1.0, "b": 2.0}, ("x['b']", "structure", "f32*[]", "not there")),
    ({"a": 1.0, "b": 2.0}, {"a": 1.0}, ("x['b']", "structure", "not there", "f32*[]")),
])
def test_what_differs_of_an_argument(first, second, difference):
    f = ft.jit(lambda x: ft.tree.leaves(x)[0] + 1)
    f(first)
    f(second)
    assert kinds(f) == [[], [difference]]


def test_structures_with_the_same_names():
    f = ft.jit(lambda x: x[0])
    f([1.0, 2.0])
    f((1.0, 2.0))
    (_, (difference,)) = kinds(f)
    assert difference[:2] == ("the structure of arguments", "structure")
    assert "[*, *]" in difference[3] and "(*, *)" in difference[2]


def test_the_nearest_signature_is_compared():
    f = ft.jit(lambda x, y: x.sum() + y.sum())
    f(ones(3), ones(5))
    f(ones(4), ones(6))
    f(ones(3), ones(7))
    assert kinds(f)[2] == [("y", "shape", "f32[7]", "f32[5]")]


def test_static_values_by_position_and_name():
    f = ft.jit(lambda x, n, *more, mode="a": x * n, static_argnums=(1, 2),
               static_argnames="mode")
    f(ones(2), 2)
    f(ones(2), 2, 7)
    f(ones(2), 2, 8)
    f(ones(2), 2, 8, mode="b")
    assert kinds(f)[2] == [("static argument 2", "static value", "8", "7")]
    assert kinds(f)[3] == [("static mode", "static value", "'b'", "not given")]
    g = ft.jit(lambda x, n: x * n, static_argnums=1)
    g(ones(2), 2)
    g(ones(2), 2.0)                     # equal, but of another type
    assert kinds(g)[1] == [("static n", "static value", "2.0", "2")]


def test_switches_and_named_axes():
    f = ft.jit(lambda x: x * 2.0)
    f(ones(2))
    with ft.config.override(default_float="float64"):
        f(ones(2))
    assert kinds(f)[1] == [("config.default_float", "switch", "float64", "float32")]
    ft.vmap(f, axis_name="lanes")(ones(3, 2))
    assert ("the named axes", "named axes", "lanes: 3", "none") in kinds(f)[2]


def test_what_reads_an_outer_trace_is_not_kept():
    def outer(y):
        f = ft.jit(lambda x: x * y)
        first = f(2.0) + f(2.0)
        reports.append(ft.explain_cache_misses(f))
        return first
    reports: list = []
    ft.grad(outer)(3.0)
    first, second = reports[0]
    assert (first.kept, second.kept) == (False, False)
    assert second.reason == "the Program of a call like it was not kept"
    assert "not kept, as it reads values of an outer trace" in repr(reports[0])


def test_jit_in_a_loop_is_told():
    ft.explain_cache_misses(clear=True)
    for _ in range(3):
        ft.jit(lambda x: x - 1)(ones(2))
    reasons = [miss.reason for miss in ft.explain_cache_misses()]
    assert reasons[0] == "the first call" and "function object 3 of the same code" in reasons[2]


def test_a_report_of_all_functions():
    ft.explain_cache_misses(clear=True)

    @ft.jit
    def doubled(x):
        return x * 2

    doubled(ones(3))
    doubled(ones(4))
    report = ft.explain_cache_misses(clear=True)
    assert [miss.name for miss in report] == ["doubled", "doubled"]
    assert len(report.retraces) == 1 and report[1].known == 1
    first, _, line = repr(report).split("\n")
    assert first == "2 calls were traced, 1 of them of functions that had been traced before"
    assert line.startswith("doubled: x is f32[4], was f32[3] (shape) at test_misses.py:")
    assert report[1].location.file == __file__
    assert not ft.explain_cache_misses()
    assert "1 call was traced, 0 of them" in repr(type(report)(report[:1]))


def test_many_differences_are_cut_short_in_the_reason_alone():
    f = ft.jit(lambda xs: sum(x.sum() for x in xs))
    f([ones(3)] * 5)
    f([ones(4)] * 5)
    miss = ft.explain_cache_misses(f)[1]
    assert miss.reason.endswith("and 2 more") and len(miss.differences) == 5


def test_clearing_the_cache_of_a_function():
    f = ft.jit(lambda x: fnp.sin(x))
    f(ones(2))
    f.clear_cache()
    f(ones(2))
    assert ft.explain_cache_misses(f)[1].reason == "the Program of a call like it was not kept"


def test_only_jitted_functions_have_misses():
    with pytest.raises(ArgumentError, match="takes a jitted function, got <function"):
        ft.explain_cache_misses(ones)
