"""Minima of functions of a vector, as loops: under `jit`, `vmap` and derivatives too.

Imports `api`, `lax`, `numpy`.
"""
from functrans.scipy.optimize.minimize import OptimizeResults, minimize

__all__ = ["OptimizeResults", "minimize"]
