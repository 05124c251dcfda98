"""The page on debugging runs, and so do the examples of the tools."""
from __future__ import annotations

import builtins
import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest
from pages import run_page

import functrans as ft
from functrans import debug, errors

PAGE = Path(__file__).parent.parent.parent / "docs" / "debugging.md"


def test_page(capsys):
    _, checked = run_page(PAGE)
    assert checked >= 24
    printed = capsys.readouterr().out
    assert "the gradient of loss" in printed and "64x64 @ 64x64" in printed


def test_the_table_of_classes_is_true():
    rows = re.findall(r"^\| (`\w+Error`[^|]*) \| ([^|]*) \|", PAGE.read_text(), re.M)
    assert len(rows) == 11
    for classes, bases in rows:
        wanted = tuple(getattr(builtins, base) for base in re.findall(r"`(\w+)`", bases))
        for name in re.findall(r"`(\w+)`", classes):
            assert issubclass(getattr(errors, name), errors.FunctransError)
            assert not wanted or issubclass(getattr(errors, name), wanted), name


@pytest.mark.parametrize("name", sorted(set(debug.TOOLS.values()) | {"machine", "table"}))
def test_examples(name):
    assert not doctest.testmod(import_module(f"functrans.debug.{name}")).failed


@pytest.mark.parametrize("name", sorted(debug.TOOLS))
def test_tools_are_public_and_have_an_example(name):
    assert name in ft.__all__ and name in dir(ft) and name in debug.__all__
    assert getattr(ft, name) is getattr(debug, name)
    assert ">>>" in getattr(ft, name).__doc__
