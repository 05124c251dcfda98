"""Mistakes that users make, one a function. What they are told is in golden/errors.txt."""
from __future__ import annotations

import math
import warnings

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
    return ft.jit(pick)(x, 7).block_until_ready()


def update_outside_in_compiled_code():
    def put(values, place):
        return values.at[place].add(1.0)
    return ft.jit(put)(x, 9).block_until_ready()


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ft.errors.ImpureFunctionWarning)
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


# ---- functions that are not pure ----

def kept_in_a_list():
    history = []

    def step(value):
        history.append(value.sum())
        return value * 0.9
    return ft.jit(step)(x)


def log_that_is_written_once():
    log = []

    def step(value):
        log.append("step")
        return value * 0.9
    return ft.jit(step)(x)


def kept_in_a_variable():
    last = None

    def step(value):
        nonlocal last
        last = value * 0.9
        return last
    ft.jit(step)(x)
    return last


def kept_in_an_attribute():
    class Model:
        def step(self, value):
            self.mean = value.mean()
            return value - self.mean
    return ft.jit(Model().step)(x)


def kept_in_a_dict():
    results = {}

    def step(value):
        results["sum"] = value.sum()
        return value
    return ft.jit(step)(x)


def number_that_changes():
    rate = 0.1

    def step(value):
        return value * rate
    jitted = ft.jit(step)
    jitted(x)
    rate = 0.05
    return jitted(x)


def entry_that_changes():
    options = {"rate": 0.1, "steps": 3}
    step = ft.jit(lambda value: value * options["rate"])
    step(x)
    options["rate"] = 0.05
    return step(x)


def array_that_changes():
    offsets = np.zeros(3)
    step = ft.jit(lambda value: value + offsets)
    step(x)
    offsets += 1
    return step(x)


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


# ---- rules of the user's ----

@ft.custom_vjp
def scaled(p, value):
    return p["w"] * value


def rule_with_too_few_cotangents():
    scaled.defvjp(lambda *given: (scaled(*given), given), lambda residuals, ct: (ct,))
    return ft.grad(lambda w: scaled({"w": w}, 2.0))(3.0)


def rule_with_a_cotangent_of_another_shape():
    scaled.defvjp(lambda *given: (scaled(*given), given),
                  lambda residuals, ct: ({"w": fnp.ones(2)}, ct))
    return ft.grad(lambda w: scaled({"w": w}, 2.0))(3.0)


def rule_that_gives_another_output():
    scaled.defvjp(lambda p, value: (fnp.ones(3), p), lambda residuals, ct: (None, ct))
    return ft.grad(lambda w: scaled({"w": w}, 2.0))(3.0)


def forward_mode_of_a_reverse_rule():
    scaled.defvjp(lambda *given: (scaled(*given), given), lambda residuals, ct: ({"w": ct}, ct))
    return ft.jvp(lambda w: scaled({"w": w}, 2.0), (3.0,), (1.0,))


def rule_with_a_tangent_of_another_shape():
    @ft.custom_jvp
    def total(value):
        return value.sum()
    total.defjvp(lambda primals, tangents: (total(*primals), tangents[0]))
    return ft.grad(total)(x)


def function_without_its_rule():
    @ft.custom_vjp
    def plain(value):
        return value
    return plain(1.0)


def batching_rule_that_loses_the_axis():
    @ft.custom_vmap
    def double(value):
        return value * 2
    double.def_vmap(lambda size, batched, value: (value[0] * 2, True))
    return ft.vmap(double)(m)


# ---- numbers that are none, arguments that make no sense ----

def birth_of_a_nan():
    def slope(value):
        return fnp.log(value - 2).sum()
    with ft.debug_nans():
        return ft.jit(slope)(x)


def negative_number_of_points():
    return fnp.linspace(0, 1, -3)


def axes_of_different_number():
    return fnp.moveaxis(m, (0, 1), (0,))


def matrix_that_is_not_square():
    return fnp.linalg.det(m)


def integer_that_is_too_large():
    return fnp.array([1, 2]) + 2 ** 70


def truth_of_an_array():
    return 1.0 if x > 0 else 0.0


def wrong_device():
    return x.to_device("cuda:1")


def schedule_without_steps():
    return ft.optim.warmup_cosine_decay_schedule(0.0, 1.0, 10, 5)


def model_without_layers():
    return ft.zoo.mlp.init(ft.random.key(0), (3,))


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


def carry_of_another_dtype():
    def mean(carry, value):
        return (carry + value).astype("float64"), None
    return lax.scan(mean, fnp.float32(0), x)


def loop_that_never_ends():
    def converge(start):
        return lax.while_loop(lambda c: c != 0, lambda c: c / 2 + 1, start)
    with ft.config.override(while_trip_limit=1000):
        return ft.jit(converge)(3.0)


def condition_that_is_no_boolean():
    return lax.while_loop(lambda c: c, lambda c: c - 1, 3)


def loop_bound_that_is_no_integer():
    return lax.fori_loop(0, 2.5, lambda k, c: c * 2, 1.0)


def slices_of_different_lengths():
    return lax.scan(lambda c, row: (c, row[0]), 0.0, (x, m))


def trees_of_different_structure():
    return ft.tree.map(lambda a, b: a + b, params, {"w": m})


def seed_in_place_of_a_key():
    return ft.random.normal(0, (2,))


def key_used_twice():
    def noise(key):
        return ft.random.normal(key, (3,)) + ft.random.uniform(key, (3,))
    with ft.debug_key_reuse():
        return ft.jit(noise)(ft.random.key(0))


def key_used_twice_outside():
    key = ft.random.key(0)
    with ft.debug_key_reuse():
        ft.random.normal(key, (3,))
        return ft.random.split(key)


def key_used_in_each_step():
    key = ft.random.key(0)
    with ft.debug_key_reuse():
        return lax.fori_loop(0, 3, lambda k, c: c + ft.random.normal(key), 0.0)


def many_keys_in_place_of_one():
    return ft.random.normal(ft.random.split(ft.random.key(0)), (2,))


def switch_that_is_not_there():
    ft.config.update("default_dtype", "float64")
