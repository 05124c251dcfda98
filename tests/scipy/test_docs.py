"""The page of SciPy's rooms: its blocks run, and its table has each name that there is."""
from __future__ import annotations

import re
from operator import attrgetter
from pathlib import Path

from pages import run_page

import functrans as ft

PAGE = Path(__file__).parents[2] / "docs" / "scipy.md"


def test_what_the_page_says_is_so():
    _, checked = run_page(PAGE)
    assert checked == 2


def test_the_table_has_every_name():
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGE.read_text(), re.M))
    rooms = {name.removeprefix("scipy.").partition(".")[0] for name in rows}
    assert rooms == {*ft.scipy.__all__, "image"}
    for name, text in rows.items():
        room = attrgetter(name)(ft)
        assert sorted(re.findall(r"`(\w+)`", text)) == sorted(room.__all__), name
