"""Jitted functions that are not pure: what is warned of, and what is not."""
from __future__ import annotations

import functools
import warnings
from collections import Counter

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.api import impurity
from functrans.device import elsewhere
from functrans.errors import ImpureFunctionWarning

rate = 2.0
table: dict = {}
x = fnp.arange(3.0)


def scaled(value):
    return value * rate


def deeper(value):
    return scaled(value) + 1


@pytest.fixture
def restored():
    global rate
    yield
    rate = 2.0


def change_of(name: str):
    return pytest.warns(ImpureFunctionWarning, match=rf"'{name}' was")


@pytest.mark.parametrize("function", [
    scaled, deeper, functools.partial(scaled), lambda value: scaled(value),
    ft.grad(lambda v: scaled(v).sum()), ft.jit(scaled)])
def test_a_global_that_changes(function, restored):
    global rate
    jitted = ft.jit(function)
    jitted(x)
    rate = 3.0
    with change_of("rate") as caught:
        jitted(x)
    text = str(caught[0].message)
    assert "test_impurity.py" in text and "in scaled: return value * rate" in text
    assert "2.0" in text and "3.0" in text and caught[0].filename == __file__
    jitted(x)                                           # and no more


def test_it_is_noticed_after_many_calls(restored):
    global rate
    jitted = ft.jit(scaled)
    for _ in range(100):
        jitted(x)
    rate = 3.0
    with change_of("rate"):
        for _ in range(100):
            jitted(x)


def test_it_is_noticed_within_other_transformations(restored):
    global rate
    jitted = ft.jit(scaled)
    slope = ft.grad(lambda v: jitted(v).sum())
    slope(x)
    rate = 3.0
    with change_of("rate"):
        slope(x)


def test_after_some_calls_the_executable_runs_alone(monkeypatch):
    monkeypatch.setattr(elsewhere, "active", False)      # whatever other tests have put there
    jitted = ft.jit(scaled)
    jitted(x)
    entry, = jitted._cache.values()
    assert isinstance(entry.run, impurity.Probe)
    for _ in range(impurity.LAST):
        jitted(x)
    assert not isinstance(entry.run, impurity.Probe)
    pure = ft.jit(lambda value: value * 2)
    pure(x)
    assert not isinstance(next(iter(pure._cache.values())).run, impurity.Probe)


def test_what_is_equal_has_not_changed(restored):
    global rate
    weights, options = fnp.ones(3), {"rate": 0.1, "table": np.ones(3)}
    jitted = ft.jit(lambda value: value * weights * options["rate"] * rate)
    jitted(x)
    weights, options, rate = fnp.ones(3), {"rate": 0.1, "table": np.ones(3)}, 2.0    # run again
    for _ in range(3):
        jitted(x)


# ---- what is no mistake ----

def calls_counted_in_a_list():
    calls = []

    def f(value):
        calls.append(value.shape)
        return value
    return f


def calls_counted_in_a_variable():
    count = 0

    def f(value):
        nonlocal count
        count += 1
        return value
    return f


def calls_counted_by_name():
    counts = Counter()

    def f(value):
        counts["f"] += 1
        return value
    return f


def constants_remembered():
    known: dict = {}

    def table_of(size):
        if size not in known:
            known[size] = np.arange(size)
        return known[size]
    return lambda value: value + table_of(value.size)


def results_remembered():
    @functools.lru_cache
    def table_of(size):
        return np.arange(size)
    return lambda value: value + table_of(value.size)


def name_of_an_attribute():
    """`.rate` is no variable, though there is one of this name."""
    class Options:
        rate = 3.0
    options = Options()
    return lambda value: value * options.rate


@pytest.mark.parametrize("make", [
    calls_counted_in_a_list, calls_counted_in_a_variable, calls_counted_by_name,
    constants_remembered, results_remembered, name_of_an_attribute])
def test_no_false_alarm(make, restored):
    global rate
    jitted = ft.jit(make())
    for size in (3, 4, 3, 4, 3):
        jitted(fnp.ones(size))
        rate += 1
        table[size] = table.get(size, 0) + 1


def test_no_false_alarm_of_values_of_an_outer_function():
    @ft.jit
    def outer(value):
        scale = value.sum()
        inner = ft.jit(lambda v: v * scale)
        return inner(value) + inner(value)
    outer(x), outer(x)


def test_what_callbacks_keep_is_no_tracer():
    kept = []
    jitted = ft.jit(lambda value: ft.debug.callback(kept.append, value) or value)
    jitted(x), jitted(x)
    assert len(kept) == 2


def report(value):
    assert value.shape and rate


def through_a_global():
    return lambda value: ft.debug.callback(report, value) or value


def through_a_lambda():
    return lambda value: ft.debug.callback(lambda v: report(v + rate), value) or value


def through_a_loop():
    def f(value):
        def body(_, carry):
            ft.debug.callback(report, carry)
            return carry * 2
        return ft.lax.fori_loop(0, 2, body, value)
    return f


@pytest.mark.parametrize("make", [through_a_global, through_a_lambda, through_a_loop])
def test_callbacks_read_what_there_is(make, restored):
    global rate
    jitted = ft.jit(make())
    for _ in range(3):
        jitted(x)
        rate += 1

    def both(value):
        return make()(value) * rate
    mixed = ft.jit(both)
    mixed(x)
    rate += 1
    with change_of("rate"):
        mixed(x)


def test_a_module_that_is_loaded_again(tmp_path, monkeypatch):
    import importlib
    (tmp_path / "reloaded.py").write_text(
        "import functrans as ft, functrans.numpy as fnp\nscale, table = 2.0, fnp.ones(3)\n"
        "@ft.jit\ndef f(x):\n    return x * scale + table\n")
    monkeypatch.syspath_prepend(tmp_path)
    import reloaded
    old = reloaded.f
    old(x)
    importlib.reload(reloaded)
    old(x), reloaded.f(x)


@pytest.mark.parametrize("entry", ["called", 0.5, np.ones(2), fnp.ones(2)], ids=str)
def test_a_list_that_is_appended_to(entry):
    log = []

    @ft.jit
    def f(value):
        log.append(entry)
        return value
    with pytest.warns(ImpureFunctionWarning, match="appends to 'log'") as caught:
        f(x), f(x)
    assert "log.append(entry)" in str(caught[0].message) and len(caught) == 1


class Proxy:
    """As those of web frameworks: nothing can be asked outside of a request."""

    def __getattribute__(self, name):
        raise RuntimeError(f"no context for {name}")


def test_objects_that_refuse_to_be_looked_at():
    proxy = Proxy()

    def helper():
        return proxy

    @ft.jit
    def f(value):
        helper()
        return value * 2
    assert f(x).shape == f(x).shape == (3,)


def test_large_containers_are_not_looked_through():
    numbers, entries = list(range(1_000_000)), dict.fromkeys(range(1_000_000), 0.5)
    seen = []

    class Counting(list):
        def __iter__(self):
            seen.append(1)
            return super().__iter__()
    counted = Counting(numbers)

    @ft.jit
    def f(value):
        return value * (numbers[3] + len(counted)) * entries[2]
    f(x), f(x)
    assert not seen and f(x).shape == x.shape


def test_each_kept_value_is_warned_of_once():
    kept = []

    @ft.jit
    def f(value):
        kept.append(value)
        return value
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            f(x)
    assert len(caught) == 1 and "debug.callback(kept.append" in str(caught[0].message)


def test_it_is_noticed_where_devices_are_in_use(restored, monkeypatch):
    """Calls go another way then, as soon as something was put on a device."""
    global rate
    monkeypatch.setattr(elsewhere, "active", True)
    function = ft.jit(scaled)
    function(x)
    rate = 3.0
    with change_of("rate"):
        function(x)
