"""Hand-derived gradients of an LSTM: examples/manual_lstm_gradient.py and its page."""
from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import functrans as ft

PATH = Path(__file__).parents[2] / "examples" / "manual_lstm_gradient.py"


def _load(replacements=()):
    """The example as a module, with parts of its text replaced."""
    text = PATH.read_text()
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    module = ModuleType("manual_lstm_gradient_in_parts")
    with pytest.MonkeyPatch.context() as patch:              # dataclasses look for their module
        patch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, str(PATH), "exec"), module.__dict__)
    return module


@pytest.fixture(scope="module")
def manual():
    return _load()


@pytest.mark.parametrize("name", ["sum over k", "recursion", "full, backwards"])
def test_formulas_equal_grad_for_1_to_50_steps(manual, name):
    for steps in range(1, 51):
        error, _ = manual.compare(name, *manual.problem(steps))
        assert error <= 1e-12


def test_each_output_by_itself(manual):
    """Not of a weighted sum alone: of each y_j(t) at each t."""
    params, x, _ = manual.problem(7)
    values = manual.forward(params, x)
    jacobian = ft.jacrev(lambda w: manual.outputs({**params, "R_i": w}, x, stopped=True))(
        params["R_i"])                                        # (T, H, H, H)
    for slopes in (manual.by_sum(values, manual.Count()),
                   manual.by_recursion(values, manual.Count())):
        expected = np.zeros(jacobian.shape)
        for unit in range(5):
            expected[:, unit, unit] = slopes[:, unit]
        np.testing.assert_allclose(jacobian, expected, atol=1e-13)


def test_grad_equals_finite_differences(manual):
    params, x, v = manual.problem(9)
    expected = np.zeros((5, 5))
    for place in np.ndindex(5, 5):
        sides = []
        for step in (1e-6, -1e-6):
            moved = params["R_i"].copy()
            moved[place] += step
            sides.append((v * manual.forward({**params, "R_i": moved}, x).y).sum())
        expected[place] = (sides[0] - sides[1]) / 2e-6
    np.testing.assert_allclose(manual.gradient(params, x, v, stopped=False), expected, atol=1e-8)


def test_operations_grow_as_they_should(manual):
    counts = {name: [manual.compare(name, *manual.problem(steps))[1] for steps in range(1, 21)]
              for name in manual.FORMULAS}
    squares = 5 * 5
    for steps in range(1, 21):
        assert counts["sum over k"][steps - 1] == steps * (steps + 1) // 2 * (squares + 5)
        assert counts["recursion"][steps - 1] == steps * 2 * squares
        assert counts["full, backwards"][steps - 1] == steps * (4 * squares + 4 * 5)


WRONG = [
    ("self.o * (1 - np.tanh(self.c) ** 2)", "self.o * (1 + np.tanh(self.c) ** 2)"),
    ("self.g * self.i * (1 - self.i)", "self.g * self.i * (1 + self.i)"),
    ("terms = [count.outer(", "terms = [-count.outer("),
    ("slope_c = slope_c + count.outer", "slope_c = -slope_c + count.outer"),
    ("slopes.append(count.times(values.a[t][:, None], slope_c))\n    return np.array(slopes)\n\n\n"
     "def in_full",
     "slopes.append(-count.times(values.a[t][:, None], slope_c))\n    return np.array(slopes)\n\n\n"
     "def in_full"),
    ("ct_y = v[t] + ct_r", "ct_y = v[t] - ct_r"),
    ("ct_c = ct_c + count.times", "ct_c = ct_c - count.times"),
    ("ct_i = count", "ct_i = -count"),
    ("i * (1 - g * g)", "i * (1 + g * g)"),
    ("tanh_c * o * (1 - o)", "-tanh_c * o * (1 - o)"),
    ('+ count.matvec(params["R_g"].T, ct_g)', '- count.matvec(params["R_g"].T, ct_g)'),
    ('+ count.matvec(params["R_o"].T, ct_o)', '- count.matvec(params["R_o"].T, ct_o)'),
    ("slope = slope + count", "slope = slope - count"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda pair: pair[1].partition("\n")[0])
def test_a_wrong_sign_is_caught(manual, wrong):
    broken = _load([wrong])
    broken.gradient = manual.gradient                       # compiled already
    with pytest.raises(AssertionError, match="off by .* from grad"):
        for name in broken.FORMULAS:
            broken.compare(name, *broken.problem(5))
