"""The errors of control flow, word by word."""
from __future__ import annotations

import re

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import errors, lax

X = np.linspace(-1.0, 1.5, 6)
M = np.arange(12.0).reshape(4, 3)
START = {"h": np.zeros(3, np.float32), "n": np.int32(1)}

GOLDEN = {
    "scan_carry": (
        lambda: lax.scan(lambda c, x: ({"h": c["h"][:2], "n": c["n"] + x[0]}, x), START, M),
        errors.StructureError, """\
scan: what <lambda> (here) returns as the next carry differs from the carry that it takes:
  at ['h']: taken f32[3], returned f32[2]
  at ['n']: taken i32[], returned f64[]
Structures, shapes and dtypes must be equal."""),
    "scan_carry_dtype": (
        lambda: lax.scan(lambda c, x: ({"h": c["h"] + x, "n": c["n"]}, x), START, M),
        errors.StructureError, """\
scan: what <lambda> (here) returns as the next carry differs from the carry that it takes:
  at ['h']: taken f32[3], returned f64[3]
Convert with .astype(dtype), or start from an array of the dtype that comes out."""),
    "scan_structure": (
        lambda: lax.scan(lambda c, x: ((c, c), x), np.zeros(3), M),
        errors.StructureError, """\
scan: what <lambda> (here) returns as the next carry differs from the carry that it takes:
  taken: TreeDef(*)
  returned: TreeDef((*, *))
  at the value: taken f64[3], returned has nothing
  at [0]: taken has nothing, returned f64[3]
  at [1]: taken has nothing, returned f64[3]
Structures, shapes and dtypes must be equal."""),
    "scan_pair": (
        lambda: lax.scan(lambda c, x: c, 0.0, M), errors.StructureError,
        "scan: <lambda> (here) must return a pair (carry, y), got TreeDef(*)"),
    "scan_lengths": (
        lambda: lax.scan(lambda c, x: (c, x), 0.0, {"a": M, "b": X}), errors.ShapeError,
        "scan: the numbers of steps differ: 4 for xs['a'] (f64[4,3]), 6 for xs['b'] (f64[6])"),
    "scan_length": (
        lambda: lax.scan(lambda c, x: (c, x), 0.0, M, length=3), errors.ShapeError,
        "scan: the numbers of steps differ: 4 for xs (f64[4,3]), 3 for length=3"),
    "scan_nothing": (
        lambda: lax.scan(lambda c, x: (c, x), 0.0), ValueError,
        "scan needs xs, or length= for the number of steps"),
    "scan_negative": (
        lambda: lax.scan(lambda c, x: (c, x), 0.0, length=-2), ValueError,
        "scan: length must be an int that is not negative, got -2"),
    "scan_unroll": (
        lambda: lax.scan(lambda c, x: (c, x), 0.0, M, unroll=-2), ValueError,
        "scan: unroll must be a bool or an int that is not negative, got -2"),
    "scan_scalar": (
        lambda: lax.scan(lambda c, x: (c, x), 0.0, (M, np.float32(3))), errors.ShapeError,
        "scan: xs[1] is a scalar (f32[]); scan runs over the first axis of xs"),
    "scan_string": (
        lambda: lax.scan(lambda c, x: (c, ("a", x)), 0.0, M), TypeError,
        "<lambda> returned 'a' of type str at [1][0], which is not an array: scan needs arrays, "
        "numbers or pytrees of them"),
    "scan_function": (lambda: lax.scan(3, 0.0, M), TypeError,
                      "scan takes a function, got 3 of type int"),
    "while_carry": (
        lambda: lax.while_loop(lambda c: c["k"] < 3,
                               lambda c: {"k": c["k"] + 1.0, "x": c["x"][:2]},
                               {"k": np.int32(0), "x": X}), errors.StructureError, """\
while_loop: what <lambda> (here) returns as the next carry differs from the carry that it takes:
  at ['k']: taken i32[], returned f32[]
  at ['x']: taken f64[6], returned f64[2]
Structures, shapes and dtypes must be equal."""),
    "while_condition": (
        lambda: lax.while_loop(lambda c: c > 0, lambda c: c, X), errors.DtypeError,
        "while_loop: the condition <lambda> (here) must return one boolean scalar, it returns "
        "bool[6]. Use .all() or .any() for arrays"),
    "while_tuple": (
        lambda: lax.while_loop(lambda c: (c.sum() > 0,), lambda c: c, X), errors.DtypeError,
        "while_loop: the condition <lambda> (here) must return one boolean scalar, it returns "
        "TreeDef((*,)). Use .all() or .any() for arrays"),
    "fori_carry": (
        lambda: lax.fori_loop(0, 3, lambda i, x: x[1:], X), errors.StructureError, """\
fori_loop: what <lambda> (here) returns as the next carry differs from the carry that it takes:
  at the value: taken f64[6], returned f64[5]
Structures, shapes and dtypes must be equal."""),
    "fori_traced": (
        lambda: ft.jit(lambda n: lax.fori_loop(0, n, lambda i, x: {"a": x["a"] * 1j}, {"a": X}))(3),
        errors.StructureError, """\
fori_loop: what <lambda> (here) returns as the next carry differs from the carry that it takes:
  at ['a']: taken f64[6], returned c128[6]
Convert with .astype(dtype), or start from an array of the dtype that comes out."""),
    "fori_float": (lambda: lax.fori_loop(0, 3.0, lambda i, x: x, X), TypeError,
                   "fori_loop: bounds must be integers, got 3.0"),
    "fori_traced_float": (
        lambda: ft.jit(lambda n: lax.fori_loop(0, n, lambda i, x: x, X))(3.0), errors.DtypeError,
        "fori_loop: bounds must be integer scalars, got f32*[]"),
    "cond_array": (
        lambda: lax.cond(X > 0, lambda: 1, lambda: 2), errors.ShapeError,
        "cond: the predicate must be a scalar, got bool[6]. Use vmap(cond), or where(pred, x, y) "
        "for elements"),
    "cond_none": (lambda: lax.cond(None, lambda: 1, lambda: 2), TypeError,
                  "cond: the predicate must be a boolean scalar, got None"),
    "cond_complex": (lambda: lax.cond(1j, lambda: 1, lambda: 2), errors.DtypeError,
                     "cond: the predicate must be boolean or real, got c64*[]"),
    "cond_types": (
        lambda: lax.cond(True, lambda: {"a": X, "b": M}, lambda: {"a": X > 0, "b": M[:2]}),
        errors.StructureError, """\
cond: true_fun, <lambda> (here), and false_fun, <lambda> (here), return different types:
  at ['a']: true_fun f64[6], false_fun bool[6]
  at ['b']: true_fun f64[4,3], false_fun f64[2,3]
Structures, shapes and dtypes must be equal."""),
    "cond_structures": (
        lambda: lax.cond(True, lambda: (X, M), lambda: [X]), errors.StructureError, """\
cond: true_fun, <lambda> (here), and false_fun, <lambda> (here), return different types:
  true_fun: TreeDef((*, *))
  false_fun: TreeDef([*])
  at [1]: true_fun f64[4,3], false_fun has nothing
Structures, shapes and dtypes must be equal."""),
    "cond_operands": (
        lambda: lax.cond(True, abs, abs, 1, operand=2), TypeError,
        "cond takes operands either by position or as operand=, got both"),
    "switch_types": (
        lambda: lax.switch(1, [lambda x: x, lambda x: -x, lambda x: x.sum()], X),
        errors.StructureError, """\
switch: branch 0, <lambda> (here), and branch 2, <lambda> (here), return different types:
  at the value: branch 0 f64[6], branch 2 f64[]
Structures, shapes and dtypes must be equal."""),
    "switch_index": (lambda: lax.switch(1.5, [abs, abs], X), errors.DtypeError,
                     "switch: the index must be an integer scalar, got f32*[]"),
    "switch_empty": (lambda: lax.switch(1, [], X), ValueError,
                     "switch needs at least one branch"),
    "map_scalar": (lambda: lax.map(lambda x: x, 3.0), errors.ShapeError,
                   "map: xs is a scalar (f32*[]); map runs over the first axis of xs"),
    "map_batch": (lambda: lax.map(lambda x: x, M, batch_size=-1), ValueError,
                  "map: batch_size must be an int that is not negative, got -1"),
    "prefix_types": (
        lambda: lax.associative_scan(lambda a, b: a[:1], X), errors.StructureError, """\
associative_scan: <lambda> (here) must return what it takes:
  at the value: taken f64[3], returned f64[1]
Structures, shapes and dtypes must be equal."""),
    "prefix_lengths": (
        lambda: lax.associative_scan(lambda a, b: a, (X, {"m": M})), errors.ShapeError,
        "associative_scan: arrays differ in size along axis 0: elems[0] is f64[6], elems[1]['m'] "
        "is f64[4,3]"),
    "slice_starts": (lambda: lax.dynamic_slice(M, (1,), (2, 2)), TypeError,
                     "dynamic_slice needs one start for each of the 2 axes, got 1"),
    "slice_large": (lambda: lax.dynamic_slice(M, (1, 1), (2, 9)), errors.ShapeError,
                    "dynamic_slice: a window of shape (2, 9) does not fit into f64[4,3]"),
    "slice_float": (lambda: lax.dynamic_slice(M, (1.0, 1), (2, 2)), errors.DtypeError,
                    "dynamic_slice: starts must be integer scalars, got f32*[]"),
    "update_dtype": (
        lambda: lax.dynamic_update_slice(M, np.ones((1, 1), np.complex64), (0, 0)),
        errors.DtypeError,
        "dynamic_update_slice takes operands of one dtype, got f64[4,3], c64[1,1]"),
    "select_shapes": (
        lambda: lax.select(X > 0, X, M), errors.ShapeError,
        "select takes cases of one shape, and a predicate of that shape or a scalar; got bool[6], "
        "f64[6], f64[4,3]"),
    "select_n_float": (lambda: lax.select_n(X, X, X), errors.DtypeError,
                       "select_n: which must be boolean or integer, got f64[6]"),
    "select_n_many": (lambda: lax.select_n(X > 0, X, X, X), TypeError,
                      "select_n: a boolean chooses among two cases, got 3"),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_message(name):
    call, kind, expected = GOLDEN[name]
    with pytest.raises(kind) as caught:
        call()
    message, _, place = str(caught.value).partition("\n  at: ")
    assert re.sub(rf"\({re.escape(__file__)}:\d+\)", "(here)", message) == expected
    assert not place or place.startswith(__file__)


def test_many_differences_are_cut():
    start = {f"k{number:02}": np.zeros(number) for number in range(30)}
    with pytest.raises(TypeError) as caught:
        lax.scan(lambda c, _: ({key: value[1:] for key, value in c.items()}, None), start, length=2)
    lines = str(caught.value).split("\n")
    assert len(lines) == 12
    assert lines[-3] == "  ... and 21 more"


def test_the_place_of_a_wrapped_function_is_named():
    import functools

    def body(scale, carry, x):
        return carry[1:], x
    with pytest.raises(TypeError, match=rf"body \(.*:{body.__code__.co_firstlineno}\)"):
        lax.scan(functools.partial(body, 2.0), X, M)


def test_a_branch_on_a_traced_value_names_the_line_and_the_argument():
    def step(c, x):
        return (c + 1 if x > 0 else c), x
    with pytest.raises(errors.ConcretizationError) as caught:
        lax.scan(step, 0.0, X)
    assert f"{__file__}:{step.__code__.co_firstlineno + 1}" in str(caught.value)
    assert "lax.cond" in str(caught.value)


def test_a_tracer_kept_from_a_body_is_refused():
    kept = []
    lax.scan(lambda c, x: (kept.append(c), (c, x))[1], 0.0, X)
    with pytest.raises(errors.TracerLeakError):
        kept[0] + fnp.ones(())
