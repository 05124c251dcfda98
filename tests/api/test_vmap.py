"""vmap: axes as prefixes, None, negative, keywords; errors that name the argument."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

X = fnp.array([1.0, 2.0, 3.0])
M = fnp.arange(6.0).reshape(2, 3)
CUBE = fnp.arange(24.0).reshape(2, 3, 4)


def shapes(tree):
    return ft.tree.map(lambda leaf: leaf.shape, tree)


@pytest.mark.parametrize("axis", (0, 1, 2, -1, -2, -3))
@pytest.mark.parametrize("out", (0, 1, 2, -1))
def test_axes_in_and_out(axis, out):
    got = ft.vmap(lambda a: a * 2 + a.sum(), axis, out)(CUBE)
    lanes = [lane * 2 + lane.sum() for lane in np.moveaxis(np.asarray(CUBE), axis, 0)]
    np.testing.assert_array_equal(got, np.stack(lanes, out))
    np.testing.assert_array_equal(ft.jit(ft.vmap(lambda a: a * 2 + a.sum(), axis, out))(CUBE),
                                  np.stack(lanes, out))


def test_arguments_that_all_lanes_share():
    np.testing.assert_array_equal(ft.vmap(fnp.dot, (0, None))(M, X), np.asarray(M) @ np.asarray(X))
    nested = ft.vmap(ft.vmap(lambda a, b: a * b, (0, None)), (None, 0))
    np.testing.assert_array_equal(nested(X, X), np.outer(X, X).T)


@pytest.mark.parametrize("in_axes, shape", (
    (({"a": 0, "b": None},), (2, 3)), (({"a": 1, "b": None},), (3, 2)),
    (({"a": -1, "b": 0},), (3, 2)), (({"a": None, "b": 0},), (2, 2, 3))))
def test_prefixes_of_dicts(in_axes, shape):
    """A lane multiplies what is left of `a` by what is left of `b`."""
    lanes = {(2, 3): fnp.ones(3), (3, 2): fnp.ones((3, 2)), (2, 2, 3): fnp.ones((2, 3))}
    b = fnp.ones(2) if in_axes[0] == {"a": 1, "b": None} else lanes[shape]
    assert ft.vmap(lambda p: p["a"] * p["b"], in_axes)({"a": M, "b": b}).shape == shape


def test_prefixes_stand_for_whole_trees():
    tree = {"w": (M, {"deep": M}), "b": X}
    out = ft.vmap(lambda t, s: ft.tree.map(lambda a: a * s, t), ({"w": 0, "b": None}, None),
                  {"w": (1, 0), "b": None})(tree, 2.0)
    assert shapes(out) == {"w": ((3, 2), {"deep": (2, 3)}), "b": (3,)}


def test_lists_name_the_axes_of_arguments():
    assert ft.vmap(lambda a, b: a + b, [0, None])(M, X).shape == (2, 3)
    assert shapes(ft.vmap(lambda a: [a, a], out_axes=[0, 1])(M)) == [(2, 3), (3, 2)]


def test_keywords_are_mapped_over_their_first_axis():
    got = ft.vmap(lambda a, *, k: a + k["z"], in_axes=(None,))(X, k={"z": M})
    np.testing.assert_array_equal(got, np.asarray(M) + np.asarray(X))


def test_outputs_that_do_not_depend_on_the_lane():
    def function(a, b):
        return a, b * 2, 7.0, None
    got = ft.vmap(function, (0, None), (0, None, 0, None))(M, X)
    assert got[0].shape == (2, 3) and got[1].tolist() == [2, 4, 6]
    assert got[2].tolist() == [7, 7] and got[3] is None
    assert shapes(ft.vmap(function, (0, None))(M, X)[:3]) == ((2, 3), (2, 3), (2,))


def test_the_number_of_lanes_can_be_given():
    assert ft.vmap(lambda a: a * 2, None, axis_size=4)(X).shape == (4, 3)
    assert ft.vmap(lambda: fnp.ones(2), axis_size=3)().shape == (3, 2)
    assert ft.vmap(lambda a: a * 2)(fnp.zeros((0, 3))).shape == (0, 3)


def test_numpy_arrays_and_lists_of_arrays_are_arguments():
    assert isinstance(ft.vmap(np.sin)(np.ones(3)), ft.Array)
    assert shapes(ft.vmap(lambda pair: pair)([X, X])) == [(3,), (3,)]


def test_names_and_documentation_stay():
    def documented(x):
        """What it does."""
        return x
    for transformed in (ft.vmap(documented), ft.grad(documented), ft.jit(documented),
                        ft.jacfwd(documented), ft.value_and_grad(documented)):
        assert transformed.__name__ == "documented" and transformed.__doc__ == "What it does."
        assert transformed.__wrapped__ is documented


@pytest.mark.parametrize("call, kind, text", (
    (lambda: ft.vmap(lambda p, y: y)({"w": M, "b": X}, M), ValueError,
     r"p\['b'\]: axis 0 of f32\[3\] has size 3(.|\n)*y: axis 0 of f32\[2,3\] has size 2"),
    (lambda: ft.vmap(fnp.sin, axis_size=5)(X), ValueError, "axis_size=5"),
    (lambda: ft.vmap(fnp.sin)(1.0), ValueError, "has no axes"),
    (lambda: ft.vmap(fnp.sin, 2)(M), ValueError, r"axis 2 of x, which is f32\[2,3\]"),
    (lambda: ft.vmap(fnp.add, (0,))(M, M), ValueError, "called with 2"),
    (lambda: ft.vmap(fnp.sin, None)(X), ValueError, "nothing is mapped"),
    (lambda: ft.vmap(fnp.sin, "x")(X), TypeError, "ints and None"),
    (lambda: ft.vmap(fnp.sin, True)(X), TypeError, "ints and None"),
    (lambda: ft.vmap(lambda p: p["a"], ({"z": 0},))({"a": M}), ValueError, "'z'"),
    (lambda: ft.vmap(fnp.sin, out_axes=(0, 1))(M), ValueError, "prefix of the output"),
    (lambda: ft.vmap(fnp.sin, out_axes=5)(M), ValueError, "out_axes=5"),
    (lambda: ft.vmap(fnp.sin, out_axes=None)(M), ValueError, "depends on the mapped"),
    (lambda: ft.vmap(lambda a: "text")(M), TypeError, "returned 'text'"),
    (lambda: ft.vmap(3), TypeError, "takes a function"),
))
def test_misuse_is_refused(call, kind, text):
    with pytest.raises(kind, match=text) as caught:
        call()
    assert "test_vmap.py" in str(caught.value)
