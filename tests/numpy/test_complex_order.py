"""The larger and the smaller of complex numbers, in NumPy's order, under all transformations."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

PARTS = (0.0, 1.0, -1.0, np.inf, -np.inf, np.nan)
EVERY = np.array([complex(a, b) for a in PARTS for b in PARTS])


def same(ours, theirs):
    """Equal; NaN where there is NaN, in whichever part."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    bad = np.isnan(theirs)
    np.testing.assert_array_equal(np.isnan(ours), bad)
    np.testing.assert_array_equal(ours[~bad], theirs[~bad])


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_of_two(name):
    ours, theirs = getattr(fnp, name), getattr(np, name)
    x, y = EVERY[:, None], EVERY[None, :]
    for function in (ours, ft.jit(ours)):
        same(function(x, y), theirs(x, y))


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_of_axes(name, dtype):
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 3, (4, 5, 6)) + 1j * rng.integers(0, 3, (4, 5, 6))).astype(dtype)
    x[0, 0, 0] = np.nan
    for axis in (None, 0, (0, 2)):
        ours = ft.jit(lambda x: getattr(fnp, name)(x, axis=axis))       # noqa: B023
        same(ours(x), getattr(np, name)(x, axis=axis))
    same(ft.vmap(getattr(fnp, name))(x[1:]), getattr(np, name)(x[1:], axis=(1, 2)))
    same(getattr(fnp, name)(x[1:], where=x[1:].real > 0, initial=1j, axis=1),
         getattr(np, name)(x[1:], where=x[1:].real > 0, initial=1j, axis=1))


def test_derivatives():
    x = np.array([1 + 2j, 1 + 1j, 0.5 + 9j])
    ft.testing.check_grads(fnp.max, (x,), order=2)
    ft.testing.check_grads(fnp.maximum, (x, x[::-1] + 0.25), order=2)
