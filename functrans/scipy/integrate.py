"""Integrals of samples: SciPy's names. Imports `numpy`.
"""
from __future__ import annotations

from functrans.numpy.calculus import trapezoid

__all__ = ["trapezoid"]
