"""`fnp.float32` and its kin: NumPy's types as dtypes, and functions of traced values."""
from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

NAMES = ("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
         "float16", "float32", "float64", "complex64", "complex128")


@pytest.mark.parametrize("name", NAMES)
def test_they_are_numpys_as_dtypes(name):
    ours, theirs = getattr(fnp, name), getattr(np, name)
    assert ours == theirs and theirs == ours and {theirs: 1}[ours] == 1
    assert ours == np.dtype(theirs) and np.dtype(theirs) == ours and np.dtype(ours) == theirs
    assert np.zeros(2, ours).dtype == theirs and fnp.zeros(2, ours).dtype == theirs
    assert isinstance(theirs(1), ours) and issubclass(theirs, ours) and fnp.issubdtype(ours, theirs)
    assert not isinstance(1, ours) and ours != np.longdouble
    assert pickle.loads(pickle.dumps(ours)) is copy.deepcopy(ours) is ours


@pytest.mark.parametrize("name", NAMES)
def test_called_they_convert_what_is_traced(name):
    kind, x = getattr(fnp, name), np.array([0.0, 1.0, 3.0], np.float32)
    for out in (kind(x), ft.jit(kind)(x), ft.vmap(kind)(x)):
        assert isinstance(out, ft.Array) and out.dtype == kind
        np.testing.assert_array_equal(out, x.astype(kind))


def test_numbers_have_values_within_a_trace():
    """No equation converts them, and Python can count with them."""
    def f(x):
        return fnp.float32(2) * x + int(fnp.int32(3)) + len(range(fnp.int8(1)))
    program = ft.make_ir(f)(np.ones(3, np.float32))
    assert [kind.dtype for kind in program.input_types] == [np.float32] * 2
    assert "convert" not in str(program)
    with pytest.raises(OverflowError, match="does not fit uint8"):
        fnp.uint8(300)


def test_they_have_derivatives():
    assert ft.grad(lambda x: fnp.float64(x) ** 2)(np.float32(3)) == 6


def test_kinds_of_dtypes():
    assert fnp.issubdtype(fnp.bfloat16, fnp.floating) and fnp.issubdtype("bfloat16", fnp.number)
    assert fnp.issubdtype(fnp.bfloat16, fnp.bfloat16)
    assert not fnp.issubdtype(fnp.bfloat16, fnp.integer)
    assert not fnp.issubdtype(fnp.bfloat16, fnp.float32)
    assert fnp.issubdtype(fnp.bfloat16, fnp.floating) and not fnp.issubdtype("int8", fnp.inexact)
    assert not fnp.issubdtype(ft.random.key(0).dtype, ft.dtypes.prng_key)


def test_what_describes_an_array_will_do_where_only_that_is_asked():
    struct = ft.ShapeDtypeStruct((2, 3), "float64")
    assert fnp.shape(struct) == (2, 3) and fnp.ndim(struct) == 2 and fnp.size(struct, 1) == 3
    assert not fnp.iscomplexobj(struct) and fnp.iscomplexobj(fnp.complex64)
    assert fnp.zeros_like(struct).dtype == fnp.result_type(struct, fnp.float32) == fnp.float64
    assert ft.typeof(struct) == ft.typeof(fnp.ones_like(struct))


@pytest.mark.parametrize("product", [
    fnp.dot, fnp.matmul, fnp.inner, fnp.vdot, fnp.vecdot, fnp.convolve, fnp.correlate,
    lambda a, b, **kw: fnp.tensordot(a, b, 1, **kw),
    lambda a, b, **kw: fnp.einsum("i,i->", a, b, **kw)])
def test_products_in_a_preferred_dtype(product):
    x = np.full(300, 100, np.int8)
    wide = product(x, x, preferred_element_type=np.int32, precision="highest")
    assert wide.dtype == np.int32 and wide.ravel()[wide.size // 2] % 10000 == 0
    halves = np.full(3, 1.25, np.float16)
    assert product(halves, halves, preferred_element_type=np.float32).dtype == np.float32
    assert product(halves.astype(np.float64), halves, preferred_element_type="float32").dtype \
        == np.float32


def test_sums_of_small_integers():
    x = np.full(2, 100, np.int8)
    assert fnp.sum(x).dtype == np.int64 and int(fnp.sum(x)) == 200
    assert fnp.sum(x, promote_integers=False).dtype == np.int8
    assert fnp.prod(x, promote_integers=False).dtype == np.int8
