"""The driver under the simulator: memory, copies, launches, barriers, what is found out late."""
from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from on_cuda import shuffled_blocks

from lowering.cuda import driver, graphs, reports
from lowering.errors import CompilerMissing, OutOfDeviceMemory

cuda = driver.numba_cuda()
F32 = np.dtype(np.float32)
MEBIBYTE = 2 ** 20


@pytest.fixture(autouse=True)
def shuffled():
    """Blocks run in another order in each test."""
    with shuffled_blocks():
        yield


def add_kernel(x, y, out, n):
    i = cuda.grid(1)
    if i < n:
        out[i] = x[i] + y[i]


def reversing_kernel(x, out):
    place = cuda.threadIdx.x
    size = cuda.blockDim.x
    start = cuda.blockIdx.x * size
    row = cuda.shared.array(48, np.float32)
    row[place] = x[start + place]
    cuda.syncthreads()
    out[start + place] = row[size - 1 - place]


def two_rows_kernel(x, out):
    first = cuda.shared.array(48, np.float32)
    second = cuda.shared.array(48, np.float32)
    dynamic = cuda.shared.array(0, np.float32)
    place, size = cuda.threadIdx.x, cuda.blockDim.x
    start = cuda.blockIdx.x * size
    first[place] = x[start + place]
    second[place] = 2 * x[start + place]
    dynamic[place] = -x[start + place]
    cuda.syncthreads()
    other = size - 1 - place
    out[start + place] = first[other] + second[other] + dynamic[other]


def helper(row, place):
    cuda.syncthreads()
    return row[cuda.blockDim.x - 1 - place]


def helped_kernel(x, out):
    row = cuda.shared.array(48, np.float32)
    row[cuda.threadIdx.x] = x[cuda.grid(1)]
    out[cuda.grid(1)] = helper(row, cuda.threadIdx.x)


def stuck_kernel(x):
    if cuda.threadIdx.x == 0:
        cuda.syncwarp()
    else:
        cuda.syncthreads()
        cuda.syncwarp()


def warp_sum_kernel(x, out):
    total = x[cuda.grid(1)]
    distance = 16
    while distance:
        total += cuda.shfl_down_sync(0xFFFFFFFF, total, distance)
        distance //= 2
    if cuda.laneid == 0:
        out[cuda.grid(1) // 32] = total


def half_a_warp_kernel(x):
    if cuda.threadIdx.x < 16:
        x[0] = cuda.shfl_down_sync(0xFFFFFFFF, x[cuda.threadIdx.x], 1)


def grid_kernel(x, out):
    x[cuda.grid(1)] += 1
    cuda.cg.this_grid().sync()
    out[cuda.grid(1)] = x[cuda.gridsize(1) - 1 - cuda.grid(1)]


def strided_kernel(x, out, n):
    """Work for more blocks than there may be."""
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        x[i] += 1
    cuda.cg.this_grid().sync()
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[i] = x[n - 1 - i]


@driver.device_function
def reverse_row(row, out, start):
    cuda.syncthreads()
    out[start + cuda.threadIdx.x] = row[cuda.blockDim.x - 1 - cuda.threadIdx.x]


def phases_kernel(x, out):
    row = cuda.shared.array(48, np.float32)
    row[cuda.threadIdx.x] = x[cuda.grid(1)]
    reverse_row(row, x, cuda.blockIdx.x * cuda.blockDim.x)
    cuda.cg.this_grid().sync()
    out[cuda.grid(1)] = x[cuda.gridsize(1) - 1 - cuda.grid(1)]


def leaving_kernel(x):
    if cuda.blockIdx.x > 0:
        cuda.cg.this_grid().sync()


def torn_kernel(x):
    if cuda.threadIdx.x > 0:
        cuda.syncthreads()
    else:
        cuda.cg.this_grid().sync()


def failing_kernel(x):
    cuda.syncthreads()
    x[cuda.grid(1)] = 1


def counting_kernel(out):
    out[cuda.threadIdx.x] = cuda.syncthreads_count(cuda.threadIdx.x % 3 == 0)


def launch(function, grid, block, *arrays, integers=(), shared=0):
    types = [f"{array.dtype.name}*" for array in arrays] + ["int64"] * len(integers)
    driver.Kernel(function, types).launch(
        grid, block, [*(array.pointer() for array in arrays), *integers], shared)


def test_the_device_is_the_simulator():
    status = driver.status()
    assert driver.simulated() and driver.available()
    assert not status.missing and [d.number for d in status.devices] == [0]


def test_copy_launch_copy():
    x, y = np.arange(70, dtype=F32), np.full(70, 0.5, F32)
    out = driver.empty((70,), F32)
    launch(add_kernel, 3, 32, driver.to_device(x), driver.to_device(y), out, integers=(70,))
    np.testing.assert_array_equal(driver.to_host(out), x + y)


@pytest.mark.parametrize("function, expected", [
    (reversing_kernel, lambda x: x.reshape(2, 48)[:, ::-1].reshape(-1)),
    (two_rows_kernel, lambda x: 2 * x.reshape(2, 48)[:, ::-1].reshape(-1)),
    (helped_kernel, lambda x: x.reshape(2, 48)[:, ::-1].reshape(-1)),
    (grid_kernel, lambda x: (x + 1)[::-1]),
    (phases_kernel, lambda x: x.reshape(2, 48)[::-1].reshape(-1))])
def test_threads_wait_for_each_other(function, expected):
    x = np.arange(96, dtype=F32)
    out = driver.empty((96,), F32)
    launch(function, 2, 48, driver.to_device(x), out, shared=4 * 48)
    np.testing.assert_array_equal(driver.to_host(out), expected(x))


def test_a_warp_of_which_only_some_threads_shuffle_is_found_out():
    with pytest.raises(RuntimeError, match="some threads of a warp shuffle"):
        launch(half_a_warp_kernel, 1, 32, driver.empty((32,), F32))


def test_there_are_no_more_blocks_that_wait_for_each_other_than_run_at_once():
    x = np.arange(500, dtype=F32)
    out = driver.empty((500,), F32)
    launch(strided_kernel, 32, 16, driver.to_device(x), out, integers=(500,))
    np.testing.assert_array_equal(driver.to_host(out), (x + 1)[::-1])


def test_functions_that_wait_are_run_in_steps_with_their_kernel():
    from lowering.cuda.simulated_threads import as_generator
    assert as_generator(phases_kernel) is not None
    assert as_generator(strided_kernel) is not None


@pytest.mark.parametrize("kernel, complaint", [
    (leaving_kernel, "others have come to their ends"), (torn_kernel, "others for the block")])
def test_barriers_that_not_all_come_to_are_found_out(kernel, complaint):
    with pytest.raises(RuntimeError, match=complaint):
        launch(kernel, 2, 2, driver.to_device(np.zeros(4, F32)))


def test_threads_that_wait_for_each_other_without_end_are_found_out():
    with pytest.raises(RuntimeError, match="without end"):
        launch(stuck_kernel, 1, 2, driver.to_device(np.zeros(2, F32)))


def test_kernels_that_wait_by_themselves_are_run_as_generators():
    from lowering.cuda.simulated_threads import as_generator
    assert as_generator(reversing_kernel) is not None
    assert as_generator(two_rows_kernel) is not None
    assert as_generator(helped_kernel) is None and as_generator(add_kernel) is None


def test_warps_exchange_values():
    x = np.random.default_rng(0).normal(size=64).astype(F32)
    out = driver.empty((2,), F32)
    launch(warp_sum_kernel, 1, 64, driver.to_device(x), out)
    np.testing.assert_allclose(driver.to_host(out), x.reshape(2, 32).sum(1), rtol=1e-5)


def test_votes_count_all_threads_of_the_block():
    out = driver.empty((7,), np.dtype(np.int64))
    launch(counting_kernel, 1, 7, out)
    assert driver.to_host(out).tolist() == [3] * 7


@pytest.mark.parametrize("block", [1, 2])
def test_reaching_out_of_memory_raises(block):
    with pytest.raises(IndexError, match="reached for element"):
        launch(failing_kernel, 200, block, driver.to_device(np.zeros(3, F32)))


def test_arrays_start_where_they_are_said_to():
    x = driver.to_device(np.arange(10, dtype=F32))
    out = driver.empty((10,), F32)
    driver.Kernel(add_kernel, ["float32*"] * 3 + ["int64"]).launch(
        1, 32, [x.pointer(4), x.pointer(0), out.pointer(2), 6])
    np.testing.assert_array_equal(driver.to_host(out)[2:8], np.arange(6) * 2 + 4)


def test_blocks_in_bytes_are_read_written_and_copied():
    block = driver.empty_bytes(64)
    driver.zero(block, 0, 64)
    driver.write(block, 8, np.array([5, 6], np.int64))
    other = driver.empty_bytes(64)
    driver.copy(other, 0, block, 8, 16)
    assert driver.read(other, 0, np.empty(2, np.int64)).tolist() == [5, 6]
    assert driver.read(block, 24, np.empty(1, np.int64)).tolist() == [0]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "complex64"])
def test_copies_are_exact(shape, dtype):
    data = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    back = driver.to_host(driver.to_device(data))
    assert back.dtype == data.dtype and back.shape == shape
    np.testing.assert_array_equal(back, data)


def test_what_does_not_lie_row_by_row_is_copied_right():
    data = np.arange(12, dtype=F32).reshape(3, 4).T
    np.testing.assert_array_equal(driver.to_host(driver.to_device(data)), data)


# ---- memory ----

def test_memory_is_metered_and_used_again():
    pool = driver.pool()
    start = pool.live
    first = driver.empty((MEBIBYTE,), np.dtype(np.uint8))
    assert pool.live == start + MEBIBYTE
    pool.reset_peak()
    block = first.memory.block
    del first
    assert pool.live == start and pool.peak == start + MEBIBYTE
    second = driver.empty((MEBIBYTE,), np.dtype(np.uint8))
    assert second.memory.block is block


def test_sizes_come_in_classes_that_waste_little():
    from lowering.cuda.memory import _rounded
    for size in (1, 513, 5000, 10 ** 6 + 1, 3 * 10 ** 9 + 7):
        assert size <= _rounded(size) <= max(1.125 * size, size + 512)
        assert _rounded(_rounded(size)) == _rounded(size)


def test_out_of_memory_says_what_and_who():
    total = driver.backend().total
    held = driver.empty((3 * MEBIBYTE,), np.dtype(np.uint8), owner="results of f")
    graphs.give_up()                         # those of tests before would be, to make room
    driver.pool().release()
    driver.backend().total = driver.backend().used + MEBIBYTE
    try:
        with pytest.raises(OutOfDeviceMemory) as failure:
            driver.empty((2 * MEBIBYTE,), np.dtype(np.uint8), owner="arguments of g")
    finally:
        driver.backend().total = total
    for words in ("2.0 MiB were asked for, for arguments of g", "1.0 MiB of",
                  "3.0 MiB by results of f"):
        assert words in str(failure.value)
    assert held.nbytes == 3 * MEBIBYTE


def test_kept_blocks_are_given_back_before_memory_runs_out():
    pool = driver.pool()
    total = driver.backend().total
    first = driver.empty((5 * MEBIBYTE,), np.dtype(np.uint8))
    del first
    assert pool.kept >= 5 * MEBIBYTE
    driver.backend().total = driver.backend().used + MEBIBYTE
    try:
        assert driver.empty((6 * MEBIBYTE,), np.dtype(np.uint8)).nbytes == 6 * MEBIBYTE
    finally:
        driver.backend().total = total


def test_threads_take_and_give_memory_at_once():
    gc.collect()                # errors of other tests may hold arrays
    start = driver.pool().live

    def work():
        for size in range(1, 300):
            driver.empty((size * 100,), F32)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert driver.pool().live == start


# ---- counting, waiting ----

def test_copies_are_counted_and_can_be_refused():
    before = (driver.transfers.to_device, driver.transfers.to_host)
    x = driver.to_device(np.zeros(4, F32))
    driver.to_host(x)
    assert (driver.transfers.to_device, driver.transfers.to_host) == (before[0] + 1, before[1] + 1)

    def refuse(direction, nbytes):
        raise RuntimeError(f"{direction} {nbytes}")
    token = driver.before_transfer.set(refuse)
    try:
        with pytest.raises(RuntimeError, match="to_host 16"):
            driver.to_host(x)
    finally:
        driver.before_transfer.reset(token)


def failing(text):
    return lambda: lambda: IndexError(text)


def reported(*looks) -> list:
    """Arrays, each of which depends on the run before it, too."""
    arrays = [driver.to_device(np.zeros(2, F32)) for _ in looks]
    for k, (array, look) in enumerate(zip(arrays, looks)):
        array.reports = (reports.new_report(look),)
        reports.follow([array], reports.reports_of(arrays[k - 1:k] if k else ()))
    return arrays


def test_reports_are_looked_at_by_those_who_wait():
    made = []
    first, second, third = reported(lambda: made.append(1), failing("index 7"),
                                    lambda: made.append(3))
    other, = reported(lambda: made.append("other"))
    assert not made
    driver.wait(first)
    assert made == [1]
    for _ in range(2):
        for array in (second, third):
            with pytest.raises(IndexError, match="index 7"):
                driver.to_host(array)
    assert made == [1]                           # what follows a failed run is not looked at
    driver.synchronize()
    assert made == [1, "other"] and not reports.reports_of([first, other])


def test_errors_that_nobody_read_are_raised_once():
    arrays = reported(failing("first")), reported(failing("second"))
    with pytest.raises(IndexError, match="first"):
        driver.synchronize()
    driver.synchronize()
    with pytest.raises(IndexError, match="second"):
        driver.wait(arrays[1][0])


# ---- other libraries ----

class Other:
    def __init__(self, array, **changes):
        self.__cuda_array_interface__ = {**driver.interface(array), **changes}


def test_memory_is_shared_by_the_array_interface():
    x = driver.to_device(np.arange(6, dtype=F32).reshape(2, 3))
    other = Other(x)
    y = driver.from_interface(other, other.__cuda_array_interface__)
    assert y.shape == (2, 3) and y.dtype == F32
    driver.zero(x.memory, 0, 12)
    assert driver.to_host(y).tolist() == [[0, 0, 0], [3, 4, 5]]
    launch(add_kernel, 1, 32, y, y, x, integers=(6,))
    assert driver.to_host(x).tolist() == [[0, 0, 0], [6, 8, 10]]


def test_only_rows_can_be_shared():
    x = driver.to_device(np.zeros((2, 3), F32))
    same = Other(x, strides=(12, 4)).__cuda_array_interface__
    assert driver.from_interface(x, same).shape == (2, 3)
    columns = Other(x, strides=(4, 8)).__cuda_array_interface__
    with pytest.raises(ValueError, match="row by row"):
        driver.from_interface(x, columns)


def test_nothing_is_compiled_under_the_simulator():
    with pytest.raises(CompilerMissing, match="NUMBA_ENABLE_CUDASIM"):
        driver.Kernel(add_kernel, ["float32*"] * 3 + ["int64"]).ptx((9, 0))
