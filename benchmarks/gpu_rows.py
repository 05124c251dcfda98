"""The rows for a GPU: sizes that fill one; with FUNCTRANS_BENCH_TINY=1 sizes for the simulator.

Importing this module registers them; `NAMES` are they, in order. Work that the CPU's table has too
is the same function with other sizes.
"""
from __future__ import annotations

import os
from importlib import import_module

import numpy as np

from benchmarks.data import dense, integers, normal, tensors
from benchmarks.families import loops, networks, recurrent
from benchmarks.row import ROWS, row

TINY = os.environ.get("FUNCTRANS_BENCH_TINY") == "1"


def sized(full, tiny):
    """The size to use."""
    return tiny if TINY else full


# ---- what the host does ----

@row("GPU: jitted call, one small array")
def one_array(lib):
    return lib.jit(lambda x: x + 1), lib.arrays(normal(4))


@one_array.torch
def _(torch):
    return lambda x: x + 1, tensors(normal(4))


@row("GPU: jitted call, tree of 20 arrays")
def twenty_arrays(lib):
    tree = {f"w{k}": normal(4, seed=k) for k in range(20)}
    return lib.jit(lambda tree: lib.tree_map(lambda x: x * 2, tree)), lib.arrays(tree)


@row("GPU: jitted call, 40 small products in a row", tolerance=1e-3)
def forty_kernels(lib):
    def function(x, w):
        for _ in range(sized(40, 3)):
            x = lib.numpy.tanh(x @ w)
        return x
    return lib.jit(function), lib.arrays(*_small_square())


def _small_square():
    return normal(sized(32, 4), sized(32, 4)), normal(sized(32, 4), sized(32, 4), scale=0.1)


@forty_kernels.torch
def _(torch):
    def function(x, w):
        for _ in range(sized(40, 3)):
            x = torch.tanh(x @ w)
        return x
    return function, tensors(*_small_square())


# ---- elementwise: beside the device's copying ----

COUNT = sized(2 ** 26, 300)


def _elementwise(name: str, function, in_torch, arrays: int, dtype: str = "float32"):
    """function(np, *arrays), of `arrays` inputs and one output, all of COUNT elements."""
    def inputs():
        return [normal(COUNT, seed=k).astype(dtype) for k in range(arrays)]

    @row(f"GPU: {name}, {COUNT:,} of {dtype}",
         bytes=(arrays + 1) * COUNT * np.dtype(dtype).itemsize, tolerance=1e-3)
    def work(lib):
        return lib.jit(lambda *xs: function(lib.numpy, *xs)), lib.arrays(*inputs())

    @work.torch
    def _(torch):
        return lambda *xs: in_torch(torch, *xs), tensors(*inputs())


_elementwise("a x + y", lambda np, x, y: 2.5 * x + y,
             lambda torch, x, y: torch.add(y, x, alpha=2.5), 2)
_elementwise("a chain of tanh, exp and products",
             lambda np, x, y: np.tanh(x) * y + np.exp(-x * x) * 0.5,
             lambda torch, x, y: torch.tanh(x) * y + torch.exp(-x * x) * 0.5, 2)
_elementwise("a chain of tanh, exp and products",
             lambda np, x, y: np.tanh(x) * y + np.exp(-x * x) * 0.5,
             lambda torch, x, y: torch.tanh(x) * y + torch.exp(-x * x) * 0.5, 2, "float16")
_elementwise("squares of differences", lambda np, x, y: (x - y) ** 2,
             lambda torch, x, y: (x - y) ** 2, 2, "float64")

SIDE = sized(8192, 20)


@row(f"GPU: x + y.T, {SIDE} x {SIDE}", bytes=12 * SIDE * SIDE)
def with_transpose(lib):
    return lib.jit(lambda x, y: x + y.T), lib.arrays(normal(SIDE, SIDE), normal(SIDE, SIDE))


@with_transpose.torch
def _(torch):
    return lambda x, y: x + y.T, tensors(normal(SIDE, SIDE), normal(SIDE, SIDE))


# ---- reductions: the same floor ----

SHAPE = sized((16384, 4096), (6, 70))


def _reduction(name: str, function, in_torch, written: int = 0):
    """function(np, x) of a matrix; it writes `written` elements besides reading them all."""
    size = SHAPE[0] * SHAPE[1]

    @row(f"GPU: {name}, {SHAPE[0]} x {SHAPE[1]}", bytes=4 * (size + written), tolerance=1e-3)
    def work(lib):
        return lib.jit(lambda x: function(lib.numpy, x)), lib.arrays(normal(*SHAPE))

    @work.torch
    def _(torch):
        return lambda x: in_torch(torch, x), tensors(normal(*SHAPE))


_ALL = SHAPE[0] * SHAPE[1]
_reduction("sum of squares of all", lambda np, x: (x * x).sum(), lambda torch, x: (x * x).sum())
_reduction("sums of rows", lambda np, x: x.sum(1), lambda torch, x: x.sum(1))
_reduction("sums of columns", lambda np, x: x.sum(0), lambda torch, x: x.sum(0))
_reduction("argmax of rows", lambda np, x: np.argmax(x, 1), lambda torch, x: torch.argmax(x, 1))
_reduction("cumulative sums of rows", lambda np, x: np.cumsum(x, 1),
           lambda torch, x: torch.cumsum(x, 1), _ALL)


def _softmax(np, x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _normalized(np, x):
    centred = x - x.mean(1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(1, keepdims=True) + 1e-5)


_reduction("softmax of rows", _softmax, lambda torch, x: torch.softmax(x, 1), _ALL)
_reduction("layer norm of rows", _normalized,
           lambda torch, x: torch.nn.functional.layer_norm(x, x.shape[1:]), _ALL)


# ---- products: beside cuBLAS, which is PyTorch's ----

def _product(batch: tuple, size: int, dtype: str):
    def inputs():
        return [normal(*batch, size, size, seed=k, scale=size ** -0.5).astype(dtype)
                for k in range(2)]
    count = int(np.prod(batch)) if batch else 1
    shape = " x ".join(map(str, (*batch, size, size)))

    @row(f"GPU: product of {shape}, {dtype}", flops=2 * count * size ** 3,
         tolerance=1e-2 if dtype == "float16" else 1e-3)
    def product(lib):
        return lib.jit(lambda a, b: a @ b), lib.arrays(*inputs())

    @product.torch
    def _(torch):
        return lambda a, b: a @ b, tensors(*inputs())


_product((), sized(512, 9), "float32")
_product((), sized(4096, 17), "float32")
_product((), sized(4096, 9), "float16")
_product((), sized(2048, 9), "float64")
_product((sized(64, 2),), sized(512, 8), "float32")


# ---- models ----

def _mlp(sizes: tuple, count: int):
    @row(f"GPU: MLP step {'-'.join(map(str, sizes))}, batch {count}",
         flops=networks.flops(sizes, count), tolerance=1e-3)
    def train(lib):
        return lib.jit(networks.step(lib)), lib.arrays(dense(*sizes), *networks.batch(sizes, count))

    @train.torch
    def _(torch):
        return networks.torch_step(torch, sizes, count)


_mlp(sized(networks.SMALL, (6, 5, 4)), sized(64, 3))
_mlp(sized(networks.SMALL, (6, 5, 4)), sized(4096, 5))
_mlp(sized(networks.LARGE, (6, 5, 5, 4)), sized(1024, 3))

EXAMPLES, LAYERS = sized(256, 3), sized(networks.SMALL, (6, 5, 4))


@row(f"GPU: per-example gradients, MLP {'-'.join(map(str, LAYERS))}, batch {EXAMPLES}",
     tolerance=1e-3, flops=networks.flops(LAYERS, EXAMPLES))
def per_example(lib):
    def one(layers, x, label):
        return networks.loss(lib, layers, x[None], label[None])
    every = lib.jit(lib.vmap(lib.grad(one), (None, 0, 0)))
    return every, lib.arrays(dense(*LAYERS), *networks.batch(LAYERS, EXAMPLES))


@per_example.torch
def _(torch):
    layers = [tensors(*layer) for layer in dense(*LAYERS)]

    def one(layers, x, label):
        logits = networks.torch_forward(torch, layers, x[None])
        return torch.nn.functional.cross_entropy(logits, label[None])
    every = torch.func.vmap(torch.func.grad(one), (None, 0, 0))
    return lambda *batch: every(layers, *batch), tensors(*networks.batch(LAYERS, EXAMPLES))


# ---- LSTMs: beside cuDNN, which is PyTorch's layer ----

SIZES = sized(((64, 32, 64), (32, 64, 256), (64, 256, 512)), ((3, 2, 4),))
LSTMS = [f"LSTM {what} T={steps} B={batch} H={hidden}" for steps, batch, hidden in SIZES
         for what in ("forward", "value and gradient")]
for _size, _name in zip(SIZES, LSTMS[::2]):
    if _name not in ROWS:
        recurrent._rows_of_size(*_size)

# ---- the rows of the survey of deep-learning software ----

_dlbench = import_module("examples.dlbench")
DLBENCH = ["dlbench small FCN5, batch 8", "dlbench small LSTM, batch 4"] if TINY else [
    *(f"dlbench FCN5, batch {count}" for count in (342, 512, 1024, 2048, 4096)),
    *(f"dlbench LSTM, batch {count}" for count in (64, 128, 256, 512, 1024))]
for _name in DLBENCH:
    if _name not in ROWS:
        _make = _dlbench.fcn5_row if "FCN5" in _name else _dlbench.lstm_row
        _make(int(_name.rpartition(" ")[2]))


# ---- loops ----

def _scan(steps: int, with_torch: bool):
    @row(f"GPU: scan of {steps:,} steps on a scalar", tolerance=1e-3)
    def loop(lib):
        def function(x):
            return lib.lax.scan(lambda y, _: (y * 0.9 + x, None), x, None, length=steps)[0]
        return lib.jit(function), lib.arrays(np.float32(0.5))
    if with_torch:
        @loop.torch
        def _(torch):
            def function(x):
                y = x
                for _ in range(steps):
                    y = y * 0.9 + x
                return y
            return function, tensors(np.float32(0.5))


_scan(sized(10_000, 20), with_torch=True)
_scan(sized(1_000_000, 50), with_torch=False)

LANES = sized(1024, 5)


@row(f"GPU: vmap of a while loop, {LANES} lanes, one much longer", tolerance=1e-3)
def skewed(lib):
    counts = np.full(LANES, sized(10, 2))
    counts[LANES // 2] = sized(10_000, 9)
    return loops.lanes(lib, counts)


@row(f"GPU: rows of a table added up by index, {sized(1_000_000, 40):,} of them", tolerance=1e-3)
def scatter(lib):
    count, width = sized(1_000_000, 40), sized(64, 3)
    function = lib.jit(lambda table, rows, values: table.at[rows].add(values))
    return function, lib.arrays(np.zeros((sized(10_000, 7), width), np.float32),
                                integers(sized(10_000, 7), count), normal(count, width))


NAMES = [*(name for name in ROWS if name.startswith("GPU: ")), *LSTMS, *DLBENCH]
