"""The compiler fails: NumPy evaluates, one warning names a file that shows the failure again."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
import lowering.pipeline
from functrans.errors import CompilerWarning
from functrans.ir.primitive import Elementwise, Primitive
from functrans.ir.script import NotWritable, script
from functrans.primitives.define import elementwise
from functrans.trace import bind

ROOT = Path(__file__).parent.parent

# A primitive whose kernel numba cannot compile: a text in the place of a number.
broken_p = elementwise("broken", evaluate=lambda x: x + x, expr="({0} + 'text')",
                       jvp=lambda out, x, dx: dx + dx)


def broken(x):
    return bind(broken_p, fnp.asarray(x))


@pytest.fixture
def folder(tmp_path):
    with ft.config.override(cache_dir=tmp_path, check=False):
        yield tmp_path / "functrans_failures"


def told(call) -> tuple:
    with pytest.warns(CompilerWarning) as caught:
        result = call()
    message, = [str(one.message) for one in caught]
    return result, message


def named(message: str) -> Path:
    return Path(re.search(r"(\S+\.py) shows it", message)[1])


def run(path: Path):
    return subprocess.run([sys.executable, path], capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT)})


def test_a_kernel_that_does_not_compile_is_evaluated(folder):
    def twice(x):
        return fnp.sin(broken(x))

    jitted = ft.jit(twice)
    result, message = told(lambda: jitted(fnp.ones(3)))
    np.testing.assert_allclose(result, np.sin(2 * np.ones(3)), rtol=1e-6)
    assert len(message.splitlines()) <= 12 and f"{Path(__file__).name}:" in message
    assert "TypingError" in message
    np.testing.assert_allclose(jitted(fnp.zeros(3)), 0)          # no second warning
    np.testing.assert_allclose(jitted(fnp.zeros(4)), 0)          # nor for another shape
    path = named(message)
    assert path.parent == folder and "'text'" in path.read_text()
    assert "broken" in path.read_text() and "test_fallback.py" in path.read_text()
    failed = run(path)
    assert failed.returncode and "TypingError" in failed.stderr


def test_derivatives_of_it_go_on(folder):
    slope, _ = told(lambda: ft.jit(ft.grad(lambda x: broken(x) ** 2))(3.0))
    assert slope == 24


def test_a_pass_that_fails_is_shown_with_one_equation(folder, monkeypatch):
    def failing(program):
        if any(equation.primitive.name == "exp" for equation in program.equations):
            raise KeyError("a pass that stumbles over exp")
        return program

    passes = lowering.pipeline.passes
    monkeypatch.setattr(lowering.pipeline, "passes",
                        lambda *given: (("failing", failing), *passes(*given)))
    result, message = told(lambda: ft.jit(lambda x: fnp.sin(fnp.exp(x)) * 2)(fnp.zeros(2)))
    np.testing.assert_allclose(result, 2 * np.sin(1), rtol=1e-6)
    text = named(message).read_text()
    assert "bind(exp_p, a)" in text or "bind(exp_p, x)" in text or "exp_p" in text
    assert "sin_p" not in text and "stumbles over exp" in text
    assert run(named(message)).returncode == 0          # without the planted pass it works


def test_under_check_failures_are_raised(folder):
    with ft.config.override(check=True), pytest.raises(Exception, match="could not be compiled"):
        ft.jit(broken)(fnp.ones(5))


def test_errors_of_users_are_no_failures(folder):
    with pytest.raises(ft.errors.TargetError):
        ft.jit(fnp.sin, device="tpu")(1.0)
    assert not folder.exists()


# ---- Programs as scripts ----

def everything(x):
    def turn(carry, row):
        return fnp.tanh(carry + row), carry.sum()

    carry, sums = ft.lax.scan(turn, x[0], x)
    chosen = ft.lax.cond(sums[0] > fnp.inf, lambda c: c, lambda c: c[::-1] * 2, carry)
    return ft.lax.while_loop(lambda c: c.sum() < 10, lambda c: 1.5 * c + 1, chosen)


def test_a_program_is_written_as_a_script(capsys):
    x = fnp.ones((3, 4))
    exec(script(ft.make_ir(everything)(x)), {})
    np.testing.assert_allclose(
        np.array(re.findall(r"[\d.]+(?=[,\]])", capsys.readouterr().out), "float32"),
        everything(x), rtol=1e-6)


def test_functions_of_users_have_no_text():
    nameless = Primitive(name="nameless", infer=lambda kind: kind, evaluate=np.copy,
                         kernel=lambda types, params: Elementwise("{0}"))
    for function in (lambda x: bind(nameless, x),
                     lambda x: ft.debug.callback(print, x) or x):
        with pytest.raises(NotWritable):
            script(ft.make_ir(function)(fnp.ones(3)))
