"""PyTorch, by `torch.func`; `jit` is `torch.compile` up to and including its own autograd.

Names are PyTorch's, in NumPy's order of arguments.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.extras import require
from functrans.testing.conformance import reference
from functrans.testing.conformance.dtypes import dtype_named
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.namespace import Namespace, NotOffered

torch = require("torch", "conformance")
F = require("torch.nn.functional", "conformance")


def _extreme(name: str) -> Callable:
    """The largest or smallest elements, ties shared, as NumPy's name means it."""
    function = getattr(torch, f"a{name}")
    return lambda x, axis=(): function(x, dim=axis)


def _accumulating(function: Callable, running: Callable) -> Callable:
    """A function of two arrays that can also run along an axis, as NumPy's ufuncs can."""
    def call(x, y):
        return function(x, y)
    call.accumulate = lambda x, axis: running(x, axis).values
    return call


def _indexed(x, index, y, accumulate: bool = False):
    return x.index_put((index,), y, accumulate=accumulate)


def _reduced(how: str) -> Callable:
    return lambda x, index, y: x.index_reduce(0, index, y, how)


def _scan(step, state, xs, reverse: bool = False):
    """A loop of Python's, as PyTorch's users write it."""
    rows = []
    for x in reversed(xs.unbind(0)) if reverse else xs.unbind(0):
        state, row = step(state, x)
        rows.append(row)
    return state, torch.stack(rows[::-1] if reverse else rows)


def _absent(why: str):
    raise NotOffered(why)


def _cond(chosen, yes, no, *operands):
    return torch.cond(chosen, yes, no, operands)


def _while_loop(condition, body, state):
    """What is carried must be tensors, new ones after each step."""
    carried = tuple(part if torch.is_tensor(part) else torch.tensor(part) for part in state)
    return torch.while_loop(lambda *parts: condition(parts), lambda *parts: tuple(body(parts)),
                            carried)


def _checkpoint(function: Callable) -> Callable:
    checkpoint = require("torch.utils.checkpoint", "conformance").checkpoint
    return lambda *xs: checkpoint(function, *xs, use_reentrant=False)


def _transpose(x, axes):
    return x.permute(*axes)


def _pad(x, widths, mode="constant", constant_values=0):
    flat = [int(n) for pair in reversed(widths) for n in pair]
    if mode == "edge":                      # PyTorch pads so only behind a batch and channels
        return F.pad(x[None, None], flat, mode="replicate")[0, 0]
    return F.pad(x, flat, mode=mode, value=constant_values)


def _split(x, parts, axis):
    return torch.chunk(x, parts, axis)


def _scalar_or(function: Callable) -> Callable:
    """Full reductions have no axis in PyTorch's spelling."""
    return lambda x, axis=None: function(x) if axis is None else function(x, axis)


def _median(x, axis):
    return torch.quantile(x, 0.5, dim=axis)


def _norm(x):
    return torch.linalg.vector_norm(x)


def _svd(x, full_matrices=True, compute_uv=True):
    return torch.linalg.svd(x, full_matrices) if compute_uv else torch.linalg.svdvals(x)


def _solve_triangular(a, b, lower, transposed=False):
    if transposed:
        a, lower = a.mT, not lower
        return torch.linalg.solve_triangular(a, b, upper=not lower)
    return torch.linalg.solve_triangular(a, b, upper=not lower)


class Torch(Library):
    name = "torch"
    pairing = "conjugate"
    refusals = (r"not implemented for '", r"[Uu]nsupported (ScalarType|dtype)",
                r"must be either float or double dtype", r"has no attribute 'reduce'",
                r"Expected a floating point or complex tensor", r"step must be greater than zero",
                r"does not support (complex|Half|bool)")
    names = Namespace(
        torch.linalg, torch, torch.special, equal=torch.eq, sign=torch.sgn,
        concatenate=lambda xs, axis: torch.cat(xs, axis), transpose=_transpose,
        broadcast_to=torch.broadcast_to, flip=lambda x, axes: torch.flip(
            x, axes if isinstance(axes, tuple) else (axes,)),
        pad=_pad, split=_split, tile=torch.tile, roll=torch.roll,
        repeat=lambda x, n, axis: torch.repeat_interleave(x, n, axis),
        take=lambda x, i, axis: torch.index_select(x, axis, i),
        take_along_axis=torch.take_along_dim, sort=lambda x, axis: torch.sort(x, axis).values,
        searchsorted=torch.searchsorted, max=_extreme("max"), min=_extreme("min"),
        maximum=_accumulating(torch.maximum, torch.cummax),
        minimum=_accumulating(torch.minimum, torch.cummin),
        prod=_scalar_or(torch.prod), var=lambda x, axis: torch.var(x, axis, correction=0),
        std=lambda x, axis: torch.std(x, axis, correction=0), norm=_norm, median=_median,
        invert=torch.bitwise_not, left_shift=torch.bitwise_left_shift,
        right_shift=torch.bitwise_right_shift, absolute=torch.abs, rint=torch.round,
        power=torch.pow, conj=torch.conj_physical, rsqrt=torch.rsqrt, square=torch.square,
        cbrt=lambda x: _absent("there is no cbrt"),
        stop_gradient=lambda x: x.detach(), relu=F.relu, softplus=F.softplus,
        softmax=lambda x, axis: torch.softmax(x, axis), i0e=torch.special.i0e,
        betaln=lambda a, b: torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b),
        polygamma=lambda n, x: _absent("polygamma takes one order for all elements"),
        add_at=lambda x, i, y: _indexed(x, i, y, True), set_at=_indexed,
        multiply_at=_reduced("prod"), minimum_at=_reduced("amin"), maximum_at=_reduced("amax"),
        tensordot=torch.tensordot, qr=torch.linalg.qr, svd=_svd,
        lu=lambda x: torch.linalg.lu(x)[1:],
        solve_triangular=_solve_triangular, zeta=torch.special.zeta,
        bitcast=lambda x, name: x.view(getattr(torch, name)),
        lu_solve=lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b),
        fft=torch.fft.fft, ifft=lambda x, axis=-1: torch.fft.ifft(x, dim=axis),
        fft2=torch.fft.fft2, rfft=torch.fft.rfft, irfft=torch.fft.irfft,
        scan=_scan, fori_loop=reference.fori_loop, cond=_cond, while_loop=_while_loop,
        checkpoint=_checkpoint,
        jit=lambda function: _absent("compiled functions do not nest in torch.func"),
        astype=lambda x, name: x.to(getattr(torch, name.rpartition(".")[2])),
        arange=lambda n: torch.arange(n), nextafter=torch.nextafter)

    def version(self) -> str:
        return f"torch {torch.__version__}, jit by torch.compile(backend='aot_eager')"

    def array(self, value: np.ndarray):
        if value.dtype.name == "bfloat16":      # PyTorch and NumPy exchange its bits only
            return torch.from_numpy(np.array(value).view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(np.array(value))

    def numpy(self, value) -> np.ndarray:
        plain = value.detach().resolve_conj().resolve_neg()
        if value.dtype == torch.bfloat16:
            return plain.view(torch.int16).numpy(force=True).view(dtype_named("bfloat16"))
        return plain.numpy(force=True)

    def jit(self, function: Callable) -> Callable:
        self.reset()                      # functions of one code share a limit of compilations
        compiled = torch.compile(function, backend="aot_eager", fullgraph=True)

        def call(*xs):
            function(*xs)                 # so that what is not offered says so by itself
            return compiled(*xs)
        return call

    def vmap(self, function: Callable, axes: Sequence) -> Callable:
        return torch.func.vmap(function, in_dims=tuple(axes))

    def jvp(self, function, points, tangents):
        return torch.func.jvp(function, tuple(points), tuple(tangents))[1]

    def vjp(self, function, points, cotangents):
        return torch.func.vjp(function, *points)[1](tuple(cotangents))

    def reset(self):
        torch._dynamo.reset()
