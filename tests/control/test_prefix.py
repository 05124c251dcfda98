"""associative_scan: all prefixes, for any associative function, and their derivatives."""
from __future__ import annotations

import numpy as np
import plain_lax
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TARGETS = (None, "reference", "cpu")
RNG = np.random.default_rng(2)


def on(target, function):
    return function if target is None else ft.jit(function, device=target)


def same(got, expected):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-12)


def affine(a, b):
    """First a, then b, of maps x -> scale * x + shift: not commutative."""
    return {"scale": a["scale"] * b["scale"], "shift": b["scale"] * a["shift"] + b["shift"]}


FUNCTIONS = {
    "add": (lambda a, b: a + b, lambda n: RNG.normal(size=n)),
    "max": (fnp.maximum, lambda n: RNG.normal(size=(n, 2))),
    "or": (fnp.logical_or, lambda n: np.arange(n) == n // 2),
    "bits": (lambda a, b: a ^ b, lambda n: np.arange(n, dtype=np.uint8) * 37),
    "product": (fnp.matmul, lambda n: RNG.normal(size=(n, 2, 2))),
    "complex": (lambda a, b: a * b, lambda n: RNG.normal(size=n) + 1j),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name, reverse):
    fn, make = FUNCTIONS[name]
    for size in range(1, 10):
        elems = fnp.array(make(size))
        same(lax.associative_scan(fn, elems, reverse=reverse),
             plain_lax.associative_scan(fn, elems, reverse=reverse))


@pytest.mark.parametrize("target", TARGETS)
def test_trees_and_derivatives(target):
    maps = {"scale": RNG.normal(size=7), "shift": RNG.normal(size=7)}

    def last(maps):
        return (lax.associative_scan(affine, maps)["shift"] ** 2).sum()

    def plain(maps):
        x, total = 0.0, 0.0
        for k in range(7):
            x = maps["scale"][k] * x + maps["shift"][k]
            total = total + x * x
        return total
    maps = ft.tree.map(fnp.array, maps)
    same(on(target, ft.value_and_grad(last))(maps), ft.value_and_grad(plain)(maps))
    direction = ft.tree.map(lambda x: x * x, maps)
    same(on(target, lambda m, d: ft.jvp(last, (m,), (d,)))(maps, direction),
         ft.jvp(plain, (maps,), (direction,)))


def test_axes():
    x = RNG.normal(size=(3, 4, 5))
    for axis in (0, 1, 2, -1, -2):
        same(lax.associative_scan(fnp.add, x, axis=axis), fnp.array(np.cumsum(x, axis)))
        same(lax.associative_scan(fnp.add, x, reverse=True, axis=axis),
             fnp.array(np.flip(np.cumsum(np.flip(x, axis), axis), axis)))


def test_axis_counts_as_the_first_array_does():
    """As in JAX: the arrays share leading axes, and the others belong to one element."""
    x, y = RNG.normal(size=4), RNG.normal(size=(4, 2))
    got = lax.associative_scan(lambda a, b: (a[0] + b[0], a[1] * b[1]), (x, y), axis=-1)
    same(got, (fnp.array(np.cumsum(x)), fnp.array(np.cumprod(y, 0))))


def test_special_values_come_through():
    """Prefixes are put together without arithmetic: signs of zeros and infinities stay."""
    x = np.array([-0.0, -0.0, np.inf, 1.0, -np.inf])
    got = np.asarray(lax.associative_scan(fnp.minimum, x))
    np.testing.assert_array_equal(got, np.minimum.accumulate(x))
    assert np.signbit(got[:2]).all()
    assert np.signbit(np.asarray(lax.associative_scan(fnp.add, np.full(4, -0.0)))).all()


def test_logarithmically_many_calls():
    calls = []
    lax.associative_scan(lambda a, b: calls.append(1) or a + b, np.ones(1000))
    assert len(calls) <= 2 * 10


@pytest.mark.parametrize("target", TARGETS)
def test_vmap(target):
    x = RNG.normal(size=(3, 6))
    run = on(target, ft.vmap(lambda x: lax.associative_scan(lambda a, b: a * b, x), 1, 1))
    same(run(x), fnp.array(np.cumprod(x, 0)))
