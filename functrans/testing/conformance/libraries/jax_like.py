"""What libraries with JAX's spelling have in common: names made of others, four transformations.

In: a library's modules. Out: names for its `Namespace`; `JaxLike`. Imports `base`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np

from functrans.testing.conformance.libraries.base import Library


class JaxLike(Library):
    """An adapter. `root`: the module with the transformations; `arrays`: the one like NumPy."""

    root: ModuleType
    arrays: ModuleType

    def array(self, value: np.ndarray):
        return self.arrays.asarray(value)

    def jit(self, function: Callable) -> Callable:
        return self.root.jit(function)

    def vmap(self, function: Callable, axes: Sequence) -> Callable:
        return self.root.vmap(function, in_axes=tuple(axes))

    def jvp(self, function, points, tangents):
        return self.root.jvp(function, tuple(points), tuple(tangents))[1]

    def vjp(self, function, points, cotangents):
        return self.root.vjp(function, *points)[1](tuple(cotangents))


def names_of(root, arrays, lax, linalg) -> dict:
    """Names that both spell alike. root: with the transformations; linalg: SciPy's."""
    def _at(method: str) -> Callable:
        return lambda x, index, y: getattr(x.at[index], method)(y)

    return dict(
        fft=arrays.fft.fft, ifft=arrays.fft.ifft, fft2=arrays.fft.fft2, rfft=arrays.fft.rfft,
        irfft=arrays.fft.irfft, jit=root.jit, cond=lax.cond, add_at=_at("add"),
        multiply_at=_at("multiply"), set_at=_at("set"), minimum_at=_at("min"),
        maximum_at=_at("max"),
        take_or=lambda x, i, other: x.at[i].get(mode="fill", fill_value=other),
        lu=lambda x: linalg.lu(x)[1:],
        lu_solve=lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b),
        solve_triangular=lambda a, b, lower, transposed=False: linalg.solve_triangular(
            a, b, lower=lower, trans=int(transposed)),
        custom_linear_solve=lambda a, b: lax.custom_linear_solve(
            lambda x: a * x, b, lambda matvec, b: b / a,
            transpose_solve=lambda vecmat, b: b / a),
        **_collectives(root, lax), **_own_rules(root, arrays))


def _collectives(root, lax) -> dict:
    """Functions that are mapped over the first axis, which has a name."""
    def over_lanes(function: Callable) -> Callable:
        return lambda x: root.vmap(lambda lane: function(lane, "lanes"), axis_name="lanes")(x)

    def passed_on(x, name):
        """Each lane's value at the next lane."""
        count = lax.axis_size(name)
        return lax.ppermute(x, name, [(k, (k + 1) % count) for k in range(count)])

    return dict(
        psum=over_lanes(lambda x, name: x - lax.psum(x, name)),
        all_gather=over_lanes(lambda x, name: x * lax.all_gather(x, name)[:, :1]),
        psum_scatter=over_lanes(lax.psum_scatter), ppermute=over_lanes(passed_on),
        all_to_all=over_lanes(lambda x, name: lax.all_to_all(x, name, 0, 0)),
        axis_index=over_lanes(lambda x, name: x * lax.axis_index(name).astype(x.dtype)))


def _own_rules(root, arrays) -> dict:
    """Functions with rules of their own."""
    @root.custom_jvp
    def own_forward(x):
        return arrays.sin(x)

    @own_forward.defjvp
    def _(primals, tangents):
        return own_forward(*primals), arrays.cos(primals[0]) * tangents[0]

    @root.custom_vjp
    def own_reverse(x):
        return arrays.sin(x)

    own_reverse.defvjp(lambda x: (arrays.sin(x), x), lambda x, ct: (arrays.cos(x) * ct,))

    @root.custom_jvp
    def squared_outside(x):
        return root.pure_callback(np.square, root.ShapeDtypeStruct(x.shape, x.dtype), x,
                                  vmap_method="sequential")

    @squared_outside.defjvp
    def _(primals, tangents):
        return squared_outside(*primals), 2 * primals[0] * tangents[0]

    return dict(custom_jvp=own_forward, custom_vjp=own_reverse, pure_callback=squared_outside)
