"""Lists of arrays as one vector of real numbers, and the names of its entries.

In: shapes, dtypes and paths. Out: `Layout`. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from functrans.testing.differences import as_vector


def is_complex(dtype: str) -> bool:
    return dtype.startswith("complex")


def wide(dtype: str) -> str:
    """The dtype of the shadow of an array."""
    return "complex128" if is_complex(dtype) else "float64"


_EPS = {"float16": 2.0 ** -10, "bfloat16": 2.0 ** -7, "float32": 2.0 ** -23,
        "complex64": 2.0 ** -23, "float64": 2.0 ** -52, "complex128": 2.0 ** -52}


def eps_of(dtypes: Sequence[str]) -> float:
    """The distance from 1 to the next number, of the narrowest of some dtypes."""
    return max((_EPS[dtype] for dtype in dtypes), default=_EPS["float64"])


def shaken(values: np.ndarray, eps: float, rng) -> np.ndarray:
    """Values with random errors of up to `eps`, relative to them; complex ones in both parts, as
    rounding of their products makes them."""
    noise = rng.uniform(-1, 1, values.shape)
    if values.dtype.kind == "c":
        noise = noise + 1j * rng.uniform(-1, 1, values.shape)
    return values * (1 + eps * noise)


@dataclass(frozen=True)
class Layout:
    """shapes, dtypes (names), and paths of some arrays."""
    shapes: tuple
    dtypes: tuple
    names: tuple

    @cached_property
    def starts(self) -> list[int]:
        """Where each array begins in the vector, and where the last one ends."""
        sizes = [int(np.prod(shape)) * (2 if is_complex(dtype) else 1)
                 for shape, dtype in zip(self.shapes, self.dtypes)]
        return [0, *np.cumsum(sizes, dtype=int).tolist()]

    @property
    def size(self) -> int:
        return self.starts[-1]

    def pack(self, arrays: Sequence) -> np.ndarray:
        return as_vector(arrays)

    def unpack(self, vector: np.ndarray) -> list[np.ndarray]:
        """The arrays, in float64 and complex128."""
        parts = []
        for k, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes)):
            part = np.ascontiguousarray(vector[self.starts[k]:self.starts[k + 1]])
            parts.append((part.view(np.complex128) if is_complex(dtype) else part).reshape(shape))
        return parts

    def place(self, position: int) -> tuple[int, tuple, str]:
        """Of an entry: which array, the index in it, and which part of a complex number."""
        which = int(np.searchsorted(self.starts, position, side="right")) - 1
        offset, part = position - self.starts[which], ""
        if is_complex(self.dtypes[which]):
            offset, part = divmod(offset, 2)
            part = (".real", ".imag")[part]
        return which, tuple(map(int, np.unravel_index(offset, self.shapes[which] or (1,))))[
            :len(self.shapes[which])], part

    def describe(self, position: int) -> str:
        """`params['w'][1, 2]`"""
        which, index, part = self.place(position)
        return self.names[which] + (f"[{', '.join(map(str, index))}]" if index else "") + part
