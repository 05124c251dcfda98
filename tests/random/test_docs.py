"""The page on random numbers runs, and names every function."""
from __future__ import annotations

import re
from pathlib import Path

from pages import run_page

from functrans import random

PAGE = Path(__file__).parent.parent.parent / "docs" / "random.md"


def test_page():
    _, checked = run_page(PAGE)
    assert checked >= 3


def test_the_page_names_every_function():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    named = re.findall(r"`(\w+)`", "".join(rows[:9]))
    assert sorted(named) == sorted(random.__all__)
