"""The public strategies draw what they say, and shrink to small things."""
from __future__ import annotations

import re

import numpy as np
import pytest
from pages import run_examples
from hypothesis import find, given, settings
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ArgumentError
from functrans.testing import check_vmap, gradient_test
from functrans.testing import strategies as fst
from functrans.testing.strategies.stacks import TRANSFORMATIONS
from functrans.testing.strategies.straight import STEPS


@pytest.mark.parametrize("name", sorted(set(fst.__all__) - {
    "DTYPES", "ControlProgram", "Stack", "StraightProgram"}))
def test_examples_in_docstrings(name):
    run_examples(name, getattr(fst, name))


@given(fst.shapes(1, 3, 2, 5))
def test_shapes(shape):
    assert 1 <= len(shape) <= 3 and all(2 <= side <= 5 for side in shape)


@given(fst.broadcastable_shapes(3))
def test_broadcastable_shapes(shapes):
    assert len(shapes) == 3
    assert fnp.broadcast_shapes(*shapes) == np.broadcast_shapes(*shapes)


@given(st.integers(0, 3).flatmap(lambda ndim: st.tuples(st.just(ndim), fst.axes(ndim))))
def test_axes(pair):
    ndim, axis = pair
    x = np.zeros((2,) * ndim)
    assert fnp.sum(x, axis).shape == x.sum(axis).shape


@given(fst.arrays(fst.shapes(), fst.dtypes(("float", "complex", "int", "uint", "bool")), 1, 3))
def test_arrays(x):
    assert isinstance(x, ft.Array)
    if x.dtype.kind in "iufV":
        values = np.asarray(x).astype(float)
        assert np.all((values >= 1) & (values <= 3))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "bool"])
def test_edges_come_up(dtype):
    x = find(fst.arrays((64,), dtype, edges=True), lambda x: len(set(np.asarray(x).tolist())) > 1)
    values = set(np.asarray(x).astype(np.float64).tolist())
    assert {"float16": -1.0, "bfloat16": 0.0, "float64": np.inf, "int8": -128.0,
            "bool": 0.0}[dtype] in values


def test_arrays_are_drawn_fast_and_in_few_choices():
    """A matrix of a million entries is no more to draw than one of one."""
    x = find(fst.arrays((1000, 1000), "float32"), lambda x: bool(x[0, 0] != 1))
    assert x.shape == (1000, 1000)


def test_unknown_kinds():
    with pytest.raises(ArgumentError, match="'real' is no kind"):
        fst.dtypes(("real",))


@given(fst.pytrees(fst.arrays((2,))))
def test_pytrees(tree):
    leaves, structure = ft.tree.flatten(tree)
    assert ft.tree.structure(ft.tree.unflatten(structure, leaves)) == structure


@given(fst.ragged_lengths(4, 6), fst.keys())
def test_lengths_and_keys(lengths, key):
    assert len(lengths) == 4 and max(lengths) <= 6
    assert ft.random.normal(key, (2,)).shape == (2,)


@pytest.mark.parametrize("name", sorted(STEPS))
@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (4, 3)])
def test_steps_keep_the_shape(name, shape):
    x, y = (fnp.array(np.random.default_rng(k).normal(size=shape)) for k in range(2))
    out = STEPS[name](x, y)
    assert out.shape == shape and bool(fnp.isfinite(out).all())


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS))
def test_transformations_keep_the_shape(name):
    x, y = (fnp.array(np.random.default_rng(k).normal(size=(2, 3))) for k in range(2))
    assert fst.Stack((name, name))(lambda x, y: fnp.sin(x) * y)(x, y).shape == (2, 3)


def test_programs_shrink_to_one_step():
    assert find(fst.straight_programs(), lambda p: True).steps == (("add", 0, 0),)
    assert len(find(fst.programs(depth=1), lambda p: True).block) == 2


@settings(max_examples=8)
@given(fst.programs(depth=1), st.integers(0, 100))
def test_programs_run_and_batch(program, seed):
    arguments = program.arguments(seed, lanes=2, mapped=("x",))
    check_vmap(program, arguments, in_axes=(0, None, None, None, None))


# ---- gradient_test ----

@gradient_test("float[n, m]", "f32[m]", {"scale": 2.0}, fst.arrays((), "float64"), examples=5)
def test_a_function_as_a_test(x, w, options, shift):
    return fnp.tanh(x.astype("float32") @ w * options["scale"] + shift)


@gradient_test("f64[n] in (0.1, 3)", "i32[n]", examples=10)
def test_bounds_and_integers(x, n):
    return fnp.log(x) * n


def test_a_wrong_gradient_is_shrunk():
    @ft.custom_jvp
    def wrong(x):
        return fnp.sin(x)
    wrong.defjvps(lambda dx, out, x: dx * fnp.cos(x) * fnp.where(x.sum() > 1, 1.01, 1))

    @gradient_test("f64[n, m] in (0, 2)", order=1)
    def test(x):
        return wrong(x) * 2
    with pytest.raises(AssertionError) as caught:
        test()
    assert caught.value.argument == "x"
    assert re.search(r"\(float64\[(1,1|1,2|2,1)\]\)", str(caught.value))
    assert "the rule of wrong" in str(caught.value)
    assert test.__name__ == "test" and test.function(fnp.zeros(2)).shape == (2,)


@pytest.mark.parametrize("text", ["f32", "f33[n]", "f32[n] in 0", "f32[n"])
def test_texts_that_cannot_be_read(text):
    with pytest.raises(ArgumentError, match="cannot read|is no dtype"):
        gradient_test(text)
