"""Sums, the smallest element, cumulative sums."""
from __future__ import annotations

from benchmarks.data import normal, tensors
from benchmarks.row import row

CUBE = (128, 128, 128)
MATRIX = (2048, 1024)


def _sum_over(axis):
    name = "all axes" if axis is None else f"axis {axis}"

    @row(f"sum over {name}, 128 x 128 x 128", bytes=4 * 128 ** 3, tolerance=1e-3)
    def total(lib):
        return lib.jit(lambda x: x.sum(axis)), lib.arrays(normal(*CUBE))

    @total.torch
    def _(torch):
        return lambda x: torch.sum(x, axis), tensors(normal(*CUBE))


for _axis in (0, 1, 2, None):
    _sum_over(_axis)


def _over_rows(name: str, function, in_torch, bytes: int):
    @row(f"{name}, 2048 x 1024", bytes=bytes, tolerance=1e-3)
    def reduction(lib):
        return lib.jit(lambda x: function(lib.numpy, x)), lib.arrays(normal(*MATRIX))

    @reduction.torch
    def _(torch):
        return lambda x: in_torch(torch, x), tensors(normal(*MATRIX))


_SIZE = 4 * MATRIX[0] * MATRIX[1]
_over_rows("max over rows", lambda np, x: np.max(x, 1), lambda torch, x: torch.amax(x, 1), _SIZE)
_over_rows("argmin over rows", lambda np, x: np.argmin(x, 1),
           lambda torch, x: torch.argmin(x, 1), _SIZE)
_over_rows("argmin over columns", lambda np, x: np.argmin(x, 0),
           lambda torch, x: torch.argmin(x, 0), _SIZE)
_over_rows("cumulative sum of rows", lambda np, x: np.cumsum(x, 1),
           lambda torch, x: torch.cumsum(x, 1), 2 * _SIZE)
_over_rows("cumulative sum of columns", lambda np, x: np.cumsum(x, 0),
           lambda torch, x: torch.cumsum(x, 0), 2 * _SIZE)
_over_rows("mean of squares of columns", lambda np, x: np.mean(x * x, 0),
           lambda torch, x: torch.mean(x * x, 0), _SIZE)
