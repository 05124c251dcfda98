"""The pages on rules and on named axes run, and so do the examples of the functions."""
from __future__ import annotations

from pathlib import Path

import pytest
from pages import run_examples, run_page

import functrans as ft
from functrans import lax

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("page", ("control-flow.md", "custom-rules.md", "axis-names.md", "lax.md"))
def test_page(page):
    _, checked = run_page(DOCS / page)
    assert checked >= 4


FUNCTIONS = {name: getattr(ft, name) for name in (
    "checkpoint", "checkpoint_name", "custom_jvp", "custom_vjp", "custom_vmap", "hvp",
    "io_callback", "pure_callback", "saved_residuals", "sequential_vmap")}
FUNCTIONS |= {f"lax.{name}": getattr(lax, name) for name in (
    "all_gather", "all_to_all", "axis_index", "axis_size", "custom_linear_solve", "custom_root",
    "pbroadcast", "pmax", "pmean", "pmin", "ppermute", "pshuffle", "psum", "psum_scatter",
    "pswapaxes")}
FUNCTIONS |= {"debug.print": ft.debug.print, "debug.callback": ft.debug.callback,
              "custom_jvp.defjvps": ft.custom_jvp.defjvps}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_example(name):
    function = FUNCTIONS[name]
    run_examples(name, function)
