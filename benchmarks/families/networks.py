"""Multilayer perceptrons: training steps, per-example gradients, the Hessian."""
from __future__ import annotations

from benchmarks.data import dense, integers, normal, tensors
from benchmarks.row import row

SMALL = (64, 128, 128, 10)
LARGE = (784, 2048, 4096, 1024, 10)


def forward(lib, layers, x):
    """Layers of tanh, but for the last."""
    for weights, bias in layers[:-1]:
        x = lib.numpy.tanh(x @ weights + bias)
    weights, bias = layers[-1]
    return x @ weights + bias


def loss(lib, layers, x, labels):
    """Mean cross-entropy of labels."""
    logits = forward(lib, layers, x)
    chosen = lib.numpy.take_along_axis(logits, labels[:, None], 1)[:, 0]
    return (lib.nn.logsumexp(logits, -1) - chosen).mean()


def step(lib):
    """One step of gradient descent: (layers, x, labels) to (loss, layers)."""
    def train(layers, x, labels):
        value, slopes = lib.value_and_grad(lambda p: loss(lib, p, x, labels))(layers)
        return value, lib.tree_map(lambda p, slope: p - 0.01 * slope, layers, slopes)
    return train


def batch(sizes: tuple, count: int):
    return normal(count, sizes[0]), integers(sizes[-1], count)


def flops(sizes: tuple, count: int) -> float:
    """Products of a step: forwards, and backwards for weights and for inputs but the first."""
    pairs = [m * n for m, n in zip(sizes, sizes[1:])]
    return 2 * count * (3 * sum(pairs) - pairs[0])


def torch_step(torch, sizes: tuple, count: int):
    """The same step for PyTorch."""
    layers = [tensors(*layer, grad=True) for layer in dense(*sizes)]
    x, labels = tensors(*batch(sizes, count))
    parameters = [p for layer in layers for p in layer]

    def train():
        value = torch.nn.functional.cross_entropy(torch_forward(torch, layers, x), labels)
        slopes = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            return value, torch._foreach_add(parameters, slopes, alpha=-0.01)
    return train, ()


def torch_forward(torch, layers, x):
    for weights, bias in layers[:-1]:
        x = torch.tanh(torch.addmm(bias, x, weights))
    weights, bias = layers[-1]
    return torch.addmm(bias, x, weights)


def _step_row(sizes: tuple, count: int):
    @row(f"MLP step {'-'.join(map(str, sizes))}, batch {count}", flops=flops(sizes, count),
         tolerance=1e-3)
    def train(lib):
        return lib.jit(step(lib)), lib.arrays(dense(*sizes), *batch(sizes, count))

    @train.torch
    def _(torch):
        return torch_step(torch, sizes, count)


_step_row(SMALL, 64)
_step_row(SMALL, 1024)
_step_row(LARGE, 128)


@row("MLP forward 64-128-128-10, batch 64", flops=2 * 64 * (64 * 128 + 128 * 128 + 1280))
def predict(lib):
    return lib.jit(lambda layers, x: forward(lib, layers, x)), lib.arrays(
        dense(*SMALL), normal(64, 64))


@predict.torch
def _(torch):
    layers = [tensors(*layer) for layer in dense(*SMALL)]
    return lambda x: torch_forward(torch, layers, x), tensors(normal(64, 64))


@row("per-example gradients, MLP 64-128-128-10, batch 64", tolerance=1e-3,
     flops=flops(SMALL, 64), bytes=4 * 64 * (64 * 128 + 128 * 128 + 1280))
def per_example(lib):
    def one(layers, x, label):
        return loss(lib, layers, x[None], label[None])
    every = lib.jit(lib.vmap(lib.grad(one), (None, 0, 0)))
    return every, lib.arrays(dense(*SMALL), *batch(SMALL, 64))


@per_example.torch
def _(torch):
    layers = [tensors(*layer) for layer in dense(*SMALL)]

    def one(layers, x, label):
        logits = torch_forward(torch, layers, x[None])
        return torch.nn.functional.cross_entropy(logits, label[None])
    every = torch.func.vmap(torch.func.grad(one), (None, 0, 0))
    return lambda *batch: every(layers, *batch), tensors(*batch(SMALL, 64))


@row("Hessian of a function of 60 numbers", flops=60 * 4 * 2 * 60 * 120, tolerance=1e-3)
def hessian(lib):
    def function(x, weights):
        return (lib.numpy.tanh(weights @ x) ** 2).sum()
    return lib.jit(lib.hessian(function)), lib.arrays(normal(60), normal(120, 60, scale=0.1))


@hessian.torch
def _(torch):
    x, weights = tensors(normal(60), normal(120, 60, scale=0.1))
    return torch.func.hessian(lambda x: (torch.tanh(weights @ x) ** 2).sum()), (x,)
