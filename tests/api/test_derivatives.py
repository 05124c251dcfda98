"""grad, jvp, vjp, linearize, Jacobians: signatures, structures, edges."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import GradientError

X = fnp.array([1.0, 2.0, 3.0])
M = fnp.arange(6.0).reshape(2, 3)


class Layer(NamedTuple):
    weight: object
    bias: object


def close(got, expected, rtol=1e-6):
    got, expected = ft.tree.flatten(got), ft.tree.flatten(expected)
    assert got[1] == expected[1]
    for a, b in zip(got[0], expected[0]):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-12)


# ---- argnums, aux, keywords ----

def test_argnums():
    def product(x, y, z=2.0):
        return x * y * z

    close(ft.grad(product)(3.0, 4.0), 8.0)
    close(ft.grad(product, 1)(3.0, 4.0), 6.0)
    close(ft.grad(product, -1)(3.0, 4.0), 6.0)
    close(ft.grad(product, (0, 1))(3.0, 4.0, z=5.0), (20.0, 15.0))
    close(ft.grad(product, (1,))(3.0, 4.0), (6.0,))
    close(ft.value_and_grad(product, [1, 0])(3.0, 4.0), (24.0, (6.0, 8.0)))
    close(ft.jacfwd(product, (0, 1))(3.0, 4.0), (8.0, 6.0))
    close(ft.jacrev(product, 1)(3.0, 4.0, z=1.0), 3.0)


def test_aux():
    def loss(x):
        return x ** 2, {"doubled": 2 * x, "count": 3, "name": "loss"}

    grad, aux = ft.grad(loss, has_aux=True)(3.0)
    assert float(grad) == 6 and float(aux["doubled"]) == 6 and aux["name"] == "loss"
    (value, aux), grad = ft.value_and_grad(loss, has_aux=True)(3.0)
    assert (float(value), float(grad), aux["count"]) == (9, 6, 3)
    assert isinstance(aux["doubled"], ft.Array) and float(aux["doubled"] + 1) == 7
    two = ft.jvp(lambda x: (x * x, x + 1), (3.0,), (1.0,), has_aux=True)
    close(two, (9.0, 6.0, 4.0))
    out, pull, aux = ft.vjp(lambda x: (x * x, x + 1), 3.0, has_aux=True)
    close((out, pull(1.0), aux), (9.0, (6.0,), 4.0))
    out, push, aux = ft.linearize(lambda x: (x * x, x + 1), 3.0, has_aux=True)
    close((out, push(1.0), aux), (9.0, 6.0, 4.0))
    for jacobian in (ft.jacfwd, ft.jacrev):
        close(jacobian(lambda x: (x * x, x.sum()), has_aux=True)(X),
              (np.diag([2.0, 4.0, 6.0]), 6.0))
    close(ft.hessian(lambda x: ((x ** 3).sum(), x), has_aux=True)(X),
          (np.diag([6.0, 12.0, 18.0]), np.array([1.0, 2.0, 3.0])))


@pytest.mark.parametrize("transformed, point", (
    (lambda f: ft.jit(ft.grad(f, has_aux=True)), 2.0),
    (lambda f: ft.vmap(ft.grad(f, has_aux=True)), X),
    (lambda f: ft.jit(ft.vmap(ft.grad(f, has_aux=True))), X)), ids=("jit", "vmap", "both"))
def test_aux_through_transformations(transformed, point):
    grads, aux = transformed(lambda x: (x ** 2, 3 * x))(point)
    close((grads, aux), (2 * np.asarray(point), 3 * np.asarray(point)))


# ---- pytrees and dtypes ----

def test_gradients_have_the_structure_of_the_argument():
    params = {"layers": [Layer(M, X), (X[0], None)], "scale": np.float64(2.0)}

    def loss(p):
        layer = p["layers"][0]
        return ((layer.weight @ layer.bias).sum() + p["layers"][1][0]) * p["scale"]

    grads = ft.grad(loss)(params)
    assert ft.tree.structure(grads) == ft.tree.structure(params)
    assert isinstance(grads["layers"][0], Layer) and grads["layers"][1][1] is None
    assert grads["scale"].dtype == np.float64 and grads["layers"][0].weight.dtype == np.float32
    close(grads["layers"][0].bias, 2 * np.asarray(M).sum(0))


@pytest.mark.parametrize("dtype", ("float16", "float32", "float64"))
def test_gradients_have_the_dtype_of_the_argument(dtype):
    x = fnp.ones(3, dtype)
    assert ft.grad(lambda x: (x * x).sum())(x).dtype == dtype
    assert ft.hessian(lambda x: (x * x).sum())(x).dtype == dtype


def test_numpy_arrays_and_python_numbers_are_arguments():
    close(ft.grad(lambda x: np.sum(np.tanh(x)))(np.zeros(3)), np.ones(3))
    close(ft.grad(lambda y: 3 * y)(4.0), 3.0)
    close(ft.grad(lambda x: x[0] * x[1])([2.0, 3.0]), [3.0, 2.0])


def test_integers_where_they_are_allowed():
    grads = ft.grad(lambda x, n: x * n, (0, 1), allow_int=True)(3.0, 2)
    assert float(grads[0]) == 2 and grads[1].dtype == ft.float0
    out, tangent = ft.jvp(lambda x, n: (x * n, n), (2.0, 3), (1.0, 0))
    assert float(tangent[0]) == 3 and tangent[1].dtype == ft.float0
    for transform in (ft.grad, ft.jacfwd, ft.jacrev, ft.hessian):
        with pytest.raises(TypeError, match=r"p\['n'\]"):
            transform(lambda p: p["n"] * 1.0)({"n": 3})


def test_functions_that_do_not_depend_on_their_argument():
    close(ft.grad(lambda x: 2.0)(X), np.zeros(3))
    close(ft.jvp(lambda x: 2.0, (X,), (X,)), (2.0, 0.0))
    close(ft.jacfwd(lambda x: fnp.ones(2))(X), np.zeros((2, 3)))
    close(ft.grad(lambda x: x[:0].sum())(X), np.zeros(3))


def test_stop_gradient():
    close(ft.grad(lambda x: x * ft.stop_gradient(x))(3.0), 3.0)
    close(ft.grad(lambda p: (p["a"] * ft.stop_gradient(p)["a"]).sum())({"a": X}), {"a": X})
    close(ft.jvp(ft.stop_gradient, (3.0,), (1.0,)), (3.0, 0.0))


# ---- complex numbers ----

def test_complex_derivatives():
    z = fnp.array([1 + 2j, 3 - 1j])
    close(ft.grad(lambda z: (z ** 3).sum(), holomorphic=True)(z), 3 * np.asarray(z) ** 2)
    close(ft.grad(lambda z: (abs(z) ** 2).sum())(z), 2 * np.conj(np.asarray(z)), 1e-5)
    expected = np.diag(2 * np.asarray(z))
    close(ft.jacfwd(lambda z: z * z, holomorphic=True)(z), expected)
    close(ft.jacrev(lambda z: z * z, holomorphic=True)(z), expected)
    close(ft.hessian(lambda z: (z ** 3).sum(), holomorphic=True)(z), np.diag(6 * np.asarray(z)))
    close(ft.jacfwd(lambda x: x * 1j)(X), 1j * np.eye(3))


@pytest.mark.parametrize("call", (
    lambda z: ft.jacfwd(lambda z: z * z)(z), lambda z: ft.jacrev(lambda z: z * z)(z),
    lambda z: ft.grad(lambda z: z.sum())(z), lambda z: ft.jacrev(lambda x: x * 1j)(X),
    lambda z: ft.jacfwd(lambda x: x, holomorphic=True)(X),
    lambda z: ft.grad(lambda x: x.sum(), holomorphic=True)(X)))
def test_complex_derivatives_have_to_be_meant(call):
    with pytest.raises(GradientError, match="holomorphic"):
        call(fnp.array([1 + 2j]))


# ---- the linear functions ----

def test_linearize_and_vjp_can_be_called_again():
    out, push = ft.linearize(lambda x, y: fnp.sin(x) * y, 0.5, 2.0)
    close((push(1.0, 0.0), push(0.0, 1.0)), (2 * np.cos(0.5), np.sin(0.5)))
    out, pull = ft.vjp(lambda x: {"a": x * x, "b": x.sum()}, X)
    close(pull({"a": X, "b": 1.0}), (2 * np.asarray(X) ** 2 + 1,))
    close(pull({"a": 0 * X, "b": 2.0}), (2 * np.ones(3),))


def test_linear_transpose():
    matrix = np.asarray(M)
    close(ft.linear_transpose(lambda v: M @ v, X)(fnp.ones(2)), (matrix.sum(0),))
    close(ft.linear_transpose(lambda v: M @ v, ft.ShapeDtypeStruct((3,), "float32"))(fnp.ones(2)),
          (matrix.sum(0),))
    close(ft.linear_transpose(lambda p: {"s": 2 * p[0] + p[1]}, (1.0, 1.0))({"s": 3.0}),
          ((6.0, 3.0),))
    close(ft.jit(lambda ct: ft.linear_transpose(lambda v: M @ v, X)(ct))(fnp.ones(2)),
          (matrix.sum(0),))
    for function in (lambda v: v * v, fnp.sin, lambda v: v @ v, lambda v: 1 / v):
        with pytest.raises(NotImplementedError):
            pulled = ft.linear_transpose(function, X)
            pulled(ft.tree.map(lambda s: fnp.ones(s.shape), ft.eval_shape(function, X)))


# ---- kinks and singular points ----

SAFE = {
    "sqrt": lambda x: fnp.where(x > 0, fnp.sqrt(x), 0),
    "log": lambda x: fnp.where(x > 0, fnp.log(x), 0),
    "inverse": lambda x: fnp.where(x != 0, 1 / x, 0),
    "power": lambda x: fnp.where(x > 0, x ** -0.5, 0),
    "chain": lambda x: fnp.where(x > 0, fnp.exp(fnp.log(x) * 2), 0.0),
    "select": lambda x: fnp.select([x > 0], [fnp.sqrt(x)], 0.0),
}


@pytest.mark.parametrize("name", SAFE)
@pytest.mark.parametrize("run", (lambda f: f, ft.jit, lambda f: lambda x: ft.vmap(f)(x[None])[0]),
                         ids=("eager", "jit", "vmap"))
def test_the_side_not_taken_makes_no_nan(name, run):
    slope = run(ft.grad(SAFE[name]))
    assert float(slope(fnp.array(0.0))) == 0
    assert np.isfinite(float(slope(fnp.array(2.0))))
    assert np.isfinite(float(ft.grad(ft.grad(SAFE[name]))(0.0)))
    assert float(ft.jvp(SAFE[name], (0.0,), (1.0,))[1]) == 0


def test_norms_at_zero():
    for transformed in (ft.grad(fnp.linalg.norm), ft.jit(ft.grad(fnp.linalg.norm)),
                        ft.jacfwd(fnp.linalg.norm)):
        assert np.isfinite(np.asarray(transformed(fnp.zeros(3)))).all()
    close(ft.grad(fnp.linalg.norm)(X), np.asarray(X) / np.linalg.norm(np.asarray(X)))
    close(ft.grad(fnp.hypot, (0, 1))(0.0, 0.0), (0.0, 0.0))


# ---- against JAX ----

FUNCTIONS = {
    "mixed": lambda np, x: (np.tanh(x) * np.sin(x) + x ** 3).sum(),
    "where": lambda np, x: np.where(x > 0.4, x * x, np.exp(x)).sum(),
    "ties": lambda np, x: np.maximum(x, 0.4).sum() + x.max() + np.abs(x - 0.35).sum(),
    "products": lambda np, x: np.prod(x) + np.cumsum(x * x).sum() + np.linalg.norm(x),
    "sorted": lambda np, x: (np.sort(x) * np.arange(1.0, 5.0)).sum() + np.clip(x, 0.2, 0.6).sum(),
    "matrix": lambda np, x: (x.reshape(2, 2) @ x.reshape(2, 2).T).sum() + np.std(x) + np.logaddexp(
        x[0], x[1]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_agree_with_jax(name):
    jax = pytest.importorskip("jax")
    point, direction = np.array([0.3, 0.4, 0.9, 0.1]), np.array([1.0, -2.0, 0.5, 3.0])
    mine = lambda x: FUNCTIONS[name](fnp, x)                                       # noqa: E731
    with jax.enable_x64(True):
        theirs = lambda x: FUNCTIONS[name](jax.numpy, x)                           # noqa: E731
        for ours, other in ((ft.grad(mine), jax.grad(theirs)),
                            (ft.hessian(mine), jax.hessian(theirs)),
                            (lambda x: ft.jvp(mine, (x,), (fnp.array(direction),)),
                             lambda x: jax.jvp(theirs, (x,), (jax.numpy.array(direction),)))):
            expected = jax.tree.map(np.asarray, other(jax.numpy.array(point)))
            close(ours(fnp.array(point)), expected, 1e-9)
