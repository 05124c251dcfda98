"""functrans: its own names, and how to see what a jitted function leaves to Python."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax, nn, random
from functrans.ir.primitive import Call, HostCall
from functrans.ir.program import Program, inner_programs
from functrans.primitives import elementwise, functions
from functrans.scipy import linalg, special
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.namespace import Namespace

# What compiled code asks NumPy for, so far: there is no formula or routine for it.
ON_THE_HOST = frozenset({
    "igamma", "igammac", "betainc", "zeta", "bessel_i0e", "bessel_i1e", "fft", "bitcast",
    "pure_callback", "io_callback", "debug_callback"})


def _at(method: str) -> Callable:
    return lambda x, index, y: getattr(x.at[index], method)(y)


def _custom_linear_solve(a, b):
    return lax.custom_linear_solve(lambda x: a * x, b, lambda matvec, b: b / a,
                                   transpose_solve=lambda vecmat, b: b / a)


def _passed_on(x, name):
    """Each lane's value at the next lane."""
    count = lax.axis_size(name)
    return lax.ppermute(x, name, [(k, (k + 1) % count) for k in range(count)])


def _lu_solve(a, b):
    return linalg.lu_solve(linalg.lu_factor(a), b)


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


def _over_lanes(function: Callable) -> Callable:
    """`function(lane, name)`, mapped over the first axis, which has a name."""
    return lambda x: ft.vmap(lambda lane: function(lane, "lanes"), axis_name="lanes")(x)


@ft.custom_jvp
def _own_forward(x):
    return fnp.sin(x)


@_own_forward.defjvp
def _(primals, tangents):
    return _own_forward(*primals), fnp.cos(primals[0]) * tangents[0]


@ft.custom_vjp
def _own_reverse(x):
    return fnp.sin(x)


_own_reverse.defvjp(lambda x: (fnp.sin(x), x), lambda x, ct: (fnp.cos(x) * ct,))


@ft.custom_vmap
def _own_batch(x):
    return fnp.sin(x)


@_own_batch.def_vmap
def _(axis_size, in_batched, x):
    return fnp.sin(x), in_batched[0]


@ft.custom_jvp
def _squared_outside(x):
    return ft.pure_callback(np.square, ft.ShapeDtypeStruct(x.shape, x.dtype), x,
                            vmap_method="sequential")


@_squared_outside.defjvp
def _(primals, tangents):
    return _squared_outside(*primals), 2 * primals[0] * tangents[0]


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


class Functrans(Library):
    name = "functrans"
    names = Namespace(
        fnp, fnp.linalg, special, nn, lax, fft=fnp.fft.fft, ifft=fnp.fft.ifft, fft2=fnp.fft.fft2,
        rfft=fnp.fft.rfft, irfft=fnp.fft.irfft, rsqrt=functions.rsqrt, jit=ft.jit,
        cond=lax.cond,
        count_leading_zeros=elementwise.count_leading_zeros, stop_gradient=ft.stop_gradient,
        add_at=_at("add"), multiply_at=_at("multiply"), set_at=_at("set"), minimum_at=_at("min"),
        maximum_at=_at("max"), checkpoint=_checkpoint, random_bits=_random_bits,
        watched_bits=_watched_bits,
        lu_solve=_lu_solve, bitcast=lax.bitcast_convert_type,
        complex=elementwise.complex_, weaken=elementwise.weaken,
        linear_transpose=_linear_transpose,
        linear_transpose_of_loop=_linear_transpose_of_loop, pulled_twice=_pulled_twice,
        psum=_over_lanes(lambda x, name: x - lax.psum(x, name)),
        all_gather=_over_lanes(lambda x, name: x * lax.all_gather(x, name)[:, :1]),
        psum_scatter=_over_lanes(lax.psum_scatter),
        ppermute=_over_lanes(_passed_on),
        all_to_all=_over_lanes(lambda x, name: lax.all_to_all(x, name, 0, 0)),
        axis_index=_over_lanes(lambda x, name: x * lax.axis_index(name).astype(x.dtype)),
        custom_jvp=_own_forward, custom_vjp=_own_reverse, custom_vmap=_own_batch,
        pure_callback=_squared_outside, io_callback=_io_callback,
        debug_callback=_debug_callback,
        take_or=lambda x, i, other: x.at[i].get(mode="fill", fill_value=other),
        lu=lambda x: linalg.lu(x)[1:], custom_linear_solve=_custom_linear_solve,
        solve_triangular=lambda a, b, lower, transposed=False: linalg.solve_triangular(
            a, b, lower=lower, trans=int(transposed)),
        associative_scan=lambda function, x: lax.associative_scan(function, x))

    def version(self) -> str:
        return f"functrans {ft.__version__}"

    def array(self, value: np.ndarray):
        return fnp.asarray(value)

    def jit(self, function: Callable) -> Callable:
        return ft.jit(function)

    def vmap(self, function: Callable, axes: Sequence) -> Callable:
        return ft.vmap(function, in_axes=tuple(axes))

    def jvp(self, function, points, tangents):
        return ft.jvp(function, tuple(points), tuple(tangents))[1]

    def vjp(self, function, points, cotangents):
        return ft.vjp(function, *points)[1](tuple(cotangents))

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
