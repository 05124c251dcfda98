"""Orthogonal factors: QR, singular values, pseudoinverses.

Matrices are the last two axes, with any leading batch axes. A matrix on which the method fails (it
does not converge, or holds NaN) gives NaN and leaves the others of its batch alone.

Derivatives: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); QR: S. F. Walter and L. Lehmann, arXiv:1009.6112. Vectors of equal singular
values are not determined, so they have no derivative; the terms that would be infinite are taken
as zero, which is right for functions that do not depend on the choice of the vectors.

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import NotDifferentiableError
from functrans.ir.library import INTEGER, Block, Routine, Work
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, is_complex
from functrans.primitives.basic import add_tangents, broadcast, full
from functrans.primitives.elementwise import (
    add,
    div,
    gt,
    is_finite,
    mul,
    select,
    sub,
)
from functrans.primitives.lapack import (
    batch_matrices,
    by_library,
    by_primitives,
    call_routine,
    in_double,
    info_block,
    nan_where_failed,
    one_by_one,
)
from functrans.primitives.linalg import triangular_solve
from functrans.primitives.matrices import (
    adjoint,
    along_columns,
    along_rows,
    as_dtype,
    check_matrices,
    columns,
    diagonal,
    imaginary_part,
    inverse_or_zero,
    lower,
    matmul,
    on_diagonal,
    real_dtype,
    real_part,
    rows,
    scale_columns,
    scale_rows,
    swap,
    upper,
)
from functrans.primitives.reduce import reduce_max
from functrans.primitives.shape import concatenate, pad
from functrans.trace import bind

# ---- QR ----

def _infer_qr(a, *, mode):
    check_matrices((a,), "qr")
    batch, (m, n) = a.shape[:-2], a.shape[-2:]
    k = min(m, n)
    if mode == "raw":
        return a.strong(), ArrayType((*batch, k), a.dtype)
    side = m if mode == "complete" else k
    return ArrayType((*batch, m, side), a.dtype), ArrayType((*batch, side, n), a.dtype)


def _evaluate_qr(a, *, mode):
    q, r = np.linalg.qr(a, mode)
    return (np.swapaxes(q, -1, -2), r) if mode == "raw" else (q, r)


def _jvp_qr(out, primals, tangents, params):
    """dQ = Q O + (dA - Q Q^H dA) R^-1, dR = (Q^H dA R^-1 - O) R, with O skew-Hermitian.

    The first columns, as many as there are rows, determine Q; the others follow.
    """
    (q, r), a, da = out, primals[0], tangents[0]
    m, n = a.shape[-2:]
    _check_qr_derivative(params["mode"], m, n)
    k = min(m, n)
    square = columns(r, 0, k)
    d_solved = swap(triangular_solve(square, swap(columns(da, 0, k)), lower=False, letter="T"))
    inner = matmul(adjoint(q), d_solved)
    strict = lower(inner, 1)
    turn = sub(strict, adjoint(strict))
    if is_complex(a.dtype):
        turn = add(turn, select(on_diagonal(inner.shape), imaginary_part(inner), a.dtype.type(0)))
    dq = add(matmul(q, sub(turn, inner)), d_solved)
    dr = upper(matmul(sub(inner, turn), square))
    if n > k:
        rest = add(matmul(adjoint(dq), columns(a, k, n)), matmul(adjoint(q), columns(da, k, n)))
        dr = concatenate([dr, rest], a.ndim - 1)
    return dq, dr


def _check_qr_derivative(mode: str, m: int, n: int):
    if mode == "raw" or mode == "complete" and m > n:
        raise NotDifferentiableError(
            f"qr with mode={mode!r} of matrices of shape {(m, n)} has no derivative: the columns "
            f"behind the first {n} are not determined by the matrix. Use mode='reduced'")


def _qr_by_library(a, *, mode):
    """Reflections by geqrf, whose upper triangle is R; their product by orgqr."""
    m, n = a.shape[-2:]
    k, batch, work = min(m, n), a.shape[:-2], Work(a.dtype)
    matrix, tau = Block("a", (n, m), a.dtype, start=0), Block("tau", (k,), a.dtype)
    reflect = Routine("geqrf", a.dtype, (m, n, matrix, m, tau, work, info_block()))
    packed, scales = call_routine(reflect, (matrix, tau), swap(a), batch=batch)
    if mode == "raw":
        return [swap(packed), scales]
    side = m if mode == "complete" else k
    r = upper(rows(swap(packed), 0, side))
    start = rows(packed, 0, min(n, side))
    missing = side - min(n, side)
    start = pad(start, (0,) * a.ndim, (*(0,) * (a.ndim - 2), missing, 0))
    q = Block("q", (side, m), a.dtype, start=0)
    given = Block("tau", (k,), a.dtype, start=1, kept=True)
    name = "ungqr" if is_complex(a.dtype) else "orgqr"
    multiply = Routine(name, a.dtype, (m, side, k, q, m, given, work, info_block()))
    q, = call_routine(multiply, (q,), start, scales, batch=batch)
    return [swap(q), r]


qr_p = Primitive(
    name="qr", infer=_infer_qr, evaluate=_evaluate_qr, jvp=_jvp_qr, multiple=True,
    inherits_weak=False, batch=batch_matrices(lambda: qr_p), kernel=by_library(_qr_by_library))


def qr(a, mode: str = "reduced"):
    """(Q, R) with orthonormal columns in Q; mode "complete" has all columns, "raw" (h, tau)."""
    return bind(qr_p, a, mode=mode)


# ---- singular values ----

def _infer_svd(a, *, full, vectors):
    check_matrices((a,), "svd")
    batch, (m, n) = a.shape[:-2], a.shape[-2:]
    k = min(m, n)
    values = ArrayType((*batch, k), real_dtype(a.dtype))
    if not vectors:
        return (values,)
    return (ArrayType((*batch, m, m if full else k), a.dtype), values,
            ArrayType((*batch, n if full else k, n), a.dtype))


def _evaluate_svd(a, *, full, vectors):
    if vectors:
        return one_by_one(lambda x: tuple(np.linalg.svd(x, full)), (2,))(a)
    return (one_by_one(lambda x: np.linalg.svd(x, compute_uv=False), (2,))(a),)


def _jvp_svd(out, primals, tangents, params):
    """With X = U^H dA V: ds = diag X; dU = U (F (X S + S X^H)) and what leaves the span of U.

    F is 1 / (s[j]**2 - s[i]**2); for complex matrices U takes the change of phase.
    """
    (m, n), da = primals[0].shape[-2:], tangents[0]
    u, s, vh = out if params["vectors"] else svd(primals[0])
    if params["full"] and params["vectors"] and m != n:
        raise NotDifferentiableError(
            f"svd with full_matrices=True of matrices of shape {(m, n)} has no derivative: the "
            f"vectors behind the first {min(m, n)} are not determined by the matrix. Use "
            "full_matrices=False")
    v = adjoint(vh)
    inner = matmul(adjoint(u), matmul(da, v))
    ds = real_part(diagonal(inner))
    if not params["vectors"]:
        return (ds,)
    factor = as_dtype(_inverse_gaps_of_squares(s), inner.dtype)
    right, left = scale_columns(inner, s), scale_rows(inner, s)
    du = matmul(u, mul(factor, add(right, adjoint(right))))
    dv = matmul(v, mul(factor, add(left, adjoint(left))))
    inverse = inverse_or_zero(s)
    if is_complex(inner.dtype):
        turn = select(on_diagonal(inner.shape), imaginary_part(inner), inner.dtype.type(0))
        du = add(du, matmul(u, scale_columns(turn, inverse)))
    if m > n:
        du = add(du, scale_columns(_outside(u, matmul(da, v)), inverse))
    if n > m:
        dv = add(dv, scale_columns(_outside(v, matmul(adjoint(da), u)), inverse))
    return du, ds, adjoint(dv)


def _inverse_gaps_of_squares(s):
    """1 / (s[j]**2 - s[i]**2) at (i, j); zero where they are equal.

    As a product, which is zero for equal numbers however it is computed. The difference of two
    squares is not, if one of them is rounded and the other is not (a fused multiply-add).
    """
    shape = (*s.shape, s.shape[-1])
    across, down = along_columns(s, shape), along_rows(s, shape)
    return inverse_or_zero(mul(sub(across, down), add(across, down)))


def _outside(u, x):
    """What of the columns of x is orthogonal to those of u."""
    return sub(x, matmul(u, matmul(adjoint(u), x)))


def _svd_by_library(a, *, full, vectors):
    m, n = a.shape[-2:]
    k, dtype, batch = min(m, n), a.dtype, a.shape[:-2]
    real = real_dtype(dtype)
    p, q = (m, n) if full else (k, k)
    matrix, info = Block("a", (n, m), dtype, start=0), info_block()
    values = Block("s", (k,), real)
    left = Block("u", (p, m) if vectors else (1,), dtype)
    right = Block("vt", (n, q) if vectors else (1,), dtype)
    integers = Block("iwork", (8 * k,), INTEGER)
    scratch = ()
    if is_complex(dtype):
        size = max(5 * k * k + 5 * k, 2 * max(m, n) * k + 2 * k * k + k) if vectors else 7 * k
        scratch = (Block("rwork", (size,), real),)
    letter = ("A" if full else "S") if vectors else "N"
    call = Routine("gesdd", dtype, (letter, m, n, matrix, m, values, left, m, right, q,
                                    Work(dtype), *scratch, integers, info))
    results = (left, values, right, info) if vectors else (values, info)
    *found, failed = call_routine(call, results, swap(a), batch=batch)
    if vectors:
        found = [swap(found[0]), found[1], swap(found[2])]
    return [nan_where_failed(failed, x) for x in found]


svd_p = Primitive(
    name="svd", infer=_infer_svd, evaluate=_evaluate_svd, jvp=_jvp_svd, multiple=True,
    inherits_weak=False, batch=batch_matrices(lambda: svd_p),
    kernel=by_library(in_double(_svd_by_library)))


def svd(a, full: bool = False, vectors: bool = True):
    """(U, s, V^H), s descending; `full`: with all vectors; or (s,) alone."""
    return bind(svd_p, a, full=bool(full and vectors), vectors=bool(vectors))


# ---- pseudoinverse ----

def _infer_pinv(a, cutoff):
    check_matrices((a,), "pinv")
    return ArrayType((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)


def _pinv(a, cutoff):
    """V s^-1 U^H, without the singular values that are at most `cutoff` times the largest."""
    u, s, vh = svd(a)
    largest = reduce_max(s, (s.ndim - 1,))
    limit = broadcast(mul(largest, cutoff), s.shape, range(s.ndim - 1))
    one = full(s.type, 1)
    used = gt(s, limit)
    inverse = select(used, div(one, select(used, s, s.dtype.type(1))), s.dtype.type(0))
    inverse = select(is_finite(s), inverse, s)
    return [matmul(adjoint(vh), scale_rows(adjoint(u), inverse))]


def _evaluate_pinv(a, cutoff):
    u, s, vh = one_by_one(lambda x: tuple(np.linalg.svd(x, False)), (2,))(a)
    used = s > cutoff[..., None] * s[..., :1]
    inverse = np.where(used, 1 / np.where(used, s, 1), np.where(np.isfinite(s), 0, s))
    return np.swapaxes(vh.conj(), -1, -2) @ (inverse[..., None] * np.swapaxes(u.conj(), -1, -2))


def _jvp_pinv(out, primals, tangents, params):
    """G. Golub and V. Pereyra, SIAM Journal on Numerical Analysis 10 (1973): constant rank.

    dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P.
    """
    (a, _), p, da = primals, out, tangents[0]
    if da is None:
        return None
    step = adjoint(da)
    left, right = matmul(matmul(p, adjoint(p)), step), matmul(step, matmul(adjoint(p), p))
    total = sub(left, matmul(matmul(left, a), p))
    total = add_tangents(total, sub(right, matmul(p, matmul(a, right))))
    return sub(total, matmul(p, matmul(da, p)))


pinv_p = Primitive(
    name="pinv", infer=_infer_pinv, evaluate=_evaluate_pinv, jvp=_jvp_pinv,
    batch=batch_matrices(lambda: pinv_p), kernel=by_primitives(_pinv))


def pinv(a, cutoff):
    """The pseudoinverse; singular values up to `cutoff` (one for each matrix) times the
    largest count as zero."""
    return bind(pinv_p, a, cutoff)
