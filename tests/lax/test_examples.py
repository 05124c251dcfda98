"""Every name of `lax` has documentation, and its examples run."""
from __future__ import annotations

import inspect

import pytest
from pages import run_examples

from functrans import lax

LINALG = {f"linalg.{name}": getattr(lax.linalg, name) for name in lax.linalg.__all__}
NAMES = {name: getattr(lax, name) for name in lax.__all__} | LINALG
FUNCTIONS = {name: value for name, value in NAMES.items() if inspect.isfunction(value)}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_example(name):
    function = FUNCTIONS[name]
    run_examples(f"lax.{name}", function)


def test_names_are_listed_once_and_are_there():
    assert len(set(lax.__all__)) == len(lax.__all__)
    assert set(lax.__all__) <= set(dir(lax))
    with pytest.raises(AttributeError, match="module 'functrans.lax' has no attribute 'nope'"):
        lax.nope  # noqa: B018
