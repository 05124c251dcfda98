"""The scalar functions that generated kernels call inside loops.

    from lowering.math import exp, tanh

    def kernel(y, x, n):
        for i in range(n):
            y[i] = tanh(exp(x[i]))

The same text runs compiled, by this library or by numba, where loops over these functions
vectorise, and under plain Python with NumPy scalars. docs/math.md lists the functions with their
errors and methods; `MAX_ULP` is the table that the tests hold them to.

Each function is one body of plain, branch-free Python in the file of its topic; `values.py` and
`registry.py` tell how it becomes machine code. Imports NumPy and llvmlite, and nothing of
functrans.
"""
# ruff: noqa: F401  (the imports are the content)
from .accuracy import MAX_ULP
from .comparison import (absolute, copysign, is_finite, is_nan, maximum, minimum, next_after,
                         sign)
from .complex_elementary import complex_divide
from .convert import (make_complex, to_bool, to_complex64, to_complex128, to_float32,
                      to_float64, to_int8, to_int16, to_int32, to_int64, to_uint8, to_uint16,
                      to_uint32, to_uint64)
from .division import floor_divide, fmod, remainder
from .error_function import erf, erf_inv, erfc, erfcx
from .exponential import exp, exp2, expm1, logistic
from .gamma import digamma, lgamma
from .gamma_slope import gamma_slope
from .half import bfloat16_to_float, float_to_bfloat16, float_to_half, half_to_float
from .hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
from .integer import (count_leading_zeros, greatest_common_divisor, population_count,
                      shift_left, shift_right_arithmetic, shift_right_logical, threefry2x32)
from .inverse_trigonometric import acos, asin, atan, atan2
from .logarithm import log, log1p, log2, log10
from .polygamma import polygamma
from .power import cbrt, integer_power, power, rsqrt, sqrt
from .reductions import max_step, min_step, prod_step, sum_step
from .registry import FUNCTIONS
from .rounding import ceil, floor, round_even, trunc
from .trigonometric import cos, sin, tan
from . import complex_elementary, complex_trigonometric  # the versions for complex numbers

__all__ = ["MAX_ULP", "FUNCTIONS", *FUNCTIONS]
