"""Distributions: densities, distribution functions and quantiles, with SciPy's names.

    stats.norm.logpdf(x, loc, scale)      stats.gamma.cdf(x, a)      stats.poisson.logpmf(k, mu)

All are differentiable in the value, and in the parameters but for those of the incomplete gamma
and beta functions (`cdf` and `sf` of gamma, beta, t and their kin). Parameters that are not allowed
give NaN. `gaussian_kde` estimates a density from samples; `mode`, `rankdata` and `sem` describe
them. Imports `numpy`, `lax`, `random`, `scipy.special`.
"""
from functrans.scipy.stats.continuous import (beta, cauchy, chi2, expon, gamma, gennorm, gumbel_l,
                                              gumbel_r, halfnorm, invgamma, laplace, logistic,
                                              lognorm, norm, pareto, rayleigh, t, truncnorm,
                                              uniform, vonmises, weibull_min, wrapcauchy)
from functrans.scipy.stats.density import gaussian_kde
from functrans.scipy.stats.discrete import bernoulli, betabinom, binom, geom, nbinom, poisson
from functrans.scipy.stats.multivariate import (categorical, dirichlet, multinomial,
                                                multivariate_normal)
from functrans.scipy.stats.samples import mode, rankdata, sem

__all__ = [
    "bernoulli", "beta", "betabinom", "binom", "categorical", "cauchy", "chi2", "dirichlet",
    "expon", "gamma", "gaussian_kde", "gennorm", "geom", "gumbel_l", "gumbel_r", "halfnorm",
    "invgamma", "laplace", "logistic", "lognorm", "mode", "multinomial", "multivariate_normal",
    "nbinom", "norm", "pareto", "poisson", "rankdata", "rayleigh", "sem", "t", "truncnorm",
    "uniform", "vonmises", "weibull_min", "wrapcauchy",
]
