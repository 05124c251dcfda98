"""LU factors, linear systems solved by them, determinants.

Matrices are the last two axes, with any leading batch axes, the same for all operands. A system
that is exactly singular gives NaN and leaves the others of its batch alone.

Derivatives: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008). Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ShapeError
from functrans.ir.library import INTEGER, Block, Routine
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, is_complex
from functrans.primitives.basic import add_tangents, full, reduce_sum
from functrans.primitives.cumulative import product_tangent
from functrans.primitives.define import no_tangent
from functrans.primitives.elementwise import (
    abs_,
    add,
    and_,
    complex_,
    convert,
    eq,
    imag,
    mul,
    ne,
    neg,
    or_,
    select,
    sign,
    sub,
)
from functrans.primitives.functions import log
from functrans.primitives.index import take_along
from functrans.primitives.lapack import (
    batch_matrices,
    by_library,
    call_routine,
    info_block,
    nan_where_failed,
    one_by_one,
)
from functrans.primitives.matrices import (
    along_rows,
    apply_letter,
    check_matrices,
    columns,
    diagonal,
    eye,
    lower,
    matmul,
    numpy_letter,
    on_diagonal,
    real_dtype,
    real_part,
    rows,
    swap,
    upper,
)
from functrans.primitives.reduce import reduce_prod
from functrans.primitives.shape import concatenate, iota, pad
from functrans.primitives.triangular import adjoint_solve, check_system, triangular_solve
from functrans.trace import bind

# ---- LU ----

def _infer_lu(a):
    check_matrices((a,), "lu")
    batch, (m, n) = a.shape[:-2], a.shape[-2:]
    return (a.strong(), ArrayType((*batch, min(m, n)), np.int64), ArrayType((*batch, m), np.int64))


_PANEL = 32              # columns that are eliminated one by one before the rest follows at once


def _evaluate_lu(a):
    """NumPy shows no factors, so: by panels, the rest of the matrix by one product for each."""
    lu = np.array(a)
    batch, (m, n) = lu.shape[:-2], lu.shape[-2:]
    lu = lu.reshape(-1, m, n)
    pivots = np.empty((len(lu), min(m, n)), np.int64)
    for matrix, pivot in zip(lu, pivots):
        _factor(matrix, pivot)
    pivots = pivots.reshape(*batch, min(m, n))
    return lu.reshape(a.shape), pivots, _evaluate_order(pivots, size=m)


def _factor(a: np.ndarray, pivots: np.ndarray):
    """Factors one matrix in place, with partial pivoting."""
    m, n = a.shape
    for start in range(0, len(pivots), _PANEL):
        stop = min(start + _PANEL, len(pivots))
        _eliminate(a, pivots, start, stop)
        if stop < n:
            unit = np.tril(a[start:stop, start:stop], -1) + np.eye(stop - start, dtype=a.dtype)
            a[start:stop, stop:] = np.linalg.solve(unit, a[start:stop, stop:])
            a[stop:, stop:] -= a[stop:, start:stop] @ a[start:stop, stop:]


def _eliminate(a: np.ndarray, pivots: np.ndarray, start: int, stop: int):
    """The columns of a panel, with rows exchanged everywhere."""
    for k in range(start, stop):
        pivot = k + int(np.argmax(_size(a[k:, k])))
        pivots[k] = pivot
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
        if a[k, k] != 0:
            a[k + 1:, k] /= a[k, k]
            a[k + 1:, k + 1:stop] -= a[k + 1:, k, None] * a[k, k + 1:stop]


def _size(x: np.ndarray) -> np.ndarray:
    """By which LAPACK chooses pivots: |re| + |im|."""
    return np.abs(x.real) + np.abs(x.imag)


def _permutation(pivots: np.ndarray, m: int) -> np.ndarray:
    order = np.arange(m)
    for k, pivot in enumerate(pivots):
        order[k], order[pivot] = order[pivot], order[k]
    return order


def _safe_upper(u, last: bool):
    """U with ones for zero pivots, and for the last one if it is not needed."""
    middle = on_diagonal(u.shape)
    zero = eq(u, u.dtype.type(0))
    if last:
        place = iota(np.int64, u.shape, u.ndim - 1)
        zero = or_(zero, eq(place, np.int64(u.shape[-1] - 1)))
    return select(and_(middle, zero), u.dtype.type(1), upper(u))


def _divide_by_upper(x, u):
    """X U^-1."""
    return swap(triangular_solve(u, swap(x), lower=False, letter="T"))


def _jvp_lu(out, primals, tangents, params):
    """With X = L^-1 P dA: dL = L F and dU = X - F U, F the strict lower triangle of X U^-1.

    F does not depend on the last pivot: so the derivative of U is right where only that is zero.
    """
    lu, _, order = out
    m, n = lu.shape[-2:]
    k = min(m, n)
    da = take_along(tangents[0], along_rows(order, lu.shape), lu.ndim - 2)
    head = rows(lu, 0, k)
    square = columns(head, 0, k)
    x = triangular_solve(square, rows(da, 0, k), lower=True, unit=True)
    factor = lower(_divide_by_upper(columns(x, 0, k), _safe_upper(square, last=True)), 1)
    d_upper = upper(sub(x, matmul(factor, upper(head))))
    d_lower = lower(matmul(add(lower(square, 1), eye(square.type)), factor), 1)
    top = add(d_upper, pad(d_lower, (0,) * lu.ndim, (*(0,) * (lu.ndim - 1), n - k)))
    if m == k:
        return top, None, None
    rest = sub(rows(da, k, m), matmul(rows(lu, k, m), d_upper))
    rest = _divide_by_upper(rest, _safe_upper(square, last=False))
    return concatenate([top, rest], lu.ndim - 2), None, None


def _getrf(a):
    """The factors by LAPACK: (transposed lu, its pivots, info), and blocks to go on with."""
    m, n = a.shape[-2:]
    matrix = Block("a", (n, m), a.dtype, start=0)
    pivots, info = Block("pivots", (min(m, n),), INTEGER), info_block()
    call = Routine("getrf", a.dtype, (m, n, matrix, m, pivots, info))
    return call_routine(call, (matrix, pivots, info), swap(a), batch=a.shape[:-2])


def _lu_by_library(a):
    lu, pivots, _ = _getrf(a)
    return [swap(lu), sub(pivots, np.int64(1)), _exchanged(pivots, a.shape[-2])]


def _exchanged(pivots, size: int):
    """The rows' numbers, exchanged as the rows were. pivots: counted from one, as by LAPACK."""
    batch, count = pivots.shape[:-1], pivots.shape[-1]
    start = iota(np.float64, (*batch, size), len(batch))
    order = Block("order", (size,), np.dtype(np.float64), start=0)
    given = Block("pivots", (count,), INTEGER, start=1, kept=True)
    call = Routine("laswp", order.dtype, (1, order, size, 1, count, given, 1))
    return convert(call_routine(call, (order,), start, pivots, batch=batch)[0], np.int64)


lu_p = Primitive(
    name="lu", infer=_infer_lu, evaluate=_evaluate_lu, jvp=_jvp_lu, multiple=True,
    inherits_weak=False, batch=batch_matrices(lambda: lu_p), kernel=by_library(_lu_by_library))


def lu(a):
    """(LU, pivots, order) by partial pivoting: `a[order] = L U`, packed into one matrix.

    pivots: with which row each was exchanged, one after the other, counted from zero.
    """
    return bind(lu_p, a)


# ---- pivots as an order ----

def _infer_order(pivots, *, size):
    if pivots.dtype != INTEGER or not pivots.ndim or pivots.shape[-1] > size:
        raise ShapeError(f"pivot_order takes at most {size} int64 pivots for {size} rows, got "
                         f"{pivots}")
    return ArrayType((*pivots.shape[:-1], size), np.int64)


def _evaluate_order(pivots, *, size):
    flat = pivots.reshape(-1, pivots.shape[-1])
    rows = [_permutation(row, size) for row in flat]
    return np.array(rows, np.int64).reshape(*pivots.shape[:-1], size)


def _order_by_library(pivots, *, size):
    return [_exchanged(add(pivots, np.int64(1)), size)]


pivot_order_p = Primitive(
    name="pivot_order", infer=_infer_order, evaluate=_evaluate_order, jvp=no_tangent,
    inherits_weak=False, batch=batch_matrices(lambda: pivot_order_p),
    kernel=by_library(_order_by_library))


def pivot_order(pivots, size: int):
    """Of `size` rows, where each came from after the exchanges that `lu` names."""
    return bind(pivot_order_p, pivots, size=size)


# ---- linear systems ----

def _infer_solve(a, b, *, letter):
    check_system(a, b, "solve")
    return b.strong()


def _evaluate_solve(a, b, *, letter):
    return one_by_one(np.linalg.solve, (2, 2))(numpy_letter(a, letter), b)


def _jvp_solve(out, primals, tangents, params):
    """op(A) dX = dB - op(dA) X."""
    (a, _), (da, db) = primals, tangents
    right = db
    if da is not None:
        right = add_tangents(db, neg(matmul(apply_letter(da, params["letter"]), out)))
    return bind(solve_p, a, right, **params)


def _solve_by_library(a, b, *, letter):
    """The factors are an equation of their own, which systems of one matrix share."""
    n, count = b.shape[-2:]
    lu, pivots, failed = _getrf(a)
    matrix = Block("a", (n, n), a.dtype, start=0, kept=True)
    given = Block("pivots", (n,), INTEGER, start=1, kept=True)
    right, info = Block("b", (count, n), a.dtype, start=2), info_block()
    call = Routine("getrs", a.dtype, (letter, n, count, matrix, n, given, right, n, info))
    out, = call_routine(call, (right,), lu, pivots, swap(b), batch=a.shape[:-2])
    return [nan_where_failed(failed, swap(out))]


solve_p = Primitive(
    name="solve", infer=_infer_solve, evaluate=_evaluate_solve, jvp=_jvp_solve,
    transpose=lambda ct, inputs, params: adjoint_solve(solve_p, ct, inputs[0], params),
    batch=batch_matrices(lambda: solve_p), kernel=by_library(_solve_by_library))


def solve(a, b, letter: str = "N"):
    """X with op(A) X = B; see `triangular_solve` for the letter."""
    return bind(solve_p, a, b, letter=letter)


# ---- determinants ----

def _infer_slogdet(a):
    check_matrices((a,), "slogdet", square=True)
    return (ArrayType(a.shape[:-2], a.dtype), ArrayType(a.shape[:-2], real_dtype(a.dtype)))


def _evaluate_slogdet(a):
    return tuple(np.linalg.slogdet(a))


def _jvp_slogdet(out, primals, tangents, params):
    """d log det A = tr(A^-1 dA): its real part belongs to the logarithm, the rest to the sign."""
    a = primals[0]
    share = reduce_sum(diagonal(solve(a, tangents[0])), (a.ndim - 2,))
    if not is_complex(a.dtype):
        return None, share
    turn = complex_(full(out[1].type.strong(), 0), imag(share))
    return mul(out[0], turn), real_part(share)


def _parity(pivots, dtype: np.dtype):
    """1 for each row that stays, -1 for each that is exchanged."""
    place = iota(np.int64, pivots.shape, pivots.ndim - 1)
    stays = full(ArrayType(pivots.shape, dtype), 1)
    return select(ne(pivots, place), dtype.type(-1), stays)


def _slogdet_by_library(a):
    lu, pivots, _ = _getrf(a)
    factors = diagonal(lu)
    parity = _parity(sub(pivots, np.int64(1)), a.dtype)
    axes = (a.ndim - 2,)
    return [reduce_prod(mul(sign(factors), parity), axes), reduce_sum(log(abs_(factors)), axes)]


slogdet_p = Primitive(
    name="slogdet", infer=_infer_slogdet, evaluate=_evaluate_slogdet, jvp=_jvp_slogdet,
    multiple=True, inherits_weak=False, batch=batch_matrices(lambda: slogdet_p),
    kernel=by_library(_slogdet_by_library))


def slogdet(a):
    """Sign (or phase) and logarithm of the size of the determinant."""
    return bind(slogdet_p, a)


def _infer_det(a):
    check_matrices((a,), "det", square=True)
    return ArrayType(a.shape[:-2], a.dtype)


def _jvp_det(out, primals, tangents, params):
    """By the product rule over the pivots: right for singular matrices, too."""
    factors = lu(primals[0])
    d_factors = _jvp_lu(factors, primals, tangents, {})[0]
    pivots = mul(diagonal(factors[0]), _parity(factors[1], out.dtype))
    return product_tangent(pivots, mul(diagonal(d_factors), _parity(factors[1], out.dtype)))


def _det_by_library(a):
    lu, pivots, _ = _getrf(a)
    parity = _parity(sub(pivots, np.int64(1)), a.dtype)
    return [reduce_prod(mul(diagonal(lu), parity), (a.ndim - 2,))]


det_p = Primitive(
    name="det", infer=_infer_det, evaluate=np.linalg.det, jvp=_jvp_det,
    batch=batch_matrices(lambda: det_p), kernel=by_library(_det_by_library))


def det(a):
    """The determinants."""
    return bind(det_p, a)
