"""Autograd: NumPy's names, forward and reverse mode, neither compilation nor vectorization."""
from __future__ import annotations

from importlib.metadata import version

import numpy as np

from functrans.extras import require
from functrans.testing.conformance import reference
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.namespace import Namespace, NotOffered

autograd = require("autograd", "conformance")
anp = require("autograd.numpy", "conformance")
special = require("autograd.scipy.special", "conformance")
boxed_tuple = require("autograd.builtins", "conformance").tuple


def _scan(step, state, xs, reverse: bool = False):
    """A loop of Python's, as Autograd's users write it."""
    rows = []
    for x in list(xs)[::-1] if reverse else xs:
        state, row = step(state, x)
        rows.append(row)
    return state, anp.stack(rows[::-1] if reverse else rows)


def _pad(x, widths, mode="constant", **options):
    """Its rule wants the mode to be named."""
    return anp.pad(x, widths, mode, **options)


@require("autograd.extend", "conformance").primitive
def _own_reverse(x):
    return np.sin(x)


require("autograd.extend", "conformance").defvjp(_own_reverse,
                                                 lambda out, x: lambda ct: ct * anp.cos(x))


class Autograd(Library):
    name = "autograd"
    offers = ("jvp", "vjp")
    refusals = (r"array type float16 is unsupported", r"not supported for the input types",
                r"has no attribute '(reduce|accumulate)'", r"Can't differentiate w\.r\.t\. type")
    names = Namespace(
        anp, anp.linalg, special, fft=anp.fft.fft, ifft=anp.fft.ifft, fft2=anp.fft.fft2,
        rfft=anp.fft.rfft, irfft=anp.fft.irfft, scan=_scan, cond=reference.cond,
        switch=reference.switch, while_loop=reference.while_loop,
        fori_loop=reference.fori_loop, checkpoint=autograd.checkpoint, custom_vjp=_own_reverse,
        pad=_pad, astype=lambda x, name: x.astype(name))

    def version(self) -> str:
        return f"autograd {version('autograd')}"

    def array(self, value: np.ndarray):
        if value.dtype.name == "bfloat16":
            raise NotOffered("the dtype is refused: Autograd knows NumPy's own dtypes only")
        return np.array(value)

    def jvp(self, function, points, tangents):
        def packed(values):
            return boxed_tuple(function(*values))
        return autograd.make_jvp(packed)(tuple(points))(tuple(tangents))[1]

    def vjp(self, function, points, cotangents):
        def packed(values):
            return boxed_tuple(function(*values))
        return autograd.make_vjp(packed)(tuple(points))[0](tuple(cotangents))
