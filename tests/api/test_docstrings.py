"""The examples in the docstrings of the core: transformations, arrays, trees, random, nn."""
from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import functrans as ft
from functrans import api, nn, random, tree

MODULES = ["functrans", "functrans.array", "functrans.config", "functrans.trace"] + [
    f"{package.__name__}.{module.name}" for package in (api, nn, random, tree)
    for module in pkgutil.iter_modules(package.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert not doctest.testmod(import_module(name)).failed


@pytest.mark.parametrize("package", (random, nn, nn.initializers), ids=lambda p: p.__name__)
def test_all_public_functions_have_an_example(package):
    names = getattr(package, "__all__", None) or [
        name for name, value in vars(package).items()
        if callable(value) and getattr(value, "__module__", "") == package.__name__
        and not name.startswith("_") and name.islower()]
    functions = [getattr(package, name) for name in names if callable(getattr(package, name))]
    assert functions and not [f.__name__ for f in functions if ">>>" not in (f.__doc__ or "")]


@pytest.mark.parametrize("name", (
    "grad", "value_and_grad", "jvp", "vjp", "linearize", "linear_transpose", "jacfwd", "jacrev",
    "hessian", "vmap", "jit", "make_ir", "eval_shape", "interpret", "stop_gradient"))
def test_transformations_have_an_example(name):
    assert ">>>" in getattr(ft, name).__doc__
