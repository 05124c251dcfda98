"""The pages about models: their Python blocks run, and what stands behind an expression is so."""
from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["manual-lstm-gradient.md", "zoo.md"]


def _blocks(page: str) -> str:
    text = (ROOT / "docs" / page).read_text()
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("page", PAGES)
def test_snippets(page, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT)
    code, names, checked = _blocks(page), {"folder": tmp_path}, 0
    lines = code.split("\n")
    for node in ast.parse(code).body:
        text = ast.unparse(node)
        if not isinstance(node, ast.Expr):
            exec(text, names)
            continue
        value, promise = eval(text, names), lines[node.end_lineno - 1].partition("  # ")[2].strip()
        if promise:
            assert repr(value if not isinstance(value, np.bool_) else bool(value)) == promise, text
            checked += 1
    assert checked


def test_a_classifier_on_real_data_is_12_lines():
    text = (ROOT / "docs" / "zoo.md").read_text()
    block, = (block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
              if "load_digits" in block)
    lines = [line for line in block.splitlines() if line.strip()]
    assert lines[-1].startswith("run.history")              # what it reaches, checked above
    assert len(lines) - 1 <= 12 and max(map(len, lines)) <= 100
