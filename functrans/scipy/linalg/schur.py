"""Schur's form of matrices, and what it solves: square roots, Sylvester's equation.

Complex matrices, by QR steps with single shifts: G. Golub and C. Van Loan, "Matrix Computations",
7.5. Imports `api`, `lax`, `numpy`.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from functrans.api.custom_jvp import custom_jvp
from functrans.api.jit import jit
from functrans.api.vmap import vmap
from functrans.array import ArrayBase
from functrans.errors import ArgumentError, NotDifferentiableError, ShapeError, UnsupportedError
from functrans.ir.type import is_complex
from functrans.lax.implicit import custom_linear_solve
from functrans.lax.linalg import triangular_solve
from functrans.lax.loops import fori_loop, scan, while_loop
from functrans.lax.reflections import hessenberg, householder_product
from functrans.lax.windows import (dynamic_index_in_dim, dynamic_slice, dynamic_slice_in_dim,
                                   dynamic_update_slice_in_dim)
from functrans.numpy.choosing import where
from functrans.numpy.creation import zeros
from functrans.numpy.joining import concatenate, stack
from functrans.numpy.linalg.common import matrices, one_batch
from functrans.numpy.linalg.products import diagonal
from functrans.numpy.manipulation import swapaxes
from functrans.numpy.promotion import promote
from functrans.numpy.ranges import arange, eye, triu
from functrans.numpy.reductions import max as largest
from functrans.numpy.ufuncs import abs, conj, maximum, sqrt
from functrans.primitives.elementwise import convert
from functrans.primitives.matrices import adjoint, complex_dtype


def schur(a, output: str = "real", *, overwrite_a: bool = False, check_finite: bool = True):
    """(T, Z) with a = Z T Z^H, T upper triangular and Z unitary, of square matrices (..., n, n).

    output: "complex", which complex matrices always give. Not differentiable; NaN for matrices
    for which no form is found. Raises NotImplementedError for the real form of real matrices,
    which has blocks of two rows on its diagonal.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> t, z = ft.scipy.linalg.schur(fnp.array([[0.0, 1.0], [-1.0, 0.0]]), output="complex")
    >>> fnp.round(abs(fnp.diagonal(t)), 4)
    Array([1., 1.], dtype=float32)
    """
    if output not in ("real", "complex", "r", "c"):
        raise ArgumentError(f"linalg.schur: output must be 'real' or 'complex', got {output!r}")
    a, = matrices("schur", a, square=True)
    if output in ("real", "r") and not is_complex(a.dtype):
        raise UnsupportedError("linalg.schur: the real form of real matrices is not available; "
                               "pass output='complex'")
    return _form(_complex(a))


def sqrtm(A, disp=None, blocksize=None):
    """The principal square roots X of square matrices (..., n, n): X @ X = A. Complex.

    Where A has no eigenvalue that is 0, X is differentiable. disp, blocksize: of no effect.
    A. Bjorck and S. Hammarling, Linear Algebra and its Applications 52 (1983).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.linalg.sqrtm(fnp.array([[4.0, 0.0], [0.0, 9.0]])).real.round(4)
    Array([[2., 0.],
           [0., 3.]], dtype=float32)
    """
    A, = matrices("sqrtm", A, square=True)
    return _root(not is_complex(A.dtype), _complex(A))


def solve_sylvester(a, b, q, *, method: str = "schur", tol: float = 1e-8):
    """The X with a @ X + X @ b = q: a (..., m, m), b (..., n, n), q (..., m, n).

    Differentiable in all three. Infinite or NaN where an eigenvalue of a is the negative of one of
    b. method: "schur" or "eigen", which come to the same; tol: of no effect.
    R. Bartels and G. Stewart, Communications of the ACM 15 (1972).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> one = fnp.ones((1, 1))
    >>> ft.scipy.linalg.solve_sylvester(one, 3 * one, 8 * one).round(4)
    Array([[2.]], dtype=float32)
    """
    if method not in ("schur", "eigen"):
        raise ArgumentError(f"linalg.solve_sylvester: method must be 'schur' or 'eigen', got "
                            f"{method!r}")
    a, b, q = promote(*matrices("solve_sylvester", a, b, q))
    if a.shape[-1] != a.shape[-2] or b.shape[-1] != b.shape[-2] \
            or q.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ShapeError("linalg.solve_sylvester takes a (m, m), b (n, n) and q (m, n), got "
                         f"{a.type}, {b.type} and {q.type}")
    a, b, q = one_batch("solve_sylvester", a, b, q)
    x = _sylvester(*(_complex(matrix) for matrix in (a, b, q)))
    return x if is_complex(q.dtype) else x.real


def _complex(x):
    return convert(x, complex_dtype(x.dtype))


def _over_batch(function, *arrays):
    """A function of matrices, mapped over leading axes."""
    for _ in range(arrays[0].ndim - 2):
        function = vmap(function)
    return function(*arrays)


# ---- Schur's form ----

@custom_jvp
def _form(a):
    return _over_batch(_form_of_one, a)


@_form.defjvp
def _form_rule(primals, tangents):
    raise NotDifferentiableError("linalg.schur has no derivative; what it is used for here, sqrtm "
                                 "and solve_sylvester, has")


class _State(NamedTuple):
    """t, z: so far. top, last: of the block that is worked on. steps: since it became smaller."""
    t: ArrayBase
    z: ArrayBase
    top: ArrayBase
    last: ArrayBase
    steps: ArrayBase


_LIMIT = 40                   # steps for an eigenvalue; two or three are usual


@jit
def _form_of_one(a) -> tuple:
    """Compiled always: there are thousands of rotations of two rows."""
    n = a.shape[-1]
    if n < 2:
        return a, eye(n, dtype=a.dtype)
    size = largest(abs(a))
    scale = where((size > 0) & (size < np.inf), size, 1)           # so that squares are numbers
    packed, taus = hessenberg(a / scale)
    z = eye(n, dtype=a.dtype).at[1:, 1:].set(householder_product(packed[1:, :n - 1], taus))
    start = _deflated(_State(triu(packed, -1), z, np.int64(0), np.int64(n - 1), np.int64(0)))
    end = while_loop(lambda state: (state.last > 0) & (state.steps < _LIMIT), _qr_step, start)
    good = end.last == 0
    return where(good, triu(end.t) * scale, np.nan), where(good, end.z, np.nan)


def _deflated(state: _State) -> _State:
    """Small numbers under the diagonal become 0; the last block without such is the next.

    Small beside their neighbours; if that does not come about, beside the whole matrix.
    """
    t = triu(state.t, -1)
    size, whole = abs(diagonal(t)), largest(abs(t))
    scale = 4 * (size[1:] + size[:-1])
    scale = where(state.steps >= 10, maximum(scale, whole), scale)
    beside = abs(diagonal(t, offset=-1))
    keep = beside > np.finfo(scale.dtype).eps * scale
    place = arange(t.shape[-1] - 1)
    last = largest(where(keep, place + 1, 0))
    top = largest(where(~keep & (place < last), place + 1, 0))
    small = concatenate([zeros(1, bool), ~keep])
    row, column = arange(t.shape[-1])[:, None], arange(t.shape[-1])
    t = where(small[:, None] & (row == column + 1), 0, t)
    return _State(t, state.z, top, last, where(last < state.last, 0, state.steps + 1))


def _qr_step(state: _State) -> _State:
    """One sweep of rotations down the block, with its shift."""
    shift = _shift(state)

    def rotate(k, carry):
        t, z, column = carry
        c, s = _rotation(column[0], column[1])
        turn = stack([stack([convert(c, s.dtype), s]), stack([-conj(s), convert(c, s.dtype)])])
        t = dynamic_update_slice_in_dim(t, turn @ dynamic_slice_in_dim(t, k, 2, 0), k, 0)
        back = adjoint(turn)
        t = dynamic_update_slice_in_dim(t, dynamic_slice_in_dim(t, k, 2, 1) @ back, k, 1)
        z = dynamic_update_slice_in_dim(z, dynamic_slice_in_dim(z, k, 2, 1) @ back, k, 1)
        row = where(k + 3 > t.shape[0], t.shape[0] - 2, k + 1)
        column = dynamic_slice(t, (row, k), (2, 1))[:, 0]
        return t, z, column
    first = dynamic_slice(state.t, (state.top, state.top), (2, 1))[:, 0]
    first = first - shift * np.array([1, 0], state.t.dtype)
    t, z, _ = fori_loop(state.top, state.last, rotate, (state.t, state.z, first))
    return _deflated(state._replace(t=t, z=z))


def _rotation(x, y) -> tuple:
    """(c, s), c real: the rotation [[c, s], [-conj(s), c]] that takes (x, y) to (r, 0)."""
    size, other = abs(x), abs(y)
    length = sqrt(size * size + other * other)
    safe = where(length == 0, 1, length)
    phase = where(size == 0, 1, x / where(size == 0, 1, size))
    return where(length == 0, 1, size / safe), phase * conj(y) / safe


def _shift(state: _State):
    """The eigenvalue of the last two rows that is closer to the last entry (J. Wilkinson); every
    tenth time another number, lest the steps go round in a circle."""
    corner = dynamic_slice(state.t, (state.last - 1, state.last - 1), (2, 2))
    (a, b), (c, d) = ((corner[i, 0], corner[i, 1]) for i in (0, 1))
    half = (a - d) / 2
    root = sqrt(half * half + b * c)
    root = where((conj(half) * root).real < 0, -root, root)
    divisor = half + root
    usual = d - where(divisor == 0, 0, b * c / where(divisor == 0, 1, divisor))
    other = d + convert(abs(c), d.dtype)
    return where(state.steps % 10 == 9, other, usual)


# ---- square roots ----

def _root_of(real: bool, a):
    return _over_batch(lambda a: _root_of_one(real, a), a)


_root = custom_jvp(_root_of, nondiff_argnums=(0,))


@_root.defjvp
def _root_rule(real, primals, tangents):
    """X dX + dX X = dA."""
    x = _root(real, *primals)
    return x, _sylvester(x, x, tangents[0])


def _root_of_one(real: bool, a):
    t, z = _form(a)
    return z @ _triangular_root(_with_real_values(t) if real else t) @ adjoint(z)


def _with_real_values(t):
    """Negative eigenvalues of real matrices have no imaginary part, whose sign would decide."""
    limit = 10 * np.finfo(t.dtype).eps * largest(abs(t), initial=0)
    values = diagonal(t)
    rounding = where(abs(values.imag) <= limit, values.real, values)
    return where(eye(t.shape[-1], dtype=bool), rounding, t)


def _triangular_root(t):
    """Column by column: (U + u_jj) u_j = t_j above the diagonal."""
    n = t.shape[-1]
    roots = sqrt(diagonal(t))
    place = arange(n)

    def step(u, j):
        root = roots[j]
        before = (place < j)[:, None] & (place < j)
        shifted = u + root * eye(n, dtype=u.dtype)
        system = where(before, shifted, eye(n, dtype=u.dtype))
        right = where(place < j, dynamic_index_in_dim(t, j, 1, False), 0)
        tiny = np.finfo(u.dtype).tiny                  # so 0 / 0 is 0, and what has no root is huge
        divisor = where((system == 0) & (place[:, None] == place), tiny, system)
        above = triangular_solve(divisor, right[:, None], left_side=True)[:, 0]
        column = where(place == j, root, where(place < j, above, 0))
        return where(place == j, column[:, None], u), None
    return scan(step, t * 0, place)[0] if n else t


# ---- Sylvester's equation ----

def _sylvester(a, b, q):
    """Differentiated as what solves an equation that is linear in q."""
    def solve(_, right):
        return _over_batch(_sylvester_of_one, a, b, right)

    def transposed(_, right):
        return _over_batch(_sylvester_of_one, swapaxes(a, -1, -2), swapaxes(b, -1, -2), right)
    return custom_linear_solve(lambda x: a @ x + x @ b, q, solve, transposed)


def _sylvester_of_one(a, b, q):
    """With both in Schur's form: column by column, each a triangular system."""
    s, u = _form(a)
    t, v = _form(b)
    right = adjoint(u) @ q @ v
    m, n = q.shape
    place = arange(n)

    def step(y, j):
        column = dynamic_index_in_dim(t, j, 1, False)
        known = y @ where(place < j, column, 0)
        system = s + column[j] * eye(m, dtype=s.dtype)
        here = dynamic_index_in_dim(right, j, 1, False) - known
        new = triangular_solve(system, here[:, None], left_side=True)
        return where(place == j, new, y), None
    y = scan(step, q * 0, place)[0]
    return u @ y @ adjoint(v)
