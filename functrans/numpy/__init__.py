"""NumPy's functions on arrays and tracers: `import functrans.numpy as fnp`.

Names, signatures, promotion and errors are NumPy's. No derivative rules live here: everything
is a short composition of primitives, so every transformation applies.
"""
from numpy import (bool_, complex64, complex128, dtype, finfo, float16, float32, float64, floating,
                   iinfo, inexact, int8, int16, int32, int64, integer, issubdtype, number,
                   signedinteger, uint8, uint16, uint32, uint64, unsignedinteger)
from numpy import bool_ as bool

from functrans.array import ArrayBase as ndarray
from functrans.numpy.choosing import choose, piecewise, select, where
from functrans.numpy.creation import (arange, array, asarray, astype, copy, e, empty, empty_like,
                                      euler_gamma, eye, from_dlpack, fromfunction, full, full_like,
                                      geomspace, identity, indices, inf, linspace, logspace,
                                      meshgrid, nan, newaxis, ones, ones_like, pi, tri, tril, triu,
                                      zeros, zeros_like)
from functrans.numpy.diagonals import (diag, diag_indices, diag_indices_from, diagflat, diagonal,
                                       fill_diagonal, mask_indices, tril_indices, tril_indices_from,
                                       triu_indices, triu_indices_from)
from functrans.numpy.einsum import einsum
from functrans.numpy.indexing import take, take_along_axis
from functrans.numpy.information import isscalar, ndim, promote_types, result_type, shape, size
from functrans.numpy.manipulation import (append, array_split, atleast_1d, atleast_2d, atleast_3d,
                                          block, broadcast_arrays, broadcast_to, column_stack,
                                          concat, concatenate, delete, dsplit, dstack, expand_dims,
                                          flip, fliplr, flipud, hsplit, hstack, insert,
                                          matrix_transpose, moveaxis, pad, permute_dims, ravel,
                                          repeat, reshape, resize, roll, rollaxis, rot90, split,
                                          squeeze, stack, swapaxes, tile, transpose, trim_zeros,
                                          unstack, vsplit, vstack)
from functrans.numpy.products import (cross, dot, inner, kron, matmul, matvec, outer, tensordot,
                                      trace, vdot, vecdot, vecmat)
from functrans.numpy.promotion import broadcast_shapes
from functrans.numpy.reductions import (all, amax, amin, any, argmax, argmin, average,
                                        count_nonzero, cumprod, cumsum, cumulative_prod,
                                        cumulative_sum, max, mean, min, nanmax, nanmean, nanmin,
                                        nanprod, nanstd, nansum, nanvar, prod, ptp, std, sum, var)
from functrans.numpy.searching import (argpartition, argsort, argwhere, flatnonzero, lexsort,
                                       nonzero, partition, searchsorted, sort, sort_complex, top_k)
from functrans.numpy.ufuncs import (abs, absolute, acos, acosh, add, angle, arccos, arccosh, arcsin,
                                    arcsinh, arctan, arctan2, arctanh, around, asin, asinh, atan,
                                    atan2, atanh, bitwise_and, bitwise_count, bitwise_invert,
                                    bitwise_left_shift, bitwise_not, bitwise_or,
                                    bitwise_right_shift, bitwise_xor, cbrt, ceil, clip, conj,
                                    conjugate, copysign, cos, cosh, deg2rad, degrees, divide,
                                    divmod, equal, exp, exp2, expm1, fabs, fix, float_power, floor,
                                    floor_divide, fmax, fmin, fmod, frexp, gcd, greater,
                                    greater_equal, heaviside, hypot, imag, invert, isclose,
                                    iscomplex, isfinite, isinf, isnan, isneginf, isposinf, isreal,
                                    lcm, ldexp, left_shift, less, less_equal, log, log1p, log2,
                                    log10, logaddexp, logaddexp2, logical_and, logical_not,
                                    logical_or, logical_xor, maximum, minimum, mod, modf, multiply,
                                    nan_to_num, negative, nextafter, not_equal, positive, pow,
                                    power, rad2deg, radians, real, real_if_close, reciprocal,
                                    remainder, right_shift, rint, round, sign, signbit, sin, sinc,
                                    sinh, spacing, sqrt, square, subtract, tan, tanh, true_divide,
                                    trunc, unwrap)

from functrans.numpy import operators, protocols  # isort: skip  (they complete the classes)
from functrans.numpy import fft, linalg  # isort: skip

del operators, protocols
