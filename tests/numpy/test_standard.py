"""The array API standard, version 2024.12: the main namespace against array-api-strict.

A row for each function (the linalg and fft extensions: test_linalg_standard.py): its signature,
the dtype, shape and values of its results, special values in all combinations, and what the
namespace and its arrays say of themselves.
"""
from __future__ import annotations

import inspect
import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from numpy_rows.draw import Draw
from numpy_rows.laws import assert_close, silent
from numpy_rows.standard import STANDARD

import functrans as ft
import functrans.numpy as fnp
from functrans import tree

strict = pytest.importorskip("array_api_strict")
VERSION = "2024.12"
# Names that array-api-strict adds, or that belong to a later version of the standard.
EXTRA = {"ArrayAPIStrictFlags", "Device", "get_array_api_strict_flags", "broadcast_shapes",
         "reset_array_api_strict_flags", "set_array_api_strict_flags", "isin"}


@pytest.fixture(autouse=True)
def _standard():
    with ft.config.override(default_float="float64"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strict.set_array_api_strict_flags(api_version=VERSION)
        yield


def functions() -> list[str]:
    return sorted(name for name in strict.__all__
                  if name not in EXTRA and not name.startswith("__")
                  and (inspect.isfunction(getattr(strict, name))))


def test_every_function_has_a_row():
    rows = {row.name for row in STANDARD}
    assert rows == set(functions())


@pytest.mark.parametrize("name", functions())
def test_signature(name):
    """What the standard allows to be given by position, and what by keyword, is accepted so."""
    wanted = inspect.signature(getattr(strict, name)).parameters.values()
    ours = inspect.signature(getattr(fnp, name))
    by_position = [p.name for p in wanted if p.kind is p.POSITIONAL_ONLY]
    either = [p.name for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_keyword = [p.name for p in wanted if p.kind is p.KEYWORD_ONLY]
    ours.bind(*by_position, **dict.fromkeys(either + by_keyword))
    ours.bind(*by_position, *either, **dict.fromkeys(by_keyword))
    required = [p.name for p in wanted if p.default is p.empty and p.kind is p.POSITIONAL_ONLY]
    ours.bind(*required, *[p.name for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD
                           and p.default is p.empty])


def _to_strict(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return strict.asarray(value)
    if isinstance(value, np.dtype):
        return getattr(strict, value.name)
    if isinstance(value, (list, tuple)):
        return type(value)(_to_strict(item) for item in value)
    return value


def _to_ours(value):
    return fnp.asarray(value) if isinstance(value, np.generic) else value


def _plain(result):
    """Results as NumPy arrays; dtypes and Python values as they are."""
    if isinstance(result, (tuple, list)):
        return [_plain(part) for part in result]
    if hasattr(result, "_np_dtype"):
        return result._np_dtype
    return np.asarray(result) if hasattr(result, "shape") else result


def _strict_arguments(row, call):
    kwargs = {key: getattr(strict, value) if key == "dtype" else _to_strict(value)
              for key, value in call.kwargs.items()}
    return tuple(map(_to_strict, call.args)), kwargs


def _assert_like(got, expected, row):
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for x, y in zip(got, expected):
            _assert_like(x, y, row)
    elif isinstance(expected, np.ndarray):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        if row.values:
            assert_close(got, expected, row.ulp)
    elif row.values:
        assert got == expected


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.name}-{k}")
                                 for k, row in enumerate(STANDARD)])
@given(data=st.data())
def test_dtypes_shapes_and_values(row, data):
    draw = Draw(lambda n: data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, 99)))
    call = row.arguments(draw)
    note(f"{row.name}: {call}")
    args, kwargs = _strict_arguments(row, call)
    with silent():
        expected = getattr(strict, row.name)(*args, **kwargs)
        got = getattr(fnp, row.name)(*tree.map(_to_ours, call.args), **call.kwargs)
    assert getattr(got, "_fields", None) == getattr(expected, "_fields", None)
    _assert_like(_plain(got), _plain(expected), row)


# ---- special values ----

REALS = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, np.inf, -np.inf, np.nan,
                  1e300, -1e-300])
PARTS = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]
COMPLEXES = np.array([complex(a, b) for a, b in itertools.product(PARTS, PARTS)])
# Functions of complex numbers for which the standard lists no special values, or for which NumPy's
# are not those that it lists (expm1): finite operands only.
OPEN = {"sign", "pow", "divide", "reciprocal", "expm1"}
TARGETS = ("reference", "cpu")


def _takes(row, dtype) -> bool:
    one = strict.ones((1,), dtype=getattr(strict, dtype))
    try:
        getattr(strict, row.name)(*[one] * _count(row))
        return True
    except TypeError:
        return False


def _count(row) -> int:
    """How many operands a function has."""
    call = row.arguments(Draw(lambda n: 0, 0, True))
    return len(call.args)


SPECIAL = [row for row in STANDARD if row.special]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.name}-{k}")
                                 for k, row in enumerate(SPECIAL)])
def test_special_values(row, target):
    """NaN, infinities and signed zeros give what the standard lists, signs included."""
    function = ft.jit(getattr(fnp, row.name), device=target)
    for dtype, values in (("float64", REALS), ("complex128", COMPLEXES)):
        if not _takes(row, dtype):
            continue
        operands = [part.ravel() for part in np.meshgrid(*[values] * _count(row), indexing="ij")]
        with silent():
            expected = np.asarray(getattr(strict, row.name)(*map(strict.asarray, operands)))
            got = np.asarray(function(*operands))
            same = _same_complex(got, expected, operands, row.name) if dtype == "complex128" \
                else _same_real(got, expected, row.name)
        wrong = [(*(op[k] for op in operands), got[k], expected[k])
                 for k in np.flatnonzero(~same)[:8]]
        assert not wrong, f"(operands.., got, expected): {wrong}"


def _same_real(x, y, name: str):
    """Equal, with the sign of zeros (which of two zeros is larger is left open)."""
    same = (x == y) | ((x != x) & (y != y))
    if y.dtype.kind != "f":
        return same
    signs = (np.signbit(x) == np.signbit(y)) | (y != y)
    same = same | np.isclose(x, y, rtol=1e-13, atol=0)
    return same & (signs | (name in ("maximum", "minimum")))


def _same_complex(x, y, operands, name: str):
    """Equal part by part; the signs of zeros and infinities are often left open."""
    if y.dtype.kind != "c":
        return _same_real(x, y, name)
    size = np.where(np.isfinite(y), np.abs(y), 1)
    same = np.ones(y.shape, bool)
    for a, b in ((x.real, y.real), (x.imag, y.imag)):
        same &= ((a != a) & (b != b)) | (np.isinf(b) & (np.abs(a) == np.abs(b))) \
            | (np.isfinite(b) & (np.abs(a - b) <= 1e-14 * np.maximum(size, np.abs(b))))
    if name in OPEN:
        same |= ~np.isfinite(y) | np.any([~np.isfinite(op) for op in operands], axis=0)
    return same


# ---- the namespace ----

def test_namespace_info_is_the_standards():
    ours, theirs = fnp.__array_namespace_info__(), strict.__array_namespace_info__()
    assert set(ours.capabilities()) == set(theirs.capabilities())
    for kind in (None, "bool", "signed integer", "unsigned integer", "integral", "real floating",
                 "complex floating", "numeric", ("integral", "bool")):
        wanted = {name: dtype._np_dtype for name, dtype in theirs.dtypes(kind=kind).items()}
        assert ours.dtypes(kind=kind) == wanted
    assert set(ours.default_dtypes()) == set(theirs.default_dtypes())
    assert ours.default_device() in ours.devices()
    with pytest.raises(ValueError, match="kind"):
        ours.dtypes(kind="strings")


def test_default_dtypes_follow_the_configuration():
    with ft.config.override(default_float="float32"):
        kinds = fnp.__array_namespace_info__().default_dtypes()
        assert kinds["real floating"] == fnp.zeros(1).dtype == np.float32
        assert kinds["complex floating"] == fnp.asarray(1j).dtype == np.complex64
        assert kinds["integral"] == fnp.asarray(1).dtype == np.int64


def test_versions():
    x = fnp.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version=VERSION) is fnp
    assert fnp.__array_api_version__ == VERSION
    with pytest.raises(ValueError, match="2023.12"):
        x.__array_namespace__(api_version="1999.1")


def test_constants():
    assert (fnp.pi, fnp.e, fnp.inf, fnp.newaxis) == (np.pi, np.e, np.inf, None)
    assert fnp.nan != fnp.nan


ATTRIBUTES = ("dtype", "device", "mT", "ndim", "shape", "size", "T", "to_device", "__abs__",
              "__add__", "__and__", "__array_namespace__", "__bool__", "__complex__", "__dlpack__",
              "__dlpack_device__", "__eq__", "__float__", "__floordiv__", "__ge__", "__getitem__",
              "__gt__", "__index__", "__int__", "__invert__", "__le__", "__lshift__", "__lt__",
              "__matmul__", "__mod__", "__mul__", "__ne__", "__neg__", "__or__", "__pos__",
              "__pow__", "__rshift__", "__setitem__", "__sub__", "__truediv__", "__xor__")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_arrays_have_the_attribute(name):
    assert hasattr(fnp.ones((2, 2)), name)


def test_devices():
    x = fnp.ones(2)
    assert x.device in fnp.__array_namespace_info__().devices()
    assert x.to_device(x.device) is x
    assert fnp.zeros(2, device=x.device).device == x.device
    for make in (lambda: x.to_device("mars"), lambda: fnp.zeros(2, device="mars")):
        with pytest.raises(ValueError, match="mars"):
            make()


def test_an_element_cannot_be_assigned():
    x = fnp.zeros(3)
    with pytest.raises(TypeError, match=r"\.at\[.*\]\.set"):
        x[0] = 1
    y = x
    y += 1                                   # makes a new array, and binds the name to it
    assert np.asarray(x).sum() == 0 and np.asarray(y).sum() == 3


def test_complex_numbers_become_real_only_by_their_real_part():
    with pytest.raises(TypeError, match="real"):
        fnp.astype(fnp.asarray([1j]), fnp.float64)


def test_arguments_that_the_standard_forbids_raise():
    x = fnp.ones((2, 3))
    for wrong in (lambda: fnp.asarray([1.0], copy=False), lambda: fnp.isdtype("float32", "numeric"),
                  lambda: fnp.unstack(fnp.asarray(1.0)), lambda: fnp.reshape(x, (4, 2)),
                  lambda: fnp.squeeze(x, 0), lambda: fnp.cumulative_sum(x),
                  lambda: fnp.broadcast_to(x, (2, 2)), lambda: fnp.expand_dims(x, axis=4)):
        with pytest.raises((ValueError, TypeError, IndexError)):
            wrong()
