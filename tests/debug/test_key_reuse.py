"""Keys that are used twice: an error that names both lines, under every transformation."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, random
from functrans.errors import KeyReuseError

HERE = Path(__file__)


@pytest.fixture(autouse=True)
def watched():
    with ft.debug_key_reuse():
        yield


def twice(key):
    first = random.normal(key, (2,))
    return first + random.uniform(key, (2,))


def once(key):
    key, other = random.split(key)
    return random.normal(key, (2,)) + random.normal(other, (2,))


def line_of(text: str) -> int:
    return next(k for k, line in enumerate(HERE.read_text().splitlines(), 1) if text in line)


WAYS = {
    "eager": lambda f: f(random.key(0)),
    "jit": lambda f: ft.jit(f)(random.key(0)),
    "jit of jit": lambda f: ft.jit(ft.jit(f))(random.key(0)),
    "vmap": lambda f: ft.vmap(f)(random.split(random.key(0), 3)),
    "grad": lambda f: ft.grad(lambda x, key: (x * f(key)).sum())(1.0, random.key(0)),
    "jit of grad": lambda f: ft.jit(ft.grad(lambda x, key: (x * f(key)).sum()))(
        1.0, random.key(0)),
    "checkpoint": lambda f: ft.jit(ft.grad(ft.checkpoint(
        lambda x, key: fnp.sin(x * f(key)).sum())))(1.0, random.key(0)),
    "scan": lambda f: lax.scan(lambda c, key: (c, f(key)), 0.0, random.split(random.key(0), 3)),
    "cond": lambda f: lax.cond(True, f, f, random.key(0)),
}


@pytest.mark.parametrize("way", WAYS)
def test_both_lines_are_named(way):
    with pytest.raises(KeyReuseError) as caught:
        WAYS[way](twice)
    text = str(caught.value)
    for part in ("first = random.normal(key", "return first + random.uniform"):
        assert f"{HERE.name}:{line_of(part)}, in twice" in text
    assert "random.split(key)" in text and len(text.splitlines()) <= 12


@pytest.mark.parametrize("way", WAYS)
def test_keys_that_are_split_pass(way):
    found = WAYS[way](once)
    with ft.debug_key_reuse(False):
        wanted = WAYS[way](once)
    for a, b in zip(ft.tree.leaves(found), ft.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_python_loops():
    key = random.key(0)
    with pytest.raises(KeyReuseError):
        for _ in range(2):
            random.normal(key)


def test_a_jitted_function_uses_its_key_up():
    sample, key = ft.jit(lambda key: random.normal(key)), random.key(0)
    sample(key)
    for use in (sample, random.split, random.normal):
        with pytest.raises(KeyReuseError, match="first at: .*sample"):
            use(key)
    with pytest.raises(KeyReuseError):
        ft.jit(lambda key: sample(key) + sample(key))(random.key(0))
    with pytest.raises(KeyReuseError):
        ft.grad(lambda x, key: x * sample(key) + sample(key))(1.0, random.key(0))
    sample(random.key(0))                         # another key, though of the same seed


def test_a_key_of_each_step_of_a_loop():
    key = random.key(0)
    for loop in (lambda: lax.scan(lambda c, _: (c + random.normal(key), None), 0.0, None, 3),
                 lambda: lax.fori_loop(0, 3, lambda i, c: c + random.normal(key), 0.0),
                 lambda: lax.while_loop(lambda c: c[0] < 3,
                                        lambda c: (c[0] + 1, c[1], c[2] + random.normal(c[1])),
                                        (0, key, 0.0))):
        with pytest.raises(KeyReuseError, match="each step of the loop"):
            loop()

    def step(key, _):
        key, own = random.split(key)
        return key, random.normal(own)
    lax.scan(step, random.key(0), None, 3)
    lax.fori_loop(0, 3, lambda i, c: c + random.normal(random.fold_in(key, i)), 0.0)


def test_branches_are_taken_one_at_a_time():
    def f(key, flag):
        return lax.cond(flag, lambda: random.normal(key), lambda: random.uniform(key))
    ft.jit(f)(random.key(0), True)
    with pytest.raises(KeyReuseError):
        ft.jit(lambda key, flag: f(key, flag) + random.normal(key))(random.key(0), True)


def test_parts_of_arrays_of_keys():
    def parts(keys, *numbers):
        return sum(random.normal(keys[k]) for k in numbers)
    ft.jit(parts, static_argnums=(1, 2))(random.split(random.key(0)), 0, 1)
    with pytest.raises(KeyReuseError):
        ft.jit(parts, static_argnums=(1, 2))(random.split(random.key(0)), 1, 1)


def test_values_asked_for_while_differentiating_are_computed_once():
    def f(x, key):
        noise = random.normal(key)
        return x * noise if noise > -100 else x
    assert np.isfinite(ft.grad(f)(1.0, random.key(0)))


def test_fold_in_uses_nothing_up():
    key = random.key(0)
    random.normal(random.fold_in(key, 1)), random.normal(random.fold_in(key, 2))
    random.normal(key)


def test_off_nothing_is_said():
    with ft.debug_key_reuse(False):
        for way in WAYS.values():
            way(twice)


FUNCTIONS = {
    "choice": lambda key: random.choice(key, 5, (3,), replace=False),
    "choice with p": lambda key: random.choice(key, 3, (2,), p=fnp.array([0.2, 0.3, 0.5])),
    "categorical": lambda key: random.categorical(key, fnp.zeros(3)),
    "complex": lambda key: random.normal(key, (2,), "complex64"),
    "orthogonal": lambda key: random.orthogonal(key, 3),
    "permutation": lambda key: random.permutation(key, 7),
    "randint": lambda key: random.randint(key, (3,), 0, 10),
    "truncated": lambda key: random.truncated_normal(key, -1, 1, (3,)),
    "dropout": lambda key: ft.nn.dropout(key, fnp.ones(3), 0.5),
    "lstm": lambda key: ft.zoo.lstm.init(key, 3, 4),
    "mlp": lambda key: ft.zoo.mlp.init(key, (2, 3, 1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_librarys_own_functions_use_a_key_once(name):
    key = random.key(0)
    FUNCTIONS[name](key)
    ft.jit(FUNCTIONS[name])(random.key(1))
