"""Arrays on a device, under the simulator: where things are computed, and what is copied."""
from __future__ import annotations

import copy
import gc
import pickle
import threading

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.device import CPU, CUDA
from functrans.errors import (ArgumentError, DeviceMemoryError, DonatedError, MixedDevicesError,
                              NonFiniteError, OutOfBoundsError, TransferError)
from lowering.cuda import driver, reports

RNG = np.random.default_rng(3)
DATA = RNG.normal(size=(3, 4)).astype(np.float32)


@pytest.fixture
def x():
    return ft.device_put(DATA, "cuda")


def copies(function):
    """(to the device, to the host) while a function runs."""
    before = ft.transfers()
    function()
    made = ft.transfers() - before
    return made.to_device, made.to_host


# ---- devices ----

def test_there_is_a_device():
    assert list(ft.devices()) == [CPU, CUDA] and ft.devices("gpu") == [CUDA]
    with ft.default_device("cuda"):
        assert ft.devices()[0] == CUDA
    assert ft.devices().missing == () and "simulator" in str(ft.devices())
    assert ft.device_count() == 2 and ft.default_backend() == "cpu"
    assert CUDA in fnp.__array_namespace_info__().devices()


@pytest.mark.parametrize("name", ["cuda", "gpu", "cuda:0", CUDA])
def test_names_of_the_device(name):
    assert ft.device_put(1.0, name).device == CUDA


@pytest.mark.parametrize("use", [
    lambda: ft.device_put(1.0, "tpu"), lambda: fnp.ones(2, device="cuda:1"),
    lambda: ft.default_device("none"), lambda: fnp.ones(2).to_device("x"),
    lambda: ft.device_put("text", "cuda")])
def test_what_is_no_device_or_no_array_raises(use):
    with pytest.raises(ArgumentError):
        use()


# ---- putting and getting ----

def test_trees_are_put_and_got():
    tree = {"a": DATA, "b": [fnp.ones(2), 3, np.float64(0.5)], "c": None}
    put = ft.device_put(tree, "cuda")
    leaves = ft.tree.leaves(put)
    assert all(leaf.device == CUDA and leaf.devices() == {CUDA} for leaf in leaves)
    assert put["b"][1].weak_type and put["b"][2].dtype == np.float64
    got = ft.device_get(put)
    assert all(type(leaf) is np.ndarray for leaf in ft.tree.leaves(got))
    np.testing.assert_array_equal(got["a"], DATA)
    assert ft.device_get([1, "word"]) == [1, "word"]


def test_an_array_that_is_there_is_not_copied(x):
    assert ft.device_put(x, "cuda") is x and x.to_device(CUDA) is x
    y = ft.device_put(x, "cpu")
    assert y.device == CPU and ft.device_put(y, "cpu") is y


def test_what_is_put_does_not_change_with_the_original():
    data = DATA.copy()
    put = ft.device_put(data, "cuda")
    data[:] = 0
    np.testing.assert_array_equal(ft.device_get(put), DATA)


def test_reading(x):
    assert repr(x) == repr(fnp.array(DATA)) and str(x) == str(DATA)
    assert float(x[1, 2]) == DATA[1, 2] and int(x[0, 0] * 0 + 7) == 7
    assert bool(x[0, 0] == DATA[0, 0]) and x.tolist() == DATA.tolist()
    assert x.item(5) == DATA.ravel()[5] and x.tobytes() == DATA.tobytes()
    assert (x.shape, x.ndim, x.size, x.nbytes, len(x)) == ((3, 4), 2, 12, 48, 3)
    assert f"{x[0, 0]:.3f}" == f"{DATA[0, 0]:.3f}"
    np.testing.assert_array_equal(np.asarray(x), DATA)
    np.testing.assert_array_equal(np.array([row for row in x]), DATA)
    assert not np.asarray(x).flags.writeable


def test_copies_of_the_object(x):
    assert copy.copy(x) is x and copy.deepcopy(x) is x
    back = pickle.loads(pickle.dumps(x))
    assert back.device == CPU
    np.testing.assert_array_equal(back, DATA)


# ---- where things are computed ----

@pytest.mark.parametrize("function", [
    lambda x: x + x, lambda x: 2 * x - 1, lambda x: fnp.tanh(x) / 3, lambda x: x @ x.T,
    lambda x: x.sum(0), lambda x: x[1:, ::2], lambda x: x[[0, 2]], lambda x: x[x > 0],
    lambda x: x.at[1].add(2.0), lambda x: fnp.where(x > 0, x, 0), lambda x: fnp.sort(x, 1),
    lambda x: fnp.stack([x, x]), lambda x: x.reshape(-1)[::-1], lambda x: x.astype("float64"),
    lambda x: x.astype("float16"), lambda x: x > 0, lambda x: np.exp(x), lambda x: x.mean(),
    lambda x: fnp.argmax(x, 1), lambda x: fnp.cumsum(x, 1), lambda x: fnp.linalg.norm(x),
    lambda x: x + np.ones(4, np.float32), lambda x: fnp.array([x[0], x[1] * 2]),
    lambda x: x * fnp.arange(4), lambda x: -x,
    lambda x: fnp.zeros_like(x), lambda x: x.T.copy(), lambda x: abs(x) ** 1.5,
    lambda x: ft.vmap(lambda row: row * row.sum())(x), lambda x: ft.jit(lambda a: a * 2)(x),
    lambda x: ft.grad(lambda a: fnp.sum(fnp.sin(a) ** 2))(x),
    lambda x: ft.jvp(fnp.sin, (x,), (x,))[1],
    lambda x: ft.lax.scan(lambda c, r: (c + r, c * r), x[0], x)[1],
    lambda x: ft.lax.while_loop(lambda c: c.sum() < 50, lambda c: c + 1, x),
    lambda x: ft.lax.cond(x[0, 0] > 0, lambda a: a, lambda a: -a, x),
    lambda x: ft.pure_callback(lambda a: 2 * np.asarray(a), x, x),
    lambda x: ft.checkpoint(fnp.sin)(x), lambda x: fnp.linalg.solve(x[:, :3], x[:, 3]),
])
def test_operations_follow_their_operands(function, x):
    result, expected = function(x), function(fnp.array(DATA))
    assert result.device == CUDA and expected.device == CPU
    assert result.type == expected.type
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected), rtol=2e-5, atol=2e-6)


def test_eager_operations_copy_nothing(x):
    def work():
        y = fnp.tanh(x) * 2 + x
        y = y[1:].sum(0).reshape(2, 2) @ fnp.ones((2, 2), device="cuda")
        ft.jit(lambda a: a * 2)(y).block_until_ready()
        ft.grad(lambda a: (a * a).sum())(y)
    with ft.no_transfers():
        assert copies(work) == (0, 0)


def test_operations_are_compiled_once(x):
    y = x * 3 + 1
    from functrans.jit import compilations
    before = len(compilations)
    y = y * 3 + 1
    assert len(compilations) == before
    assert np.asarray(y * -0.0 + y * 0.0).shape == (3, 4)


def test_what_is_compiled_is_told():
    f = ft.jit(lambda x: fnp.tanh(x) * 17.25 + x.sum(), device="cuda")
    ft.explain_compiles(clear=True)
    f(np.ones(5, np.float32))
    report = ft.explain_compiles(clear=True)
    assert len(report.compiled) == len(report.kernels) == 2 and "compiled, as it is" in repr(report)
    assert any("tanh" in kernel.text for kernel in report.kernels)
    f(np.ones(6, np.float32))                    # another size
    record, = ft.explain_compiles()
    assert not record.kernels and "no new kernel" in repr(ft.explain_compiles())


def test_signed_zeros_are_different_literals(x):
    one = ft.device_put(np.float32(1), "cuda")
    signs = [float(np.copysign(1, np.asarray(one * zero))) for zero in (0.0, -0.0)]
    assert signs == [1, -1]


def test_jit_on_a_device_takes_arrays_of_the_host():
    f = ft.jit(lambda x, y: x * y, device="cuda")
    out = f(DATA, fnp.array(DATA))
    assert out.device == CUDA
    np.testing.assert_array_equal(np.asarray(out), DATA * DATA)
    assert copies(lambda: f(out, out)) == (0, 0)
    assert f.lower(DATA, DATA).compile()(DATA, DATA).device == CUDA


def test_jit_on_the_cpu_takes_arrays_of_the_device(x):
    assert ft.jit(lambda a: a + 1, device="cpu")(x).device == CPU
    compiled = ft.jit(lambda a: a + 1, device=ft.Device("cpu")).lower(x).compile()
    np.testing.assert_array_equal(compiled(x), DATA + 1)


def test_the_target_can_be_the_device():
    with ft.config.override(target="cuda"):
        out = ft.jit(lambda a: a + 1)(DATA)
        assert out.device == CUDA and ft.default_backend() == "cuda"
        assert ft.jit(ft.grad(lambda a: (a * a).sum()))(out).device == CUDA


def test_transformations_of_jit_on_a_device():
    f = ft.jit(lambda a: (a * a).sum(), device="cuda")
    assert ft.grad(f)(fnp.array(DATA)).device == CUDA
    assert ft.vmap(f)(fnp.array(DATA)).device == CUDA
    outer = ft.jit(lambda a: f(a) + 1)
    assert float(outer(DATA)) == pytest.approx((DATA * DATA).sum() + 1, rel=1e-6)


def test_captured_arrays_are_found(x):
    f = ft.jit(lambda a: a * x)
    assert f(fnp.ones(4)).device == CUDA
    table = fnp.array(DATA)
    f = ft.jit(lambda a: a * table)
    assert f(x).device == CUDA
    assert copies(lambda: f(x)) == (0, 0)        # it stays there after the first call
    np.testing.assert_array_equal(f(DATA), DATA * DATA)


def test_tracers_know_the_device_and_are_put_nowhere(x):
    seen = []

    def f(a):
        seen.append(a.device)
        return ft.device_put(a, "cpu") * 2
    ft.grad(lambda a: f(a).sum())(x)
    assert seen == [CUDA]
    assert ft.jit(f)(x).device == CUDA


# ---- the default device ----

def test_the_default_device_makes_arrays():
    with ft.default_device("cuda"):
        made = [fnp.zeros(3), fnp.array([1, 2]), fnp.asarray(DATA), fnp.arange(3), fnp.eye(2),
                fnp.linspace(0, 1, 3), fnp.full((2,), 7.0), ft.device_put(DATA),
                ft.random.normal(ft.random.key(0), (3,)), ft.jit(lambda: fnp.ones(2))(),
                fnp.ones(2) + fnp.ones(2), fnp.fft.fftfreq(4)]
        assert ft.default_backend() == "cuda"
        with ft.default_device("cpu"):
            assert fnp.zeros(3).device == CPU
        with ft.default_device(None):
            assert fnp.zeros(3).device == CPU
    assert [array.device for array in made] == [CUDA] * len(made)
    assert fnp.zeros(3).device == CPU


def test_the_default_device_as_a_decorator():
    @ft.default_device("cuda")
    def make(depth):
        return make(depth - 1) if depth else fnp.ones(2)
    assert make(3).device == CUDA and fnp.ones(2).device == CPU


def test_what_is_on_the_cpu_on_purpose_is_computed_there():
    kept = ft.device_put(DATA, "cpu")
    with ft.default_device("cuda"):
        assert (kept + kept).device == CPU
        assert ft.jit(lambda a: a + 1)(kept).device == CPU
        assert ft.lax.scan(lambda c, r: (c + r, c), kept[0], kept)[1].shape == (3, 4)


@pytest.mark.parametrize("make", [
    lambda **on: fnp.zeros(3, **on), lambda **on: fnp.asarray(DATA, **on),
    lambda **on: fnp.full((2, 2), 3, **on), lambda **on: fnp.arange(5.0, **on),
    lambda **on: fnp.eye(3, **on), lambda **on: fnp.linspace(0.0, 1.0, 4, **on),
    lambda **on: fnp.ones_like(DATA, **on), lambda **on: fnp.astype(fnp.ones(2), "int32", **on),
    lambda **on: fnp.fft.rfftfreq(8, **on), lambda **on: fnp.from_dlpack(DATA, **on)])
def test_functions_take_a_device(make):
    there = make(device="cuda")
    assert there.device == CUDA and make(device="cpu").device == CPU
    np.testing.assert_array_equal(there, make())


# ---- mixing, hidden copies ----

@pytest.mark.parametrize("function", [
    lambda a, b: a + b, lambda a, b: ft.jit(lambda x, y: x + y)(a, b),
    lambda a, b: fnp.stack([b, a]), lambda a, b: ft.jit(lambda y: y * a)(b)])
def test_mixed_devices_are_an_error(function, x):
    kept = ft.device_put(DATA, "cpu")
    with pytest.raises(MixedDevicesError, match="device_put") as failure:
        function(x, kept)
    text = str(failure.value)
    assert "cuda:0" in text and "cpu:0" in text and "simulated_arrays.py" in text
    assert isinstance(failure.value, ValueError)


def test_the_error_names_arguments(x):
    def loss(weights, batch):
        return weights * batch
    with pytest.raises(MixedDevicesError, match="(?s)weights.*cuda:0.*batch.*cpu:0"):
        ft.jit(loss)(x, ft.device_put(DATA, "cpu"))


def test_other_arrays_go_with_the_rest(x):
    y = fnp.array(DATA)
    assert copies(lambda: x + y) == (1, 0)
    assert (x + y).device == CUDA and y.device == CPU


@pytest.mark.parametrize("hidden", [
    lambda x: float(x[0, 0]), lambda x: print(x), lambda x: np.asarray(x), lambda x: list(x[0] > 0),
    lambda x: x + fnp.array(DATA), lambda x: ft.jit(lambda a, b: a + b)(x, DATA),
    lambda x: np.sin(np.ones(4, np.float32)) + x, lambda x: x.tolist()])
def test_hidden_copies_raise_where_they_are_refused(hidden, x):
    with ft.no_transfers(), pytest.raises(TransferError) as failure:
        value = hidden(x)
        [bool(item) for item in value]
    assert "simulated_arrays.py" in str(failure.value)


def test_copies_that_are_asked_for_do_not():
    with ft.no_transfers():
        x = ft.device_put(DATA, "cuda")
        assert copies(lambda: ft.device_get(x)) == (0, 1)
        assert copies(lambda: ft.device_put(DATA, "cuda")) == (1, 0)
        assert x.to_device("cpu").device == CPU


def test_transfers_count_bytes():
    before = ft.transfers()
    np.asarray(ft.device_put(DATA, "cuda"))
    made = ft.transfers() - before
    assert (made, made.bytes_to_device, made.bytes_to_host) == (2, 48, 48)
    assert isinstance(made, int) and "to_host=1" in repr(made)
    assert pickle.loads(pickle.dumps(made)).to_device == 1


# ---- errors of the device, waiting, donation, memory ----

OUTSIDE = "(?s)index 9 .*shape \\(3, 4\\).*a\\[i\\]"
WAITS = [lambda y: y.block_until_ready(), np.asarray, ft.block_until_ready, ft.device_get]


@pytest.fixture
def taken(x):
    """The rows 0 and 9 of three, taken by a jitted function: no error yet."""
    return ft.jit(lambda a, i: a[i])(x, ft.device_put(np.array([0, 9]), "cuda"))


@pytest.mark.parametrize("wait", [*WAITS, lambda y: CUDA.synchronize_all_activity()])
def test_an_index_outside_is_found_out_by_those_who_wait(wait, taken, x):
    with pytest.raises(OutOfBoundsError, match=OUTSIDE):
        wait(taken)
    assert x.is_ready() and taken.is_ready()


@pytest.mark.parametrize("wait", WAITS)
def test_an_array_has_its_own_errors_alone(wait, taken, x):
    """Whatever was launched before; and what failed has no value for whoever asks again."""
    wait(x)
    wait(ft.jit(lambda a, i: a[i])(x, ft.device_put(np.array([1]), "cuda")))
    for _ in range(2):
        with pytest.raises(OutOfBoundsError, match=OUTSIDE):
            wait(taken)


def test_what_is_computed_from_what_failed_has_failed(taken, x):
    again = ft.jit(lambda a, i: (a[0] + a[i][0], a))(
        taken * 2, ft.device_put(np.array([1]), "cuda"))
    for part in (taken + 1, *again, taken.reshape(-1)[2:3]):
        with pytest.raises(OutOfBoundsError, match=OUTSIDE):
            part.block_until_ready()
    (x + 1).block_until_ready()


def test_the_host_decides_nothing_upon_what_failed(taken):
    seen = []
    f = ft.jit(lambda a: ft.pure_callback(lambda b: seen.append(b) or np.float32(0), a[0, 0], a))
    with pytest.raises(OutOfBoundsError, match=OUTSIDE):
        f(taken).block_until_ready()
    assert not seen


def test_an_error_that_nobody_can_read_is_told_by_the_device(x):
    rows = ft.device_put(np.array([9]), "cuda")
    for _ in range(2):
        ft.jit(lambda a, i: a[i])(x, rows)
    with pytest.raises(OutOfBoundsError, match=OUTSIDE):
        CUDA.synchronize_all_activity()
    CUDA.synchronize_all_activity()              # once


def test_many_runs_of_which_nobody_reads_anything(x):
    f = ft.jit(lambda a, i: a[i])
    wrong, right = (ft.device_put(np.array([k, 0, 1]), "cuda") for k in (9, 2))
    first, y = f(x, wrong), x
    for _ in range(2 * reports.MOST):
        y = f(y, right)
    assert len(reports._open) <= reports.MOST
    np.testing.assert_array_equal(np.sort(y, 0), np.sort(DATA, 0))
    with pytest.raises(OutOfBoundsError, match=OUTSIDE):
        first.block_until_ready()
    y.block_until_ready()
    CUDA.synchronize_all_activity()


def test_an_eager_index_outside_raises_at_its_line(x):
    rows = ft.device_put(np.array([0, 9]), "cuda")
    x[ft.device_put(np.array([0, 1]), "cuda")]
    with pytest.raises(OutOfBoundsError, match="index 9") as failure:
        x[rows]  # the wrong line
    assert "x[rows]" in str(failure.value)


def test_an_index_outside_in_a_loop_has_the_line_of_the_body(x):
    def body(total, row):
        return total + row[total.astype(int) + 9], None  # the wrong line
    with pytest.raises(OutOfBoundsError, match=r"row\[total") as failure:
        ft.lax.scan(body, ft.device_put(np.float32(0), "cuda"), x)
    assert "simulated_arrays.py" in str(failure.value)


def test_an_error_is_not_blamed_on_a_later_operation(taken):
    def body(total, row):
        return total + row[total.astype(int)], None
    with pytest.raises(OutOfBoundsError, match=OUTSIDE):
        ft.lax.scan(body, ft.device_put(np.float32(0), "cuda"), taken)


def test_donated_arrays_are_gone_and_their_memory_is_free(x):
    gc.collect()
    y = ft.device_put(np.zeros(100_000, np.float32), "cuda")
    held = ft.memory_stats()["bytes_in_use"]
    z = ft.jit(lambda a: a + 1, donate_argnums=0)(y)
    assert y.is_deleted() and not z.is_deleted()
    assert ft.memory_stats()["bytes_in_use"] <= held
    with pytest.raises(DonatedError):
        y + 1
    z.delete()
    assert ft.memory_stats()["bytes_in_use"] < held


def test_memory_stats():
    gc.collect()
    driver.pool().reset_peak()
    start = ft.memory_stats()
    x = ft.device_put(np.zeros(1 << 18, np.float32), "cuda")
    del x
    end = CUDA.memory_stats()
    assert end["bytes_in_use"] == start["bytes_in_use"]
    assert end["peak_bytes_in_use"] == start["bytes_in_use"] + (1 << 20)
    assert CPU.memory_stats() is None and sum(end["held"].values()) == end["bytes_in_use"]


def test_out_of_memory_is_an_error_of_the_library(monkeypatch):
    driver.pool().release()
    monkeypatch.setattr(driver.backend(), "total", driver.backend().used + 1000)
    with pytest.raises(DeviceMemoryError, match="asked for") as failure:
        ft.device_put(np.zeros(10_000), "cuda")
    assert isinstance(failure.value, MemoryError) and "simulated_arrays.py" in str(failure.value)


def test_many_runs_hold_no_more_memory(x):
    f = ft.jit(lambda a: fnp.tanh(a) * 2)
    y = f(x)
    gc.collect()
    held = ft.memory_stats()["bytes_in_use"]
    for _ in range(50):
        y = f(y)
    assert ft.memory_stats()["bytes_in_use"] == held


def test_threads_use_the_device_at_once(x):
    results = {}

    def work(k):
        results[k] = float((fnp.tanh(x) * k).sum())
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        assert results[k] == pytest.approx(k * np.tanh(DATA).sum(), rel=1e-5)


def test_nans_are_looked_for(x):
    with ft.config.override(debug_nans=True):
        for f in (fnp.log, ft.jit(fnp.log)):
            with pytest.raises(NonFiniteError, match="log"):
                f(ft.device_put(np.array([-1.0]), "cuda"))
        fnp.exp(x)
        with pytest.raises(NonFiniteError, match="log made a NaN from -1"):
            ft.lax.fori_loop(0, 3, lambda i, y: fnp.log(y - 1), ft.device_put(1.5, "cuda"))


def test_tools_for_the_cpu_take_arrays_of_the_device(x):
    def loss(a):
        return (fnp.sin(a) ** 2).sum()
    assert len(ft.explain_grad(loss, x)) and len(ft.profile(loss, x, repeats=1))
    assert "sin" in str(ft.make_ir(loss)(x))
    ft.testing.check_grads(loss, (x,), order=1)


def test_disable_jit_and_interpret(x):
    f = ft.jit(lambda a: fnp.sin(a) + 1)
    with ft.disable_jit():
        assert f(x).device == CUDA
    with ft.interpret():
        np.testing.assert_allclose(f(x), np.sin(DATA) + 1, rtol=1e-6)


# ---- other libraries ----

class Other:
    def __init__(self, array):
        self.__cuda_array_interface__ = array.__cuda_array_interface__


def test_the_array_interface_shares_memory(x):
    y = fnp.asarray(Other(x))
    assert y.device == CUDA and y.type == x.type
    assert y.__cuda_array_interface__["data"] == x.__cuda_array_interface__["data"]
    assert copies(lambda: ft.device_put(Other(x), "cuda")) == (0, 0)
    assert not hasattr(fnp.ones(2), "__cuda_array_interface__")


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "complex64", "float16"])
@pytest.mark.parametrize("shape", [(), (0, 2), (3, 2)])
def test_dlpack_shares_memory(dtype, shape):
    data = RNG.integers(0, 2, shape).astype(dtype)
    x = ft.device_put(data, "cuda")
    y = np.from_dlpack(x)                        # the simulator's memory is the host's
    assert y.dtype == data.dtype
    np.testing.assert_array_equal(y, data)
    if y.size:
        assert y.ctypes.data == x.__cuda_array_interface__["data"][0]
    back = driver.from_dlpack(y.copy())
    np.testing.assert_array_equal(driver.to_host(back), data)


def test_dlpack_keeps_memory_alive_as_long_as_it_is_used():
    gc.collect()
    start = ft.memory_stats()["bytes_in_use"]
    x = ft.device_put(np.arange(10_000.0), "cuda")
    y = np.from_dlpack(x)
    del x
    assert ft.memory_stats()["bytes_in_use"] > start and y[-1] == 9999
    del y
    gc.collect()
    assert ft.memory_stats()["bytes_in_use"] == start
    ft.device_put(DATA, "cuda").__dlpack__()     # a capsule that nobody takes
    gc.collect()
    assert ft.memory_stats()["bytes_in_use"] == start


def test_dlpack_refuses_what_does_not_lie_row_by_row():
    with pytest.raises(ValueError, match="row by row"):
        driver.from_dlpack(np.ones((3, 4)).T)
