"""Triangular matrices: Cholesky factors, and systems that are solved by substitution.

Matrices are the last two axes, with any leading batch axes, the same for all operands. A matrix
that is not positive definite gives NaN and leaves the others of its batch alone.

Derivatives: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); Cholesky: I. Murray, arXiv:1602.07527. Imports `ir`, `trace`, and the
families of primitives above it.
"""
from __future__ import annotations

from contextlib import suppress

import numpy as np

from functrans.errors import ShapeError
from functrans.ir.library import Block, Routine
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType
from functrans.primitives.basic import add_tangents, full
from functrans.primitives.elementwise import (
    mul,
    neg,
    sub,
)
from functrans.primitives.lapack import (
    batch_matrices,
    by_library,
    call_routine,
    info_block,
    nan_where_failed,
    one_by_one,
)
from functrans.primitives.matrices import (
    adjoint,
    apply_letter,
    check_matrices,
    conjugate,
    eye,
    hermitian_of_lower,
    lower,
    matmul,
    numpy_letter,
    real_dtype,
    scale_columns,
    upper,
)
from functrans.trace import bind

# ---- Cholesky ----

def _infer_cholesky(a):
    check_matrices((a,), "cholesky", square=True)
    return a.strong()


def _evaluate_cholesky(a):
    return one_by_one(np.linalg.cholesky, (2,))(a)


def _jvp_cholesky(out, primals, tangents, params):
    """dL = L phi(L^-1 dA L^-H), phi the lower triangle with half the diagonal."""
    inner = triangular_solve(out, hermitian_of_lower(tangents[0]), lower=True)
    inner = triangular_solve(out, adjoint(inner), lower=True)
    half = scale_columns(eye(inner.type), full(ArrayType(inner.shape[:-1],
                                                         real_dtype(inner.dtype)), 0.5))
    return matmul(out, sub(lower(inner), mul(inner, half)))


def _cholesky_by_library(a):
    """Rows are columns to LAPACK: its upper triangle is our lower one, conjugated twice."""
    n = a.shape[-1]
    matrix, info = Block("a", (n, n), a.dtype, start=0), info_block()
    call = Routine("potrf", a.dtype, ("U", n, matrix, n, info))
    factor, failed = call_routine(call, (matrix, info), a, batch=a.shape[:-2])
    return [nan_where_failed(failed, lower(factor))]


cholesky_p = Primitive(
    name="cholesky", infer=_infer_cholesky, evaluate=_evaluate_cholesky, jvp=_jvp_cholesky,
    batch=batch_matrices(lambda: cholesky_p), kernel=by_library(_cholesky_by_library))


def cholesky(a):
    """The lower triangular L with a = L L^H; only the lower triangle of `a` is read."""
    return bind(cholesky_p, a)


# ---- triangular systems ----

def check_system(a, b, name: str):
    check_matrices((a, b), name, square=True)
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{name}: {a} and {b} do not fit: the right sides must have as many "
                         "rows as the matrix")


def _infer_triangular(a, b, *, lower, letter, unit):
    check_system(a, b, "triangular_solve")
    return b.strong()


def _triangle(a, is_lower: bool, unit: bool):
    """What of the matrix is read."""
    return lower(a, int(unit)) if is_lower else upper(a, int(unit))


def _evaluate_triangular(a, b, *, lower, letter, unit):
    part = np.tril(a) if lower else np.triu(a)
    if unit:
        part = np.where(np.eye(a.shape[-1], dtype=bool), a.dtype.type(1), part)
    part = numpy_letter(part, letter)
    if np.all(np.diagonal(part, axis1=-2, axis2=-1)):
        with suppress(np.linalg.LinAlgError):        # as for NaN, and numbers that underflow
            return np.linalg.solve(part, b)
    return _substitute(part, b, lower == (letter == "N"))


def _substitute(a: np.ndarray, b: np.ndarray, forward: bool) -> np.ndarray:
    """Row by row; zeros on the diagonal give infinities or NaN."""
    x = np.zeros(b.shape, b.dtype)
    order = range(a.shape[-1])
    with np.errstate(all="ignore"):
        for k in order if forward else reversed(order):
            rest = b[..., k, :] - (a[..., k, None, :] @ x)[..., 0, :]
            x[..., k, :] = rest / a[..., k, k, None]
    return x


def _jvp_triangular(out, primals, tangents, params):
    """op(A) dX = dB - op(dA) X."""
    (a, _), (da, db) = primals, tangents
    right = db
    if da is not None:
        part = _triangle(da, params["lower"], params["unit"])
        right = add_tangents(db, neg(matmul(apply_letter(part, params["letter"]), out)))
    return bind(triangular_solve_p, a, right, **params)


def adjoint_solve(primitive: Primitive, ct, a, params):
    """The cotangent of the right sides: the transposed system."""
    if params["letter"] == "C":
        out = bind(primitive, a, conjugate(ct), **{**params, "letter": "N"})
        return None, conjugate(out)
    letter = "T" if params["letter"] == "N" else "N"
    return None, bind(primitive, a, ct, **{**params, "letter": letter})


def _triangular_by_library(a, b, *, lower, letter, unit):
    """op(A) X = B is X^T op(A)^T = B^T, and to BLAS all is transposed already."""
    n, count = b.shape[-2:]
    matrix = Block("a", (n, n), a.dtype, start=0, kept=True)
    right = Block("b", (n, count), a.dtype, start=1)
    call = Routine("trsm", a.dtype, ("R", "U" if lower else "L", letter, "U" if unit else "N",
                                     count, n, 1.0, matrix, n, right, count))
    return call_routine(call, (right,), a, b, batch=a.shape[:-2])


triangular_solve_p = Primitive(
    name="triangular_solve", infer=_infer_triangular, evaluate=_evaluate_triangular,
    jvp=_jvp_triangular, batch=batch_matrices(lambda: triangular_solve_p),
    transpose=lambda ct, inputs, params:
        adjoint_solve(triangular_solve_p, ct, inputs[0], params),
    kernel=by_library(_triangular_by_library))


def triangular_solve(a, b, *, lower: bool, letter: str = "N", unit: bool = False):
    """X with op(A) X = B, of a triangular A: only its triangle is read.

    letter: "N" for A, "T" for its transpose, "C" for its conjugate transpose. unit: whether the
    diagonal counts as ones.
    """
    return bind(triangular_solve_p, a, b, lower=bool(lower), letter=letter, unit=bool(unit))
