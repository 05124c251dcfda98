"""Mistakes that users make, one a function. What they are told is in golden/errors.txt."""
from __future__ import annotations

import math

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

x = fnp.array([1.0, 2.0, 3.0])
m = fnp.arange(6.0).reshape(2, 3)
params = {"w": m, "b": x}


# ---- shapes and dtypes ----

def added_shapes():
    return x + fnp.ones(2)


def added_shapes_in_a_gradient():
    def loss(w):
        return (w * 2 - fnp.ones((2, 2))).sum()
    return ft.jit(ft.grad(loss))(m)


def matrix_times_matrix():
    return m @ m


def reshaped():
    return m.reshape(4, 2)


def concatenated():
    return fnp.concatenate([m, fnp.ones((3, 2))])


def axis_that_is_not_there():
    return m.sum(axis=2)


def summed_over_different_sizes():
    return fnp.einsum("ij,jk->ik", m, m)


def bits_of_floats():
    return x & 1


def text_as_operand():
    return fnp.sin("0.5")


def dtype_without_kernels():
    return fnp.array([1.0], dtype="U5")


def size_that_is_no_integer():
    return fnp.zeros(2.5)


# ---- indices ----

def index_outside():
    return x[5]


def index_outside_in_compiled_code():
    def pick(values, place):
        return values[place] * 2
    return ft.jit(pick)(x, 7)


def update_outside_in_compiled_code():
    def put(values, place):
        return values.at[place].add(1.0)
    return ft.jit(put)(x, 9)


def too_many_indices():
    return x[0, 1]


def text_as_index():
    return x["a"]


def values_that_do_not_fit_the_place():
    return x.at[0:2].set(fnp.ones(3))


def assignment_in_place():
    x[0] = 1.0


def ndarray_changed_in_place():
    total = np.zeros(3)
    total += x
    return total


# ---- values that there are not while tracing ----

def python_if():
    def relu(value):
        return value if value > 0 else 0.0
    return ft.jit(relu)(1.0)


def python_if_in_vmap():
    def relu(value, low):
        return value if value > low else low
    return ft.vmap(relu, in_axes=(0, None))(x, 0.0)


def python_loop():
    def count(limit):
        return sum(range(limit))
    return ft.jit(count)(3)


def python_float():
    def square(value):
        return float(value) ** 2
    return ft.jit(square)(1.0)


def math_function():
    def wave(value):
        return math.sin(value[0])
    return ft.jit(wave)(x)


def numpy_array_of_tracers():
    def pair(a, b):
        return np.array([a, b]).sum()
    return ft.jit(pair)(1.0, 2.0)


def numpy_array_that_cuts_a_gradient_off():
    def loss(w):
        return np.array([w[0], w[1] * w[2]]).sum()
    return ft.grad(loss)(x)


def numpy_function_without_counterpart():
    return ft.jit(np.isnat)(x)


def shape_from_a_value():
    def zeros(count):
        return fnp.zeros((count, 2))
    return ft.jit(zeros)(3)


def mask_as_index():
    def positive(values):
        return values[values > 0]
    return ft.jit(positive)(x)


def item():
    def first(values):
        return values[0].item()
    return ft.jit(first)(x)


# ---- tracers that outlive their trace ----

def leak_through_a_list():
    kept = []

    def remember(value):
        kept.append(value * 2)
        return value
    ft.jit(remember)(x)
    return kept[0] + 1


def leak_through_an_attribute():
    class Layer:
        def __call__(self, value):
            self.mean = value.mean()
            return value - self.mean
    layer = Layer()
    ft.grad(lambda value: layer(value).sum())(x)
    return float(layer.mean)


# ---- derivatives ----

def gradient_of_integers():
    def loss(p):
        return (p["steps"] * 1.0).sum()
    return ft.grad(loss)({"steps": fnp.arange(3)})


def gradient_of_a_vector():
    return ft.grad(fnp.sin)(x)


def gradient_of_nothing():
    def loss(w):
        w.sum()
    return ft.grad(loss)(x)


def gradient_of_a_complex_number():
    def loss(w):
        return (w * 1j).sum()
    return ft.grad(loss)(x)


def wrong_argnums():
    def product(a, b):
        return a * b
    return ft.grad(product, argnums=2)(1.0, 2.0)


def argnums_of_a_keyword():
    def product(a, b):
        return a * b
    return ft.grad(product, argnums=1)(1.0, b=2.0)


def aux_that_is_not_returned():
    def loss(w):
        return w.sum()
    return ft.value_and_grad(loss, has_aux=True)(x)


def tangent_of_another_shape():
    return ft.jvp(fnp.sin, (x,), (fnp.ones(2),))


def tangents_of_another_structure():
    def loss(p):
        return p["w"].sum()
    return ft.jvp(loss, (params,), ({"w": m},))


def cotangent_of_another_dtype():
    _, pull = ft.vjp(fnp.sin, x)
    return pull(fnp.ones(3, "float64"))


def transpose_of_what_is_not_linear():
    def square(value):
        return value * value
    return ft.linear_transpose(square, 1.0)(1.0)


# ---- vmap ----

def mapped_axes_of_different_sizes():
    def apply(p, value):
        return p["w"] @ value
    return ft.vmap(apply)(params, m)


def in_axes_with_too_few_entries():
    def add(a, b):
        return a + b
    return ft.vmap(add, in_axes=(0,))(m, m)


def in_axes_of_another_structure():
    def apply(p):
        return p["w"]
    return ft.vmap(apply, in_axes=({"v": 0},))(params)


def mapping_over_a_scalar():
    return ft.vmap(fnp.sin)(1.0)


def nothing_to_map():
    return ft.vmap(fnp.sin, in_axes=None)(x)


def output_that_is_not_shared():
    return ft.vmap(fnp.sin, out_axes=None)(x)


# ---- jit ----

def argument_that_is_no_array():
    def scale(config, value):
        return value * 2
    return ft.jit(scale)({"mode": "fast"}, x)


def result_that_is_no_array():
    def named(value):
        return {"value": value, "name": "x"}
    return ft.jit(named)(x)


def static_argument_that_is_a_list():
    def total(value, axes):
        return value.sum(tuple(axes))
    return ft.jit(total, static_argnames="axes")(m, axes=[0, 1])


def static_argument_that_is_an_array():
    def shift(value, by):
        return value + by
    return ft.jit(shift, static_argnums=1)(x, x)


def static_argument_that_is_not_there():
    def shift(value, by):
        return value + by
    return ft.jit(shift, static_argnames="amount")


def donated_array_used_again():
    def step(weights):
        return weights * 0.9
    weights = fnp.ones(3)
    ft.jit(step, donate_argnums=0)(weights)
    return weights.sum()


def compiled_for_another_shape():
    return ft.jit(fnp.sin).lower(x).compile()(m)


def target_that_is_not_there():
    return ft.jit(fnp.sin, device="tpu")(x)


# ---- control flow, trees, keys ----

def branches_of_different_shapes():
    def chosen(flag):
        return lax.cond(flag, lambda: x, lambda: m)
    return ft.jit(chosen)(True)


def carry_that_changes_its_shape():
    def grow(carry, value):
        return fnp.append(carry, value), value
    return lax.scan(grow, x, x)


def trees_of_different_structure():
    return ft.tree.map(lambda a, b: a + b, params, {"w": m})


def seed_in_place_of_a_key():
    return ft.random.normal(0, (2,))


def many_keys_in_place_of_one():
    return ft.random.normal(ft.random.split(ft.random.key(0)), (2,))


def switch_that_is_not_there():
    ft.config.update("default_dtype", "float64")
