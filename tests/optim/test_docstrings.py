"""The examples in the docstrings of `optim` and `zoo`."""
from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

from functrans import optim, zoo

MODULES = [f"{package.__name__}.{module.name}" for package in (optim, zoo)
           for module in pkgutil.iter_modules(package.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(import_module(name))
    assert not result.failed


def test_all_public_functions_have_an_example():
    functions = [getattr(optim, name) for name in optim.__all__ if name.islower()]
    assert not [function.__name__ for function in functions if ">>>" not in function.__doc__]
