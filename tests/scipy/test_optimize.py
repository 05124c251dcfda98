"""Minima against those that are known, and against SciPy's; under all transformations."""
from __future__ import annotations

import doctest
from importlib import import_module

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ShapeError

reference = pytest.importorskip("scipy.optimize")
minimize = ft.scipy.optimize.minimize
METHODS = ("BFGS", "L-BFGS")


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def quartic(x):
    return (x ** 4).sum() + (x ** 2).sum()


def valley(x):
    """Exponential on one side, almost flat on the other."""
    return fnp.exp(x).sum() + 1e-3 * (x ** 2).sum()


def barrier(x):
    """NaN outside, where the first trials are."""
    return -fnp.log(1 - x).sum() - fnp.log(x + 0.5).sum()


STARTS = {rosenbrock: [-1.2, 1.0, -1.2, 1.0], himmelblau: [0.0, 0.0], quartic: [5.0, -3.0, 1.0],
          valley: [10.0, -20.0], barrier: [0.9999, -0.4999]}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", STARTS)
def test_minima(function, method):
    start = np.array(STARTS[function])
    found = minimize(function, start, method=method, tol=1e-8)
    with np.errstate(all="ignore"):
        want = reference.minimize(lambda x: float(function(fnp.array(x))), start, method="BFGS",
                                  jac=lambda x: np.asarray(ft.grad(function)(fnp.array(x))),
                                  tol=1e-8)
    assert found.success and found.status == 0
    np.testing.assert_allclose(found.x, want.x, atol=1e-6)
    np.testing.assert_allclose(found.fun, function(found.x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.jac, ft.grad(function)(found.x), rtol=1e-9, atol=1e-12)
    assert abs(np.asarray(found.jac)).max() <= 1e-8
    assert int(found.nit) < int(found.nfev) == int(found.njev) < 3 * want.nfev
    assert (found.hess_inv is None) == (method == "L-BFGS")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", STARTS)
def test_single_precision(function, method):
    start = np.array(STARTS[function], "float32")
    found = minimize(function, start, method=method)
    exact = minimize(function, start.astype("float64"), method=method, tol=1e-10)
    assert found.x.dtype == found.fun.dtype == "float32" and found.success
    np.testing.assert_allclose(found.x, exact.x, atol=2e-3)


def test_inverse_hessian():
    rng = np.random.default_rng(0)
    root, target = rng.normal(size=(4, 4)), rng.normal(size=4)
    matrix = root @ root.T + np.eye(4)

    def bowl(x):
        return 0.5 * (x - target) @ matrix @ (x - target)
    found = minimize(bowl, np.zeros(4), tol=1e-9)
    np.testing.assert_allclose(found.x, target, atol=1e-8)
    np.testing.assert_allclose(found.hess_inv, np.linalg.inv(matrix), rtol=0.1, atol=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_compiled_and_batched(method):
    def solve(start, shift):
        return minimize(lambda x, s: rosenbrock(x - s["by"]), start, ({"by": shift},),
                        method=method)
    starts = np.array([[-1.2, 1.0], [0.0, 0.0], [3.0, -2.0], [1.5, 1.5]])
    shifts = np.array([0.0, 1.0, -1.0, 0.5])
    found = ft.jit(ft.vmap(solve))(starts, shifts)
    np.testing.assert_allclose(found.x, 1 + np.stack([shifts, shifts], 1), atol=1e-4)
    assert len(set(np.asarray(found.nit).tolist())) > 1          # each took its own steps
    alone = ft.jit(solve)(starts[2], shifts[2])
    assert alone.success and int(alone.nit) == int(found.nit[2])
    np.testing.assert_allclose(alone.x, found.x[2], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_derivative_of_the_steps(method):
    def where(shift):
        return minimize(lambda x: ((x - shift) ** 4).sum() + ((x - 1) ** 2).sum(), fnp.zeros(2),
                        method=method, tol=1e-12).x.sum()
    shift = np.float64(0.3)
    rise = (where(shift + 1e-5) - where(shift - 1e-5)) / 2e-5
    for slope in (ft.grad(where)(shift), ft.jit(ft.grad(where))(shift),
                  ft.jvp(where, (shift,), (np.float64(1),))[1]):
        np.testing.assert_allclose(slope, rise, rtol=1e-5)


def test_derivative_by_the_condition_of_a_minimum():
    def loss(x, shift):
        return ((x - shift) ** 4).sum() + ((x - 1) ** 2).sum()

    def where(shift):
        slope = ft.grad(loss)
        root = ft.lax.custom_root(
            lambda x: slope(x, shift), np.zeros(2),
            lambda f, x: minimize(lambda y: loss(y, ft.stop_gradient(shift)), x, tol=1e-9).x,
            lambda g, y: fnp.linalg.solve(ft.jacfwd(g)(y), y))
        return root.sum()
    shift = np.float64(0.3)
    x = np.asarray(minimize(lambda x: loss(x, shift), np.zeros(2), tol=1e-12).x)
    curve = 12 * (x - shift) ** 2
    np.testing.assert_allclose(ft.grad(where)(shift), (curve / (curve + 2)).sum(), rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_reasons_to_stop(method):
    stopped = minimize(rosenbrock, np.array([-1.2, 1.0]), method=method, options={"maxiter": 3})
    assert not stopped.success and stopped.status == 1 and stopped.nit == 3
    there = minimize(quartic, np.zeros(3), method=method)
    assert there.success and there.nit == 0 and there.nfev == 1
    lost = minimize(lambda x: fnp.log(x).sum(), np.array([-1.0]), method=method)
    assert not lost.success and lost.status == 3
    stuck = minimize(lambda x: ft.stop_gradient(2 * quartic(x)) - quartic(x), np.ones(2),
                     method=method)                         # its gradient shows the wrong way
    assert not stuck.success and stuck.status == 2
    falling = minimize(lambda x: x.sum(), np.array([1.0]), method=method,
                       options={"maxiter": 5})
    assert not falling.success and falling.fun < -1e3
    flat = minimize(rosenbrock, np.array([-1.2, 1.0]), method=method, options={"ftol": 1e-2})
    assert flat.success and flat.status == 0 and abs(np.asarray(flat.jac)).max() > 1e-5
    few = minimize(rosenbrock, np.array([-1.2, 1.0]), method=method,
                   options={"maxfun": 9, "maxls": 3})
    assert few.status == 1 and 9 <= int(few.nfev) <= 12
    loose = minimize(rosenbrock, np.array([-1.2, 1.0]), method=method,
                     options={"gtol": 1.0, "norm": 1})
    assert loose.success and 1e-3 < np.abs(loose.jac).sum() <= 1


def test_dtypes():
    assert minimize(quartic, [1, 2], method="bfgs").x.dtype == "float32"
    wide = np.ones(2)
    assert minimize(lambda x: ((x - wide) ** 2).sum(), np.zeros(2, "float32")).x.dtype == "float64"
    assert minimize(lambda x: quartic(x.astype("float32")), np.ones(2)).x.dtype == "float64"


@pytest.mark.parametrize("call, error, message", [
    (lambda: minimize(quartic, np.ones(2), method="Newton"), ValueError, "'BFGS' or 'L-BFGS'"),
    (lambda: minimize(quartic, np.ones(2), options={"gtoll": 1}), ValueError, "no option 'gtoll'"),
    (lambda: minimize(quartic, np.ones((2, 2))), ShapeError, "x0 must be a vector"),
    (lambda: minimize(quartic, np.ones(2) * 1j), ShapeError, "of real numbers"),
    (lambda: minimize(lambda x: x, np.ones(2)), ShapeError, "must return a real scalar"),
    (lambda: minimize(quartic, np.ones(2), 3.0), ValueError, "args must be a tuple"),
    (lambda: minimize(3, np.ones(2)), ValueError, "takes a function"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_examples_in_docstrings():
    assert not doctest.testmod(import_module("functrans.scipy.optimize.minimize")).failed
