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
ON_THE_HOST = frozenset({"igamma", "igammac", "betainc", "zeta", "bessel_i0e", "bessel_i1e", "fft"})


def _at(method: str) -> Callable:
    return lambda x, index, y: getattr(x.at[index], method)(y)


def _custom_linear_solve(a, b):
    return lax.custom_linear_solve(lambda x: a * x, b, lambda matvec, b: b / a,
                                   transpose_solve=lambda vecmat, b: b / a)


def _random_bits(seeds):
    return ft.vmap(lambda seed: random.bits(random.key(seed)))(seeds)


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

    def compiled_only_in_part(self, operation, function, points) -> str:
        program = ft.jit(function).lower(*points).program
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
