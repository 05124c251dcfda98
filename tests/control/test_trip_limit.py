"""While loops that never come to their end, with a limit: an error with the user's line."""
from __future__ import annotations

from pathlib import Path

import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.errors import TripLimitError

HERE = Path(__file__).name


@pytest.fixture(autouse=True)
def limit():
    with ft.config.override(while_trip_limit=100):
        yield


def halve(x):
    return lax.while_loop(lambda s: s["x"] > 1, lambda s: {"x": s["x"] / 2, "n": s["n"] + 1},
                          {"x": x, "n": 0})


def stuck(x):
    return lax.while_loop(lambda c: c != 0, lambda c: c / 2 + 1, x)


LINE = next(k for k, text in enumerate(Path(__file__).read_text().splitlines(), 1)
            if "lambda c: c != 0" in text)

WAYS = {
    "eager": lambda f: f, "jit": ft.jit, "grad": ft.grad,
    "jit of grad": lambda f: ft.jit(ft.grad(f)),
    "vmap": lambda f: lambda x: ft.vmap(f)(fnp.full(2, x)),
    "jit of vmap": lambda f: lambda x: ft.jit(ft.vmap(f))(fnp.full(2, x)),
    "scan": lambda f: lambda x: lax.scan(lambda c, _: (f(c), None), x, None, length=2),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", ["cpu", "reference", "interpret"])
def test_a_loop_without_end_names_the_users_line(way, target):
    with ft.config.override(target=target), pytest.raises(TripLimitError) as caught:
        WAYS[way](stuck)(3.0)
    text = str(caught.value)
    assert f"{HERE}:{LINE}, in stuck" in text and "after 100 steps" in text and "carry = 2" in text
    assert len(text.splitlines()) <= 12


@pytest.mark.parametrize("way", ["eager", "jit"])
def test_loops_that_end_are_as_they_were(way):
    x = 2.0 ** 90
    found = WAYS[way](halve)(x)
    with ft.config.override(while_trip_limit=0):
        wanted = halve(x)
    assert ft.tree.map(float, found) == ft.tree.map(float, wanted) == {"x": 1.0, "n": 90}
    assert found["x"].type == wanted["x"].type
    assert WAYS[way](lambda x: halve(x)["n"])(2.0 ** 100) == 100       # just as many as allowed
    slope = ft.grad(lambda x: halve(x)["x"])
    assert slope(1024.0) == 2.0 ** -10


def test_without_jit_too():
    with ft.disable_jit(), pytest.raises(TripLimitError, match="stuck"):
        stuck(3.0)


def test_a_carry_that_does_not_change():
    with pytest.raises(TripLimitError, match="test_trip_limit.py"):
        ft.jit(lambda x: lax.while_loop(lambda c: c > 0, lambda c: c, x))(1.0)


def test_loops_with_a_count_end_by_themselves():
    assert ft.jit(lambda n: lax.fori_loop(0, n, lambda i, c: c + 1, 0))(1000) == 1000


def test_other_mistakes_are_told_as_before():
    with pytest.raises(TypeError, match="must return one boolean"):
        lax.while_loop(lambda c: c, lambda c: c, fnp.ones(3))
    with pytest.raises(TypeError, match="carry|init_val"):
        lax.while_loop(lambda c: c["n"] > 0, lambda c: {"n": fnp.ones(3)}, {"n": 1.0})
