"""The rows of linear algebra and of Fourier transforms.

Complex vectors are determined but for a phase, which LAPACK chooses in its own way: so derivatives
of those that depend on it are tried in tests/numpy/test_linalg.py, on what does not.
"""
from __future__ import annotations

from cases import COMPLEX, Operand, Row, case

from functrans.primitives import fft, linalg, orthogonal, spectral, triangular

REALS = ("float32", "float64")
MATRICES = REALS + COMPLEX
_PHASE = REALS + ("complex64",)


def _dominant(*shape) -> Operand:
    return Operand(shape, "dominant")


_TRIANGLES = tuple(
    case(_dominant(3, 3), (3, 2), lower=lower, letter=letter, unit=unit)
    for lower, letter, unit in ((True, "N", False), (False, "T", False), (True, "C", True),
                                (False, "N", True)))

def _transform(shape, complex_kind: str, axes: tuple, norm: str = "backward", last=None):
    """A case of `fft`: of `complex_kind` for complex operands, "rfft" for real ones.

    last: the size along the last axis of an "irfft".
    """
    def params(x):
        kind = complex_kind if x.dtype.kind == "c" else "rfft"
        sizes = [shape[axis] for axis in axes]
        if kind == "irfft":
            sizes[-1] = last
        return dict(kind=kind, sizes=tuple(sizes), axes=axes, norm=norm)
    return case(shape, params=params)


LINALG = [
    Row(triangular.cholesky_p, (case(Operand((3, 3), "definite")),
                                case(Operand((2, 2, 2), "definite")), case((0, 0))),
        MATRICES, ulp=64),
    Row(triangular.triangular_solve_p, (
        *_TRIANGLES, case(_dominant(2, 3, 3), (2, 3, 1), lower=True, letter="N", unit=False)),
        MATRICES, ulp=64),
    Row(linalg.lu_p, (case((3, 3)), case((2, 4, 2)), case((2, 3))), MATRICES, ulp=512),
    Row(linalg.pivot_order_p, (case(Operand((2, 3), "index:3", "int64"), size=4),
                               case(Operand((3,), "index:3", "int64"), size=3)), ("float32",)),
    Row(linalg.solve_p, (case(_dominant(3, 3), (3, 2), letter="N"),
                         case(_dominant(2, 3, 3), (2, 3, 1), letter="T"),
                         case(_dominant(2, 2), (2, 2), letter="C")), MATRICES, ulp=64),
    Row(linalg.det_p, (case((3, 3)), case((2, 4, 4)), case((1, 1))), MATRICES, ulp=256),
    Row(linalg.slogdet_p, (case((3, 3)), case((2, 2, 2))), MATRICES, ulp=256),
    Row(orthogonal.qr_p, (case((3, 3), mode="reduced"), case((2, 4, 2), mode="reduced"),
                          case((2, 3), mode="reduced"),
                          case((3, 2), mode="complete", fixed=(0,)),
                          case((3, 2), mode="raw", fixed=(0,))), MATRICES, ulp=512),
    Row(orthogonal.svd_p, (case((3, 3), full=False, vectors=True),
                           case((2, 4, 2), full=False, vectors=True),
                           case((2, 3), full=False, vectors=True),
                           case((3, 2), full=False, vectors=False),
                           case((3, 2), full=True, vectors=True, fixed=(0,))),
        _PHASE, ulp=512),
    Row(orthogonal.pinv_p, (case((3, 2), Operand((), "exactly:0")),
                            case((2, 2, 3), Operand((2,), "exactly:0"))), REALS, ulp=512),
    Row(spectral.eigh_p, (case((3, 3), vectors=True), case((2, 4, 4), vectors=True),
                          case((3, 3), vectors=False)), _PHASE, ulp=512),
    Row(spectral.eig_p, (case((4, 4), vectors=True, fixed=(0,)),
                         case((2, 3, 3), vectors=False, fixed=(0,))), MATRICES, ulp=512),
    Row(fft.fft_p, (_transform((2, 5), "fft", (1,)), _transform((4, 3), "ifft", (0,), "forward"),
                    _transform((2, 4, 3), "fft", (2, 1), "ortho"),
                    _transform((3, 2), "irfft", (0,), "backward", 5),
                    _transform((2, 3), "irfft", (0, 1), "ortho", 4)), MATRICES, ulp=64),
]
