"""Special functions, elementwise but for sums of exponentials: SciPy's names and arguments.

Integers count as default floats. Each is differentiable, of a parameter only where its docstring
does not say otherwise. Imports `numpy`, `nn`, `primitives`.
"""
from functrans.scipy.special.bessel import i0, i0e, i1, i1e
from functrans.scipy.special.entropies import entr, kl_div, rel_entr, xlog1py, xlogy
from functrans.scipy.special.errors import (erf, erfc, erfcinv, erfcx, erfinv, log_ndtr, ndtr,
                                            ndtri)
from functrans.scipy.special.exponential_integrals import exp1, expi, expn
from functrans.scipy.special.exponentials import (expit, exprel, log_expit, log_softmax, logit,
                                                  logsumexp, softmax)
from functrans.scipy.special.gammas import (beta, betainc, betaln, binom, digamma, factorial,
                                            gamma, gammainc, gammaincc, gammaln, gammasgn,
                                            loggamma, multigammaln, poch, polygamma, psi, zeta)
from functrans.scipy.special.integrals import dawsn, owens_t, spence
from functrans.scipy.special.oscillating import fresnel, sici
from functrans.scipy.special.powers import bernoulli, boxcox, boxcox1p, comb
from functrans.scipy.special.recurrences import bessel_jn, sph_harm_y

__all__ = [
    "bernoulli", "bessel_jn", "beta", "betainc", "betaln", "binom", "boxcox", "boxcox1p",
    "comb", "dawsn", "digamma", "entr", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "exp1",
    "expi", "expit", "expn", "exprel", "factorial", "fresnel", "gamma", "gammainc", "gammaincc",
    "gammaln", "gammasgn", "i0", "i0e", "i1", "i1e", "kl_div", "log_expit", "log_ndtr",
    "log_softmax", "loggamma", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "owens_t",
    "poch", "polygamma", "psi", "rel_entr", "sici", "softmax", "spence", "sph_harm_y",
    "xlog1py", "xlogy", "zeta",
]
