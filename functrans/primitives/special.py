"""Special functions of arrays of floats, in NumPy: all of `special_*` in one place.

Each takes arrays of float16, float32 or float64 (any shape), computes in float64 and rounds to
the operands' dtype. None warns.

Example:
  >>> from functrans.primitives import special
  >>> round(float(special.erf(0.5)), 12)
  0.520499877813
"""
from functrans.primitives.special_bessel import bessel_i0e, bessel_i1e
from functrans.primitives.special_beta import betainc
from functrans.primitives.special_erf import erf, erf_inv, erfc, logistic
from functrans.primitives.special_gamma import digamma, lgamma, polygamma
from functrans.primitives.special_incomplete import gamma_slope, igamma, igammac

__all__ = [
    "bessel_i0e", "bessel_i1e", "betainc", "digamma", "erf", "erf_inv", "erfc", "gamma_slope",
    "igamma", "igammac", "lgamma", "logistic", "polygamma",
]
