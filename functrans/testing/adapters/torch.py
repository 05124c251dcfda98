"""Functions of PyTorch, as the checks see them. The extra `torch` brings it.

In: functions of tensors, in pytrees of dicts, lists and tuples. Out: `Torch`, an adapter. Imports
PyTorch when one is made.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.extras import require
from functrans.testing.adapters.base import Adapter


class Torch(Adapter):
    """PyTorch. Reverse mode is `torch.autograd.grad`, which takes functions of every kind."""
    name = "torch"
    conjugates = True

    def __init__(self):
        self.torch = require("torch", "torch")

    def dtype(self, leaf) -> str:
        dtype = leaf.dtype if hasattr(leaf, "dtype") else self.torch.as_tensor(leaf).dtype
        return str(dtype).removeprefix("torch.")

    def numpy(self, leaf) -> np.ndarray:
        value = self.torch.as_tensor(leaf).detach()
        if value.dtype.is_complex:
            return value.to(self.torch.complex128).resolve_conj().numpy()
        return value.double().numpy() if value.dtype.is_floating_point else value.numpy()

    def array(self, values: np.ndarray, dtype: str):
        kind = getattr(self.torch, dtype)
        return self.torch.as_tensor(np.array(values)).to(kind)

    def tensor(self, leaf):
        """A tensor, made of a number or an array where it is not one: those carry no tangents."""
        return leaf if isinstance(leaf, self.torch.Tensor) \
            else self.array(self.numpy(leaf), self.dtype(leaf))

    # ---- transformations ----

    def jvp(self, function: Callable, points: Sequence, tangents: Sequence) -> tuple:
        """`torch.func.jvp`, which nests; where a function does not suit it, dual numbers."""
        points, tangents = tuple(map(self.tensor, points)), tuple(tangents)
        try:
            return self.torch.func.jvp(lambda *xs: tuple(function(*xs)), points, tangents)
        except RuntimeError:
            return self._duals(function, points, tangents)

    def _duals(self, function: Callable, points: tuple, tangents: tuple) -> tuple:
        forward = self.torch.autograd.forward_ad
        with forward.dual_level():
            duals = [forward.make_dual(point, tangent)
                     for point, tangent in zip(points, tangents, strict=True)]
            pairs = [forward.unpack_dual(out) for out in function(*duals)]
        return (tuple(pair.primal for pair in pairs),
                tuple(self.torch.zeros_like(pair.primal) if pair.tangent is None else pair.tangent
                      for pair in pairs))

    def vjp(self, function: Callable, points: Sequence) -> tuple:
        inputs = [point if point.requires_grad else point.clone().requires_grad_()
                  for point in map(self.tensor, points)]
        outs = tuple(function(*inputs))

        def pull(cotangents: Sequence) -> tuple:
            moved = [(out, ct) for out, ct in zip(outs, cotangents, strict=True)
                     if out.requires_grad]
            if not moved or not inputs:
                return tuple(map(self.torch.zeros_like, inputs))
            grads = self.torch.autograd.grad(
                [out for out, _ in moved], inputs, [ct for _, ct in moved], create_graph=True,
                allow_unused=True)
            return tuple(self.torch.zeros_like(x) if grad is None else grad
                         for x, grad in zip(inputs, grads))
        return outs, pull

    def vmap(self, function: Callable, in_axes, out_axes=0) -> Callable:
        return self.torch.func.vmap(function, in_axes, out_axes)

    def jit(self, function: Callable) -> Callable:
        return self.torch.compile(function)
