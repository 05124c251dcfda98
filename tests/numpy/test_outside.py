"""Indices outside: what is told, evaluated and compiled; what the modes do; updated copies."""
from __future__ import annotations

import numpy as np
import pytest
from numpy_rows.laws import silent

import functrans as ft
import functrans.numpy as fnp

X = np.arange(12.0).reshape(3, 4)
READS = {
    "first axis": (lambda x, i: x[i], np.array(5), 5),
    "second axis": (lambda x, i: x[:, i], np.array([0, -9]), -9),
    "two arrays": (lambda x, i: x[i, i], np.array([1, 3]), 3),
    "take": (lambda x, i: fnp.take(x, i, axis=1), np.array([4]), 4),
    "take_along_axis": (lambda x, i: fnp.take_along_axis(x, i, 1), np.array([[4], [0], [1]]), 4),
    "set": (lambda x, i: x.at[i].set(1.0), np.array([0, 7]), 7),
    "add": (lambda x, i: x.at[1, i].add(1.0), np.array(-5), -5),
}


def _runs():
    return {"evaluated": lambda f: f, "compiled": lambda f: ft.jit(f, device="cpu"),
            "reference": lambda f: ft.jit(f, device="reference")}


@pytest.mark.parametrize("how", _runs())
@pytest.mark.parametrize("name", READS)
def test_the_error_names_line_index_and_shape(name, how):
    function, places, index = READS[name]
    with pytest.raises(IndexError) as caught:
        _runs()[how](function)(fnp.asarray(X), fnp.asarray(places))
    text = str(caught.value)
    assert f"index {index} is out of bounds" in text and "test_outside.py" in text
    if how != "reference":
        assert "(3, 4)" in text
    assert 'mode="drop"' in text and "clip" in text


@pytest.mark.parametrize("how", _runs())
def test_a_gradient_reads_inside_only(how):
    slope = _runs()[how](ft.grad(lambda x, i: x[i, 0] * 2.0))
    with pytest.raises(IndexError, match="test_outside.py"):
        slope(fnp.asarray(X), fnp.asarray(3))
    assert np.asarray(slope(fnp.asarray(X), fnp.asarray(2))).sum() == 2


@pytest.mark.parametrize("how", _runs())
def test_a_batch_reads_inside_only(how):
    rows = _runs()[how](ft.vmap(lambda x, i: x[i], in_axes=(None, 0)))
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        rows(fnp.asarray(X), fnp.asarray([0, 3]))


def test_a_function_that_raised_can_be_called_again():
    read = ft.jit(lambda x, i: x[i])
    with pytest.raises(IndexError):
        read(X, 3).block_until_ready()
    np.testing.assert_array_equal(read(X, 2), X[2])


def test_known_indices_raise_while_tracing():
    with pytest.raises(IndexError, match="axis 1 with size 4"):
        ft.make_ir(lambda x: x[1, 7])(X)
    with pytest.raises(IndexError, match="index 9"):
        ft.make_ir(lambda x: x[np.array([9])])(X)


# ---- modes ----

OUTSIDE = np.array([-5, -1, 0, 2, 3, 99])


def _expected(mode: str, from_end: bool):
    rows = np.where(OUTSIDE < 0, OUTSIDE + 3, OUTSIDE) if from_end else OUTSIDE  # for "clip"
    if mode == "wrap":
        return X[OUTSIDE % 3]
    if mode == "clip":
        return X[np.clip(rows, 0, 2)]
    inside = (OUTSIDE >= -3) & (OUTSIDE < 3)
    return np.where(inside[:, None], X[OUTSIDE % 3], np.nan)


@pytest.mark.parametrize("how", _runs())
@pytest.mark.parametrize("mode", ["clip", "wrap", "fill"])
def test_reading_with_a_mode(mode, how):
    run = _runs()[how]
    take = run(lambda x, i: fnp.take(x, i, axis=0, mode=mode))
    get = run(lambda x, i: x.at[i].get(mode=mode))
    np.testing.assert_array_equal(take(X, OUTSIDE), _expected(mode, from_end=False))
    np.testing.assert_array_equal(get(fnp.asarray(X), fnp.asarray(OUTSIDE)),
                                  _expected(mode, from_end=True))


@pytest.mark.parametrize("how", _runs())
def test_writing_with_a_mode(how):
    run, places = _runs()[how], fnp.asarray([1, 3, -4])
    dropped = run(lambda x, i: x.at[i].set(9.0, mode="drop"))(fnp.zeros(3), places)
    np.testing.assert_array_equal(dropped, [0, 9, 0])
    wrapped = run(lambda x, i: x.at[i].add(1.0, mode="wrap"))(fnp.zeros(3), places)
    np.testing.assert_array_equal(wrapped, [1, 1, 1])
    clipped = run(lambda x, i: x.at[i].set(9.0, mode="clip"))(fnp.zeros(3), places)
    np.testing.assert_array_equal(clipped, [9, 9, 9])


def test_fill_values():
    x = fnp.asarray(np.array([1, 2], np.int32))
    np.testing.assert_array_equal(x.at[np.array([0, 5])].get(mode="fill", fill_value=-7), [1, -7])
    assert x.at[np.array([5])].get(mode="fill")[0] == np.iinfo(np.int32).min
    assert fnp.take(x, np.array([5]), mode="fill", fill_value=3)[0] == 3


@pytest.mark.parametrize("mode", ["clip", "wrap", "fill"])
def test_gradients_with_a_mode(mode):
    """Each element is read as often as it stands in the result."""
    def total(x):
        read = x.at[OUTSIDE].get(mode=mode)
        return fnp.sum(fnp.where(fnp.isnan(read), 0, read))
    with silent():
        counts = np.asarray(ft.grad(total)(fnp.asarray(X)))[:, 0]
    rows = _expected(mode, from_end=True)[:, 0]
    np.testing.assert_array_equal(counts, [np.sum(rows == row) for row in X[:, 0]])


def test_unknown_modes_are_refused():
    for wrong in (lambda: fnp.take(X, 0, mode="near"),
                  lambda: fnp.asarray(X).at[0].get(mode="near")):
        with pytest.raises(ValueError, match="near"):
            wrong()


# ---- updated copies against NumPy ----

PLACES = [0, -1, (1, 2), slice(1, None), (slice(None), 1),
          (slice(None, None, -2), slice(0, 3, 2)),
          Ellipsis, [0, 2], ([0, 2], [1, 1]), (slice(None), [0, 3]), (None, 1),
          ([2, 0], slice(1, 3)),
          (Ellipsis, None, 0), X > 4, (0, X[0] > 1), True, slice(5, 9)]
UPDATES = {"set": lambda old, new: new, "add": np.add, "multiply": np.multiply,
           "min": np.minimum, "max": np.maximum, "subtract": np.subtract, "divide": np.divide,
           "power": np.power}


@pytest.mark.parametrize("method", UPDATES)
@pytest.mark.parametrize("place", PLACES, ids=repr)
def test_updates(place, method):
    old = X + 1
    values = np.float64(2.5) if not np.size(old[place]) else \
        np.linspace(0.5, 2, old[place].size).reshape(old[place].shape)
    for value in (np.float64(2.5), values):
        expected = old.copy()
        expected[place] = UPDATES[method](expected[place], value)
        got = getattr(fnp.asarray(old).at[place], method)(value)
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_updates_of_one_place_twice():
    x, places = fnp.zeros(3), np.array([1, 1])
    np.testing.assert_array_equal(x.at[places].add(1.0), [0, 2, 0])
    np.testing.assert_array_equal((x + 1).at[places].multiply(3.0), [1, 9, 1])
    np.testing.assert_array_equal(x.at[places].set(np.array([1.0, 2.0], np.float32)), [0, 2, 0])


def test_a_traced_mask_updates():
    update = ft.jit(lambda x, mask: x.at[mask].set(0.0))
    np.testing.assert_array_equal(update(X, X > 4), np.where(X > 4, 0, X))
