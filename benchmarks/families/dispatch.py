"""What a call costs beside the work: nearly no work here.

PyTorch runs eagerly here, so it has no jitted call.
"""
from __future__ import annotations

from benchmarks.data import normal, tensors
from benchmarks.row import row


@row("jitted call, one small array")
def small_call(lib):
    return lib.jit(lambda x: x + 1), lib.arrays(normal(8))


@row("jitted call, tree of 20 arrays")
def tree_call(lib):
    layers = {f"layer{k}": {"w": normal(8), "b": normal(8)} for k in range(10)}
    add = lib.jit(lambda tree: lib.tree_map(lambda leaf: leaf + 1, tree))
    return add, lib.arrays(layers)


@row("eager operation: x + y")
def eager_add(lib):
    return lambda x, y: x + y, lib.arrays(normal(8), normal(8, seed=1))


@eager_add.torch
def _(torch):
    return lambda x, y: x + y, tensors(normal(8), normal(8, seed=1))


@row("eager function: tanh(x)")
def eager_tanh(lib):
    return lib.numpy.tanh, lib.arrays(normal(8))


@eager_tanh.torch
def _(torch):
    return torch.tanh, tensors(normal(8))


@row("eager operation with a number: 2 * x")
def eager_scale(lib):
    return lambda x: 2.0 * x, lib.arrays(normal(8))


@eager_scale.torch
def _(torch):
    return lambda x: 2.0 * x, tensors(normal(8))


@row("eager gradient of sum(tanh(x) ** 2)", tolerance=1e-4)
def eager_gradient(lib):
    return lib.grad(lambda x: (lib.numpy.tanh(x) ** 2).sum()), lib.arrays(normal(8))


@eager_gradient.torch
def _(torch):
    x, = tensors(normal(8), grad=True)
    return lambda: torch.autograd.grad((torch.tanh(x) ** 2).sum(), x)[0], ()
