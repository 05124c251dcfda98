"""Kernels for CUDA under the simulator, blocks in shuffled order: all rows, and programs."""
from __future__ import annotations


import numpy as np
import pytest
from on_cuda import assert_same, compiled, on_cuda, shuffled_blocks
from programs import PROGRAMS
from test_kernel_text import FUNCTIONS
from test_laws import assert_close, each, evaluate

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from lowering.cuda import driver, emit, parts, rows, runs, sorting, vectors
from lowering.errors import IndexOutOfBounds


@pytest.fixture(autouse=True)
def shuffled():
    """Blocks run in another order in each launch."""
    with shuffled_blocks():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("text")


@pytest.mark.parametrize("row, case, dtype", each())
def test_kernels_equal_evaluate(row, case, dtype, folder):
    arrays = case.arrays(dtype)
    got = on_cuda(row.function(case), arrays, folder)
    for part, expected in zip(got, evaluate(row, case, arrays), strict=True):
        assert_close(part, expected, row)


@pytest.fixture
def in_blocks(monkeypatch):
    """Blocks of two warps of two threads share loops over two elements already, and sums over four
    are taken in pieces; all threads sort lines of two."""
    for module, settings in (
            (sorting, {"LONG": 2}), (runs, {"LONG": 2, "LEAST": 2, "PIECE": 2}),
            (rows, {"SHORT": 2}), (emit, {"WARP": 2, "BLOCK": 4}),
            (parts, {"FEW": 1, "LONG": 4, "PIECE": 2, "FEW_RESULTS": 2, "TALL": 4,
                     "COLUMN_PIECE": 2, "MANY_UPDATES": 2, "OWNERS": (3,)})):
        for name, value in settings.items():
            monkeypatch.setattr(module, name, value)


BLOCK_DTYPES = ("float32", "int32", "bool", "float16", "complex64")


@pytest.mark.parametrize("row, case, dtype", each(dtypes=BLOCK_DTYPES))
def test_kernels_in_blocks_equal_evaluate(row, case, dtype, folder, in_blocks):
    test_kernels_equal_evaluate(row, case, dtype, folder)


@pytest.fixture
def in_vectors(monkeypatch):
    """Threads take neighbours however few there are, and blocks share short loops."""
    for module, settings in ((vectors, {"MANY": 1}), (rows, {"SHORT": 2, "LONG": 2})):
        for name, value in settings.items():
            monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("row, case, dtype", each(dtypes=("float32", "int8", "float16")))
def test_kernels_in_vectors_equal_evaluate(row, case, dtype, folder, in_vectors):
    test_kernels_equal_evaluate(row, case, dtype, folder)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, folder):
    assert_same(*PROGRAMS[name], folder)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_in_blocks(name, folder, in_blocks):
    assert_same(*PROGRAMS[name], folder)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_in_vectors(name, folder, in_vectors):
    assert_same(*PROGRAMS[name], folder)


def chain(x, y, b):
    """Several dtypes, broadcasts along both axes, indices."""
    z = fnp.where(x > 0, x * y + b, fnp.arange(24, dtype=x.dtype))
    return z, z > y, (z + x[:, :1]).astype("float16")


@pytest.mark.parametrize("dtype", ("float16", "float32", "float64", "int8"))
@pytest.mark.parametrize("rows", (1, 3))
def test_threads_take_neighbours(rows, dtype, folder, in_vectors):
    x, y, b = (fnp.array(np.random.default_rng(k).normal(scale=9, size=shape), dtype=dtype)
               for k, shape in enumerate([(rows, 24), (rows, 24), (24,)]))
    assert "read_vector" in compiled(chain, (x, y, b))[0].source()
    assert_same(chain, (x, y, b), folder)


def of_rows(x):
    y = x - x.max(1, keepdims=True)
    return y, (y * y).sum(1), x.argmin(1), (x + fnp.arange(112, dtype=x.dtype)).max(1)


@pytest.mark.parametrize("dtype", ("float16", "float32", "float64", "int8", "bool"))
def test_blocks_take_neighbours_of_long_rows(dtype, folder, in_vectors):
    """Rows of seven times 16: some threads have nothing."""
    x = fnp.array(np.random.default_rng(9).normal(scale=3, size=(3, 112)), dtype=dtype)
    function = of_rows if dtype != "bool" else lambda x: (fnp.any(x, 1), fnp.all(x, 1))
    source = compiled(function, (x,))[0].source()
    assert "* thread\n" in source and "read_vector" in source
    assert_same(function, (x,), folder)


def test_blocks_take_neighbours_of_pieces(folder, in_vectors, monkeypatch):
    monkeypatch.setattr(parts, "LONG", 1 << 10)
    monkeypatch.setattr(parts, "PIECE", 1 << 9)
    for count in (4096, 4099):
        x = np.sin(np.arange(count, dtype="float32"))
        assert "read_vector" in compiled(lambda x: (x * x).sum(), (x,))[0].source()
        assert_same(lambda x: (x * x).sum(), (x,), folder)


@pytest.mark.parametrize("count", (1, 3, 4, 5, 30, 1027))
def test_neighbours_at_the_end_are_taken_one_by_one(count, folder, in_vectors):
    x = np.sin(np.arange(count, dtype="float32"))
    assert_same(lambda x: (x * x, -x), (x,), folder)


def test_memory_that_begins_anywhere_is_read_one_by_one(in_vectors):
    memory = driver.to_device(np.arange(48, dtype="float32")).memory
    executable, _ = compiled(lambda x: x * 2, (np.ones(40, "float32"),))
    for start in range(5):
        x = driver.DeviceArray(memory, (40,), np.dtype("float32"), 4 * start)
        out, = executable.run([x])
        np.testing.assert_array_equal(driver.to_host(out), 2 * np.arange(start, start + 40))


def test_long_running_sums_in_pieces():
    """At the sizes for which it is meant; not where a later result depends on the order."""
    x = np.sin(np.arange(4200.0))
    executable, _ = compiled(lambda x: fnp.cumsum(x), (x,))
    assert executable.source().count("@cuda.jit") == 3
    assert_same(lambda x: (fnp.cumsum(x), lax.cummax(x, reverse=True)), (x,), None)
    recurrence = ft.grad(lambda x: fnp.cumprod(x)[-1])
    assert_same(recurrence, (1 + x / 100,), None, ulp=2000)


def test_blocks_share_loops_and_take_long_ones_in_pieces():
    """At the sizes for which it is meant."""
    def source(function, *args):
        return compiled(function, args)[0].source()
    wide, long = np.ones((5, 100), "float32"), np.ones(40_000, "float32")
    assert "j += threads" in source(PROGRAMS["softmax"][0], wide)
    assert "syncthreads" not in source(PROGRAMS["softmax"][0], wide.T[:, :5])
    assert_same(PROGRAMS["softmax_gradient"][0], (wide, wide), None)
    assert source(lambda x: x - x.mean(), long).count("@cuda.jit") == 2
    assert_same(lambda x: x - x.mean(), (np.sin(np.arange(17_000.0)),), None)


EVERY_DTYPE = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
               "float16", "bfloat16", "float32", "float64", "complex64", "complex128")


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
def test_warps_and_blocks_combine_values_of_every_dtype(dtype, folder):
    """Rows of 40, so that there are two warps, and threads that have nothing."""
    numbers = np.random.default_rng(8).normal(scale=50, size=(3, 40))
    x = fnp.array(np.abs(numbers), dtype=dtype)
    def function(x):
        ordered = (x.max(1), x.argmin(1)) if x.dtype.kind != "c" else (x.prod(1),)
        return x.sum(1), fnp.any(x != 0, 1), *ordered
    assert "shfl_down_sync" in compiled(function, (x,))[0].source()
    assert_same(function, (x,), folder)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_kinds_of_steps(name, folder):
    w = fnp.array(np.random.default_rng(1).normal(size=(4, 4)))
    w = fnp.stack([w, w.T, 0.1 * w]) if name.startswith("batched") else w
    assert_same(FUNCTIONS[name], (w,), folder, ulp=2000)


# ---- compositions ----

def powers(x, n):
    """A loop whose length is known at run time alone."""
    return lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * fnp.sin(x)), (0, x))[1]


def rolled(w, xs):
    def step(h, x):
        h = fnp.tanh(w @ h + x)
        return h, lax.cond(h[0] > 0, lambda v: v.sum(), lambda v: (v * v).sum(), h)
    return lax.scan(step, fnp.zeros(4, xs.dtype), xs)[1].sum()


def bumped(table, rows, values):
    return (table.at[rows].add(values) ** 2).sum()


def order(x):
    return fnp.sort(x)[..., ::2] * fnp.argsort(x)[..., ::2]


W, XS = fnp.array(np.random.default_rng(2).normal(size=(4, 4))), fnp.ones((3, 4), "float64")
X = fnp.array(np.random.default_rng(3).normal(size=(3, 5)))
ROWS, VALUES = fnp.array([0, 2, 0, 1]), fnp.array(np.random.default_rng(4).normal(size=(4, 4)))

COMPOSITIONS = {
    "grad of while": (ft.grad(powers), (0.7, 5)),
    "grad of vmapped while": (ft.grad(lambda x, n: ft.vmap(powers)(x, n).sum()),
                              (fnp.array([0.3, 0.9]), fnp.array([2, 6]))),
    "vmap of grad of while": (ft.vmap(ft.grad(powers)),
                              (fnp.array([0.3, 0.9, 0.1]), fnp.array([2, 6, 0]))),
    "grad of scan and cond": (ft.grad(rolled), (W, XS)),
    "vmap of grad of scan and cond": (ft.vmap(ft.grad(rolled), (None, 0)),
                                      (W, fnp.stack([XS, -XS]))),
    "hessian": (ft.hessian(lambda x: (fnp.tanh(W @ x) ** 2).sum()), (X[0, :4],)),
    "jvp of softmax": (lambda x: ft.jvp(ft.nn.softmax, (x,), (x * x,)), (X,)),
    "grad of scatter": (ft.grad(bumped, argnums=(0, 2)), (W, ROWS, VALUES)),
    "vmap of scatter": (ft.vmap(lambda v: bumped(W, ROWS, v)), (fnp.stack([VALUES, 2 * VALUES]),)),
    "sort of lanes": (ft.vmap(order), (X,)),
    "grad of sort": (ft.grad(lambda x: (fnp.sort(x, axis=0) * fnp.arange(3)[:, None]).sum()), (X,)),
    "checkpoint": (ft.grad(ft.checkpoint(lambda w: (fnp.tanh(w @ w) ** 2).sum())), (W,)),
    "batched products": (lambda a: fnp.einsum("bij,bkj->bik", a, a + 1) @ fnp.swapaxes(a, 1, 2),
                         (fnp.stack([W, W.T, 2 * W]),)),
    "sums over all, rows, columns": (lambda x: (x - x.mean(), x.sum(0), x.sum(1), x / x.std()),
                                     (X,)),
    "running sums": (lambda x: (fnp.cumsum(x), fnp.cumprod(x, 0), fnp.cumsum(x[0]) * x), (X,)),
    "random": (lambda key: ft.random.normal(key, (3, 7)), (ft.random.key(3),)),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compositions(name, folder):
    assert_same(*COMPOSITIONS[name], folder, ulp=2000)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compositions_in_blocks(name, folder, in_blocks):
    assert_same(*COMPOSITIONS[name], folder, ulp=2000)


# ---- products ----

LEFT = np.random.default_rng(5).normal(size=(35, 20))
RIGHT = np.random.default_rng(6).normal(size=(20, 66))
LONG_LEFT = np.random.default_rng(7).normal(size=(33, 1030))
PRODUCTS = {
    "rows by columns": (lambda a, b: a @ b, LEFT, RIGHT),
    "columns by rows": (lambda a, b: (b.T @ a.T, a @ b), LEFT, RIGHT),
    "rows by rows": (lambda a, b: a @ b.T, LEFT, RIGHT.T.copy()),
    "a batch": (lambda a, b: a @ b, np.stack([LEFT, -LEFT]), np.stack([RIGHT, 2 * RIGHT])),
    "a batch of two dimensions": (lambda a, b: fnp.einsum("abij,bajk->abik", a, b),
                                  np.stack([LEFT, -LEFT])[:, None],
                                  np.stack([RIGHT, 2 * RIGHT])[None]),
    "in pieces": (lambda a: a @ a.T, LONG_LEFT),
    "complex": (lambda a, b: a @ b, LEFT + 1j, RIGHT - 2j),
    "half": (lambda a, b: a @ b, LEFT.astype("float16"), RIGHT.astype("float16")),
    "half in pieces": (lambda a: a @ a.T, LONG_LEFT.astype("float16")),
    "integers": (lambda a, b: a @ b, (9 * LEFT).astype("int8"), (9 * RIGHT).astype("int8")),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_by_tiles(name, folder):
    function, *args = PRODUCTS[name]
    assert "tile0" in compiled(function, args)[0].source()
    assert_same(function, args, folder)


# ---- indices outside ----

def test_an_index_outside_is_reported_when_the_host_waits(folder):
    executable, operands = compiled(lambda x, k: x[k] * 2, (fnp.ones(3), fnp.array([0, 7, 1])),
                                    folder)
    executable.run(operands)
    with pytest.raises(IndexOutOfBounds, match="index 7 .* size 3") as caught:
        driver.synchronize()
    assert caught.value.location is not None
    driver.synchronize()                              # it is reported once
    out, = executable.run(operands)
    for _ in range(2):                                # but its result is none, whoever asks
        with pytest.raises(IndexOutOfBounds, match="index 7 .* size 3"):
            driver.to_host(out)


def test_kernels_that_differ_in_the_sign_of_a_zero_are_two(folder):
    x = np.array([-1.0, 2.0], "float32")
    for zero, sign in ((0.0, False), (-0.0, True)):
        got, = on_cuda(lambda x, zero=zero: fnp.where(fnp.isnan(x), x, zero), (x,), folder)
        assert np.signbit(got).tolist() == [sign, sign]


# ---- the text ----

def test_the_saved_text_runs_by_itself(folder):
    function, args = PROGRAMS["softmax"]
    executable, operands = compiled(function, args, folder)
    scope: dict = {"__file__": str(executable.path)}
    exec(compile(executable.source(), str(executable.path), "exec"), scope)
    out, = scope["run"](*operands)
    np.testing.assert_allclose(driver.to_host(out), np.asarray(function(*args)), rtol=1e-5)
