"""`fft`: discrete Fourier transforms, by NumPy's pocketfft on the host.

The kinds are those of NumPy, in any number of axes: "fft" and "ifft" of complex arrays, "rfft" from
real to half of a Hermitian spectrum, "irfft" back; along the last of several axes the latter two
do their own transform, along the others "fft" or "ifft". Linear, so all rules are transforms again.

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

from functools import partial

import numpy as np

from functrans.errors import DtypeError, ShapeError
from functrans.ir.primitive import HostCall, Primitive
from functrans.ir.type import ArrayType, is_complex
from functrans.primitives.basic import broadcast
from functrans.primitives.elementwise import conj, eq, mul, or_, select
from functrans.primitives.matrices import as_dtype, complex_dtype, real_dtype
from functrans.primitives.shape import iota
from functrans.trace import bind

_FUNCTIONS = {"fft": np.fft.fftn, "ifft": np.fft.ifftn, "rfft": np.fft.rfftn,
              "irfft": np.fft.irfftn}

# The norm of the opposite transform by which the same factor is multiplied.
_SAME_FACTOR = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _infer(x, *, kind, sizes, axes, norm):
    if x.dtype.name not in ("float32", "float64", "complex64", "complex128") \
            or is_complex(x.dtype) == (kind == "rfft"):
        raise DtypeError(f"{kind} does not take {x}")
    if not axes or any(not 0 <= axis < x.ndim for axis in axes) or len(set(axes)) != len(axes):
        raise ShapeError(f"{kind}: {axes} are not axes of {x}")
    shape = list(x.shape)
    for axis, size in zip(axes, sizes, strict=True):
        given = size // 2 + 1 if kind == "irfft" and axis == axes[-1] else size
        if size < 1 or shape[axis] != given:
            raise ShapeError(f"{kind} of size {size} along axis {axis} takes {given} elements "
                             f"there, got {x}")
        shape[axis] = size
    if kind == "rfft":
        shape[axes[-1]] = sizes[-1] // 2 + 1
    dtype = real_dtype(x.dtype) if kind == "irfft" else complex_dtype(x.dtype)
    return ArrayType(tuple(shape), dtype)


def _evaluate(x, *, kind, sizes, axes, norm):
    if 0 in x.shape:
        out = _infer(ArrayType(x.shape, x.dtype), kind=kind, sizes=sizes, axes=axes, norm=norm)
        return np.empty(out.shape, out.dtype)
    return np.ascontiguousarray(_FUNCTIONS[kind](x, sizes, axes, norm))


def _transpose(ct, inputs, params):
    """The matrix of a complex transform is symmetric; for half spectra see below."""
    if params["kind"] in ("fft", "ifft"):
        return (bind(fft_p, ct, **params),)
    other = {**params, "norm": _SAME_FACTOR[params["norm"]]}
    if params["kind"] == "rfft":
        # Re(c exp(-i t)) is that of conj(c) exp(i t); irfft counts the inner half twice.
        halved = mul(conj(ct), _weights(ct.type, params, 0.5))
        return (bind(fft_p, halved, **{**other, "kind": "irfft"}),)
    spectrum = bind(fft_p, ct, **{**other, "kind": "rfft"})
    return (mul(conj(spectrum), _weights(spectrum.type, params, 2)),)


def _weights(kind: ArrayType, params, inner: float):
    """`inner` for those frequencies of a half spectrum that stand for two, 1 for the others."""
    axis, size = params["axes"][-1], params["sizes"][-1]
    place = iota(np.int64, (kind.shape[axis],), 0)
    single = eq(place, np.int64(0))
    if size % 2 == 0:
        single = or_(single, eq(place, np.int64(size // 2)))
    real = real_dtype(kind.dtype)
    ones = broadcast(real.type(1), place.shape)
    weights = as_dtype(select(single, ones, real.type(inner)), kind.dtype)
    return broadcast(weights, kind.shape, (axis,))


def _batch(size, args, batched, params):
    axes = tuple(axis + 1 for axis in params["axes"])
    return bind(fft_p, *args, **{**params, "axes": axes}), True


def _on_host(x, **params):
    return (_evaluate(x, **params),)


fft_p = Primitive(
    name="fft", infer=_infer, evaluate=_evaluate, inherits_weak=False,
    jvp=lambda out, primals, tangents, params: bind(fft_p, *tangents, **params),
    transpose=_transpose, batch=_batch,
    kernel=lambda types, params: HostCall(partial(_on_host, **params)))


def fft(x, kind: str, sizes, axes, norm: str = "backward"):
    """A transform of a `kind` over `axes`, which have `sizes` where it is real or complex in
    full. norm: "backward", "forward" or "ortho", as in NumPy."""
    return bind(fft_p, x, kind=kind, sizes=tuple(sizes), axes=tuple(axes), norm=norm)
