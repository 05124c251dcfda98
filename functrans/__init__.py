"""functrans: composable transformations of numerical Python functions, compiled to kernels.

`grad`, `vmap`, `jvp`, `jit` ... turn functions of arrays and pytrees into functions; they
compose in any order and to any depth. `functrans.numpy` is the array API. `functrans.nn`,
`image`, `ops`, `optim`, `random`, `zoo` and `testing` are imported when they are first used.
"""
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from functrans import errors, tree
from functrans.array import ArrayBase as Array
from functrans.config import config
from functrans.device import Device

# The namespaces complete the array classes with operators, so they come before the rest.
from functrans import numpy  # isort: skip
from functrans import lax  # isort: skip
from functrans import debug
from functrans.api.callbacks import io_callback, pure_callback
from functrans.api.calls import ShapeDtypeStruct
from functrans.api.checkpoint import checkpoint, checkpoint_name, saved_residuals, stop_gradient
from functrans.api.custom_jvp import custom_jvp
from functrans.api.custom_vjp import custom_vjp
from functrans.api.custom_vmap import custom_vmap, sequential_vmap
from functrans.api.grad import float0, grad, jvp, linear_transpose, linearize, value_and_grad, vjp
from functrans.api.explain import explain_cache_misses, explain_compiles
from functrans.api.inspect import (block_until_ready, ensure_compile_time_eval, eval_shape,
                                   make_ir, typeof)
from functrans.api.jacobian import hessian, hvp, jacfwd, jacrev
from functrans.api.jit import clear_caches, disable_jit, jit
from functrans.api.lowered import interpret
from functrans.api.vmap import vmap
from functrans.control import policies as checkpoint_policies

if TYPE_CHECKING:
    from functrans.api.devices import (default_backend, default_device, device_count, device_get,
                                       device_put, devices, memory_stats, no_transfers, transfers)
    from functrans import (dtypes, flatten_util, image, nn, ops, optim, random, scipy, testing,
                           tree_util, typing, zoo)
    from functrans.api.closure_convert import closure_convert
    from functrans.api.custom_gradient import custom_gradient

__version__ = "0.1.0"

remat, jacobian = checkpoint, jacrev

_DEVICES = ("default_backend", "default_device", "device_count", "device_get", "device_put",
            "devices", "memory_stats", "no_transfers", "transfers")

# Names that few programs use, and where they are.
_LATER = {"closure_convert": "functrans.api.closure_convert",
          "custom_gradient": "functrans.api.custom_gradient"}

__all__ = [
    "Array", "Device", "ShapeDtypeStruct", "block_until_ready", "checkpoint", "checkpoint_name",
    "checkpoint_policies", "clear_caches", "closure_convert", "config", "custom_gradient",
    "custom_jvp", "custom_vjp", "custom_vmap", "debug", "disable_jit", "dtypes",
    "ensure_compile_time_eval", "errors", "eval_shape", "explain_cache_misses", "explain_compiles",
    "flatten_util", "float0", "grad", "hessian", "hvp", "image", "interpret", "io_callback",
    "jacfwd", "jacobian", "jacrev", "jit", "jvp", "lax", "linear_transpose", "linearize", "make_ir",
    "nn", "numpy", "ops", "optim", "pure_callback", "random", "remat", "saved_residuals", "scipy",
    "sequential_vmap", "stop_gradient", "testing", "tree", "tree_util", "typeof", "typing",
    "value_and_grad", "vjp", "vmap", "zoo",
    *debug.TOOLS, "default_backend", "default_device", "device_count", "device_get", "device_put",
    "devices", "memory_stats", "no_transfers", "transfers",
]


_ROOMS = ("dtypes", "flatten_util", "image", "nn", "ops", "optim", "random", "scipy", "testing",
          "tree_util", "typing", "zoo")


def __getattr__(name: str):
    """The rooms above the API and the tools of `debug`, at first use."""
    if name in _ROOMS:
        return import_module(f"functrans.{name}")
    if name in _DEVICES:
        return getattr(import_module("functrans.api.devices"), name)
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    if name in debug.TOOLS:
        return getattr(debug, name)
    raise AttributeError(f"module 'functrans' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_ROOMS, *_DEVICES, *_LATER, *debug.TOOLS})
