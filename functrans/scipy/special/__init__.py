"""Special functions, elementwise but for sums of exponentials: SciPy's names and arguments.

Integers count as default floats. Each is differentiable, of a parameter only where its docstring
does not say otherwise. Imports `numpy`, `nn`, `primitives`.
"""
from functrans.scipy.special.bessel import i0, i0e, i1, i1e
from functrans.scipy.special.entropies import entr, kl_div, rel_entr, xlog1py, xlogy
from functrans.scipy.special.errors import (erf, erfc, erfcinv, erfcx, erfinv, log_ndtr, ndtr,
                                            ndtri)
from functrans.scipy.special.exponentials import (expit, exprel, log_expit, log_softmax, logit,
                                                  logsumexp, softmax)
from functrans.scipy.special.gammas import (beta, betainc, betaln, binom, digamma, factorial,
                                            gamma, gammainc, gammaincc, gammaln, gammasgn,
                                            multigammaln, poch, polygamma, psi, zeta)

__all__ = [
    "beta", "betainc", "betaln", "binom", "digamma", "entr", "erf", "erfc", "erfcinv", "erfcx",
    "erfinv", "expit", "exprel", "factorial", "gamma", "gammainc", "gammaincc", "gammaln",
    "gammasgn", "i0", "i0e", "i1", "i1e", "kl_div", "log_expit", "log_ndtr", "log_softmax",
    "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "poch", "polygamma", "psi", "rel_entr",
    "softmax", "xlog1py", "xlogy", "zeta",
]
