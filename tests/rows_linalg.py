"""The rows of linear algebra and of Fourier transforms.

Complex vectors are determined but for a phase, which LAPACK chooses in its own way: so derivatives
of those that depend on it are tried in tests/numpy/test_linalg.py, on what does not.
"""
from __future__ import annotations

from cases import COMPLEX, Operand, Row, case

from functrans.primitives import linalg, orthogonal, spectral, triangular

REALS = ("float32", "float64")
MATRICES = REALS + COMPLEX
_PHASE = REALS + ("complex64",)


def _dominant(*shape) -> Operand:
    return Operand(shape, "dominant")


_TRIANGLES = tuple(
    case(_dominant(3, 3), (3, 2), lower=lower, letter=letter, unit=unit)
    for lower, letter, unit in ((True, "N", False), (False, "T", False), (True, "C", True),
                                (False, "N", True)))

LINALG = [
    Row(triangular.cholesky_p, (case(Operand((3, 3), "definite")),
                                case(Operand((2, 2, 2), "definite")), case((0, 0))),
        MATRICES, ulp=64),
    Row(triangular.triangular_solve_p, (
        *_TRIANGLES, case(_dominant(2, 3, 3), (2, 3, 1), lower=True, letter="N", unit=False)),
        MATRICES, ulp=64),
    Row(linalg.lu_p, (case((3, 3)), case((2, 4, 2)), case((2, 3))), MATRICES, ulp=512),
    Row(linalg.solve_p, (case(_dominant(3, 3), (3, 2), letter="N"),
                         case(_dominant(2, 3, 3), (2, 3, 1), letter="T"),
                         case(_dominant(2, 2), (2, 2), letter="C")), MATRICES, ulp=64),
    Row(linalg.det_p, (case((3, 3)), case((2, 4, 4)), case((1, 1))), MATRICES, ulp=256),
    Row(linalg.slogdet_p, (case((3, 3)), case((2, 2, 2))), MATRICES, ulp=256),
    Row(orthogonal.qr_p, (case((3, 3), mode="reduced"), case((2, 4, 2), mode="reduced"),
                          case((2, 3), mode="reduced"),
                          case((3, 2), mode="complete", derivative=False),
                          case((3, 2), mode="raw", derivative=False)), MATRICES, ulp=512),
    Row(orthogonal.svd_p, (case((3, 3), full=False, vectors=True),
                           case((2, 4, 2), full=False, vectors=True),
                           case((2, 3), full=False, vectors=True),
                           case((3, 2), full=False, vectors=False),
                           case((3, 2), full=True, vectors=True, derivative=False)),
        _PHASE, ulp=512),
    Row(orthogonal.pinv_p, (case((3, 2), Operand((), "exactly:0")),
                            case((2, 2, 3), Operand((2,), "exactly:0"))), REALS, ulp=512),
    Row(spectral.eigh_p, (case((3, 3), vectors=True), case((2, 4, 4), vectors=True),
                          case((3, 3), vectors=False)), _PHASE, ulp=512),
    Row(spectral.eig_p, (case((4, 4), vectors=True, derivative=False),
                         case((2, 3, 3), vectors=False, derivative=False)), MATRICES, ulp=512),
]
