"""Arrays on a GPU: what holds under the simulator holds here, and memory stays flat."""
from __future__ import annotations

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from lowering.cuda import driver

sys.path.insert(0, str(Path(__file__).parent))
from shared import module, require_gpu  # noqa: E402

require_gpu()

# Those that look into the simulator, or read its memory as the host's.
ONLY_SIMULATED = {"test_there_is_a_device", "test_out_of_memory_is_an_error_of_the_library",
                  "test_dlpack_shares_memory",
                  "test_dlpack_keeps_memory_alive_as_long_as_it_is_used",
                  "test_dlpack_refuses_what_does_not_lie_row_by_row",
                  "test_memory_that_others_hold_is_left_alone"}
_arrays = module("simulated_arrays")
for _module in (_arrays, module("simulated_donation")):
    globals().update({name: value for name, value in vars(_module).items()
                      if name.startswith("test_") and name not in ONLY_SIMULATED})
x, taken = _arrays.x, _arrays.taken


def loss(params, images, labels):
    logits = ft.zoo.mlp.apply(params, images)
    return ft.nn.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def test_memory_stays_flat_in_a_long_training(steps):
    rng = np.random.default_rng(0)
    images = ft.device_put(rng.normal(size=(16, 12)).astype(np.float32), "cuda")
    labels = ft.device_put(rng.integers(0, 4, 16), "cuda")
    optimizer = ft.optim.adamw(1e-2)
    params = ft.device_put(ft.zoo.mlp.init(ft.random.key(0), (12, 8, 4)), "cuda")
    state = ft.device_put(optimizer.init(params), "cuda")

    @ft.jit
    def step(params, state, images, labels):
        value, gradients = ft.value_and_grad(loss)(params, images, labels)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state, value

    first, marks = None, []
    for number in range(steps):
        params, state, value = step(params, state, images, labels)
        first = float(value) if first is None else first
        if number in (steps // 4, steps // 2, steps - 1):
            ft.block_until_ready(value)
            gc.collect()
            marks.append((ft.memory_stats()["bytes_in_use"], driver.backend().memory_info()[0]))
    assert float(value) < 0.7 * first
    assert len({held for held, _ in marks}) == 1, "memory that is in use grows"
    assert marks[0][1] - marks[-1][1] <= 2 ** 21, "memory that is taken of the device grows"


def test_the_steps_of_a_training_copy_nothing():
    params = ft.device_put(ft.zoo.mlp.init(ft.random.key(0), (12, 8, 4)), "cuda")
    batch = ft.device_put((np.ones((4, 12), np.float32), np.zeros(4, np.int64)), "cuda")
    step = ft.jit(lambda params, *batch: ft.tree.map(
        lambda p, g: p - 0.1 * g, params, ft.grad(loss)(params, *batch)), donate_argnums=0)
    with ft.no_transfers():
        for _ in range(3):
            params = step(params, *batch)
    assert np.isfinite(ft.device_get(params["layers"][0]["weight"] if isinstance(params, dict)
                                     else ft.tree.leaves(params)[0])).all()


def test_out_of_memory_names_who_holds_it():
    total = driver.backend().memory_info()[1]
    if driver.simulated():
        pytest.skip("the simulator's memory is no more than a number")
    with pytest.raises(ft.errors.DeviceMemoryError, match="asked for"):
        fnp.zeros((2 * total,), "int8", device="cuda")


def test_a_step_is_replayed_by_one_call_of_the_host(monkeypatch):
    """With the values of kernels that are launched one by one, whatever the numbers are."""
    weights = [np.random.default_rng(k).normal(size=(6, 6)) for k in range(4)]
    weights = ft.device_put(weights, "cuda")

    def layers(x, weights, row):
        for w in weights:
            x = fnp.tanh(x @ w)
        return x, x[row].sum()
    made, replay = [], driver.replay
    monkeypatch.setattr(driver, "replay", lambda graph: made.append("replay") or replay(graph))
    f = ft.jit(layers)
    for number in range(40):
        x, row = (ft.device_put(value, "cuda") for value in (
            np.random.default_rng(number).normal(size=(3, 6)), np.array([number % 3])))
        with ft.config.override(graphs=False):
            expected = ft.jit(layers)(x, weights, row)
        for part, value in zip(f(x, weights, row), expected, strict=True):
            np.testing.assert_array_equal(np.asarray(part), np.asarray(value))
        if number % 3 == 2:
            with pytest.raises(ft.errors.OutOfBoundsError, match="index 7"):
                f(x, weights, ft.device_put(np.array([7]), "cuda"))[1].block_until_ready()
    assert len(made) > 5


# ---- other libraries ----

def test_pytorch_shares_memory():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch finds no GPU")
    ours = ft.device_put(np.arange(6, dtype=np.float32).reshape(2, 3), "cuda")
    theirs = torch.as_tensor(ours, device="cuda")
    assert theirs.data_ptr() == ours.__cuda_array_interface__["data"][0]
    assert torch.from_dlpack(ours).data_ptr() == theirs.data_ptr()
    tensor = torch.arange(6, device="cuda", dtype=torch.float32)
    for back in (fnp.asarray(tensor), fnp.from_dlpack(tensor)):
        assert back.__cuda_array_interface__["data"][0] == tensor.data_ptr()
        np.testing.assert_array_equal(back * 2, np.arange(6) * 2)


def test_cupy_shares_memory():
    cupy = pytest.importorskip("cupy")
    ours = ft.device_put(np.arange(6, dtype=np.float32), "cuda")
    theirs = cupy.asarray(ours)
    assert theirs.data.ptr == ours.__cuda_array_interface__["data"][0]
    assert fnp.asarray(theirs).__cuda_array_interface__["data"][0] == theirs.data.ptr
