"""Linear systems of operators that are known by what they do to a vector: `linalg`.

Imports `lax`, `numpy`.
"""
from functrans.scipy.sparse import linalg

__all__ = ["linalg"]
