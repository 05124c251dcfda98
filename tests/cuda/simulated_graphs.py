"""Launches that are recorded and replayed, under the simulator."""
from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from on_cuda import shuffled_blocks
from programs import PROGRAMS

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import OutOfBoundsError
from lowering.cuda import driver, graphs, runtime
from lowering.errors import NotRecordable

sys.path.insert(0, str(Path(__file__).parent))
from simulated_kernels import COMPOSITIONS  # noqa: E402

WEIGHTS = [np.random.default_rng(k).normal(size=(6, 6)) for k in range(4)]


@pytest.fixture(autouse=True)
def shuffled():
    """Blocks run in another order in each launch; graphs of other tests are no help."""
    with shuffled_blocks():
        yield
    graphs.give_up()


@pytest.fixture
def calls(monkeypatch):
    """What the host asks of the device: names of calls."""
    made = []

    def watched(owner, name):
        function = getattr(owner, name)

        def called(*args, **options):
            made.append(name)
            return function(*args, **options)
        monkeypatch.setattr(owner, name, called)
    watched(driver.Kernel, "launch")
    watched(driver, "replay")
    return made


def layers(x, weights, row):
    for w in weights:
        x = fnp.tanh(x @ w)
    return x, x[row].sum()


def expected(x, row):
    for w in WEIGHTS:
        x = np.tanh(x @ w)
    return x, x[row].sum()


def there(value):
    return ft.device_put(value, "cuda")


def test_a_step_of_many_kernels_is_one_call_of_the_host(calls):
    f, weights, rng = ft.jit(layers), there(WEIGHTS), np.random.default_rng(9)
    made = []
    for number in range(30):
        x, row = rng.normal(size=(3, 6)), number % 3
        before = len(calls)
        out, total = f(there(x), weights, there(np.array([row])))
        made.append(calls[before:])
        np.testing.assert_allclose(out, expected(x, row)[0], rtol=1e-12)
        np.testing.assert_allclose(total, expected(x, row)[1], rtol=1e-12)
    assert made.count(["replay"]) >= 10          # where addresses came back; else kernel by kernel
    assert all("replay" in of_call or len(of_call) >= 4 for of_call in made)


def test_each_call_has_the_errors_of_its_own_indices(calls):
    f, weights, x = ft.jit(layers), there(WEIGHTS), np.ones((3, 6))
    rows = {row: there(np.array([row])) for row in (1, 9)}
    put = there(x)
    for _ in range(20):
        right, wrong = (f(put, weights, rows[row])[1] for row in (1, 9))
        right.block_until_ready()
        with pytest.raises(OutOfBoundsError, match="index 9"):
            wrong.block_until_ready()
        np.testing.assert_allclose(right, expected(x, 1)[1], rtol=1e-12)
    assert calls.count("replay") >= 10


def losses(steps: int, donate: bool) -> list:
    """Of a training; the arguments are the same each time."""
    params = there(ft.zoo.mlp.init(ft.random.key(0), (5, 8, 4)))
    images, labels = there(np.sin(np.arange(30.0)).reshape(6, 5)), there(np.arange(6) % 4)
    optimizer = ft.optim.adamw(1e-2)
    state = there(optimizer.init(params))

    def loss(params):
        logits = ft.zoo.mlp.apply(params, images)
        return ft.nn.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def step(params, state):
        value, gradients = ft.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state, value
    step = ft.jit(step, donate_argnums=(0, 1) if donate else ())
    values = []
    for _ in range(steps):
        params, state, value = step(params, state)
        values.append(float(value))
    return values


@pytest.mark.parametrize("donate", [False, True])
def test_a_training_is_the_same(donate, calls):
    replayed = losses(16, donate)
    assert calls.count("replay") >= 4
    del calls[:]
    with ft.config.override(graphs=False):
        assert losses(16, donate) == replayed
    assert "replay" not in calls


def source(function, *args):
    return ft.jit(function).lower(*args).source("cuda")


def test_what_the_host_takes_part_in_is_not_recorded():
    x, weights, row = np.ones((3, 6)), WEIGHTS, np.array([1])
    assert "@replayed()" in source(layers, x, weights, row)
    with ft.config.override(graphs=False):
        assert "replayed" not in source(layers, x, weights, row)
    assert "replayed" not in source(lambda x: fnp.tanh(x) * 2, x)       # one launch is one call

    def with_callback(x, weights, row):
        x, total = layers(x, weights, row)
        return ft.pure_callback(lambda y: np.asarray(y) + 1, x, x), total
    assert "replayed" not in source(with_callback, x, weights, row)

    def with_factors(x, weights, row):
        return layers(fnp.linalg.qr(x @ weights[0])[1], weights, row)
    assert "replayed" not in source(with_factors, x, weights, row)


@pytest.mark.parametrize("name", [*COMPOSITIONS, *PROGRAMS])
def test_replays_give_what_launches_gave(name, calls):
    function, args = COMPOSITIONS.get(name) or PROGRAMS[name]
    jitted = ft.jit(function, device="cuda")
    if "@replayed" not in jitted.lower(*args).source("cuda"):
        pytest.skip("is not recorded")
    put = there(args)
    first, *others = ([np.asarray(part) for part in ft.tree.leaves(jitted(*put))]
                      for _ in range(6))
    for parts in others:
        for part, value in zip(parts, first, strict=True):
            np.testing.assert_array_equal(part, value)
    assert "replay" in calls


# ---- by themselves ----

def filled(count: int) -> runtime.Pointer:
    return runtime._uploaded(np.arange(float(count)))


def doubled(x, y, error, hosts):
    """Copies, by way of temporary memory."""
    memory = runtime.empty("uint8", 100)
    runtime.copy(runtime.part(memory, "float64", 0), x, 4)
    runtime.zero(y, 4)
    runtime.copy(y, runtime.part(memory, "float64", 8), 3)


def test_what_cannot_be_recorded_is_launched_and_told_once():
    def reading(x, y, error, hosts):
        assert x[0] == 0.0                       # the host reads
        doubled(x, y, error, hosts)
    main, x, y = graphs.Replayed(reading), filled(4), filled(4)
    main(x, y, None, ())
    with pytest.warns(UserWarning, match="could not be recorded .* one by one.*the host reads"):
        main(x, y, None, ())
    assert y.read(0, 4).tolist() == [1, 2, 3, 0]
    for _ in range(3):
        main(x, y, None, ())                     # no warning any more
    assert not main.graphs


@pytest.mark.parametrize("forbidden", [
    lambda: driver.synchronize(), lambda: driver.to_device(np.zeros(3)),
    lambda: driver.backend().allocate(8)])
def test_recording_refuses_what_waits(forbidden):
    with pytest.raises(NotRecordable, match="in between"), driver.recording():
        forbidden()
    driver.synchronize()


def test_graphs_are_bounded_and_pay():
    main = graphs.Replayed(doubled)
    y = filled(4)
    places = [filled(4) for _ in range(graphs.MOST + 3)]
    for _ in range(3):
        for x in places:
            main(x, y, None, ())
            assert y.read(0, 4).tolist() == [1, 2, 3, 0]
    assert len(main.graphs) <= graphs.MOST + 1 and not main.works
    assert len(graphs._temporary) == 1           # all of them share it


def test_graphs_are_given_up_before_memory_runs_out():
    main, x, y = graphs.Replayed(doubled), filled(4), filled(4)
    for _ in range(3):
        main(x, y, None, ())
    assert len(main.graphs) == 1
    driver.pool().release()
    driver.backend().total, total = driver.backend().used + 1000, driver.backend().total
    try:
        assert driver.empty_bytes(1500).nbytes == 1500
    finally:
        driver.backend().total = total
    assert not main.graphs and not graphs._temporary
    for _ in range(3):
        main(x, y, None, ())
    assert len(main.graphs) == 1 and y.read(0, 4).tolist() == [1, 2, 3, 0]


def test_threads_replay_at_once():
    f, weights = ft.jit(layers), there(WEIGHTS)
    failures = []

    def work(seed):
        x = np.random.default_rng(seed).normal(size=(3, 6))
        put, row = there(x), there(np.array([seed % 3]))
        for _ in range(6):
            out, total = f(put, weights, row)
            if not np.allclose(total, expected(x, seed % 3)[1], rtol=1e-12):
                failures.append(seed)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
