"""The plugin for pytest: the fixture, its marker and options, reports; and that it stays light."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import TargetError
from functrans.jit import target_names
from functrans.testing.plugin import comparison, targets_for

ROOT = Path(__file__).parent.parent.parent


def pytest_on(folder: Path, text: str, *options) -> str:
    """What pytest prints for a file of tests, in a process of its own, with the plugin."""
    (folder / "test_it.py").write_text(text)
    path = os.pathsep.join(map(str, (ROOT, ROOT / "functrans" / "testing" / "entry")))
    environment = {**os.environ, "PYTHONPATH": path,
                   "FUNCTRANS_CACHE_DIR": str(ft.config.cache_dir)}
    plugin = () if "functrans_pytest" in installed_plugins() else ("-p", "functrans_pytest")
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *plugin,
                           *options, str(folder)], capture_output=True, text=True, cwd=folder,
                          env=environment)
    return done.stdout + done.stderr


def installed_plugins() -> set:
    from importlib.metadata import entry_points
    return {point.name for point in entry_points(group="pytest11")}


def test_the_fixture_sets_the_target(ft_target):
    assert ft.config.target == ft_target
    assert float(ft.jit(lambda x: x * 2)(3.0)) == 6


@pytest.mark.ft_targets("reference", "interpret")
def test_the_marker_names_targets(ft_target):
    assert ft_target in ("reference", "interpret")


def test_targets_are_chosen():
    every = [name for name in target_names() if name != "interpret"]
    assert targets_for((), ()) == every
    assert targets_for((), ("cpu",)) == ["cpu"]
    assert targets_for((), ("interpret",)) == ["interpret"]
    assert targets_for(("cpu", "reference"), ("cpu",)) == ["cpu"]
    with pytest.raises(TargetError, match="no target 'tpu'"):
        targets_for(("tpu",), ())


TESTS = '''
import functrans as ft, functrans.numpy as fnp

def test_target(ft_target):
    assert ft.config.target == ft_target == "reference"

@ft.custom_jvp
def wrong(x):
    return fnp.sin(x)
wrong.defjvps(lambda dx, out, x: dx * fnp.cos(x) * 1.01)

@ft.testing.gradient_test("f64[n]", order=1)
def test_wrong(x):
    return wrong(x)

def test_report():
    assert fnp.array(1.0) == fnp.array(2.0)
'''


def test_reports_are_short_and_name_what_is_wrong(tmp_path):
    out = pytest_on(tmp_path, TESTS, "--ft-target", "reference")
    assert "2 failed, 1 passed" in out
    assert "GradientError: forward mode (jvp) of test_wrong is wrong" in out
    assert "smallest failing input: x = [1.] (float64[1])" in out
    assert "wrong: the rule of wrong (custom_jvp), at" in out and "test_it.py:14" in out
    assert "1 of 1 entries differ" in out
    assert "judge.py" not in out and "verdict.py" not in out and "checks.py" not in out


ON_EACH_TARGET = '''
import hypothesis, pytest
from hypothesis import strategies as st
import functrans as ft, functrans.numpy as fnp
from functrans.testing import check_grads, check_jit, check_vmap, gradient_test

pytestmark = pytest.mark.usefixtures("ft_target")

@gradient_test("f32[n, 3]", "f32[3]", order=1, examples=3)
@ft.jit
def test_layer(x, w):
    return fnp.tanh(x @ w).sum()

@gradient_test("f64[n] in (0.1, 2)", order=2, examples=2)
@ft.jit
def test_twice(x):
    return fnp.log(x) * fnp.cumsum(x)

@hypothesis.given(st.integers(1, 4))
@hypothesis.settings(max_examples=3, deadline=None, derandomize=True,
                     suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_sizes(ft_target, size):
    x = fnp.arange(1.0, size + 1)
    assert str(ft.jit(lambda x: x * 2)(x).device).startswith(ft_target)
    check_jit(lambda x: fnp.sin(x) ** 2, (x,))
    check_vmap(ft.jit(lambda x: fnp.exp(x)), (x,))
    check_grads(ft.jit(lambda x: ft.lax.fori_loop(0, 3, lambda k, y: fnp.sin(y) * x, x)), (x,),
                order=1)

@ft.custom_jvp
def wrong(x):
    return fnp.sin(x)
wrong.defjvps(lambda dx, out, x: dx * fnp.cos(x) * 1.01)

@gradient_test("f32[n]", order=1, examples=2)
@ft.jit
def test_wrong(x):
    return wrong(x)
'''


def test_gradients_on_the_simulated_gpu(tmp_path, monkeypatch):
    """The target `cuda` is there with numba's simulator, and what is wrong on it is named."""
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    out = pytest_on(tmp_path, ON_EACH_TARGET, "--ft-target", "cuda")
    assert "1 failed, 3 passed" in out, out
    assert "test_wrong[cuda]" in out and "wrong: the rule of wrong (custom_jvp), at" in out
    assert "smallest failing input: x = [1.] (float32[1])" in out


def test_without_a_gpu_the_target_is_skipped(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    out = pytest_on(tmp_path, "def test(ft_target):\n    pass\n", "--ft-target", "cuda", "-rs")
    if "1 skipped" not in out and ft.devices("cuda"):
        pytest.skip("there is a GPU")
    assert "1 skipped" in out and "the target cuda is not there" in out


def test_thorough_runs_try_more(tmp_path):
    text = '''
import functrans as ft
seen = []
@ft.testing.gradient_test("f64[n]", order=1, examples=1)
def test_it(x):
    seen.append(1)
    return x
def test_count():
    assert len(seen) > 200
'''
    assert "2 passed" in pytest_on(tmp_path, text, "--ft-thorough")


def test_the_plugin_imports_nothing_of_the_package(tmp_path):
    text = "import sys\n\ndef test():\n    assert not {'functrans', 'numpy'} & set(sys.modules)\n"
    out = pytest_on(tmp_path, text, "-p", "no:hypothesispytest")
    assert "1 passed" in out


def test_comparisons():
    a, b = fnp.array([1.0, 2.0, np.nan]), np.array([1.0, 3.0, np.nan], np.float32)
    assert comparison("==", a, b) == ["Array(float32[3]) == ndarray(float32[3])",
                                      "1 of 3 entries differ", "  [1]: 2.0 == 3.0"]
    assert comparison("==", a, b[:2])[1] == "shapes or dtypes differ"
    assert comparison("==", 1, 2) is None and comparison("==", b, b) is None
