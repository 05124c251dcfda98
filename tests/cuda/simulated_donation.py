"""Donated arrays under the simulator: outputs take their memory where that does no harm."""
from __future__ import annotations

import gc

import numpy as np
import pytest
from on_cuda import shuffled_blocks
from programs import PROGRAMS

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import DeviceError, DonatedError
from lowering.cuda import driver, vectors

LENGTH = 50_000
X = np.sin(np.arange(36.0)).reshape(6, 6)


@pytest.fixture(autouse=True)
def shuffled():
    """Blocks run in another order in each launch."""
    with shuffled_blocks():
        yield


def address(array):
    return array.__cuda_array_interface__["data"][0]


def there(value):
    return ft.device_put(value, "cuda")


def update(params, gradients, rate):
    return ft.tree.map(lambda p, g: p - rate * g, params, gradients)


def test_a_step_of_a_training_takes_no_memory():
    params = there({"a": np.ones(LENGTH, np.float32), "b": np.ones((LENGTH, 2))})
    gradients = there({"a": np.ones(LENGTH, np.float32), "b": np.ones((LENGTH, 2))})
    step = ft.jit(update, donate_argnums=0)
    places = {name: address(value) for name, value in params.items()}
    params = step(params, gradients, 0.5)                   # what it needs of constants is there
    gc.collect()
    driver.pool().reset_peak()
    held = ft.memory_stats()["bytes_in_use"]
    before = params
    params = step(params, gradients, 0.5)
    stats = ft.memory_stats()
    assert stats["peak_bytes_in_use"] == stats["bytes_in_use"] == held
    assert {name: address(value) for name, value in params.items()} == places
    assert all(leaf.is_deleted() for leaf in ft.tree.leaves(before))
    with pytest.raises(DonatedError, match="donate_argnums"):
        before["a"] + 1
    assert float(params["b"][7, 1]) == 0.0


def test_threads_that_take_neighbours_write_over_what_they_have_read(monkeypatch):
    monkeypatch.setattr(vectors, "MANY", 1)
    step = ft.jit(update, donate_argnums=0)
    params = there(np.sin(np.arange(1003, dtype=np.float32)))
    assert "read_vector" in step.lower(params, params, 0.5).source("cuda")
    place, expected = address(params), np.asarray(params) / 2
    params = step(params, there(np.asarray(params)), 0.5)
    assert address(params) == place
    np.testing.assert_allclose(np.asarray(params), expected, rtol=1e-6)


def test_without_donation_it_does():
    params = there(np.ones(LENGTH))
    ft.jit(update)(params, params, 0.5)
    gc.collect()
    driver.pool().reset_peak()
    held = ft.memory_stats()["bytes_in_use"]
    out = ft.jit(update)(params, params, 0.5)
    assert ft.memory_stats()["peak_bytes_in_use"] >= held + out.nbytes


def test_an_input_that_is_read_before_gives_its_memory_to_what_is_written_later():
    def function(x, w):
        return fnp.tanh(x @ w) @ w
    donating = ft.jit(function, donate_argnums=0)
    x, w = there(X), there(X + 1)
    place = address(x)
    out = donating(x, w)
    assert address(out) == place
    np.testing.assert_allclose(out, np.tanh(X @ (X + 1)) @ (X + 1), rtol=1e-9)


# What an output that lay in the input's place would spoil.
SPOILED = {
    "reversed": lambda x: x[::-1] + 1,
    "transposed": lambda x: fnp.tanh(x).T * 2,
    "shifted": lambda x: fnp.roll(x, 1, 0) - x,
    "softmax": lambda x: ft.nn.softmax(x),
    "less the mean": lambda x: x - x.mean(),
    "less the mean of columns": lambda x: x - x.mean(0),
    "two": lambda x: (x + 1, x * 2),
    "two, the second reads more": lambda x: (x + 1, x * 2 + x[::-1]),
    "itself": lambda x: (x, x + 1),
    "running": lambda x: fnp.cumsum(x, 0),
    "sorted": lambda x: fnp.sort(x, 1),
    "updated": lambda x: x.at[2].add(x[1]),
    "updated by rows": lambda x: x.at[fnp.array([0, 0, 3])].add(x[3:]),
    "a loop": lambda x: ft.lax.fori_loop(0, 3, lambda i, y: fnp.sin(y) + x, x),
    "a scan": lambda x: ft.lax.scan(lambda c, row: (c + row, c * row), x[0], x)[1],
    "a choice": lambda x: ft.lax.cond(x[0, 0] > 0, lambda y: y + 1, lambda y: y[::-1] * 2, x),
    "a product": lambda x: x @ x,
    "broadcast": lambda x: x + x[0],
    "padded": lambda x: fnp.pad(x, 1)[2:, 2:] + x,
    "joined": lambda x: fnp.concatenate([x[3:], x[:3]]) * x,
    "to the host and back": lambda x: ft.pure_callback(lambda y: np.asarray(y) + 1, x, x) * x,
}


@pytest.mark.parametrize("name", SPOILED)
def test_donation_changes_no_value(name):
    function = SPOILED[name]
    expected = ft.tree.leaves(ft.jit(function, device="cuda")(X))
    for array in (X, there(X)):
        got = ft.tree.leaves(ft.jit(function, device="cuda", donate_argnums=0)(array))
        for part, value in zip(got, expected, strict=True):
            np.testing.assert_array_equal(part, value)


@pytest.mark.parametrize("name", PROGRAMS)
def test_donation_changes_no_value_of_programs(name):
    function, args = PROGRAMS[name]
    expected = ft.tree.leaves(ft.jit(function, device="cuda")(*args))
    donating = ft.jit(function, device="cuda", donate_argnums=tuple(range(len(args))))
    for part, value in zip(ft.tree.leaves(donating(*there(args))), expected, strict=True):
        np.testing.assert_array_equal(part, value)


def test_memory_that_others_hold_is_left_alone():
    double = ft.jit(lambda x, y: x * 2 + y, donate_argnums=0)
    zero = there(0.0)
    x = there(X)
    seen = np.from_dlpack(x)
    out = double(x, zero)
    np.testing.assert_array_equal(seen, X)
    np.testing.assert_array_equal(out, 2 * X)
    x = there(X)
    np.testing.assert_array_equal(double(x, x), 3 * X)
    for _ in range(3):                           # numbers are kept for later calls
        assert float(ft.jit(lambda x: x + 1, device="cuda", donate_argnums=0)(2.0)) == 3


def test_compiled_functions_take_memory_too():
    x = there(X)
    donating = ft.jit(lambda x: x + 1, donate_argnums=0, device="cuda")
    compiled = donating.lower(x).compile()
    place = address(x)
    out = compiled(x)
    assert address(out) == place and x.is_deleted()


def test_a_call_that_fails_leaves_no_half_written_array(monkeypatch):
    x = there(X)
    step = ft.jit(lambda x: x + 1, donate_argnums=0)
    launch = driver.Kernel.launch

    def failing(self, *args, **options):
        launch(self, *args, **options)
        raise driver.reports.DeviceFailure("the launch failed")
    monkeypatch.setattr(driver.Kernel, "launch", failing)
    with pytest.raises(DeviceError, match="the launch failed"):
        step(x)
    monkeypatch.undo()
    with pytest.raises(DeviceError, match="donated to a call that failed"):
        x.block_until_ready()
