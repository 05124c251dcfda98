"""Array: immutable, NumPy-like, and open to the protocols of others."""
from __future__ import annotations

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import errors

X = fnp.array([1.0, 2.0, 3.0])
M = fnp.arange(6.0).reshape(2, 3)


# ---- what it is ----

def test_attributes():
    assert (M.shape, M.ndim, M.size, M.nbytes, M.itemsize) == ((2, 3), 2, 6, 24, 4)
    assert M.dtype == np.float32 and str(M.device) == "cpu:0" and M.devices() == {M.device}
    assert M.T.shape == (3, 2) and M.mT.shape == (3, 2) and len(M) == 2
    assert M.is_ready() and M.block_until_ready() is M and not M.is_deleted()
    assert [float(value) for value in M.flat] == list(range(6))
    assert M.tobytes() == np.asarray(M).tobytes()


def test_repr_shows_dtype_shape_and_weakness():
    assert repr(X) == "Array([1., 2., 3.], dtype=float32)"
    assert repr(fnp.zeros((0, 3))) == "Array([], shape=(0, 3), dtype=float32)"
    assert "weak_type=True" in repr(fnp.asarray(1.0) if fnp.asarray(1.0).weak_type
                                    else ft.jit(lambda: 1.0)())
    assert str(X) == "[1. 2. 3.]"


def test_both_arrays_and_tracers_are_arrays():
    seen = []
    ft.jit(lambda x: seen.append(isinstance(x, ft.Array)) or x)(X)
    ft.grad(lambda x: seen.append(isinstance(x, fnp.ndarray)) or x.sum())(X)
    assert seen == [True, True] and isinstance(X, ft.Array)
    assert not isinstance(np.ones(2), ft.Array)


# ---- immutable ----

def test_arrays_do_not_change():
    with pytest.raises(errors.ImmutableError, match=r"x\.at\[index\]\.set"):
        X[0] = 5.0
    with pytest.raises(TypeError, match="cannot be deleted"):
        del X[0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(X)[0] = 5.0
    source = np.ones(3)
    array = fnp.asarray(source)
    source[0] = 7
    assert array[0] == 1
    mine = np.array(X)
    mine[0] = 7
    assert X[0] == 1


def test_augmented_assignment_makes_a_new_array():
    x = y = fnp.ones(2)
    x += 1
    assert x.tolist() == [2, 2] and y.tolist() == [1, 1]


def test_an_ndarray_is_not_changed_in_place():
    total = np.zeros(3)
    with pytest.raises(TypeError, match=r"a = a \+ x"):
        total += X
    with pytest.raises(TypeError, match="out="):
        np.add(total, X, out=total)


def test_hash_is_refused():
    with pytest.raises(TypeError, match="unhashable"):
        hash(X)
    with pytest.raises(TypeError, match="unhashable"):
        ft.jit(lambda x: {x: 1})(X)


AT = {
    "set": (lambda a, v: v), "add": operator.add, "subtract": operator.sub,
    "multiply": operator.mul, "mul": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "min": np.minimum, "max": np.maximum,
}


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("index", (1, slice(0, 2), [0, 2], (slice(None), 1), -1),
                         ids=("int", "slice", "list", "column", "negative"))
def test_at(name, index):
    data = np.arange(1.0, 13.0).reshape(3, 4)
    x, before = fnp.array(data), data.copy()
    place = np.array(index) if isinstance(index, list) else index
    expected = data.copy()
    expected[place] = AT[name](data[place], 2.5)
    got = getattr(x.at[place], name)(2.5)
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(x.at[place].get(), data[place])
    np.testing.assert_allclose(
        ft.jit(lambda x: getattr(x.at[place], name)(2.5))(x), expected, rtol=1e-15)


def test_at_counts_repeated_indices_and_applies_functions():
    assert fnp.zeros(3).at[fnp.array([0, 0, 2])].add(1.0).tolist() == [2, 0, 1]
    assert X.at[1:].apply(lambda v: -v).tolist() == [1, -2, -3]
    assert X.at[7].set(1.0, mode="drop").tolist() == [1, 2, 3]
    assert X.at[-9].add(1.0, mode="clip").tolist() == [2, 2, 3]
    assert float(X.at[7].get(mode="fill", fill_value=-1.0)) == -1
    assert M.at[5, :2].get(mode="clip").tolist() == [3, 4]
    for use in (lambda: X[7], lambda: X.at[7].set(1.0), lambda: M[0, -4]):
        with pytest.raises(errors.OutOfBoundsError):
            use()


# ---- conversions ----

def test_python_scalars():
    assert (float(fnp.array(2.5)), int(fnp.array(3.7)), bool(fnp.array([0.0]))) == (2.5, 3, False)
    assert complex(fnp.array(1j)) == 1j and fnp.array(2.5).item() == 2.5 and M.item(5) == 5
    assert range(5)[fnp.array(3)] == 3 and M.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert math.floor(fnp.array(2.5)) == 2 and f"{fnp.array(math.pi):.3f}" == "3.142"
    assert float(round(fnp.array(2.567), 2)) == pytest.approx(2.57)
    assert 2.0 in X and 9.0 not in X


@pytest.mark.parametrize("convert, kind", (
    (bool, ValueError), (float, TypeError), (int, TypeError), (complex, TypeError),
    (operator.index, TypeError), (lambda x: x.item(), ValueError)))
def test_only_one_element_is_a_scalar(convert, kind):
    with pytest.raises(kind):
        convert(X)


def test_scalars_have_no_length():
    for use in (len, iter, list):
        with pytest.raises(TypeError, match="0-d"):
            use(fnp.array(1.0))


def test_iteration_and_unpacking():
    first, second = M
    assert first.tolist() == [0, 1, 2] and [row.shape for row in M] == [(3,), (3,)]
    assert second.tolist() == [3, 4, 5]


def test_numpy_conversion_by_the_protocol():
    assert np.asarray(X).dtype == np.float32 and np.asarray(X, "float64").dtype == np.float64
    assert np.shares_memory(np.asarray(X), np.asarray(X))
    assert np.array(X).flags.writeable and not np.shares_memory(np.array(X), np.asarray(X))
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(X, dtype="float64", copy=False)


def test_copies_and_pickles():
    assert copy.copy(X) is X and copy.deepcopy([X])[0] is X
    weak = ft.jit(lambda: 1.5)()
    for array in (X, M, weak, fnp.zeros((0, 2)), fnp.array([1 + 2j])):
        again = pickle.loads(pickle.dumps(array))
        assert (again.dtype, again.shape, again.weak_type) \
            == (array.dtype, array.shape, array.weak_type)
        np.testing.assert_array_equal(again, array)


def test_dlpack_shares_memory_that_cannot_be_written():
    view = np.from_dlpack(X)
    assert np.shares_memory(view, np.asarray(X)) and not view.flags.writeable
    np.testing.assert_array_equal(fnp.from_dlpack(np.arange(3.0)), [0, 1, 2])
    with pytest.raises(BufferError):
        X.__dlpack__(copy=False)                 # a reader that knows no mark of read-only memory


def test_dlpack_with_torch():
    torch = pytest.importorskip("torch")
    assert torch.from_dlpack(X).tolist() == [1, 2, 3]
    np.testing.assert_array_equal(fnp.from_dlpack(torch.ones(3)), [1, 1, 1])


def test_dlpack_with_jax():
    jax = pytest.importorskip("jax")
    assert jax.dlpack.from_dlpack(X).tolist() == [1, 2, 3]
    np.testing.assert_array_equal(fnp.asarray(jax.numpy.ones(3)), [1, 1, 1])


def test_donated_arrays():
    x = fnp.ones(3)
    ft.jit(lambda x: x + 1, donate_argnums=0)(x)
    assert x.is_deleted() and x.shape == (3,) and "donated" in repr(x) and "donated" in str(x)
    for use in (lambda: x + 1, lambda: np.asarray(x), lambda: x.tolist(), lambda: pickle.dumps(x),
                lambda: ft.jit(lambda x: x)(x), lambda: ft.jit(lambda y: x + y)(1.0)):
        with pytest.raises(errors.DonatedError, match="donate_argnums"):
            use()


# ---- operators ----

BINARY = (operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
          operator.mod, operator.pow, divmod, operator.lt, operator.le, operator.gt, operator.ge,
          operator.eq, operator.ne)
OTHERS = {"python": 2, "float": 1.5, "scalar": np.float32(2), "ndarray": np.array([2.0, 1.0, 3.0]),
          "array": fnp.array([2.0, 1.0, 3.0])}


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", OTHERS)
def test_operators_with_the_array_on_either_side(function, other):
    value = OTHERS[other]
    plain = np.asarray(value) if other == "array" else value
    for got, expected in ((function(X, value), function(np.asarray(X), plain)),
                          (function(value, X), function(plain, np.asarray(X)))):
        for a, b in zip(ft.tree.leaves(got), expected if isinstance(expected, tuple)
                        else (expected,), strict=True):
            assert isinstance(a, ft.Array) and a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("function", (operator.and_, operator.or_, operator.xor,
                                      operator.lshift, operator.rshift))
def test_operators_of_bits(function):
    a, b = np.array([5, 6]), np.array([1, 3])
    np.testing.assert_array_equal(function(fnp.array(a), b), function(a, b))
    np.testing.assert_array_equal(function(a, fnp.array(b)), function(a, b))


def test_matrix_products_and_unary_operators():
    np.testing.assert_array_equal(M @ M.T, np.asarray(M) @ np.asarray(M).T)
    np.testing.assert_array_equal(np.ones((2, 2), np.float32) @ M, np.ones((2, 2)) @ np.asarray(M))
    assert (-X).tolist() == [-1, -2, -3] and abs(-X).tolist() == X.tolist() == (+X).tolist()
    assert (~fnp.array([True])).tolist() == [False]


def test_what_is_no_number_is_left_to_the_other_operand():
    class Other:
        __array_ufunc__ = None

        def __radd__(self, left):
            return "other"

    assert X + Other() == "other" and (X == "text") is False and (X != None) is True  # noqa: E711
    with pytest.raises(TypeError):
        X + "text"


METHODS = {
    "sum": (), "prod": (), "mean": (), "var": (), "std": (), "max": (), "min": (), "argmax": (),
    "argmin": (), "cumsum": (1,), "cumprod": (0,), "ravel": (), "flatten": (),
    "swapaxes": (0, 1), "repeat": (2,), "trace": (), "diagonal": (), "take": ([0, 2],),
    "argsort": (), "clip": (1, 3), "round": (), "conj": (), "copy": (), "transpose": (1, 0),
    "reshape": (3, 2), "astype": ("float64",), "dot": (np.ones((3, 2), np.float32),),
    "squeeze": (), "all": (), "any": (), "nonzero": (),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_numpys(name):
    got, expected = (getattr(x, name)(*METHODS[name]) for x in (M, np.asarray(M)))
    for a, b in zip(ft.tree.leaves(got), expected if isinstance(expected, tuple) else (expected,),
                    strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
        assert np.asarray(a).dtype == np.asarray(b).dtype


# ---- plain NumPy functions ----

FUNCTIONS = {
    "tanh": lambda x, m: np.tanh(x), "sum": lambda x, m: np.sum(m, axis=1, keepdims=True),
    "concatenate": lambda x, m: np.concatenate([x, x]),
    "stack": lambda x, m: np.stack([x, np.ones(3, np.float32)]),
    "where": lambda x, m: np.where(x > 1, x, 0),
    "einsum": lambda x, m: np.einsum("ij,kj->ik", m, m),
    "reduce": lambda x, m: np.add.reduce(m, axis=1),
    "accumulate": lambda x, m: np.add.accumulate(x),
    "outer": lambda x, m: np.multiply.outer(x, x), "dot": lambda x, m: np.dot(m, x),
    "left": lambda x, m: np.ones(3) - x, "scalar": lambda x, m: np.float64(2) * x,
    "maximum": lambda x, m: np.maximum(x, 2), "norm": lambda x, m: np.linalg.norm(x),
    "clip": lambda x, m: np.clip(x, 1, 2), "broadcast_to": lambda x, m: np.broadcast_to(x, (2, 3)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_functions_are_traced(name):
    function = FUNCTIONS[name]
    expected = function(np.asarray(X), np.asarray(M))
    for run in (function, ft.jit(function)):
        got = run(X, M)
        assert isinstance(got, ft.Array)
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    slope = ft.grad(lambda x: np.sum(function(x, M) * 1.0))(X)
    differences = [(function(np.asarray(X, float) + e, np.asarray(M, float)).sum()
                    - function(np.asarray(X, float) - e, np.asarray(M, float)).sum()) / 2e-6
                   for e in np.eye(3) * 1e-6]
    if name not in ("where", "maximum", "clip"):                     # kinks
        np.testing.assert_allclose(slope, differences, rtol=1e-3, atol=1e-4)


def test_what_has_no_counterpart_is_numpys_own():
    """On arrays; a tracer has no elements to give."""
    third = np.frompyfunc(lambda value: value / 3, 1, 1)
    np.testing.assert_array_equal(third(X), third(np.asarray(X)))
    total = np.zeros(3)
    np.add.at(total, [0, 0], X[:2])
    assert total.tolist() == [3, 0, 0]
    with pytest.raises(TypeError, match="has no counterpart in functrans.numpy"):
        ft.jit(lambda x: third(x))(X)
    with pytest.raises(TypeError, match="where="):
        np.exp(X, where=np.array([True, False, True]))
