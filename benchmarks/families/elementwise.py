"""Elementwise functions: bound by arithmetic in the caches, by bandwidth beyond them."""
from __future__ import annotations

from benchmarks.data import normal, tensors, uniform
from benchmarks.row import row

SIZES = {"64k": 65_536, "4M": 4_194_304}
NUMPY_NAMES = ("tanh", "exp", "sin", "log")


def _one_function(name: str, size: str):
    """A row: one function of an array."""
    count = SIZES[size]
    low = 0.1 if name == "log" else -2.0

    @row(f"{name} {size}", bytes=8 * count)
    def function(lib):
        apply = lib.erf if name == "erf" else getattr(lib.numpy, name)
        return lib.jit(lambda x: apply(x)), lib.arrays(uniform(count, low=low, high=2.0))

    @function.torch
    def _(torch):
        return getattr(torch, name), tensors(uniform(count, low=low, high=2.0))


def _power(size: str):
    count = SIZES[size]

    @row(f"pow {size}", bytes=12 * count)
    def power(lib):
        return lib.jit(lambda x, y: x ** y), lib.arrays(*_bases(count))

    @power.torch
    def _(torch):
        return torch.pow, tensors(*_bases(count))


def _bases(count: int):
    return uniform(count, low=0.1, high=3.0), uniform(count, low=-2.0, high=2.0, seed=1)


for _size in SIZES:
    for _name in (*NUMPY_NAMES, "erf"):
        _one_function(_name, _size)
    _power(_size)


@row("saxpy 4M", bytes=3 * 4 * SIZES["4M"])
def saxpy(lib):
    vectors = normal(SIZES["4M"]), normal(SIZES["4M"], seed=1)
    return lib.jit(lambda x, y: 2.5 * x + y), lib.arrays(*vectors)


@saxpy.torch
def _(torch):
    x, y = tensors(normal(SIZES["4M"]), normal(SIZES["4M"], seed=1))
    return lambda: torch.add(y, x, alpha=2.5), ()


@row("chain: tanh, sigmoid, product 1M", bytes=8 * 1_000_000)
def chain(lib):
    def function(x):
        gate = lib.nn.sigmoid(x)
        return lib.numpy.tanh(x * gate + 0.5) * gate - x
    return lib.jit(function), lib.arrays(normal(1_000_000))


@chain.torch
def _(torch):
    def function(x):
        gate = torch.sigmoid(x)
        return torch.tanh(x * gate + 0.5) * gate - x
    return function, tensors(normal(1_000_000))


@row("broadcast and transpose: tanh(x.T + b) * s", bytes=8 * 1_048_576)
def relabeled(lib):
    def function(x, b, s):
        return lib.numpy.tanh(x.T + b) * s[:, None]
    return lib.jit(function), lib.arrays(normal(1024, 1024), normal(1024), normal(1024, seed=1))


@relabeled.torch
def _(torch):
    arrays = tensors(normal(1024, 1024), normal(1024), normal(1024, seed=1))
    return lambda x, b, s: torch.tanh(x.T + b) * s[:, None], arrays
