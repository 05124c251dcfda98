"""JAX. Whether it has double precision is its user's setting: JAX_ENABLE_X64=1."""
from __future__ import annotations

import numpy as np

from functrans.extras import require
from functrans.testing.conformance.libraries.jax_like import JaxLike, names_of
from functrans.testing.conformance.namespace import Namespace

jax = require("jax", "conformance")
jnp, lax = require("jax.numpy", "conformance"), require("jax.lax", "conformance")
linalg, special = (require(f"jax.scipy.{name}", "conformance") for name in ("linalg", "special"))


def _linear_transpose(a, y):
    return jax.linear_transpose(lambda x: x * a, y)(y)[0]


def _random_bits(seeds):
    return jax.vmap(lambda seed: jax.random.bits(jax.random.key(seed), dtype="uint32"))(seeds)


class Jax(JaxLike):
    refusals = (r"does not accept dtype", r"dtype=\w+ is not supported", r"Unsupported dtype",
                r"must be of .* type", r"not implemented for .*(float16|int)",
                r"requires .* dtype", r"got dtype float16")
    root, arrays = jax, jnp
    names = Namespace(
        jnp, jnp.linalg, special, jax.nn, lax, **names_of(jax, jnp, lax, linalg), rsqrt=lax.rsqrt,
        count_leading_zeros=lax.clz, stop_gradient=lax.stop_gradient, softmax=jax.nn.softmax,
        checkpoint=jax.checkpoint, random_bits=_random_bits,
        bitcast=lambda x, name: lax.bitcast_convert_type(x, np.dtype(name)),
        complex=lax.complex, linear_transpose=_linear_transpose,
        astype=lambda x, name: x.astype(name))

    @property
    def name(self) -> str:
        return "jax" if jax.config.jax_enable_x64 else "jax, x64 off"

    def version(self) -> str:
        wide = "on" if jax.config.jax_enable_x64 else "off"
        return f"jax {jax.__version__}, jax_enable_x64 {wide}"
