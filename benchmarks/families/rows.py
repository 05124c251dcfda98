"""Functions of the rows of a matrix, and their gradients."""
from __future__ import annotations

from benchmarks.data import normal, tensors
from benchmarks.row import row

SHAPE = (1024, 1024)
BYTES = 8 * SHAPE[0] * SHAPE[1]


def _with_gradient(name: str, function, in_torch):
    """Two rows: the function, and the gradient of its product with fixed weights."""
    @row(f"{name} of rows, 1024 x 1024", bytes=BYTES)
    def forward(lib):
        return lib.jit(lambda x: function(lib, x)), lib.arrays(normal(*SHAPE))

    @forward.torch
    def _(torch):
        return lambda x: in_torch(torch, x), tensors(normal(*SHAPE))

    @row(f"gradient of {name}, 1024 x 1024", bytes=BYTES * 3 // 2)
    def gradient(lib):
        def loss(x, weights):
            out = function(lib, x)
            return (out * weights[:out.size].reshape(out.shape)).sum()
        return lib.jit(lib.grad(loss)), lib.arrays(normal(*SHAPE), _weights())

    @gradient.torch
    def _(torch):
        x, = tensors(normal(*SHAPE), grad=True)
        weights, = tensors(_weights())

        def run():
            out = in_torch(torch, x)
            return torch.autograd.grad(out, x, weights[:out.numel()].reshape(out.shape))[0]
        return run, ()


def _weights():
    return normal(SHAPE[0] * SHAPE[1], seed=1)


def layer_norm(lib, x):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / lib.numpy.sqrt(variance + 1e-5)


_with_gradient("softmax", lambda lib, x: lib.nn.softmax(x),
               lambda torch, x: torch.softmax(x, -1))
_with_gradient("logsumexp", lambda lib, x: lib.nn.logsumexp(x, -1),
               lambda torch, x: torch.logsumexp(x, -1))
_with_gradient("layer norm", layer_norm,
               lambda torch, x: torch.nn.functional.layer_norm(x, x.shape[-1:]))
