"""Promotion by NumPy's rules (JAX's for bfloat16), docs/dtypes.md, half precision throughout."""
from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy_rows import ROWS, Call, laws, promotion_page, typical
from numpy_rows.promotion_page import DTYPES, NUMBERS

import functrans as ft
import functrans.numpy as fnp
from functrans import tree

ml_dtypes = pytest.importorskip("ml_dtypes")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
ORDINARY = [name for name in DTYPES if name != "bfloat16"]


@pytest.mark.parametrize("a, b", [*itertools.combinations_with_replacement(ORDINARY, 2)])
def test_arrays_are_promoted_as_in_numpy(a, b):
    x, y = np.ones(2, a), np.ones(2, b)
    assert fnp.promote_types(a, b) == fnp.promote_types(b, a) == np.promote_types(a, b)
    assert (fnp.asarray(x) * fnp.asarray(y)).dtype == (x * y).dtype
    assert fnp.where(True, x, fnp.asarray(y)).dtype == np.where(True, x, y).dtype


@pytest.mark.parametrize("name, number", [*itertools.product(ORDINARY, NUMBERS.values())])
def test_python_numbers_are_weak_as_in_numpy(name, number):
    with ft.config.override(default_float="float64"):
        x = np.ones(2, name)
        assert fnp.result_type(name, number) == np.result_type(np.dtype(name), number)
        assert (fnp.asarray(x) * number).dtype == (number * fnp.asarray(x)).dtype \
            == (x * number).dtype
        jitted = ft.jit(lambda x: x * number, device="reference")
        assert jitted(x).dtype == (x * number).dtype


@pytest.mark.parametrize("name", [*DTYPES, *NUMBERS.values()])
def test_bfloat16_is_promoted_as_in_jax(name):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        if not isinstance(name, str):
            want = jax.numpy.result_type(jax.numpy.bfloat16, name)
            assert fnp.result_type(BFLOAT16, name) == want
        else:
            other = promotion_page.dtype(name)
            assert fnp.promote_types(BFLOAT16, other) == fnp.promote_types(other, BFLOAT16) \
                == jax.numpy.promote_types(BFLOAT16, other)


def test_page_is_current():
    text = promotion_page.PAGE.read_text()
    assert promotion_page.filled(text) == text


def test_bfloat16_by_name():
    assert fnp.bfloat16 == ml_dtypes.bfloat16
    assert fnp.zeros(2, "bfloat16").dtype == fnp.zeros(2, fnp.bfloat16).dtype == BFLOAT16
    assert fnp.isdtype(BFLOAT16, "real floating") and float(fnp.finfo(BFLOAT16).eps) == 2 ** -7


NAMED = {
    "astype": lambda x, name: x.astype(name), "zeros": lambda x, name: fnp.zeros(2, name),
    "compiled": lambda x, name: ft.jit(lambda x: x.astype(name), device="reference")(x),
    "asarray": lambda x, name: fnp.asarray(1.5, dtype=name),
    "sum": lambda x, name: fnp.sum(x, dtype=name),
    "add.reduce": lambda x, name: fnp.add.reduce(x, dtype=name),
    "concatenate": lambda x, name: fnp.concatenate([x, x], dtype=name),
    "ShapeDtypeStruct": lambda x, name: ft.ShapeDtypeStruct((2,), name),
    "cast_floats": lambda x, name: ft.optim.cast_floats(x, name),
    "normal": lambda x, name: ft.random.normal(ft.random.key(0), (2,), name),
    "lax": lambda x, name: ft.lax.convert_element_type(x, name),
    "iota": lambda x, name: ft.lax.iota(name, 2),
    "dot": lambda x, name: ft.lax.dot(x, x, preferred_element_type=name)}


@pytest.mark.parametrize("use", NAMED)
def test_bfloat16_by_name_before_ml_dtypes_is_imported(use, monkeypatch):
    """NumPy does not know the name until then."""
    monkeypatch.delitem(np.sctypeDict, "bfloat16")
    with pytest.raises(TypeError, match="not understood"):
        np.dtype("bfloat16")
    assert NAMED[use](fnp.ones(2), "bfloat16").dtype == BFLOAT16


# ---- half precision through every function ----

# Where the dtype is asked for, or the result is one of another dtype's own.
EXPLICIT = {"array", "astype", "zeros_like", "ones_like", "full_like", "mean", "diff", "spacing",
            "from_dlpack", "r_", "sum", "cumsum", "common_type"}
HALF = [row for row in ROWS if row.name not in EXPLICIT and "quantile" not in row.name
        and "text" not in row.why
        and not row.name.startswith(("linalg.", "histogram", "nanp", "percentile"))]


def _cast(call: Call, source, target) -> Call:
    def convert(x):
        return x.astype(target) if isinstance(x, np.ndarray) and x.dtype == source else x
    args, kwargs = tree.map(convert, (call.args, call.kwargs), is_leaf=lambda x: x is None)
    return Call(tuple(args), kwargs)


def _narrow_and_wide(row, dtype):
    """A typical call in half precision, and the same numbers in float32."""
    for structure in range(4):
        call = row.arguments(typical(structure, 0, ("float32",)))
        if any(a.dtype == np.float32 for a in laws.Flat(row, call).arrays) \
                and not isinstance(laws.theirs(row, call), Exception):
            narrow = _cast(call, np.float32, dtype)
            return narrow, _cast(narrow, dtype, np.float32)
    return None


@pytest.mark.parametrize("dtype", [np.dtype("float16"), BFLOAT16], ids=str)
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.name}-{k}")
                                 for k, row in enumerate(HALF)])
def test_half_precision_is_float32_rounded(row, dtype):
    calls = _narrow_and_wide(row, dtype)
    if calls is None:
        pytest.skip("takes no floats")
    narrow, wide = calls
    results = zip(laws.as_list(laws.ours(row, narrow)), laws.as_list(laws.ours(row, wide)),
                  strict=True)
    tolerance = 12 * float(fnp.finfo(dtype).eps)
    for got, expected in results:
        assert got.dtype == (dtype if expected.dtype == np.float32 else expected.dtype)
        if expected.dtype == np.float32:
            with laws.silent():
                expected = expected.astype(dtype).astype(np.float32)
        if expected.dtype.kind in "fc":
            scale = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
            np.testing.assert_allclose(got.astype(expected.dtype), expected, rtol=tolerance,
                                       atol=tolerance * scale)
        else:
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["tanh", "mean", "sort", "matmul", "cumsum", "take", "var"])
@pytest.mark.parametrize("dtype", [np.dtype("float16"), BFLOAT16], ids=str)
def test_half_precision_compiled(name, dtype):
    row = next(row for row in ROWS if row.name == name)
    narrow, _ = _narrow_and_wide(row, dtype)
    laws.check_jit(row, narrow)
