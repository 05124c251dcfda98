"""Random numbers from keys: the same key gives the same numbers, on every target.

A key is split for each use; there is no hidden state:

    key = ft.random.key(0)
    weight_key, bias_key = ft.random.split(key)
    weights = ft.random.normal(weight_key, (784, 10))

All functions can be jitted, mapped over keys, and differentiated with respect to their
parameters.

The bits are those of JAX's default generator for the same key: threefry2x32 with 20 rounds, one
counter for each element (in JAX, `jax_threefry_partitionable=True`, its default). Distributions
turn them into the same numbers, to rounding, where the dtypes are the same too, but for two:
`orthogonal` goes another way; and of `poisson` from a rate of 10 and `binomial` from a mean of 10
each element is done with the first number that is accepted, whatever the others are.

Distributions that reject candidates (`gamma` and what is made of it, `poisson`, `binomial`,
`multinomial`) do so for each element by itself: it depends on the key, its place and its own
parameters only. A candidate on the very edge may be taken by one target and not by another, whose
logarithm is rounded otherwise: in float32 about once in ten million draws.
"""
from functrans.random.continuous import (
                                         cauchy,
                                         exponential,
                                         gumbel,
                                         laplace,
                                         logistic,
                                         normal,
                                         truncated_normal,
                                         uniform,
)
from functrans.random.counts import binomial, multinomial, poisson
from functrans.random.discrete import bernoulli, categorical, rademacher, randint
from functrans.random.gammas import (
                                     ball,
                                     beta,
                                     chisquare,
                                     dirichlet,
                                     f,
                                     gamma,
                                     generalized_normal,
                                     loggamma,
                                     t,
)
from functrans.random.keys import (
                                   PRNGKey,
                                   bits,
                                   clone,
                                   fold_in,
                                   key,
                                   key_data,
                                   key_impl,
                                   split,
                                   wrap_key_data,
)
from functrans.random.reflections import orthogonal
from functrans.random.shuffling import choice, permutation
from functrans.random.transformed import (
                                          double_sided_maxwell,
                                          geometric,
                                          lognormal,
                                          maxwell,
                                          multivariate_normal,
                                          pareto,
                                          rayleigh,
                                          triangular,
                                          wald,
                                          weibull_min,
)

__all__ = [
    "PRNGKey", "ball", "bernoulli", "beta", "binomial", "bits", "categorical", "cauchy",
    "chisquare", "choice", "clone", "dirichlet", "double_sided_maxwell", "exponential", "f",
    "fold_in", "gamma", "generalized_normal", "geometric", "gumbel", "key", "key_data",
    "key_impl", "laplace", "loggamma", "logistic", "lognormal", "maxwell", "multinomial",
    "multivariate_normal", "normal", "orthogonal", "pareto", "permutation", "poisson",
    "rademacher", "randint", "rayleigh", "split", "t", "triangular", "truncated_normal",
    "uniform", "wald", "weibull_min", "wrap_key_data",
]
