"""The examples in the documentation of functrans.numpy run and give what they say."""
from __future__ import annotations

import doctest
import inspect
from pathlib import Path

import pytest
from pages import run_examples

import functrans.numpy as fnp

PAGES = Path(__file__).parent.parent.parent / "docs"
NAMES = sorted(name for name, value in vars(fnp).items()
               if inspect.isfunction(value) and not name.startswith("_")
               and value.__module__.startswith("functrans"))


@pytest.mark.parametrize("name", NAMES)
def test_example(name):
    function = getattr(fnp, name)
    assert function.__doc__, f"{name} has no documentation"
    run_examples(name, function, doctest.ELLIPSIS)


@pytest.mark.parametrize("page", ["array-api.md", "dtypes.md"])
def test_page(page):
    text = (PAGES / page).read_text()
    test = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    assert test.examples and not doctest.DocTestRunner().run(test).failed
