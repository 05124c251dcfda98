"""NumPy's functions on arrays and tracers: `import functrans.numpy as fnp`.

Names, signatures, promotion and errors are NumPy's. No derivative rules live here: everything
is a short composition of primitives, so every transformation applies.
"""
# ruff: noqa: F401  (the imports are the content)
from numpy import (False_, True_, byte, complexfloating, dtype, errstate, floating, generic,
                   geterr, iinfo, inexact, intc, integer, intp, long, longlong, number, seterr,
                   short, signedinteger, ubyte, uintc, uintp, ulong, ulonglong, unsignedinteger,
                   ushort)

from functrans.array import ArrayBase as ndarray
from functrans.numpy.bits import packbits, unpackbits
from functrans.numpy.calculus import (convolve, correlate, diff, ediff1d, gradient, interp,
                                      trapezoid)
from functrans.numpy.choosing import choose, piecewise, select, where
from functrans.numpy.creation import (array, asanyarray, asarray, asarray_chkfinite,
                                      ascontiguousarray, asfortranarray, astype, copy, e, empty,
                                      empty_like, euler_gamma, from_dlpack, full, full_like, inf,
                                      nan, newaxis, ones, ones_like, pi, require, zeros, zeros_like)
from functrans.numpy.ranges import (arange, eye, fromfunction, geomspace, identity, indices,
                                    linspace, logspace, meshgrid, tri, tril, triu)
from functrans.numpy.diagonals import (diag, diag_indices, diag_indices_from, diagflat, diagonal,
                                       fill_diagonal, mask_indices, tril_indices, tril_indices_from,
                                       triu_indices, triu_indices_from)
from functrans.numpy.einsum import einsum, einsum_path
from functrans.numpy.equality import allclose, array_equal, array_equiv
from functrans.numpy.grids import (c_, index_exp, ix_, mgrid, ogrid, r_, ravel_multi_index, s_,
                                   unravel_index)
from functrans.numpy.indexing import take, take_along_axis
from functrans.numpy.information import API_VERSION as __array_api_version__
from functrans.numpy.information import NamespaceInfo as __array_namespace_info__
from functrans.numpy.information import (can_cast, common_type, finfo, iscomplexobj, isdtype,
                                         isfortran, isrealobj, issubdtype, isscalar, iterable,
                                         may_share_memory, min_scalar_type, ndim, promote_types,
                                         result_type, shape, shares_memory, size)
from functrans.numpy.loading import (array2string, array_repr, array_str, base_repr, binary_repr,
                                     format_float_positional, format_float_scientific, frombuffer,
                                     fromfile, fromiter, fromstring, genfromtxt, get_printoptions,
                                     load, loadtxt, ndenumerate, ndindex, printoptions, save,
                                     savetxt, savez, savez_compressed, set_printoptions)
from functrans.numpy.joining import (append, atleast_1d, atleast_2d, atleast_3d, block,
                                     column_stack, concat, concatenate, dstack, hstack, stack,
                                     vstack)
from functrans.numpy.manipulation import (broadcast_arrays, broadcast_to, expand_dims,
                                          matrix_transpose, moveaxis, permute_dims, ravel, reshape,
                                          rollaxis, squeeze, swapaxes, transpose)
from functrans.numpy.splitting import array_split, dsplit, hsplit, split, unstack, vsplit
from functrans.numpy.turning import flip, fliplr, flipud, roll, rot90
from functrans.numpy.repeating import delete, insert, pad, repeat, resize, tile, trim_zeros
from functrans.numpy.mapping import apply_along_axis, apply_over_axes, frompyfunc, vectorize
from functrans.numpy.nan_reductions import (nanargmax, nanargmin, nancumprod, nancumsum, nanmax,
                                            nanmean, nanmin, nanprod, nanstd, nansum, nanvar)
from functrans.numpy.polynomials import (poly, polyadd, polyder, polydiv, polyfit, polyint, polymul,
                                         polysub, polyval, roots, vander)
from functrans.numpy.products import (cross, dot, inner, kron, matmul, matvec, outer, tensordot,
                                      trace, vdot, vecdot, vecmat)
from functrans.numpy.promotion import broadcast_shapes
from functrans.numpy.quantiles import (median, nanmedian, nanpercentile, nanquantile, percentile,
                                       quantile)
from functrans.numpy.reductions import (all, amax, amin, any, argmax, argmin, average,
                                        count_nonzero, cumprod, cumsum, cumulative_prod,
                                        cumulative_sum, max, mean, min, prod, ptp, std, sum, var)
from functrans.numpy.scalar_types import (bool_, cdouble, complex64, complex128, csingle, double,
                                          float16, float32, float64, half, int8, int16, int32,
                                          int64, int_, single, uint, uint8, uint16, uint32, uint64)
from functrans.numpy.scalar_types import bool_ as bool
from functrans.numpy.searching import (argpartition, argsort, argwhere, flatnonzero, lexsort,
                                       nonzero, partition, searchsorted, sort, sort_complex, top_k)
from functrans.numpy.sets import (intersect1d, isin, setdiff1d, setxor1d, union1d, unique,
                                  unique_all, unique_counts, unique_inverse, unique_values)
from functrans.numpy.statistics import (bincount, corrcoef, cov, digitize, histogram, histogram2d,
                                        histogram_bin_edges, histogramdd)
from functrans.numpy.ufuncs import (abs, absolute, acos, acosh, add, angle, arccos, arccosh, arcsin,
                                    arcsinh, arctan, arctan2, arctanh, around, asin, asinh, atan,
                                    atan2, atanh, bitwise_and, bitwise_count, bitwise_invert,
                                    bitwise_left_shift, bitwise_not, bitwise_or,
                                    bitwise_right_shift, bitwise_xor, cbrt, ceil, clip, conj,
                                    conjugate, copysign, cos, cosh, deg2rad, degrees, divide,
                                    divmod, equal, exp, exp2, expm1, fabs, fix, float_power, floor,
                                    floor_divide, fmax, fmin, fmod, frexp, gcd, greater,
                                    greater_equal, heaviside, hypot, i0, imag, invert, isclose,
                                    iscomplex, isfinite, isinf, isnan, isneginf, isposinf, isreal,
                                    lcm, ldexp, left_shift, less, less_equal, log, log1p, log2,
                                    log10, logaddexp, logaddexp2, logical_and, logical_not,
                                    logical_or, logical_xor, maximum, minimum, mod, modf, multiply,
                                    nan_to_num, negative, nextafter, not_equal, positive, pow,
                                    power, rad2deg, radians, real, real_if_close, reciprocal,
                                    remainder, right_shift, rint, round, sign, signbit, sin, sinc,
                                    sinh, spacing, sqrt, square, subtract, tan, tanh, true_divide,
                                    trunc, unwrap)
from functrans.numpy.windows import bartlett, blackman, hamming, hanning, kaiser
from functrans.numpy.writing import (compress, copyto, extract, place, put, put_along_axis,
                                     putmask)

from functrans.numpy import operators, protocols, ufunc_methods  # isort: skip  (they complete)
from functrans.numpy import fft, linalg  # isort: skip

del operators, protocols, ufunc_methods


def __getattr__(name: str):
    if name == "bfloat16":
        from functrans.numpy.information import bfloat16
        return bfloat16()
    raise AttributeError(f"module 'functrans.numpy' has no attribute {name!r}")
