"""The switches that help to find faults: debug, check, debug_nans."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
import lowering.pipeline
from functrans.errors import NonFiniteError
from functrans.ir.check import ProgramError


def squares(x):
    return fnp.sum(x * x)


# What each level of `debug` adds to the one below.
PARTS = ("squares: the first call", "# after simplify", "def kernel_0(",
         "squares(f32[3]) ran in ")


@pytest.mark.parametrize("level", range(5))
def test_debug_prints(level, capsys):
    with ft.config.override(debug=level):
        ft.jit(squares)(fnp.ones(3))
    printed = capsys.readouterr().err
    assert [part in printed for part in PARTS] == [number < level for number in range(4)]


def test_debug_tells_of_each_run_with_the_users_line(capsys):
    function = ft.jit(squares)
    function(fnp.ones(3))
    with ft.config.override(debug=4):
        for _ in range(3):
            function(fnp.ones(3))
    runs = [line for line in capsys.readouterr().err.splitlines() if " ran in " in line]
    assert len(runs) == 3
    assert all(f"{Path(__file__).name}:" in run and "function(fnp.ones(3))" in run for run in runs)
    function(fnp.ones(3))
    assert not capsys.readouterr().err


def test_check_finds_a_pass_that_is_wrong(monkeypatch):
    """A pass that forgets an equation leaves a variable that nothing defines."""
    def forgetful(program):
        return program.replace(equations=program.equations[1:])

    monkeypatch.setattr(lowering.pipeline, "passes", lambda *given: (("forgetful", forgetful),))
    with ft.config.override(check=True), pytest.raises(ProgramError, match="sin|defined"):
        ft.jit(lambda x: fnp.sin(x) * 2)(1.0)


def test_check_lets_correct_programs_pass():
    with ft.config.override(check=True):
        np.testing.assert_allclose(ft.jit(ft.grad(squares))(fnp.ones(3)), 2)


# ---- debug_nans ----

def difference(x):
    large = fnp.exp(x)
    return large - large                     # infinity - infinity


def line_of(text: str) -> int:
    return Path(__file__).read_text().split("\n").index(text) + 1


LINE = line_of("    return large - large                     # infinity - infinity")


@pytest.mark.parametrize("transform", [
    lambda f: f, ft.jit, ft.grad, lambda f: ft.jit(ft.value_and_grad(f)),
    lambda f: ft.jit(ft.jit(f)),
    lambda f: lambda x: ft.vmap(f)(fnp.full(2, x)),
    lambda f: ft.jit(lambda x: ft.lax.fori_loop(0, 2, lambda _, y: f(y), x))],
    ids=["eager", "jit", "grad", "jit of value_and_grad", "jit of jit", "vmap", "loop"])
def test_debug_nans_names_the_line_that_makes_the_first_nan(transform):
    with ft.config.override(debug_nans=True):
        with pytest.raises(NonFiniteError, match=r"sub made a NaN from .*inf") as caught:
            transform(difference)(1000.0)
        assert f"test_switches.py:{LINE}" in str(caught.value)


def test_debug_nans_lets_nans_pass_that_were_given():
    with ft.config.override(debug_nans=True):
        for function in (fnp.sin, ft.jit(fnp.sin)):
            assert np.isnan(function(fnp.nan))
            assert function(0.0) == 0


def test_debug_nans_is_a_switch():
    function = ft.jit(difference)
    assert np.isnan(function(1000.0))
    with ft.config.override(debug_nans=True), pytest.raises(FloatingPointError):
        function(1000.0)
    assert np.isnan(function(1000.0)) and np.isnan(difference(1000.0))


def test_debug_nans_with_donated_arguments():
    function = ft.jit(lambda x: fnp.log(x - 1), donate_argnums=0)
    with ft.config.override(debug_nans=True), pytest.raises(NonFiniteError, match="log made a NaN"):
        function(fnp.zeros(4))


def test_debug_nans_from_the_environment():
    environment = {**os.environ, "FUNCTRANS_DEBUG_NANS": "1",
                   "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", "import functrans.numpy as n; n.log(-1.0)"],
                          env=environment, capture_output=True, text=True)
    assert "NonFiniteError: log made a NaN from -1.0" in done.stderr
