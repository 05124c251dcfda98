"""The switches: by name, for a block, from the environment."""
from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp


def test_override_is_for_a_block():
    before = ft.config.default_float
    with ft.config.override(default_float="float64"):
        assert fnp.array(0.1).dtype == np.float64 and fnp.zeros(2).dtype == np.float64
        with ft.config.override(default_float="float32", default_int="int32"):
            assert fnp.array(0.1).dtype == np.float32 and fnp.array(1).dtype == np.int32
    assert ft.config.default_float == before


def test_override_is_for_a_thread():
    found = []
    with ft.config.override(default_float="float64"):
        thread = threading.Thread(target=lambda: found.append(ft.config.default_float))
        thread.start()
        thread.join()
    assert found == ["float32"]


def test_update_and_attributes():
    with ft.config.override():
        ft.config.update("default_float", "float64")
        assert ft.config.default_float == "float64"
        ft.config.default_float = np.float32
        assert ft.config.default_float == "float32"
    assert "default_float = " in repr(ft.config)


@pytest.mark.parametrize("use, kind, text", (
    (lambda: ft.config.update("foo", 1), AttributeError, "no switch named 'foo'"),
    (lambda: ft.config.foo, AttributeError, "no switch named 'foo'"),
    (lambda: ft.config.update("default_float", "float16"), ValueError, "one of float32, float64"),
    (lambda: ft.config.update("debug", "many"), ValueError, "debug = 'many'"),
    (lambda: ft.config.override(target="tpu").__enter__(), ValueError, "target = 'tpu'"),
))
def test_unknown_names_and_values(use, kind, text):
    with pytest.raises(kind, match=text):
        use()


@pytest.mark.parametrize("variable, value, expected", (
    ("FUNCTRANS_DEFAULT_FLOAT", "float64", "float64"),
    ("FUNCTRANS_TARGET", "reference", "reference"),
    ("FUNCTRANS_TRACEBACKS", "full", "full"), ("FUNCTRANS_DEFAULT_INT", "int32", "int32")))
def test_the_environment(variable, value, expected):
    name = variable.removeprefix("FUNCTRANS_").lower()
    code = f"import functrans as ft; print(ft.config.{name})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PATH": "", "PYTHONPATH": ":".join(sys.path), variable: value})
    assert done.stdout.strip() == expected
