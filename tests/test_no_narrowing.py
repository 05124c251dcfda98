"""float64 is never narrowed silently: Python numbers reach float64 arrays with all their digits."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

TENTH = np.float64(0.1)
X = fnp.zeros(2, "float64")


@pytest.mark.parametrize("make", [
    lambda: fnp.array(0.1, "float64"),
    lambda: fnp.asarray(0.1, dtype=float),
    lambda: fnp.array([0.1], "float64"),
    lambda: fnp.array([[0.1, np.float32(0)]], "float64")[0, 0],
    lambda: ft.jit(lambda x: fnp.array([x, 0.1], "float64")[1])(TENTH),
    lambda: fnp.full(1, 0.1, "float64"),
    lambda: fnp.full_like(X, 0.1),
    lambda: X + 0.1,
    lambda: fnp.where(X == 0, 0.1, X),
    lambda: X.at[0].set(0.1)[0],
    lambda: fnp.maximum(X, 0.1),
    lambda: fnp.linspace(0.0, 0.1, 3, dtype="float64")[-1],
    lambda: fnp.arange(0.1, 0.2, 0.1, dtype="float64")[0],
    lambda: fnp.clip(X, 0.1, 1.0),
    lambda: fnp.concatenate([X, fnp.array([0.1], "float64")])[-1],
])
def test_floats(make):
    value = make()
    assert value.dtype == "float64"
    np.testing.assert_array_equal(np.ravel(value), TENTH)


def test_integers_and_complex_numbers():
    assert int(fnp.array(2**63, "uint64")) == 2**63
    with ft.config.override(default_int="int32"):
        assert int(fnp.array(2**40, "int64")) == 2**40
    assert complex(fnp.array(0.1 + 0.2j, "complex128")) == 0.1 + 0.2j
    with pytest.raises(OverflowError, match="36893488147419103232"):
        fnp.array(2**65, "int64")
