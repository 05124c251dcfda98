"""Windows whose place is known at run time: values at and beyond the edges, derivatives, lanes."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TARGETS = (None, "reference", "cpu")
M = np.arange(20.0).reshape(4, 5)


def on(target, function):
    return function if target is None else ft.jit(function, device=target)


def same(got, expected):
    np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))
    assert np.asarray(got).dtype == np.asarray(expected).dtype


def window(starts, sizes):
    """The window as NumPy slices: negative starts from the end, then clamped."""
    places = []
    for start, size, whole in zip(starts, sizes, M.shape):
        start = min(max(start + whole if start < 0 else start, 0), whole - size)
        places.append(slice(start, start + size))
    return tuple(places)


STARTS = list(itertools.product((-9, -4, -1, 0, 2, 9), (-6, 0, 1, 4)))


@pytest.mark.parametrize("target", TARGETS)
def test_dynamic_slice(target):
    run = on(target, lambda a, b: lax.dynamic_slice(M, (a, b), (2, 3)))
    for starts in STARTS:
        same(run(*starts), M[window(starts, (2, 3))])
        same(lax.dynamic_slice(M, starts, (2, 3)), M[window(starts, (2, 3))])
        same(lax.dynamic_slice(M, np.array(starts), (2, 3)), M[window(starts, (2, 3))])


@pytest.mark.parametrize("target", TARGETS)
def test_dynamic_update_slice(target):
    update = -np.arange(6.0).reshape(2, 3) - 1
    run = on(target, lambda a, b: lax.dynamic_update_slice(M, update, (a, b)))
    for starts in STARTS:
        expected = M.copy()
        expected[window(starts, (2, 3))] = update
        same(run(*starts), expected)


def test_starts_that_may_not_be_negative_are_clamped():
    same(lax.dynamic_slice(M, (-1, -1), (2, 2), allow_negative_indices=False), M[:2, :2])
    same(lax.dynamic_slice(M, (fnp.array(-1), fnp.array(-1)), (2, 2),
                           allow_negative_indices=(True, False)), M[2:, :2])
    same(lax.dynamic_index_in_dim(M, fnp.array(-2), allow_negative_indices=False), M[:1])


def test_unsigned_and_narrow_starts():
    for dtype in ("uint8", "int8", "uint64", "int32"):
        same(lax.dynamic_slice(M, np.array([2, 1]).astype(dtype), (1, 2)), M[2:3, 1:3])
    same(lax.dynamic_slice_in_dim(np.arange(300), np.uint8(250), 9), np.arange(250, 259))


@pytest.mark.parametrize("target", TARGETS)
def test_along_one_axis(target):
    k = np.int32(1)
    cases = {
        "slice": (lambda k: lax.dynamic_slice_in_dim(M, k, 2, axis=-1), M[:, 1:3]),
        "index": (lambda k: lax.dynamic_index_in_dim(M, k, 1), M[:, 1:2]),
        "element": (lambda k: lax.dynamic_index_in_dim(M, k, 0, keepdims=False), M[1]),
        "update": (lambda k: lax.dynamic_update_slice_in_dim(M, M[:, :2] * 0, k, 1),
                   np.concatenate([M[:, :1], M[:, :2] * 0, M[:, 3:]], 1)),
        "put": (lambda k: lax.dynamic_update_index_in_dim(M, M[0] * 0, k, 0),
                np.concatenate([M[:1], M[:1] * 0, M[2:]])),
        "put_weak": (lambda k: lax.dynamic_update_index_in_dim(fnp.arange(3.0), 7, k, 0),
                     np.array([0, 7, 2], np.float32)),
        "scalar": (lambda k: lax.dynamic_slice(M.sum() + k, (), ()), np.float64(191)),
    }
    for function, expected in cases.values():
        same(on(target, function)(k), expected)


def test_static_ones():
    same(lax.slice_in_dim(M, 1, None, 2, axis=0), M[1::2])
    same(lax.slice_in_dim(M, None, -1, axis=1), M[:, :-1])
    same(lax.index_in_dim(M, -1, 1), M[:, -1:])
    same(lax.index_in_dim(M, 0, keepdims=False), M[0])


@pytest.mark.parametrize("target", TARGETS)
def test_derivatives(target):
    """A clamped window is where it is: its derivative goes there too."""
    def function(x, u, k):
        part = lax.dynamic_slice(x, (k, 1), (2, 2))
        return (lax.dynamic_update_slice(x * x, part * u, (0, k)) ** 2).sum()

    def plain(x, u, k):
        row, column = min(max(k + 4 if k < 0 else k, 0), 2), min(max(k + 5 if k < 0 else k, 0), 3)
        part = x[row:row + 2, 1:3]
        return ((x * x).at[0:2, column:column + 2].set(part * u) ** 2).sum()
    u = np.array([[1.0, 2.0], [3.0, 4.0]])
    run = on(target, ft.value_and_grad(function, (0, 1)))
    for k in (-9, -2, 0, 1, 3, 9):
        for got, expected in zip(ft.tree.leaves(run(M / 10, u, k)), ft.tree.leaves(
                ft.value_and_grad(lambda x, u: plain(x, u, k), (0, 1))(     # noqa: B023
                    fnp.array(M / 10), fnp.array(u)))):
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_lanes(axes, target):
    """Each lane has its own window."""
    stack, starts = np.stack([M, -M, M * 2]), np.array([-1, 1, 9])
    args = [stack if axes[0] == 0 else M, starts if axes[1] == 0 else 1]

    def function(x, k):
        return lax.dynamic_update_slice(x, lax.dynamic_slice(x, (k, 0), (1, 3)), (0, k))
    got = on(target, ft.vmap(function, axes))(*args)
    lanes = [function(fnp.array(args[0][k] if axes[0] == 0 else M),
                      int(starts[k]) if axes[1] == 0 else 1) for k in range(3)]
    same(got, np.stack(lanes))
