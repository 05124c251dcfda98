"""Powers, products of many, and the exponential of matrices.

Imports `control`, `numpy`, `numpy.linalg`.
"""
from __future__ import annotations

import math
import operator
from functools import reduce


from functrans.control.unwind import bind_while
from functrans.errors import ArgumentError, LinAlgError, ShapeError
from functrans.ir.type import ArrayType
from functrans.numpy import reductions
from functrans.numpy.choosing import where
from functrans.numpy.linalg.common import matrices
from functrans.numpy.linalg.systems import inv
from functrans.numpy.products import dot, matmul
from functrans.numpy.promotion import as_arraylike
from functrans.numpy.ufuncs import abs, ceil, exp2, log2, maximum
from functrans.primitives import linalg
from functrans.primitives.elementwise import stop_gradient
from functrans.primitives.matrices import as_dtype, eye, real_dtype
from functrans.trace import trace


def matrix_power(a, n: int):
    """The powers of matrices (..., m, m), by squaring; of the inverses, if n is negative.

    Raises TypeError unless n is an int; LinAlgError if a matrix that is inverted is singular.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.matrix_power(fnp.array([[1, 1], [0, 1]]), 3)
    Array([[1, 3],
           [0, 1]], dtype=int64)
    """
    try:
        n = operator.index(n)
    except TypeError:
        raise ArgumentError(f"linalg.matrix_power: n must be an int, got {n!r}") from None
    a = as_arraylike(a, "matrix_power")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError("linalg.matrix_power: the matrices must be square, in the last "
                          f"two axes; got shape {a.shape}")
    if n < 0:
        return _power(inv(a), -n)
    return _power(a, n) if n else eye(ArrayType(a.shape, a.dtype))


def _power(a, n: int):
    """By the binary digits of n > 0, from the last."""
    result = None
    while n:
        if n % 2:
            result = a if result is None else matmul(result, a)
        n //= 2
        if n:
            a = matmul(a, a)
    return result


def multi_dot(arrays, *, out=None, precision=None):
    """The product of several matrices, in the order that takes the fewest multiplications.

    arrays: at least two; the first may be a row and the last a column, of one axis.
    Cormen et al., "Introduction to Algorithms", 15.2.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.multi_dot([fnp.ones((2, 9)), fnp.ones((9, 3)), fnp.ones(3)]).shape
    (2,)
    """
    arrays = [as_arraylike(x, "multi_dot") for x in arrays]
    if len(arrays) < 2:
        raise ArgumentError(f"linalg.multi_dot takes at least two arrays, got {len(arrays)}")
    for place, x in enumerate(arrays):
        if x.ndim != 2 and not (x.ndim == 1 and place in (0, len(arrays) - 1)):
            raise LinAlgError(f"linalg.multi_dot: array {place} is {x.type}; matrices "
                              "are needed, and vectors may stand first and last")
    for place, (x, y) in enumerate(zip(arrays, arrays[1:])):
        if x.shape[-1] != y.shape[0]:
            raise ShapeError(f"linalg.multi_dot: arrays {place} and {place + 1}, {x.type} and "
                             f"{y.type}, do not fit")
    return _chain(arrays, _best_splits(_chain_sizes(arrays)), 0, len(arrays) - 1)


def _chain_sizes(arrays) -> list[int]:
    """Rows of each factor, and columns of the last."""
    first = 1 if arrays[0].ndim == 1 else arrays[0].shape[0]
    last = 1 if arrays[-1].ndim == 1 else arrays[-1].shape[1]
    return [first, *(x.shape[0] for x in arrays[1:]), last]


def _best_splits(sizes: list[int]) -> dict:
    """For each stretch of factors (from, to) behind which of them it is best split."""
    count = len(sizes) - 1
    cost = {(k, k): 0 for k in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                       for k in range(i, j)}
            split[i, j] = min(options, key=options.get)
            cost[i, j] = options[split[i, j]]
    return split


def _chain(arrays, split: dict, i: int, j: int):
    if i == j:
        return arrays[i]
    k = split[i, j]
    return dot(_chain(arrays, split, i, k), _chain(arrays, split, k + 1, j))


# ---- the exponential ----

# For single and double precision: the degree of the approximation, and up to which 1-norm it is
# exact to rounding (N. Higham, SIAM Journal on Matrix Analysis and Applications 26, 2005).
_DEGREES = {"float32": (7, 3.925724783138660), "float64": (13, 5.371920351148152)}


def expm(A):
    """The exponentials of matrices (..., n, n), by scaling, approximation and squaring.

    N. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM Journal
    on Matrix Analysis and Applications 26 (2005). Differentiable to any order.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.expm(fnp.array([[0.0, 1.0], [0.0, 0.0]]))
    Array([[1., 1.],
           [0., 1.]], dtype=float32)
    """
    A, = matrices("expm", A, square=True)
    if A.size == 0:
        return A
    degree, _ = _DEGREES[real_dtype(A.dtype).name]
    times = squarings(A)
    scale = as_dtype(exp2(-times), A.dtype)[..., None, None]
    return _squared(_approximated(A * scale, degree), times)


def squarings(a):
    """How often the exponentials of matrices (..., n, n) that are not empty are squared."""
    _, limit = _DEGREES[real_dtype(a.dtype).name]
    norm = stop_gradient(reductions.max(reductions.sum(abs(a), -2), -1))
    return maximum(ceil(log2(norm / norm.dtype.type(limit))), 0)


def _approximated(a, degree: int):
    """Pade's quotient q(-a)^-1 q(a), with q split into even and odd powers."""
    weights = [math.factorial(2 * degree - k) // math.factorial(k) // math.factorial(degree - k)
               for k in range(degree + 1)]
    weights = [float(w / weights[0]) for w in weights]
    square = matmul(a, a)
    powers = [eye(ArrayType(a.shape, a.dtype)), square]
    while len(powers) <= degree // 2:
        powers.append(matmul(powers[-1], square))

    def combined(start: int):
        terms = [power * a.dtype.type(w) for power, w in zip(powers, weights[start::2])]
        return reduce(operator.add, terms)
    even, odd = combined(0), matmul(a, combined(1))
    return linalg.solve(even - odd, even + odd)


def _squared(a, times):
    """`a`, squared as often as `times` says for each matrix: a loop as long as the largest."""
    most = reductions.max(times, initial=0)
    step = ArrayType((), times.dtype)
    test, captured = trace(lambda x, k: (k < most,), [a.type.strong(), step], "expm")

    def square(x, k):
        return where((k < times)[..., None, None], matmul(x, x), x), k + 1
    body, constants = trace(square, [a.type.strong(), step], "expm")
    start = as_arraylike(times.dtype.type(0))
    return bind_while(test, body, captured, constants, [a, start])[0]
