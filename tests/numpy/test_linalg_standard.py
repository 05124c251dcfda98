"""The linalg and fft extensions of the array API standard, against array-api-strict.

A row for each function: operands by shape, and arguments. Signatures, dtypes, shapes and values.
"""
from __future__ import annotations

import inspect
from dataclasses import dataclass

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

strict = pytest.importorskip("array_api_strict")
FLOATS = ("float32", "float64")
INEXACT = (*FLOATS, "complex64", "complex128")
NUMBERS = (*INEXACT, "int8", "int32", "int64", "uint8", "uint32")


@dataclass(frozen=True)
class Row:
    """cases: pairs of the shapes of the operands and the other arguments.

    prepare: what is made of each operand; compare: what of the result is compared, where its
    vectors are determined but for their signs or phases.
    """
    name: str
    dtypes: tuple
    cases: tuple
    prepare: object = None
    compare: object = None

    def operands(self, shapes, dtype: str) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        arrays = [draw(rng, shape, np.dtype(dtype)) for shape in shapes]
        return [self.prepare(a) for a in arrays] if self.prepare else arrays


def draw(rng, shape, dtype) -> np.ndarray:
    if dtype.kind in "iu":
        return rng.integers(0, 5, shape).astype(dtype)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if dtype.kind == "c" else values).astype(dtype)


def hermitian(a):
    return a + np.swapaxes(a.conj(), -1, -2)


def definite(a):
    return a @ np.swapaxes(a.conj(), -1, -2) + np.eye(a.shape[-1], dtype=a.dtype)


def _adjoint(a):
    return np.swapaxes(np.conj(a), -1, -2)


def by_eigenvalues(result):
    values, vectors = map(np.asarray, result)
    return values, vectors * values[..., None, :].astype(vectors.dtype) @ _adjoint(vectors)


def by_singular_values(result):
    u, s, vh = map(np.asarray, result)
    k = s.shape[-1]
    return s, u[..., :k] * s[..., None, :].astype(u.dtype) @ vh[..., :k, :]


def by_product(result):
    q, r = map(np.asarray, result)
    return q @ r, np.abs(np.diagonal(r, axis1=-2, axis2=-1))


def case(*shapes, **options):
    return shapes, options


_SQUARE = (case((3, 3)), case((2, 4, 4)), case((1, 1)))
_ANY = (case((3, 3)), case((2, 4, 3)), case((2, 1, 2, 5)))
_INF = float("inf")
LINALG = (
    Row("cholesky", INEXACT, (*_SQUARE, case((3, 3), upper=True)), definite),
    Row("cross", NUMBERS, (case((3,), (3,)), case((2, 3), (2, 3)),
                           case((3, 2), (3, 2), axis=-2), case((4, 3), (1, 3)))),
    Row("det", INEXACT, _SQUARE),
    Row("diagonal", NUMBERS, (*_ANY, case((3, 4), offset=1), case((3, 4), offset=-2))),
    Row("eigh", INEXACT, _SQUARE, hermitian, by_eigenvalues),
    Row("eigvalsh", INEXACT, _SQUARE, hermitian),
    Row("inv", INEXACT, _SQUARE),
    Row("matmul", NUMBERS, (case((3,), (3,)), case((2, 3), (3, 4)), case((2, 3, 4), (4,)),
                            case((2, 1, 2, 3), (4, 3, 2)))),
    Row("matrix_norm", INEXACT, (*_ANY, case((2, 3), keepdims=True), *(
        case((2, 3, 4), ord=order) for order in ("fro", "nuc", 1, -1, 2, -2, _INF, -_INF)))),
    Row("matrix_power", INEXACT, tuple(case((2, 3, 3), n=n) for n in (-2, 0, 1, 3))),
    Row("matrix_rank", INEXACT, (*_ANY, case((3, 3), rtol=0.5))),
    Row("matrix_transpose", NUMBERS, _ANY),
    Row("outer", NUMBERS, (case((3,), (4,)), case((1,), (2,)))),
    Row("pinv", INEXACT, (*_ANY, case((3, 2), rtol=0.5))),
    Row("qr", INEXACT, (*_ANY, case((4, 3), mode="complete"), case((2, 3), mode="reduced")),
        None, by_product),
    Row("slogdet", INEXACT, _SQUARE),
    Row("solve", INEXACT, (case((3, 3), (3,)), case((2, 3, 3), (2, 3, 1)),
                           case((3, 3), (2, 3, 2)), case((2, 2, 2), (2,)))),
    Row("svd", INEXACT, (*_ANY, case((3, 2), full_matrices=False)), None, by_singular_values),
    Row("svdvals", INEXACT, _ANY),
    Row("tensordot", NUMBERS, (case((2, 3), (3, 4), axes=1), case((2, 3), (3, 4), axes=0),
                               case((2, 3, 4), (4, 3), axes=((1, 2), (1, 0))))),
    Row("trace", NUMBERS, (*_ANY, case((3, 4), offset=1))),
    Row("vecdot", NUMBERS, (case((3,), (3,)), case((2, 3), (2, 3)),
                            case((3, 2), (3, 1), axis=-2))),
    Row("vector_norm", INEXACT, (*_ANY, case((2, 3), axis=0), case((2, 3), axis=(0, 1)),
                                 case((2, 3), axis=-1, keepdims=True), *(
        case((2, 3), axis=1, ord=order) for order in (0, 1, 2, 3.5, -1, _INF, -_INF)))),
)
_COMPLEX = ("complex64", "complex128")
_ONE = (case((6,)), case((2, 5), n=4), case((2, 3), n=7, axis=0), case((4,), norm="ortho"),
        case((4,), norm="forward"))
_MANY = (case((3, 4)), case((2, 3, 4), axes=(0, 2)), case((3, 4), s=(2, 6), axes=(0, 1)),
         case((3, 4), norm="ortho"))
FFT = (
    *(Row(name, _COMPLEX, _ONE) for name in ("fft", "ifft", "irfft", "hfft")),
    *(Row(name, FLOATS, _ONE) for name in ("rfft", "ihfft")),
    *(Row(name, _COMPLEX, _MANY) for name in ("fftn", "ifftn", "irfftn")),
    Row("rfftn", FLOATS, _MANY),
    *(Row(name, INEXACT, (case((5,)), case((2, 4)), case((2, 4), axes=1)))
      for name in ("fftshift", "ifftshift")),
)
_FREQUENCIES = ("fftfreq", "rfftfreq")


def rows():
    return [pytest.param(space, row, id=f"{space}.{row.name}")
            for space, group in (("linalg", LINALG), ("fft", FFT)) for row in group]


def narrow_enough(got, expected, dtype):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype and got.shape == expected.shape
    if expected.dtype.kind in "iu":
        np.testing.assert_array_equal(got, expected)
        return
    eps = max(np.finfo(dtype).eps if dtype in INEXACT else 0, np.finfo(expected.dtype).eps)
    scale = np.max(np.abs(expected), initial=1)
    np.testing.assert_allclose(got, expected, rtol=3000 * eps, atol=3000 * eps * scale)


def parts(value) -> tuple:
    return tuple(value) if isinstance(value, tuple) else (value,)


def results(value, row: Row) -> tuple:
    return parts(value) if row.compare is None else row.compare(value)


def split(function, options: dict) -> tuple[list, dict]:
    """Arguments that go by position alone, and those that go by name."""
    parameters = inspect.signature(function).parameters
    by_position = {name for name in options
                   if parameters[name].kind == inspect.Parameter.POSITIONAL_ONLY}
    return ([options[name] for name in options if name in by_position],
            {name: value for name, value in options.items() if name not in by_position})


@pytest.mark.parametrize("space, row", rows())
def test_function(space, row):
    ours, theirs = (getattr(getattr(module, space), row.name) for module in (fnp, strict))
    for shapes, options in row.cases:
        for dtype in row.dtypes:
            arrays = row.operands(shapes, dtype)
            more, named = split(theirs, options)
            expected = theirs(*map(strict.asarray, arrays), *more, **named)
            expected = tuple(map(np.asarray, expected)) if isinstance(expected, tuple) else \
                np.asarray(expected)
            got = ours(*map(fnp.asarray, arrays), *more, **named)
            for a, b in zip(parts(got), parts(expected), strict=True):
                assert a.dtype == b.dtype and a.shape == b.shape
            for a, b in zip(results(got, row), results(expected, row), strict=True):
                narrow_enough(a, b, dtype)


@pytest.mark.parametrize("name", _FREQUENCIES)
def test_frequencies(name):
    ours, theirs = (getattr(module.fft, name) for module in (fnp, strict))
    for n in (1, 4, 5):
        for d in (1.0, 0.25):
            narrow_enough(ours(n, d=d, dtype=fnp.float64),
                          theirs(n, d=d, dtype=strict.float64), "float64")


@pytest.mark.parametrize("space", ["linalg", "fft"])
def test_every_function_has_a_row(space):
    group = {"linalg": LINALG, "fft": FFT}[space]
    module = getattr(strict, space)
    names = [name for name in module.__all__ if callable(getattr(module, name))
             and not inspect.isclass(getattr(module, name))]
    rowed = {row.name for row in group} | ({"eig", "eigvals"} if space == "linalg"
                                           else set(_FREQUENCIES))
    assert set(names) <= rowed
    assert all(hasattr(getattr(fnp, space), name) for name in names)


@pytest.mark.parametrize("space, name", [
    (space, row.name) for space, group in (("linalg", LINALG), ("fft", FFT)) for row in group]
    + [("fft", name) for name in _FREQUENCIES])
def test_signature(space, name):
    """Every call that the standard allows is possible."""
    ours, theirs = (inspect.signature(getattr(getattr(module, space), name)).parameters
                    for module in (fnp, strict))
    positional = [p for p in theirs.values() if p.kind == p.POSITIONAL_ONLY]
    assert len([p for p in ours.values()
                if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) >= len(positional)
    for parameter in theirs.values():
        if parameter.kind != parameter.POSITIONAL_ONLY:
            assert parameter.name in ours
            assert ours[parameter.name].kind != inspect.Parameter.POSITIONAL_ONLY


@pytest.mark.parametrize("name, fields", [
    ("eigh", ("eigenvalues", "eigenvectors")), ("qr", ("Q", "R")),
    ("slogdet", ("sign", "logabsdet")), ("svd", ("U", "S", "Vh")),
    ("eig", ("eigenvalues", "eigenvectors"))])
def test_names_of_results(name, fields):
    result = getattr(fnp.linalg, name)(fnp.eye(2))
    assert result._fields == fields
    assert getattr(ft.jit(getattr(fnp.linalg, name))(fnp.eye(2)), fields[0]).shape is not None
