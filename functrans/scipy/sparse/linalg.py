"""Linear systems by iteration: a matrix, or a function that multiplies by one.

Unknowns are arrays or pytrees. Solutions are differentiated as what solves the equation, not
through the steps, in the right side and in what the operator closes over.
Y. Saad, "Iterative Methods for Sparse Linear Systems", 2nd edition (2003). Imports `lax`, `numpy`,
`tree`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from functrans import tree
from functrans.array import ArrayBase
from functrans.errors import ArgumentError, ShapeError
from functrans.flatten_util import ravel_pytree
from functrans.ir.type import is_complex
from functrans.lax.implicit import custom_linear_solve
from functrans.lax.loops import fori_loop, while_loop
from functrans.numpy import linalg
from functrans.numpy.choosing import where
from functrans.numpy.creation import zeros, zeros_like
from functrans.numpy.products import vdot
from functrans.numpy.promotion import as_arraylike, materialize, promote_inexact
from functrans.numpy.ranges import arange
from functrans.numpy.ufuncs import conj, maximum, sqrt
from functrans.primitives.elementwise import convert

__all__ = ["bicgstab", "cg", "gmres"]


def cg(A, b, x0=None, *, tol: float = 1e-5, atol: float = 0.0, maxiter: int | None = None, M=None):
    """(x, info) with A x = b, by conjugate gradients: A Hermitian and positive definite.

    A: a matrix, or a linear function of what is like b. b: an array or a pytree. x0: where to
    begin, zeros by default. tol, atol: the residual shall not be larger than max(tol |b|, atol).
    maxiter: how many steps at most, ten for each unknown by default. M: what is like the inverse
    of A, a matrix or a function. info: 0, or the number of steps where that was not reached.
    Saad, algorithm 9.1. Raises ValueError for shapes that do not go together.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> a = fnp.array([[2.0, 0.0], [0.0, 4.0]])
    >>> ft.scipy.sparse.linalg.cg(a, fnp.array([2.0, 2.0]))[0].round(4)
    Array([1. , 0.5], dtype=float32)
    """
    return _solved("cg", _conjugate_gradients, A, b, x0, tol, atol, maxiter, M)


def bicgstab(A, b, x0=None, *, tol: float = 1e-5, atol: float = 0.0, maxiter: int | None = None,
             M=None):
    """(x, info) with A x = b, by stabilized biconjugate gradients, for any A.

    Arguments as those of `cg`. It may break down; info then is not 0. Saad, algorithm 7.7.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> a = fnp.array([[2.0, 1.0], [0.0, 4.0]])
    >>> ft.scipy.sparse.linalg.bicgstab(a, fnp.array([3.0, 4.0]))[0].round(4)
    Array([1., 1.], dtype=float32)
    """
    return _solved("bicgstab", _stabilized, A, b, x0, tol, atol, maxiter, M)


def gmres(A, b, x0=None, *, tol: float = 1e-5, atol: float = 0.0, restart: int = 20,
          maxiter: int | None = None, M=None, solve_method: str = "batched"):
    """(x, info) with A x = b, by the smallest residuals in Krylov spaces, for any A.

    restart: the size of such a space; maxiter: how many are built at most. solve_method: of no
    effect. The residual that is looked at is that of M A x = M b. The other arguments as those of
    `cg`. Saad, algorithm 6.9, with vectors made orthogonal twice.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> a = fnp.array([[2.0, 1.0], [0.0, 4.0]])
    >>> ft.scipy.sparse.linalg.gmres(a, fnp.array([3.0, 4.0]))[0].round(4)
    Array([1., 1.], dtype=float32)
    """
    if solve_method not in ("batched", "incremental"):
        raise ArgumentError("sparse.linalg.gmres: solve_method must be 'batched' or 'incremental', "
                            f"got {solve_method!r}")
    if restart < 1:
        raise ArgumentError(f"sparse.linalg.gmres: restart must be positive, got {restart}")

    def method(*args):
        return _krylov(restart, *args)
    return _solved("gmres", method, A, b, x0, tol, atol, maxiter, M)


# ---- what they share ----

class _Vectors(NamedTuple):
    """Pytrees as vectors. structure, shapes, dtype: of the pytrees. unpack: of vectors."""
    structure: object
    shapes: tuple
    dtype: np.dtype
    unpack: Callable

    def pack(self, values):
        return _raveled(values, self.dtype)[0]

    def operator(self, A, name: str, what: str) -> Callable:
        """A matrix or a function as a function of vectors."""
        if callable(A):
            return lambda v: self.pack(self.checked(A(self.unpack(v)), name, what))
        A = as_arraylike(A, what)
        size = sum(int(np.prod(shape)) for shape in self.shapes)
        if len(self.shapes) != 1 or len(self.shapes[0]) != 1 or A.shape != (size, size):
            raise ShapeError(f"sparse.linalg.{name}: {what} is {A.type}, which does not multiply "
                             f"what is like b, of shapes {self.shapes}; pass a function")
        return lambda v: A @ v

    def checked(self, values, name: str, what: str):
        shapes = tuple(np.shape(x) for x in tree.leaves(values))
        if tree.structure(values) != self.structure or shapes != self.shapes:
            raise ShapeError(f"sparse.linalg.{name}: {what} must be like b, of the structure "
                             f"{self.structure} and shapes {self.shapes}; got "
                             f"{tree.structure(values)} and {shapes}")
        return values


def _vectors(A, b, x0, M) -> _Vectors:
    """Of the dtype of all that is given."""
    leaves, structure = tree.flatten(b)
    given = [x for part in (A, M) if part is not None and not callable(part) for x in [part]]
    parts = promote_inexact(*[as_arraylike(x) for x in
                              (*leaves, *tree.leaves(x0), *given)] or [zeros(0)])
    dtype = materialize(parts[0]).dtype
    return _Vectors(structure, tuple(np.shape(x) for x in leaves), dtype, _raveled(b, dtype)[1])


def _raveled(values, dtype) -> tuple:
    """`ravel_pytree` of leaves that are converted to a dtype."""
    vector, unravel = ravel_pytree(tree.map(lambda x: convert(as_arraylike(x), dtype), values))
    return convert(vector, dtype), unravel


def _solved(name: str, method: Callable, A, b, x0, tol, atol, maxiter, M) -> tuple:
    vectors = _vectors(A, b, x0, M)
    right = vectors.pack(b)
    apply = vectors.operator(A, name, "A")
    precondition = (lambda v: v) if M is None else vectors.operator(M, name, "M")
    start = zeros_like(right) if x0 is None else vectors.pack(vectors.checked(x0, name, "x0"))
    limit = 10 * max(right.size, 1) if maxiter is None else maxiter

    def solve(operator, right):
        return method(operator, right, start, tol, atol, limit, precondition)

    def solve_adjoint(operator, right):
        return method(operator, right, zeros_like(right), tol, atol, limit, precondition)[0]
    symmetric = name == "cg" and not is_complex(right.dtype)
    x, info = custom_linear_solve(apply, right, solve, solve_adjoint, symmetric, has_aux=True)
    return vectors.unpack(x), info


def _square(v):
    return vdot(v, v).real


def _goal(right, tol, atol):
    """The square of how long the residual may be."""
    return maximum(tol ** 2 * _square(right), right.real.dtype.type(atol) ** 2)


def _safe(x):
    return where(x == 0, 1, x)


def _info(steps, good):
    return where(good, 0, steps)


# ---- methods: (operator, right, start, tol, atol, limit, precondition) -> (x, info) ----

def _conjugate_gradients(operator, right, x, tol, atol, limit, precondition):
    goal = _goal(right, tol, atol)

    def unfinished(state):
        _, residual, _, _, k = state
        return (_square(residual) > goal) & (k < limit)

    def step(state):
        x, residual, direction, gamma, k = state
        image = operator(direction)
        share = gamma / _safe(vdot(direction, image))
        x, residual = x + share * direction, residual - share * image
        inner = precondition(residual)
        new = vdot(residual, inner)
        return x, residual, inner + new / _safe(gamma) * direction, new, k + 1
    residual = right - operator(x)
    inner = precondition(residual)
    end = while_loop(unfinished, step, (x, residual, inner, vdot(residual, inner), np.int64(0)))
    return end[0], _info(end[-1], _square(end[1]) <= goal)


class _Biconjugate(NamedTuple):
    x: ArrayBase
    residual: ArrayBase
    direction: ArrayBase
    image: ArrayBase
    rho: ArrayBase
    alpha: ArrayBase
    omega: ArrayBase
    steps: ArrayBase
    broken: ArrayBase


def _stabilized(operator, right, x, tol, atol, limit, precondition):
    goal = _goal(right, tol, atol)
    shadow = right - operator(x)

    def unfinished(state):
        return (_square(state.residual) > goal) & (state.steps < limit) & ~state.broken

    def step(state):
        rho = vdot(shadow, state.residual)
        beta = rho / _safe(state.rho) * state.alpha / _safe(state.omega)
        direction = state.residual + beta * (state.direction - state.omega * state.image)
        moved = precondition(direction)
        image = operator(moved)
        divisor = vdot(shadow, image)
        alpha = rho / _safe(divisor)
        half = state.residual - alpha * image
        second = precondition(half)
        turned = operator(second)
        omega = vdot(turned, half) / _safe(vdot(turned, turned))
        return _Biconjugate(state.x + alpha * moved + omega * second, half - omega * turned,
                            direction, image, rho, alpha, omega, state.steps + 1,
                            (rho == 0) | (divisor == 0))
    one, none = zeros((), right.dtype) + 1, zeros_like(right)
    end = while_loop(unfinished, step, _Biconjugate(x, shadow, none, none, one, one, one,
                                                    np.int64(0), np.bool_(False)))
    return end.x, _info(end.steps, _square(end.residual) <= goal)


def _krylov(size: int, operator, right, x, tol, atol, limit, precondition):
    goal = _goal(precondition(right), tol, atol)
    size = max(min(size, right.size), 1)

    def residual_of(x):
        return precondition(right - operator(x))

    def step(state):
        x, residual, k = state
        x = x + _correction(lambda v: precondition(operator(v)), residual, size)
        return x, residual_of(x), k + 1
    x, residual, steps = while_loop(
        lambda state: (_square(state[1]) > goal) & (state[2] < limit), step,
        (x, residual_of(x), np.int64(0)))
    return x, _info(steps, _square(residual) <= goal)


def _correction(operator, residual, size: int):
    """What of a Krylov space, added, leaves the smallest residual."""
    length = sqrt(_square(residual))
    basis = zeros((size + 1, residual.size), residual.dtype).at[0].set(residual / _safe(length))
    matrix = zeros((size + 1, size), residual.dtype)

    def extend(k, state):
        basis, matrix = state
        new = operator(basis[k])
        before = sqrt(_square(new))
        first = conj(basis) @ new
        new = new - first @ basis
        second = conj(basis) @ new
        new = new - second @ basis
        after = sqrt(_square(new))
        after = where(after > np.finfo(after.dtype).eps * before, after, 0)
        column = first + second + where(arange(size + 1) == k + 1, after, 0)
        basis = basis.at[k + 1].set(where(after > 0, new / _safe(after), 0))
        return basis, matrix.at[:, k].set(column)
    basis, matrix = fori_loop(0, size, extend, (basis, matrix))
    wanted = where(arange(size + 1) == 0, length, 0).astype(residual.dtype)
    return linalg.pinv(matrix) @ wanted @ basis[:size]
