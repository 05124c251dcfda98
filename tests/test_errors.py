"""What users are told of their mistakes, as golden texts; and tracebacks that show their frames.

A text is made again by `FUNCTRANS_GOLDEN=write pytest tests/test_errors.py`, to be read before it
is kept.
"""
from __future__ import annotations

import inspect
import os
import pickle
import re
import subprocess
import sys
import traceback
from pathlib import Path

import mistakes
import numpy as np
import pytest
from golden_texts import only_when_writing, read_texts, write_texts

import functrans as ft
import functrans.numpy as fnp
from functrans import errors

GOLDEN = Path(__file__).parent / "golden" / "errors.txt"
NAMES = [name for name, value in vars(mistakes).items()
         if inspect.isfunction(value) and value.__module__ == mistakes.__name__]


def told(name: str) -> str:
    """The class and the message of what a mistake raises, without folders and line numbers."""
    function = getattr(mistakes, name)
    with pytest.raises(Exception) as caught:
        function()
    text = f"{type(caught.value).__name__}: {caught.value}"
    lines, first = inspect.getsourcelines(function)
    for number in re.findall(r"mistakes\.py:(\d+)", text):
        assert first <= int(number) < first + len(lines), f"{text}\nnames another line"
    text = re.sub(r"[^\s(]*mistakes\.py:\d+", "mistakes.py", text)
    return re.sub(r"0x[0-9a-f]+", "0x...", text)


@only_when_writing
def test_write_the_golden_texts():
    write_texts(GOLDEN, NAMES, told)


def test_every_mistake_has_a_text():
    assert list(read_texts(GOLDEN)) == NAMES and len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_users_are_told_what_is_wrong(name):
    text = told(name)
    assert text == read_texts(GOLDEN)[name]
    assert len(text.splitlines()) <= 12
    assert "mistakes.py, in " in text or name == "switch_that_is_not_there"


# ---- classes ----

def test_errors_are_what_people_catch():
    for kind, bases in (("ConcretizationError", TypeError), ("TracerLeakError", RuntimeError),
                        ("ShapeError", (TypeError, ValueError)), ("DtypeError", TypeError),
                        ("StructureError", (TypeError, ValueError)),
                        ("OutOfBoundsError", IndexError), ("GradientError", TypeError),
                        ("ArgumentError", (TypeError, ValueError)),
                        ("AxisError", (IndexError, ValueError, np.exceptions.AxisError)),
                        ("DonatedError", RuntimeError), ("MissingExtraError", ImportError),
                        ("NotDifferentiableError", NotImplementedError)):
        for base in bases if isinstance(bases, tuple) else (bases,):
            assert issubclass(getattr(errors, kind), base)
        assert issubclass(getattr(errors, kind), errors.FunctransError)


def test_errors_can_be_pickled():
    """They cross from worker processes."""
    for make in (mistakes.added_shapes, mistakes.axis_that_is_not_there):
        with pytest.raises(errors.FunctransError) as caught:
            make()
        again = pickle.loads(pickle.dumps(caught.value))
        assert type(again) is type(caught.value)
        assert str(again).splitlines()[0] == str(caught.value).splitlines()[0]


def test_an_axis_error_knows_the_axis():
    with pytest.raises(errors.AxisError) as caught:
        fnp.ones((2, 3)).sum(axis=-4)
    assert (caught.value.axis, caught.value.ndim) == (-4, 2)


# ---- tracebacks ----

def frames_of(call, mode: str) -> list[str]:
    """The files of the frames of what `call` raises, below this test."""
    with ft.config.override(tracebacks=mode):
        try:
            call()
        except Exception as error:
            return [Path(frame.filename).name for frame in traceback.extract_tb(error.__traceback__)
                    ][1:]
    raise AssertionError("nothing was raised")


def test_tracebacks_show_the_frames_of_users():
    here = Path(mistakes.__file__).name
    assert frames_of(mistakes.added_shapes_in_a_gradient, "folded") == [here, here]
    full = frames_of(mistakes.added_shapes_in_a_gradient, "full")
    assert "jit.py" in full and "grad.py" in full and full.count(here) == 2


def test_errors_of_users_keep_their_frames():
    def loss(x):
        return {}["missing"]

    for transformed in (ft.grad(loss), ft.jit(loss), ft.vmap(ft.jit(loss)), ft.jacfwd(loss)):
        with pytest.raises(KeyError):
            transformed(fnp.ones(2))
        names = frames_of(lambda f=transformed: f(fnp.ones(2)), "folded")
        assert names == [Path(__file__).name] * 2


def test_errors_that_the_library_did_not_mean_show_its_frames(monkeypatch):
    def broken(*args, **params):
        return [][0]

    from functrans.transforms import jvp
    monkeypatch.setattr(jvp, "_apply", broken)
    assert frames_of(lambda: ft.jvp(fnp.sin, (1.0,), (1.0,)), "folded")[-1] == Path(__file__).name
    assert "jvp.py" in frames_of(lambda: ft.jvp(fnp.sin, (1.0,), (1.0,)), "full")


def shown(code: str, tmp_path, mode: str = "folded") -> str:
    """What Python prints for a program that raises."""
    program = tmp_path / "program.py"
    program.write_text(f"import functrans as ft, functrans.numpy as fnp\n{code}\n")
    environment = {**os.environ, "FUNCTRANS_TRACEBACKS": mode,
                   "PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.run([sys.executable, program], capture_output=True, text=True,
                          env=environment).stderr


def test_errors_that_nobody_catches_show_the_users_frames(tmp_path):
    code = "def f(x):\n    return x[5]\nf(fnp.ones(3))"
    folded, full = shown(code, tmp_path), shown(code, tmp_path, "full")
    assert folded.count("File ") == 2 and "program.py" in folded and "OutOfBoundsError" in folded
    assert "index_parsing.py" not in folded and "index_parsing.py" in full


def test_what_the_library_caught_itself_is_not_shown(tmp_path):
    code = "ft.jit(lambda v: {'name': 'x'})(1.0)"
    folded = shown(code, tmp_path)
    assert folded.count("Traceback") == 1 and "direct cause" not in folded
    assert "direct cause" in shown(code, tmp_path, "full")


def test_errors_of_others_are_shown_as_they_are(tmp_path):
    text = shown("import sys\nhook = sys.excepthook\n{}['key']", tmp_path)
    assert "KeyError: 'key'" in text and text.count("File ") == 1
