"""Windows along axes: how many there are, and how much is put around an array for them.

In: sizes, strides, dilations, all Python ints. Out: numbers and pairs. Imports `errors`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.errors import ArgumentError, ShapeError


def dilated(size: int, step: int) -> int:
    """From the first to the last of `size` places that are `step` apart."""
    return (size - 1) * step + 1 if size else 0


def windows_along(size: int, reach: int, stride: int) -> int:
    """How many windows of `reach` places fit into `size`, `stride` apart."""
    return max((size - reach) // stride + 1, 0) if size >= reach else 0


def require_positive(who: str, **sizes):
    """Raises unless all entries are at least 1."""
    for what, values in sizes.items():
        if any(value < 1 for value in values):
            raise ArgumentError(f"lax.{who}: {what} must be positive, got {tuple(values)}")


def pads_of(padding, sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int],
            who: str) -> list[tuple[int, int]]:
    """(before, after) for each axis, of "SAME", "SAME_LOWER", "VALID", or of pairs.

    "SAME": so much that there is a window for each `stride` elements, the odd one after; before,
    for "SAME_LOWER". sizes: of the array; windows: from their first place to their last.
    """
    if isinstance(padding, str):
        return padtype_to_pads(sizes, windows, strides, padding)
    pairs = [tuple(int(width) for width in pair) for pair in padding]
    if len(pairs) != len(sizes) or any(len(pair) != 2 for pair in pairs):
        raise ShapeError(f"lax.{who}: padding must be a pair (before, after) for each of the "
                         f"{len(sizes)} axes, or 'SAME' or 'VALID'; got {padding!r}")
    return pairs


def padtype_to_pads(in_shape: Sequence[int], window_shape: Sequence[int],
                    window_strides: Sequence[int], padding: str) -> list[tuple[int, int]]:
    """How much "SAME", "SAME_LOWER" or "VALID" puts before and after each axis.

    >>> from functrans import lax
    >>> lax.padtype_to_pads((5,), (2,), (1,), "SAME")
    [(0, 1)]
    """
    kind = padding.upper() if isinstance(padding, str) else padding
    if kind == "VALID":
        return [(0, 0)] * len(in_shape)
    if kind not in ("SAME", "SAME_LOWER"):
        raise ArgumentError(f"padding must be 'SAME', 'SAME_LOWER' or 'VALID', got {padding!r}")
    pairs = []
    for size, window, stride in zip(in_shape, window_shape, window_strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        less = total // 2
        pairs.append((less, total - less) if kind == "SAME" else (total - less, less))
    return pairs
