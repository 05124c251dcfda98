"""`import functrans` stays light: NumPy and the standard library, and no room that is not needed.

What is counted are modules and not seconds, which depend on the machine.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import functrans as ft


def modules_after(code: str, **environment) -> set:
    """The modules of a new process that has run `code`."""
    text = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment})
    return set(json.loads(done.stdout.splitlines()[-1]))


def packages(modules: set) -> set:
    """Those that come neither with Python nor, as machinery of an installation, by themselves."""
    top = {name.partition(".")[0] for name in modules}
    return {name for name in top - modules_after("").union(sys.stdlib_module_names)
            if not name.startswith("_")}


def test_functrans_imports_numpy_only():
    modules = modules_after("import functrans")
    assert packages(modules) == {"functrans", "numpy"}
    assert len([name for name in modules if name.startswith("functrans")]) < 166


def test_rooms_are_imported_at_first_use():
    rooms = {"functrans.nn", "functrans.optim", "functrans.random", "functrans.zoo"}
    assert not rooms & modules_after("import functrans")
    assert rooms <= modules_after("import functrans as ft; ft.zoo.mlp, ft.optim.adam")


def test_nothing_is_compiled_by_import_tracing_or_evaluation():
    code = ("import functrans as ft; x = ft.random.normal(ft.random.key(0), (3,))\n"
            "ft.grad(lambda x: (ft.nn.tanh(x) ** 2).sum())(x); ft.make_ir(ft.vmap(ft.nn.relu))(x)")
    assert packages(modules_after(code)) == {"functrans", "numpy"}


def test_kernels_are_compiled_and_read_with_llvmlite_alone(tmp_path):
    code = "import functrans as ft; ft.jit(lambda x: x + 1)(1.0)"
    cold, warm = (packages(modules_after(code, FUNCTRANS_CACHE_DIR=str(tmp_path)))
                  for _ in range(2))
    assert {"functrans", "lowering", "llvmlite", "numpy"} <= cold
    if sys.platform == "linux":
        assert cold == warm == {"functrans", "lowering", "llvmlite", "numpy"}


@pytest.mark.parametrize("name", ["nn", "optim", "random", "testing", "zoo"])
def test_rooms_are_attributes(name):
    assert getattr(ft, name).__name__ == f"functrans.{name}"
    assert name in dir(ft)


def test_unknown_attributes():
    with pytest.raises(AttributeError, match="module 'functrans' has no attribute 'nope'"):
        ft.nope  # noqa: B018
