"""docs/coverage.md says of each of NumPy's names what is true."""
from __future__ import annotations

import re

import numpy as np
import pytest
from numpy_rows import ROWS, coverage

import functrans as ft
import functrans.numpy as fnp

TEXT = coverage.PAGE.read_text()
LINES = dict(re.findall(r"^\| `([\w.]+)` (\|.*)$", TEXT, re.MULTILINE))
SAMPLE = ["add", "argsort", "bincount", "clip", "cumsum", "einsum", "histogram", "linalg.solve",
          "nonzero", "quantile", "reshape", "roots", "take", "unique", "where"]


def test_every_name_of_numpys_is_listed_run_or_absent_with_a_reason():
    rows = {row.name for row in ROWS}
    values = set(coverage.values())
    for name in coverage.numpy_names():
        assert (name in rows) + (name in values) + (name in coverage.absent()) == 1, name
    assert set(LINES) == rows


def test_every_name_of_ours_has_a_row():
    rows = {row.name for row in ROWS}
    public = {name for name in dir(fnp) if not name.startswith("_")} - {"linalg", "fft"}
    modules = {name for name in public if type(getattr(fnp, name)).__name__ == "module"}
    assert public - modules - rows - set(coverage.values()) == set()


def test_there_are_as_many_names_as_promised():
    assert len([name for name in LINES if "." not in name]) >= 350


@pytest.mark.parametrize("name", coverage.values())
def test_constants_and_types_are_numpys(name):
    ours, theirs = coverage._attribute(fnp, name), coverage._attribute(np, name)
    assert ours is theirs or ours == theirs or (ours != ours and theirs != theirs) \
        or name == "ndarray"


def test_sections_are_current():
    for name in (*coverage.values(), *coverage.absent()):
        assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", SAMPLE)
def test_flags(name):
    with ft.config.override(default_float="float64"):
        assert coverage.line(name) == f"| `{name}` {LINES[name]}"
