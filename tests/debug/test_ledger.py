"""`ft.explain_grad`: operations, bytes, slopes, births and choices, by lines of this file."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, nn

HERE = Path(__file__)


def rows(ledger) -> dict:
    """The rows by the text of their lines."""
    assert repr(ledger).splitlines()[0].startswith("the gradient of ")
    return {row.text or row.line: row for row in ledger}


def row_of(function, *args, **kwargs):
    """The one row with a line, of a function of one line."""
    row, = [row for row in ft.explain_grad(function, *args, **kwargs) if row.text]
    return row


def layers(params, x):
    hidden = fnp.tanh(x @ params["w"])
    out = hidden @ params["v"]
    return (out ** 2).mean()


PARAMS = {"w": fnp.linspace(-1, 1, 12).reshape(3, 4), "v": fnp.ones(4)}
X = fnp.linspace(0, 1, 15).reshape(5, 3)


@pytest.mark.parametrize("function", [layers, ft.jit(layers)], ids=["plain", "jit"])
def test_values_and_gradients_are_those_of_grad(function):
    ledger = ft.explain_grad(function, PARAMS, X)
    value, slopes = ft.value_and_grad(layers)(PARAMS, X)
    np.testing.assert_allclose(ledger.value, value, rtol=1e-6)
    for name in slopes:
        np.testing.assert_allclose(ledger.gradient[name], slopes[name], rtol=1e-5, atol=1e-7)


def test_operations_and_what_is_kept():
    found = rows(ft.explain_grad(layers, PARAMS, X))
    first = found["hidden = fnp.tanh(x @ params[\"w\"])"]
    second = found["out = hidden @ params[\"v\"]"]
    assert second.flops == 2 * 5 * 4 and second.backward >= 2 * (2 * 5 * 4)
    assert first.flops >= 2 * 5 * 3 * 4 and first.backward >= 2 * 5 * 3 * 4
    assert first.residuals in (5 * 4 * 4, 2 * 5 * 4 * 4)        # tanh, and its slope or itself
    assert found["argument params['v']"].residuals == 16
    assert found["other arguments"].residuals == 5 * 3 * 4      # x
    assert first.line.startswith(HERE.name) and first.function == "layers"
    assert first.derivative == pytest.approx(1, rel=0.2)


def test_slopes_of_large_reductions():
    x = fnp.linspace(0.5, 1.5, 1000)
    assert row_of(lambda x: x.sum(), x).derivative == 1
    assert row_of(lambda x: x.mean(), x).derivative == 1          # of the sum in it
    assert row_of(lambda x: fnp.max(x), x).derivative == 1
    assert row_of(lambda x: (3 * x).sum(), x).derivative == 3
    some = fnp.linspace(1.0, 1.1, 100)
    assert row_of(fnp.prod, some).derivative == pytest.approx(np.prod(np.asarray(some)), rel=1e-3)


def test_what_is_recomputed():
    def loss(x):
        return ft.checkpoint(lambda x: fnp.exp(fnp.sin(x)))(x).sum()

    def plain(x):
        return fnp.exp(fnp.sin(x)).sum()
    again, kept = row_of(loss, fnp.ones(100)), row_of(plain, fnp.ones(100))
    assert again.recomputed > 0 == kept.recomputed
    assert again.residuals == 0 < kept.residuals


def test_loops_count_each_step():
    def loss(x, count):
        return lax.fori_loop(0, count, lambda _, c: fnp.sin(c), x)
    short, long = (row_of(loss, 1.0, count=count) for count in (3, 30))
    assert long.flops > 8 * short.flops and long.residuals == 10 * short.residuals

    def loop(x):
        return lax.while_loop(lambda c: c < 100, lambda c: c * 1.5 + 1, x)
    row = row_of(loop, 1.0)
    assert row.derivative == 1.5 and row.backward > 0


def test_python_loops_and_branches():
    def root(a):
        x = a
        while abs(x * x - a) > 1e-5:
            x = (x + a / x) / 2
        return x
    ledger = ft.explain_grad(root, 4.0)
    assert ledger.gradient == pytest.approx(0.25, rel=1e-4)
    assert rows(ledger)["x = (x + a / x) / 2"].flops > 10


@pytest.mark.parametrize("function, born", [
    (lambda x: fnp.log(x - x).sum(), "inf in log (value)"),
    (lambda x: fnp.sqrt(x - x).sum(), "inf in"),
    (lambda x: (fnp.exp(1000 * x) - fnp.exp(1000 * x)).sum(), "NaN in sub (value)"),
    (lambda x: (x * x).sum(), None)], ids=["log", "sqrt", "sub", "none"])
def test_births(function, born):
    row = row_of(function, fnp.ones(3))
    assert any(text.startswith(born) for text in row.born) if born else not row.born
    if born == "inf in":
        assert row.born[0].endswith("(derivative)") and row.derivative == np.inf


@pytest.mark.parametrize("function, x, rule, count", [
    (lambda x: fnp.abs(x).sum(), [0.0, 1.0, 0.0], "rule 1", 2),
    (lambda x: fnp.maximum(x, 1.0).sum(), [1.0, 2.0], "rule 1", 1),
    (lambda x: fnp.maximum(x, 2 - x).sum(), [1.0, 1.0, 2.0], "rule 1", 2),
    (lambda x: fnp.max(x), [2.0, 2.0, 1.0], "rule 1", 1),
    (lambda x: fnp.max(x), [2.0, 2.0, 2.0], "rule 1", 1),
    (lambda x: fnp.floor(x).sum(), [1.0, 1.5], "rule 3", 1),
    (lambda x: nn.relu(x).sum(), [0.0, 1.0], "rule", 1),
    (lambda x: fnp.sqrt(x).sum(), [0.0, 1.0], "rule 5", 1),
    (lambda x: fnp.where(x > 0, fnp.log(x), 0.0).sum(), [0.0, 1.0], "rule 4", 1),
], ids=["abs", "maximum", "both", "tie", "three", "floor", "relu", "sqrt", "where"])
def test_choices(function, x, rule, count):
    row = row_of(function, fnp.array(x))
    assert [number for text, number in row.conventions.items() if text.startswith(rule)] == [count]


@pytest.mark.parametrize("function", [
    lambda x: fnp.sin(x * 3).sum(), lambda x: (1 / x).sum(), lambda x: fnp.exp(20 * x).sum(),
    lambda x: fnp.max(x), lambda x: (x ** 7).prod(), lambda x: nn.gelu(x).sum(),
    lambda x: fnp.linalg.norm(x), lambda x: nn.softmax(x)[0], lambda x: fnp.sort(x)[0],
    lambda x: nn.logsumexp(x) if hasattr(nn, "logsumexp") else fnp.logaddexp(x[0], x[1])])
def test_smooth_points_have_no_choices(function):
    for scale in (1e-3, 1.0, 30.0):
        for row in ft.explain_grad(function, fnp.array([0.3, -1.7, 2.2]) * scale):
            assert not row.conventions, (row.text, scale)


def test_arguments_and_auxiliary_data():
    ledger = ft.explain_grad(lambda a, b: ((a * b).sum(), a), fnp.ones(2), fnp.ones(2),
                             argnums=(0, 1), has_aux=True)
    assert len(ledger.gradient) == 2
    with pytest.raises(ft.errors.GradientError):
        ft.explain_grad(fnp.sin, fnp.ones(2))
    assert ft.explain_grad(lambda x: 3.0, 1.0).gradient == 0
