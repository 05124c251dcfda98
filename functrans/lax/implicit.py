"""Solvers with implicit derivatives: custom_root, custom_linear_solve.

How a solution is found is the user's business: any function, loops included. The derivative follows
from the equation alone. Imports `tree`, `trace`, `control.implicit`, `api`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import tree
from functrans.api.calls import FlatFunction, as_value, check_callable, function_name
from functrans.api.compare import require_same_types
from functrans.api.custom_rules import fitted
from functrans.control.closures import Closure
from functrans.control.implicit import (
    adjoint_of,
    bind_linear_solve,
    bind_root,
    require_inexact,
)
from functrans.errors import ArgumentError
from functrans.ir.program import Program
from functrans.lax.common import Traced, flatten_inputs, merge_captured, trace_function
from functrans.primitives.basic import type_of_value
from functrans.trace import EVAL, current, run, trace_at


class _Unknowns:
    """The pytree of unknowns: every function of the user's takes or gives one like it."""

    def __init__(self, who: str, what: str, values):
        self.who = who
        self.what = what
        leaves, self.structure, names = flatten_inputs(values, who, what)
        require_inexact(leaves, names, who)
        self.leaves = leaves
        self.types = [leaf.type.strong() for leaf in leaves]

    def tree(self, leaves: Sequence):
        return tree.unflatten(self.structure, leaves)

    def traced(self, function: Callable, role: str) -> Traced:
        """A function of unknowns that gives what is like them."""
        single = tree.structure((self.tree([0] * len(self.leaves)),))
        traced = trace_function(function, self.types, single, self.who, role)
        self.require_like(traced.program.output_types, traced.out_tree, role)
        return traced

    def solved(self, solve: Callable, function: Callable, has_aux: bool, role: str) -> Traced:
        """`solve(function, unknowns)`, traced: gives what is like them, and aux."""
        flat = FlatFunction(
            lambda *args: self.pair(solve(function, *args), has_aux, role),
            tree.structure(((self.tree([0] * len(self.leaves)),), {})), who=self.who)
        program, captured = trace_at(flat, self.leaves, f"{role} of {self.who}")
        return Traced(program.replace(name=function_name(solve)), captured, flat.out_tree)

    def pair(self, result, has_aux: bool, role: str) -> tuple:
        """(leaves of x, aux) of a solver's result, checked."""
        if has_aux and not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise ArgumentError(
                f"{self.who} with has_aux=True: {role} must return a pair (x, aux), "
                f"got {tree.structure(result)}")
        x, aux = result if has_aux else (result, None)
        return self.leaves_like(x, role), aux

    def leaves_like(self, value, role: str) -> list:
        """The leaves of a result that must be like the unknowns."""
        leaves, structure = tree.flatten(value)
        values = fitted([as_value(leaf) for leaf in leaves], self.types)
        self.require_like([type_of_value(value) for value in values], structure, role)
        return values

    def require_like(self, types: Sequence, structure, role: str):
        require_same_types(self.types, self.structure, types, structure,
                           f"{self.who}: {role} gives what is unlike {self.what}", self.what, role)

    def result(self, outs: Sequence, traced_tree, has_aux: bool):
        """x, or (x, aux), from the outputs of a traced solver."""
        x, aux = tree.unflatten(traced_tree, outs)
        return (self.tree(x), aux) if has_aux else self.tree(x)


def custom_root(f: Callable, initial_guess, solve: Callable, tangent_solve: Callable,
                has_aux: bool = False):
    """The root `x` of `f(x) = 0`, found by `solve(f, initial_guess)`, differentiated implicitly.

    f: function of a pytree of unknowns to residuals of the same structure, shapes and dtypes. The
        values that it closes over are what the root is differentiated with respect to.
    solve: any function that gives the root; with has_aux, a pair (root, aux). It is not
        differentiated, nor is the guess.
    tangent_solve: `tangent_solve(g, y)` gives the x with g(x) = y for a linear function g: for
        a scalar `lambda g, y: y / g(1.0)`. Reverse mode transposes it, so it must be linear in y.
    Returns the root, or (root, aux). Raises StructureError where structures or types differ.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> def square_root(a):
    ...     def solve(f, x):
    ...         return ft.lax.fori_loop(0, 20, lambda _, x: x - f(x) / (2 * x), x)
    ...     return ft.lax.custom_root(lambda x: x * x - a, 1.0, solve, lambda g, y: y / g(1.0))
    >>> ft.grad(square_root)(4.0)
    Array(0.25, dtype=float32)
    """
    for function in (f, solve, tangent_solve):
        check_callable(function, "custom_root")
    unknowns = _Unknowns("custom_root", "initial_guess", initial_guess)
    if current() is EVAL:
        x, aux = unknowns.pair(solve(f, unknowns.tree(unknowns.leaves)), has_aux, "solve")
        return (unknowns.tree(x), aux) if has_aux else unknowns.tree(x)
    own = unknowns.traced(f, "f")
    solver = unknowns.solved(solve, f, has_aux, "solve")
    constants, (program, solver_program) = merge_captured([own, solver])

    def flat_tangent_solve(g, right):
        def linear(value):
            return unknowns.tree(g(unknowns.leaves_like(value, "the argument of g")))
        return unknowns.leaves_like(tangent_solve(linear, unknowns.tree(right)), "tangent_solve")

    outs = bind_root(program, solver_program, flat_tangent_solve, Closure(tangent_solve),
                     constants, unknowns.leaves, "custom_root")
    return unknowns.result(outs, solver.out_tree, has_aux)


def custom_linear_solve(matvec: Callable, b, solve: Callable,
                        transpose_solve: Callable | None = None, symmetric: bool = False,
                        has_aux: bool = False):
    """The solution `x` of `matvec(x) = b`, found by `solve(matvec, b)`, differentiated implicitly.

    matvec: a linear function of a pytree like b to one like b. It may close over values, with
        respect to which, as to b, the solution can be differentiated.
    solve: any function that gives the solution; with has_aux, a pair (solution, aux). It is not
        differentiated.
    transpose_solve: `transpose_solve(vecmat, b)` solves the equation of the adjoint; needed for
        reverse mode. symmetric: whether matvec is its own adjoint; then it is not needed.
    Returns the solution, or (solution, aux). Raises StructureError where structures or types
    differ, CustomRuleError in reverse mode without transpose_solve.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> def solve(a, b):
    ...     return ft.lax.custom_linear_solve(lambda x: a * x, b, lambda _, b: b / a,
    ...                                       symmetric=True)
    >>> ft.grad(solve)(2.0, 6.0)
    Array(-1.5, dtype=float32, weak_type=True)
    """
    for function in (matvec, solve, *([] if transpose_solve is None else [transpose_solve])):
        check_callable(function, "custom_linear_solve")
    unknowns = _Unknowns("custom_linear_solve", "b", b)
    if current() is EVAL:
        x, aux = unknowns.pair(solve(matvec, unknowns.tree(unknowns.leaves)), has_aux, "solve")
        return (unknowns.tree(x), aux) if has_aux else unknowns.tree(x)
    own = unknowns.traced(matvec, "matvec")
    solver = unknowns.solved(solve, matvec, has_aux, "solve")
    parts = [own, solver]
    if transpose_solve is not None and not symmetric:
        parts.append(_transposed_solver(unknowns, own, transpose_solve))
    constants, (program, solver_program, *rest) = merge_captured(parts)
    vecmat, back = _adjoint_programs(program, solver_program, rest, len(constants),
                                     len(unknowns.leaves), symmetric)
    outs = bind_linear_solve(program, vecmat, solver_program, back, constants, unknowns.leaves)
    return unknowns.result(outs, solver.out_tree, has_aux)


def _transposed_solver(unknowns: _Unknowns, own: Traced, transpose_solve: Callable) -> Traced:
    """`transpose_solve`, traced with the adjoint of the traced matvec."""
    adjoint = adjoint_of(own.program, len(own.captured))

    def vecmat(value):
        leaves = unknowns.leaves_like(value, "the argument of vecmat")
        return unknowns.tree(run(adjoint, [*own.captured, *leaves]))
    return unknowns.solved(transpose_solve, vecmat, False, "transpose_solve")


def _adjoint_programs(matvec: Program, solve: Program, transposed: Sequence[Program],
                      constants: int, size: int, symmetric: bool) -> tuple:
    """(vecmat, transpose_solve) as Programs, or None where they are not known."""
    if symmetric:
        return matvec, solve.replace(outputs=solve.outputs[:size])
    if not transposed:
        return None, None
    return adjoint_of(matvec, constants), transposed[0]
