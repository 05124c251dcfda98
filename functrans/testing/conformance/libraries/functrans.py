"""functrans: its own names, and how to see what a jitted function leaves to Python."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, nn, random
from functrans.control.iterate import Method, iterate
from functrans.ir.primitive import Call, HostCall
from functrans.ir.program import Program, inner_programs
from functrans.primitives import elementwise, functions, incomplete
from functrans.scipy import linalg, special
from functrans.testing.conformance.libraries.jax_like import JaxLike, names_of
from functrans.testing.conformance.namespace import Namespace

# What compiled code asks NumPy for, so far: there is no formula or routine for it.
ON_THE_HOST = frozenset({
    "igamma", "igammac", "betainc", "betainc_slope", "zeta", "bessel_i0e",
    "bessel_i1e", "fft", "bitcast", "pure_callback", "io_callback", "debug_callback"})


def _linear_transpose(a, y):
    """Of multiplication, through a name and a weak type."""
    def linear(x):
        return ft.checkpoint_name(elementwise.weaken(x) * a, "product")
    return ft.linear_transpose(linear, y)(y)[0]


def _linear_transpose_of_loop(a, y):
    """Of a loop that multiplies twice."""
    def linear(x):
        return lax.while_loop(lambda state: state[0] < 2,
                              lambda state: (state[0] + 1, state[1] * a), (0, x))[1]
    return ft.linear_transpose(linear, y)(y)[0]


def _pulled_twice(count, x):
    """Two cotangents through one loop that squares, so that its stacks are read twice: for two
    steps 3 times the derivative of x^4."""
    def squared(x):
        return lax.while_loop(lambda state: state[0] < count,
                              lambda state: (state[0] + 1, state[1] * state[1]), (count * 0, x))[1]
    _, pull = ft.vjp(squared, x)
    one = fnp.ones_like(x)
    return pull(one)[0] + pull(2 * one)[0]


@ft.custom_vmap
def _own_batch(x):
    return fnp.sin(x)


@_own_batch.def_vmap
def _(axis_size, in_batched, x):
    return fnp.sin(x), in_batched[0]


def _closer(operands, state):
    """A step of Newton's method for the root."""
    (x,), (_, root, count) = operands, state
    return [count < 9, (root + x / root) * x.dtype.type(0.5), count + 1]


ROOT = Method(
    "root", lambda operands: [operands[0] > 0, fnp.ones_like(operands[0]),
                              fnp.zeros_like(operands[0], "int32")],
    _closer, lambda operands, state: state[1],
    (lambda out, x, dx: dx * x.dtype.type(0.5) / out,))


def _io_callback(x):
    return ft.io_callback(np.square, ft.ShapeDtypeStruct(x.shape, x.dtype), x)


def _debug_callback(x):
    ft.debug.callback(lambda value: None, x)
    return x


def _random_bits(seeds):
    return ft.vmap(lambda seed: random.bits(random.key(seed)))(seeds)


def _watched_bits(seeds):
    with ft.config.override(debug_key_reuse=True):
        return _random_bits(seeds)


def _checkpoint(function: Callable) -> Callable:
    """Nothing is kept, and the compiler may not merge what is computed again."""
    return ft.checkpoint(lambda *xs: ft.checkpoint_name(function(*xs), "result"),
                         prevent_cse=True)


class Functrans(JaxLike):
    name = "functrans"
    root, arrays = ft, fnp
    names = Namespace(
        fnp, fnp.linalg, special, nn, lax, **names_of(ft, fnp, lax, linalg),
        rsqrt=functions.rsqrt, count_leading_zeros=elementwise.count_leading_zeros,
        stop_gradient=ft.stop_gradient, checkpoint=_checkpoint, random_bits=_random_bits,
        root_by_steps=lambda x: iterate(ROOT, x),
        derivative_of_betainc=lambda a, b, x: incomplete.betainc_slope(a, b, x, place=0),
        watched_bits=_watched_bits,
        bitcast=lax.bitcast_convert_type,
        complex=elementwise.complex_, weaken=elementwise.weaken,
        linear_transpose=_linear_transpose,
        linear_transpose_of_loop=_linear_transpose_of_loop, pulled_twice=_pulled_twice,
        custom_vmap=_own_batch, io_callback=_io_callback, debug_callback=_debug_callback,
        associative_scan=lambda function, x: lax.associative_scan(function, x))

    def version(self) -> str:
        return f"functrans {ft.__version__}"

    def compiled_only_in_part(self, jitted, points) -> str:
        program = jitted.lower(*points).program
        names = sorted(set(_on_the_host(program)) - ON_THE_HOST)
        return ", ".join(names)

    def reset(self):
        ft.explain_compiles(clear=True)


def _on_the_host(program: Program):
    """The names of primitives that compiled code would ask Python for."""
    for equation in program.equations:
        kernel = equation.kernel
        if kernel is None or isinstance(kernel, HostCall):
            yield equation.primitive.name
        if isinstance(kernel, Call):
            yield from _on_the_host(kernel.program)
        for inner in inner_programs(equation):
            yield from _on_the_host(inner)
