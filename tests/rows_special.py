"""The rows of the elementwise functions of statistics."""
from __future__ import annotations

from cases import FLOATS, Operand, Row, case, unary

from functrans.primitives import incomplete as I


def _in_both(primitive) -> Row:
    """Two operands; there is no second derivative in the first."""
    cases = tuple(case(*[Operand(shape, "positive")] * 2) for shape in ((2, 3), (), (0, 2)))
    return Row(primitive, cases, FLOATS, second=False)


def _given(primitive, count: int, *kinds, **options) -> Row:
    """The first operands, `count` of them, are parameters without a derivative."""
    cases = tuple(case(*[Operand(shape, kind) for kind in kinds], fixed=tuple(range(count)))
                  for shape in ((2, 3), (), (0, 2)))
    return Row(primitive, cases, FLOATS, **options)


SPECIAL = [
    _in_both(I.igamma_p), _in_both(I.igammac_p),
    _given(I.gamma_slope_p, 1, "positive", "normal"),
    Row(I.betainc_p, tuple(case(Operand(shape, "positive"), Operand(shape, "above_one"),
                                Operand(shape, "within")) for shape in ((2, 3), (), (0, 2))),
        FLOATS, second=False),
    Row(I.betainc_slope_p, tuple(
        case(Operand((2, 3), "positive"), Operand((2, 3), "above_one"), Operand((2, 3), "within"),
             fixed=(0, 1), place=place) for place in (0, 1)), FLOATS),
    Row(I.lbeta_p, tuple(case(*[Operand(shape, "positive")] * 2) for shape in ((2, 3), (), (0, 2))),
        FLOATS, ulp=64),
    _given(I.zeta_p, 1, "above_one", "positive", ulp=16),
    unary(I.bessel_i0e_p, "nonzero", FLOATS), unary(I.bessel_i1e_p, "nonzero", FLOATS),
    unary(I.erfcx_p, "normal", FLOATS, ulp=16), unary(I.log_ndtr_p, "normal", FLOATS, ulp=64),
    unary(I.ndtri_p, "within", FLOATS, ulp=64),
]
