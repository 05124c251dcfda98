"""All elementwise functions under one name, for modules that use many of them.

Imports `numpy.arithmetic`, `numpy.logic`, `numpy.functions`, `numpy.parts`.
"""
# ruff: noqa: F401  (the imports are the content)
from functrans.numpy.arithmetic import (abs, absolute, add, around, bitwise_and, bitwise_count,
                                        bitwise_invert, bitwise_left_shift, bitwise_not, bitwise_or,
                                        bitwise_right_shift, bitwise_xor, ceil, clip, divide,
                                        divmod, fabs, fix, float_power, floor, floor_divide, fmax,
                                        fmin, fmod, gcd, invert, lcm, left_shift, maximum, minimum,
                                        mod, multiply, negative, positive, pow, power, reciprocal,
                                        remainder, right_shift, rint, round, sign, square, subtract,
                                        true_divide, trunc)
from functrans.numpy.functions import (acos, acosh, arccos, arccosh, arcsin, arcsinh, arctan,
                                       arctan2, arctanh, asin, asinh, atan, atan2, atanh, cbrt, cos,
                                       cosh, deg2rad, degrees, exp, exp2, expm1, hypot, i0, log,
                                       log1p, log2, log10, logaddexp, logaddexp2, rad2deg, radians,
                                       sin, sinc, sinh, sqrt, tan, tanh)
from functrans.numpy.logic import (equal, greater, greater_equal, isclose, iscomplex, isfinite,
                                   isinf, isnan, isneginf, isposinf, isreal, less, less_equal,
                                   logical_and, logical_not, logical_or, logical_xor, not_equal,
                                   signbit, truth)
from functrans.numpy.parts import (angle, conj, conjugate, copysign, frexp, heaviside, imag, ldexp,
                                   modf, nan_to_num, nextafter, real, real_if_close, spacing,
                                   unwrap)

__all__ = [name for name in dir() if not name.startswith("_")]
