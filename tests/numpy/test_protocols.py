"""NumPy's own functions and methods of ufuncs, called with arrays of this library and tracers."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

X = np.array([[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]])
CALLS = {
    "add.reduce": lambda x: np.add.reduce(x, axis=1), "multiply.reduce": np.multiply.reduce,
    "subtract.reduce": np.subtract.reduce, "maximum.reduce": lambda x: np.maximum.reduce(x, axis=1),
    "logaddexp.reduce": np.logaddexp.reduce, "add.accumulate": np.add.accumulate,
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "subtract.outer": lambda x: np.subtract.outer(x[0], x[1]),
    "hypot.outer": lambda x: np.hypot.outer(x[0], x), "median": lambda x: np.median(x, axis=0),
    "quantile": lambda x: np.quantile(x, 0.25), "diff": np.diff, "unwrap": np.unwrap,
    "interp": lambda x: np.interp(x[0], x[0] - x[0] + X[0].cumsum(), x[1]),
    "nanmean": np.nanmean, "trapezoid": np.trapezoid, "linalg.norm": np.linalg.norm,
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_functions_on_arrays_and_tracers(name):
    function, expected = CALLS[name], CALLS[name](X)
    got = function(fnp.asarray(X))
    assert isinstance(got, ft.Array)
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    np.testing.assert_allclose(ft.jit(function, device="reference")(X), expected, rtol=1e-14)


def test_derivatives_pass_through_numpys_functions():
    slope = ft.grad(lambda x: np.sum(np.subtract.outer(x, x) ** 2))(fnp.asarray(X[0]))
    np.testing.assert_allclose(slope, 4 * (3 * X[0] - X[0].sum()), rtol=1e-14)
