"""Random numbers from keys: the same key gives the same numbers, on every target.

A key is split for each use; there is no hidden state:

    key = ft.random.key(0)
    weight_key, bias_key = ft.random.split(key)
    weights = ft.random.normal(weight_key, (784, 10))

All functions can be jitted, mapped over keys, and differentiated with respect to their
parameters.

The bits are those of JAX's default generator for the same key: threefry2x32 with 20 rounds, one
counter for each element (in JAX, `jax_threefry_partitionable=True`, its default). Distributions
turn them into the same numbers, to rounding, where the dtypes are the same too; `orthogonal` alone
goes another way.
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
from functrans.random.discrete import bernoulli, categorical, rademacher, randint
from functrans.random.keys import PRNGKey, bits, fold_in, key, key_data, split, wrap_key_data
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
    "PRNGKey", "bernoulli", "bits", "categorical", "cauchy", "choice", "double_sided_maxwell",
    "exponential", "fold_in", "geometric", "gumbel", "key", "key_data", "laplace", "logistic",
    "lognormal", "maxwell", "multivariate_normal", "normal", "orthogonal", "pareto", "permutation",
    "rademacher", "randint", "rayleigh", "split", "triangular", "truncated_normal", "uniform",
    "wald", "weibull_min", "wrap_key_data",
]
