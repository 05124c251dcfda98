"""Names for annotations: what functions of arrays take."""
from __future__ import annotations

from typing import TypeAlias

import numpy as np

from functrans.array import ArrayBase

__all__ = ["ArrayLike", "DTypeLike"]

#: What array functions take as an array.
ArrayLike: TypeAlias = ArrayBase | np.ndarray | np.generic | bool | int | float | complex
#: What names a dtype.
DTypeLike: TypeAlias = np.dtype | type | str
