"""Side by side with JAX: signatures, and the same text under both libraries."""
from __future__ import annotations

import inspect

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

jax = pytest.importorskip("jax")
MODULES = ("choice", "loops", "prefix", "windows")
NAMES = [name for name in lax.__all__ if hasattr(jax.lax, name)
         and getattr(getattr(lax, name), "__module__", "").removeprefix("functrans.lax.")
         in MODULES]


@pytest.fixture(autouse=True)
def _wide():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", NAMES)
def test_signature(name):
    """The same parameters in the same order, with the same defaults where they can be said."""
    own, other = (inspect.signature(getattr(module, name)).parameters.values()
                  for module in (lax, jax.lax))
    own = [(p.name, p.kind, _plain(p.default)) for p in own]
    other = [(p.name, p.kind, _plain(p.default)) for p in other if not p.name.startswith("_")]
    assert own == other


def _plain(default):
    return default if default is None or isinstance(default, (bool, int)) else "something"


X = np.linspace(-1.0, 1.5, 6)
M = np.arange(12.0).reshape(4, 3) / 7
I = np.arange(5)                                                       # noqa: E741

# Functions of (lax, numpy, the library), to be called with no arguments.
SNIPPETS = {
    "cond_no_operand": lambda L, np_, ft_: L.cond(True, lambda: np_.asarray(X), lambda: -X),
    "cond_operand_none": lambda L, np_, ft_: L.cond(False, lambda _: 1.0 * X, lambda _: 2.0 * X,
                                                    operand=None),
    "cond_operand": lambda L, np_, ft_: L.cond(True, lambda x: x + 1, lambda x: x, operand=X),
    "cond_number": lambda L, np_, ft_: L.cond(3, lambda x: x + 1, lambda x: x, X),
    "cond_float": lambda L, np_, ft_: L.cond(0.0, lambda x: x + 1, lambda x: x, X),
    "cond_two_operands": lambda L, np_, ft_: L.cond(True, X, lambda x: x + 1, M, lambda x: x[0, 0] +
                                                    np_.zeros(6)),
    "cond_weak": lambda L, np_, ft_: L.cond(True, lambda: 1.0, lambda: 2.0) * np_.ones(
        2, np.float16),
    "cond_tree": lambda L, np_, ft_: L.cond(
        False, lambda d: {"a": d["b"], "b": (d["a"],)}, lambda d: {"a": d["a"], "b": (d["b"],)},
        {"a": X, "b": X + 1}),
    "cond_empty": lambda L, np_, ft_: L.cond(True, lambda: (), lambda: ()),
    "switch": lambda L, np_, ft_: [L.switch(k, [lambda x: x, lambda x: -x, lambda x: 2 * x], X)
                                   for k in (-3, 0, 1, 2, 9)],
    "switch_one": lambda L, np_, ft_: L.switch(4, [lambda x: x + 1], X),
    "switch_uint8": lambda L, np_, ft_: L.switch(np.uint8(255), [lambda x: x, lambda x: -x], X),
    "scan": lambda L, np_, ft_: L.scan(lambda c, x: (c + x, c * x), np.zeros(3), M),
    "scan_reverse": lambda L, np_, ft_: L.scan(lambda c, x: (c + x, c * x), np.zeros(3), M,
                                               reverse=True),
    "scan_length": lambda L, np_, ft_: L.scan(lambda c, x: (2 * c, c), X, None, 3),
    "scan_no_steps": lambda L, np_, ft_: L.scan(lambda c, x: (2 * c, (c, x)), X, M[:0]),
    "scan_no_ys": lambda L, np_, ft_: L.scan(lambda c, x: (c * x, None), np.ones(3), M),
    "scan_no_carry": lambda L, np_, ft_: L.scan(lambda c, x: (c, x * 2), None, M),
    "scan_trees": lambda L, np_, ft_: L.scan(
        lambda c, x: ({"a": c["a"] + x[0]}, [x[1], (c["a"], x[0])]), {"a": np.zeros(3)},
        (M, I[:4])),
    "scan_weak": lambda L, np_, ft_: L.scan(lambda c, x: (c + x, c), 0.0, M[0]),
    "scan_weak_int": lambda L, np_, ft_: L.scan(lambda c, x: (c + x, c), 0, M[0]),
    "scan_kept_weak": lambda L, np_, ft_: L.scan(lambda c, x: (c + 1, x), 0.0, M[0])[0] * np_.ones(
        2, np.float16),
    "scan_literal_rows": lambda L, np_, ft_: L.scan(
        lambda c, x: (c, (np.float64(2), np_.zeros(2, float))), np.float64(1), M[0]),
    "scan_unroll": lambda L, np_, ft_: L.scan(lambda c, x: (c + x, c), 0.0, M[0], unroll=2),
    "scan_bool_int": lambda L, np_, ft_: L.scan(
        lambda c, x: ((~c[0], c[1] + 2), c), (np.bool_(True), np.int32(4)), None, length=3),
    "scan_passes_on": lambda L, np_, ft_: L.scan(lambda c, x: ((c[1], c[0], c[2]), x),
                                                 (X, X + 1, M), M),
    "while": lambda L, np_, ft_: L.while_loop(lambda c: c.sum() < 100, lambda c: 2 * c,
                                              np.ones(3)),
    "while_no_steps": lambda L, np_, ft_: L.while_loop(lambda c: False, lambda c: 2 * c,
                                                       np.ones(3)),
    "while_tree": lambda L, np_, ft_: L.while_loop(
        lambda c: c["n"] < 5, lambda c: {"n": c["n"] + 1, "x": c["x"] * 1.5},
        {"n": np.int32(0), "x": X}),
    "while_weak": lambda L, np_, ft_: L.while_loop(
        lambda c: c[0] < 4, lambda c: (c[0] + 1, c[1] + np.float64(0.5)), (0, 0)),
    "while_constant_carry": lambda L, np_, ft_: L.while_loop(
        lambda c: c[0] < c[1], lambda c: (c[0] + c[2], c[1], c[2]),
        (np.float64(0), np.float64(4), np.float64(1.5))),
    "fori": lambda L, np_, ft_: L.fori_loop(1, 5, lambda i, x: x * i, np.float64(1)),
    "fori_none": lambda L, np_, ft_: L.fori_loop(5, 1, lambda i, x: x * i, np.float64(3)),
    "fori_negative": lambda L, np_, ft_: L.fori_loop(-3, 1, lambda i, x: x + i, np.int64(3)),
    "fori_index": lambda L, np_, ft_: L.fori_loop(0, 3, lambda i, x: x.at[i].add(i * 0.5),
                                                  np_.zeros(3, float)),
    "fori_int32": lambda L, np_, ft_: L.fori_loop(
        np_.asarray(0, np.int32), np_.asarray(3, np.int32), lambda i, x: x + i, np.int32(1)),
    "fori_dynamic": lambda L, np_, ft_: ft_.jit(
        lambda n: L.fori_loop(0, n, lambda i, x: x + i, np.int64(1)))(np.int64(4)),
    "fori_unroll": lambda L, np_, ft_: L.fori_loop(0, 6, lambda i, x: x + i, 0, unroll=3),
    "map": lambda L, np_, ft_: L.map(lambda x: (x.sum(), x), M),
    "map_batches": lambda L, np_, ft_: [L.map(lambda x: x.sum(), M, batch_size=k)
                                        for k in (0, 1, 2, 3, 4, 7)],
    "prefix": lambda L, np_, ft_: [L.associative_scan(np_.add, np_.asarray(X[:k]), reverse=r)
                                   for k in (1, 4, 5) for r in (False, True)],
    "prefix_axis": lambda L, np_, ft_: L.associative_scan(np_.multiply, np_.asarray(M), axis=-1),
    "prefix_tree": lambda L, np_, ft_: L.associative_scan(
        lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1]), (np_.asarray(X), np_.asarray(X + 2))),
    "prefix_matrices": lambda L, np_, ft_: L.associative_scan(
        np_.matmul, np_.asarray(np.sin(np.arange(20.0)).reshape(5, 2, 2))),
    "select": lambda L, np_, ft_: L.select(X > 0, X, -X),
    "select_scalar": lambda L, np_, ft_: L.select(np_.asarray(False), X, -X),
    "select_n": lambda L, np_, ft_: [L.select_n(np.array([0, 2, 1], np.int32), M[0], M[1], M[2]),
                                     L.select_n(X > 0, X, -X),
                                     L.select_n(np.int32(1), M[0], M[1])],
    "dynamic_slice": lambda L, np_, ft_: [L.dynamic_slice(M, (a, b), (2, 2))
                                          for a in (-9, -1, 0, 3, 9) for b in (-1, 1)],
    "dynamic_slice_array": lambda L, np_, ft_: L.dynamic_slice(M, np_.asarray([1, 2]), (2, 1)),
    "dynamic_slice_clamped": lambda L, np_, ft_: L.dynamic_slice(
        M, (np_.asarray(-1), 1), (2, 2), allow_negative_indices=(False, True)),
    "dynamic_slice_in_dim": lambda L, np_, ft_: L.dynamic_slice_in_dim(M, np.int32(2), 2, axis=1),
    "dynamic_index": lambda L, np_, ft_: [L.dynamic_index_in_dim(M, k, 1, keepdims=d)
                                          for k in (-1, 0, 7) for d in (True, False)],
    "dynamic_update": lambda L, np_, ft_: [
        L.dynamic_update_slice(M, np.ones((2, 2)), (np.int64(k), -2)) for k in (-1, 0, 2, 9)],
    "dynamic_update_in_dim": lambda L, np_, ft_: L.dynamic_update_slice_in_dim(
        M, np.ones((4, 2)), np.int32(1), 1),
    "dynamic_update_index": lambda L, np_, ft_: [
        L.dynamic_update_index_in_dim(M, np.ones(3), np.int32(1), 0),
        L.dynamic_update_index_in_dim(M, np.ones((1, 3)), np.int32(9), 0)],
    "slice_in_dim": lambda L, np_, ft_: [L.slice_in_dim(M, 1, None, 2, axis=0),
                                         L.slice_in_dim(M, -2, -1, axis=1)],
    "index_in_dim": lambda L, np_, ft_: [L.index_in_dim(M, -1, 1, keepdims=d)
                                         for d in (True, False)],
    "grad_scan": lambda L, np_, ft_: ft_.grad(lambda w: L.scan(
        lambda c, x: (np_.tanh(w * c + x), c), np.zeros(3), M)[1].sum())(np.float64(0.7)),
    "hessian_fori": lambda L, np_, ft_: ft_.hessian(lambda x: L.fori_loop(
        0, 3, lambda i, y: y * y * x, x))(np_.asarray(X[0])),
    "jvp_while": lambda L, np_, ft_: ft_.jvp(lambda x: L.while_loop(
        lambda y: y.sum() < 50, lambda y: y * x, x), (np_.asarray(X + 2.5),), (np_.asarray(X),)),
    "vmap_cond": lambda L, np_, ft_: ft_.vmap(lambda x: L.cond(
        x > 0, lambda: np_.sin(x), lambda: x * x))(np_.asarray(X)),
    "vmap_while": lambda L, np_, ft_: ft_.vmap(lambda x: L.while_loop(
        lambda y: y < 5, lambda y: y * y + 1, x))(np_.asarray(X)),
    "vmap_scan_axes": lambda L, np_, ft_: ft_.vmap(
        lambda c, xs: L.scan(lambda a, x: (a * x, a), c, xs), in_axes=(None, 1))(
            np.float64(2), np_.asarray(M)),
    "vmap_fori": lambda L, np_, ft_: ft_.vmap(lambda n, x: L.fori_loop(
        0, n, lambda i, y: y * x + i, x))(np_.asarray(I), np_.asarray(X[:5])),
    "grad_vmap_switch": lambda L, np_, ft_: ft_.grad(lambda x: ft_.vmap(lambda k, y: L.switch(
        k, [np_.sin, np_.cos, lambda z: z * z], y))(np_.asarray(I), x).sum())(np_.asarray(X[:5])),
}


@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_snippet(name):
    expected = SNIPPETS[name](jax.lax, jax.numpy, jax)
    got = SNIPPETS[name](lax, fnp, ft)
    assert str(ft.tree.structure(got)) == str(ft.tree.structure(jax.tree.map(np.asarray, expected)))
    for a, b in zip(ft.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-13, atol=1e-13)


# What both refuse, and which of Python's errors it is here.
REFUSED = {
    "cond_array": (lambda L: L.cond(X > 0, lambda: 1, lambda: 2), TypeError),
    "cond_none": (lambda L: L.cond(None, lambda: 1, lambda: 2), TypeError),
    "cond_list": (lambda L: L.cond([True], lambda: 1, lambda: 2), TypeError),
    "cond_complex": (lambda L: L.cond(1j, lambda: 1, lambda: 2), TypeError),
    "cond_no_function": (lambda L: L.cond(True, 1, lambda: 2), TypeError),
    "cond_both": (lambda L: L.cond(True, abs, abs, 1, operand=2), TypeError),
    "cond_shapes": (lambda L: L.cond(True, lambda: X, lambda: M), TypeError),
    "cond_dtypes": (lambda L: L.cond(True, lambda: np.float64(1), lambda: np.int64(1)), TypeError),
    "cond_weak_float": (lambda L: L.cond(True, lambda: 1.5, lambda: np.int64(1)), TypeError),
    "cond_structures": (lambda L: L.cond(True, lambda: (X,), lambda: X), TypeError),
    "switch_float": (lambda L: L.switch(1.0, [abs, abs], X), TypeError),
    "switch_array": (lambda L: L.switch(I, [abs, abs], X), TypeError),
    "switch_empty": (lambda L: L.switch(1, [], X), ValueError),
    "scan_nothing": (lambda L: L.scan(lambda c, x: (c, x), 0.0), ValueError),
    "scan_lengths": (lambda L: L.scan(lambda c, x: (c, x), 0.0, (X, M)), ValueError),
    "scan_length": (lambda L: L.scan(lambda c, x: (c, x), 0.0, M, length=3), ValueError),
    "scan_scalar": (lambda L: L.scan(lambda c, x: (c, x), 0.0, np.float64(1)), ValueError),
    "scan_no_pair": (lambda L: L.scan(lambda c, x: c, 0.0, M), TypeError),
    "scan_dtype": (lambda L: L.scan(lambda c, x: (c + x, x), np.int64(0), X), TypeError),
    "scan_weak_float": (lambda L: L.scan(lambda c, x: (1.5, x), np.int64(0), X), TypeError),
    "scan_shape": (lambda L: L.scan(lambda c, x: (c + x, x), np.zeros(1), M), TypeError),
    "scan_structure": (lambda L: L.scan(lambda c, x: ((c, c), x), 0.0, M), TypeError),
    "while_structure": (lambda L: L.while_loop(lambda c: False, lambda c: (c, c), 0.0), TypeError),
    "while_dtype": (lambda L: L.while_loop(lambda c: False, lambda c: c + 0.5, np.int64(0)),
                    TypeError),
    "while_shape": (lambda L: L.while_loop(lambda c: False, lambda c: c + X, np.zeros(1)),
                    TypeError),
    "while_no_scalar": (lambda L: L.while_loop(lambda c: c > 0, lambda c: c, X), TypeError),
    "while_int": (lambda L: L.while_loop(lambda c: 1, lambda c: c, X), TypeError),
    "while_tuple": (lambda L: L.while_loop(lambda c: (True,), lambda c: c, X), TypeError),
    "fori_dtype": (lambda L: L.fori_loop(0, 3, lambda i, x: x + 0.5, np.int64(0)), TypeError),
    "prefix_no_function": (lambda L: L.associative_scan(3, X), TypeError),
    "prefix_lengths": (lambda L: L.associative_scan(lambda a, b: a, (X, M)), ValueError),
    "select_shapes": (lambda L: L.select(X > 0, X, M), TypeError),
    "select_n_many": (lambda L: L.select_n(X > 0, X, X, X), TypeError),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_by_both(name):
    call, error = REFUSED[name]
    with pytest.raises((TypeError, ValueError, IndexError)):
        call(jax.lax)
    with pytest.raises(error):
        call(lax)
