"""The README: its Python blocks run in order, and what stands behind an expression is its value."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pages import assert_same, blocks_of, promises, run_block

import functrans as ft
from functrans.config import _SWITCHES

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()


BLOCKS = blocks_of(TEXT)


@pytest.fixture(scope="module")
def run():
    """Runs blocks up to a number, each once; gives the results of the promised expressions."""
    scope, done = {"__name__": "readme"}, {}

    def up_to(number: int) -> dict:
        for index in range(len(done), number + 1):
            done[index] = run_block(BLOCKS[index], f"README.md block {index}", scope)
        return done[number]
    return up_to


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_blocks(number, run, capsys):
    wanted, found = promises(BLOCKS[number]), run(number)
    assert found.keys() == wanted.keys()
    for line, value in found.items():
        assert_same(repr(value), wanted[line])


def test_blocks_are_found():
    assert len(BLOCKS) == TEXT.count("```python")
    assert sum(len(promises(block)) for block in BLOCKS) > 15


def test_the_kernel_that_is_shown_runs_under_cpython():
    scope: dict = {}
    exec(re.search(r"```text\n(.*?def kernel_0.*?)```", TEXT, re.DOTALL)[1], scope)
    x, y = np.linspace(-2, 2, 5, dtype="float32"), np.empty(5, "float32")
    scope["kernel_0"](x, y, len(x))
    np.testing.assert_allclose(y, ft.nn.silu(x), rtol=1e-6)


def test_the_table_of_switches_is_true():
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `?(.+?)`? \|", TEXT, re.MULTILINE)
    assert {name for name, *_ in rows} == set(_SWITCHES)
    for name, variable, default in rows:
        known_variable, parse, known_default = _SWITCHES[name]
        assert variable == known_variable
        assert name == "cache_dir" or parse(default) == known_default


def test_links_and_commands_lead_somewhere():
    for path in re.findall(r"\]\(([\w/.-]+)\)", TEXT) + re.findall(r"python (\S+\.py)", TEXT):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"python3 (\S+)", TEXT):
        assert (ROOT / path).exists(), path
