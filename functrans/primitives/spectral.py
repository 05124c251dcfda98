"""Eigenvalues and eigenvectors: of Hermitian matrices, and of any square ones.

Matrices are the last two axes, with any leading batch axes. A matrix on which the method fails (it
does not converge, or holds NaN) gives NaN and leaves the others of its batch alone.

Derivatives: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008). Vectors of equal eigenvalues are not determined, so they have no
derivative; the terms that would be infinite are taken as zero, which is right for functions that
do not depend on the choice of the vectors.

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import NotDifferentiableError
from functrans.ir.library import INTEGER, Block, Routine, Work
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, is_complex
from functrans.primitives.basic import broadcast
from functrans.primitives.elementwise import (
    complex_,
    gt,
    is_finite,
    lt,
    mul,
    neg,
    select,
)
from functrans.primitives.lapack import (
    batch_matrices,
    by_library,
    call_routine,
    in_double,
    info_block,
    nan_where_failed,
    one_by_one,
)
from functrans.primitives.matrices import (
    adjoint,
    along_columns,
    as_dtype,
    check_matrices,
    columns,
    complex_dtype,
    diagonal,
    hermitian_of_lower,
    inverse_gaps,
    matmul,
    real_dtype,
    real_part,
    swap,
)
from functrans.primitives.reduce import reduce_and
from functrans.primitives.shape import pad
from functrans.trace import bind

# ---- eigenvalues of Hermitian matrices ----

def _infer_eigh(a, *, vectors):
    check_matrices((a,), "eigh", square=True)
    values = ArrayType(a.shape[:-1], real_dtype(a.dtype))
    return (values, a.strong()) if vectors else (values,)


def _evaluate_eigh(a, *, vectors):
    if vectors:
        return one_by_one(lambda x: tuple(np.linalg.eigh(x)), (2,))(a)
    return (one_by_one(np.linalg.eigvalsh, (2,))(a),)


def _jvp_eigh(out, primals, tangents, params):
    """With X = V^H dA V: dw = diag X, dV = V (X / gaps)."""
    values, vectors = out if params["vectors"] else eigh(primals[0])
    inner = matmul(adjoint(vectors), matmul(hermitian_of_lower(tangents[0]), vectors))
    d_values = real_part(diagonal(inner))
    if not params["vectors"]:
        return (d_values,)
    gaps = as_dtype(inverse_gaps(values), inner.dtype)
    return d_values, matmul(vectors, mul(gaps, inner))


def _eigh_by_library(a, *, vectors):
    n, dtype = a.shape[-1], a.dtype
    matrix, info = Block("a", (n, n), dtype, start=0), info_block()
    values = Block("w", (n,), real_dtype(dtype))
    complex_work = (Work(real_dtype(dtype)),) if is_complex(dtype) else ()
    call = Routine("heevd" if is_complex(dtype) else "syevd", dtype,
                   ("V" if vectors else "N", "L", n, matrix, n, values, Work(dtype),
                    *complex_work, Work(INTEGER), info))
    w, v, failed = call_routine(call, (values, matrix, info), swap(a), batch=a.shape[:-2])
    found = (w, swap(v)) if vectors else (w,)
    return [nan_where_failed(failed, x) for x in found]


eigh_p = Primitive(
    name="eigh", infer=_infer_eigh, evaluate=_evaluate_eigh, jvp=_jvp_eigh, multiple=True,
    inherits_weak=False, batch=batch_matrices(lambda: eigh_p),
    kernel=by_library(in_double(_eigh_by_library)))


def eigh(a, vectors: bool = True):
    """Eigenvalues, ascending, (and vectors) of Hermitian matrices: of their lower triangles."""
    return bind(eigh_p, a, vectors=bool(vectors))


# ---- eigenvalues of any matrices ----

def _infer_eig(a, *, vectors):
    check_matrices((a,), "eig", square=True)
    dtype = complex_dtype(a.dtype)
    values = ArrayType(a.shape[:-1], dtype)
    return (values, ArrayType(a.shape, dtype)) if vectors else (values,)


def _evaluate_eig(a, *, vectors):
    dtype = complex_dtype(a.dtype)
    function = (lambda x: tuple(np.linalg.eig(x))) if vectors else \
        (lambda x: (np.linalg.eigvals(x),))
    function = one_by_one(function, (2,))
    return tuple(np.asarray(part).astype(dtype) for part in function(a))


def _jvp_eig(out, primals, tangents, params):
    raise NotDifferentiableError(
        "eig and eigvals have no derivative here: eigenvalues of general matrices are not "
        "differentiable where they meet, and their vectors are not determined in scale. For "
        "symmetric or Hermitian matrices use eigh or eigvalsh, which have one")


def _eig_by_library(a, *, vectors):
    """LAPACK may not end on NaN, so matrices that are not finite are replaced by zeros."""
    axes = (a.ndim - 2, a.ndim - 1)
    finite = reduce_and(is_finite(a), axes)
    start = select(broadcast(finite, a.shape, range(a.ndim - 2)), swap(a), a.dtype.type(0))
    solve = _complex_eig if is_complex(a.dtype) else _real_eig
    values, found, failed = solve(start, vectors)
    failed = select(finite, failed, np.int64(1))
    out = [values, found] if vectors else [values]
    return [nan_where_failed(failed, x) for x in out]


def _complex_eig(start, vectors: bool):
    n, dtype = start.shape[-1], start.dtype
    matrix, info = Block("a", (n, n), dtype, start=0), info_block()
    values, right = Block("w", (n,), dtype), Block("vr", (n, n), dtype)
    unused = Block("unused", (1,), dtype)
    scratch = Block("rwork", (2 * n,), real_dtype(dtype))
    call = Routine("geev", dtype, ("N", "V" if vectors else "N", n, matrix, n, values, unused, 1,
                                   right, n, Work(dtype), scratch, info))
    w, v, failed = call_routine(call, (values, right, info), start, batch=start.shape[:-2])
    return w, swap(v), failed


def _real_eig(start, vectors: bool):
    n, dtype = start.shape[-1], start.dtype
    matrix, info = Block("a", (n, n), dtype, start=0), info_block()
    real, imaginary = Block("wr", (n,), dtype), Block("wi", (n,), dtype)
    right, unused = Block("vr", (n, n), dtype), Block("unused", (1,), dtype)
    call = Routine("geev", dtype, ("N", "V" if vectors else "N", n, matrix, n, real, imaginary,
                                   unused, 1, right, n, Work(dtype), info))
    results = (real, imaginary, right, info)
    x, y, packed, failed = call_routine(call, results, start, batch=start.shape[:-2])
    return complex_(x, y), _unpacked(swap(packed), y), failed


def _unpacked(packed, y):
    """Vectors of a conjugate pair come as two columns, the real and the imaginary part."""
    shape, n = packed.shape, packed.shape[-1]
    axis = packed.ndim - 1
    edge = (0,) * axis
    after = pad(columns(packed, 1, n), (0,) * packed.ndim, (*edge, 1))
    before = pad(columns(packed, 0, n - 1), (*edge, 1), (0,) * packed.ndim)
    zero = packed.dtype.type(0)
    first, second = (along_columns(mask, shape) for mask in (gt(y, zero), lt(y, zero)))
    imaginary = select(first, after, select(second, neg(packed), zero))
    return complex_(select(second, before, packed), imaginary)


eig_p = Primitive(
    name="eig", infer=_infer_eig, evaluate=_evaluate_eig, jvp=_jvp_eig, multiple=True,
    inherits_weak=False, batch=batch_matrices(lambda: eig_p),
    kernel=by_library(in_double(_eig_by_library)))


def eig(a, vectors: bool = True):
    """Eigenvalues (and right vectors) of square matrices, always complex."""
    return bind(eig_p, a, vectors=bool(vectors))
