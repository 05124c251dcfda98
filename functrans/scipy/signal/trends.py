"""Trends of signals, taken away. Imports `numpy`.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.errors import ArgumentError
from functrans.numpy.joining import concatenate
from functrans.numpy.manipulation import moveaxis
from functrans.numpy.promotion import as_arraylike, canonical_axis, materialize, promote_inexact


def detrend(data, axis: int = -1, type: str = "linear", bp: int | Sequence[int] = 0,
            overwrite_data: bool | None = None):
    """A signal less its mean (type "constant") or its line of least squares ("linear").

    bp: where along `axis` pieces begin that have lines of their own. overwrite_data: of no effect,
    arrays never change. Raises ValueError for other types, and for a `bp` outside of the axis.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.scipy.signal.detrend(fnp.array([1.0, 2.0, 6.0]), type="constant")
    Array([-2., -1.,  3.], dtype=float32)
    """
    data = materialize(promote_inexact(as_arraylike(data, "detrend"))[0])
    axis = canonical_axis(axis, data.ndim)
    if type in ("constant", "c"):
        return data - data.mean(axis, keepdims=True)
    if type not in ("linear", "l"):
        raise ArgumentError(f"signal.detrend: type must be 'linear' or 'constant', got {type!r}")
    data = moveaxis(data, axis, -1)
    size = data.shape[-1]
    ends = sorted({0, size, *np.atleast_1d(bp).tolist()})
    if ends[0] < 0 or ends[-1] > size:
        raise ArgumentError(f"signal.detrend: break points must lie between 0 and {size}, the "
                            f"size of axis {axis}, got {bp!r}")
    pieces = [_without_line(data[..., start:stop]) for start, stop in zip(ends, ends[1:])]
    return moveaxis(concatenate(pieces, -1) if pieces else data, -1, axis)


def _without_line(x):
    """Less its projection on lines: a basis of them has orthogonal columns."""
    size = x.shape[-1]
    lines = np.stack([np.ones(size), np.arange(size) - (size - 1) / 2], axis=1)[:, :min(size, 2)]
    basis = (lines / np.linalg.norm(lines, axis=0)).astype(np.finfo(x.dtype).dtype)
    return x - (x @ basis) @ basis.T
