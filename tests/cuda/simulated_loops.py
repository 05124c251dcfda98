"""Loops and choices as one kernel, under the simulator: what they compute, launch and read."""
from __future__ import annotations

import os
import random
import re

import numpy as np
import pytest
from device_loops import (LOOPS, XS, W, X, choices, in_turns, lstm, lstm_args, lstm_layer,
                          random_loop, rolled, until)
from on_cuda import assert_same, compiled, cuda_texts
from programs import floats

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from lowering.cuda import driver, emit, phase_writer, stretches, together, vectors
from lowering.cuda.device_functions import plain
from lowering.errors import IndexOutOfBounds


@pytest.fixture(autouse=True)
def shuffled(monkeypatch):
    """Blocks run in an order that changes at each barrier."""
    monkeypatch.setattr(driver.backend(), "order", random.Random(7))


@pytest.fixture(params=["one block", "many blocks"])
def blocks(request, monkeypatch):
    """Small blocks, of which only a few run at once, or one that is large enough."""
    if request.param == "many blocks":
        monkeypatch.setattr(emit, "BLOCK", 4)
        monkeypatch.setattr(emit, "WARP", 4)
    return request.param


@pytest.fixture
def counts(monkeypatch):
    """What has been launched, by whether its blocks wait for each other, and what the host read.
    """
    found = {"launches": 0, "together": 0, "reads": 0}
    backend, launch, read = driver.backend(), driver.Kernel.launch, driver.backend().read

    def counted(kernel, *arguments):
        found["launches"] += 1
        found["together"] += "phase_" in " ".join(plain(kernel.function).__code__.co_names)
        launch(kernel, *arguments)

    def counted_read(*arguments):
        found["reads"] += 1
        read(*arguments)
    monkeypatch.setattr(driver.Kernel, "launch", counted)
    monkeypatch.setattr(backend, "read", counted_read)
    return found


def counted(counts: dict, function, *args) -> dict:
    """What one run launches and reads; its outputs are left on the device."""
    executable, operands = compiled(function, args)
    executable.run(operands)
    counts.update(dict.fromkeys(counts, 0))
    executable.run(operands)
    return dict(counts)


# ---- what they compute ----

@pytest.mark.parametrize("name", LOOPS)
def test_loops(name, blocks):
    function, args = LOOPS[name]
    source = compiled(function, args)[0].source()
    assert "phase_" in source and "body_0" not in source
    assert_same(function, args, ulp=2000)


THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"


@pytest.mark.parametrize("seed", range(300 if THOROUGH else 12))
def test_loops_of_random_steps(seed, monkeypatch):
    monkeypatch.setattr(emit, "BLOCK", 4)
    monkeypatch.setattr(emit, "WARP", 4)
    monkeypatch.setattr(driver.backend(), "resident", 1 + seed % 4)
    assert_same(*random_loop(seed), ulp=100_000)


@pytest.mark.parametrize("size", [32, 37])
def test_rows_that_begin_anywhere_are_read_by_neighbours(size, blocks, monkeypatch):
    """Rows of 37 numbers begin at multiples of 16 bytes now and then."""
    monkeypatch.setattr(vectors, "MANY", 2)
    x, rows = floats(size), floats(5, size)

    def function(x, rows):
        return lax.scan(lambda c, r: (fnp.sin(c) + r, c * r), x, rows)
    source = compiled(function, (x, rows))[0].source()
    assert "read_vector" in source and source.count("sync()") + source.count("syncthreads()") == 3
    assert_same(function, (x, rows))


def test_a_grid_has_a_barrier_of_its_own(blocks):
    source = compiled(rolled, (W, XS))[0].source()
    assert ("this_grid().sync()" in source) == (blocks == "many blocks")
    assert ("syncthreads()" in source) == (blocks == "one block")


# ---- what is launched and read ----

def test_an_lstm_is_one_launch_for_each_layer(counts):
    assert compiled(lstm, lstm_args(3))[0].source().count("def phase_") == 3
    short, long = (counted(counts, lstm, *lstm_args(n)) for n in (2, 9))
    assert short == long == {"launches": 5, "together": 2, "reads": 0}


def test_a_loop_until_something_holds_reads_nothing(counts):
    def steps(x):
        return lax.while_loop(lambda s: s[1].sum() > 0.5, lambda s: (s[0] + 1, s[1] * 0.999),
                              (0, x))
    x = np.ones(20) / 20
    assert_same(steps, (x,))
    assert counted(counts, steps, x) == {"launches": 1, "together": 1, "reads": 0}
    jitted = ft.jit(steps, device="cuda")
    count, _ = jitted(x)
    assert int(count) == 693
    before = ft.transfers()
    jitted(ft.device_put(x, "cuda"))[1].block_until_ready()
    assert (ft.transfers() - before).to_host == 0


def test_another_size_is_the_same_kernel():
    def texts(steps, batch):
        return cuda_texts(compiled(lstm, lstm_args(steps, batch, 48))[0])
    assert texts(4, 30) == texts(7, 20)


def test_lanes_with_paths_of_their_own_are_done_at_once(counts):
    """A block for each lane, which waits for its own threads alone."""
    function, args = LOOPS["vmap of more"]
    source = compiled(function, args)[0].source()
    assert re.search(r"for k0 in range\(cuda.blockIdx.x, n\d+, cuda.gridDim.x\)", source)
    assert re.search(r"kernel_\d+\[6, \d+\]", source) and "this_grid" not in source
    assert counted(counts, function, *args)["launches"] == 1


def test_lanes_in_a_loop_are_launched_by_the_host(monkeypatch):
    """Rather than that one lane comes after the other."""
    def steps(w, xs):
        return lax.scan(lambda xs, k: (ft.vmap(until, (None, 0, None))(w, xs, k)[0], xs.sum()),
                        xs, np.array([1, 0, 2]))
    assert "body_0" not in compiled(steps, (W, XS))[0].source()
    monkeypatch.setattr(together, "FEW_LANES", 3)
    assert "body_0" in compiled(steps, (W, XS))[0].source()
    assert_same(steps, (W, XS), ulp=2000)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_choice_is_one_launch_and_reads_nothing(counts, index):
    """The other kernel brings the index into its range."""
    assert counted(counts, choices, W, X, index) == {"launches": 2, "together": 1, "reads": 0}


def test_barriers_are_where_they_are_needed():
    """Two for each step of an LSTM: before the gates and before the next product."""
    source = compiled(lstm_layer, (XS[:, None], floats(9, 36), floats(9, 36), floats(36)))
    loop = source[0].source().partition("    for k0 in")[2].partition("\n    phase_")[0]
    assert loop.count("syncthreads") == 2 and loop.count("phase_") == 3


# ---- what cannot be one kernel, or is not worth it ----

@pytest.mark.parametrize("limit", ["MOST_PHASES", "MOST_SHARED", "MOST_PARAMETERS"])
def test_what_is_too_much_for_one_kernel_is_launched_by_the_host(limit, monkeypatch, counts):
    monkeypatch.setattr(phase_writer if limit == "MOST_PARAMETERS" else together, limit, -1)
    assert_same(in_turns, (W, X, np.array([2, 0, 1, 3])), ulp=2000)
    assert counts["together"] == 0 and counts["reads"] > 10


def test_what_the_host_computes_is_no_phase():
    def asked(x):
        return lax.fori_loop(0, 2, lambda k, x: ft.pure_callback(np.cumsum, x, x) @ W, x)
    assert "phase_" not in compiled(asked, (X,))[0].source()
    assert_same(asked, (X,))


def test_large_phases_are_launched_by_the_host(monkeypatch, counts):
    monkeypatch.setattr(together, "MOST_BLOCKS", 0)
    assert_same(rolled, (W, XS))
    assert counts["together"] == 0 and counts["launches"] > 10


def test_large_loops_until_something_holds_are_one_launch_all_the_same(monkeypatch, counts):
    monkeypatch.setattr(together, "MOST_BLOCKS", 0)
    assert counted(counts, until, W, X, 7) == {"launches": 1, "together": 1, "reads": 0}


# ---- what the way back needs ----

def powers(w, n):
    return lax.while_loop(lambda s: s[1] < n, lambda s: (fnp.sin(w @ s[0]), s[1] + 1), (X, 0))[0]


@pytest.mark.parametrize("steps", [0, 1, 8, 9, 24, 30])
def test_gradients_of_loops_until_something_holds(steps, blocks):
    assert_same(ft.grad(lambda w: powers(w, steps).sum()), (W,), ulp=2000)


def test_many_steps_are_one_launch_and_one_read(counts):
    """100 steps are 8, 16, 32 and 44, there and back; and the host reads how many there were."""
    gradient = ft.grad(lambda w: powers(w, 100).sum())
    found = counted(counts, gradient, W)
    assert found["together"] == 8 and found["launches"] <= 12 and found["reads"] == 5


def summed(w, n, m):
    """Two ways back whose sum is taken, of loops that take different numbers of steps."""
    return (powers(w, n) * powers(w.T, m)).sum() + powers(w, n)[0]


@pytest.mark.parametrize("steps", [(0, 3), (9, 2), (1, 0)])
def test_lists_of_other_lengths(steps):
    assert_same(ft.grad(summed), (W, *steps), ulp=2000)
    assert_same(ft.grad(lambda w: ft.vmap(powers, (None, 0))(w, np.array(steps)).sum()), (W,),
                ulp=2000)


def test_gradients_of_loops_in_loops():
    """What is kept of a step are lists of what is kept of inner steps."""
    def outer(w):
        return lax.while_loop(lambda s: s[1] < 3, lambda s: (
            lax.while_loop(lambda t: (t[1] < s[1]) & (t[0].sum() < 9),
                           lambda t: (fnp.sin(w @ t[0]) + s[0], t[1] + 1), (s[0], 0))[0],
            s[1] + 1), (X, 0))[0].sum()
    assert_same(ft.grad(outer), (W,), ulp=2000)


def test_gradients_of_gradients_of_loops():
    def slope(w, n):
        return ft.grad(lambda w: powers(w, n).sum())(w)[0].sum()
    assert_same(ft.grad(slope), (W, 3), ulp=20_000)


def test_what_is_kept_takes_no_more_memory_than_is_allowed(monkeypatch, counts):
    """Here that of one step, so each is a launch and is asked for, and then that there is none."""
    monkeypatch.setattr(stretches, "MEMORY", 1)
    gradient = ft.grad(lambda w: powers(w, 7).sum())
    assert_same(gradient, (W,), ulp=2000)
    assert counted(counts, gradient, W)["reads"] == 7 + 1 + 1


def test_an_index_outside_is_told_of_kept_steps():
    def last(w, n):
        return lax.while_loop(lambda s: s[1] < n, lambda s: (w @ s[0] + w[s[1]], s[1] + 1), (X, 0))
    gradient = ft.grad(lambda w, n: last(w, n)[0].sum())
    assert_same(gradient, (W, 9), ulp=2000)
    executable, operands = compiled(gradient, (W, 12))
    executable.run(operands)
    with pytest.raises(IndexOutOfBounds, match="index (9|10|11) .* size 9"):
        driver.synchronize()


# ---- indices outside ----

def taken(x, k, n):
    return lax.fori_loop(0, n, lambda j, s: s @ x.T + x[k[j]], x[0])


def test_an_index_outside_is_told_of_the_steps_that_are_taken(blocks):
    executable, operands = compiled(taken, (W, np.array([0, 3, 1, 11]), 4))
    assert "phase_" in executable.source()
    executable.run(operands)
    with pytest.raises(IndexOutOfBounds, match="index 11 .* size 9") as caught:
        driver.synchronize()
    assert caught.value.location is not None
    assert_same(taken, (W, np.array([0, 3, 1, 11]), 3), ulp=2000)


def test_an_index_outside_is_told_of_the_branch_that_is_taken(blocks):
    def chosen(x, k, j):
        return lax.cond(k > 0, lambda x: x[j] @ x, lambda x: x[0] @ x, x)
    assert_same(chosen, (W, 0, 20), ulp=2000)
    executable, operands = compiled(chosen, (W, 1, 20))
    executable.run(operands)
    with pytest.raises(IndexOutOfBounds, match="index 20"):
        driver.synchronize()
