"""What is not compiled: anything for a new batch size, anything in a second process.

Counted by `explain_compiles`, whose reports are tested too.
"""
from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, nn


def normal(*shape: int):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def mlp_loss(layers, x, labels):
    for weights, bias in layers:
        x = fnp.tanh(x @ weights + bias)
    chosen = fnp.take_along_axis(x, labels[:, None], 1)[:, 0]
    return (nn.logsumexp(x, -1) - chosen).mean()


def mlp_step(layers, x, labels):
    value, slopes = ft.value_and_grad(mlp_loss)(layers, x, labels)
    return value, ft.tree.map(lambda p, slope: p - 0.1 * slope, layers, slopes)


LAYERS = [(normal(5, 7), normal(7)), (normal(7, 4), normal(4))]


def lstm_loss(weights, xs):
    def step(state, x):
        h, c = state
        i, f, g, o = fnp.split(x @ weights["x"] + h @ weights["h"], 4, axis=-1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * fnp.tanh(g)
        h = nn.sigmoid(o) * fnp.tanh(c)
        return (h, c), h
    zeros = fnp.zeros((xs.shape[1], weights["h"].shape[0]))
    return (lax.scan(step, (zeros, zeros), xs)[1] ** 2).mean()


LSTM = {"x": normal(3, 16), "h": normal(4, 16)}


def attention(q, k):
    return nn.softmax(q @ fnp.swapaxes(k, -1, -2)) @ k


# Functions, and their arguments for a batch of n.
PROGRAMS = {
    "MLP step": (mlp_step, lambda n: (LAYERS, normal(n, 5), np.arange(n) % 4)),
    "per-example gradients": (ft.vmap(ft.grad(lambda layers, x: mlp_loss(
        layers, x[None], np.array([1]))), (None, 0)), lambda n: (LAYERS, normal(n, 5))),
    "LSTM gradient, batch": (ft.value_and_grad(lstm_loss), lambda n: (LSTM, normal(6, n, 3))),
    "LSTM gradient, length": (ft.value_and_grad(lstm_loss), lambda n: (LSTM, normal(n, 5, 3))),
    "softmax gradient": (ft.grad(lambda x: (nn.softmax(x) ** 2).sum()), lambda n: (normal(n, 9),)),
    "layer norm": (lambda x: (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True),
                   lambda n: (normal(n, 9),)),
    "attention gradient": (ft.grad(lambda q, k: attention(q, k).sum(), (0, 1)),
                           lambda n: (normal(2, n, 8), normal(2, n, 8))),
    "sums and places": (lambda x: (x.sum(0), fnp.argmin(x, 1), fnp.cumsum(x, 0)),
                        lambda n: (normal(n, 9),)),
    "sorting": (lambda x: fnp.sort(x, 0), lambda n: (normal(n, 9),)),
    "embedding gradient": (ft.grad(lambda table, words: (table[words] ** 2).sum()),
                           lambda n: (normal(20, 4), np.arange(n) % 20)),
    "while loops": (ft.vmap(lambda n, x: lax.while_loop(
        lambda s: s[0] < n, lambda s: (s[0] + 1, fnp.sin(s[1]) + x), (0, x))[1]),
        lambda n: (np.arange(n), normal(n))),
    "hessian": (ft.hessian(lambda x: (fnp.tanh(x) ** 3).sum()), lambda n: (normal(n),)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_new_size_compiles_nothing(name):
    function, arguments = PROGRAMS[name]
    jitted = ft.jit(function)
    jitted(*arguments(6))
    ft.explain_compiles(clear=True)
    for size in (7, 33):
        results = ft.tree.leaves(jitted(*arguments(size)))
        with ft.config.override(target="reference"):
            expected = ft.tree.leaves(ft.jit(function)(*arguments(size)))
        for out, right in zip(results, expected, strict=True):
            np.testing.assert_allclose(out, right, rtol=2e-4, atol=2e-5)
    report = [record for record in ft.explain_compiles() if record.kernels]
    assert not report, report
    assert jitted.traces == 3


SCRIPT = """
    import numpy as np
    import functrans as ft
    from functrans import lax, nn
    import functrans.numpy as fnp
    def loss(weights, xs):
        def step(h, x):
            h = fnp.tanh(x @ weights[0] + h @ weights[1])
            return h, h
        return (lax.scan(step, fnp.zeros((xs.shape[1], 4)), xs)[1] ** 2).mean()
    weights = [fnp.ones((3, 4)), fnp.ones((4, 4))]
    train = ft.jit(lambda w, xs: ft.tree.map(lambda p, g: p - g, w, ft.grad(loss)(w, xs)))
    train(weights, np.ones((SIZE, 2, 3), np.float32))
    report = ft.explain_compiles()
    print(len(report.kernels), len(report.compiled))
    """


def kernels_of(script: str, folder) -> tuple[int, int]:
    """How many kernels a new process makes ready, and how many of them it compiles."""
    environment = {**os.environ, "FUNCTRANS_CACHE_DIR": str(folder), "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=environment,
                          text=True, capture_output=True, check=True)
    return tuple(map(int, done.stdout.split()))


def test_a_second_process_compiles_nothing(tmp_path):
    kernels, compiled = kernels_of(SCRIPT.replace("SIZE", "5"), tmp_path)
    assert compiled == kernels > 0
    assert kernels_of(SCRIPT.replace("SIZE", "8"), tmp_path) == (kernels, 0)


# ---- reports ----

@pytest.fixture
def report():
    """The compilations since the last look."""
    ft.explain_compiles(clear=True)
    return lambda: ft.explain_compiles(clear=True)


def test_reasons(report):
    @ft.jit
    def scaled(x, *, by=None, power=1):
        return x["a"] * (2 if by is None else by) ** power

    scaled({"a": normal(3)})
    scaled({"a": normal(3)})
    scaled({"a": normal(4)})
    scaled({"a": np.float32(1)}, by=2.0)
    assert [record.reason for record in report()] == [
        "the first call", "x['a'] is f32[4], was f32[3]",
        "by is f32*[], was not there"]


def test_reasons_of_statics_and_switches(report):
    power = ft.jit(lambda x, n: x ** n, static_argnums=1)
    power(normal(3), 2)
    power(normal(3), 3)
    assert [record.reason for record in report()][1] == "static n is 3, was 2"


def test_many_changes_are_cut_short(report):
    total = ft.jit(lambda xs: sum(x.sum() for x in xs))
    total([normal(3)] * 5)
    total([normal(4)] * 5)
    assert report()[1].reason.endswith("and 2 more")


def test_a_report_is_readable(report):
    scaled = ft.jit(lambda x: x * 3 - 7)
    scaled(normal(3))
    shown = repr(report())
    assert "1 Program made executable in" in shown
    assert "<lambda>: the first call;" in shown and "kernel_" in shown
    scaled(normal(4))
    assert "x is f32[4], was f32[3]" in repr(report()) and not report()


def test_seconds_and_text(report):
    ft.jit(lambda x: fnp.sin(x) + 0.125)(normal(3))
    record, = report()
    kernel, = record.kernels
    assert 0 < kernel.seconds <= record.seconds and "sin(" in kernel.text
    assert kernel.origin in ("compiled", "disk")
