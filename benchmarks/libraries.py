"""The libraries, with the few names that differ between them made equal.

With FUNCTRANS_BENCH_DEVICE=cuda in the environment they compute on a GPU (`benchmarks.gpu`).

In: a library's name. Out: an object with `jit`, `grad`, `numpy`, `lax`, `nn` ..., and `arrays`
(NumPy arrays become its own), `wait` (until results are there), `leaves` (results as NumPy arrays).
"""
from __future__ import annotations

import importlib
import importlib.util
import os
from types import SimpleNamespace

LIBRARIES = ("functrans", "jax", "torch")
_NAMES = ("jit", "grad", "value_and_grad", "vmap", "hessian", "numpy", "lax", "nn")


def installed() -> list[str]:
    """The libraries that can be imported here."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name)]


def load(name: str):
    """A library, imported now."""
    return {"functrans": _functrans, "jax": _jax, "torch": _torch,
            "torch compiled": _torch_compiled}[name]()


def on_gpu() -> bool:
    """Whether the rows are to be computed on a GPU."""
    return os.environ.get("FUNCTRANS_BENCH_DEVICE") == "cuda"


def _functrans():
    import functrans
    import functrans.nn
    from functrans.primitives.functions import erf
    if on_gpu():
        functrans.default_device("cuda").__enter__()     # for as long as the process lives
    return _common(functrans, erf, functrans.tree.map, functrans.tree.leaves)


def _jax():
    import jax
    import jax.nn
    return _common(jax, jax.lax.erf, jax.tree.map, jax.tree.leaves)


def _common(module, erf, tree_map, tree_leaves):
    import numpy as np
    names = {name: getattr(module, name) for name in _NAMES}

    def arrays(*trees):
        return tuple(tree_map(module.numpy.asarray, tree) for tree in trees)
    return SimpleNamespace(
        **names, name=module.__name__, erf=erf, tree_map=tree_map, arrays=arrays,
        wait=module.block_until_ready, version=module.__version__,
        leaves=lambda tree: [np.asarray(leaf) for leaf in tree_leaves(tree)])


def _torch():
    import torch
    wait = _no_wait
    if on_gpu() and torch.cuda.is_available():
        torch.set_default_device("cuda")
        wait = _wait_for_torch
    return SimpleNamespace(name="torch", module=torch, wait=wait, leaves=_torch_leaves,
                           version=torch.__version__)


def _torch_compiled():
    found = _torch()
    found.compile = found.module.compile
    return found


def _no_wait(result):
    """What PyTorch computes on the CPU is there when it returns."""


def _wait_for_torch(result):
    import torch
    torch.cuda.synchronize()


def _torch_leaves(result) -> list:
    import torch.utils._pytree as tree
    return [leaf.detach().cpu().numpy() if hasattr(leaf, "detach") else leaf
            for leaf in tree.tree_leaves(result)]
