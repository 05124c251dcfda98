"""The guide runs, and so do the examples of the functions; the figures in it, on a sample."""
from __future__ import annotations

from pathlib import Path

import pytest
from pages import run_examples, run_page

import functrans as ft
from functrans.testing import trials

PAGE = Path(__file__).parent.parent.parent / "docs" / "gradient-testing.md"


def test_page():
    scope, checked = run_page(PAGE)
    assert checked >= 3
    report = str(scope["error"]).splitlines()
    assert all(line in PAGE.read_text() for line in report[:2] + report[-2:-1])


@pytest.mark.parametrize("name", ["check_grads", "check_jit", "check_jvp", "check_linearize",
                                  "check_vjp", "check_vmap", "gradient_test",
                                  "adapters.adapter", "differences.derivative_along"])
def test_examples_in_docstrings(name):
    function = ft.testing
    for part in name.split("."):
        function = getattr(function, part)
    run_examples(name, function)


# ---- how often the oracle errs ----

def test_right_derivatives_are_not_called_wrong():
    assert trials.false_alarms(seed=1, count=90) == []


def test_planted_errors_of_one_percent_are_found():
    assert trials.missed(seed=1, count=40) == []


def test_trials_can_fail():
    """An error that is too small to be seen is missed, so a planted one is not found by chance."""
    assert len(trials.missed(seed=1, count=3, rate=0.0)) == 3
    wrong, args = next(trials.planted(seed=1, count=1))
    assert trials.checked(wrong, args, 1, explain=False) is not None


def test_the_command(capsys):
    with pytest.raises(SystemExit) as caught:
        trials.main(["faults", "--cases", "3"])
    assert caught.value.code == 0
    assert "3 of 3 planted errors found" in capsys.readouterr().out
