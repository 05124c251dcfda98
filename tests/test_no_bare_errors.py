"""What the library raises by intention is of `functrans.errors`: then it names the user's line."""
from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, optim

ROOT = Path(__file__).parent.parent / "functrans"

# Below `errors` are config and the Programs; a missing attribute is asked for by `hasattr` too.
BELOW = ("config.py", "errors.py", "ir")
BARE = {name for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, Exception)} - {
            "AttributeError", "AssertionError", "StopIteration"}
ROOMS = sorted(path.name for path in ROOT.iterdir()
               if path.name not in (*BELOW, "testing") and not path.name.startswith("_"))


def bare_errors(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) \
                and ast.unparse(node.exc.func) in BARE:
            yield f"{path.relative_to(ROOT)}:{node.lineno} raises {ast.unparse(node.exc.func)}"


@pytest.mark.parametrize("room", ROOMS)
def test_errors_are_those_that_name_the_users_line(room):
    files = sorted((ROOT / room).rglob("*.py")) if (ROOT / room).is_dir() else [ROOT / room]
    assert not [found for path in files for found in bare_errors(path)]


def test_a_bare_error_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "new.py").write_text("def f():\n    raise ValueError('no line')\n")
    assert list(bare_errors(tmp_path / "new.py")) == ["new.py:2 raises ValueError"]


@pytest.mark.parametrize("mistake, kind", [
    (lambda: fnp.linspace(0, 1, -3), ValueError),
    (lambda: fnp.moveaxis(fnp.ones((2, 3)), (0, 1), (0,)), ValueError),
    (lambda: fnp.linalg.det(fnp.ones((2, 3))), ValueError),
    (lambda: fnp.polyfit(fnp.ones(3), fnp.ones(3), -1), ValueError),
    (lambda: lax.scan(lambda c, x: (c, x), 0.0), ValueError),
    (lambda: lax.fori_loop(0.5, 2, lambda i, x: x, 0.0), TypeError),
    (lambda: optim.polynomial_schedule(1.0, 0.1, 1, -1), ValueError),
    (lambda: ft.random.key(2 ** 70), OverflowError),
    (lambda: fnp.array(2 ** 70), OverflowError),
    (lambda: bool(fnp.ones(2)), ValueError),
])
def test_many_functions_name_the_line_that_called_them(mistake, kind):
    with pytest.raises(kind) as caught:
        mistake()
    assert isinstance(caught.value, ft.errors.FunctransError)
    assert f"{Path(__file__).name}:{mistake.__code__.co_firstlineno}, in" in str(caught.value)
