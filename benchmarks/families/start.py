"""Before the first result: imports, first calls in fresh processes, new shapes.

First calls are given NumPy arrays, so that all that a library does at first use counts.
PyTorch without torch.compile does not compile, so it has no such rows but the import.
"""
from __future__ import annotations

import itertools

import numpy as np

from benchmarks.data import dense, integers, normal
from benchmarks.families.networks import SMALL, batch, step
from benchmarks.families.recurrent import cell, lstm, lstm_weights
from benchmarks.row import IMPORT, first_call, row, second_process


@row("import", how=IMPORT)
def imported(lib):
    return lambda: lib.numpy.ones(1), ()


@imported.torch
def _(torch):
    return lambda: torch.ones(1), ()


@first_call("first call: tiny function")
def tiny(lib):
    return lib.jit(lambda x: lib.numpy.sin(x) * 2 + 1), (np.ones(8, np.float32),)


@first_call("first call: MLP step 64-128-128-10")
def mlp(lib):
    return lib.jit(step(lib)), (dense(*SMALL), *batch(SMALL, 64))


def lstm_step(lib):
    """A training step of an LSTM of T=64, B=32, H=64."""
    def train(weights, xs):
        def loss(weights):
            return (lstm(lib, weights, xs) ** 2).mean()
        value, slopes = lib.value_and_grad(loss)(weights)
        return value, lib.tree_map(lambda p, slope: p - 0.01 * slope, weights, slopes)
    return lib.jit(train), (lstm_weights(64, 64), normal(64, 32, 64))


first_call("first call: LSTM step T=64 B=32 H=64")(lstm_step)


def _unrolled(steps: int):
    @first_call(f"first call: gradient of an LSTM unrolled {steps} times")
    def unrolled(lib):
        def loss(weights, xs):
            state = (lib.numpy.zeros((8, 32)), lib.numpy.zeros((8, 32)))
            for x in xs:
                state = cell(lib, weights, state, x)
            return (state[0] ** 2).sum()
        return lib.jit(lib.grad(loss)), (lstm_weights(32, 32), normal(steps, 8, 32))


_unrolled(10)
_unrolled(50)


@second_process("second process: import to first MLP step, warm cache")
def second_mlp(lib):
    return mlp.make(lib)


second_process("second process: import to first LSTM step, warm cache")(lstm_step)


@row("another tiny function, in a process that has compiled before")
def another(lib):
    numbers = itertools.count(1000)
    x, = lib.arrays(np.ones(8, np.float32))

    def run():
        digits = f"{next(numbers):b}"

        def function(x):
            """Sines and products in an order that was not there before."""
            for digit in digits:
                x = lib.numpy.sin(x) if digit == "1" else x * 2 + 1
            return x
        return lib.jit(function)(x)
    return run, ()


POOL = 2_000_000


def _new_sizes(name: str, prepare, make_batch):
    """A row: each call has a batch size that was not there before."""
    @row(name, tolerance=1e-3)
    def new_size(lib):
        train, weights = prepare(lib)
        numbers, labels = normal(POOL), integers(10, POOL)
        sizes = itertools.count(65)
        return lambda: train(weights, *make_batch(next(sizes), numbers, labels)), ()


_new_sizes("new batch size: MLP step 64-128-128-10",
           lambda lib: (lib.jit(step(lib)), lib.arrays(dense(*SMALL))[0]),
           lambda count, numbers, labels: (numbers[:count * 64].reshape(count, 64),
                                           labels[:count]))
_new_sizes("new batch size: LSTM step T=64 H=64",
           lambda lib: (lstm_step(lib)[0], lib.arrays(lstm_weights(64, 64))[0]),
           lambda count, numbers, labels: (numbers[:count * 64 * 64].reshape(64, count, 64),))
