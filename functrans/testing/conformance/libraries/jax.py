"""JAX. Whether it has double precision is its user's setting: JAX_ENABLE_X64=1."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.extras import require
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.namespace import Namespace

jax = require("jax", "conformance")
jnp, lax = require("jax.numpy", "conformance"), require("jax.lax", "conformance")
linalg, special = (require(f"jax.scipy.{name}", "conformance") for name in ("linalg", "special"))


def _at(method: str) -> Callable:
    return lambda x, index, y: getattr(x.at[index], method)(y)


def _over_lanes(function: Callable) -> Callable:
    """`function(lane, name)`, mapped over the first axis, which has a name."""
    return lambda x: jax.vmap(lambda lane: function(lane, "lanes"), axis_name="lanes")(x)


def _passed_on(x, name):
    """Each lane's value at the next lane."""
    count = lax.axis_size(name)
    return lax.ppermute(x, name, [(k, (k + 1) % count) for k in range(count)])


def _lu_solve(a, b):
    return linalg.lu_solve(linalg.lu_factor(a), b)


def _linear_transpose(a, y):
    return jax.linear_transpose(lambda x: x * a, y)(y)[0]


@jax.custom_jvp
def _own_forward(x):
    return jnp.sin(x)


@_own_forward.defjvp
def _(primals, tangents):
    return _own_forward(*primals), jnp.cos(primals[0]) * tangents[0]


@jax.custom_vjp
def _own_reverse(x):
    return jnp.sin(x)


_own_reverse.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (jnp.cos(x) * ct,))


@jax.custom_jvp
def _squared_outside(x):
    return jax.pure_callback(np.square, jax.ShapeDtypeStruct(x.shape, x.dtype), x,
                             vmap_method="sequential")


@_squared_outside.defjvp
def _(primals, tangents):
    return _squared_outside(*primals), 2 * primals[0] * tangents[0]


def _random_bits(seeds):
    return jax.vmap(lambda seed: jax.random.bits(jax.random.key(seed), dtype="uint32"))(seeds)


def _custom_linear_solve(a, b):
    return lax.custom_linear_solve(lambda x: a * x, b, lambda matvec, b: b / a,
                                   transpose_solve=lambda vecmat, b: b / a)


class Jax(Library):
    name = "jax"
    refusals = (r"does not accept dtype", r"dtype=\w+ is not supported", r"Unsupported dtype",
                r"must be of .* type", r"not implemented for .*(float16|int)",
                r"requires .* dtype", r"got dtype float16")
    names = Namespace(
        jnp, jnp.linalg, special, jax.nn, lax, fft=jnp.fft.fft, ifft=jnp.fft.ifft,
        fft2=jnp.fft.fft2, rfft=jnp.fft.rfft, irfft=jnp.fft.irfft, rsqrt=lax.rsqrt, jit=jax.jit,
        cond=lax.cond,
        count_leading_zeros=lax.clz, stop_gradient=lax.stop_gradient, softmax=jax.nn.softmax,
        add_at=_at("add"), multiply_at=_at("multiply"), set_at=_at("set"), minimum_at=_at("min"),
        maximum_at=_at("max"), checkpoint=jax.checkpoint, random_bits=_random_bits,
        lu_solve=_lu_solve,
        bitcast=lambda x, name: lax.bitcast_convert_type(x, np.dtype(name)),
        complex=lax.complex, linear_transpose=_linear_transpose,
        psum=_over_lanes(lambda x, name: x - lax.psum(x, name)),
        all_gather=_over_lanes(lambda x, name: x * lax.all_gather(x, name)[:, :1]),
        psum_scatter=_over_lanes(lax.psum_scatter),
        ppermute=_over_lanes(_passed_on),
        all_to_all=_over_lanes(lambda x, name: lax.all_to_all(x, name, 0, 0)),
        axis_index=_over_lanes(lambda x, name: x * lax.axis_index(name).astype(x.dtype)),
        custom_jvp=_own_forward, custom_vjp=_own_reverse, pure_callback=_squared_outside,
        take_or=lambda x, i, other: x.at[i].get(mode="fill", fill_value=other),
        lu=lambda x: linalg.lu(x)[1:], custom_linear_solve=_custom_linear_solve,
        solve_triangular=lambda a, b, lower, transposed=False: linalg.solve_triangular(
            a, b, lower=lower, trans=int(transposed)),
        astype=lambda x, name: x.astype(name))

    def version(self) -> str:
        wide = "on" if jax.config.jax_enable_x64 else "off"
        return f"jax {jax.__version__}, jax_enable_x64 {wide}"

    def array(self, value: np.ndarray):
        return jnp.asarray(value)

    def jit(self, function: Callable) -> Callable:
        return jax.jit(function)

    def vmap(self, function: Callable, axes: Sequence) -> Callable:
        return jax.vmap(function, in_axes=tuple(axes))

    def jvp(self, function, points, tangents):
        return jax.jvp(function, tuple(points), tuple(tangents))[1]

    def vjp(self, function, points, cotangents):
        return jax.vjp(function, *points)[1](tuple(cotangents))
