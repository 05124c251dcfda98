"""Special functions of `lax`: erf, the gamma and beta functions and their kin, Bessel functions.

Operands are real floating-point numbers of one dtype and one shape; what each of them is computed
by, and how accurately, is said at `functrans.scipy.special`. Imports `lax.operands`, `primitives`.
"""
from __future__ import annotations

from functrans.lax.operands import alike, apply, checked, unary, unary_to_accuracy
from functrans.primitives import functions, incomplete

logistic = unary_to_accuracy("logistic", functions.logistic_p, "1 / (1 + exp(-x)).",
                             "logistic(0.0)", "Array(0.5, dtype=float32, weak_type=True)")
erf = unary("erf", functions.erf_p, "The error function.", "erf(0.0)",
            "Array(0., dtype=float32, weak_type=True)")
erfc = unary("erfc", functions.erfc_p, "1 - erf(x), accurate for large x.", "erfc(0.0)",
             "Array(1., dtype=float32, weak_type=True)")
erf_inv = unary("erf_inv", functions.erf_inv_p, "The inverse of erf.", "erf_inv(0.0)",
                "Array(0., dtype=float32, weak_type=True)")
lgamma = unary("lgamma", functions.lgamma_p, "log|Gamma(x)|.", "lgamma(1.0)",
               "Array(0., dtype=float32, weak_type=True)")
digamma = unary("digamma", functions.digamma_p, "The derivative of lgamma.", "digamma(1.0)",
                "Array(-0.5772157, dtype=float32, weak_type=True)")
bessel_i0e = unary("bessel_i0e", incomplete.bessel_i0e_p, "exp(-|x|) I0(x).", "bessel_i0e(0.0)",
                   "Array(1., dtype=float32, weak_type=True)")
bessel_i1e = unary("bessel_i1e", incomplete.bessel_i1e_p, "exp(-|x|) I1(x).", "bessel_i1e(0.0)",
                   "Array(0., dtype=float32, weak_type=True)")


def polygamma(m, x):
    """The derivative of order `m` of digamma at `x`; `m` is a whole floating-point number.

    >>> from functrans import lax
    >>> lax.polygamma(1.0, 1.0)
    Array(1.644934, dtype=float32)
    """
    return apply(functions.polygamma_p, *alike("polygamma", m, x))


def zeta(x, q):
    """The Hurwitz zeta function: the sum over k of (q + k)**-x.

    >>> from functrans import lax
    >>> lax.zeta(2.0, 1.0)
    Array(1.644934, dtype=float32)
    """
    return apply(incomplete.zeta_p, *alike("zeta", x, q))


def igamma(a, x):
    """The lower incomplete gamma function P(a, x), regularized.

    >>> from functrans import lax
    >>> lax.igamma(1.0, 0.0)
    Array(0., dtype=float32)
    """
    return apply(incomplete.igamma_p, *alike("igamma", a, x))


def igammac(a, x):
    """The upper incomplete gamma function Q(a, x), regularized.

    >>> from functrans import lax
    >>> lax.igammac(1.0, 0.0)
    Array(1., dtype=float32)
    """
    return apply(incomplete.igammac_p, *alike("igammac", a, x))


def igamma_grad_a(a, x):
    """The derivative of `igamma` in `a`.

    >>> from functrans import lax
    >>> lax.igamma_grad_a(1.0, 1.0)
    Array(-0.43172967, dtype=float32)
    """
    a, x = alike("igamma_grad_a", a, x)
    return -incomplete.gamma_by_parameter(*checked(incomplete.igamma_p, a, x))


def random_gamma_grad(a, x):
    """The derivative in `a` of the gamma number `x`, which keeps its place in the distribution.

    That is minus `igamma_grad_a(a, x)` over the density at x (Figurnov, Mohamed, Mnih, "Implicit
    reparameterization gradients", NeurIPS 2018). 0 where x is 0.

    >>> from functrans import lax
    >>> lax.random_gamma_grad(1.0, 1.0)
    Array(1.173563, dtype=float32)
    """
    a, x = alike("random_gamma_grad", a, x)
    return incomplete.gamma_number_by_parameter(*checked(incomplete.igamma_p, a, x))


def betainc(a, b, x):
    """The incomplete beta function, regularized.

    >>> from functrans import lax
    >>> lax.betainc(1.0, 1.0, 0.25)
    Array(0.25, dtype=float32)
    """
    return apply(incomplete.betainc_p, *alike("betainc", a, b, x))
