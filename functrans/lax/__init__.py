"""Structured control flow and primitives, by the names that JAX users know: `ft.lax.scan`, ..."""
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

__all__ = ["all_gather", "all_to_all", "associative_scan", "axis_index", "axis_size", "cond",
           "custom_linear_solve", "custom_root", "dynamic_index_in_dim", "dynamic_slice",
           "dynamic_slice_in_dim", "dynamic_update_index_in_dim", "dynamic_update_slice",
           "dynamic_update_slice_in_dim", "fori_loop", "index_in_dim", "map", "pbroadcast", "pmax",
           "pmean", "pmin", "ppermute", "pshuffle", "psum", "psum_scatter", "pswapaxes", "scan",
           "select", "select_n", "slice_in_dim", "switch", "while_loop"]
