"""`lax.fft`: Fourier transforms over the last axes. Imports `lax.operands`, `numpy.fft`."""
from __future__ import annotations

import enum
from collections.abc import Sequence

import functrans.numpy as fnp
from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.ir.type import is_complex, is_float
from functrans.lax.operands import one


class FftType(enum.IntEnum):
    """The kinds of Fourier transforms: forwards and back, of complex and of real numbers."""
    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


def fft(x, fft_type: FftType | str, fft_lengths: Sequence[int]):
    """The Fourier transform over the last axes, as many as there are lengths.

    fft_type: a `FftType` or its name. "FFT", "IFFT" take complex numbers, "IRFFT" too, of which the
        last axis has length // 2 + 1; "RFFT" takes real ones.
    fft_lengths: the sizes of these axes, of the real array for "RFFT" and "IRFFT".
    Raises TypeError for other dtypes, ValueError for other sizes.

    >>> from functrans import lax, numpy as fnp
    >>> lax.fft(fnp.ones(4), "RFFT", (4,)).real
    Array([4., 0., 0.], dtype=float32)
    """
    x, kind, lengths = one(x, "fft"), _kind(fft_type), tuple(int(size) for size in fft_lengths)
    takes = is_float if kind is FftType.RFFT else is_complex
    if not takes(x.dtype):
        raise DtypeError(f"lax.fft: {kind.name} takes "
                         f"{'real' if takes is is_float else 'complex'} numbers, got {x.type}")
    wanted = lengths
    if kind is FftType.IRFFT and lengths:
        wanted = (*lengths[:-1], lengths[-1] // 2 + 1)
    if len(lengths) > x.ndim or x.shape[x.ndim - len(lengths):] != wanted:
        raise ShapeError(f"lax.fft: {kind.name} with fft_lengths={lengths} takes an array whose "
                         f"last axes have sizes {wanted}, got {x.type}")
    if not lengths:
        return x
    function = getattr(fnp.fft, kind.name.lower() + "n")
    return function(x, lengths, tuple(range(x.ndim - len(lengths), x.ndim)))


def _kind(fft_type) -> FftType:
    try:
        return FftType[fft_type.upper()] if isinstance(fft_type, str) else FftType(fft_type)
    except (KeyError, ValueError):
        raise ArgumentError(f"lax.fft: fft_type must be one of {', '.join(FftType.__members__)}, "
                            f"got {fft_type!r}") from None
