"""The conformance kit: what a library of array functions and derivatives gets right.

    python -m functrans.testing conformance --library jax --output report

Every operation is tried with every dtype: values, compiled values, mapping over each axis, both
derivatives against differences of NumPy's functions in float64, their adjointness, second
derivatives, kinks, NaN and infinities, arrays without elements, 0-d arrays. Imports `functrans`,
and the library that is asked about.
"""
from functrans.testing.conformance.matrix import Cell, Matrix, run, text

__all__ = ["Cell", "Matrix", "run", "text"]
