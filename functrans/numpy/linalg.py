"""Linear algebra: norms. Imports `numpy`.
"""
from __future__ import annotations

import numpy as np

from functrans.ir.type import is_complex, is_inexact
from functrans.numpy import reductions
from functrans.numpy.choosing import where
from functrans.numpy.promotion import as_arraylike, canonical_axis, promote_inexact
from functrans.numpy.ufuncs import abs, real, sqrt
from functrans.primitives import shape as prim


def norm(x, ord=None, axis=None, keepdims: bool = False):
    """The norm of vectors or matrices; its gradient at 0 is 0.

    ord: for vectors 2 (default), inf, -inf, 0 or any number; for matrices "fro" (default), 1,
    -1, inf, -inf. axis: an int for vectors, a pair for matrices; all elements by default.

    >>> import functrans.numpy as fnp
    >>> fnp.linalg.norm(fnp.array([3.0, 4.0]))
    Array(5., dtype=float32)
    """
    x = as_arraylike(x, "norm")
    if not is_inexact(x.dtype):
        x, = promote_inexact(x)
    if axis is None and ord is None:
        flat = prim.reshape(x, (x.size,))
        result = _vector_norm(flat, 2, 0, False)
        return prim.reshape(result, (1,) * x.ndim) if keepdims else result
    if axis is None:
        axis = tuple(range(x.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(canonical_axis(k, x.ndim) for k in axes)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise ValueError(f"norm: axis must be an int or a pair, got {axis!r} for {x.type}")


def _squares(x):
    return real(x * x.conj()) if is_complex(x.dtype) else x * x


def safe_sqrt(x):
    """The square root, with the gradient 0 at 0."""
    positive = x > 0
    return where(positive, sqrt(where(positive, x, 1)), x)


def _vector_norm(x, ord, axis, keepdims: bool):
    if ord == 2:
        return safe_sqrt(reductions.sum(_squares(x), axis, keepdims=keepdims))
    size = abs(x)
    if ord == np.inf:
        return reductions.max(size, axis, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return reductions.min(size, axis, keepdims=keepdims)
    if ord == 0:
        return reductions.sum((x != 0).astype(size.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return reductions.sum(size, axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: {ord!r} is not a norm of vectors")
    nonzero = size > 0
    powers = where(nonzero, where(nonzero, size, 1) ** float(ord), 0 if ord > 0 else np.inf)
    total = reductions.sum(powers, axis, keepdims=keepdims)
    usable = (total > 0) & (total < np.inf)
    return where(usable, where(usable, total, 1) ** (1 / ord), 0)


def _matrix_norm(x, ord, axes: tuple, keepdims: bool):
    rows, columns = axes
    if ord == "fro":
        return safe_sqrt(reductions.sum(_squares(x), axes, keepdims=keepdims))
    size = abs(x)
    inner, outer = (rows, columns) if ord in (1, -1) else (columns, rows)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"norm: order {ord!r} of matrices is not available")
    sums = reductions.sum(size, inner, keepdims=True)
    choose = reductions.max if ord > 0 else reductions.min
    result = choose(sums, outer, keepdims=True)
    return result if keepdims else prim.reshape(
        result, tuple(n for k, n in enumerate(result.shape) if k not in axes))
