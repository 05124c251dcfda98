"""Structured control flow and primitives, by the names that JAX users know: `ft.lax.scan`, ...

Control flow is here at once; the modules with names of primitives (`_HOMES`) are imported when the
first of their names is used.
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from functrans.api.checkpoint import stop_gradient
from functrans.lax.choice import cond, select, select_n, switch
from functrans.lax.collectives import (
                                       all_gather,
                                       all_to_all,
                                       axis_index,
                                       axis_size,
                                       pbroadcast,
                                       pmax,
                                       pmean,
                                       pmin,
                                       ppermute,
                                       pshuffle,
                                       psum,
                                       psum_scatter,
                                       pswapaxes,
)
from functrans.lax.implicit import custom_linear_solve, custom_root
from functrans.lax.loops import fori_loop, map, scan, while_loop
from functrans.lax.prefix import associative_scan
from functrans.lax.windows import (
                                   dynamic_index_in_dim,
                                   dynamic_slice,
                                   dynamic_slice_in_dim,
                                   dynamic_update_index_in_dim,
                                   dynamic_update_slice,
                                   dynamic_update_slice_in_dim,
                                   index_in_dim,
                                   slice_in_dim,
)

if TYPE_CHECKING:
    from functrans.lax import linalg  # noqa: F401
    from functrans.lax.convolution import *  # noqa: F403
    from functrans.lax.convolution_shapes import *  # noqa: F403
    from functrans.lax.elementwise import *  # noqa: F403
    from functrans.lax.fourier import *  # noqa: F403
    from functrans.lax.indexing import *  # noqa: F403
    from functrans.lax.indexing_dimensions import *  # noqa: F403
    from functrans.lax.products import *  # noqa: F403
    from functrans.lax.reduce_windows import *  # noqa: F403
    from functrans.lax.reductions import *  # noqa: F403
    from functrans.lax.shapes import *  # noqa: F403
    from functrans.lax.sorting import *  # noqa: F403
    from functrans.lax.special import *  # noqa: F403

_HOMES = {
    "bits": ("bitcast_convert_type", "reduce_precision"),
    "convolution": ("conv", "conv_general_dilated", "conv_general_dilated_patches",
                    "conv_transpose", "conv_with_general_padding"),
    "convolution_shapes": ("ConvDimensionNumbers", "ConvGeneralDilatedDimensionNumbers",
                           "conv_dimension_numbers", "conv_general_permutations",
                           "conv_general_shape_tuple", "conv_shape_tuple"),
    "elementwise": (
        "RoundingMethod", "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh",
        "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "cbrt", "ceil", "clamp", "clz",
        "complex", "conj", "cos", "cosh", "div", "eq", "exp", "exp2", "expm1", "floor", "ge", "gt",
        "imag", "integer_pow", "is_finite", "le", "log", "log1p", "lt", "max", "min", "mul", "ne",
        "neg", "nextafter", "population_count", "pow", "real", "reciprocal", "rem", "round",
        "rsqrt", "shift_left", "shift_right_arithmetic", "shift_right_logical", "sign", "sin",
        "sinh", "sqrt", "square", "sub", "tan", "tanh"),
    "fourier": ("FftType", "fft"),
    "identity": ("optimization_barrier",),
    "indexing": ("gather", "scatter", "scatter_add", "scatter_max", "scatter_min", "scatter_mul",
                 "scatter_sub"),
    "indexing_dimensions": ("GatherDimensionNumbers", "GatherScatterMode",
                            "ScatterDimensionNumbers"),
    "padding": ("padtype_to_pads",),
    "products": ("DotDimensionNumbers", "Precision", "PrecisionLike", "batch_matmul", "dot",
                 "dot_general"),
    "reduce_windows": ("reduce_window",),
    "reductions": ("argmax", "argmin", "cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum",
                   "reduce", "reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_prod",
                   "reduce_sum", "reduce_xor"),
    "shapes": ("broadcast", "broadcast_in_dim", "broadcast_like", "broadcast_shapes",
               "broadcast_to_rank", "broadcasted_iota", "collapse", "concatenate",
               "convert_element_type", "empty", "expand_dims", "full", "full_like", "iota", "pad",
               "reshape", "rev", "slice", "split", "squeeze", "stack", "tile", "transpose",
               "unstack"),
    "sorting": ("sort", "sort_key_val", "top_k"),
    "special": ("bessel_i0e", "bessel_i1e", "betainc", "digamma", "erf", "erf_inv", "erfc",
                "igamma", "igamma_grad_a", "igammac", "lgamma", "logistic", "polygamma",
                "random_gamma_grad", "zeta"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["all_gather", "all_to_all", "associative_scan", "axis_index", "axis_size", "cond",
           "custom_linear_solve", "custom_root", "dynamic_index_in_dim", "dynamic_slice",
           "dynamic_slice_in_dim", "dynamic_update_index_in_dim", "dynamic_update_slice",
           "dynamic_update_slice_in_dim", "fori_loop", "index_in_dim", "map", "pbroadcast", "pmax",
           "pmean", "pmin", "ppermute", "pshuffle", "psum", "psum_scatter", "pswapaxes", "scan",
           "select", "select_n", "slice_in_dim",
           "stop_gradient", "switch", "while_loop", "linalg", *_HOME]


def __getattr__(name: str):
    """Names of primitives, at first use; from then on they are attributes like any other."""
    if name == "linalg":
        return import_module("functrans.lax.linalg")
    if name not in _HOME:
        raise AttributeError(f"module 'functrans.lax' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"functrans.lax.{_HOME[name]}"), name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})
