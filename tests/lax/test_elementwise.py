"""Elementwise functions of `lax`: values by NumPy and JAX, dtypes, derivatives, what is refused."""
from __future__ import annotations

import numpy as np
import pytest
from lax_oracle import follows_all, normal, same

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.testing import check_grads

X, Y = normal(5), normal(5, seed=1)
POSITIVE, INSIDE = np.abs(X) + 0.5, np.tanh(X)
Z = X + 1j * Y
N, M = np.array([-7, 7, -7, 7, 6]), np.array([2, -2, -2, 2, 3])
BITS = np.array([-5, 0, 1, 12, 2 ** 40])

REAL = {
    "abs": X, "neg": X, "sign": X, "exp": X, "exp2": X, "expm1": X, "log": POSITIVE,
    "log1p": POSITIVE, "sqrt": POSITIVE, "rsqrt": POSITIVE, "cbrt": X, "square": X,
    "reciprocal": POSITIVE, "sin": X, "cos": X, "tan": INSIDE, "asin": INSIDE, "acos": INSIDE,
    "atan": X, "sinh": X, "cosh": X, "tanh": X, "asinh": X, "acosh": POSITIVE + 1,
    "atanh": INSIDE, "logistic": X, "erf": X, "erfc": X, "erf_inv": INSIDE, "lgamma": POSITIVE,
    "digamma": POSITIVE, "bessel_i0e": X, "bessel_i1e": X, "floor": X, "ceil": X, "round": X}
PAIRS = {
    "add": (X, Y), "sub": (X, Y), "mul": (X, Y), "div": (X, POSITIVE), "rem": (X * 3, POSITIVE),
    "pow": (POSITIVE, Y), "atan2": (X, Y), "max": (X, Y), "min": (X, Y),
    "igamma": (POSITIVE, POSITIVE + 0.2), "igammac": (POSITIVE, POSITIVE + 0.2),
    "zeta": (POSITIVE + 1.5, POSITIVE), "polygamma": (np.arange(5.0), POSITIVE)}
OTHERS = {
    "population_count": (BITS,), "clz": (BITS,), "bitwise_not": (BITS,),
    "is_finite": (np.array([1.0, np.inf, -np.inf, np.nan]),),
    "bitwise_and": (BITS, N), "bitwise_or": (BITS, N), "bitwise_xor": (BITS, N),
    "shift_left": (BITS, np.array([1, 2, 63, 64, 3])),
    "shift_right_logical": (BITS, np.array([1, 2, 63, 64, 3])),
    "shift_right_arithmetic": (BITS, np.array([1, 2, 63, 64, 3])),
    "div": (N, M), "rem": (N, M), "nextafter": (X, Y), "complex": (X, Y), "real": (Z,),
    "imag": (Z,), "conj": (X,), "abs": (Z,), "exp": (Z,), "eq": (N, M), "ne": (N, M), "lt": (X, Y),
    "le": (X, Y), "gt": (X, Y), "ge": (X, Y), "sign": (BITS,), "square": (N,), "neg": (N,)}
NO_DERIVATIVE_IN_FIRST = {"igamma", "igammac", "zeta", "polygamma"}


@pytest.mark.parametrize("name", REAL)
def test_real_functions(jax, name):
    same(getattr(lax, name)(REAL[name]), getattr(jax.lax, name)(REAL[name]), 1e-11)
    check_grads(getattr(lax, name), (REAL[name],), order=1)


@pytest.mark.parametrize("name", PAIRS)
def test_functions_of_two(jax, name):
    x, y = PAIRS[name]
    same(getattr(lax, name)(x, y), getattr(jax.lax, name)(x, y), 1e-11)
    if name in NO_DERIVATIVE_IN_FIRST:
        check_grads(lambda y: getattr(lax, name)(x, y), (y,), order=1)
    else:
        check_grads(getattr(lax, name), (x, y), order=1)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_other_dtypes(jax, name):
    same(getattr(lax, name)(*OTHERS[name]), getattr(jax.lax, name)(*OTHERS[name]))


def test_betainc():
    special = pytest.importorskip("scipy.special")
    a, b, x = POSITIVE, POSITIVE + 1, (INSIDE + 1) / 2
    same(lax.betainc(a, b, x), special.betainc(a, b, x), 1e-11)
    check_grads(lambda x: lax.betainc(a, b, x), (x,), order=1)


def test_clamp(jax):
    for bounds in ((-0.5, 0.5), (-POSITIVE, POSITIVE), (0.5, -0.5)):
        bounds = [np.asarray(bound) for bound in bounds]
        same(lax.clamp(bounds[0], X, bounds[1]), jax.lax.clamp(bounds[0], X, bounds[1]))
    follows_all(lambda x: lax.clamp(-0.5, x, 0.5), X)
    assert ft.grad(lambda x: lax.clamp(0.0, x, 1.0))(0.0) == 0
    with pytest.raises(ValueError, match="scalars or of the shape of x"):
        lax.clamp(np.zeros((2, 5)), X, 1.0)


def test_rounding_goes_away_from_zero_or_to_even():
    ties = fnp.array([0.5, -0.5, 1.5, -2.5, 0.49999999999999994, 2.0 ** 52 + 1, -np.inf, np.nan],
                     fnp.float64)
    same(lax.round(ties), [[1, -1, 2, -3, 0, 2.0 ** 52 + 1, -np.inf, np.nan]])
    even = lax.round(ties, lax.RoundingMethod.TO_NEAREST_EVEN)
    same(even, [[0.0, 0, 2, -2, 0, 2.0 ** 52 + 1, -np.inf, np.nan]])


def test_integers_divided_by_zero_and_at_their_end(jax):
    low = np.iinfo(np.int64).min
    x, y = np.array([5, -5, low]), np.array([0, 0, 1])
    for name in ("div", "rem"):
        for compiled in (lambda f: f, ft.jit):
            same(compiled(getattr(lax, name))(x, y), getattr(jax.lax, name)(x, y))
    same(lax.div(np.array([7], np.uint8), np.array([0], np.uint8)), np.array([255], np.uint8))


def test_powers(jax):
    same(lax.integer_pow(X, -3), X ** -3.0)
    same(lax.pow(X, 3), X ** 3)
    same(lax.pow(POSITIVE, N), POSITIVE ** N)
    with pytest.raises(TypeError, match="floating-point numbers to powers"):
        lax.pow(N, 2)
    with pytest.raises(TypeError, match="no negative powers"):
        lax.reciprocal(N)


def test_python_numbers_take_the_dtype_of_arrays():
    assert lax.add(fnp.ones(2, fnp.float16), 1).dtype == np.float16
    assert lax.mul(2.0, fnp.ones(2, fnp.float64)).dtype == np.float64
    assert lax.max(fnp.arange(2), 1).dtype == np.int64
    assert lax.mul(fnp.float32(2), 3.0, out_dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("x, y, message", [
    (fnp.ones(3), fnp.arange(3), r"one dtype, got f32\[3\], i64\[3\].*lax.convert_element_type"),
    (fnp.arange(3), 1.5, r"one dtype, got i64\[3\], f32\*\[\]"),
    (fnp.ones(3), np.float64(1), "one dtype, got"),
    (fnp.ones(3), fnp.ones(4), r"one shape, or scalars, got f32\[3\], f32\[4\]"),
    (fnp.ones(3), fnp.ones((2, 3)), "lax.broadcast_in_dim"),
])
def test_nothing_else_is_promoted(x, y, message):
    with pytest.raises(TypeError, match=message):
        lax.add(x, y)


@pytest.mark.parametrize("name", [
    "sin", "exp", "erf", "floor", "round", "exp2", "cumlogsumexp", "reduce_precision"])
def test_integers_are_not_made_floats(name):
    with pytest.raises(TypeError, match="floating-point"):
        arguments = (5, 10) if name == "reduce_precision" else ()
        getattr(lax, name)(fnp.arange(3), *arguments)


def test_conversion(jax):
    for dtype in (np.int32, bool, np.complex64, np.float16):
        same(lax.convert_element_type(X, dtype), jax.lax.convert_element_type(X, dtype))
    with pytest.raises(TypeError, match="needs a dtype"):
        lax.convert_element_type(X, None)


@pytest.mark.parametrize("given, dtype", [
    ("float64", "int64"), ("float32", "uint32"), ("float32", "uint8"), ("int16", "float16")])
def test_bits_of_numbers(jax, given, dtype):
    x = normal(2, 4).astype(given)
    bits = lax.bitcast_convert_type(x, dtype)
    same(bits, jax.lax.bitcast_convert_type(x, dtype))
    same(lax.bitcast_convert_type(bits, given), x)
    same(ft.vmap(lambda row: lax.bitcast_convert_type(row, dtype))(x), bits)
    same(ft.jit(lambda x: lax.bitcast_convert_type(x, dtype))(x), bits)


@pytest.mark.parametrize("exponent, mantissa", [(5, 10), (8, 7), (4, 3), (8, 23), (5, 2)])
def test_reduced_precision(jax, exponent, mantissa):
    x = (normal(200) * 10.0 ** np.linspace(-9, 9, 200)).astype(np.float32)
    x[:4] = np.nan, np.inf, -np.inf, 0
    same(lax.reduce_precision(x, exponent, mantissa),
         jax.lax.reduce_precision(x, exponent, mantissa))
    assert ft.grad(lambda x: lax.reduce_precision(x, exponent, mantissa))(1.3) == 1


def test_barriers_are_identities():
    assert lax.optimization_barrier((1.0, {"a": 2.0}))[1]["a"] == 2
    assert ft.grad(lambda x: x * lax.optimization_barrier(x))(3.0) == 6
    assert ft.grad(lambda x: x * lax.stop_gradient(x))(3.0) == 3


@pytest.mark.parametrize("call", [
    lambda x: lax.add(x, x), lambda x: lax.mul(x, x), lax.abs, lax.square, lax.neg, lax.cumsum,
    lambda x: lax.rem(x, x), lambda x: lax.reduce_sum(x, (0,)), lambda x: lax.integer_pow(x, 2)])
def test_booleans_are_no_numbers(call):
    for compiled in (lambda f: f, ft.jit):
        with pytest.raises(TypeError, match="takes numbers|takes real numbers"):
            compiled(call)(fnp.array([True, False]))
