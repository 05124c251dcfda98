"""What kernels of each dtype may do compiles, with nothing taken from the disk."""
from __future__ import annotations

import pytest

from lowering.native.numba_target import compile_function
from lowering.source import as_function, module_text


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("operator", "+-*/")
def test_arithmetic(dtype, operator):
    text = f"def kernel(y, x, n):\n    for k in range(n):\n        y[k] = x[k] {operator} x[k]\n"
    function = as_function(module_text(text), f"<{dtype} {operator}>")
    code, symbol = compile_function(function, (f"{dtype}*", f"{dtype}*", "int64"))
    assert code and symbol
