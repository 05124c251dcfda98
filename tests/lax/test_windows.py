"""`reduce` and `reduce_window`: by NumPy, by JAX, and by a loop over windows."""
from __future__ import annotations

import itertools

import numpy as np
import pytest
from lax_oracle import follows_all, normal, same

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

MONOIDS = {"add": 0.0, "mul": 1.0, "max": -np.inf, "min": np.inf}


def plain(x, start, combine, window, strides):
    """Windows of a matrix, one by one, from left to right."""
    shape = [(n - w) // s + 1 for n, w, s in zip(x.shape, window, strides)]
    out = np.full(shape, start)
    for place in np.ndindex(*shape):
        for offset in itertools.product(*map(range, window)):
            at = tuple(p * s + o for p, s, o in zip(place, strides, offset))
            out[place] = combine(out[place], x[at])
    return out


@pytest.mark.parametrize("name", MONOIDS)
def test_definition(name):
    x, function = normal(7, 30), {"add": np.add, "mul": np.multiply, "max": np.maximum,
                                  "min": np.minimum}[name]
    for window, strides in (((2, 3), (1, 1)), ((3, 13), (2, 3)), ((7, 1), (1, 4))):
        found = lax.reduce_window(x, MONOIDS[name], getattr(lax, name), window, strides)
        same(found, plain(x, MONOIDS[name], function, window, strides), 1e-10)


@pytest.mark.parametrize("name", MONOIDS)
@pytest.mark.parametrize("options", [
    dict(padding="SAME"), dict(padding="SAME_LOWER", window_dilation=(2, 1)),
    dict(padding=[(1, 2), (0, 3)], base_dilation=(3, 1), window_dilation=(1, 3))], ids=str)
def test_options(jax, name, options):
    x, start = normal(6, 9), np.float64(MONOIDS[name])
    arguments = ((2, 3), (2, 1))
    found = lax.reduce_window(x, start, getattr(lax, name), *arguments, **options)
    same(found, jax.lax.reduce_window(x, start, getattr(jax.lax, name), *arguments, **options))


@pytest.mark.parametrize("name", MONOIDS)
@pytest.mark.parametrize("width", [3, 11])
def test_transformations(name, width):
    follows_all(lambda x: lax.reduce_window(x, MONOIDS[name], getattr(lax, name), (width,), (2,),
                                            "SAME"), normal(14))


def test_other_functions_and_several_arrays():
    x = normal(3, 8)

    def of_larger_size(a, b):
        return fnp.where(fnp.abs(a) >= fnp.abs(b), a, b)
    wanted = plain(x, 0.0, lambda a, b: a if abs(a) >= abs(b) else b, (1, 3), (1, 2))
    same(lax.reduce_window(x, 0.0, of_larger_size, (1, 3), (1, 2)), wanted)
    follows_all(lambda x: lax.reduce_window(x, 0.0, of_larger_size, (1, 3), (1, 2)), x)

    def largest(a, b):
        keep = a["value"] >= b["value"]
        return {name: lax.select(keep, a[name], b[name]) for name in a}
    operands = {"value": x, "place": np.broadcast_to(np.arange(8), x.shape)}
    starts = {"value": -np.inf, "place": -1}
    found = lax.reduce_window(operands, starts, largest, (1, 8))
    same(found["place"], np.argmax(x, 1)[:, None])
    same(lax.reduce(operands, starts, largest, (1,))["place"], np.argmax(x, 1))


def test_order_is_kept():
    """Matrix products are associative, and not commutative."""
    x = normal(13, 2, 2)

    def product(a, b):
        return (a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3],
                a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3])
    parts, unit = tuple(x.reshape(13, 4).T), (1.0, 0.0, 0.0, 1.0)
    whole = np.linalg.multi_dot(x)
    same(np.stack(lax.reduce(parts, unit, product, (0,))), whole.reshape(4), 1e-10)
    for width in (5, 13):
        found = lax.reduce_window(parts, unit, product, (width,))
        same(np.stack(found)[:, 0], np.linalg.multi_dot(x[:width]).reshape(4), 1e-10)


@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 1, 2), ()], ids=str)
def test_reduce(axes):
    x = normal(2, 3, 4)
    for name, function in (("add", np.sum), ("mul", np.prod), ("max", np.max), ("min", np.min)):
        same(lax.reduce(x, MONOIDS[name], getattr(lax, name), axes), function(x, axes), 1e-12)
    same(lax.reduce(x, 2.0, lambda a, b: a + b, axes), 2 + x.sum(axes))
    same(lax.reduce(x > 0, True, lax.bitwise_and, axes), np.all(x > 0, axes))
    same(lax.reduce(x[:, :0], 5.0, lax.add, (1,)), np.full((2, 4), 5.0))


def test_a_single_primitive_is_known():
    text = str(ft.make_ir(lambda x: lax.reduce(x, 0.0, lambda a, b: a + b, (0,)))(fnp.ones(9)))
    assert "reduce_sum" in text
    general = str(ft.make_ir(lambda x: lax.reduce(x, 0.0, lambda a, b: b - a, (0,)))(fnp.ones(9)))
    assert "reduce_sum" not in general and "sub" in general


def test_what_a_function_reads_from_outside():
    scale = fnp.asarray(2.0, fnp.float64)
    x = normal(4)
    same(lax.reduce(x, 0.0, lambda a, b: a + b * scale / scale, (0,)), x.sum())
    found = ft.grad(lambda s: lax.reduce(x, 0.0, lambda a, b: a + b + s, (0,)))(scale)
    assert found == 4                                     # three pairs, and the initial value


@pytest.mark.parametrize("call, message", [
    (lambda x: lax.reduce(x, 0, lax.add, (2,)), "axis 2 is out of bounds"),
    (lambda x: lax.reduce(x, np.float32(0), lax.add, (0,)), "initial value must be of"),
    (lambda x: lax.reduce(x, fnp.zeros(2, fnp.float64), lax.add, (0,)), "are scalars"),
    (lambda x: lax.reduce((x, x), 0.0, lax.add, (0,)), "one structure"),
    (lambda x: lax.reduce(x, 0.0, lambda a, b: a > b, (0,)), "must return what it takes"),
    (lambda x: lax.reduce(x, 0.0, lambda a, b: (a, b), (0,)), "must return what it takes"),
    (lambda x: lax.reduce(x, 0.0, 3, (0,)), "callable|function"),
    (lambda x: lax.reduce_window(x, 0.0, lax.add, (2,)), "window_dimensions must have 2"),
    (lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 0)), "must be positive"),
])
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(normal(2, 3))
